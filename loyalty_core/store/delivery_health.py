"""What the deliveries of one connection tell of its health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, select

from loyalty_core.store.ids import first_id_at
from loyalty_core.store.inbox import POLLED
from loyalty_core.store.tables import DEAD, DUE, deliveries, documents

LAG_OF = 100
"""The last so many deliveries that were booked say how long it takes."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`late` could be worked off now, since `late_since`; `later` wait for their next try."""

    late: int
    late_since: datetime | None
    later: int


def waiting(connection: Connection, home: int, now: datetime) -> Waiting:
    is_late = deliveries.c.due_at <= now
    late, since, later = connection.execute(
        select(
            func.count().filter(is_late),
            func.min(deliveries.c.due_at).filter(is_late),
            func.count().filter(~is_late),
        ).where(deliveries.c.installation_id == home, deliveries.c.state == DUE)
    ).one()
    return Waiting(late, since, later)


def errors_since(connection: Connection, home: int, since: datetime) -> dict[str, int]:
    """Deliveries that failed or are being tried again, by the code of what was wrong."""
    found = connection.execute(
        select(deliveries.c.error_code, func.count())
        .where(
            deliveries.c.installation_id == home,
            deliveries.c.id >= first_id_at(since),
            deliveries.c.state.in_(("due", "dead")),
            deliveries.c.error_code.is_not(None),
        )
        .group_by(deliveries.c.error_code)
        .order_by(func.count().desc(), deliveries.c.error_code)
    )
    return dict(found.all())


def dead(connection: Connection, home: int) -> int:
    its_own = and_(deliveries.c.installation_id == home, deliveries.c.state == DEAD)
    return connection.scalar(select(func.count()).select_from(deliveries).where(its_own)) or 0


def lag(connection: Connection, home: int) -> timedelta | None:
    """From the shop's call to the books: the middle one of the last that were booked."""
    found = connection.execute(
        select(deliveries.c.received_at, deliveries.c.done_at)
        .where(
            deliveries.c.installation_id == home,
            deliveries.c.state == "done",
            deliveries.c.hook != POLLED,
        )
        .order_by(deliveries.c.id.desc())
        .limit(LAG_OF)
    )
    took = sorted(done - received for received, done in found if done is not None)
    return took[len(took) // 2] if took else None


def last_found_at(connection: Connection, home: int) -> datetime | None:
    """When a document of the shop was last asked for, by webhook or by polling."""
    last: datetime | None = connection.scalar(
        select(func.max(documents.c.asked_at)).where(documents.c.installation_id == home)
    )
    return last
