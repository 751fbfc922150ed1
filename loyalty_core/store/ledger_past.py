"""How a purchase finds again what it took: the rows of its entries, and who stood in for whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    and_,
    false,
    or_,
    select,
)

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.points import Kind, Row
from loyalty_core.store.lots import LOTS_OF_MEMBERS, Books, take_lots
from loyalty_core.store.sets import among
from loyalty_core.store.tables import entries, entry_lots, lots

_Key = tuple[int, str]

_SAME_ENTRY = and_(
    entries.c.member_id == entry_lots.c.member_id,
    entries.c.currency == entry_lots.c.currency,
    entries.c.seq == entry_lots.c.seq,
)
_ROWS = (
    select(entry_lots, entries.c.kind, entries.c.purchase_id, entries.c.booked_at)
    .join(entries, _SAME_ENTRY)
    .where(among(entry_lots.c.member_id, "members"), among(entries.c.member_id, "members"))
)
_OF_PURCHASES = among(entries.c.purchase_id, "purchases")
_ROWS_OF_PURCHASES = _ROWS.where(_OF_PURCHASES)
_STOOD_IN_BEFORE = and_(
    among(entry_lots.c.member_id, "former"), entry_lots.c.instead_of.is_not(None)
)
_ROWS_OF_MERGED = _ROWS.where(or_(_OF_PURCHASES, _STOOD_IN_BEFORE))
_TWINS = select(
    lots.c.member_id, lots.c.currency, lots.c.no, lots.c.origin_member, lots.c.origin_no
).where(among(lots.c.member_id, "members"), lots.c.origin_member.is_not(None))


def load_past(
    connection: Connection,
    books: Books,
    purchases: Collection[int],
    aliases: Mapping[int, Sequence[int]],
) -> None:
    """The rows by which purchases find what they took, and the lots that these name.

    Whoever stood in for such a lot may have been stood in for itself, so the search goes on
    until it finds no lot that it has not looked at.  `aliases`: members merged into each.
    """
    by_book = {key: _PastOf(book, aliases.get(key[0], ())) for key, book in books.items()}
    members = {member for past in by_book.values() for member in past.members}
    twins = _twins(connection, members) if any(aliases.values()) else {}
    for past in by_book.values():
        past.twins = twins
    values: dict[str, Any] = {"members": members, "purchases": purchases}
    former = {alias for merged in aliases.values() for alias in merged}
    if former:
        _read_past(connection, by_book, _ROWS_OF_MERGED, values | {"former": former})
    else:
        _read_past(connection, by_book, _ROWS_OF_PURCHASES, values)
    while asked := {key: numbers for key, past in by_book.items() if (numbers := past.unasked())}:
        stood_in = _any_lot(asked, entry_lots.c.instead_of, entry_lots)
        _read_past(connection, by_book, _ROWS.where(stood_in), {"members": members})
    missing = {key: names for key, past in by_book.items() if (names := past.missing())}
    if missing:
        wanted = LOTS_OF_MEMBERS.where(_any_lot(missing, lots.c.no, lots))
        members = {member for member, _ in books}
        take_lots(books, connection.execute(wanted, {"members": members}).all())
    for past in by_book.values():
        past.book.past = [row for _, row in sorted(past.rows.items(), key=lambda item: item[0])]


class _PastOf:
    """The past rows of one book while they are being gathered, in the book's own numbers."""

    def __init__(self, book: AccountBook, aliases: Sequence[int]) -> None:
        self.book = book
        self.members = (*aliases, book.member_id)
        self.rows: dict[tuple[bool, datetime, int, int, int], Row] = {}
        self.twins: Mapping[tuple[int, str, int], tuple[int, int]] = {}
        self._asked: set[int] = set()

    def add(self, found: RowMapping) -> None:
        member = found["member_id"]
        own = member == self.book.member_id
        order = (own, found["booked_at"], member, found["seq"], found["line"])
        instead_of = found["instead_of"]
        self.rows[order] = Row(
            Kind(found["kind"]),
            found["purchase_id"],
            found["seq"],
            found["line"],
            self._own_number(member, found["lot"]),
            None if instead_of is None else self._own_number(member, instead_of),
            found["d_free"],
            found["d_held"],
            found["d_expired"],
            found["d_owed"],
        )

    def unasked(self) -> set[int]:
        """Lots for which others may have stood in; each is given once."""
        fresh = self._named() - self._asked
        self._asked |= fresh
        return fresh

    def missing(self) -> set[int]:
        return self._named() - set(self.book.lots)

    def _named(self) -> set[int]:
        return {row.lot for row in self.rows.values()} | {
            row.instead_of for row in self.rows.values() if row.instead_of is not None
        }

    def _own_number(self, member: int, no: int) -> int:
        while member != self.book.member_id:
            member, no = self.twins[(member, self.book.currency, no)]
        return no


def _twins(
    connection: Connection, members: Collection[int]
) -> dict[tuple[int, str, int], tuple[int, int]]:
    """Where each merged member's lots went: (member, currency, no) -> (member, no)."""
    return {
        (origin_member, currency, origin_no): (member, no)
        for member, currency, no, origin_member, origin_no in connection.execute(
            _TWINS, {"members": members}
        )
    }


def _read_past(
    connection: Connection,
    by_book: Mapping[_Key, _PastOf],
    rows: Select[Any],
    values: Mapping[str, Any],
) -> None:
    holder = {member: past.book.member_id for past in by_book.values() for member in past.members}
    for row in connection.execute(rows, values).mappings():
        past = by_book.get((holder[row["member_id"]], row["currency"]))
        if past is not None:
            past.add(row)


def _any_lot(
    numbers: Mapping[_Key, set[int]], lot: ColumnElement[Any], table: FromClause
) -> ColumnElement[bool]:
    """One of these lots of one of these accounts."""
    return or_(
        false(),
        *(
            and_(table.c.member_id == member, table.c.currency == currency, lot.in_(own))
            for (member, currency), own in numbers.items()
        ),
    )
