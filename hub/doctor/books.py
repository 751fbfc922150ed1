"""What the hub does with what it keeps: backlog, retention, signs of life, a look at the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hub.doctor.finding import Check, Finding
from hub.wiring import Hub
from loyalty_core.service.verify_ledger import verify_accounts
from loyalty_core.store import heartbeats, retention, vitals
from loyalty_core.store.database import read

BEAT_IS_OLD_AFTER = timedelta(minutes=3)
DUE_IS_LATE_AFTER = timedelta(minutes=10)
RETENTION_IS_LATE_AFTER = timedelta(days=2)
SAMPLE = 200
_RUN = "loyalty-hub run"
_START = {
    "worker": "loyalty-hub worker (or run)",
    "scheduler": "loyalty-hub scheduler (or run)",
}


def _heartbeats(hub: Hub) -> Iterator[Finding]:
    """Worker and scheduler: beating, or never started (which is no fault of a stopped hub)."""
    with read(hub.engine) as connection:
        beats = heartbeats.last(connection)
    now = hub.clock.now()
    for name in sorted(beats):
        age = now - beats[name]
        told = f"last heard of {_ago(age)}"
        if age > BEAT_IS_OLD_AFTER:
            yield Finding(name, "warning", told, f"Is it running?  Start: {_START.get(name, _RUN)}")
        else:
            yield Finding(name, "ok", told)
    if not beats:
        yield Finding("worker", "warning", "was never started", f"Start: {_RUN}")


def _backlog(hub: Hub) -> Iterator[Finding]:
    now = hub.clock.now()
    with read(hub.engine) as connection:
        rooms = {"deliveries": vitals.of_deliveries(connection, now)}
        rooms["outbox"] = vitals.of_outbox(connection, now)
    for name, room in rooms.items():
        yield _due(name, room, now)
        if room.dead:
            look = "loyalty-hub deliveries list --state dead, mend the cause, then replay --dead."
            yield Finding(
                f"{name} dead",
                "warning",
                f"{room.dead} wait for a person, the oldest since {_since(room.dead_since, now)}",
                look if name == "deliveries" else "See error_text of the dead rows of the outbox.",
            )


def _due(name: str, room: vitals.Backlog, now: datetime) -> Finding:
    told = f"{room.late} are due"
    if room.late_since is None or now - room.late_since < DUE_IS_LATE_AFTER:
        return Finding(f"{name} due", "ok", told)
    return Finding(
        f"{name} due",
        "warning",
        f"{told}, the oldest since {_since(room.late_since, now)}",
        "Is a worker running, and fast enough?  Start more: loyalty-hub worker",
    )


def _retention(hub: Hub) -> Iterator[Finding]:
    days = hub.config.keep_deliveries_days
    if not days:
        yield Finding("retention", "ok", "bodies of deliveries are kept for ever")
        return
    with read(hub.engine) as connection:
        oldest = retention.oldest_kept(connection)
    now = hub.clock.now()
    if oldest is not None and now - oldest > timedelta(days=days) + RETENTION_IS_LATE_AFTER:
        yield Finding(
            "retention",
            "warning",
            f"a delivery that ended {_ago(now - oldest)} still has its body; {days} days are set",
            "Is a scheduler running?  Start: loyalty-hub scheduler (or run)",
        )
        return
    yield Finding("retention", "ok", f"bodies of deliveries go after {days} days")


def _ledger(hub: Hub) -> Iterator[Finding]:
    """The newest accounts alone, so that it is quick; `ledger verify` looks at all."""
    with read(hub.engine) as connection:
        accounts = vitals.newest_accounts(connection, SAMPLE)
        wrong = verify_accounts(connection, accounts) if accounts else []
    if wrong:
        codes = ", ".join(sorted({finding.code for finding in wrong}))
        yield Finding(
            "ledger",
            "failed",
            f"{len(wrong)} faults among {len(accounts)} accounts: {codes}",
            "Run: loyalty-hub ledger verify.  Keep a backup before you mend anything.",
        )
        return
    yield Finding("ledger", "ok", f"the books of the {len(accounts)} newest accounts agree")


def _since(moment: datetime | None, now: datetime) -> str:
    return "an unknown time" if moment is None else _ago(now - moment)


def _ago(age: timedelta) -> str:
    seconds = int(max(age, timedelta()).total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


CHECKS = (
    Check("signs of life", _heartbeats),
    Check("backlog", _backlog),
    Check("retention", _retention),
    Check("ledger", _ledger),
)
