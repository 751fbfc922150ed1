"""What the hub stands on, looked at one by one, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from hub.registry import EntryState
from hub.vault import KEYS_FILE
from hub.wiring import Hub
from loyalty_core.store import heartbeats, installations, migrate
from loyalty_core.store.database import is_sqlite, read, write

State = Literal["ok", "warning", "failed"]
MIB = 1024 * 1024
DISK_FAILS_BELOW = 100 * MIB
DISK_WARNS_BELOW = 1024 * MIB
CLOCK_MAY_DIFFER = timedelta(seconds=5)
BEAT_IS_OLD_AFTER = timedelta(minutes=3)
_BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; None where all is well."""

    name: str
    state: State
    text: str
    remedy: str | None = None


def diagnose(hub: Hub) -> list[Finding]:
    """Every check that makes sense here.  Without a database the rest about it is left out."""
    findings = [_database(hub)]
    if findings[0].state == "ok":
        findings.append(_migrations(hub))
    findings += [check(hub) for check in _SURROUNDINGS]
    findings += _connectors(hub)
    if all(finding.state != "failed" for finding in findings[:2]):
        findings += [*_installations(hub), *_heartbeats(hub)]
    return findings


def _database(hub: Hub) -> Finding:
    """Reached, and a row can be written and taken back."""
    where = hub.engine.url.render_as_string(hide_password=True)
    try:
        with write(hub.engine) as connection:
            connection.execute(text("CREATE TABLE doctor_was_here (n integer)"))
            connection.rollback()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        return Finding(
            "database",
            "failed",
            f"{where}: {cause}",
            "Check HUB_DATABASE_URL, that the server runs, and that this account may write.",
        )
    return Finding("database", "ok", f"{where} can be read and written")


def _migrations(hub: Hub) -> Finding:
    if migrate.pending(hub.engine):
        return Finding(
            "migrations",
            "failed",
            "the schema is not this version's",
            "Run: loyalty-hub migrate.  If the database is newer, install the newer version.",
        )
    return Finding("migrations", "ok", "the schema is this version's")


def _clock(hub: Hub) -> Finding:
    now = hub.clock.now()
    if now < _BUILT_AFTER:
        return Finding(
            "clock", "failed", f"it is not {now:%Y-%m-%d}", "Set the clock; let NTP keep it."
        )
    away = _away_from_database(hub, now)
    if away > CLOCK_MAY_DIFFER:
        return Finding(
            "clock",
            "warning",
            f"{away.total_seconds():.0f} s away from the database server's",
            "Let NTP keep the clocks of both machines.",
        )
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _away_from_database(hub: Hub, now: datetime) -> timedelta:
    if is_sqlite(hub.engine):
        return timedelta()
    try:
        with read(hub.engine) as connection:
            theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    except SQLAlchemyError:
        return timedelta()
    return abs(theirs - now)


def _disk(hub: Hub) -> Finding:
    free = shutil.disk_usage(hub.config.data_dir).free
    told = f"{free // MIB} MiB free at {hub.config.data_dir}"
    if free < DISK_FAILS_BELOW:
        return Finding("disk", "failed", told, "Make room: without it nothing can be booked.")
    if free < DISK_WARNS_BELOW:
        return Finding("disk", "warning", told, "Make room before it runs out.")
    return Finding("disk", "ok", told)


def _keys(hub: Hub) -> Finding:
    if hub.config.secret_keys:
        return Finding("secret keys", "ok", "given by HUB_SECRET_KEYS")
    path = hub.config.data_dir / KEYS_FILE
    if _open_to_others(path):
        return Finding(
            "secret keys", "failed", f"{path} can be read by others", f"Run: chmod 600 {path}"
        )
    return Finding("secret keys", "ok", f"{path}; keep a copy of it with your backups")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)


def _bell(hub: Hub) -> Finding:
    if hub.config.redis_url is None:
        return Finding("jobs", "ok", "worked on by a thread of `loyalty-hub run`; no Redis set")
    if not hub.bell.reachable():
        return Finding(
            "jobs",
            "failed",
            "Redis does not answer",
            "Check HUB_REDIS_URL and that Redis runs.  Until then jobs wait for the sweep.",
        )
    return Finding("jobs", "ok", "Redis answers")


_SURROUNDINGS: tuple[Callable[[Hub], Finding], ...] = (_clock, _disk, _keys, _bell)


def _connectors(hub: Hub) -> Iterator[Finding]:
    for entry in hub.registry.entries:
        name = f"connector {entry.code}"
        if entry.state is EntryState.READY:
            yield Finding(name, "ok", f"ready ({entry.distribution} {entry.version})")
        elif entry.state is EntryState.FAULTY:
            yield Finding(
                name,
                "failed",
                entry.reason or "cannot be used",
                "Mend or remove its package, or leave it out of HUB_CONNECTORS_ENABLED.",
            )


def _installations(hub: Hub) -> Iterator[Finding]:
    with read(hub.engine) as connection:
        rows = installations.of_programme(connection, None)
    for row in rows:
        if row.state == "attention":
            yield Finding(
                f"connection {row.name}",
                "warning",
                row.trouble_text or row.trouble_code or "needs attention",
                "Mend its settings, then test it: loyalty-hub installations check ID",
            )
        else:
            yield Finding(f"connection {row.name}", "ok", row.state)


def _heartbeats(hub: Hub) -> Iterator[Finding]:
    """Worker and scheduler: beating, or never started (which is no fault of a stopped hub)."""
    with read(hub.engine) as connection:
        beats = _beats(connection)
    now = hub.clock.now()
    for name in sorted(beats):
        age = now - beats[name]
        told = f"last heard of {max(age, timedelta()).total_seconds():.0f} s ago"
        if age > BEAT_IS_OLD_AFTER:
            yield Finding(name, "warning", told, f"Is it running?  Start: {_START.get(name, _RUN)}")
        else:
            yield Finding(name, "ok", told)
    if not beats:
        yield Finding("worker", "warning", "was never started", f"Start: {_RUN}")


_RUN = "loyalty-hub run"
_START = {
    "worker": "loyalty-hub worker (or run)",
    "scheduler": "loyalty-hub scheduler (or run)",
}


def _beats(connection: Connection) -> dict[str, datetime]:
    return heartbeats.last(connection)
