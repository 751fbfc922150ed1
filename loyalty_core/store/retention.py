"""What goes when its time is over: the bodies of deliveries, their rows later, sent notices.

Batches are small and take rows that nobody else holds, so no lock is held for long.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, and_, delete, func, or_, select, update

from loyalty_core.store.ids import first_id_at
from loyalty_core.store.tables import DEAD, deliveries, outbox

_ENDED_WELL = ("done", "dropped")


def empty_deliveries(
    connection: Connection,
    *,
    ended_before: datetime,
    dead_before: datetime,
    now: datetime,
    limit: int,
) -> int:
    """Take body and headers of deliveries that ended before; how many.

    The row stays with its key and its result, so that the same delivery is still known.
    """
    over = or_(
        and_(deliveries.c.state.in_(_ENDED_WELL), deliveries.c.done_at < ended_before),
        and_(deliveries.c.state == DEAD, deliveries.c.done_at < dead_before),
    )
    kept = and_(deliveries.c.emptied_at.is_(None), deliveries.c.done_at.is_not(None))
    ids = _taken(
        connection,
        select(deliveries.c.id).where(kept, over).order_by(deliveries.c.done_at),
        limit,
    )
    if ids:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(ids))
            .values(body=b"", headers={}, emptied_at=now)
        )
    return len(ids)


def forget_emptied(connection: Connection, *, received_before: datetime, limit: int) -> int:
    """Delete rows of deliveries whose body went long ago; how many.

    Ids rise with the time of arrival, so this looks at the oldest rows alone.
    """
    over = and_(
        deliveries.c.id < first_id_at(received_before), deliveries.c.emptied_at.is_not(None)
    )
    ids = _taken(connection, select(deliveries.c.id).where(over).order_by(deliveries.c.id), limit)
    if ids:
        connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
    return len(ids)


def forget_sent(connection: Connection, *, made_before: datetime, limit: int) -> int:
    """Delete notices that were sent; how many.  Dead ones wait for a person."""
    over = and_(outbox.c.id < first_id_at(made_before), outbox.c.state == "done")
    ids = _taken(connection, select(outbox.c.id).where(over).order_by(outbox.c.id), limit)
    if ids:
        connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
    return len(ids)


def emptied_at(connection: Connection, delivery_id: int, *, lock: bool = False) -> datetime | None:
    """Since when a delivery's body is no longer kept; None while it is.

    `lock`: it stays so until the transaction ends.
    """
    query = select(deliveries.c.emptied_at).where(deliveries.c.id == delivery_id)
    moment: datetime | None = connection.scalar(query.with_for_update() if lock else query)
    return moment


def oldest_kept(connection: Connection) -> datetime | None:
    """When the delivery ended that has kept its body for longest; dead ones apart."""
    oldest: datetime | None = connection.scalar(
        select(func.min(deliveries.c.done_at)).where(
            deliveries.c.emptied_at.is_(None),
            deliveries.c.done_at.is_not(None),
            deliveries.c.state.in_(_ENDED_WELL),
        )
    )
    return oldest


def _taken(connection: Connection, query: Select[tuple[int]], limit: int) -> list[int]:
    return list(connection.scalars(query.limit(limit).with_for_update(skip_locked=True)))
