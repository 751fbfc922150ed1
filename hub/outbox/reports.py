"""What became of messages: vendors who report are asked, ever more rarely, for three days."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from hub.live import enliven
from hub.outbox.messages import FIRST_LOOK
from hub.wiring import Hub
from loyalty_core.store import installations, sent_messages
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.sent_messages import SentMessage
from loyalty_kit.errors import Drop
from loyalty_kit.ports import Report

log = structlog.get_logger(__name__)

BATCH = 20
LEASE = timedelta(minutes=5)
GIVE_UP = timedelta(days=3)
"""Gateways keep trying a phone that is off for a day or two."""


def look_batch(hub: Hub, programme_id: int) -> int:
    """Ask for some messages whose time has come; how many.

    Raises: database errors; whatever else goes wrong, the message is asked for again later.
    """
    now = hub.clock.now()
    rows = transact(
        hub.engine,
        lambda c: sent_messages.claim(c, programme_id, now=now, until=now + LEASE, limit=BATCH),
    )
    for row in rows:
        changes = _looked(hub, row)
        transact(hub.engine, partial(sent_messages.note, number=row.id, changes=changes))
    return len(rows)


def _looked(hub: Hub, row: SentMessage) -> dict[str, Any]:
    now = hub.clock.now()
    try:
        report = _report(hub, row)
    except Drop:
        return {"look_at": None}
    except Exception as error:
        if is_away(error):
            raise
        log.warning("report_failed", row=to_wire("o", row.id), kind=type(error).__name__)
        return {"look_at": _next_look(row, now)}
    if report is None:
        return {"look_at": None}
    changes: dict[str, Any] = {"look_at": _next_look(row, now)}
    if report.cost_minor is not None:
        changes["cost_minor"] = report.cost_minor
    if report.state != "underway":
        changes |= {"state": report.state, "ended_at": now, "look_at": None}
    if report.state == "failed":
        changes["reason"] = "not_delivered"
    return changes


def _report(hub: Hub, row: SentMessage) -> Report | None:
    """None where nobody can be asked: the connection is gone, or its connector does not report."""
    if row.installation_id is None or row.reference is None:
        return None
    with read(hub.engine) as connection:
        home = installations.get(connection, row.installation_id)
    if home is None:
        return None
    live = enliven(hub, home)
    reports = live.connector.report
    return None if reports is None else reports.look(live.client(), row.reference)


def _next_look(row: SentMessage, now: datetime) -> datetime | None:
    """As long again as it has taken so far."""
    age = now - row.handed_at
    return None if age >= GIVE_UP else now + max(FIRST_LOOK, age)
