"""Back-fills: where each connection's last one stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.inbox import POLLED
from loyalty_core.store.installations import WORKED_STATES
from loyalty_core.store.tables import DUE, backfills, deliveries, installations

UNDERWAY = ("counting", "booking")


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """`total` documents were counted, `found` of them were put into the inbox."""

    installation_id: int
    programme_id: int
    since: datetime
    dry: bool
    stage: str
    cursor: str | None
    total: int
    found: int
    due_at: datetime | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    error_code: str | None = None
    error_text: str | None = None


_ROWS = select(*[backfills.c[name] for name in BackfillRow.__dataclass_fields__])


def get(connection: Connection, home: int) -> BackfillRow | None:
    found = connection.execute(_ROWS.where(backfills.c.installation_id == home)).first()
    return None if found is None else BackfillRow(*found)


def begin(connection: Connection, row: BackfillRow) -> bool:
    """In the place of one that is over; False where one is underway."""
    values = {name: getattr(row, name) for name in BackfillRow.__dataclass_fields__}
    begun = connection.scalar(
        insert_or(connection, backfills)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["installation_id"],
            set_=values,
            where=backfills.c.stage.not_in(UNDERWAY),
        )
        .returning(backfills.c.installation_id)
    )
    return begun is not None


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime
) -> BackfillRow | None:
    """Take one whose next step is due; nobody else takes it before `until`."""
    query = (
        _ROWS.join(installations, installations.c.id == backfills.c.installation_id)
        .where(
            backfills.c.programme_id == programme_id,
            backfills.c.due_at <= now,
            installations.c.state.in_(WORKED_STATES),
        )
        .order_by(backfills.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=backfills)
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    connection.execute(
        update(backfills)
        .where(backfills.c.installation_id == found.installation_id)
        .values(due_at=until)
    )
    return BackfillRow(*found)


def save(connection: Connection, home: int, held: datetime, **values: Any) -> bool:
    """Write down a step that was claimed until `held`; False where it was stopped, or another
    worker has it by now."""
    saved = connection.execute(
        update(backfills)
        .where(backfills.c.installation_id == home, backfills.c.due_at == held)
        .values(**values)
    )
    return bool(saved.rowcount)


def stop(connection: Connection, home: int, *, now: datetime) -> bool:
    """False where none is underway."""
    stopped = connection.execute(
        update(backfills)
        .where(backfills.c.installation_id == home, backfills.c.stage.in_(UNDERWAY))
        .values(stage="stopped", due_at=None, ended_at=now)
    )
    return bool(stopped.rowcount)


def waiting(connection: Connection, home: int) -> tuple[int, int]:
    """Polled documents of a connection that are still to be read, and how many of them have not
    been tried."""
    query = select(func.count(), func.count().filter(deliveries.c.error_code.is_(None))).where(
        deliveries.c.installation_id == home,
        deliveries.c.state == DUE,
        deliveries.c.hook == POLLED,
    )
    every, fresh = connection.execute(query).one()
    return every, fresh


def programmes_due(connection: Connection, now: datetime) -> list[int]:
    query = (
        select(backfills.c.programme_id)
        .join(installations, installations.c.id == backfills.c.installation_id)
        .where(backfills.c.due_at <= now, installations.c.state.in_(WORKED_STATES))
    )
    return list(connection.scalars(query.distinct()))
