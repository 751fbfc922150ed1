"""The scheduler: rings for what is due, and does what the calendar brings.

There may be several; one of them leads and works, the others wait to take over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from hub.jobs.worker import beat, begin_cells, drain_safely
from hub.wiring import Hub
from loyalty_core.service import confirm, personal_lists, upkeep
from loyalty_core.service.day_letters import tell_days
from loyalty_core.service.rate_tiers import rate_tiers, roll_tiers
from loyalty_core.store import (
    backfills,
    code_lots,
    idempotency,
    inbox,
    installations,
    outbox,
    sent_messages,
    simulations,
    uploads,
)
from loyalty_core.store.database import is_away, is_sqlite, read, transact

log = structlog.get_logger(__name__)

UPKEEP_EVERY = timedelta(minutes=1)
_LEADER_LOCK = 0x10A17FB
"""Any number, as long as nothing else of this database locks it."""
_LOOK_UP_S = 1.0

_ROOMS = (
    inbox,
    outbox,
    installations,
    backfills,
    sent_messages,
    code_lots,
    simulations,
    uploads,
)
Batch = partial[int]
"""Takes a connection, does a batch and says how many it had; 0: nothing is left."""


def upkeep_batches(hub: Hub, now: datetime) -> tuple[Batch, ...]:
    """What the calendar brings, in the order of doing it."""
    keep_days = hub.config.keep_deliveries_days
    return (
        partial(upkeep.activate_points, now=now),
        partial(upkeep.expire_points, now=now),
        partial(upkeep.expire_certificates, now=now),
        partial(upkeep.end_holds, now=now),
        partial(roll_tiers, plans=hub.plans, now=now),
        partial(rate_tiers, plans=hub.plans, now=now),
        partial(upkeep.list_lost_refunds, plans=hub.plans, now=now),
        partial(personal_lists.fill_lists, plans=hub.plans, now=now),
        partial(tell_days, plans=hub.plans, now=now),
        partial(idempotency.forget_old, now=now),
        partial(confirm.forget_codes, now=now),
        partial(upkeep.empty_deliveries, keep_days=keep_days, now=now),
        partial(upkeep.forget_deliveries, now=now),
        partial(upkeep.forget_sent, keep_days=keep_days, now=now),
        partial(upkeep.forget_messages, now=now),
        partial(upkeep.empty_uploads, now=now),
        partial(upkeep.forget_evidence, now=now),
        partial(upkeep.count_members, now=now),
        partial(upkeep.unpad_signs),
    )


def run_scheduler(hub: Hub, stop: threading.Event) -> None:
    """Lead, or wait to lead, until `stop`."""
    leader = Leader(hub.engine)
    sweeping = Chore("sweep", partial(_sweeps_every, hub), lambda hub: sweep(hub, stop))

    def is_to_stop() -> bool:
        # Upkeep may have batches for an hour, all members to rate: what is due does not wait.
        sweeping.do_if_due(hub)
        return stop.is_set()

    upkeep = Chore("upkeep", lambda: UPKEEP_EVERY, lambda hub: look_after(hub, is_to_stop))
    chores = [sweeping, upkeep]
    try:
        while not stop.is_set():
            # A sweep that drains by itself, turn after turn, is due again when it ends.
            if not (_look_round(hub, leader, chores) and sweeping.is_due(hub)):
                stop.wait(_LOOK_UP_S)
    finally:
        leader.step_down()


def _sweeps_every(hub: Hub) -> timedelta:
    """Where nobody hears the bell it looks for itself, each time that it looks round."""
    seconds = hub.config.sweep_s if hub.bell.reachable() else _LOOK_UP_S
    return timedelta(seconds=seconds)


@dataclass(slots=True)
class Chore:
    name: str
    every: Callable[[], timedelta]
    work: Callable[[Hub], None]
    due_at: datetime | None = None

    def is_due(self, hub: Hub) -> bool:
        now = hub.clock.now()
        if self.due_at is None or self.due_at <= now:
            return True
        # Further ahead than that it was set when the interval was longer, or by a clock that has
        # been put back since.
        return self.due_at > now + self.every()

    def do_if_due(self, hub: Hub) -> None:
        if self.is_due(hub):
            self.due_at = hub.clock.now() + self.every()
            with hub.metrics.chore(self.name):
                self.work(hub)


def _look_round(hub: Hub, leader: Leader, chores: list[Chore]) -> bool:
    """Whether it leads, and did what was due."""
    try:
        if not leader.leads():
            return False
        for chore in chores:
            chore.do_if_due(hub)
    except Exception as error:  # the outer edge: the scheduler must go on
        log.error("chore_failed", exc_info=error)
        return False
    return True


def sweep(hub: Hub, stop: threading.Event | None = None) -> None:
    """Ring for every programme that has anything due, and leave a sign of life.

    Where nobody can hear the bell, because Redis is down, the scheduler drains by itself.
    """
    beat(hub, "scheduler")
    now = hub.clock.now()
    with read(hub.engine) as connection:
        due = {
            programme_id for room in _ROOMS for programme_id in room.programmes_due(connection, now)
        }
    for programme_id in sorted(due):
        if stop is not None and stop.is_set():
            return
        if not hub.bell.ring(programme_id):
            begin_cells(hub)
            drain_safely(hub, programme_id, stop)


def look_after(hub: Hub, is_to_stop: Callable[[], bool] = lambda: False) -> None:
    """What the calendar brings: points begin and end, holds end, old answers are forgotten.

    One that fails holds up no other.  Raises: the first error, when the others are through or are
    to stop; at once that of a database that is away.
    """
    failed: list[Exception] = []
    if _went_through(hub, is_to_stop, failed) and not failed:
        beat(hub, "upkeep")
    if failed:
        raise failed[0]


def _went_through(hub: Hub, is_to_stop: Callable[[], bool], failed: list[Exception]) -> bool:
    """Whether it came to the end of all batches; those that failed are added."""
    for batch in upkeep_batches(hub, hub.clock.now()):
        rows = 1
        while rows:
            try:
                rows = transact(hub.engine, batch)
            except Exception as error:
                if is_away(error):
                    raise
                log.error("upkeep_failed", batch=batch.func.__name__, exc_info=error)
                failed.append(error)
                rows = 0
            if rows:
                hub.metrics.upkeep(batch.func.__name__, rows)
            if (rows or failed) and is_to_stop():
                return False
    return True


class Leader:
    """At most one leads: PostgreSQL's advisory lock, held as long as its connection lives.

    SQLite is the embedded hub's, which has one scheduler.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def leads(self) -> bool:
        """Whether this one leads now; tries to become it."""
        if is_sqlite(self._engine):
            return True
        try:
            return self._still_leads() or self._tries()
        except DBAPIError:
            self.step_down()
            raise

    def step_down(self) -> None:
        """Let another lead."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()

    def _still_leads(self) -> bool:
        if self._connection is None:
            return False
        self._connection.execute(text("SELECT 1"))
        return True

    def _tries(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        lock = text("SELECT pg_try_advisory_lock(:lock)")
        if connection.scalar(lock, {"lock": _LEADER_LOCK}):
            self._connection = connection
            return True
        connection.close()
        return False
