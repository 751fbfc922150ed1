"""The ledger's tables: load account books under lock, write what moved in them.

`open_books` locks accounts in id order and reads lots after the lock, in a later statement;
`write_books` writes in sets (`ledger.md` 4).  Choosing lots happens between the two, in
`domain.account`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.points import Kind
from loyalty_core.store.ledger_past import load_past
from loyalty_core.store.lots import LOTS_OF_MEMBERS, OPEN_LOTS, take_lots
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import accounts, entries, entry_lots, lots, members

AccountKey = tuple[int, str]
"""Member and currency of points."""
BROUGHT_IN = "import/"
"""Keys of balances that were brought in begin so."""


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
    wanted, values = _EVERY_LOT, dict[str, Any]()
    if not whole:
        known = {"purchases": needs.purchases, "since": needs.reopen_since}
        values = {name: value for name, value in known.items() if value}
        wanted = _wanted_lots(frozenset(values))
    members = {member for member, _ in books}
    take_lots(books, wanted.rows(connection, {"members": members, **values}))
    if needs.purchases:
        load_past(connection, books, needs.purchases, needs.aliases)
    return books


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


_BROUGHT_IN = select(
    entries.c.member_id,
    entries.c.currency,
    entries.c.key,
    entries.c.amount,
    entries.c.d_available,
    entries.c.d_pending,
    entries.c.d_debt,
).where(
    among(entries.c.member_id, "members"),
    entries.c.kind == Kind.ADJUST.value,
    entries.c.key.startswith(BROUGHT_IN, autoescape=True),
)


def brought_in(
    connection: Connection, member_ids: Collection[int]
) -> dict[tuple[int, str, str], int]:
    """What all imports moved at these members: given points, or taken ones below zero; by member,
    currency and key."""
    if not member_ids:
        return {}
    found = connection.execute(_BROUGHT_IN, {"members": member_ids})
    return {
        (row.member_id, row.currency, row.key): row.amount
        if row.d_available + row.d_pending - row.d_debt >= 0
        else -row.amount
        for row in found
    }


def sums_until(
    connection: Connection, member_ids: Collection[int], currency: str, moment: datetime
) -> dict[int, int]:
    """What each member had, less what was owed, by all that had happened until then."""
    figures = entries.c.d_available + entries.c.d_pending + entries.c.d_held - entries.c.d_debt
    found = connection.execute(
        select(entries.c.member_id, func.sum(figures))
        .where(
            among(entries.c.member_id, "members"),
            entries.c.currency == currency,
            entries.c.occurred_at <= moment,
        )
        .group_by(entries.c.member_id),
        {"members": member_ids},
    )
    return {member: int(total) for member, total in found}


def currencies_of(connection: Connection, member_ids: Collection[int]) -> list[str]:
    """Every currency in which one of these members has an account."""
    found = select(accounts.c.currency).where(accounts.c.member_id.in_(member_ids)).distinct()
    return sorted(connection.scalars(found))


def is_in_use(connection: Connection, programme_id: int, currency: str) -> bool:
    """Whether a member of this programme has an account in it."""
    owned = select(accounts.c.member_id).join(members, members.c.id == accounts.c.member_id)
    found = owned.where(members.c.programme_id == programme_id, accounts.c.currency == currency)
    return connection.scalar(found.limit(1)) is not None


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

_KEY = ("member_id", "currency")
_LOCKED = Ready(
    select(
        accounts.c.member_id,
        accounts.c.currency,
        accounts.c.available,
        accounts.c.pending,
        accounts.c.held,
        accounts.c.debt,
        accounts.c.entries,
        accounts.c.lots,
    )
    .where(among(accounts.c.member_id, "members"))
    .order_by(accounts.c.member_id, accounts.c.currency)
    .with_for_update()
)


def _lock(connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, AccountBook]:
    """Nearly all accounts are there; opening one, which nobody else waits for, comes after."""
    books = _locked(connection, keys)
    missing = [key for key in keys if key not in books]
    if not missing:
        return books
    insert_many(connection, accounts, _KEY, missing, unless=_KEY)
    return _locked(connection, keys)


def _locked(connection: Connection, keys: Sequence[AccountKey]) -> dict[AccountKey, AccountBook]:
    wanted = set(keys)
    found = _LOCKED.rows(connection, {"members": {member for member, _ in keys}})
    return {row[:2]: AccountBook(*row) for row in found if row[:2] in wanted}


_EVERY_LOT = Ready(LOTS_OF_MEMBERS)


@cache
def _wanted_lots(needs: frozenset[str]) -> Ready:
    wanted: list[ColumnElement[bool]] = [OPEN_LOTS]
    if "purchases" in needs:
        wanted.append(among(lots.c.purchase_id, "purchases"))
    if "since" in needs:
        since = bindparam("since", type_=lots.c.expires_at.type)
        wanted.append(and_(lots.c.expired > 0, lots.c.expires_at > since))
    return Ready(LOTS_OF_MEMBERS.where(or_(*wanted)))


# --- writing --------------------------------------------------------------------------------

_FIGURES = ("available", "pending", "held", "debt", "entries", "lots")
_LOT_KEY = ("member_id", "currency", "no")
_LOT_STATE = ("free", "held", "expired", "owed", "active")
_LOT_ORIGIN = (
    "amount",
    "spendable_from",
    "expires_at",
    "purchase_id",
    "origin_member",
    "origin_no",
)
_ENTRY = (
    "member_id",
    "currency",
    "seq",
    "kind",
    "amount",
    "d_available",
    "d_pending",
    "d_held",
    "d_debt",
    "key",
    "purchase_id",
    "cause",
    "occurred_at",
    "booked_at",
)
_ENTRY_LOT = (
    "member_id",
    "currency",
    "seq",
    "line",
    "lot",
    "instead_of",
    "d_free",
    "d_held",
    "d_expired",
    "d_owed",
)


def write_books(connection: Connection, books: Iterable[AccountBook]) -> None:
    """Write the new entries, their rows, and the lots and figures as they now stand."""
    moved = [book for book in books if book.entries]
    if not moved:
        return
    insert_many(connection, entries, _ENTRY, [row for book in moved for row in _entries(book)])
    insert_many(
        connection, entry_lots, _ENTRY_LOT, [row for book in moved for row in _entry_lots(book)]
    )
    _write_lots(connection, moved)
    update_many(connection, accounts, _KEY, _FIGURES, [_figures(book) for book in moved])
    for book in moved:
        _mark_written(book)


def _entries(book: AccountBook) -> Iterable[tuple[Any, ...]]:
    for entry in book.entries:
        cause = entry.cause
        yield (
            book.member_id,
            book.currency,
            entry.seq,
            entry.kind.value,
            entry.amount,
            entry.d_available,
            entry.d_pending,
            entry.d_held,
            entry.d_debt,
            entry.key,
            cause.purchase_id,
            dict(cause.facts),
            cause.occurred_at,
            cause.booked_at,
        )


def _entry_lots(book: AccountBook) -> Iterable[tuple[Any, ...]]:
    for entry in book.entries:
        for row in entry.rows:
            yield (
                book.member_id,
                book.currency,
                row.seq,
                row.line,
                row.lot,
                row.instead_of,
                row.d_free,
                row.d_held,
                row.d_expired,
                row.d_owed,
            )


def _write_lots(connection: Connection, books: Sequence[AccountBook]) -> None:
    fresh: list[tuple[Any, ...]] = []
    known: list[tuple[Any, ...]] = []
    for book in books:
        for no in sorted(book.touched):
            lot = book.lots[no]
            state = (lot.free, lot.held, lot.expired, lot.owed, lot.active)
            if lot.is_new:
                origin = lot.origin or (None, None)
                born = (lot.amount, lot.spendable_from, lot.expires_at, lot.purchase_id, *origin)
                fresh.append((book.member_id, book.currency, no, *state, *born))
            else:
                known.append((book.member_id, book.currency, no, *state))
    insert_many(connection, lots, (*_LOT_KEY, *_LOT_STATE, *_LOT_ORIGIN), fresh)
    update_many(connection, lots, _LOT_KEY, _LOT_STATE, known)


def _figures(book: AccountBook) -> tuple[Any, ...]:
    return (
        book.member_id,
        book.currency,
        book.available,
        book.pending,
        book.held,
        book.debt,
        book.entries_made,
        book.lots_made,
    )


def _mark_written(book: AccountBook) -> None:
    for entry in book.entries:
        book.past.extend(entry.rows)
    book.entries.clear()
    for no in book.touched:
        book.lots[no].is_new = False
    book.touched.clear()
