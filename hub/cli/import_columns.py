"""Which column of a file means what: as was said now, as was kept of the last file, as guessed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import click

from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.domain.import_columns import (
    KEPT,
    MANY,
    PURCHASES,
    REQUIRED,
    TOLD,
    WORDS,
    Column,
    guessed,
    is_word,
)
from loyalty_core.service.import_purchases import MOST_LINES, TOO_LONG, begins_another
from loyalty_core.service.imports import PORTION, Row
from loyalty_core.store import imports as store
from loyalty_core.store.database import read

Cells = list[str]
Portion = list[tuple[Row, Cells]]
_TOO_MANY = "columns"
"""What is wrong with a row that has more cells than headings: who knows what moved."""
_WHO = {"member", "phone", "email", "card", "external"}


@dataclass(frozen=True, slots=True)
class Asked:
    """`--column` options, the name of those that are kept, whether a system is named, and headings
    that are not to be used."""

    options: Sequence[str]
    kept_as: str
    with_external: bool
    without: Sequence[str] = ()


class Columns:
    """Of one file."""

    def __init__(self, kind: str, sheet: Sheet, columns: Sequence[Column]) -> None:
        self.kind = kind
        self.sheet = sheet
        self.all = columns
        self._places = [(one.word, sheet.names.index(one.heading)) for one in columns]

    @property
    def unused(self) -> list[str]:
        used = {one.heading for one in self.all}
        return [name for name in self.sheet.names if name and name not in used]

    def told(self) -> list[tuple[str, str]]:
        return [(one.word, one.heading) for one in self.all]

    def portions(self) -> Iterator[Portion]:
        """The rows of the file by our words; those of one receipt are not parted."""
        portion: Portion = []
        for rows in self._together():
            portion += rows
            if len(portion) >= PORTION:
                yield portion
                portion = []
        if portion:
            yield portion

    def _together(self) -> Iterator[Portion]:
        if self.kind == PURCHASES:
            yield from _receipts(self._rows())
            return
        for pair in self._rows():
            yield [pair]

    def _rows(self) -> Iterator[tuple[Row, Cells]]:
        for number, cells in self.sheet.rows():
            told: dict[str, str] = {}
            for word, place in self._places:
                cell = cells[place].strip() if place < len(cells) else ""
                if cell:
                    told[word] = f"{told[word]} ; {cell}" if word in told else cell
            beyond = any(cell.strip() for cell in cells[len(self.sheet.names) :])
            yield Row(number, told, _TOO_MANY if beyond else None), cells


def _receipts(pairs: Iterator[tuple[Row, Cells]]) -> Iterator[Portion]:
    """The rows of a receipt together; one that is too long comes in pieces whose rows say so,
    since a file in which each row has the same number would not fit in memory."""
    rows: Portion = []
    first = last = None
    too_long = False
    for row, cells in pairs:
        if first is None or last is None or begins_another(first, last, row):
            if rows:
                yield rows
            first, rows, too_long = row, [], False
        elif len(rows) == MOST_LINES:
            yield [(replace(one, fault=TOO_LONG), told) for one, told in rows]
            rows, too_long = [], True
        last = row
        rows.append((replace(row, fault=TOO_LONG) if too_long else row, cells))
    if rows:
        yield rows


def columns_of(hub: Hub, programme_id: int, kind: str, sheet: Sheet, asked: Asked) -> Columns:
    """Raises: click.UsageError, click.ClickException (a column is not there, or missing)."""
    for heading in asked.without:
        if heading not in sheet.names:
            raise click.ClickException(f"{sheet.name} has no column {heading}.")
    names = [name for name in sheet.names if name not in asked.without]
    told = [Column(word, heading, TOLD) for word, heading in map(_pair, asked.options)]
    for one in told:
        if not is_word(kind, one.word):
            raise click.UsageError(f"--column {one.word}=...: ours are {', '.join(WORDS[kind])}.")
        if one.heading not in names:
            raise click.ClickException(f"{sheet.name} has no column {one.heading}.")
    with read(hub.engine) as connection:
        kept = store.kept_columns(connection, programme_id, kind, asked.kept_as) or []
    found = _joined(
        told,
        [Column(word, heading, KEPT) for word, heading in kept if heading in names],
        guessed(kind, names, with_external=asked.with_external),
    )
    words = {one.word for one in found}
    missing = [word for word in REQUIRED[kind] if word not in words]
    if kind != PURCHASES and not words & _WHO:
        missing.append("phone (or email, card, external)")
    if missing:
        raise click.ClickException(
            f"{sheet.name} has no column {', '.join(missing)}; "
            "name it: --column OURS=THEIRS.  "
            f"Its columns: {', '.join(name for name in sheet.names if name)}"
        )
    return Columns(kind, sheet, found)


def _joined(*sources: Sequence[Column]) -> list[Column]:
    """Each word and each heading is taken from the first source that has it."""
    found: list[Column] = []
    for source in sources:
        words = {one.word for one in found}
        headings = {one.heading for one in found}
        found += [one for one in source if one.word not in words and one.heading not in headings]
    _once(found)
    return found


def _once(columns: Sequence[Column]) -> None:
    words = [one.word for one in columns]
    for one in columns:
        if words.count(one.word) > 1 and one.word not in MANY:
            raise click.UsageError(f"--column {one.word}=...: say it once.")


def _pair(option: str) -> tuple[str, str]:
    ours, _, theirs = option.partition("=")
    if not ours.strip() or not theirs.strip():
        raise click.UsageError(f"--column {option}: write OURS=THEIRS.")
    return ours.strip(), theirs.strip()
