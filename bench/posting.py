"""Posting: books opened under lock, points earned and spent, books written; in batches of 50."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count

from sqlalchemy import Connection

from bench.f1 import f1_probe
from bench.ground import Ground, Place
from bench.measure import RATE, Probe, Sample
from bench.members import LIFE, POINTS, TERMS
from hub.clock import SystemClock
from hub.jobs.collector import search_rarely
from hub.jobs.crew import work_off
from hub.jobs.drain import threads_of
from loyalty_core.domain.points import Cause
from loyalty_core.store.database import transact
from loyalty_core.store.ledger import AccountKey, open_books, write_books

POSTING_POSTGRES = "posting, batches of 50, PostgreSQL"
POSTING_SQLITE = "posting, batches of 50, SQLite"
BATCH = 50
EARNED_POINTS, SPENT_POINTS = 10_00, 5_00
SPEND_EACH = 3
"""Of three postings, two earn and one spends."""


@contextmanager
def posting_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Beside floor F1, whose accounts are as many as our members."""
    search_rarely()
    own = posting_probe(ground.own("posting"), POSTING_POSTGRES, ground.options.seconds)
    yield [f1_probe(ground.servers, ground.options), own]


def posting_probe(place: Place, name: str, seconds: float) -> Probe:
    poster = Poster(place)
    return Probe(name, lambda: {name: poster.post_for(seconds)}, seconds)


class Poster:
    """Posts to members drawn by chance; each posting is one entry under a key of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._hub = place.hub()
        self._chance = random.Random(1)
        self._numbers = count(1)
        self._clock = SystemClock()

    def post_for(self, seconds: float) -> Sample:
        """In one process, by as many threads as a worker drains with."""
        batches, began = count(), time.perf_counter()

        def post() -> int:
            self.post_batch()
            next(batches)
            return BATCH

        threads = threads_of(self._hub)
        work_off(post, BATCH, threads, lambda: time.perf_counter() - began >= seconds)
        return {RATE: next(batches) * BATCH / (time.perf_counter() - began)}

    def post_batch(self) -> None:
        """One durable transaction."""
        members = self._chance.sample(self._place.programme.members, BATCH)
        keys = [(member, POINTS) for member in members]
        now = self._clock.now()
        transact(self._place.engine, lambda connection: self._post(connection, keys, now))

    def _post(self, connection: Connection, keys: list[AccountKey], now: datetime) -> None:
        books = open_books(connection, keys)
        for book in books.values():
            number = next(self._numbers)
            cause = Cause(f"bench:{number}", now, now)
            book.settle(now)
            if number % SPEND_EACH == 0:
                book.spend(SPENT_POINTS, cause, TERMS)
            else:
                book.earn(EARNED_POINTS, cause, spendable_from=now, expires_at=now + LIFE)
        write_books(connection, books.values())
