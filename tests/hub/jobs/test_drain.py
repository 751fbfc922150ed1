"""Draining by several threads: each delivery once, nobody in another's way, few for little."""

import threading
from itertools import cycle, islice

import pytest
from sqlalchemy import event, text

from hub.ingest import process
from hub.jobs import drain as draining
from hub.jobs.crew import work_off
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, transact
from loyalty_core.store.statistics import count_grown_tables
from tests.support.databases import EVERY_ENGINE
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until

PATIENCE_S = 60
THREADS = 4
OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
PHONES = [f"+7916000000{number}" for number in range(7)]


def never():
    return False


class Work:
    """So many rows, in batches of ten.  The fourth to the seventh batch wait for each other."""

    def __init__(self, rows):
        self.rows = rows
        self.by = []
        self.at_once = self.most_at_once = 0
        self._gate = threading.Barrier(THREADS)
        self._change = threading.Lock()

    def batch(self):
        with self._change:
            self.by.append(threading.current_thread())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            wait = 4 <= len(self.by) <= 7
        if wait:
            self._gate.wait(PATIENCE_S)
        with self._change:
            self.at_once -= 1
            found = min(10, self.rows)
            self.rows -= found
        return found


def test_little_is_done_by_the_caller_alone():
    work = Work(9)

    assert work_off(work.batch, 10, THREADS, never)

    assert work.by == [threading.current_thread()] * 2


def test_full_batches_bring_others_up_to_the_number_allowed():
    work = Work(200)

    assert work_off(work.batch, 10, THREADS, never)

    assert work.rows == 0
    assert work.most_at_once == THREADS


def test_it_is_over_after_the_batches_at_hand():
    work = Work(1000)

    assert not work_off(work.batch, 10, THREADS, lambda: work.rows < 900)

    assert 900 - THREADS * 10 <= work.rows < 900


def test_a_batch_that_fails_is_heard_of_when_the_others_have_ended():
    work, ended = Work(1000), []

    def batch():
        if len(work.by) == 5:
            raise ZeroDivisionError
        found = work.batch()
        ended.append(found)
        return found

    work._gate = threading.Barrier(1)
    with pytest.raises(ZeroDivisionError):
        work_off(batch, 10, THREADS, never)

    assert work.at_once == 0
    assert len(ended) == len(work.by)
    assert work.rows > 0


@pytest.mark.parametrize("engine", EVERY_ENGINE, indirect=True)
def test_several_threads_over_few_members_neither_double_nor_block(engine):
    """Seven members, each in every batch: whoever locked them in another order would deadlock,
    and PostgreSQL counts that, tried again or not.
    """
    shop = Shopfloor(engine, worker_threads=THREADS)
    batches = 8
    phones = cycle(PHONES)
    for number in range(batches * process.BATCH):
        customer = {"phone": next(phones), "verified": True}
        shop.deliver(event=receipt(f"{number:03}", customer=customer))
    for number, phone in enumerate(islice(phones, 100)):
        customer = {"phone": phone, "verified": True}
        shop.deliver(event=receipt(f"{number:03}", "90.00", customer=customer, revision=2))
    at_once = watch(engine)

    shop.drain()

    assert shop.booked() == {
        f"{number:03}": 90_00 if number < 100 else 100_00
        for number in range(batches * process.BATCH)
    }
    assert {one.state for one in shop.deliveries()} == {"done"}
    with read(engine) as connection:
        assert verify_ledger(connection) == []
    assert deadlocks(engine) == 0
    assert "purchases" not in transact(engine, count_grown_tables), "it was counted meanwhile"
    assert (max(at_once) > 1) is (engine.dialect.name == "postgresql")


def watch(engine):
    """How many connections were lent at once, each time one was."""
    lent, seen, change = set(), [], threading.Lock()

    def out(connection, *_):
        with change:
            lent.add(id(connection))
            seen.append(len(lent))

    event.listen(engine, "checkout", out)
    event.listen(engine, "checkin", lambda connection, *_: lent.discard(id(connection)))
    return seen


def deadlocks(engine):
    """As PostgreSQL counts them; a connection tells what it has counted when it ends."""
    if engine.dialect.name == "sqlite":
        return 0
    engine.dispose()
    with read(engine) as connection:
        wait_until(lambda: connection.scalar(OTHERS) == 0)
        return connection.scalar(DEADLOCKS)


def test_duties_are_looked_at_now_and_then_and_all_of_them_before_it_ends(engine, monkeypatch):
    """Between batches they would cost a dozen statements for nothing; what became due meanwhile
    must not wait for the next bell."""
    shop = Shopfloor(engine, worker_threads=1)
    looks, batches = [], 3
    for number in range(batches * process.BATCH):
        shop.deliver(event=receipt(f"{number:03}"))

    def duty(hub, programme_id):
        looks.append(len([one for one in shop.deliveries() if one.state == "done"]))
        return 0

    monkeypatch.setattr(draining, "DUTIES", (duty,))

    shop.drain()

    assert looks == [process.BATCH, batches * process.BATCH]


def test_a_duty_that_has_found_something_is_done_again_at_once(engine, monkeypatch):
    shop, left = Shopfloor(engine), [3, 2, 1]
    for number in range(5):
        shop.deliver(event=receipt(f"{number:03}"))
    monkeypatch.setattr(draining, "DUTIES", (lambda *_: left.pop() if left else 0,))

    shop.drain()

    assert left == []
