"""The door and its database: one statement a delivery, fresh settings, an answer in time."""

import json
import os
import secrets
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from hub.app import create_app
from hub.ingest import inbox as door
from hub.ingest.inbox import PATIENCE_S
from hub.installations import update_settings
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.migrate import upgrade
from loyalty_core.store.tables import deliveries, installations
from tests.support.gatherings import note_gatherings
from tests.support.hub import make_hub
from tests.support.ingest import Shopfloor
from tests.support.servers import start_postgres
from tests.support.shopfloor import receipt, signed
from tests.support.waiting import wait_until
from tests.support.wire import ONE_PREPARED, told_to

ANSWERED_WITHIN_S = 3 * PATIENCE_S + 2
"""A connection, a turn and a statement, each waited for as long as the door has patience."""


def message(number):
    return b'{"no": %d, "hint": [["order", "17"]]}' % number


def deliver(shop, number, word="tablo-secret", web=None):
    body = number if isinstance(number, bytes) else message(number)
    return (web or shop.web).post(
        shop.installation.hooks["events"], data=body, headers=signed(body, word)
    )


def kept(shop):
    with read(shop.hub.engine) as connection:
        return connection.scalar(select(func.count()).select_from(deliveries))


@contextmanager
def opened():
    """The driver's connections that any engine of this process opens meanwhile."""
    drivers = []

    def note(driver, _record):
        drivers.append(driver)

    event.listen(Engine, "connect", note)
    try:
        yield drivers
    finally:
        event.remove(Engine, "connect", note)


def test_a_delivery_is_one_statement(shop, engine):
    with opened() as drivers:
        for number in range(1, 5):  # the settings are read, the statement prepared
            deliver(shop, number)
    (driver,) = drivers
    lent = []
    event.listen(engine, "checkout", lambda *told: lent.append(told))

    with opened() as more, told_to(driver) as sent:
        answers = [deliver(shop, number).status_code for number in range(5, 15)]

    assert answers == [200] * 10
    assert (more, lent) == ([], []), "no other connection was used"
    if engine.dialect.name == "postgresql":
        assert sent == ONE_PREPARED * 10
    else:
        asked = [one for one in sent if not one.startswith("PRAGMA busy_timeout=")]
        assert len(asked) == 10
        assert all(one.startswith("INSERT INTO deliveries") for one in asked)
    assert kept(shop) == 14


def test_that_the_shop_called_is_written_once_a_minute(shop):
    deliver(shop, 1)
    first = shop.shown().last_delivery_at
    shop.clock.advance(seconds=59)
    deliver(shop, 2)
    assert shop.shown().last_delivery_at == first

    shop.clock.advance(seconds=2)
    deliver(shop, 3)

    assert shop.shown().last_delivery_at == shop.clock.now()


def test_a_changed_secret_counts_from_the_next_call_on(shop):
    """The change is made by another process, whose memory is not this one's."""
    deliver(shop, 1)
    elsewhere = make_hub(shop.hub.engine, clock=shop.clock, registry=shop.hub.registry)
    update_settings(elsewhere, shop.installation.id, {"webhook_secret": "another"})

    assert deliver(shop, 2).status_code == 401
    assert deliver(shop, 3, "another").status_code == 200
    assert deliver(shop, 4).status_code == 401
    assert kept(shop) == 2


def test_the_new_secret_is_taken_at_once_by_a_door_that_remembers_the_old_one(shop):
    deliver(shop, 1)
    update_settings(shop.hub, shop.installation.id, {"webhook_secret": "another"})

    assert deliver(shop, 2, "another").status_code == 200


def test_a_connection_that_was_deleted_has_no_door_any_more(shop):
    deliver(shop, 1)
    with write(shop.hub.engine) as connection:
        connection.execute(installations.delete())

    assert deliver(shop, 2).status_code == 404
    assert kept(shop) == 1


def test_a_door_that_was_not_there_is_found_once_it_is(shop):
    later = shop.connect("shop2")
    with write(shop.hub.engine) as connection:
        row = connection.execute(select(installations).where(installations.c.name == "shop2")).one()
        connection.execute(installations.delete().where(installations.c.id == row.id))
    path = later.hooks["events"]
    assert shop.post(message(1), signed(message(1)), to=path).status_code == 404

    with write(shop.hub.engine) as connection:
        connection.execute(installations.insert().values(**row._mapping))

    assert shop.post(message(1), signed(message(1)), to=path).status_code == 200


def test_a_lock_of_a_second_is_waited_out(postgres_engine):
    shop = Shopfloor(postgres_engine)
    deliver(shop, 1)
    with postgres_engine.connect() as holder:
        holder.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        free = threading.Timer(1.0, holder.rollback)
        free.start()
        assert deliver(shop, 2).status_code == 200
        free.join()

    assert kept(shop) == 2


def test_a_lock_that_stays_is_answered_so_that_the_sender_repeats(postgres_engine):
    shop = Shopfloor(postgres_engine)
    deliver(shop, 1)
    with postgres_engine.connect() as holder:
        holder.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        assert_sent_back(shop, 2)

    assert deliver(shop, 2).status_code == 200
    assert kept(shop) == 2


def assert_sent_back(shop, number):
    began = time.monotonic()
    answer = deliver(shop, number)
    assert time.monotonic() - began < ANSWERED_WITHIN_S
    assert (answer.status_code, answer.json["code"]) == (503, "try_again")
    assert int(answer.headers["Retry-After"]) > 0


def test_on_sqlite_a_lock_of_a_second_is_waited_out_and_a_longer_one_answered(sqlite_engine):
    shop = Shopfloor(sqlite_engine)
    deliver(shop, 1)
    holder = sqlite3.connect(
        str(sqlite_engine.url.database), isolation_level=None, check_same_thread=False
    )
    holder.execute("BEGIN IMMEDIATE")
    free = threading.Timer(1.0, holder.rollback)
    free.start()
    assert deliver(shop, 2).status_code == 200
    free.join()

    holder.execute("BEGIN IMMEDIATE")
    assert_sent_back(shop, 3)
    holder.close()
    assert deliver(shop, 3).status_code == 200
    assert kept(shop) == 3


def test_on_sqlite_a_long_transaction_of_another_thread_is_answered_as_well(sqlite_engine):
    shop = Shopfloor(sqlite_engine)
    deliver(shop, 1)
    held, done = threading.Event(), threading.Event()

    def hold():
        with write(sqlite_engine):
            held.set()
            done.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    assert_sent_back(shop, 2)
    done.set()
    holder.join()

    assert deliver(shop, 2).status_code == 200


@pytest.fixture
def own_postgres():
    """A server of this test alone: it is stopped in its midst."""
    server = start_postgres()
    engine = make_engine(server.url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        server.stop()


def processes_of(engine):
    folder = make_url(str(engine.url)).query["host"]
    with open(f"{folder}/data/postmaster.pid", encoding="ascii") as file:
        postmaster = int(file.readline())
    with read(engine) as connection:
        backends = connection.exec_driver_sql("SELECT pid FROM pg_stat_activity").scalars().all()
    return [postmaster, *backends]


def test_a_server_that_stands_still_is_not_waited_for_for_ever(own_postgres):
    shop = Shopfloor(own_postgres)
    deliver(shop, 1)
    processes = processes_of(own_postgres)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        assert_sent_back(shop, 2)
        assert_sent_back(shop, 3)
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)

    wait_until(lambda: deliver(shop, 2).status_code == 200, within_s=30)
    assert kept(shop) >= 2


def end_connections(engine):
    with read(engine) as connection:
        ended = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ended.all()


def test_connections_that_the_server_has_closed_cost_no_delivery(postgres_engine):
    shop = Shopfloor(postgres_engine)
    for number in (1, 2, 3):  # the statement is prepared, and gone with its connection
        deliver(shop, number)
    end_connections(postgres_engine)

    assert [deliver(shop, number).status_code for number in (4, 5, 4)] == [200] * 3
    assert kept(shop) == 5


def test_connections_of_a_whole_crowd_that_were_closed_cost_no_delivery(postgres_engine):
    shop = Shopfloor(postgres_engine)
    deliver(shop, 0)
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(partial(deliver_from_new_client, shop), range(1, 25)))
        end_connections(postgres_engine)
        answers = list(crowd.map(partial(deliver_from_new_client, shop), range(25, 49)))

    assert [one.status_code for one in answers] == [200] * 24
    assert kept(shop) == 49


@pytest.fixture
def gathered(monkeypatch):
    """The gatherings of doors that are made from now on."""
    made = note_gatherings(monkeypatch, door)
    # On a busy machine a crowd takes its time to come together.
    monkeypatch.setattr(door, "PATIENCE_S", 60.0)
    monkeypatch.setattr(door, "DEADLINE_S", 61.0)
    return made


def waiting(gathered):
    """Vendors' own protocols have a door of their own, which is not called here."""
    return sum(len(one._waiting) for one in gathered)


@contextmanager
def held_up(engine):
    """Deliveries wait for a lock meanwhile."""
    with engine.connect() as holder:
        holder.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


def test_a_crowd_that_was_held_up_is_kept_in_one_statement_and_each_once(postgres_engine, gathered):
    """Twelve deliveries, each sent twice."""
    shop = Shopfloor(postgres_engine)
    deliver(shop, 0)
    with ThreadPoolExecutor(24) as crowd:
        with held_up(postgres_engine):
            answers = crowd.map(partial(deliver_from_new_client, shop), [*range(1, 13)] * 2)
            wait_until(lambda: waiting(gathered) == 23, within_s=50)

        assert [one.status_code for one in answers] == [200] * 24
    assert kept(shop) == 13


def test_one_that_cannot_be_kept_is_refused_and_its_company_kept(
    postgres_engine, gathered, monkeypatch
):
    """A name of 40 kB is more than an index of PostgreSQL takes; the door lets it pass here."""
    monkeypatch.setattr(door, "LONGEST_KEY", 100_000)
    shop = Shopfloor(postgres_engine)
    deliver(shop, 0)
    body = json.dumps({"no": secrets.token_hex(20_000), "hint": [["order", "17"]]}).encode()
    with ThreadPoolExecutor(12) as crowd:
        with held_up(postgres_engine):
            good = crowd.map(partial(deliver_from_new_client, shop), range(1, 12))
            bad = crowd.submit(deliver_from_new_client, shop, body)
            wait_until(lambda: waiting(gathered) == 11, within_s=50)

        assert [one.status_code for one in good] == [200] * 11
        assert bad.result().status_code == 503
    assert kept(shop) == 12


def deliver_from_new_client(shop, number):
    return deliver(shop, number, web=shop.web.application.test_client())


def test_a_server_that_ends_a_connection_in_the_midst_of_a_delivery_costs_none(postgres_engine):
    shop = Shopfloor(postgres_engine)
    deliver(shop, 1)
    with postgres_engine.connect() as holder, ThreadPoolExecutor(1) as sender:
        holder.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        answer = sender.submit(deliver, shop, 2)
        wait_until(lambda: end_waiting(postgres_engine), within_s=PATIENCE_S)
        holder.rollback()

        assert answer.result().status_code == 200
    assert kept(shop) == 2


def end_waiting(engine):
    """Whether somebody waited for a lock and was ended."""
    with read(engine) as connection:
        return connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).all()


def test_a_server_that_begins_anew_refuses_for_a_while_and_forgets_nothing(own_postgres):
    shop = Shopfloor(own_postgres)
    for number in (1, 2, 3):
        deliver(shop, number)
    with own_postgres.connect() as watcher:
        watcher.exec_driver_sql("CHECKPOINT")  # servers of tests do not wait for the disk
        query = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'idle'"
        backend = watcher.exec_driver_sql(query).scalars().first()
        os.kill(backend, signal.SIGKILL)  # all of the server begins anew
        wait_until(lambda: is_ended(watcher), within_s=60)

    statuses = set()

    def is_taken(number):
        status = deliver(shop, number).status_code
        statuses.add(status)
        return status == 200

    for number in (4, 5, 1):
        wait_until(partial(is_taken, number), within_s=60)
    assert statuses <= {200, 503}
    assert kept(shop) == 5


def is_ended(connection):
    try:
        connection.exec_driver_sql("SELECT 1")
    except DBAPIError:
        return True
    return False


def test_two_processes_of_the_web_keep_a_delivery_once(shop):
    other = create_app(make_hub(shop.hub.engine, clock=shop.clock, registry=shop.hub.registry))
    web = other.test_client()

    answers = [deliver(shop, 1), deliver(shop, 1, web=web), deliver(shop, 2, web=web)]
    answers += [deliver(shop, 2), deliver(shop, 2, web=web)]

    assert [one.status_code for one in answers] == [200] * 5
    assert kept(shop) == 2


def test_what_the_door_keeps_by_memory_is_booked(shop):
    for name in ("a", "b", "c"):
        shop.deliver(event=receipt(name))
    shop.drain()

    assert set(shop.booked()) == {"a", "b", "c"}
