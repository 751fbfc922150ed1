"""Bring a database to the newest schema.  Migrations that landed are never edited.

On PostgreSQL a migration runs beside traffic: it waits for a table's lock for a moment only, so
that nobody queues behind it, and tries again (`docs/operate.md`, A new version).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from loyalty_core.store.database import is_sqlite, read, write

HEAD = "head"
LOCK = 7_052_025  # any number that no other advisory lock of ours uses
LOCK_TIMEOUT_MS = 2_000
"""Longer than this no migration waits for a table: whoever comes after it would wait as well."""
TRIES = 60
PAUSE_S = 1.0
_LOCATION = "loyalty_core.store:migrations"
_LOCK_NOT_AVAILABLE = "55P03"


class Standing(Enum):
    """The schema of a database, seen from this code."""

    CURRENT = "current"
    OLDER = "older"
    MIGRATING = "migrating"
    NEWER = "newer"


def upgrade(engine: Engine, *, to: str = HEAD) -> None:
    """Run what is missing.  Two processes at once: the second one waits, and finds it done.

    On SQLite in one transaction; on PostgreSQL in one for each migration, since an index that
    is built without locks needs to be outside of any.

    Raises: CommandError (the database is newer), OperationalError (a table stayed locked).
    """
    if is_sqlite(engine):
        with write(engine) as connection:
            command.upgrade(_config(connection=connection), to)
        return
    with _alone(engine), engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
        connection.commit()
        try:
            _upgrade_patiently(connection, to)
        finally:
            connection.invalidate()  # its lock_timeout is nobody else's


def statements(engine: Engine) -> str:
    """The SQL that `upgrade` would run; empty where nothing is missing."""
    with read(engine) as connection:
        known = current(connection)
    script = io.StringIO()
    config = _config(dialect=engine.dialect.name)
    config.output_buffer = script
    if known != head():
        command.upgrade(config, f"{known or 'base'}:{HEAD}", sql=True)
    return script.getvalue()


def pending(engine: Engine) -> bool:
    """Whether `upgrade` has something to do, or the database is newer than this code."""
    with read(engine) as connection:
        return current(connection) != head()


def standing(engine: Engine) -> Standing:
    """How the schema of the database fits this code at this moment."""
    with read(engine) as connection:
        known = current(connection)
        if known == head():
            return Standing.CURRENT
        if not knows(known):
            return Standing.NEWER
        return Standing.MIGRATING if _is_running(connection) else Standing.OLDER


def revision(engine: Engine) -> str | None:
    """The schema's name in the database; None for a database that has none."""
    with read(engine) as connection:
        return current(connection)


def head() -> str | None:
    """The newest schema's name in this code."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(name: str | None) -> bool:
    """Whether this code can lead on from that schema; from none it begins."""
    try:
        return name is None or bool(ScriptDirectory.from_config(_config()).get_revision(name))
    except CommandError:
        return False


def _upgrade_patiently(connection: Connection, to: str) -> None:
    pause = threading.Event()
    for attempt in range(1, TRIES + 1):
        try:
            command.upgrade(_config(connection=connection), to)
            return
        except OperationalError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state != _LOCK_NOT_AVAILABLE or attempt == TRIES:
                raise
            pause.wait(PAUSE_S)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Only one process migrates.

    Asked for again and again instead of waited for: an index that is built without locks
    waits for every statement that is older than it, a waiting one among them.
    """
    with read(engine) as connection:
        pause = threading.Event()
        while not connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK})")):
            pause.wait(PAUSE_S / 5)
        try:
            yield
        finally:
            connection.invalidate()  # and with it goes the lock, whatever state it is in


def _is_running(connection: Connection) -> bool:
    if is_sqlite(connection):
        return False  # its one transaction hides the old schema from nobody
    held = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :lock"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return bool(connection.scalar(held, {"lock": LOCK}))


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _config(**attributes: object) -> Config:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.attributes.update(attributes)
    return config
