"""Waiting until sessions of PostgreSQL wait for locks."""

from __future__ import annotations

from sqlalchemy import Engine, text

from tests.support.waiting import wait_until

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wait_for_locks(engine: Engine, count: int = 1) -> None:
    """Until so many sessions of this database wait for a lock.  Raises: AssertionError."""
    wait_until(lambda: sessions_waiting(engine) >= count)


def sessions_waiting(engine: Engine) -> int:
    """How many sessions of this database wait for a lock."""
    with engine.connect() as connection:
        return connection.scalar(_WAITING) or 0
