"""What became of messages: vendors who report are asked, ever more rarely, for three days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from hub.live import enliven
from hub.outbox.messages import FIRST_LOOK
from hub.outbox.outcomes import told_cost
from hub.wiring import Hub
from loyalty_core.service.confirm import address_of
from loyalty_core.store import installations, sent_messages
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.sent_messages import SentMessage
from loyalty_kit.errors import ConnectorError, Drop, PayloadInvalid
from loyalty_kit.ports import Report

log = structlog.get_logger(__name__)

BATCH = 20
LEASE = timedelta(minutes=5)
SHIFT = timedelta(seconds=15)
"""A batch that takes longer, at a vendor who dawdles, makes room for what else there is to do."""
GIVE_UP = timedelta(days=3)
"""Gateways keep trying a phone that is off for a day or two."""


def look_batch(hub: Hub, programme_id: int) -> int:
    """Ask for some messages whose time has come; how many were due.

    A vendor who does not answer for one is asked for no other for a while.

    Raises: database errors; whatever else goes wrong, the message is asked for again later.
    """
    now = hub.clock.now()
    until = now + LEASE
    rows = transact(
        hub.engine,
        lambda c: sent_messages.claim(c, programme_id, now=now, until=until, limit=BATCH),
    )
    silent: set[int | None] = set()
    for done, row in enumerate(rows):
        if hub.clock.now() >= now + SHIFT:
            _give_back(
                hub, [one for one in rows[done:] if one.installation_id not in silent], until
            )
            break
        if row.installation_id in silent:
            continue  # until the end of its lease
        try:
            changes = _looked(hub, row)
        except ConnectorError as error:
            _log(row, error)
            silent.add(row.installation_id)
            changes = {"look_at": _next_look(row, now)}
            _put_off(hub, row, until)
        transact(hub.engine, partial(sent_messages.note, number=row.id, changes=changes))
    return len(rows)


def _give_back(hub: Hub, rows: Sequence[SentMessage], until: datetime) -> None:
    """Claimed `until` then, and not asked for: they are due again."""
    ids, now = [row.id for row in rows], hub.clock.now()
    transact(hub.engine, lambda c: sent_messages.give_back(c, ids, until=until, now=now))


def _put_off(hub: Hub, row: SentMessage, until: datetime) -> None:
    """All that its connection would be asked for now."""
    now = hub.clock.now()
    transact(hub.engine, lambda c: sent_messages.put_off(c, row, now=now, until=until))


def _log(row: SentMessage, error: Exception) -> None:
    log.warning("report_failed", row=to_wire("o", row.id), kind=type(error).__name__)


def _looked(hub: Hub, row: SentMessage) -> dict[str, Any]:
    """Raises: ConnectorError, where another message would fare no better."""
    now = hub.clock.now()
    try:
        report = _report(hub, row)
    except Drop:
        return {"look_at": None}
    except Exception as error:
        of_all = isinstance(error, ConnectorError) and not isinstance(error, PayloadInvalid)
        if of_all or is_away(error):
            raise
        _log(row, error)
        return {"look_at": _next_look(row, now)}
    if report is None:
        return {"look_at": None}
    changes: dict[str, Any] = {"look_at": _next_look(row, now)}
    if (cost := told_cost(report.cost_minor)) is not None:
        changes["cost_minor"] = cost
    if report.state != "underway":
        changes |= {"state": report.state, "ended_at": now, "look_at": None}
    if report.state == "failed":
        changes["reason"] = "not_delivered"
    return changes


def _report(hub: Hub, row: SentMessage) -> Report | None:
    """None where nobody can be asked: the connection is gone, its connector does not report, or
    it wants an address and the member has none any more."""
    if row.installation_id is None or row.reference is None:
        return None
    with read(hub.engine) as connection:
        home = installations.get(connection, row.installation_id)
        to = _address(connection, row)
    if home is None:
        return None
    live = enliven(hub, home)
    if live.connector.report is not None:
        return live.connector.report.look(live.client(), row.reference)
    by_address = live.connector.report_by_address
    if by_address is None or to is None:
        return None
    return by_address.look_for(live.client(), row.reference, to)


def _address(connection: Connection, row: SentMessage) -> str | None:
    """Where a message to its member would go now; that of then is not kept."""
    if row.member_id is None or row.channel is None:
        return None
    return address_of(connection, row.programme_id, row.member_id, row.channel)


def _next_look(row: SentMessage, now: datetime) -> datetime | None:
    """As long again as it has taken so far."""
    age = now - row.handed_at
    return None if age >= GIVE_UP else now + max(FIRST_LOOK, age)
