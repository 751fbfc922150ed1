"""Reading accounts without locks: balances as they are by now, lots, the ledger's pages.

Jobs book activations, expiries and the end of holds a little after their time; a reader must
not see that.  `DUE` are the sums that make up for it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Label,
    RowMapping,
    ScalarSelect,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from loyalty_core.store.sets import and_then
from loyalty_core.store.tables import accounts, entries, holds, lots
from loyalty_kit.checkout import Balance

LedgerPlace = tuple[datetime, int, str, int]
"""Booked at, member, currency, seq: where a page of the ledger ended."""


def due_sums(now: datetime | ColumnElement[Any]) -> list[Label[int]]:
    """Columns beside `accounts`: what time has done that is not booked yet."""
    alive = or_(lots.c.expires_at.is_(None), lots.c.expires_at > now)
    return [
        _lots_due(and_(~lots.c.active, lots.c.spendable_from <= now, alive)).label("matured"),
        _lots_due(and_(lots.c.active, ~alive)).label("lapsed"),
        _lots_due(and_(~lots.c.active, ~alive)).label("lapsed_pending"),
        held_sum(holds.c.expires_at <= now).label("ended"),
    ]


def held_sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Points of the account's live holds for which `condition` is true."""
    return _whole(
        select(func.sum(holds.c.points))
        .where(
            holds.c.member_id == accounts.c.member_id,
            holds.c.currency == accounts.c.currency,
            and_then(holds.c.state == literal_column("'live'")),
            condition,
        )
        .correlate(accounts)
        .scalar_subquery()
    )


def balance_of(row: Any, currency: str) -> Balance:
    """The figures of a row of `accounts` with `due_sums`; what has come pays debt first."""
    came = row.matured + row.ended
    paid = min(row.debt, came)
    return Balance(
        currency,
        available=max(0, row.available + came - paid - row.lapsed),
        pending=max(0, row.pending - row.matured - row.lapsed_pending),
        held=max(0, row.held - row.ended),
        debt=row.debt - paid,
    )


def balances(
    connection: Connection, member_ids: Collection[int], now: datetime
) -> list[tuple[int, Balance]]:
    """Every account of these members, by member and currency."""
    rows = connection.execute(
        select(accounts, *due_sums(now))
        .where(accounts.c.member_id.in_(member_ids))
        .order_by(accounts.c.member_id, accounts.c.currency)
    )
    return [(row.member_id, balance_of(row, row.currency)) for row in rows]


def open_lots(
    connection: Connection, member_id: int, currency: str | None = None
) -> list[RowMapping]:
    """Lots with points left, in the order in which they are spent."""
    query = select(lots).where(lots.c.member_id == member_id, or_(lots.c.free > 0, lots.c.held > 0))
    if currency is not None:
        query = query.where(lots.c.currency == currency)
    order = (lots.c.currency, lots.c.expires_at.is_(None), lots.c.expires_at, lots.c.no)
    return list(connection.execute(query.order_by(*order)).mappings())


def ledger_page(
    connection: Connection,
    member_ids: Collection[int],
    *,
    currency: str | None,
    after: LedgerPlace | None,
    limit: int,
) -> list[RowMapping]:
    """Entries, newest first, from below the place where the last page ended."""
    place = (entries.c.booked_at, entries.c.member_id, entries.c.currency, entries.c.seq)
    query = select(entries).where(entries.c.member_id.in_(member_ids))
    if currency is not None:
        query = query.where(entries.c.currency == currency)
    if after is not None:
        query = query.where(tuple_(*place) < tuple_(*after, types=[one.type for one in place]))
    query = query.order_by(*(one.desc() for one in place)).limit(limit)
    return list(connection.execute(query).mappings())


def _lots_due(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _whole(
        select(func.sum(lots.c.free))
        .where(
            lots.c.member_id == accounts.c.member_id,
            lots.c.currency == accounts.c.currency,
            lots.c.free > literal_column("0"),
            and_then(condition),
        )
        .correlate(accounts)
        .scalar_subquery()
    )


def _whole(total: ScalarSelect[Any]) -> ColumnElement[int]:
    """A sum that is there and whole: PostgreSQL adds bigints up to a numeric."""
    return cast(func.coalesce(total, literal_column("0")), BigInteger)
