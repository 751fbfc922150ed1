"""The machine: settings, clock, disk, keys, queue, connectors, and the way in from outside."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import requests
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.config import unknown_settings
from hub.doctor.finding import Check, Finding
from hub.registry import EntryState
from hub.vault import KEYS_FILE
from hub.wiring import Hub
from loyalty_core.store.database import is_sqlite, read

MIB = 1024 * 1024
DISK_FAILS_BELOW = 100 * MIB
DISK_WARNS_BELOW = 1024 * MIB
CLOCK_MAY_DIFFER = timedelta(seconds=5)
PUBLIC_ANSWER_S = 5.0
KNOCK = "/hooks/doctor/knock"
"""Where no shop delivers."""
_BUILT_AFTER = datetime(2026, 1, 1, tzinfo=UTC)


def _settings(_hub: Hub) -> Iterator[Finding]:
    if unknown := unknown_settings():
        yield Finding(
            "settings",
            "warning",
            f"no settings of the hub: {', '.join(unknown)}",
            "Is a name misspelt?  docs/operate.md lists them all.",
        )
        return
    yield Finding("settings", "ok", "each HUB_... of the environment is one")


def _clock(hub: Hub) -> Iterator[Finding]:
    now = hub.clock.now()
    if now < _BUILT_AFTER:
        yield Finding(
            "clock", "failed", f"it is not {now:%Y-%m-%d}", "Set the clock; let NTP keep it."
        )
        return
    away = _away_from_database(hub, now)
    if away > CLOCK_MAY_DIFFER:
        yield Finding(
            "clock",
            "warning",
            f"{away.total_seconds():.0f} s away from the database server's",
            "Let NTP keep the clocks of both machines.",
        )
        return
    yield Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _away_from_database(hub: Hub, now: datetime) -> timedelta:
    if is_sqlite(hub.engine):
        return timedelta()
    try:
        with read(hub.engine) as connection:
            theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    except SQLAlchemyError:
        return timedelta()
    return abs(theirs - now)


def _disk(hub: Hub) -> Iterator[Finding]:
    free = shutil.disk_usage(hub.config.data_dir).free
    told = f"{free // MIB} MiB free at {hub.config.data_dir}"
    if free < DISK_FAILS_BELOW:
        yield Finding("disk", "failed", told, "Make room: without it nothing can be booked.")
    elif free < DISK_WARNS_BELOW:
        yield Finding("disk", "warning", told, "Make room before it runs out.")
    else:
        yield Finding("disk", "ok", told)


def _keys(hub: Hub) -> Iterator[Finding]:
    if hub.config.secret_keys:
        yield Finding("secret keys", "ok", "given by HUB_SECRET_KEYS")
        return
    path = hub.config.data_dir / KEYS_FILE
    if _open_to_others(path):
        yield Finding(
            "secret keys", "failed", f"{path} can be read by others", f"Run: chmod 600 {path}"
        )
        return
    yield Finding("secret keys", "ok", f"{path}; keep a copy of it, apart from your backups")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(os.stat(path).st_mode) & 0o077)


def _bell(hub: Hub) -> Iterator[Finding]:
    if hub.config.redis_url is None:
        yield Finding("jobs", "ok", "worked on by a thread of `loyalty-hub run`; no Redis set")
    elif not hub.bell.reachable():
        yield Finding(
            "jobs",
            "failed",
            "Redis does not answer",
            "Check HUB_REDIS_URL and that Redis runs.  Until then jobs wait for the sweep.",
        )
    else:
        yield Finding("jobs", "ok", "Redis answers")


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


def _public_address(hub: Hub) -> Iterator[Finding]:
    """Whether shops find the hub: one of its doors for them, asked at the address that they use.

    Proxies keep `/healthz` inside (deploy/nginx); the doors for shops stand open.
    """
    address = hub.config.public_url
    if address is None:
        yield Finding("public address", "ok", "HUB_PUBLIC_URL is not set; nobody outside calls")
        return
    problem = _no_hub_behind(address)
    if problem is None:
        yield Finding("public address", "ok", f"{address} is answered by the hub")
        return
    yield Finding(
        "public address",
        "failed",
        f"{address}: {problem}",
        "Is the hub running, does the proxy lead to it, and do name and certificate fit?",
    )


def _no_hub_behind(address: str) -> str | None:
    try:
        answer = requests.get(
            f"{address.rstrip('/')}{KNOCK}", timeout=PUBLIC_ANSWER_S, allow_redirects=False
        )
    except requests.RequestException as error:
        return f"no answer ({type(error).__name__})"
    return None if _is_the_hubs(answer) else f"something else answers (status {answer.status_code})"


def _is_the_hubs(answer: requests.Response) -> bool:
    """Nobody delivers by GET, and the hub says so in its form of errors (http-contract.md)."""
    try:
        told = answer.json()
    except requests.JSONDecodeError:
        return False
    return (
        answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        and isinstance(told, dict)
        and told.get("code") == "method_not_allowed"
    )


CHECKS = (
    Check("settings", _settings),
    Check("clock", _clock),
    Check("disk", _disk),
    Check("secret keys", _keys),
    Check("jobs", _bell),
    Check("connectors", _connectors),
    Check("public address", _public_address),
)
