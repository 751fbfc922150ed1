"""A backup put back: proved first, then put in place whole, then proved by the books."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url, text

from hub.durable import take_place
from hub.keeping.archive import (
    DATABASE,
    KEYS,
    BackupRefused,
    Manifest,
    Progress,
    read_manifest,
    unpack,
)
from hub.keeping.copies import VERSION_TABLE, look_at_postgres, look_at_sqlite
from hub.keeping.programs import find_programs
from hub.keeping.room import room_beside
from hub.vault import KEYS_FILE, Unreadable, write_keys
from hub.wiring import Hub
from loyalty_core.service.verify_ledger import Finding, count_accounts, verify_ledger
from loyalty_core.store import installations, migrate
from loyalty_core.store.database import is_sqlite, make_engine, read

_NOT_DATA = frozenset({VERSION_TABLE, "heartbeats"})
_LOGS = ("-wal", "-shm", "-journal")
DAMAGED = (
    "The file of the database is damaged, and what it holds cannot be counted.  Keep a copy of it"
    " and of its -wal if somebody is to look into them; restore --force replaces it."
)
_IN_USE = "The hub is running on this database: stop all its processes, then restore."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a restore would do.  `lost`: rows by table that it would take away; `damaged`: it
    would take away a file whose rows nobody can count.
    """

    manifest: Manifest
    lost: Mapping[str, int]
    refusals: tuple[str, ...]
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class _There:
    """What stands in the place that a restore is to fill."""

    rows: Mapping[str, int]
    is_hubs: bool
    in_use: bool
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """`locked_connections`: shops whose passwords no key at hand opens."""

    manifest: Manifest
    accounts: int
    findings: tuple[Finding, ...]
    locked_connections: tuple[str, ...]


def look_ahead(hub: Hub, place: Path, progress: Progress) -> Outlook:
    """Prove the file, and say what stands in its way; nothing is changed.

    Raises: Damaged, BackupRefused, database errors.
    """
    with room_beside(_database(hub)) as room:
        return _outlook(hub, unpack(place, room, progress))


def restore(hub: Hub, place: Path, *, replace: bool, progress: Progress) -> Restored:
    """Put a backup in the place of the hub's database, and prove the books.

    A backup of an older schema is brought to this version's.  Until everything is proved and
    ready, nothing that is there is touched.

    Raises: Damaged, BackupRefused, database errors.
    """
    _refuse_early(hub, read_manifest(place))
    with room_beside(_database(hub)) as room:
        manifest = unpack(place, room, progress)
        outlook = _outlook(hub, manifest)
        if outlook.refusals:
            raise BackupRefused("  ".join(outlook.refusals))
        if outlook.lost and not replace:
            raise BackupRefused(
                f"The database is not empty: {_counted(outlook.lost)} would be lost.  "
                "--dry-run shows it all; --force replaces it."
            )
        if outlook.damaged and not replace:
            raise BackupRefused(DAMAGED)
        if manifest.with_keys:
            _add_keys(hub, (room / KEYS).read_text("ascii").split())
        put = _put_sqlite if is_sqlite(hub.engine) else _put_postgres
        put(hub, room / DATABASE)
    with read(hub.engine) as connection:
        accounts, findings = count_accounts(connection), verify_ledger(connection)
        locked = tuple(_locked(hub, connection))
    return Restored(manifest, accounts, tuple(findings), locked)


def _refuse_early(hub: Hub, manifest: Manifest) -> None:
    if refusals := _of_manifest(hub, manifest):
        raise BackupRefused("  ".join(refusals))


def _of_manifest(hub: Hub, manifest: Manifest) -> list[str]:
    refusals = []
    if manifest.kind != hub.engine.dialect.name:
        refusals.append(
            f"It is of {manifest.kind}, and HUB_DATABASE_URL names {hub.engine.dialect.name}: "
            "restore it into a database of its own kind."
        )
    if manifest.schema is None:
        refusals.append("It holds no schema of the hub.")
    elif not migrate.knows(manifest.schema):
        refusals.append(
            f"It was made by a newer version of the hub ({manifest.hub_version}): install that."
        )
    return refusals


def _outlook(hub: Hub, manifest: Manifest) -> Outlook:
    refusals = _of_manifest(hub, manifest)
    look = _sqlite_there if is_sqlite(hub.engine) else _postgres_there
    there = look(hub.engine)
    if there.rows and not there.is_hubs:
        refusals.append("The database holds tables that are not the hub's: name another database.")
    if there.in_use:
        refusals.append(_IN_USE)
    lost = {name: count for name, count in there.rows.items() if count and name not in _NOT_DATA}
    return Outlook(manifest, lost, tuple(refusals), there.damaged)


def _counted(rows: Mapping[str, int]) -> str:
    telling = [f"{rows[name]} {name}" for name in ("members", "purchases") if rows.get(name)]
    return " and ".join(telling) or f"{sum(rows.values())} rows"


def _database(hub: Hub) -> Path:
    """The SQLite file: beside it one rename puts the new one in place.  Of PostgreSQL, where the
    data folder would have it."""
    return _sqlite_path(hub.engine) if is_sqlite(hub.engine) else hub.config.data_dir / DATABASE


# --- SQLite ---------------------------------------------------------------------------------


def _sqlite_path(engine: Engine) -> Path:
    assert engine.url.database is not None
    return Path(engine.url.database).absolute()


def _sqlite_there(engine: Engine) -> _There:
    path = _sqlite_path(engine)
    if not path.exists() or not path.stat().st_size:
        return _There({}, is_hubs=True, in_use=False)
    engine.dispose()
    in_use = False
    try:
        try:
            with _alone_in(path):
                pass
        except BackupRefused:
            in_use = True
        found = look_at_sqlite(path)
    except sqlite3.DatabaseError:
        return _There({}, is_hubs=True, in_use=in_use, damaged=True)
    is_hubs = in_use or found.schema is not None or not found.rows
    return _There(found.rows, is_hubs, in_use)


@contextmanager
def _alone_in(path: Path) -> Iterator[sqlite3.Connection]:
    """The file with nobody else in it; a hub at work has it open all the time.

    Raises: BackupRefused, sqlite3.DatabaseError (it is damaged).
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        yield connection
    except sqlite3.OperationalError as error:
        raise BackupRefused(_IN_USE) from error
    finally:
        connection.close()


def _put_sqlite(hub: Hub, copy: Path) -> None:
    """The new file is checked and migrated beside the old one, and takes its name."""
    _check_sqlite(copy)
    fresh = make_engine(make_url("sqlite://").set(database=str(copy)).render_as_string())
    try:
        migrate.upgrade(fresh)
    finally:
        fresh.dispose()
    _fold(copy)
    path = _sqlite_path(hub.engine)
    hub.engine.dispose()
    if path.exists():
        try:
            with _alone_in(path) as old:
                old.execute("PRAGMA journal_mode = DELETE")
                _take_place(copy, path)
                return
        except sqlite3.DatabaseError:
            pass  # It is damaged, and nothing of its log can be folded in.
    _take_place(copy, path)


def _take_place(copy: Path, path: Path) -> None:
    """No log of another file stays: SQLite would write its pages into the new one."""
    for end in _LOGS:
        path.with_name(path.name + end).unlink(missing_ok=True)
    take_place(copy, path)


def _check_sqlite(copy: Path) -> None:
    connection = sqlite3.connect(copy)
    try:
        (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        connection.close()
    if told != "ok":
        raise BackupRefused(f"SQLite finds the copy unsound: {told}")


def _fold(copy: Path) -> None:
    """Without its write-ahead log, and on the disk."""
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()
    descriptor = os.open(copy, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- PostgreSQL -----------------------------------------------------------------------------


def _postgres_there(engine: Engine) -> _There:
    engine.dispose()
    with read(engine) as connection:
        found = look_at_postgres(connection)
        others = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
                " AND coalesce(backend_type, 'client backend') = 'client backend'"
            )
        ).scalar_one()
    is_hubs = found.schema is not None or not found.rows
    return _There(found.rows, is_hubs, in_use=others > 0)


_FUNCTIONS = text(
    "SELECT oid::regprocedure::text FROM pg_proc"
    " WHERE pronamespace = current_schema()::regnamespace"
    " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
    " ORDER BY 1"
)
"""Those of triggers; an extension's are its own."""


def _put_postgres(hub: Hub, copy: Path) -> None:
    """Everything in one transaction of psql: it is done whole, or nothing was done.

    The script is made first, so a dump that cannot be read changes nothing.
    """
    with read(hub.engine) as connection:
        number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
        names = sorted(look_at_postgres(connection).rows)
        functions = connection.execute(_FUNCTIONS).scalars().all()
    programs = find_programs(hub.engine, number // 10_000)
    hub.engine.dispose()
    script = copy.with_name("script.sql")
    words = ["--no-owner", "--no-privileges", f"--file={script}", str(copy)]
    programs.run(["pg_restore", *words])
    before = ["SET lock_timeout = '10s'", f"SELECT pg_advisory_xact_lock({migrate.LOCK})"]
    before += [f'DROP TABLE "{name}" CASCADE' for name in names]
    before += [f"DROP FUNCTION {function} CASCADE" for function in functions]
    words = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    words += [f"--command={statement}" for statement in before]
    programs.run([*words, f"--file={script}", f"--dbname={programs.conninfo}"])
    migrate.upgrade(hub.engine)


# --- keys -----------------------------------------------------------------------------------


def _add_keys(hub: Hub, keys: list[str]) -> None:
    """Behind those that are there: they read, and do not write."""
    if hub.config.secret_keys:
        return
    path = hub.config.data_dir / KEYS_FILE
    write_keys(path, dict.fromkeys([*path.read_text("ascii").split(), *keys]))
    hub.vault.reload()


def _locked(hub: Hub, connection: Connection) -> Iterator[str]:
    for row in installations.of_programme(connection, None):
        try:
            hub.vault.open(row.settings)
        except Unreadable:
            yield row.name
