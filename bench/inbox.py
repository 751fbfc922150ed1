"""Inbox to ledger: kept deliveries of ten-line receipts, worked off by one worker process; and
what two of them reach together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from bench.f1 import f1_probe
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.receipts import Till
from bench.till import HOOK
from bench.worker import BOOK, Workers, book, workers
from hub.jobs.drain import drain
from loyalty_core.store import inbox
from loyalty_core.store.database import read, transact
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.tables import deliveries, outbox, purchases

BOOKED = "inbox to ledger, 10 lines"
TWO = "the same, by two worker processes"
SENT = "the same, and its outbox worked off"
WARM = 1500
_PORTION = 100
_SECONDS = 30.0


@contextmanager
def inbox_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Beside floor F1."""
    place, receipts = ground.own("inbox"), ground.options.receipts
    box = Inbox(place)
    with workers(place, 1) as one, workers(place, 2) as two:
        box.warm(one)
        box.warm(two)

        def run() -> dict[str, Sample]:
            alone, together = box.work_off(one, receipts), box.work_off(two, receipts)
            return {
                BOOKED: {RATE: alone.booked},
                SENT: {RATE: alone.sent},
                TWO: {RATE: together.booked},
            }

        yield [f1_probe(ground.servers, ground.options), Probe(BOOKED, run, _SECONDS)]


@dataclass(frozen=True, slots=True)
class Pace:
    """Receipts a second: into the books, and until all that they had to tell was told."""

    booked: float
    sent: float


class Inbox:
    """One till's deliveries, in the measured programme."""

    def __init__(self, place: Place) -> None:
        self._programme = place.programme.id
        self._till = Till(place)
        self._hub = self._till.hub

    def warm(self, crew: Workers) -> None:
        """Have the crew prepare its statements, and PostgreSQL make its plans of them."""
        self.work_off(crew, WARM)
        self.settle_plans()
        self.work_off(crew, WARM)

    def fill(self, receipts: int) -> None:
        """Keep so many deliveries, as the door does."""
        for first in range(0, receipts, _PORTION):
            self._keep(min(_PORTION, receipts - first))

    def settle_plans(self) -> None:
        """Tell PostgreSQL how much there is by now, as its autovacuum does within a minute: plans
        that were made for empty tables are kept until then."""
        with self._hub.engine.begin() as connection:
            connection.execute(text("ANALYZE"))

    def book(self) -> None:
        """Make purchases and points of all that is due."""
        book(self._hub, self._programme)

    def work_off(self, crew: Workers, receipts: int) -> Pace:
        """Keep so many, and have the crew make purchases and points of them; then tell the world.

        Raises: BenchFailed unless every one of them is booked.
        """
        booked = self._count(purchases)
        self.fill(receipts)
        began = time.perf_counter()
        crew.do(BOOK)
        in_ledger = time.perf_counter()
        self._send()
        ended = time.perf_counter()
        self._expect(booked + receipts)
        return Pace(receipts / (in_ledger - began), receipts / (ended - began))

    def _send(self) -> None:
        while self._is_due():
            drain(self._hub, self._programme)

    def _expect(self, purchased: int) -> None:
        if (found := self._count(purchases)) != purchased:
            raise BenchFailed(f"{found} purchases are there, not {purchased}")

    def _keep(self, receipts: int) -> None:
        now = self._hub.clock.now()
        new = [self._delivery(*self._till.receipt(now)) for _ in range(receipts)]

        def keep(connection: Connection) -> None:
            for one in new:
                inbox.store(connection, one, now=now)

        transact(self._hub.engine, keep)

    def _delivery(self, name: str, body: bytes) -> NewDelivery:
        return NewDelivery(
            installation_id=self._till.installation,
            programme_id=self._programme,
            hook=HOOK,
            key=name,
            headers={"content-type": "application/json"},
            body=body,
        )

    def _is_due(self) -> bool:
        with read(self._hub.engine) as connection:
            waiting = [
                connection.scalar(
                    select(func.count())
                    .select_from(table)
                    .where(table.c.programme_id == self._programme, table.c.state == "due")
                )
                for table in (deliveries, outbox)
            ]
        return any(waiting)

    def _count(self, table: Any) -> int:
        with read(self._hub.engine) as connection:
            return int(connection.scalar(select(func.count()).select_from(table)) or 0)
