"""Balances go out: as they are when they are told, once for many changes, and no shop waits for
another."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.installations import create_installation, get_installation, set_state, show_balances
from hub.jobs.drain import drain
from hub.jobs.scheduler import look_after
from hub.outbox import balances
from hub.registry import registry_of
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.adjust_points import Adjustment, adjust_points
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.programmes import draft_rules, publish_rules
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.tables import balance_pushes, identities
from loyalty_kit.testing.remote import DROP, Remote, Reply, json_reply
from tests.support import acmepos
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import make_programme
from tests.support.shopfloor import Remote as TabloRemote
from tests.support.shopfloor import tablo
from tests.support.waiting import wait_until

PAGE = {"ids": [], "cursor": "x", "more": False}


class Till:
    """An Acme till cloud on a real socket: it keeps what it is told of its buyers."""

    def __init__(self):
        self.told = []
        self.tiers = []
        self.answer = json_reply()
        self.of_buyer = {}
        self.before = None

    def __call__(self, asked):
        if not asked.path.startswith("/buyers/"):
            return json_reply(json.dumps(PAGE).encode())
        if self.before is not None:
            self.before()
        buyer = asked.path.rpartition("/")[2]
        answer = self.of_buyer.get(buyer, self.answer)
        if answer.status == 200:
            points = json.loads(asked.body)["bonus"]
            self.told.append((buyer, points, asked.headers["idempotency-key"]))
            self.tiers.append(json.loads(asked.body)["tier"])
        return answer

    def shown(self):
        return [(buyer, points) for buyer, points, _ in self.told]


class Street:
    """One programme and its shops, each of which shows balances."""

    def __init__(self, engine, connector=acmepos.CONNECTOR):
        self.clock = FixedClock()
        registry = registry_of([connector, tablo(TabloRemote())])
        self.hub = make_hub(engine, clock=self.clock, registry=registry)
        self.programme = make_programme(self.hub)
        self.web = create_app(self.hub).test_client()
        self._deliveries = 0

    @contextmanager
    def shop(self, name):
        till = Till()
        with Remote(till) as remote:
            till.home = create_installation(
                self.hub,
                programme_id=self.programme.id,
                connector="acmepos",
                name=name,
                settings=acmepos.form(remote.base_url),
            )
            yield till

    def sell(self, till, buyer, total="100.00"):
        self._deliveries += 1
        body = json.dumps(
            {
                "delivery": str(self._deliveries),
                "event": "receipt.closed",
                "id": f"r-{self._deliveries}",
                "closed_at": "2026-03-14T12:00:00+03:00",
                "buyer": buyer,
                "lines": [{"n": "1", "qty": "1", "sum": total}],
            }
        ).encode()
        headers = acmepos.sign("receipt", body)
        answer = self.web.post(till.home.hooks["receipt"], data=body, headers=headers)
        assert answer.status_code == 200

    def rules(self, **changes):
        now = self.clock.now()
        with write(self.hub.engine) as connection:
            document = {**default_rules(), **changes}
            drawn = draft_rules(connection, self.programme.id, document, author="test", now=now)
            publish_rules(connection, self.programme.id, drawn, author="test", now=now)

    def drain(self):
        drain(self.hub, self.programme.id)

    def drain_after(self, **pause):
        self.clock.advance(**pause)
        self.drain()

    def member(self, till, buyer):
        system = f"installation:{from_wire('i', till.home.id)}"
        with read(self.hub.engine) as connection:
            query = select(identities.c.member_id).where(
                identities.c.system == system, identities.c.value == buyer
            )
            return to_wire("m", connection.scalars(query).one())

    def adjust(self, member, amount, key):
        with write(self.hub.engine) as connection:
            adjust_points(
                connection,
                self.hub.plans,
                self.programme.id,
                member,
                Adjustment(amount, "a gift", key, "test"),
                now=self.clock.now(),
            )

    def rows(self):
        with read(self.hub.engine) as connection:
            query = select(balance_pushes.c.due_at, balance_pushes.c.error_code)
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def street(sqlite_engine):
    return Street(sqlite_engine)


def test_a_sale_shows_the_new_balance_in_the_shop(street):
    with street.shop("a") as till:
        street.sell(till, "b-1", "200.00")
        street.drain()
        assert till.shown() == [("b-1", "10.00")]

        street.drain_after(minutes=10)
        assert till.shown() == [("b-1", "10.00")]


def test_a_tier_that_changes_without_a_movement_is_told(street):
    with street.shop("a") as till:
        street.sell(till, "b-1", "200.00")
        street.drain()
        for name in ("Серебро", "Золото"):
            street.rules(tiers=[{"code": "top", "name": name, "spend_from": "150.00"}])
            look_after(street.hub)
            street.drain_after(minutes=1)
        # A new name alone moves nobody: it is told with the next change.
        assert till.tiers == [None, "Серебро"]
        street.sell(till, "b-1", "20.00")
        street.drain()
        street.rules(tiers=[])
        look_after(street.hub)
        street.drain_after(minutes=1)
        assert till.tiers == [None, "Серебро", "Золото", None]
        assert till.shown()[-2:] == [("b-1", "11.00")] * 2


def test_many_changes_before_it_is_told_are_one_call_with_the_last_figure(engine):
    street = Street(engine)
    with street.shop("a") as till:
        set_state(street.hub, till.home.id, "paused")
        for _ in range(5):
            street.sell(till, "b-1")
        set_state(street.hub, till.home.id, "active")
        street.drain()
        told = till.shown()
        assert told[-1] == ("b-1", "25.00")

        member = street.member(till, "b-1")
        till.answer = Reply(503)
        for number in range(3):
            street.adjust(member, 100, f"k{number}")
            street.drain()
        assert till.shown() == told
        till.answer = json_reply()
        street.drain_after(hours=1)

        assert till.shown() == [*told, ("b-1", "28.00")]


def test_what_changes_while_it_is_told_is_told_after(street):
    """The shop answers only when the next change has been booked."""
    with street.shop("a") as till:
        street.sell(till, "b-1")
        street.drain()
        member = street.member(till, "b-1")
        meanwhile = iter([1])

        def change():
            for _ in meanwhile:
                street.adjust(member, 300, "later")

        till.before = change
        street.adjust(member, 100, "first")
        street.drain()

        assert till.shown() == [("b-1", "5.00"), ("b-1", "6.00"), ("b-1", "9.00")]
        assert len({key for _, _, key in till.told}) == 3


def test_the_same_figure_is_not_told_twice_and_a_figure_that_comes_back_is(street):
    with street.shop("a") as till:
        street.sell(till, "b-1")
        street.drain()
        member = street.member(till, "b-1")
        street.adjust(member, 100, "up")
        street.adjust(member, -100, "down")
        street.drain()
        assert till.shown() == [("b-1", "5.00")]

        street.adjust(member, 100, "up again")
        street.drain()
        street.adjust(member, -100, "down again")
        street.drain()

    assert till.shown() == [("b-1", "5.00"), ("b-1", "6.00"), ("b-1", "5.00")]
    assert len({key for _, _, key in till.told}) == 3


def test_a_dead_shop_holds_up_nobody_and_hears_all_when_it_is_back(street):
    with street.shop("dead") as dead, street.shop("alive") as alive:
        dead.answer = DROP
        for number in range(4):
            street.sell(dead, f"d-{number}")
            street.sell(alive, f"a-{number}")
        street.drain()
        assert sorted(alive.shown()) == [(f"a-{number}", "5.00") for number in range(4)]
        assert dead.shown() == []
        assert get_installation(street.hub, dead.home.id).state == "active"

        dead.answer = json_reply()
        for _ in range(4):
            street.drain_after(hours=1)
        assert sorted(dead.shown()) == [(f"d-{number}", "5.00") for number in range(4)]


def test_a_member_whom_the_shop_refuses_is_noted_and_the_others_are_told(street):
    with street.shop("a") as till:
        till.answer = json_reply(status=404)
        street.sell(till, "gone")
        street.drain()
        assert [code for _, code in street.rows()] == ["gone"]

        till.answer = json_reply()
        street.sell(till, "b-2")
        street.drain()
        assert till.shown() == [("b-2", "5.00")]

        street.sell(till, "gone")
        street.drain()
        assert till.shown()[1:] == [("gone", "10.00")]
        assert street.rows() == [(None, None), (None, None)]


def test_a_rejected_key_is_shown_to_the_owner_and_ends_when_it_works_again(street):
    with street.shop("a") as till:
        till.answer = Reply(401)
        street.sell(till, "b-1")
        street.drain()
        shown = get_installation(street.hub, till.home.id)
        assert (shown.state, shown.trouble_code) == ("attention", "balances_refused")

        set_state(street.hub, till.home.id, "paused")
        till.answer = json_reply()
        set_state(street.hub, till.home.id, "active")
        street.drain()
        assert till.shown() == [("b-1", "5.00")]
        assert get_installation(street.hub, till.home.id).state == "active"


def test_switched_off_nothing_is_told_and_switched_on_everybody_is(engine):
    street = Street(engine)
    with street.shop("a") as till:
        show_balances(street.hub, till.home.id, False)
        for number in range(3):
            street.sell(till, f"b-{number}")
        street.drain()
        assert till.shown() == []
        assert street.rows() == []

        show_balances(street.hub, till.home.id, True)
        street.drain()
        assert sorted(till.shown()) == [(f"b-{number}", "5.00") for number in range(3)]


def test_a_connector_that_shows_no_balances_has_no_switch(street):
    home = create_installation(
        street.hub,
        programme_id=street.programme.id,
        connector="tablo",
        name="t",
        settings={"webhook_secret": "s", "token": "let-me-in"},
    )

    assert home.shows_balances is None
    with pytest.raises(InvalidInput):
        show_balances(street.hub, home.id, True)


def test_erased_members_are_told_of_no_more_and_merged_ones_as_the_survivor(street):
    with street.shop("a") as till, street.shop("b") as other:
        street.sell(till, "b-1")
        street.sell(other, "o-1", "40.00")
        street.sell(till, "b-9")
        street.drain()
        first, second = street.member(till, "b-1"), street.member(other, "o-1")
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
        assert till.shown()[-1] == ("b-1", "7.00")
        assert other.shown()[-1] == ("o-1", "7.00")

        erased = street.member(till, "b-9")
        till.answer = Reply(503)
        street.adjust(erased, 100, "one more")
        street.drain()
        with write(street.hub.engine) as connection:
            erase_member(
                connection,
                street.programme.id,
                erased,
                author="test",
                evidence_key=b"k" * 32,
                now=street.clock.now(),
            )
        till.answer = json_reply()
        told = till.shown()
        street.drain_after(hours=2)

    assert till.shown() == told
    assert len(street.rows()) == 2


def test_workers_at_once_tell_each_change_once_and_the_last_one_last(postgres_engine):
    """Eight of them, while balances change; every member's shop shows the final figure."""
    street = Street(postgres_engine)
    with street.shop("a") as till:
        for number in range(10):
            street.sell(till, f"b-{number}")
        street.drain()
        members = [street.member(till, f"b-{number}") for number in range(10)]
        stop = threading.Event()

        def work():
            while not stop.is_set():
                street.drain()

        workers = [threading.Thread(target=work) for _ in range(8)]
        for one in workers:
            one.start()
        try:
            for turn in range(4):
                for member in members:
                    street.adjust(member, 100, f"{member}-{turn}")
            wait_until(lambda: {due for due, _ in street.rows()} == {None})
            wait_until(lambda: len(dict(till.shown())) == 10)
            wait_until(lambda: set(dict(till.shown()).values()) == {"9.00"})
        finally:
            stop.set()
            for one in workers:
                one.join()

    assert len(till.told) == len({key for _, _, key in till.told})
    assert balances.push_batch(street.hub, street.programme.id) == 0
