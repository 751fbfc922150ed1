"""Bring a database to the newest schema.  Migrations that landed are never edited."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from loyalty_core.store.database import is_sqlite, read, write

_LOCATION = "loyalty_core.store:migrations"
_LOCK = 7_052_025  # any number that no other advisory lock of ours uses


def upgrade(engine: Engine) -> None:
    """Run what is missing, in one transaction.  Two processes at once: the second one waits."""
    with write(engine) as connection:
        if not is_sqlite(connection):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(engine: Engine) -> bool:
    """Whether `upgrade` has something to do, or the database is newer than this code."""
    with read(engine) as connection:
        return current(connection) != ScriptDirectory.from_config(_config()).get_current_head()


def current(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    return config
