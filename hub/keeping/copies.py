"""A backup made: the database copied as it stood at one moment, while the hub goes on."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from hub.keeping.archive import (
    DATABASE,
    KEYS,
    Manifest,
    Progress,
    check_free,
    made_now,
    write_archive,
)
from hub.keeping.programs import find_programs
from hub.keeping.room import room_beside
from hub.vault import KEYS_FILE
from hub.wiring import Hub
from loyalty_core.store.database import is_sqlite, read

VERSION_TABLE = "alembic_version"
_LOOK_UP_S = 0.2


@dataclass(frozen=True, slots=True)
class Copied:
    """`rows` by table, as they are in the copy."""

    schema: str | None
    server: str
    rows: dict[str, int]


def make_backup(
    hub: Hub, place: Path, *, with_keys: bool, replace: bool, progress: Progress
) -> Manifest:
    """Write a backup of the hub's database to this file.

    Everything that was committed before it began is in it, and nothing half.  Connected shops'
    passwords are in it encrypted; the keys to them are only with `with_keys`.

    Raises: BackupRefused, database errors.
    """
    check_free(place, replace=replace)
    with room_beside(place) as room:
        copy = room / DATABASE
        take = copy_sqlite if is_sqlite(hub.engine) else copy_postgres
        copied = take(hub.engine, copy, progress)
        files = {DATABASE: copy}
        if with_keys:
            files[KEYS] = _keys(hub, room / KEYS)
        manifest = Manifest(
            hub_version=version("loyalty-hub"),
            schema=copied.schema,
            kind=hub.engine.dialect.name,
            server=copied.server,
            made_at=made_now(hub.clock.now()),
            rows=copied.rows,
            with_keys=with_keys,
        )
        write_archive(place, room, manifest, files, replace=replace)
    return manifest


def copy_sqlite(engine: Engine, to: Path, progress: Progress) -> Copied:
    """VACUUM INTO reads within one transaction and blocks no writer (sqlite.org/lang_vacuum).

    What was deleted is not in the copy, as it would be in a copy of the pages.
    """
    with read(engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        total = pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(to, total, progress, over))
        watcher.start()
        try:
            connection.exec_driver_sql("VACUUM INTO ?", (str(to),))
        finally:
            over.set()
            watcher.join()
    return look_at_sqlite(to)


def look_at_sqlite(path: Path) -> Copied:
    """What an SQLite file holds; it is only read."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )
        tables = [name for (name,) in names]
        rows = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # nosec B608 # noqa: S608 - a table's name
            for name in tables
        }
        schema = None
        if VERSION_TABLE in tables:
            found = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # nosec B608 # noqa: S608 - a table's name
            schema = found[0] if found else None
    finally:
        connection.close()
    return Copied(schema, f"SQLite {sqlite3.sqlite_version}", rows)


def copy_postgres(engine: Engine, to: Path, progress: Progress) -> Copied:
    """pg_dump and the counts of rows see one snapshot.  Raises: BackupRefused."""
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ")
        number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
        programs = find_programs(engine, number // 10_000)
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        copied = look_at_postgres(connection)
        size = connection.execute(text("SELECT pg_database_size(current_database())"))
        total = size.scalar_one()
        words = ["pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-owner"]
        words += ["--no-privileges", "--lock-wait-timeout=60s", f"--file={to}"]
        words += [f"--dbname={programs.conninfo}"]
        programs.run(words, looking=lambda: progress(_size(to), total))
        connection.rollback()
    return copied


def look_at_postgres(connection: Connection) -> Copied:
    """What the schema of this connection holds, in the transaction at hand."""
    names = list(connection.scalars(text(_TABLES)))
    rows = {
        name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # nosec B608 # noqa: S608 - a table's name
        for name in sorted(names)
    }
    schema = None
    if VERSION_TABLE in names:
        schema = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # nosec B608 # noqa: S608 - a table's name
    server = connection.execute(text("SHOW server_version")).scalar_one()
    return Copied(schema, f"PostgreSQL {server}", rows)


_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = CAST(current_schema() AS regnamespace)
  AND relkind IN ('r', 'p') AND NOT relispartition
"""
"""A partition is counted, and goes, with the table that it is part of."""


def _watch(path: Path, total: int, progress: Progress, over: threading.Event) -> None:
    while not over.wait(_LOOK_UP_S):
        progress(_size(path), total)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _keys(hub: Hub, to: Path) -> Path:
    given = hub.config.secret_keys
    file = hub.config.data_dir / KEYS_FILE
    to.write_text("\n".join(given) if given else file.read_text("ascii"), "ascii")
    return to
