"""A batch is held while somebody works on it, and for less than a minute after they died."""

import threading

import pytest
from sqlalchemy import Engine, event

from hub.ingest.lease import Lease
from hub.ingest.process import work_off
from hub.jobs.drain import drain
from loyalty_core.store import database, inbox
from loyalty_core.store.database import transact
from tests.support.shopfloor import receipt


def test_a_batch_that_takes_long_stays_with_its_worker(shop):
    """Each of three documents takes 30 s; a second worker looks round during each."""
    seen = []
    for number in range(3):
        shop.remote.put("order", str(number), receipt(str(number)))
        shop.deliver(hint=[["order", str(number)]])

    def slow(hint):
        shop.clock.advance(seconds=30)
        on_read, shop.remote.on_read = shop.remote.on_read, None
        other = threading.Thread(target=drain, args=(shop.hub, shop.programme.id))
        other.start()
        other.join()
        shop.remote.on_read = on_read
        seen.append(hint.id)

    shop.remote.on_read = slow
    shop.drain()

    assert shop.remote.reads == seen == ["0", "1", "2"]
    assert shop.states() == ["done"] * 3
    assert [one.attempts for one in shop.deliveries()] == [1, 1, 1]


def test_a_delivery_replayed_while_it_is_worked_on_is_due_again(shop):
    """What a worker writes of a claim that is not its own any more counts no more."""
    shop.deliver(event=receipt("1"))
    now = shop.clock.now()
    (row,) = claimed(shop, now)
    transact(shop.hub.engine, lambda c: inbox.make_due(c, row.id, now=now))

    with pytest.raises(inbox.NoLongerHeld):
        transact(shop.hub.engine, lambda c: inbox.settle_done(c, [(row, {})], now=now))

    assert shop.states() == ["due"]
    until = shop.clock.advance(seconds=1) or shop.clock.now()
    assert transact(shop.hub.engine, lambda c: inbox.renew(c, [row], until)) == set()


def test_a_batch_that_tells_of_people_books_nothing_when_it_is_somebody_elses(shop):
    """Its events are booked before it is marked done; what an erasure took back stays away."""
    shop.deliver(event=receipt("1"))
    shop.deliver(customer={"id": "c-1", "last_name": "Смирнова"})
    lease, now = Lease.take(shop.hub, shop.programme.id, 10), shop.clock.now()
    for number in lease.rows:
        transact(shop.hub.engine, lambda c, number=number: inbox.make_due(c, number, now=now))

    work_off(shop.hub, lease)
    assert (shop.booked(), shop.states()) == ({}, ["due", "due"])

    shop.drain()
    assert (list(shop.booked()), shop.states()) == (["1"], ["done", "done"])


def claimed(shop, now):
    programme, until = shop.programme.id, shop.clock.now().replace(year=now.year + 1)
    return transact(
        shop.hub.engine, lambda c: inbox.claim(c, programme, now=now, until=until, limit=50)
    )


def test_what_a_batch_costs_beside_its_booking_does_not_grow_with_it(shop, monkeypatch):
    """Claimed, its installation read, marked done: each once for all of them."""
    shop.drain()  # the first polls of a new installation
    counts, drive = {}, database._drive
    for many in (2, 40):
        for number in range(many):
            shop.deliver(event=receipt(f"{many}-{number}"))
        seen = []

        def note(_connection, _cursor, statement, _parameters, _context, many_rows, seen=seen):
            seen.append((statement, many_rows))

        def by_driver(connection, statement, *how, seen=seen):
            seen.append((statement, False))
            return drive(connection, statement, *how)

        monkeypatch.setattr(database, "_drive", by_driver)
        event.listen(Engine, "before_cursor_execute", note)
        try:
            shop.drain()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        counts[many] = [
            sum("UPDATE deliveries" in one for one, _ in seen),
            sum("UPDATE outbox" in one for one, _ in seen),
            sum("FROM installations" in one and "SELECT" in one for one, _ in seen),
        ]

    assert counts[2] == counts[40]
    assert all(counts[2])
    assert set(shop.states()) == {"done"}
