"""Where a command works: the hub that the environment describes, its database ready."""

from __future__ import annotations

from dataclasses import replace

import click
from sqlalchemy import Connection

from hub import logs
from hub.config import load_config
from hub.wiring import Hub, build_hub
from loyalty_core.service.programmes import Programme, get_programme, list_programmes
from loyalty_core.store import migrate
from loyalty_core.store.database import is_sqlite, read

programme_option = click.option(
    "--programme", "code", metavar="CODE", help="Its code; may be left out where there is but one."
)


def bare_hub() -> Hub:
    """The hub as configured, its log down to what is wrong; its database is not asked yet.

    Raises: ConfigError.
    """
    config = load_config()
    logs.configure(replace(config, log_level="WARNING"))
    hub = build_hub(config)
    click.get_current_context().call_on_close(hub.engine.dispose)
    return hub


def open_hub() -> Hub:
    """A hub whose database is at the newest schema.

    The SQLite file of embedded mode is brought there by whatever command comes first.  A
    server's schema changes when somebody says so, since other processes are using it.

    Raises: ConfigError, click.ClickException (migrations are missing).
    """
    hub = bare_hub()
    if migrate.pending(hub.engine):
        if not is_sqlite(hub.engine):
            raise click.ClickException(
                "The database is not at this version's schema.  Run: loyalty-hub migrate"
            )
        migrate.upgrade(hub.engine)
    return hub


def chosen_programme(hub: Hub, code: str | None) -> Programme:
    """The programme of this code, or the only one.

    Raises: ProgrammeNotFound, click.UsageError (several, or none).
    """
    with read(hub.engine) as connection:
        return get_programme(connection, code) if code else _only(connection)


def _only(connection: Connection) -> Programme:
    known = list_programmes(connection)
    if not known:
        raise click.ClickException(
            "There is no programme yet.  Make one: loyalty-hub programmes create CODE"
        )
    if len(known) > 1:
        codes = ", ".join(programme.code for programme in known)
        raise click.UsageError(f"Which programme?  Name it by --programme: {codes}")
    return known[0]
