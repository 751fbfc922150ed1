"""What is told of a base that comes in: its columns, its figures, why a row was not taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub import import_words as words
from hub.web.admin.context import the_programme
from hub.web.admin.formats import money, number, points
from hub.web.admin.import_words import COLUMNS, sentence
from hub.web.admin.languages import gettext, language, lazy_gettext
from loyalty_core.domain.import_columns import ATTRIBUTE, MEMBERS, WORDS
from loyalty_core.service.imports import Bad
from loyalty_core.store.uploads import UploadRow, Why

KINDS = frozenset(WORDS)
_MEANINGS: Mapping[str, str] = {
    "member": lazy_gettext("number of the member in this programme"),
    "phone": lazy_gettext("phone"),
    "email": lazy_gettext("e-mail"),
    "card": lazy_gettext("card"),
    "external": lazy_gettext("number in another system"),
    "name": lazy_gettext("whole name, the surname first"),
    "last_name": lazy_gettext("surname"),
    "first_name": lazy_gettext("first name"),
    "middle_name": lazy_gettext("middle name"),
    "birth_date": lazy_gettext("day of birth"),
    "gender": lazy_gettext("gender"),
    "city": lazy_gettext("city"),
    "enrolled_at": lazy_gettext("member since"),
    "tier": lazy_gettext("tier"),
    "spent_before": lazy_gettext("sum of purchases before"),
    "last_purchase_at": lazy_gettext("day of the last purchase"),
    "attributes": lazy_gettext("details, as an export of the hub writes them"),
    "points": lazy_gettext("points"),
    "currency": lazy_gettext("currency of points"),
    "spendable_from": lazy_gettext("can be spent from"),
    "expires_at": lazy_gettext("last day of the points"),
    "row": lazy_gettext("word that sets a row apart from others"),
    "receipt": lazy_gettext("number of the receipt"),
    "bought_at": lazy_gettext("time of the purchase"),
    "shop": lazy_gettext("shop"),
    "goods": lazy_gettext("name of the product"),
    "quantity": lazy_gettext("quantity"),
    "paid": lazy_gettext("sum that was paid"),
    "fn": lazy_gettext("fiscal drive (FN)"),
    "fd": lazy_gettext("fiscal document (FD)"),
    "fp": lazy_gettext("fiscal sign (FP)"),
}
_TOTALS = ("members", "points")


@dataclass(frozen=True, slots=True)
class Figure:
    """`depth`: a part of the one above it that is less deep."""

    name: str
    title: str
    shown: str
    depth: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the file, by its place; `how` it is known what it means, in words."""

    place: int
    name: str
    word: str
    how: str
    offered: list[tuple[str, str]]


def meaning(kind: str, word: str) -> str:
    """What a column of this kind of file tells."""
    of_base = _MEANINGS.get(word) if kind in KINDS else None
    return str(of_base or COLUMNS.get(word, word))


def told(row: UploadRow) -> dict[str, Any]:
    """Figures of a base, what the programme holds with it, and its columns."""
    counts, dry = row.counts, row.began_at is None
    figures = [
        Figure(name, title.strip(), _shown(name, counts.get(name, 0)), _depth(title))
        for name, title in words.counts_of(row.kind, language(), dry=dry).items()
        if counts.get(name) or name in words.ALWAYS
    ]
    tail = "_dry" if dry else ""
    totals = [
        words.sentence(
            f"{name}{tail}",
            language(),
            before=_shown(name, counts[f"{name}_before"]),
            after=_shown(name, counts[f"{name}_after"]),
        )
        for name in _TOTALS
        if f"{name}_after" in counts
    ]
    return {"figures": figures, "totals": totals, "headings": _headings(row)}


def _depth(title: str) -> int:
    """Parts are set off by two spaces, as on a terminal."""
    return (len(title) - len(title.lstrip())) // 2


def _shown(name: str, value: int) -> str:
    if name.startswith("points"):
        return points(value)
    if name.startswith("money"):
        return money(value, the_programme().currency)
    return number(value)


def _headings(row: UploadRow) -> list[Heading]:
    said = {heading: (word, how) for word, heading, how in row.columns}
    offered = [(word, meaning(row.kind, word)) for word in WORDS[row.kind]]
    found = []
    for place, name in enumerate(row.headings):
        if not name:
            continue
        word, how = said.get(name, ("", ""))
        own = [] if row.kind != MEMBERS else [(attribute(name, word), _detail(name, word))]
        shown = words.how(how, language()) if how else ""
        found.append(Heading(place, name, word, shown, offered + own))
    return found


def attribute(name: str, word: str = "") -> str:
    """The word for a detail of the member's own, that is called as its column unless it has a name
    already."""
    return word if word.startswith(ATTRIBUTE) else f"{ATTRIBUTE}{name}"


def _detail(name: str, word: str) -> str:
    return gettext("detail “%(name)s”", name=attribute(name, word).removeprefix(ATTRIBUTE))


def lacks(row: UploadRow) -> str:
    """Which columns nobody has named yet."""
    missing = [
        gettext("phone, e-mail, card or number in another system")
        if word == "phone"
        else meaning(row.kind, word)
        for word in row.error_facts["missing"]
    ]
    return gettext("Say below which column is this: %(columns)s.", columns="; ".join(missing))


def known(name: str) -> str:
    """Of a file that came in before."""
    return gettext(
        "This very file was brought in already as “%(name)s”: call it so to send it again.",
        name=name,
    )


def why(row: UploadRow, told_: Why) -> str:
    """Why a line cannot be taken, to stand behind its number; columns are called as in the file."""
    if isinstance(told_, str):
        return sentence(told_)
    called = {word: heading for word, heading, _ in row.columns}
    facts = dict(told_["facts"])
    if "column" in facts:
        heading = called.get(facts["column"], facts["column"])
        facts["column"] = gettext("“%(name)s”", name=heading)
    return words.why(Bad(0, told_["code"], facts), language(), words.ON_PAGE)
