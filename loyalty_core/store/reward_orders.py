"""Stock of rewards, and orders of them.  What is taken of a stock is the number of its orders
that are not cancelled; both change together, the stock locked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, insert, select, update

from loyalty_core.domain.points import Kind
from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import entries, reward_orders, reward_stock

ORDERED = "ordered"
HANDED_OUT = "handed_out"
CANCELLED = "cancelled"
STATES = (ORDERED, HANDED_OUT, CANCELLED)

_STOCK = reward_stock.c
_ORDERS = reward_orders.c


@dataclass(frozen=True, slots=True)
class Stock:
    """`put`: pieces that there ever were; `taken`: those that orders have."""

    put: int
    taken: int

    @property
    def left(self) -> int:
        return self.put - self.taken


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """An order as it is kept.  `reward` and `partner` are folded codes; `points` (hundredths)
    and `compensation_minor` as they were when it was ordered.  `ended_at`, `ended_by`: when and
    by whom it was handed out or cancelled."""

    id: int
    programme_id: int
    member_id: int
    key: str
    reward: str
    name: str
    currency: str
    points: int
    counted: bool
    partner: str | None
    compensation_minor: int
    code: str
    state: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


_WORDS = tuple(one.name for one in fields(KeptOrder))
_ORDER = select(*(_ORDERS[name] for name in _WORDS))


# --- stock ------------------------------------------------------------------------------------


def lock_stock(connection: Connection, programme_id: int, reward: str) -> Stock:
    """What there is of a reward, held until the transaction ends."""
    connection.execute(
        insert_or(connection, reward_stock).on_conflict_do_nothing(),
        {"programme_id": programme_id, "reward": reward, "put": 0, "taken": 0},
    )
    query = select(_STOCK.put, _STOCK.taken).where(*_stock_of(programme_id, reward))
    return Stock(*connection.execute(query.with_for_update()).one())


def set_stock(connection: Connection, programme_id: int, reward: str, stock: Stock) -> None:
    """The reward is locked."""
    connection.execute(
        update(reward_stock)
        .where(*_stock_of(programme_id, reward))
        .values(put=stock.put, taken=stock.taken)
    )


def left_of_all(connection: Connection, programme_id: int) -> dict[str, int]:
    """What is left of each reward that any were ever put in stock of."""
    found = connection.execute(
        select(_STOCK.reward, _STOCK.put - _STOCK.taken).where(_STOCK.programme_id == programme_id)
    )
    return dict(found.all())


def _stock_of(programme_id: int, reward: str) -> tuple[ColumnElement[bool], ...]:
    return (_STOCK.programme_id == programme_id, _STOCK.reward == reward)


# --- orders -----------------------------------------------------------------------------------


def add_order(connection: Connection, order: KeptOrder) -> None:
    """Raises: IntegrityError, where its key or code is there already."""
    connection.execute(
        insert(reward_orders).values(**{name: getattr(order, name) for name in _WORDS})
    )


def order_by_id(
    connection: Connection, programme_id: int, order_id: int, *, lock: bool = False
) -> KeptOrder | None:
    """`lock`: held until the transaction ends."""
    return _one(connection, programme_id, _ORDERS.id == order_id, lock=lock)


def order_by_key(connection: Connection, programme_id: int, key: str) -> KeptOrder | None:
    return _one(connection, programme_id, _ORDERS.key == key, lock=False)


def lock_order_by_code(connection: Connection, programme_id: int, code: str) -> KeptOrder | None:
    return _one(connection, programme_id, _ORDERS.code == code, lock=True)


def end_order(connection: Connection, order: KeptOrder) -> None:
    """Write how an order ended; it is locked."""
    connection.execute(
        update(reward_orders)
        .where(_ORDERS.id == order.id)
        .values(state=order.state, ended_at=order.ended_at, ended_by=order.ended_by)
    )


def open_orders_of(connection: Connection, member_ids: Collection[int]) -> list[KeptOrder]:
    """Those that were neither handed out nor cancelled, held until the transaction ends."""
    query = _ORDER.where(_ORDERS.member_id.in_(member_ids), _ORDERS.state == ORDERED)
    found = connection.execute(query.order_by(_ORDERS.id).with_for_update())
    return [KeptOrder(*row) for row in found]


def counts_of(connection: Connection, member_ids: Collection[int]) -> dict[str, int]:
    """How many of each reward these members have ordered, cancelled orders aside."""
    query = (
        select(_ORDERS.reward, func.count())
        .where(_ORDERS.member_id.in_(member_ids), _ORDERS.state != CANCELLED)
        .group_by(_ORDERS.reward)
    )
    return dict(connection.execute(query).all())


def orders_page(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    *,
    member_ids: Collection[int] | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[KeptOrder]:
    """The newest first; `before` is the id to go on from."""
    query = _ORDER.where(_ORDERS.programme_id == programme_id)
    if member_ids is not None:
        query = query.where(_ORDERS.member_id.in_(member_ids))
    if state is not None:
        query = query.where(_ORDERS.state == state)
    if before is not None:
        query = query.where(_ORDERS.id < before)
    found = connection.execute(query.order_by(_ORDERS.id.desc()).limit(limit))
    return [KeptOrder(*row) for row in found]


def _one(
    connection: Connection, programme_id: int, which: ColumnElement[bool], *, lock: bool
) -> KeptOrder | None:
    query = _ORDER.where(_ORDERS.programme_id == programme_id, which)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else KeptOrder(*row)


# --- proof ------------------------------------------------------------------------------------


def stock_differing(
    connection: Connection, programme_id: int | None
) -> list[tuple[int, str, int, int]]:
    """Programme and reward whose stock is not taken as it was ordered: what it says, and the
    number of orders."""
    ordered = (
        select(_ORDERS.programme_id, _ORDERS.reward, func.count().label("pieces"))
        .where(_ORDERS.counted, _ORDERS.state != CANCELLED)
        .group_by(_ORDERS.programme_id, _ORDERS.reward)
    )
    said = select(_STOCK.programme_id, _STOCK.reward, _STOCK.taken)
    if programme_id is not None:
        ordered = ordered.where(_ORDERS.programme_id == programme_id)
        said = said.where(_STOCK.programme_id == programme_id)
    taken = {(one, reward): count for one, reward, count in connection.execute(said)}
    pieces = {(one, reward): count for one, reward, count in connection.execute(ordered)}
    return [
        (*key, taken.get(key, 0), pieces.get(key, 0))
        for key in sorted({*taken, *pieces})
        if taken.get(key, 0) != pieces.get(key, 0)
    ]


def misbooked(connection: Connection, programme_id: int | None) -> list[tuple[int, int, int]]:
    """Orders whose points are not in the books as they should: id, what is spent there, and
    what should be."""
    came_back = entries.c.kind == Kind.GIVE_BACK.value
    moved: Any = case((came_back, -entries.c.amount), else_=entries.c.amount)
    spent = func.coalesce(func.sum(moved), 0)
    wanted: Any = case((_ORDERS.state == CANCELLED, 0), else_=_ORDERS.points)
    query = (
        select(_ORDERS.id, spent, wanted)
        .select_from(reward_orders.outerjoin(entries, entries.c.purchase_id == _ORDERS.id))
        .group_by(_ORDERS.id)
        .having(spent != wanted)
        .order_by(_ORDERS.id)
    )
    if programme_id is not None:
        query = query.where(_ORDERS.programme_id == programme_id)
    return [(number, int(said), int(due)) for number, said, due in connection.execute(query)]


def rebuild_stock(connection: Connection, programme_id: int | None) -> int:
    """Make what is taken the number of orders again; how many were not."""
    wrong = [key[:2] for key in stock_differing(connection, programme_id)]
    locked = {key: lock_stock(connection, *key) for key in wrong}
    if not locked:
        return 0
    # Counted anew now that nobody else takes of them.
    found = {key[:2]: key[3] for key in stock_differing(connection, programme_id)}
    for key in locked.keys() & found.keys():
        pieces = found[key]
        set_stock(connection, *key, Stock(max(locked[key].put, pieces), pieces))
    return len(locked.keys() & found.keys())
