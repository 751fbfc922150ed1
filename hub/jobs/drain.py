"""Draining a programme: whatever is due in it, in small turns, until nothing is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hub import simulations, uploads
from hub.connections import shop
from hub.ingest import backfill, process, pull
from hub.jobs.crew import work_off
from hub.jobs.lots import fill_lots
from hub.outbox import balances, coupons, dispatch, reports
from hub.wiring import Hub
from loyalty_core.store.database import is_sqlite, transact
from loyalty_core.store.statistics import count_new_tables

TURN = timedelta(seconds=10)
"""After so long other programmes get their turn; the bell is rung again for what is left."""
COUNTED_AFTER = 5
"""Rounds of one draining, which say that there is much: then new tables are counted."""
FULL = min(process.BATCH, dispatch.BATCH)


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


@dataclass(slots=True)
class _Duties:
    """Of one draining: who sees to them now, and how many batches there have been."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    rounds: int = 0


def _one_round(hub: Hub, programme_id: int, duties: _Duties) -> int:
    """How much there was to do at most, of one kind.  One thread at a time sees to duties."""
    received = process.work_batch(hub, programme_id)
    sent = dispatch.send_batch(hub, programme_id)
    told = done = looked = 0
    if duties.turn.acquire(blocking=False):
        try:
            duties.rounds += 1
            if duties.rounds == COUNTED_AFTER:
                transact(hub.engine, count_new_tables)
            told = balances.push_batch(hub, programme_id)
            told += coupons.push_batch(hub, programme_id)
            done = int(pull.do_duty(hub, programme_id))
            done += int(shop.keep_up(hub, programme_id))
            done += int(backfill.go_on(hub, programme_id))
            done += int(fill_lots(hub, programme_id))
            done += int(simulations.go_on(hub, programme_id))
            done += int(uploads.go_on(hub, programme_id))
            looked = reports.look_batch(hub, programme_id)
        finally:
            duties.turn.release()
    return max(received, sent, told, done, looked)
