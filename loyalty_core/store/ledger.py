"""The ledger's tables: load account books under lock, write what moved in them.

`open_books` locks accounts in id order and reads lots after the lock, in a later statement;
`write_books` writes in sets (`ledger.md` 4).  Choosing lots happens between the two, in
`domain.account`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    false,
    insert,
    or_,
    select,
    true,
    update,
)

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.points import Entry, Kind, Lot, Row
from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import accounts, entries, entry_lots, lots

AccountKey = tuple[int, str]
"""Member and currency of points."""

_OPEN = or_(lots.c.free > 0, lots.c.held > 0, lots.c.owed > 0)


@dataclass(frozen=True, slots=True)
class Needs:
    """What beside the open lots a piece of work must see.

    `purchases`: what these took is to be found again.  `reopen_since`: a spend that happened
    then may reopen lots that expired since.  `aliases`: members merged into each member.
    """

    purchases: frozenset[int] = frozenset()
    reopen_since: datetime | None = None
    aliases: Mapping[int, Sequence[int]] = field(default_factory=dict)


def open_books(
    connection: Connection,
    keys: Collection[AccountKey],
    needs: Needs | None = None,
    *,
    whole: bool = False,
) -> dict[AccountKey, AccountBook]:
    """The books of these accounts, locked until the transaction ends; new ones are opened.

    `whole`: with every lot that there ever was, closed ones too.
    """
    if not keys:
        return {}
    books = _lock(connection, sorted(keys))
    needs = needs or Needs()
    _load_lots(connection, books, true() if whole else _wanted_lots(needs))
    if needs.purchases:
        _load_past(connection, books, needs)
    return books


def write_books(connection: Connection, books: Iterable[AccountBook]) -> None:
    """Write the new entries, their rows, and the lots and figures as they now stand."""
    moved = [book for book in books if book.entries]
    if not moved:
        return
    new = [(book, entry) for book in moved for entry in book.entries]
    connection.execute(insert(entries), [_entry_values(book, entry) for book, entry in new])
    rows = [_row_values(book, row) for book, entry in new for row in entry.rows]
    if rows:
        connection.execute(insert(entry_lots), rows)
    _write_lots(connection, moved)
    connection.execute(_UPDATE_ACCOUNT, [_account_values(book) for book in moved])
    for book in moved:
        _mark_written(book)


def find_entry(connection: Connection, key: AccountKey, entry_key: str) -> RowMapping | None:
    """The entry booked under this key, if it was."""
    found = connection.execute(
        select(entries).where(
            entries.c.member_id == key[0],
            entries.c.currency == key[1],
            entries.c.key == entry_key,
        )
    )
    return found.mappings().first()


def currencies_of(connection: Connection, member_ids: Collection[int]) -> list[str]:
    """Every currency in which one of these members has an account."""
    found = select(accounts.c.currency).where(accounts.c.member_id.in_(member_ids)).distinct()
    return sorted(connection.scalars(found))


def accounts_expiring(connection: Connection, now: datetime, limit: int) -> list[AccountKey]:
    """Accounts with lots whose last day is over, the earliest first."""
    over = and_(lots.c.free > 0, lots.c.expires_at <= now)
    return _accounts_with(connection, over, lots.c.expires_at, limit)


def accounts_maturing(connection: Connection, now: datetime, limit: int) -> list[AccountKey]:
    """Accounts with pending lots that have become spendable, the earliest first."""
    due = and_(~lots.c.active, lots.c.free > 0, lots.c.spendable_from <= now)
    return _accounts_with(connection, due, lots.c.spendable_from, limit)


def _accounts_with(
    connection: Connection, condition: ColumnElement[bool], order: Any, limit: int
) -> list[AccountKey]:
    found = connection.execute(
        select(lots.c.member_id, lots.c.currency).where(condition).order_by(order).limit(limit)
    )
    return sorted({(member, currency) for member, currency in found})


# --- loading --------------------------------------------------------------------------------


def _lock(connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, AccountBook]:
    names = [{"member_id": member, "currency": currency} for member, currency in keys]
    connection.execute(insert_or(connection, accounts).on_conflict_do_nothing(), names)
    found = connection.execute(
        select(accounts)
        .where(accounts.c.member_id.in_([member for member, _ in keys]))
        .order_by(accounts.c.member_id, accounts.c.currency)
        .with_for_update()
    ).mappings()
    wanted = set(keys)
    return {
        (row["member_id"], row["currency"]): AccountBook(
            row["member_id"],
            row["currency"],
            available=row["available"],
            pending=row["pending"],
            held=row["held"],
            debt=row["debt"],
            entries_made=row["entries"],
            lots_made=row["lots"],
        )
        for row in found
        if (row["member_id"], row["currency"]) in wanted
    }


def _wanted_lots(needs: Needs) -> ColumnElement[bool]:
    wanted = [_OPEN]
    if needs.purchases:
        wanted.append(lots.c.purchase_id.in_(needs.purchases))
    if needs.reopen_since is not None:
        wanted.append(and_(lots.c.expired > 0, lots.c.expires_at > needs.reopen_since))
    return or_(*wanted)


def _load_lots(
    connection: Connection, books: Mapping[AccountKey, AccountBook], wanted: ColumnElement[bool]
) -> None:
    members = {member for member, _ in books}
    found = connection.execute(
        select(lots).where(lots.c.member_id.in_(members), wanted).order_by(lots.c.no)
    ).mappings()
    for row in found:
        book = books.get((row["member_id"], row["currency"]))
        if book is not None:
            book.lots[row["no"]] = lot_of(row)


def lot_of(row: RowMapping) -> Lot:
    """A lot as it stands in its row."""
    origin = None
    if row["origin_member"] is not None:
        origin = (row["origin_member"], row["origin_no"])
    return Lot(
        row["no"],
        row["amount"],
        row["active"],
        row["spendable_from"],
        row["expires_at"],
        free=row["free"],
        held=row["held"],
        expired=row["expired"],
        owed=row["owed"],
        purchase_id=row["purchase_id"],
        origin=origin,
    )


def _load_past(
    connection: Connection, books: Mapping[AccountKey, AccountBook], needs: Needs
) -> None:
    """The rows by which purchases find what they took, and the lots that these name.

    Whoever stood in for such a lot may have been stood in for itself, so the search goes on
    until it finds no lot that it has not looked at.
    """
    by_book = {key: _PastOf(book, needs.aliases.get(key[0], ())) for key, book in books.items()}
    members = {member for past in by_book.values() for member in past.members}
    twins = _twins(connection, members) if any(needs.aliases.values()) else {}
    condition: ColumnElement[bool] = entries.c.purchase_id.in_(needs.purchases)
    for past in by_book.values():
        past.twins = twins
    former = {alias for aliases in needs.aliases.values() for alias in aliases}
    if former:
        condition = or_(
            condition,
            and_(entry_lots.c.member_id.in_(former), entry_lots.c.instead_of.is_not(None)),
        )
    _read_past(connection, by_book, members, condition)
    while asked := {key: lots_ for key, past in by_book.items() if (lots_ := past.unasked())}:
        _read_past(connection, by_book, members, _instead_of(asked))
    missing = {key: names for key, past in by_book.items() if (names := past.missing())}
    if missing:
        _load_lots(connection, books, _named_lots(missing))
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
    found = connection.execute(
        select(
            lots.c.member_id, lots.c.currency, lots.c.no, lots.c.origin_member, lots.c.origin_no
        ).where(lots.c.member_id.in_(members), lots.c.origin_member.is_not(None))
    )
    return {
        (origin_member, currency, origin_no): (member, no)
        for member, currency, no, origin_member, origin_no in found
    }


def _read_past(
    connection: Connection,
    by_book: Mapping[AccountKey, _PastOf],
    members: Collection[int],
    condition: ColumnElement[bool],
) -> None:
    same_entry = and_(
        entries.c.member_id == entry_lots.c.member_id,
        entries.c.currency == entry_lots.c.currency,
        entries.c.seq == entry_lots.c.seq,
    )
    found = connection.execute(
        select(entry_lots, entries.c.kind, entries.c.purchase_id, entries.c.booked_at)
        .join(entries, same_entry)
        .where(entry_lots.c.member_id.in_(members), condition)
    ).mappings()
    holder = {member: past.book.member_id for past in by_book.values() for member in past.members}
    for row in found:
        past = by_book.get((holder[row["member_id"]], row["currency"]))
        if past is not None:
            past.add(row)


def _instead_of(asked: Mapping[AccountKey, set[int]]) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(
                entry_lots.c.member_id == member,
                entry_lots.c.currency == currency,
                entry_lots.c.instead_of.in_(numbers),
            )
            for (member, currency), numbers in asked.items()
        ),
    )


def _named_lots(missing: Mapping[AccountKey, set[int]]) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(lots.c.member_id == member, lots.c.currency == currency, lots.c.no.in_(numbers))
            for (member, currency), numbers in missing.items()
        ),
    )


# --- writing --------------------------------------------------------------------------------

_LOT_STATE = ("free", "held", "expired", "owed", "active")
_UPDATE_LOT = (
    update(lots)
    .where(
        lots.c.member_id == bindparam("b_member"),
        lots.c.currency == bindparam("b_currency"),
        lots.c.no == bindparam("b_no"),
    )
    .values({name: bindparam(f"b_{name}") for name in _LOT_STATE})
)
_FIGURES = ("available", "pending", "held", "debt")
_UPDATE_ACCOUNT = (
    update(accounts)
    .where(
        accounts.c.member_id == bindparam("b_member"),
        accounts.c.currency == bindparam("b_currency"),
    )
    .values({name: bindparam(f"b_{name}") for name in (*_FIGURES, "entries", "lots")})
)


def _write_lots(connection: Connection, books: Sequence[AccountBook]) -> None:
    changed = [(book, book.lots[no]) for book in books for no in sorted(book.touched)]
    fresh = [_lot_values(book, lot) for book, lot in changed if lot.is_new]
    if fresh:
        connection.execute(insert(lots), fresh)
    known = [
        {
            "b_member": book.member_id,
            "b_currency": book.currency,
            "b_no": lot.no,
            **{f"b_{name}": getattr(lot, name) for name in _LOT_STATE},
        }
        for book, lot in changed
        if not lot.is_new
    ]
    if known:
        connection.execute(_UPDATE_LOT, known)


def _mark_written(book: AccountBook) -> None:
    for entry in book.entries:
        book.past.extend(entry.rows)
    book.entries.clear()
    for no in book.touched:
        book.lots[no].is_new = False
    book.touched.clear()


def _account_values(book: AccountBook) -> dict[str, Any]:
    return {
        "b_member": book.member_id,
        "b_currency": book.currency,
        **{f"b_{name}": getattr(book, name) for name in _FIGURES},
        "b_entries": book.entries_made,
        "b_lots": book.lots_made,
    }


def _entry_values(book: AccountBook, entry: Entry) -> dict[str, Any]:
    cause = entry.cause
    return {
        "member_id": book.member_id,
        "currency": book.currency,
        "seq": entry.seq,
        "kind": entry.kind,
        "amount": entry.amount,
        "d_available": entry.d_available,
        "d_pending": entry.d_pending,
        "d_held": entry.d_held,
        "d_debt": entry.d_debt,
        "key": entry.key,
        "purchase_id": cause.purchase_id,
        "cause": dict(cause.facts),
        "occurred_at": cause.occurred_at,
        "booked_at": cause.booked_at,
    }


def _row_values(book: AccountBook, row: Row) -> dict[str, Any]:
    return {
        "member_id": book.member_id,
        "currency": book.currency,
        "seq": row.seq,
        "line": row.line,
        "lot": row.lot,
        "instead_of": row.instead_of,
        "d_free": row.d_free,
        "d_held": row.d_held,
        "d_expired": row.d_expired,
        "d_owed": row.d_owed,
    }


def _lot_values(book: AccountBook, lot: Lot) -> dict[str, Any]:
    origin_member, origin_no = lot.origin or (None, None)
    return {
        "member_id": book.member_id,
        "currency": book.currency,
        "no": lot.no,
        "amount": lot.amount,
        "spendable_from": lot.spendable_from,
        "expires_at": lot.expires_at,
        "purchase_id": lot.purchase_id,
        "origin_member": origin_member,
        "origin_no": origin_no,
        **{name: getattr(lot, name) for name in _LOT_STATE},
    }
