"""All rows of a programme, a page at a time in the order of their keys: for what is written out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, or_, select, tuple_

from loyalty_core.store.tables import (
    accounts,
    consents,
    entries,
    happenings,
    lots,
    members,
    purchase_lines,
    purchases,
    refunds,
    reward_orders,
    shops,
)

PAGE = 1000
_ALIVE = members.c.state.in_(("active", "unconfirmed"))


def member_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    """Members who can be met: not merged into another, not erased."""
    query = select(members).where(members.c.programme_id == programme_id, _ALIVE)
    yield from _by_id(connection, query, members.c.id)


def purchase_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    """Purchases with the code of their shop."""
    query = (
        select(purchases, shops.c.code.label("shop"))
        .join(shops, shops.c.id == purchases.c.shop_id)
        .where(purchases.c.programme_id == programme_id)
    )
    yield from _by_id(connection, query, purchases.c.id)


def refund_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    query = select(refunds).where(refunds.c.programme_id == programme_id)
    yield from _by_id(connection, query, refunds.c.id)


def event_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    query = select(happenings).where(happenings.c.programme_id == programme_id)
    yield from _by_id(connection, query, happenings.c.id)


def consent_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    query = select(consents).where(consents.c.programme_id == programme_id)
    yield from _by_id(connection, query, consents.c.id)


def order_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    query = select(reward_orders).where(reward_orders.c.programme_id == programme_id)
    yield from _by_id(connection, query, reward_orders.c.id)


def lines_of(connection: Connection, purchase_ids: Collection[int]) -> Sequence[RowMapping]:
    """In the order of purchases; of one purchase by the names of its lines."""
    query = select(purchase_lines).where(purchase_lines.c.purchase_id.in_(purchase_ids))
    found = connection.execute(query.order_by(purchase_lines.c.purchase_id, purchase_lines.c.id))
    return found.mappings().all()


def lots_of(connection: Connection, member_ids: Collection[int]) -> Sequence[RowMapping]:
    """Lots with points left, and debts."""
    is_open = or_(lots.c.free > 0, lots.c.held > 0, lots.c.owed > 0)
    query = select(lots).where(lots.c.member_id.in_(member_ids), is_open)
    order = (lots.c.member_id, lots.c.currency, lots.c.no)
    return connection.execute(query.order_by(*order)).mappings().all()


def entry_pages(connection: Connection, programme_id: int) -> Iterator[Sequence[RowMapping]]:
    """Every entry of the programme's members, those of merged and erased ones too."""
    key = (entries.c.member_id, entries.c.currency, entries.c.seq)
    query = (
        select(entries)
        .join(members, members.c.id == entries.c.member_id)
        .where(members.c.programme_id == programme_id)
        .order_by(*key)
        .limit(PAGE)
    )
    after = None
    while page := connection.execute(_after(query, key, after)).mappings().all():
        yield page
        after = tuple(page[-1][column.name] for column in key)


def counts(connection: Connection, programme_id: int) -> dict[str, int]:
    """How much there is, for a bar that moves."""
    own = members.c.programme_id == programme_id
    made = (
        select(func.coalesce(func.sum(accounts.c.entries), 0))
        .join(members, members.c.id == accounts.c.member_id)
        .where(own)
    )
    return {
        "members": _count(connection, members, and_(own, _ALIVE)),
        "entries": int(connection.scalars(made).one()),
        "purchases": _count(connection, purchases, purchases.c.programme_id == programme_id),
        "refunds": _count(connection, refunds, refunds.c.programme_id == programme_id),
    }


def _count(connection: Connection, table: Any, condition: Any) -> int:
    return connection.scalars(select(func.count()).select_from(table).where(condition)).one()


def _after(query: Any, key: Sequence[Any], after: Sequence[Any] | None) -> Any:
    if after is None:
        return query
    return query.where(tuple_(*key) > tuple_(*after, types=[one.type for one in key]))


def _by_id(connection: Connection, query: Any, number: Any) -> Iterator[Sequence[RowMapping]]:
    query, last = query.order_by(number).limit(PAGE), -1
    while page := connection.execute(query.where(number > last)).mappings().all():
        yield page
        last = page[-1]["id"]
