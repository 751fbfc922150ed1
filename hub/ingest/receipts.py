"""Receipts that members registered and the shop did not report: asked for elsewhere.

A receipt to be looked up becomes a row of the inbox, as a polled document does: so it is read,
retried until it is there, listed and replayed like one, and nothing is asked in the call.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from hub.ingest.pull import as_rows
from hub.wiring import Hub
from loyalty_core.store import inbox, installations


def look_up(hub: Hub, connection: Connection, programme_id: int, qr: str, *, now: datetime) -> bool:
    """Have every connection of the programme that knows receipts read this one; whether any is."""
    ready, asked = hub.registry.ready(), False
    for home in installations.of_programme(connection, programme_id):
        connector = ready.get(home.connector)
        if connector is None or connector.receipts is None or home.state == "paused":
            continue
        inbox.remind(connection, as_rows(home, [connector.receipts.hint(qr)]), now=now)
        asked = True
    return asked
