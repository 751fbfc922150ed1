"""A translator that loops, dies or eats memory holds back nothing but its own delivery."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hub.app import create_app
from hub.deliveries import list_deliveries
from hub.ingest import cell, sealed
from hub.ingest.sealed import Cells
from hub.installations import create_installation, get_installation
from hub.jobs import run_worker, start_embedded
from hub.jobs.drain import drain
from hub.registry import registry_of
from tests.support import poison
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor, make_programme
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until

AT_ONCE = {
    "raises": "ZeroDivisionError",
    "recurses": "RecursionError",
    "quits": "SystemExit",
}
KILLED = {
    "loops": "seems to loop",
    "loops in C": "seems to loop",
    "eats memory": "of memory",
    "exits": "exit code 3",
    "crashes": f"exit code {-signal.SIGSEGV}",
    "overflows the stack": f"exit code {-signal.SIGSEGV}",
}


class Place(Shopfloor):
    """A shop whose connector is poison."""

    def __init__(self, engine, clock=None):
        self.clock = clock or FixedClock()
        self.hub = make_hub(engine, clock=self.clock, registry=registry_of([poison.CONNECTOR]))
        self.programme = make_programme(self.hub)
        self.installation = self.connect("shop1")
        self.web = create_app(self.hub).test_client()
        self._deliveries = 0

    def connect(self, name):
        return create_installation(
            self.hub,
            programme_id=self.programme.id,
            connector="poison",
            name=name,
            settings=poison.SETTINGS,
        )

    def deliver(self, *, to=None, **message):
        self._deliveries += 1
        body = json.dumps({"no": self._deliveries, **message}).encode()
        return self.post(body, poison.signed(body), to)

    def by_fate(self):
        found = {}
        for one in self.deliveries():
            found.setdefault(one.state, []).append(one)
        return found


@pytest.fixture
def place(sqlite_engine):
    return Place(sqlite_engine)


def good(place, name):
    place.deliver(event=receipt(name))


def bad(place, deed):
    place.deliver(event=receipt("never"), deed=deed)


@pytest.mark.parametrize("deed", AT_ONCE)
def test_a_translator_that_raises_ends_its_own_delivery_at_once(place, deed):
    good(place, "before")
    bad(place, deed)
    good(place, "after")
    place.drain()

    assert set(place.booked()) == {"before", "after"}
    (dead,) = place.by_fate()["dead"]
    assert (dead.error_code, dead.attempts) == ("defect", 1)
    assert AT_ONCE[deed] in dead.error_text
    assert "916" not in dead.error_text


@pytest.mark.parametrize("deed", KILLED)
def test_a_translator_that_must_be_ended_gets_a_second_attempt_and_holds_nothing_back(place, deed):
    good(place, "before")
    bad(place, deed)
    good(place, "after")

    place.drain()
    assert set(place.booked()) == {"before", "after"}
    assert len(place.by_fate()["due"]) == 1

    place.drain_after(seconds=10)
    (dead,) = place.by_fate()["dead"]
    assert (dead.error_code, dead.attempts) == ("defect", 2)
    assert KILLED[deed] in dead.error_text
    shown = get_installation(place.hub, place.installation.id)
    assert (shown.state, shown.trouble_code) == ("attention", "defect")


def test_one_that_waits_for_ever_is_ended_by_the_clock(place, monkeypatch):
    bad(place, "sleeps")
    good(place, "after")

    began = time.monotonic()
    place.drain()

    assert time.monotonic() - began < cell.LATE_S + 10
    assert set(place.booked()) == {"after"}
    (late,) = place.by_fate()["due"]
    assert "was not done with it" in late.error_text


def test_many_that_loop_do_not_hold_back_another_shop(place):
    """Two are waited for in a batch; the rest of that shop comes later."""
    other = place.connect("shop2")
    for _ in range(20):
        bad(place, "loops")
    place.deliver(to=other.hooks["events"], event=receipt("theirs"))

    place.drain()

    assert set(place.booked()) == {"theirs"}
    waiting = place.by_fate()["due"]
    assert sorted(one.attempts for one in waiting) == [0] * 18 + [1] * 2


def test_the_meaning_of_a_fetched_document_is_sealed_as_well(place):
    place.deliver(hint="exits")
    place.deliver(hint="nothing")
    place.drain()

    states = [(one.state, one.error_code) for one in place.deliveries()]
    assert states == [("due", "defect"), ("done", None)]


def test_what_a_translator_may_not_see_does_not_reach_it(place, monkeypatch):
    monkeypatch.setenv("HUB_SECRET_KEYS", "of the hub alone")
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://user:password@host/name")
    place.hub = make_hub(
        place.hub.engine, clock=place.clock, registry=place.hub.registry, cells=Cells()
    )
    good(place, "1")
    place.drain()

    assert set(place.booked()) == {"1"}
    place.hub.cells.close()


def test_a_child_that_was_killed_while_idle_costs_at_most_an_attempt(place):
    good(place, "1")
    place.drain()
    (idle,) = place.hub.cells._idle[-1:]
    os.kill(idle._process.pid, signal.SIGKILL)
    idle._process.wait()

    good(place, "2")
    good(place, "3")
    place.drain()
    place.drain_after(seconds=10)

    assert set(place.booked()) == {"1", "2", "3"}


def test_children_begun_ahead_have_their_modules_and_are_the_ones_that_work():
    cells = Cells()
    cells.begin(2, ["connectors.uds.routes", "tests.support.no_such_module", poison.__name__])
    begun = {cell._process.pid for cell in cells._idle}
    both = threading.Barrier(2)
    told = []

    def ask():
        with cells._cell() as cell:
            both.wait(20)
            told.append(cell.answers([(poison.tell_about, ("connectors.uds.routes",))])[0].items)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(begun) == 2
    assert {int(pid.id) for pid, _ in told} == begun
    assert {loaded.id for _, loaded in told} == {"loaded"}
    cells.close()


def test_a_connector_that_loops_while_it_is_loaded_ends_its_child():
    """What is begun ahead is watched as any call is."""
    cells = Cells()
    cells.begin(1, ["tests.support.loops_when_loaded"])
    (cell,) = cells._idle

    wait_until(lambda: cell._process.poll() == -signal.SIGPROF)

    cells.close()


def test_a_worker_begins_a_child_for_each_thread(postgres_engine, redis_url):
    """Before there is work: a batch that waited for a child would hold up what it has claimed."""
    cells = Cells()
    registry = registry_of([poison.CONNECTOR])
    threads = {"redis_url": redis_url, "worker_threads": 2}
    hub = make_hub(postgres_engine, registry=registry, cells=cells, **threads)
    run_worker(hub, burst=True)
    assert cells._idle == [], "no connector is in use yet"
    create_installation(
        hub,
        programme_id=make_programme(hub).id,
        connector="poison",
        name="shop",
        settings=poison.SETTINGS,
    )

    run_worker(hub, burst=True)

    assert len(cells._idle) == 2
    cells.close()


def test_a_translator_that_has_no_name_is_told_so():
    (outcome,) = Cells().translate([(lambda: (), ())])

    assert isinstance(outcome, sealed.Defect)
    assert "name" in str(outcome)


def test_children_end_with_whoever_kept_them():
    program = (
        "import os, signal\n"
        "from hub.ingest.sealed import Cells\n"
        "from tests.support.poison import DEEDS\n"
        "cells = Cells()\n"
        "print(cells.translate([(len, ((),))]), cells._idle[0]._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    child = int(done.stdout.split()[-1])

    wait_until(lambda: not _runs(child))


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_web_answers_while_the_thread_inside_meets_a_loop_in_c(sqlite_engine):
    place = Place(sqlite_engine)
    embedded = start_embedded(place.hub)
    try:
        bad(place, "loops in C")
        good(place, "1")
        slowest = 0.0
        deadline = time.monotonic() + 90
        while set(place.booked()) != {"1"}:
            began = time.monotonic()
            assert place.web.get("/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
    finally:
        embedded.stop()
    assert slowest < 20, "a loop in C would hold the GIL for hours"


def test_deliveries_that_the_database_refuses_end_and_the_others_are_booked(engine):
    """Sums beyond 64 bits pass no column; the text of a key beyond a page passes no index."""
    place = Place(engine)
    good(place, "before")
    place.deliver(event=receipt("huge", paid="99999999999999999999.00"))
    place.deliver(event=receipt("long" * 5000))
    good(place, "after")

    for _ in range(10):
        drain(place.hub, place.programme.id)
        place.clock.advance(days=1)

    assert {"before", "after"} <= set(place.booked())
    page = list_deliveries(place.hub, programme_id=place.programme.id, limit=50)
    assert {one.state for one in page.items} <= {"done", "dead"}
    assert len(page.items) == 4
