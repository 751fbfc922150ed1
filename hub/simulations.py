"""Simulations that the console asks for: worked off beside everything else, and looked in on.

Each programme has one, the last; its row says where it stands.  Whoever drains the programme
takes it, in a thread of its own, so that receipts do not wait for it.  A worker that dies leaves
a row whose lease runs out, and another one begins anew: nothing was booked.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from hub.simulation import document
from hub.wiring import Hub
from loyalty_core.domain.errors import LoyaltyError
from loyalty_core.service.simulate import Question, Simulator, simulate_rules
from loyalty_core.store import simulations as store
from loyalty_core.store.database import is_away, look, read, transact
from loyalty_core.store.simulations import SimulationRow

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
TOLD_EVERY_S = 0.5
"""So often it writes down how far it has come."""
DEFECT = "defect"


class _Stopped(Exception):
    """Somebody stopped it, or another worker has it by now."""


@dataclass(frozen=True, slots=True)
class SimulationAsked:
    """A draft against the receipts of whole days; each is held against what stood then."""

    draft: int
    first: date
    last: date

    @property
    def question(self) -> Question:
        return Question(self.draft, self.first, self.last)


def start(hub: Hub, programme_id: int, asked: SimulationAsked, *, author: str) -> bool:
    """Begin one; False where one is underway already.

    Raises: VersionNotFound, InvalidInput (days), RulesInvalid.
    """
    with look(hub.engine) as connection:
        total = Simulator(connection, programme_id, asked.question).count()
    now = hub.clock.now()
    days = asked.first.isoformat(), asked.last.isoformat()
    row = SimulationRow(programme_id, asked.draft, *days, total, now, now, author)
    begun = transact(hub.engine, lambda connection: store.begin(connection, row))
    hub.bell.ring(programme_id)
    return begun


def stop(hub: Hub, programme_id: int) -> bool:
    """False where none is underway."""
    now = hub.clock.now()
    return transact(hub.engine, lambda connection: store.stop(connection, programme_id, now=now))


def last_simulation(hub: Hub, programme_id: int) -> SimulationRow | None:
    """The one that is underway, or the last; None where there never was one."""
    with read(hub.engine) as connection:
        return store.get(connection, programme_id)


def go_on(hub: Hub, programme_id: int) -> bool:
    """Take the programme's simulation, if one waits for somebody; whether one did."""
    now = hub.clock.now()
    row = transact(hub.engine, lambda c: store.claim(c, programme_id, now=now, until=now + LEASE))
    if row is None:
        return False
    threading.Thread(target=work_off, args=(hub, row), name="simulation", daemon=True).start()
    return True


def work_off(hub: Hub, row: SimulationRow) -> None:
    """Simulate to the end, and write down what came of it."""
    try:
        _Run(hub, row).to_the_end()
    except _Stopped:
        log.info("simulation_stopped", programme=row.programme_id)
    except Exception as error:  # the thread's outer edge: the row must say what became of it
        code = error.code if isinstance(error, LoyaltyError) else DEFECT
        log.error("simulation_failed", programme=row.programme_id, code=code, exc_info=error)
        if not is_away(error):
            _end(hub, row, stage="failed", error_code=code)


def _end(hub: Hub, row: SimulationRow, **values: object) -> None:
    values |= {"due_at": None, "ended_at": hub.clock.now()}
    transact(hub.engine, lambda c: store.save(c, row.programme_id, row.started_at, **values))


class _Run:
    def __init__(self, hub: Hub, row: SimulationRow) -> None:
        self._hub, self._row = hub, row
        self._told_at = time.monotonic()

    def to_the_end(self) -> None:
        first, last = map(date.fromisoformat, (self._row.first_day, self._row.last_day))
        asked = SimulationAsked(self._row.draft, first, last)
        with look(self._hub.engine) as connection:
            simulator = Simulator(connection, self._row.programme_id, asked.question)
            found = document(simulate_rules(simulator, self._tell))
        _end(self._hub, self._row, stage="done", result=found, done=found["receipts"])

    def _tell(self, done: int, total: int) -> None:
        """How far it has come; keeps the lease."""
        if time.monotonic() - self._told_at < TOLD_EVERY_S:
            return
        self._told_at = time.monotonic()
        values = {"done": done, "total": total, "due_at": self._hub.clock.now() + LEASE}
        row = self._row
        if not transact(
            self._hub.engine, lambda c: store.save(c, row.programme_id, row.started_at, **values)
        ):
            raise _Stopped
