"""Redis killed, back again and emptied, with a real worker and scheduler: rows are booked in time.

The sweep comes every second here; what Redis loses is found by it.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from datetime import timedelta
from functools import partial

import pytest
import redis

from hub.jobs import run_scheduler, run_worker, scheduler
from hub.jobs.worker import answer_in_thread
from hub.queue import QUEUE, RqBell
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until
from tools.programs import find_redis

SWEEP_S = 1
IN_TIME_S = SWEEP_S + 1
SLOW_MACHINE_S = 20
"""Other work on the machine; what these tests exclude are waits of RQ's own, of a minute."""


class Redis:
    """A server of this test's own, that can be killed and started again on its port."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        words = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "")
        self.process = subprocess.Popen(
            [str(find_redis()), *words, "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self.answers)

    def answers(self):
        try:
            with redis.Redis.from_url(self.url) as client:
                return client.ping()
        except redis.RedisError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def flush(self):
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@pytest.fixture
def server(tmp_path):
    if find_redis() is None:
        pytest.skip("no Redis on this machine")
    server = Redis(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def shop(postgres_engine, server):
    """With a scheduler and a worker at work, in threads of this process."""
    shop = Shopfloor(postgres_engine, redis_url=server.url, sweep_s=SWEEP_S)
    stop = threading.Event()
    ticking = threading.Thread(target=_tick, args=(shop.clock, stop))
    leading = threading.Thread(target=run_scheduler, args=(shop.hub, stop))
    for thread in (ticking, leading):
        thread.start()
    yield shop
    stop.set()
    for thread in (ticking, leading):
        thread.join(20)


def _tick(clock, stop):
    """The fixed clock of the tests goes on by a tenth of a second each tenth of a second."""
    while not stop.wait(0.1):
        clock.advance(seconds=0.1)


@pytest.fixture
def worker(shop):
    """An RQ worker in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=answer_in_thread, args=(shop.hub, stop))
    thread.start()
    yield thread
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def booked_in_time(shop, name):
    began = time.monotonic()
    wait_until(lambda: name in shop.booked(), within_s=IN_TIME_S + SLOW_MACHINE_S)
    return time.monotonic() - began


def test_with_redis_stopped_the_scheduler_books(shop, worker, server):
    shop.deliver(event=receipt("before"))
    booked_in_time(shop, "before")
    server.kill()

    assert shop.deliver(event=receipt("during")).status_code == 200

    booked_in_time(shop, "during")


@pytest.mark.parametrize("upkeep", ["over", "endless"])
def test_while_redis_is_away_nothing_waits_for_the_next_sweep(
    postgres_engine, server, monkeypatch, upkeep
):
    """The scheduler notices when it looks round, during upkeep too, and sweeps each second."""
    rounds, sweeps, stop = [], [], threading.Event()

    def quick_sweep(hub, stop):
        sweeps.append(1)
        hub.clock.advance(seconds=1)

    def batch(connection):
        rounds.append(1)
        return upkeep == "endless"

    monkeypatch.setattr(scheduler, "UPKEEP_EVERY", timedelta(0))
    monkeypatch.setattr(scheduler, "upkeep_batches", lambda hub, now: [partial(batch)])
    monkeypatch.setattr(scheduler, "sweep", quick_sweep)
    monkeypatch.setattr(scheduler.Leader, "leads", lambda self: True)
    hub = make_hub(postgres_engine, redis_url=server.url, sweep_s=3600)
    leading = threading.Thread(target=run_scheduler, args=(hub, stop), daemon=True)
    leading.start()
    wait_until(lambda: len(rounds) > 5)
    assert len(sweeps) == 1

    server.kill()
    wait_until(lambda: len(sweeps) > 5)
    stop.set()
    leading.join(20)


def test_redis_that_comes_back_is_heard_again(shop, worker, server):
    shop.deliver(event=receipt("before"))
    booked_in_time(shop, "before")
    server.kill()
    shop.deliver(event=receipt("during"))
    booked_in_time(shop, "during")

    server.start()
    shop.deliver(event=receipt("after"))

    booked_in_time(shop, "after")


def test_what_was_queued_when_redis_was_emptied_is_booked_by_the_sweep(shop, server, request):
    shop.deliver(event=receipt("lost"))
    server.flush()

    request.getfixturevalue("worker")

    booked_in_time(shop, "lost")


def test_a_mark_whose_job_is_gone_keeps_nobody_from_ringing(redis_url):
    bell = RqBell(redis_url)
    bell.ring(7)
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"rq:queue:{QUEUE}")

        assert bell.ring(7)

        assert client.llen(f"rq:queue:{QUEUE}") == 1


def test_a_worker_of_its_own_process_outlives_redis(shop, server):
    """In the main thread, as the command runs it; it ends when it is told to."""

    def play():
        shop.deliver(event=receipt("before"))
        booked_in_time(shop, "before")
        server.kill()
        wait_until(lambda: not server.answers())
        server.start()
        shop.deliver(event=receipt("after"))
        took.append(booked_in_time(shop, "after"))
        os.kill(os.getpid(), signal.SIGTERM)

    took = []
    player = threading.Thread(target=play)
    player.start()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        run_worker(shop.hub)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    player.join(60)
    assert took
