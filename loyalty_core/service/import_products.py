"""A catalogue brought in from a file, portion by portion, with a word on each bad line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.import_cells import Wrong, amount_of, is_rounded
from loyalty_core.service.catalogue import upsert_products
from loyalty_core.service.import_codes import Line, Report
from loyalty_core.store import catalogue as store
from loyalty_core.store.catalogue import ProductRow

WORDS = (
    "sku",
    "name",
    "price",
    "cost",
    "categories",
    "brand",
    "attributes",
    "class",
    "volume_ml",
    "strength",
)
"""Several categories or attributes stand in one cell, apart by `|`."""
NEEDED = ("sku", "name")
BETWEEN = "|"
_LONGEST = {"sku": 255, "name": 500, "brand": 100, "class": 100}
_MOST_OF_LIST = 100
_MOST_ML = 1_000_000
_MOST_STRENGTH = 100_00
_WHOLE = re.compile(r"[0-9]{1,7}")


@dataclass(slots=True)
class ProductImport:
    """One file's way in; `dry` writes nothing.  `known` of its report are products that were
    there and are told anew."""

    programme_id: int
    now: datetime
    dry: bool
    _seen: set[str] = field(default_factory=set)
    """Articles of portions before, which would be there by now."""

    def take(self, connection: Connection, lines: Sequence[Line]) -> Report:
        """Bring in a portion; in one transaction of the caller's."""
        report, read = Report(), dict[str, ProductRow]()
        for line in lines:
            try:
                one = _product(line)
            except ValueError as wrong:
                report.bad.append((line.number, str(wrong)))
            else:
                read[one.sku] = one
        there = {one.sku for one in store.products_by_sku(connection, self.programme_id, read)}
        there |= read.keys() & self._seen
        report.known, report.added = len(there), len(read) - len(there)
        if self.dry:
            self._seen |= read.keys()
        else:
            upsert_products(connection, self.programme_id, list(read.values()), now=self.now)
        return report

    def skim(self, connection: Connection, lines: Sequence[Line]) -> None:
        """An article may be told as often as one likes: there is nothing to remember."""


def _product(line: Line) -> ProductRow:
    """What a line leaves empty stays as it is, but for categories and attributes.

    Raises: ValueError, in words for the owner.
    """
    if line.is_torn:
        raise ValueError("has more cells than there are headings")
    told = line.told
    if is_rounded(told.get("sku", "")):
        raise ValueError("has an article of which a spreadsheet kept a part")
    for word in NEEDED:
        if not told.get(word):
            raise ValueError(f"has no {word}")
    for word, most in _LONGEST.items():
        if len(told.get(word, "")) > most:
            raise ValueError(f"has a {word} that is too long")
    return ProductRow(
        sku=told["sku"],
        name=told["name"],
        external_id=None,
        price_minor=_sum(line, "price"),
        categories=_list(line, "categories"),
        brand=told.get("brand") or None,
        attributes=_list(line, "attributes"),
        legal_class=told.get("class") or None,
        cost_minor=_sum(line, "cost"),
        volume_ml=_volume(told.get("volume_ml", "")),
        strength_bp=_sum(line, "strength", _MOST_STRENGTH),
    )


def _sum(line: Line, word: str, most: int | None = None) -> int | None:
    said = line.told.get(word, "")
    if not said:
        return None
    try:
        found = amount_of(said, word)
    except Wrong:
        raise ValueError(f"has a {word} that is no number") from None
    if found < 0 or (most is not None and found > most):
        raise ValueError(f"has a {word} that cannot be")
    return found


def _list(line: Line, word: str) -> tuple[str, ...]:
    found = tuple(one for part in line.told.get(word, "").split(BETWEEN) if (one := part.strip()))
    if len(found) > _MOST_OF_LIST or any(len(one) > _LONGEST["brand"] for one in found):
        raise ValueError(f"has a {word} that is too long")
    return found


def _volume(said: str) -> int | None:
    if not said:
        return None
    if not _WHOLE.fullmatch(said) or not 0 < int(said) <= _MOST_ML:
        raise ValueError("has a volume_ml that cannot be")
    return int(said)
