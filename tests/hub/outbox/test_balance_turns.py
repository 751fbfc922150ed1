"""A turn of a connection that tells balances: whom it makes wait, what it ends, when it stops."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import func, select

from hub.ingest import process
from hub.installations import get_installation, show_balances, update_settings
from hub.jobs import drain
from hub.outbox import balances
from loyalty_core.service.merge_members import merge_members
from loyalty_core.store import balance_pushes, inbox, installations
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import balance_pushes as rows_of_pushes
from loyalty_kit.testing.remote import Reply, json_reply
from tests.hub.outbox.test_balances import Street


@pytest.fixture
def street(sqlite_engine):
    return Street(sqlite_engine)


def number_of(till):
    return from_wire("i", till.home.id)


def trouble_of(street, till):
    shown = get_installation(street.hub, till.home.id)
    return shown.state, shown.trouble_code


def test_one_bad_customer_makes_no_other_wait(street):
    """Put off for six hours, alone; somebody else buys in the meantime."""
    with street.shop("a") as till:
        till.of_buyer["bad"] = Reply(503)
        street.sell(till, "bad")
        for _ in range(6):
            street.drain_after(hours=1)
        street.drain_after(hours=1)

        street.sell(till, "good")
        street.drain_after(minutes=6)

        assert till.shown() == [("good", "5.00")]


def test_changed_settings_tell_everybody_and_unchanged_ones_nobody(street):
    """A switch of the connector's own may be among them."""
    with street.shop("a") as till:
        for buyer in ("b-1", "b-2"):
            street.sell(till, buyer)
        street.drain()
        both = [("b-1", "5.00"), ("b-2", "5.00")]
        assert sorted(till.shown()) == both

        update_settings(street.hub, till.home.id, {"backfill_days": "7", "api_token": ""})
        street.drain()
        assert len(till.told) == 2

        update_settings(street.hub, till.home.id, {"backfill_days": "9"})
        street.drain()
        assert sorted(till.shown()[2:]) == both

        show_balances(street.hub, till.home.id, False)
        update_settings(street.hub, till.home.id, {"backfill_days": "8"})
        street.drain()
        assert len(till.told) == 4
        assert street.rows() == []


def test_everybody_is_asked_of_and_forgotten_in_slices(street, monkeypatch):
    """Whoever saves a connection of a million customers waits for some of them alone."""
    monkeypatch.setattr(balance_pushes, "SLICE", 2)
    buyers = [f"b-{number}" for number in range(1, 6)]
    with street.shop("a") as till:
        for buyer in buyers:
            street.sell(till, buyer)
        street.drain()
        assert len(street.rows()) == 5

        show_balances(street.hub, till.home.id, False)
        assert len(street.rows()) == 3
        street.drain()
        assert street.rows() == []
        assert len(till.told) == 5

        show_balances(street.hub, till.home.id, True)
        assert len(street.rows()) == 2
        street.drain()
        assert sorted(till.shown()[5:]) == [(buyer, "5.00") for buyer in buyers]


def test_switched_on_again_before_all_are_forgotten_everybody_is_told(street, monkeypatch):
    monkeypatch.setattr(balance_pushes, "SLICE", 2)
    buyers = [f"b-{number}" for number in range(1, 6)]
    with street.shop("a") as till:
        for buyer in buyers:
            street.sell(till, buyer)
        street.drain()

        show_balances(street.hub, till.home.id, False)
        show_balances(street.hub, till.home.id, True)
        street.drain()

        assert sorted(till.shown()[5:]) == [(buyer, "5.00") for buyer in buyers]


def test_a_dead_account_stops_no_other_account_of_its_member(street):
    with street.shop("a") as till:
        for buyer in ("b-1", "b-2"):
            street.sell(till, buyer)
        street.drain()
        first, second = street.member(till, "b-1"), street.member(till, "b-2")
        till.of_buyer["b-1"] = json_reply(status=404)
        with write(street.hub.engine) as connection:
            merge_members(
                connection,
                street.hub.plans,
                street.programme.id,
                into=first,
                from_=second,
                author="test",
                now=street.clock.now(),
            )
        street.drain()

    assert till.shown()[2:] == [("b-2", "10.00")]
    assert [code for _, code in street.rows()] == ["gone"]


def test_what_is_wrong_is_over_only_when_a_balance_was_taken(street):
    with street.shop("a") as till:
        till.answer = Reply(401)
        street.sell(till, "b-1")
        street.drain()
        assert trouble_of(street, till) == ("attention", "balances_refused")

        till.answer = json_reply(status=404)
        street.drain_after(minutes=11)
        assert [code for _, code in street.rows()] == ["gone"]
        assert trouble_of(street, till) == ("attention", "balances_refused")

        till.answer = json_reply()
        street.sell(till, "b-1")
        street.drain_after(minutes=11)
        assert trouble_of(street, till) == ("active", None)


def test_another_trouble_that_begins_in_a_turn_stays(street):
    with street.shop("a") as till:
        till.answer = Reply(401)
        street.sell(till, "b-1")
        street.drain()

        def another():
            with write(street.hub.engine) as connection:
                installations.mark_trouble(connection, number_of(till), "signature_invalid", "...")

        till.answer, till.before = json_reply(), another
        street.clock.advance(minutes=11)
        balances.push_batch(street.hub, street.programme.id)

        assert till.shown() == [("b-1", "5.00")]
        assert trouble_of(street, till) == ("attention", "signature_invalid")


def test_a_row_that_was_asked_for_again_is_not_dropped(street):
    with street.shop("a") as till:
        street.sell(till, "b-1")
        street.drain()
        home, member = number_of(till), from_wire("m", street.member(till, "b-1"))
        now = street.clock.now()

        def ask():
            with write(street.hub.engine) as connection:
                balance_pushes.ask(connection, [home], [member], now=now)

        ask()
        with read(street.hub.engine) as connection:
            [seen] = balance_pushes.due(connection, home, now=now, limit=9)
        ask()
        with write(street.hub.engine) as connection:
            balance_pushes.drop(connection, seen)
            [again] = balance_pushes.due(connection, home, now=now, limit=9)
            assert again.asked == seen.asked + 1
            balance_pushes.drop(connection, again)
            count = select(func.count()).select_from(rows_of_pushes)
            assert connection.scalar(count) == 0


def test_switched_off_while_a_change_spreads_nothing_is_told(postgres_engine):
    """Whoever spreads it saw the switch on, and comes to the rows when it is off."""
    street = Street(postgres_engine)
    with street.shop("a") as till:
        street.sell(till, "b-1")
        street.drain()
        home, member = number_of(till), from_wire("m", street.member(till, "b-1"))

        def spread():
            with write(street.hub.engine) as connection:
                balance_pushes.ask(connection, [home], [member], now=street.clock.now())

        late = threading.Thread(target=spread)
        with write(street.hub.engine) as connection:
            balance_pushes.stop(connection, home, now=street.clock.now())
            late.start()
            time.sleep(0.2)
        late.join()
        street.drain()

    assert street.rows() == []
    assert till.shown() == [("b-1", "5.00")]


def test_a_receipt_waits_for_one_call_at_most(street):
    """It comes in while the first of many balances is told."""
    with street.shop("a") as till:
        for buyer in range(5):
            street.sell(till, f"b-{buyer}")
        process.work_batch(street.hub, street.programme.id)
        waiting = []

        def look():
            with read(street.hub.engine) as connection:
                due = inbox.is_due(connection, street.programme.id, now=street.clock.now())
            if not waiting:
                street.sell(till, "late")
            waiting.append(due)

        till.before = look
        street.drain()

    assert waiting == [False] * len(waiting)
    assert dict(till.shown())["late"] == "5.00"


def test_one_thread_of_a_worker_tells_and_the_others_see_to_receipts(postgres_engine, monkeypatch):
    monkeypatch.setattr(drain, "FULL", 1)
    street = Street(postgres_engine)
    lock, now, most = threading.Lock(), [], []

    def slow():
        with lock:
            now.append(1)
            most.append(len(now))
        time.sleep(0.05)
        with lock:
            now.pop()

    with street.shop("a") as one, street.shop("b") as other, street.shop("c") as third:
        tills = (one, other, third)
        for till in tills:
            till.before = slow
            for buyer in range(4):
                street.sell(till, f"b-{buyer}")
        street.drain()

        assert [len(dict(till.shown())) for till in tills] == [4, 4, 4]
    assert max(most) == 1
