"""The scheduler: one leads, another takes over, and signs of life are left."""

import threading
from datetime import timedelta
from functools import partial
from unittest.mock import Mock

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from hub.jobs import run_scheduler, scheduler
from hub.jobs.scheduler import Chore, Leader, look_after, sweep
from hub.wiring import Hub
from loyalty_core.store import heartbeats
from loyalty_core.store.database import read
from loyalty_core.store.tables import accounts
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt
from tests.support.waiting import wait_until


def test_one_leads_and_another_takes_over(postgres_engine):
    first, second = Leader(postgres_engine), Leader(postgres_engine)

    assert first.leads()
    assert not second.leads()
    assert first.leads()
    first.step_down()
    wait_until(second.leads)  # PostgreSQL hears of an end a moment later
    assert not first.leads()
    second.step_down()


def test_a_leader_that_lost_its_connection_leads_no_more(postgres_engine):
    first, second = Leader(postgres_engine), Leader(postgres_engine)
    assert first.leads()
    with postgres_engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )

    wait_until(second.leads)
    second.step_down()
    first.step_down()


def test_a_sweep_finds_what_nobody_rang_for(engine):
    shop = Shopfloor(engine)
    shop.deliver(event=receipt("1"))
    while shop.hub.bell.wait(0) is not None:
        pass

    sweep(shop.hub)

    assert shop.hub.bell.wait(0) == shop.programme.id


def test_a_sweep_rings_for_nobody_where_nothing_is_due(engine):
    shop = Shopfloor(engine)
    shop.drain()
    while shop.hub.bell.wait(0) is not None:
        pass

    sweep(shop.hub)

    assert shop.hub.bell.wait(0) is None


def test_a_clock_that_is_put_right_does_not_stop_the_sweep(engine):
    """It was hours ahead for a moment; what comes after is not left lying for those hours."""
    shop = Shopfloor(engine)
    chore = Chore("sweep", lambda: timedelta(seconds=20), sweep)
    shop.clock.advance(hours=3)
    chore.do_if_due(shop.hub)
    shop.clock.advance(hours=-3)
    shop.deliver(event=receipt("1"))
    while shop.hub.bell.wait(0) is not None:
        pass

    chore.do_if_due(shop.hub)

    assert shop.hub.bell.wait(0) == shop.programme.id


def test_upkeep_that_fails_holds_up_no_other(engine, monkeypatch):
    hub, done = make_hub(engine), []

    def fails(number, _connection):
        raise ZeroDivisionError(number)

    def works(_connection):
        done.append(len(done))
        return 0

    batches = (partial(fails, 1), partial(works), partial(fails, 2), partial(works))
    monkeypatch.setattr(scheduler, "upkeep_batches", lambda hub, now: batches)

    with pytest.raises(ZeroDivisionError, match="1"):
        look_after(hub)

    assert done == [0, 1]
    with read(engine) as connection:
        assert "upkeep" not in heartbeats.last(connection)


def test_upkeep_that_is_to_stop_tells_what_failed_before(engine, monkeypatch):
    hub, done = make_hub(engine), []

    def fails(_connection):
        raise ZeroDivisionError

    def works(_connection):
        done.append(len(done))
        return 1

    batches = (partial(fails), partial(works), partial(works))
    monkeypatch.setattr(scheduler, "upkeep_batches", lambda hub, now: batches)

    with pytest.raises(ZeroDivisionError):
        look_after(hub, lambda: bool(done))

    assert done == [0]


def test_upkeep_does_not_go_on_without_a_database(engine, monkeypatch):
    hub, done = make_hub(engine), []

    def is_cut_off(_connection):
        raise OperationalError("", {}, Exception(), connection_invalidated=True)

    batches = (partial(is_cut_off), partial(done.append))
    monkeypatch.setattr(scheduler, "upkeep_batches", lambda hub, now: batches)

    with pytest.raises(OperationalError):
        look_after(hub)

    assert done == []


def test_it_leaves_signs_of_life_and_stops_when_told(engine):
    hub: Hub = make_hub(engine)
    stop = threading.Event()
    thread = threading.Thread(target=run_scheduler, args=(hub, stop))
    thread.start()

    def heard():
        with read(engine) as connection:
            return heartbeats.last(connection)

    wait_until(lambda: heard().get("scheduler") == hub.clock.now())
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_what_is_due_does_not_wait_for_a_long_upkeep(engine, monkeypatch):
    hub: Hub = make_hub(engine)
    began, stop = threading.Event(), threading.Event()

    def endless(_):
        began.set()
        return 1

    monkeypatch.setattr(scheduler, "upkeep_batches", lambda hub, now: [partial(endless)])
    thread = threading.Thread(target=run_scheduler, args=(hub, stop))
    thread.start()

    def heard():
        with read(engine) as connection:
            return heartbeats.last(connection)

    assert began.wait(20)
    hub.clock.advance(minutes=1)
    wait_until(lambda: heard().get("scheduler") == hub.clock.now())
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_a_sweep_that_outlasts_its_interval_is_followed_by_the_next_at_once(engine, monkeypatch):
    """Without Redis the sweep drains by itself; what is left when its turn is over cannot wait."""
    hub: Hub = make_hub(engine)
    stop, sweeps = threading.Event(), []

    def long_sweep(hub, stop):
        sweeps.append(1)
        hub.clock.advance(seconds=hub.config.sweep_s + 1)
        if len(sweeps) == 3:
            stop.set()

    monkeypatch.setattr(scheduler, "_LOOK_UP_S", 3600)
    monkeypatch.setattr(scheduler, "sweep", long_sweep)
    thread = threading.Thread(target=run_scheduler, args=(hub, stop), daemon=True)
    thread.start()
    thread.join(20)

    assert not thread.is_alive()
    assert len(sweeps) == 3


@pytest.mark.parametrize("leads", [False, DBAPIError("", None, Exception())])
def test_one_that_does_not_lead_looks_only_now_and_then(engine, monkeypatch, leads):
    asked = Mock(side_effect=[leads])
    monkeypatch.setattr(Leader, "leads", asked)
    stop = threading.Event()
    stop.wait = lambda timeout: stop.set()

    run_scheduler(make_hub(engine), stop)

    assert asked.call_count == 1


def test_points_expire_by_the_calendar(engine):
    """5 % of 100.00 are 5 points, which live 365 days from the purchase."""
    shop = Shopfloor(engine)
    shop.deliver(event=receipt("1", "100.00"))
    shop.drain()
    assert points(shop) == 500

    shop.clock.advance(days=364)
    look_after(shop.hub)
    assert points(shop) == 500
    shop.clock.advance(days=2)
    look_after(shop.hub)
    assert points(shop) == 0


def points(shop):
    with read(shop.hub.engine) as connection:
        return connection.scalar(select(func.sum(accounts.c.available)))
