"""What differs between two declared documents, in words.

Works on any dataclasses whose fields carry words (`pricing/declare.py`), so a word that is new
in the document is told of without a line here.  Items of a list are known by their `id` or
`code`, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, is_dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Literal

from loyalty_core.domain.conditions.tell import NO_NAMES, Names, called, tell
from loyalty_core.domain.conditions.tree import All, AnyOf, Leaf, Not
from loyalty_core.domain.dates import local_time
from loyalty_core.domain.day_spans import day_spans
from loyalty_core.domain.pricing.declare import Word, words_of

KEYS = ("id", "code")
UNORDERED = frozenset({"promotions", "tiers"})
"""Lists where the order of the items means nothing, or follows from what they say."""

_SAID: Mapping[str, Mapping[str, str]] = {
    "added": {"en": "added {what}", "ru": "добавлено {what}"},
    "removed": {"en": "removed {what}", "ru": "удалено {what}"},
    "changed": {"en": "{was} → {now}", "ru": "{was} → {now}"},
    "order": {"en": "order: {was} → {now}", "ru": "порядок: {was} → {now}"},
    "named": {"en": "“{name}” ({key})", "ru": "«{name}» ({key})"},
    "none": {"en": "not set", "ru": "не задано"},
    "nothing": {"en": "none", "ru": "нет"},
    "true": {"en": "yes", "ru": "да"},
    "false": {"en": "no", "ru": "нет"},
}

_MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "ru": (
        *("янв.", "февр.", "мар.", "апр.", "мая", "июн."),
        *("июл.", "авг.", "сент.", "окт.", "нояб.", "дек."),
    ),
}
"""As the pages of the console have them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.  `path` names items by their key: "promotions.tea.params.percent".

    `was` and `now` are values as people read them; None where the thing was not there.
    """

    path: str
    change: Literal["added", "removed", "changed"]
    was: str | None
    now: str | None
    text: str


def difference(
    was: object, now: object, locale: str, names: Names = NO_NAMES, zone: tzinfo = UTC
) -> tuple[Change, ...]:
    """All that differs between two values of declared dataclasses, in the order of the words.

    `locale`: "ru" or "en"; `names`: what codes are called; `zone`: where moments are told.
    Values that mean the same ("5" and "5.00") do not differ.
    """
    return tuple(_records(was, now, _Place((), (), locale, names, zone)))


def sayings(record: object, locale: str, names: Names = NO_NAMES) -> tuple[str, ...]:
    """What a declared record says beyond its name and what goes without saying, each by itself:
    "Earned, % of money: 5".  `locale`: "ru" or "en"; `names`: what codes are called."""
    return tuple(_said(record, _Place((), (), locale, names, UTC)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document, for programs and for people."""

    path: tuple[str, ...]
    titles: tuple[str, ...]
    locale: str
    names: Names
    zone: tzinfo

    def below(self, key: str, title: str) -> _Place:
        return replace(self, path=(*self.path, key), titles=(*self.titles, title))

    def say(self, sentence: str, **values: str) -> str:
        return _SAID[sentence][self.locale].format(**values)

    def changed(self, was: str, now: str) -> Change:
        return self._change("changed", was, now, self.say("changed", was=was, now=now))

    def added(self, what: str, details: str) -> Change:
        told = self.say("added", what=_joined(what, details))
        return self._change("added", None, details or what, told)

    def removed(self, what: str, details: str) -> Change:
        told = self.say("removed", what=what)
        return self._change("removed", details or what, None, told)

    def reordered(self, was: str, now: str) -> Change:
        return self._change("changed", was, now, self.say("order", was=was, now=now))

    def _change(
        self,
        change: Literal["added", "removed", "changed"],
        was: str | None,
        now: str | None,
        told: str,
    ) -> Change:
        return Change(".".join(self.path), change, was, now, _joined(*self.titles, told))


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


# --- walking --------------------------------------------------------------------------------


def _records(was: object, now: object, place: _Place) -> Iterator[Change]:
    """Two records, of one class or of two: a word that one of them lacks stands at its default."""
    old, new = _words(was), _words(now)
    for key in dict.fromkeys((*new, *old)):
        word, slot = new.get(key) or old[key]
        before = getattr(was, slot.name, _default(slot))
        after = getattr(now, slot.name, _default(slot))
        if before != after:
            yield from _values(word, before, after, place.below(key, word.titles[place.locale]))


def _values(word: Word, was: object, now: object, place: _Place) -> Iterator[Change]:
    if _is_record(was) and _is_record(now):
        yield from _records(was, now, place)
    elif isinstance(was, tuple) and isinstance(now, tuple):
        yield from _lists(word, was, now, place)
    else:
        yield place.changed(_told(word, was, place), _told(word, now, place))


def _lists(word: Word, was: Sequence[Any], now: Sequence[Any], place: _Place) -> Iterator[Change]:
    if all(_key(item) for item in (*was, *now)):
        yield from _items(word, was, now, place)
        return
    came, went = _without(now, was), _without(was, now)
    if not came and not went:
        yield place.reordered(_told(word, was, place), _told(word, now, place))
    for item in _together(went):
        yield place.removed(_told(word, item, place), "")
    for item in _together(came):
        yield place.added(_told(word, item, place), "")


def _together(items: list[Any]) -> list[Any]:
    """Days are told at once, in their order; all else one by one."""
    return [tuple(sorted(items))] if items and _are_days(items) else items


def _are_days(items: Sequence[object]) -> bool:
    return all(isinstance(one, date) and not isinstance(one, datetime) for one in items)


def _items(
    word: Word, was: Sequence[object], now: Sequence[object], place: _Place
) -> Iterator[Change]:
    old, new = {_key(item): item for item in was}, {_key(item): item for item in now}
    for key in (key for key in old if key not in new):
        at = place.below(key, "")
        yield at.removed(_name(old[key], place), _details(old[key], place))
    for key, item in new.items():
        name = _name(item, place)
        if key not in old:
            yield place.below(key, "").added(name, _details(item, place))
        elif old[key] != item:
            yield from _records(old[key], item, place.below(key, name))
    # What is new stands behind the rest, unless somebody put it elsewhere.
    left = [key for key in old if key in new]
    expected = [*left, *(key for key in new if key not in old)]
    if expected != list(new) and word.key not in UNORDERED:
        yield place.reordered(_listed(old, left, place), _listed(new, list(new), place))


def _listed(items: Mapping[str, object], keys: Sequence[str], place: _Place) -> str:
    """By their names, or else what their keys are called."""
    return ", ".join(getattr(items[key], "name", None) or _unnamed(key, place) for key in keys)


def _without(items: Sequence[object], others: Sequence[object]) -> list[object]:
    """The items less those of the others, each once; they need not be hashable."""
    left = list(others)
    rest = []
    for item in items:
        if item in left:
            left.remove(item)
        else:
            rest.append(item)
    return rest


# --- records --------------------------------------------------------------------------------


def _words(record: object) -> dict[str, tuple[Word, Field[Any]]]:
    return {word.key: (word, slot) for word, slot in words_of(type(record))}


def _is_record(value: object) -> bool:
    return is_dataclass(value) and all(
        "word" in slot.metadata for slot in value.__dataclass_fields__.values()
    )


def _default(slot: Field[Any]) -> object:
    if slot.default is not MISSING:
        return slot.default
    return slot.default_factory() if slot.default_factory is not MISSING else None


def _key(item: object) -> str:
    """What an item of a list is known by; "" where it has no such name."""
    if not _is_record(item):
        return ""
    words = _words(item)
    return next((getattr(item, words[key][1].name) for key in KEYS if key in words), "")


def _name(item: object, place: _Place) -> str:
    key, words = _key(item), _words(item)
    name = getattr(item, words["name"][1].name) if "name" in words else None
    return _unnamed(key, place) if name is None else place.say("named", name=name, key=key)


def _unnamed(key: str, place: _Place) -> str:
    return called(place.names, place.path[-1], key) if place.path else key


# --- telling --------------------------------------------------------------------------------


def _details(record: object, place: _Place) -> str:
    """What a record says beyond its name and what goes without saying."""
    return "; ".join(_said(record, place))


def _said(record: object, place: _Place) -> Iterator[str]:
    for key, (word, slot) in _words(record).items():
        value = getattr(record, slot.name)
        if key in (*KEYS, "name") or value == _default(slot):
            continue
        if _is_record(value) and slot.default is not None:
            yield from _said(value, place)
        else:
            yield f"{word.titles[place.locale]}: {_told(word, value, place)}"


def _told(word: Word, value: object, place: _Place) -> str:
    """A value as people read it."""
    if value is None:
        return place.say("none")
    if isinstance(value, tuple):
        return ", ".join(_each(word, value, place)) or place.say("nothing")
    if isinstance(value, Leaf | Not | All | AnyOf):
        return tell(value, "", place.locale, place.names)
    if isinstance(value, str) and word.key in place.names:
        return called(place.names, word.key, value)
    if word.kind.told is not None:
        return word.kind.told(value, place.locale)
    if _is_record(value):
        return _joined(_name(value, place), _details(value, place)) or place.say("true")
    if isinstance(value, bool):
        return place.say("true" if value else "false")
    return _moment(value, place) if isinstance(value, datetime) else str(value)


def _each(word: Word, values: Sequence[Any], place: _Place) -> Iterator[str]:
    """Values one by one, days by spans."""
    if _are_days(values):
        return (_span(first, last, place) for first, last in day_spans(sorted(values)))
    return (_told(word, item, place) for item in values)


def _moment(at: datetime, place: _Place) -> str:
    """As pages tell moments, "1 Apr 2026, 00:00"; seconds only where there are some."""
    local = local_time(at, place.zone)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return f"{_day(local, place)}, {clock}"


def _day(day: date, place: _Place) -> str:
    return f"{day.day} {_MONTHS[place.locale][day.month - 1]} {day.year}"


def _span(first: date, last: date, place: _Place) -> str:
    told = _day(first, place)
    return told if first == last else f"{told} – {_day(last, place)}"
