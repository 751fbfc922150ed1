"""A web form out of a declared part of the rules document (`domain/pricing/declare.py`).

What was typed becomes a value of JSON as the document would have it; a number that is none stays
the text that it was, so the document's own reader names the mistake and the form shows it again.
A field's name is its path in the part, as `limits.0.most`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from hub.web.admin.context import zone
from hub.web.admin.day_lists import days_in, days_typed
from hub.web.admin.formats import told_decimal
from hub.web.admin.languages import gettext, language
from hub.web.admin.rule_words import HELP, problem
from loyalty_core.domain.dates import local_time
from loyalty_core.domain.pricing.declare import JsonSchema, Word, record_schema, words_of
from loyalty_kit.money import format_decimal

Form = MultiDict[str, str]
Errors = Mapping[str, Sequence[str]]
Options = Mapping[str, Sequence[tuple[str, str]]]
"""What may be chosen for a field, by its path with a `*` for each number in it."""
Value = Any
_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9.]+", re.ASCII)
_MOST_CHIPS = 24
MOST_ROWS = 200
_ORDERED = frozenset({"currencies", "min_paid", "parts"})
"""Lists in which it counts what stands first."""
_MOST_DIGITS = 10
_MOST_ODD = 5


@dataclass(frozen=True, slots=True)
class DrawnField:
    """One field as the page shows it.

    `kind`: text, decimal, whole, flag, choice, choices, moment, names, days, rows or record.
    `rows` are those of a list, `fields` those of a record; `switched`: a record that need not be
    there, whose own value says whether it is.
    """

    name: str
    key: str
    kind: str
    title: str
    required: bool
    value: str = ""
    chosen: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    rows: tuple[tuple[DrawnField, ...], ...] = ()
    fields: tuple[DrawnField, ...] = ()
    help: str = ""
    switched: bool = False

    @property
    def told(self) -> str:
        """The value as people read it."""
        titles = dict(self.options)
        if self.kind == "flag":
            return gettext("yes") if self.value else gettext("no")
        if self.kind == "choices":
            return ", ".join(titles.get(one, one) for one in self.chosen)
        if self.kind == "decimal":
            return told_decimal(self.value)
        return titles.get(self.value, self.value)

    @property
    def ordered(self) -> bool:
        """Whether it counts in which order its rows stand."""
        return self.key in _ORDERED

    @property
    def is_set(self) -> bool:
        """Whether there is anything in it, or wrong with it."""
        inside = [*self.fields, *(one for row in self.rows for one in row)]
        return bool(self.value or self.chosen or self.errors or self.rows) or any(
            one.is_set for one in inside if one.kind != "choices"
        )


# --- what kind of field ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slot:
    """A word of the document with what its schema says."""

    word: Word
    field: Field[Any]
    kind: str
    optional: bool
    schema: JsonSchema

    @property
    def required(self) -> bool:
        return self.field.default is MISSING and self.field.default_factory is MISSING

    @property
    def default(self) -> Value:
        """As the document would say it."""
        if self.field.default is not MISSING:
            told = self.field.default
        elif self.field.default_factory is not MISSING:
            told = self.field.default_factory()
        else:
            return None
        if self.kind == "decimal" and isinstance(told, int):
            return format_decimal(told)
        return [str(one) for one in told] if isinstance(told, tuple) else told


def _slots(cls: type[Any]) -> Iterator[_Slot]:
    properties = record_schema(cls, language())["properties"]
    for word, field in words_of(cls):
        schema, optional = properties[word.key], False
        if "anyOf" in schema and {"type": "null"} in schema["anyOf"]:
            schema, optional = schema["anyOf"][0], True
        kind = _kind(schema)
        if kind:
            yield _Slot(word, field, kind, optional, schema)


def _kind(schema: JsonSchema) -> str:
    """ "" for what no generic field shows."""
    if "enum" in schema:
        return "choice"
    told = schema.get("type")
    if isinstance(told, list):
        return "decimal"
    if told == "string":
        return "moment" if schema.get("format") == "date-time" else "text"
    if told == "array":
        items = schema["items"]
        if "enum" in items:
            return "choices"
        if items.get("format") == "date":
            return "days"
        return "rows" if items.get("type") == "object" else "names"
    known = {"boolean": "flag", "integer": "whole", "object": "record"}
    return known.get(str(told), "") if told != "object" or "properties" in schema else ""


# --- reading --------------------------------------------------------------------------------


def read_record(schema_of: type[Any], form: Form, at: str = "") -> dict[str, Value]:
    """What was typed below `at`, as the document would have it; an empty field says nothing."""
    return _read_object(record_schema(schema_of, language()), form, at)


def _read_object(schema: JsonSchema, form: Form, at: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, told in schema["properties"].items():
        part = told["anyOf"][0] if "anyOf" in told else told
        kind, name = _kind(part), join(at, key)
        value = _read(kind, part, form, name)
        if kind == "record" and part is not told:
            value = (value or {}) if name in form else None
        if value is not None:
            found[key] = value
    return found


def _read(kind: str, schema: JsonSchema, form: Form, name: str) -> Value:
    if kind == "flag":
        return name in form
    if kind == "choices":
        return [one for one in form.getlist(name) if one]
    if kind == "names":
        return names_in(form.getlist(name)) or None
    if kind == "days":
        return days_in("\n".join(form.getlist(name))) or None
    if kind == "rows":
        return [_read_object(schema["items"], form, f"{name}.{at}") for at in places(form, name)]
    if kind == "record":
        inner = _read_object(schema, form, name)
        return inner or None
    typed = form.get(name, "").strip()
    return scalar(kind, typed) if typed else None


def scalar(kind: str, typed: str) -> Value:
    """A typed value as JSON has it; what is no such value stays as it was typed."""
    if kind == "decimal":
        number = re.sub(r"\s", "", typed).replace(",", ".")
        return number if _DECIMAL.fullmatch(number) else typed
    if kind == "whole":
        return int(typed) if _NUMBER.fullmatch(typed) else typed
    if kind == "moment":
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            return typed
        return (at if at.tzinfo else at.replace(tzinfo=zone())).isoformat()
    return typed


def names_in(typed: Sequence[str]) -> list[str]:
    """Names that stand on lines of their own, or else between commas."""
    found: list[str] = []
    for text in typed:
        parts = text.splitlines() if "\n" in text else text.split(",")
        found += [name for part in parts if (name := part.strip()) and name not in found]
    return found


def places(form: Form, name: str) -> list[int]:
    """The numbers that rows of a list have in the form, in order."""
    start = f"{name}."
    heads = {key[len(start) :].partition(".")[0] for key in form if key.startswith(start)}
    numbers = (row_number(one) for one in heads)
    return sorted(one for one in numbers if one is not None)[:MOST_ROWS]


def row_number(step: str) -> int | None:
    """A step of a name that numbers a row; None where it is a word, or no number of ours."""
    return int(step) if step.isascii() and step.isdigit() and len(step) < _MOST_DIGITS else None


def join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def masked(name: str) -> str:
    """The name with a `*` for each number in it."""
    return ".".join("*" if step.isdigit() else step for step in name.split("."))


def change_rows(value: Value, act: str) -> None:
    """Carry out `add:limits`, `drop:limits.0` or `up:limits.1` (before the one above it) in what
    was read; another act does nothing."""
    verb, _, path = act.partition(":")
    *way, last = path.split(".")
    for step in way:
        value = _step(value, step)
    if verb == "add" and isinstance(value, dict):
        rows = value.setdefault(last, [])
        if isinstance(rows, list) and len(rows) < MOST_ROWS:
            rows.append({})
    elif verb in ("drop", "up") and isinstance(value, list):
        number = row_number(last)
        if number is not None and number < len(value):
            row = value.pop(number)
            if verb == "up":
                value.insert(max(0, number - 1), row)


def _step(value: Value, step: str) -> Value:
    if isinstance(value, list):
        number = row_number(step)
        return value[number] if number is not None and number < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


# --- drawing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawing:
    """What fields of a form are drawn with."""

    errors: Errors
    options: Options

    def draw(self, cls: type[Any], value: Mapping[str, Value], at: str = "") -> list[DrawnField]:
        """The fields of a record that stands at `at`."""
        return [self._field(slot, value, at) for slot in _slots(cls)]

    def _field(self, slot: _Slot, value: Mapping[str, Value], at: str) -> DrawnField:
        key = slot.word.key
        name = join(at, key)
        told = value.get(key, slot.default)
        given = self.options.get(masked(name))
        kind, options = slot.kind, self._own_options(slot)
        if given is not None and kind in ("text", "choice"):
            kind, options = "choice", _with_value(given, told)
        elif given is not None and kind == "names" and 0 < len(given) <= _MOST_CHIPS:
            kind, options = "choices", _with_values(given, told)
        if kind == "choice" and (slot.optional or slot.required):
            options = (("", "—" if slot.optional else gettext("Choose")), *options)
        return DrawnField(
            name=name,
            key=key,
            kind=kind,
            title=slot.word.titles[language()],
            required=slot.required,
            value=_typed(kind, told),
            switched=kind == "record" and slot.optional,
            chosen=tuple(map(str, told)) if kind == "choices" and _listed(told) else (),
            options=options,
            errors=self._said_of_days(name, told)
            if kind == "days" and _listed(told)
            else self.said(name, deep=kind in ("names", "choices")),
            rows=self._rows(slot, told, name) if kind == "rows" else (),
            fields=self._inner(slot, told, name) if kind == "record" else (),
            help="" if kind == "choices" else HELP.get(key, ""),
        )

    def said(self, name: str, *, deep: bool = False) -> tuple[str, ...]:
        """What is wrong with a field, in the language of the page."""
        own = [
            text
            for path, texts in self.errors.items()
            if path == name or (deep and path.startswith(f"{name}."))
            for text in texts
        ]
        return tuple(dict.fromkeys(map(problem, own)))

    def _said_of_days(self, name: str, told: Sequence[Value]) -> tuple[str, ...]:
        """As `said`, with the days that are none named as they were typed."""
        odd = [str(one) for at, one in enumerate(told) if f"{name}.{at}" in self.errors]
        named = (gettext("There is no such day: %(days)s", days=", ".join(odd[:_MOST_ODD])),)
        return self.said(name) + (named if odd else ())

    def _own_options(self, slot: _Slot) -> tuple[tuple[str, str], ...]:
        schema = slot.schema["items"] if slot.kind == "choices" else slot.schema
        tell = slot.word.kind.told
        return tuple(
            (str(one), tell(str(one), language()) if tell else str(one))
            for one in schema.get("enum", ())
        )

    def _rows(self, slot: _Slot, told: Value, name: str) -> tuple[tuple[DrawnField, ...], ...]:
        cls = slot.word.kind.holds
        if cls is None or not _listed(told):
            return ()
        return tuple(
            tuple(self.draw(cls, row if isinstance(row, Mapping) else {}, f"{name}.{at}"))
            for at, row in enumerate(told)
        )

    def _inner(self, slot: _Slot, told: Value, name: str) -> tuple[DrawnField, ...]:
        cls = slot.word.kind.holds
        inner = told if isinstance(told, Mapping) else {}
        return () if cls is None else tuple(self.draw(cls, inner, name))


def _listed(told: Value) -> bool:
    return isinstance(told, list | tuple)


def _typed(kind: str, told: Value) -> str:
    if told is None or kind in ("choices", "rows"):
        return ""
    if kind == "flag":
        return "true" if told else ""
    if kind == "record":
        return "true"
    if kind == "days":
        return days_typed(told, language()) if _listed(told) else str(told)
    if kind == "names":
        names = [str(one) for one in told] if _listed(told) else [str(told)]
        return ("\n" if any("," in one for one in names) else ", ").join(names)
    if kind == "moment":
        return moment_typed(told)
    return str(told)


def moment_typed(told: Value) -> str:
    """A moment of the document as a browser's field has it, in the programme's zone."""
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return str(told)
    local = local_time(at, zone()) if at.tzinfo else at
    return local.strftime("%Y-%m-%dT%H:%M")


def _with_value(given: Sequence[tuple[str, str]], told: Value) -> tuple[tuple[str, str], ...]:
    return _with_values(given, () if told is None else (told,))


def _with_values(given: Sequence[tuple[str, str]], told: Value) -> tuple[tuple[str, str], ...]:
    """What may be chosen, and what was chosen though nobody offers it any more."""
    known = {value for value, _ in given}
    more = [str(one) for one in told or () if str(one) not in known] if _listed(told or ()) else []
    return (*given, *((one, one) for one in more))
