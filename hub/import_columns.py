"""What the columns of a file of a base mean, and its rows by our words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hub.sheets import Sheet
from loyalty_core.domain.import_columns import MANY, PURCHASES, REQUIRED, Column
from loyalty_core.service.import_purchases import MOST_LINES, TOO_LONG, begins_another
from loyalty_core.service.imports import PORTION, Row

Cells = list[str]
Portion = list[tuple[Row, Cells]]
DEFAULT = "default"
"""The name under which columns are kept for the next file, where nobody says another."""
WHO = ("member", "phone", "email", "card", "external")
"""Words of which one must be there, so that a row can name somebody."""
_TOO_MANY = "columns"
"""What is wrong with a row that has more cells than headings: who knows what moved."""


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


def joined(*sources: Sequence[Column]) -> list[Column]:
    """Each word and each heading is taken from the first source that has it."""
    found: list[Column] = []
    for source in sources:
        words = {one.word for one in found}
        headings = {one.heading for one in found}
        found += [one for one in source if one.word not in words and one.heading not in headings]
    return found


def twice(columns: Sequence[Column]) -> str | None:
    """A word that several columns have and only one may."""
    words = [one.word for one in columns]
    return next((one for one in words if words.count(one) > 1 and one not in MANY), None)


def missing(kind: str, columns: Sequence[Column]) -> list[str]:
    """Words without which no row can be taken; a phone stands for all of `WHO`."""
    words = {one.word for one in columns}
    found = [word for word in REQUIRED[kind] if word not in words]
    if kind != PURCHASES and not words.intersection(WHO):
        found.append("phone")
    return found
