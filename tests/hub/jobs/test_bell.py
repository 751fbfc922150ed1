"""The bell: the same books with a thread and with RQ, and without loss when Redis is away."""

import threading
import time

import pytest
import redis

from hub.jobs import run_worker, start_embedded
from hub.jobs.scheduler import sweep
from hub.queue import QUEUE, RqBell, ThreadBell
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def bell(redis_url):
    return RqBell(redis_url)


def queued(url):
    with redis.Redis.from_url(url) as client:
        return client.llen(f"rq:queue:{QUEUE}")


def test_a_burst_of_rings_is_one_job(bell, redis_url):
    for _ in range(50):
        bell.ring(7)
    bell.ring(8)

    assert queued(redis_url) == 2


def test_a_ring_during_the_work_asks_for_another_look(engine, redis_url):
    shop = Shopfloor(engine, redis_url=redis_url)
    shop.remote.put("order", "1", receipt("1"))

    def late(_hint):
        shop.remote.on_read = None
        shop.deliver(event=receipt("late"))

    shop.remote.on_read = late
    shop.deliver(hint=[["order", "1"]])
    wait_until(lambda: queued(redis_url) == 1)
    run_worker(shop.hub, burst=True)

    assert set(shop.booked()) == {"1", "late"}


def test_a_worker_on_redis_books_what_was_delivered(engine, redis_url):
    shop = Shopfloor(engine, redis_url=redis_url)
    shop.remote.put("order", "1", receipt("1"))

    shop.deliver(hint=[["order", "1"]])
    shop.deliver(event=receipt("2"))
    wait_until(lambda: queued(redis_url) > 0)
    run_worker(shop.hub, burst=True)

    assert shop.booked() == {"1": 10000, "2": 10000}
    assert queued(redis_url) == 0


def test_the_thread_books_what_was_delivered(engine):
    shop = Shopfloor(engine)
    shop.remote.put("order", "1", receipt("1"))
    embedded = start_embedded(shop.hub)
    try:
        shop.deliver(hint=[["order", "1"]])
        shop.deliver(event=receipt("2"))
        wait_until(lambda: shop.booked() == {"1": 10000, "2": 10000})
    finally:
        embedded.stop()
    assert {thread.name for thread in threading.enumerate()}.isdisjoint({"worker", "scheduler"})


def test_the_thread_answers_redis_where_there_is_one(engine, redis_url):
    shop = Shopfloor(engine, redis_url=redis_url)
    embedded = start_embedded(shop.hub)
    try:
        shop.deliver(event=receipt("1"))
        wait_until(lambda: shop.booked() == {"1": 10000})
    finally:
        embedded.stop()


def test_redis_emptied_loses_nothing(engine, redis_url):
    shop = Shopfloor(engine, redis_url=redis_url)
    shop.deliver(event=receipt("1"))
    wait_until(lambda: queued(redis_url) == 1)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()

    sweep(shop.hub)
    run_worker(shop.hub, burst=True)

    assert shop.booked() == {"1": 10000}


def test_without_redis_a_delivery_is_kept_soon_and_the_scheduler_books_it(engine):
    shop = Shopfloor(engine, redis_url=NOBODY)

    began = time.monotonic()
    assert shop.deliver(event=receipt("1")).status_code == 200
    assert time.monotonic() - began < 5
    sweep(shop.hub)

    assert shop.booked() == {"1": 10000}


def test_a_silent_redis_is_waited_for_once_and_not_at_each_delivery():
    bell = RqBell("redis://192.0.2.1:6379/0")

    bell.ring(7)
    began = time.monotonic()
    for _ in range(100):
        assert bell.ring(7) is False

    assert time.monotonic() - began < 0.5


def test_a_thread_is_rung_for_once_and_in_turn():
    bell = ThreadBell()

    for programme in (7, 8, 7):
        bell.ring(programme)

    assert [bell.wait(0), bell.wait(0), bell.wait(0)] == [7, 8, None]


def test_a_drain_that_fails_does_not_end_the_worker(engine):
    shop = Shopfloor(engine)
    embedded = start_embedded(shop.hub)
    try:
        shop.hub.bell.ring("no such programme")
        shop.deliver(event=receipt("1"))
        wait_until(lambda: shop.booked() == {"1": 10000})
    finally:
        embedded.stop()


def test_several_workers_at_once_book_each_receipt_once(postgres_engine, redis_url):
    shop = Shopfloor(postgres_engine, redis_url=redis_url)
    for number in range(200):
        shop.deliver(event=receipt(f"{number:03}"))

    threads = [threading.Thread(target=shop.drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(shop.booked()) == 200
    assert set(shop.states()) == {"done"}
