"""Simulations: where each programme's last one stands, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import simulations

UNDERWAY = "underway"


@dataclass(frozen=True, slots=True)
class SimulationRow:
    """`first_day` to `last_day`: whole days of the programme, as "2026-03-01".  `done` of `total`
    receipts are priced; `result` as `hub.simulation.document` tells it, once it is done.
    `due_at`: from then on whoever comes takes it; None: it is over."""

    programme_id: int
    draft: int
    first_day: str
    last_day: str
    total: int
    due_at: datetime | None
    started_at: datetime
    started_by: str
    stage: str = UNDERWAY
    done: int = 0
    ended_at: datetime | None = None
    error_code: str | None = None
    result: Mapping[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        return self.stage != UNDERWAY

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // max(1, self.total))


_ROWS = select(*[simulations.c[name] for name in SimulationRow.__dataclass_fields__])


def get(connection: Connection, programme_id: int) -> SimulationRow | None:
    found = connection.execute(_ROWS.where(simulations.c.programme_id == programme_id)).first()
    return None if found is None else SimulationRow(*found)


def begin(connection: Connection, row: SimulationRow) -> bool:
    """In the place of one that is over; False where one is underway."""
    values = {name: getattr(row, name) for name in SimulationRow.__dataclass_fields__}
    begun = connection.scalar(
        insert_or(connection, simulations)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["programme_id"],
            set_=values,
            where=simulations.c.stage != UNDERWAY,
        )
        .returning(simulations.c.programme_id)
    )
    return begun is not None


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime
) -> SimulationRow | None:
    """Take it if it waits for somebody; nobody else takes it before `until`."""
    taken = connection.execute(
        update(simulations)
        .where(simulations.c.programme_id == programme_id, simulations.c.due_at <= now)
        .values(due_at=until)
    )
    return get(connection, programme_id) if taken.rowcount else None


def save(connection: Connection, programme_id: int, started_at: datetime, **values: Any) -> bool:
    """Write down how far the one begun at `started_at` has come; False where it is over."""
    saved = connection.execute(
        update(simulations)
        .where(
            simulations.c.programme_id == programme_id,
            simulations.c.started_at == started_at,
            simulations.c.stage == UNDERWAY,
        )
        .values(**values)
    )
    return bool(saved.rowcount)


def stop(connection: Connection, programme_id: int, *, now: datetime) -> bool:
    """False where none is underway."""
    stopped = connection.execute(
        update(simulations)
        .where(simulations.c.programme_id == programme_id, simulations.c.stage == UNDERWAY)
        .values(stage="stopped", due_at=None, ended_at=now)
    )
    return bool(stopped.rowcount)


def programmes_due(connection: Connection, now: datetime) -> list[int]:
    query = select(simulations.c.programme_id).where(simulations.c.due_at <= now)
    return list(connection.scalars(query))
