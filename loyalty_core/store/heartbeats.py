"""Signs of life of workers and schedulers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import heartbeats


def beat(connection: Connection, name: str, *, now: datetime) -> None:
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    connection.execute(
        insert(heartbeats)
        .values(name=name, at=now)
        .on_conflict_do_update(index_elements=["name"], set_={"at": now})
    )


def last(connection: Connection) -> dict[str, datetime]:
    """When each was heard from last, by name ("worker", "scheduler")."""
    rows = connection.execute(select(heartbeats.c.name, heartbeats.c.at))
    return dict(rows.all())
