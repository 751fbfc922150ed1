"""The database: reached, written, at this version's schema, and keeping what it promises."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.doctor.finding import Check, Finding
from hub.wiring import Hub
from loyalty_core.store import migrate
from loyalty_core.store.database import is_sqlite, read, write
from loyalty_core.store.migrate import Standing

OLDEST_POSTGRES = 13
FEW_CONNECTIONS = 10
MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")
_MOUNTS = Path("/proc/self/mounts")
_OF_NETWORKS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "ceph", "gluster")


def _reached(hub: Hub) -> Iterator[Finding]:
    """And a row can be written and taken back."""
    where = hub.engine.url.render_as_string(hide_password=True)
    try:
        with write(hub.engine) as connection:
            connection.execute(text("CREATE TABLE doctor_was_here (n integer)"))
            connection.rollback()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        yield Finding(
            "database",
            "failed",
            f"{where}: {cause}",
            "Check HUB_DATABASE_URL, that the server runs, and that this account may write.",
        )
        return
    yield Finding("database", "ok", f"{where} can be read and written")


def _migrated(hub: Hub) -> Iterator[Finding]:
    found = migrate.standing(hub.engine)
    if found is Standing.CURRENT:
        yield Finding("migrations", "ok", "the schema is this version's")
        return
    told, remedy = {
        Standing.OLDER: ("the schema is older than this version", "Run: loyalty-hub migrate"),
        Standing.MIGRATING: ("a migration is running", "Wait until it is over."),
        Standing.NEWER: ("the database is newer than this version", "Install the newer version."),
    }[found]
    yield Finding("migrations", "failed", told, remedy)


def _kind(hub: Hub) -> Iterator[Finding]:
    yield from _sqlite(hub) if is_sqlite(hub.engine) else _postgres(hub)


def _sqlite(hub: Hub) -> Iterator[Finding]:
    with read(hub.engine) as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if mode != "wal":
        yield Finding(
            "durability",
            "failed",
            f"the journal mode is {mode}",
            "Give the folder of the database a file system that can do WAL.",
        )
        return
    path = Path(hub.engine.url.database or "").absolute()
    system = _file_system(path, _MOUNTS.read_text("utf-8") if _MOUNTS.exists() else "")
    if system.startswith(_OF_NETWORKS):
        yield Finding(
            "durability",
            "failed",
            f"the database lies on {system}, where SQLite's locks are not safe",
            "Put HUB_DATA_DIR on a disk of this machine, or use PostgreSQL.",
        )
        return
    yield Finding("durability", "ok", f"SQLite {sqlite3.sqlite_version}, WAL, on {system}")


def _file_system(path: Path, mounts: str) -> str:
    """The kind of the mount that this path is below; "a disk" where nobody says."""
    known = [line.split()[1:3] for line in mounts.splitlines() if len(line.split()) > 2]
    above = [(Path(place), kind) for place, kind in known if path.is_relative_to(place)]
    return max(above, key=lambda pair: len(pair[0].parts))[1] if above else "a disk"


def _postgres(hub: Hub) -> Iterator[Finding]:
    with read(hub.engine) as connection:
        shown = {
            name: str(connection.execute(text(f"SHOW {name}")).scalar_one())
            for name in ("server_version", "server_version_num", *MUST_BE_ON)
        }
        free = connection.execute(
            text(
                "SELECT current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int - count(*)"
                " FROM pg_stat_activity WHERE backend_type = 'client backend'"
            )
        ).scalar_one()
    if int(shown["server_version_num"]) < OLDEST_POSTGRES * 10_000:
        yield Finding(
            "database version",
            "warning",
            f"PostgreSQL {shown['server_version']}",
            f"Bring it to {OLDEST_POSTGRES} or newer: older ones get no repairs any more.",
        )
    else:
        yield Finding("database version", "ok", f"PostgreSQL {shown['server_version']}")
    off = [name for name in MUST_BE_ON if shown[name] == "off"]
    if off:
        yield Finding(
            "durability",
            "failed",
            f"{', '.join(off)} off: after a power cut answered purchases may be gone",
            f"In postgresql.conf: {', '.join(f'{name} = on' for name in off)}",
        )
    else:
        yield Finding("durability", "ok", "every commit is on the disk before it is answered")
    yield _connections(free)


def _connections(free: int) -> Finding:
    told = f"{max(free, 0)} of the server's connections are free"
    if free < FEW_CONNECTIONS:
        remedy = "Raise max_connections, or run fewer processes (HUB_WEB_WORKERS)."
        return Finding("connections", "failed" if free <= 0 else "warning", told, remedy)
    return Finding("connections", "ok", told)


REACHED = Check("database", _reached)
MIGRATED = Check("migrations", _migrated)
CHECKS = (Check("durability", _kind),)
