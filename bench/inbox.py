"""Inbox to ledger: kept deliveries of ten-line receipts, worked off by one worker process; and
what two of them reach together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, func, select, text

from bench.f1 import f1_probe
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.receipts import Till
from bench.till import HOOK
from bench.worker import BOOK, Workers, book, workers
from hub.jobs.collector import search_rarely
from hub.jobs.drain import drain
from loyalty_core.store import inbox
from loyalty_core.store.database import read, transact
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.tables import deliveries, outbox, purchases

BOOKED = "inbox to ledger, 10 lines"
TWO = "the same, by two worker processes"
SENT = "the same, and its outbox worked off"
WARM = 1000
_PORTION = 100
_SECONDS = 30.0


@contextmanager
def inbox_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Beside floor F1."""
    search_rarely()
    box = Inbox(ground.own("inbox"))
    box.fill(WARM)
    box.work_off(WARM)
    box.settle_plans()
    receipts = ground.options.receipts

    with workers(ground.own("inbox"), 2) as two:

        def run() -> dict[str, Sample]:
            box.fill(receipts)
            alone = box.work_off(receipts)
            box.fill(receipts)
            return alone | box.work_off_by(two, receipts)

        yield [f1_probe(ground.servers, ground.options), Probe(BOOKED, run, _SECONDS)]


class Inbox:
    """One till's deliveries, in the measured programme."""

    def __init__(self, place: Place) -> None:
        self._programme = place.programme.id
        self._till = Till(place)
        self._hub = self._till.hub

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

    def work_off(self, receipts: int) -> dict[str, Sample]:
        """First what makes purchases and points of them, then what that has to tell the world.

        Raises: BenchFailed unless every one of them is booked.
        """
        booked = self._count(purchases)
        began = time.perf_counter()
        self.book()
        in_ledger = time.perf_counter()
        self._send()
        ended = time.perf_counter()
        self._expect(booked + receipts)
        return {
            BOOKED: {RATE: receipts / (in_ledger - began)},
            SENT: {RATE: receipts / (ended - began)},
        }

    def work_off_by(self, crew: Workers, receipts: int) -> dict[str, Sample]:
        """The same by other processes, without what it has to tell.  Raises: as `work_off`."""
        booked = self._count(purchases)
        began = time.perf_counter()
        crew.do(BOOK)
        took_s = time.perf_counter() - began
        self._send()
        self._expect(booked + receipts)
        return {TWO: {RATE: receipts / took_s}}

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
