"""Coupons of the programme in a shop: made, changed and taken back as the hub's own are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.wordpress import CONNECTOR
from hub.connections.health import health_of, what_to_do
from hub.installations import (
    COUPONS_BY_COMPANION,
    create_installation,
    get_installation,
    set_state,
    update_settings,
)
from hub.jobs.drain import drain
from hub.pairing import offer_code, pair
from hub.registry import registry_of
from loyalty_core.domain.coupon_codes import told
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.coupons import NewLot, block_coupon, block_lot, fill_lot, open_lot
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.members import NewMember, enrol_member, update_member
from loyalty_core.service.programmes import draft_rules, publish_rules
from loyalty_core.service.shop_coupons import not_taken
from loyalty_core.service.source import Source
from loyalty_core.store import coupons as store
from loyalty_core.store.database import read, write
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import make_programme

TENTH = {
    "id": "p_may", "name": "Десятая часть", "type": "percent_off", "coupon": "may",
    "params": {"percent": "10", "total_min": "500.00"},
}  # fmt: skip
MAY = {"code": "may", "name": "Май"}


def rules(*promotions, series=(MAY,), **more):
    return {**default_rules(), "coupons": list(series), "promotions": list(promotions), **more}


class Shop:
    """A programme, and a WooCommerce shop that makes its coupons."""

    def __init__(self, engine, woo, document=None, *, coupons="true"):
        self.woo, self.clock = woo, FixedClock()
        self.hub = make_hub(engine, clock=self.clock, registry=registry_of([CONNECTOR]))
        self.programme = make_programme(self.hub)
        self.rules(document or rules(TENTH))
        self.home = create_installation(
            self.hub,
            programme_id=self.programme.id,
            connector="wordpress",
            name="shop",
            settings={
                "base_url": woo.base_url,
                "consumer_key": woo.consumer_key,
                "consumer_secret": woo.consumer_secret,
                "webhook_secret": woo.webhook_secret,
                "coupons": coupons,
            },
        )

    def rules(self, document):
        now = self.clock.now()
        with write(self.hub.engine) as connection:
            drawn = draft_rules(connection, self.programme.id, document, author="test", now=now)
            publish_rules(connection, self.programme.id, drawn, author="test", now=now)

    def lot(self, name, size=1, series="may", **words):
        """The codes of a new lot, as people read them."""
        wanted = NewLot(name, series, size, **words)
        number, plans, now = self.programme.id, self.hub.plans, self.clock.now()
        with write(self.hub.engine) as connection:
            lot = open_lot(connection, plans, number, wanted, author="test", now=now)
            fill_lot(connection, plans, number, name)
            (page,) = store.pages(connection, number, lot_id=lot.id, size=1000)
        return [told(one.code) for one in page]

    def block(self, code, blocked=True):
        with write(self.hub.engine) as connection:
            block_coupon(
                connection,
                self.programme.id,
                code,
                blocked=blocked,
                author="test",
                now=self.clock.now(),
            )

    def set(self, **settings):
        update_settings(self.hub, self.home.id, settings)
        self.drain()

    def drain(self, **pause):
        self.clock.advance(**(pause or {"minutes": 1}))
        drain(self.hub, self.programme.id)

    def codes(self):
        return {one["code"]: one["amount"] for one in self.woo.coupons.values()}

    def writes(self):
        return [call.method for call in self.woo.calls if call.method != "GET"]

    def health(self):
        return health_of(self.hub, get_installation(self.hub, self.home.id))


def test_coupons_go_to_the_shop_once_and_come_back_when_they_are_blocked(engine, woo):
    shop = Shop(engine, woo)
    first, second = sorted(shop.lot("a", 2))
    shop.drain()
    assert shop.codes() == {first.lower(): "10.00", second.lower(): "10.00"}
    assert {one["minimum_amount"] for one in woo.coupons.values()} == {"500.00"}
    shop.drain()
    assert shop.writes() == ["POST", "POST"]

    shop.block(first)
    shop.drain()
    assert shop.codes() == {second.lower(): "10.00"}
    shop.block(first, blocked=False)
    shop.drain()
    assert set(shop.codes()) == {first.lower(), second.lower()}
    with write(shop.hub.engine) as connection:
        block_lot(
            connection, shop.programme.id, "a", blocked=True, author="test", now=shop.clock.now()
        )
    shop.drain()
    assert shop.codes() == {}


def test_other_rules_are_other_coupons(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    (code,) = shop.lot("a")
    shop.drain()
    shop.rules(rules({**TENTH, "params": {"percent": "15"}}))
    shop.drain()
    assert shop.codes() == {code.lower(): "15.00"}
    from_one = {"field": "basket.amount", "is": "at_least", "value": "1.00"}
    shop.rules(rules({**TENTH, "when": from_one}))
    shop.drain()
    assert shop.codes() == {}


def test_dates_of_a_coupon_hold_in_the_shop(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    now = shop.clock.now()
    shop.lot("a", starts_at=now + timedelta(hours=2), ends_at=now + timedelta(hours=5))
    shop.drain()
    assert shop.codes() == {}
    shop.drain(hours=2)
    (made,) = woo.coupons.values()
    assert made["date_expires"] == f"{now + timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}"
    shop.drain(hours=3)
    assert shop.codes() == {}


def test_a_coupon_of_one_member_is_bound_to_an_e_mail(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    now = shop.clock.now()
    with write(shop.hub.engine) as connection:
        known, unknown = (
            enrol_member(connection, shop.hub.plans, source(shop), new, now=now).id
            for new in (NewMember(email="ivan@example.com"), NewMember(phone="+79000000001"))
        )
    (code,) = shop.lot("a", member=known)
    shop.lot("b", member=unknown)
    shop.drain()
    (made,) = woo.coupons.values()
    assert (made["code"], made["email_restrictions"]) == (code.lower(), ["ivan@example.com"])
    assert shop.health().coupons.errors == {"coupon_without_address": 1}

    # Who has no address any more has no coupon in the shop.
    with write(shop.hub.engine) as connection:
        update_member(
            connection, shop.hub.plans, source(shop), known, {"email": None}, now=shop.clock.now()
        )
    shop.drain()
    health = shop.health().coupons
    assert (health.made, health.errors) == (0, {"coupon_without_address": 2})

    with write(shop.hub.engine) as connection:
        for member in (known, unknown):
            erase_member(
                connection,
                shop.programme.id,
                member,
                author="test",
                evidence_key=b"k" * 32,
                now=shop.clock.now(),
            )
    shop.drain()
    assert (shop.codes(), shop.health().coupons.errors) == ({}, {})


def test_a_code_of_the_shops_own_is_listed_and_left_alone(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    first, second = shop.lot("a", 2)
    woo.coupons[7] = {"id": 7, "code": first.lower(), "amount": "99.00", "meta_data": []}
    shop.drain()
    assert shop.codes() == {first.lower(): "99.00", second.lower(): "10.00"}
    health = shop.health()
    assert (health.coupons.made, health.coupons.errors) == (1, {"code_taken": 1})
    assert what_to_do(health, None) == ["never_heard", "no_address", "coupons_failed"]
    with read(shop.hub.engine) as connection:
        (row,) = not_taken(connection, shop.programme.id).items
    assert (row["code"], row["series"], row["reason"]) == (f"...{first[-4:]}", "may", "code_taken")

    del woo.coupons[7]
    shop.drain(days=1)
    assert set(shop.codes()) == {first.lower(), second.lower()}
    assert shop.health().coupons.errors == {}


def test_a_shop_that_is_away_or_refuses_the_key_gets_them_later(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    woo.key_may_write = False
    (code,) = shop.lot("a")
    shop.drain()
    assert shop.codes() == {}
    shown = get_installation(shop.hub, shop.home.id)
    assert (shown.state, shown.trouble_code) == ("attention", "coupons_refused")
    woo.key_may_write = True
    woo.fail_always("500")
    shop.drain(minutes=10)
    woo.fail_always(None)
    shop.drain(hours=1)
    assert set(shop.codes()) == {code.lower()}
    assert get_installation(shop.hub, shop.home.id).state == "active"


def test_an_answer_that_was_lost_makes_no_second_coupon(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    shop.lot("a")
    kept = []
    woo.between_calls = lambda call: (
        kept.append(call)
        or (woo.fail_next("500") if call.method == "POST" and len(kept) < 3 else None)
    )
    shop.drain()
    shop.drain(hours=1)
    assert len(woo.coupons) == 1


@pytest.mark.parametrize("ended", ["blocked", "switched off"])
def test_what_the_shop_made_unheard_is_taken_back_too(sqlite_engine, woo, ended):
    shop = Shop(sqlite_engine, woo)
    (code,) = shop.lot("a")

    def hang_up(call):
        if call.method == "POST":
            raise ConnectionAbortedError

    woo.between_calls = hang_up
    shop.drain()
    woo.between_calls = None
    assert (set(shop.codes()), shop.health().coupons.made) == ({code.lower()}, 0)
    if ended == "blocked":
        shop.block(code)
    else:
        update_settings(shop.hub, shop.home.id, {"coupons": "false"})
    shop.drain(hours=1)
    assert shop.codes() == {}


def test_a_change_that_the_shop_made_unheard_is_undone_by_the_rules_of_before(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    (code,) = shop.lot("a")
    shop.drain()

    def hang_up(call):
        if call.method == "PUT":
            raise ConnectionAbortedError

    woo.between_calls = hang_up
    shop.rules(rules({**TENTH, "params": {"percent": "15", "total_min": "500.00"}}))
    shop.drain()
    woo.between_calls = None
    assert shop.codes() == {code.lower(): "15.00"}
    shop.rules(rules(TENTH))
    shop.drain(hours=1)
    assert shop.codes() == {code.lower(): "10.00"}


def test_a_coupon_over_which_the_shop_stumbles_holds_up_no_other(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    bad, good, blocked = sorted(shop.lot("a", 3))
    shop.block(bad)
    shop.drain()
    shop.block(bad, blocked=False)
    shop.block(blocked)

    def hang_up(call):
        if call.query.get("code", "").upper() == bad:
            raise ConnectionAbortedError

    woo.between_calls = hang_up
    shop.drain()
    shop.drain(hours=1)
    assert set(shop.codes()) == {good.lower()}
    assert shop.health().coupons.waiting == 1


def test_what_the_shop_does_not_take_any_more_it_does_not_keep_as_it_was(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    woo.taxes = "on top"
    (code,) = shop.lot("a")
    shop.drain()
    assert shop.codes() == {code.lower(): "10.00"}
    # A sum would take off more there than the rules give, and the tenth they give no more.
    shop.rules(rules({**TENTH, "type": "sum_off", "params": {"sum": "50.00"}}))
    shop.drain()
    assert shop.codes() == {}
    assert shop.health().coupons.errors == {"not_possible": 1}


def test_off_at_first_and_what_is_switched_off_is_taken_back(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo, coupons="false")
    first, second = shop.lot("a", 2)
    shop.drain()
    assert shop.codes() == {}
    shop.set(coupons="true")
    assert set(shop.codes()) == {first.lower(), second.lower()}
    set_state(shop.hub, shop.home.id, "paused")
    shop.block(first)
    shop.drain()
    assert len(shop.codes()) == 2
    set_state(shop.hub, shop.home.id, "active")
    shop.drain()
    assert set(shop.codes()) == {second.lower()}
    shop.set(coupons="false")
    assert shop.codes() == {}
    shop.lot("b")
    shop.drain()
    assert shop.codes() == {}


def test_beside_the_plugin_there_are_none(sqlite_engine, woo):
    shop = Shop(sqlite_engine, woo)
    shop.lot("a")
    shop.drain()
    code = offer_code(
        shop.hub, programme_id=shop.programme.id, connector="wordpress", installation=shop.home
    ).code
    pair(shop.hub, code, name="shop", settings={"base_url": woo.base_url})
    shop.drain()
    assert shop.codes() == {}
    with pytest.raises(InvalidInput) as refused:
        update_settings(shop.hub, shop.home.id, {"coupons": "true"})
    assert refused.value.errors == {"coupons": [COUPONS_BY_COMPANION]}


def source(shop):
    """A desk that tells of people."""
    return Source(shop.programme.id, "key:desk")
