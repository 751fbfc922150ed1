"""Draining a programme: whatever is due in it, in small turns, until nothing is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hub.ingest import process, pull
from hub.outbox import dispatch
from hub.wiring import Hub

TURN = timedelta(seconds=10)
"""After so long other programmes get their turn; the bell is rung again for what is left."""


def drain(hub: Hub, programme_id: int, stopping: Callable[[], bool] = lambda: False) -> None:
    """Work off deliveries, outbox and duties of a programme.

    They take turns, so that a long import of a catalogue does not hold up receipts.  Told to
    stop, it ends after the batch at hand, and rings for others to take what it did not begin.

    Raises: database errors; the leases of what was claimed then bring it back.
    """
    until = hub.clock.now() + TURN
    while _one_round(hub, programme_id):
        if stopping() or hub.clock.now() >= until:
            hub.bell.ring(programme_id)
            return


def _one_round(hub: Hub, programme_id: int) -> bool:
    """Whether there was anything to do."""
    received = process.work_batch(hub, programme_id)
    sent = dispatch.send_batch(hub, programme_id)
    return pull.do_duty(hub, programme_id) or received > 0 or sent > 0
