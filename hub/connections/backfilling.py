"""A back-fill that somebody waits for: its steps and its documents, one after the other, here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from hub.ingest import backfill, process
from hub.ingest.backfill import BackfillView
from hub.wiring import Hub
from loyalty_core.store import installations
from loyalty_core.store.database import read
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.programmes import programme_by_id

PAUSE_S = 0.5
"""While another worker has it."""


def midnight(hub: Hub, programme_id: int, day: date) -> datetime:
    """When a day of the programme begins."""
    with read(hub.engine) as connection:
        programme = programme_by_id(connection, programme_id)
    assert programme is not None, "a connection is of a programme"
    return datetime.combine(day, time.min, ZoneInfo(programme.timezone))


def see_through(
    hub: Hub, row: InstallationRow, told: Callable[[BackfillView], None]
) -> BackfillView:
    """Work until all that it found is booked, or until it meets trouble; `told` after each step.

    It ends before it is over where the connection is paused.  Killed, it goes on where it was:
    by the workers, or by calling this again.
    """
    waiting = threading.Event()
    while True:
        moved = backfill.go_on(hub, row.programme_id)
        worked = process.work_batch(hub, row.programme_id)
        view = backfill.progress(hub, row)
        assert view is not None, "somebody began it"
        told(view)
        if view.row.error_code is not None or (view.is_over and not worked):
            return view
        if not moved and not worked:
            if _is_paused(hub, row):
                return view
            waiting.wait(PAUSE_S)


def _is_paused(hub: Hub, row: InstallationRow) -> bool:
    with read(hub.engine) as connection:
        found = installations.get(connection, row.id)
    return found is None or found.state not in installations.WORKED_STATES
