"""Draining a programme: whatever is due in it, in small turns, until nothing is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from hub import simulations, uploads
from hub.connections import shop
from hub.ingest import backfill, process, pull
from hub.jobs.crew import work_off
from hub.jobs.lots import fill_lots
from hub.outbox import balances, coupons, dispatch, reports
from hub.wiring import Hub
from loyalty_core.store.database import is_sqlite, transact
from loyalty_core.store.statistics import count_grown_tables

TURN = timedelta(seconds=10)
"""After so long other programmes get their turn; the bell is rung again for what is left."""
LOOKED_AT_EVERY = timedelta(seconds=1)
"""A duty that had nothing to do is left alone for so long while there is other work."""
COUNTED_AFTER = 5
"""Rounds of one draining, which say that there is much: then tables that grew are counted."""
FULL = min(process.BATCH, dispatch.BATCH)

DUTIES: tuple[Callable[[Hub, int], int], ...] = (
    balances.push_batch,
    coupons.push_batch,
    pull.do_duty,
    shop.keep_up,
    backfill.go_on_awhile,
    fill_lots,
    simulations.go_on,
    uploads.go_on,
    reports.look_batch,
)
"""Each does some of what is due in a programme and says how much it was."""


def drain(hub: Hub, programme_id: int, stopping: Callable[[], bool] = lambda: False) -> None:
    """Work off deliveries, outbox and duties of a programme.

    They take turns, so that a long import of a catalogue does not hold up receipts.  Told to
    stop, it ends after the batches at hand, and rings for others to take what it did not begin.

    Raises: database errors; the leases of what was claimed then bring it back.
    """
    until = hub.clock.now() + TURN
    one_round = partial(_one_round, hub, programme_id, _Duties())
    if not work_off(
        one_round, FULL, threads_of(hub), lambda: stopping() or hub.clock.now() >= until
    ):
        hub.bell.ring(programme_id)


def threads_of(hub: Hub) -> int:
    """How many may drain at once; SQLite has one writer, for whom the others would wait."""
    return 1 if is_sqlite(hub.engine) else hub.config.worker_threads


class _Duties:
    """Of one draining: who sees to them now, and when each is looked at next."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._rounds = 0
        self._look_at: dict[Callable[[Hub, int], int], datetime] = {}

    def see_to(self, hub: Hub, programme_id: int, *, idle: bool) -> int:
        """How much there was to do at most.  `idle`: there is no other work, so none is left out
        and nothing that became due meanwhile waits for the next bell."""
        self._rounds += 1
        if self._rounds % COUNTED_AFTER == 0:
            transact(hub.engine, count_grown_tables)
        most = 0
        for duty in DUTIES:
            now = hub.clock.now()
            if idle or now >= self._look_at.get(duty, now):
                done = duty(hub, programme_id)
                self._look_at[duty] = now if done else now + LOOKED_AT_EVERY
                most = max(most, done)
        return most


def _one_round(hub: Hub, programme_id: int, duties: _Duties) -> int:
    """How much there was to do at most, of one kind.  One thread at a time sees to duties."""
    received = process.work_batch(hub, programme_id)
    sent = dispatch.send_batch(hub, programme_id)
    done = 0
    if duties.turn.acquire(blocking=False):
        try:
            done = duties.see_to(hub, programme_id, idle=not (received or sent))
        finally:
            duties.turn.release()
    return max(received, sent, done)
