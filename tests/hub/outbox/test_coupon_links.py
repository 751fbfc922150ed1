"""How often a coupon may be used in a shop, where its orders are seen by a till as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loyalty_core.service.part_and_join import Decision, join_purchases, part_purchase
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store import linked_sources as links
from loyalty_core.store.database import write
from loyalty_core.store.ids import to_wire
from loyalty_core.store.linked_sources import LinkedSources
from loyalty_core.store.tables import purchases
from loyalty_kit.events import Purchase, PurchaseStatus
from tests.hub.outbox.test_coupon_people import source_of_home
from tests.hub.outbox.test_coupons import MAY, TENTH, Shop, rules
from tests.support.lines import line

TILL, DESK = "installation:2", "installation:3"
CANCELLED = PurchaseStatus.CANCELLED


class Street:
    """A shop that has a coupon of three uses, a till that sees its orders, and what they tell."""

    def __init__(self, engine, woo, truth=None):
        self.shop = Shop(engine, woo, rules(TENTH, series=({**MAY, "uses": 3},)))
        (self.code,) = self.shop.lot("a")
        self.site = source_of_home(self.shop)
        declared = LinkedSources(self.site, TILL, "order", truth)
        self.do(lambda c: links.declare(c, self.number, declared))
        self.shop.drain()

    @property
    def number(self):
        return self.shop.programme.id

    def do(self, work: Callable[..., Any]) -> Any:
        with write(self.shop.hub.engine) as connection:
            return work(connection)

    def tells(self, source, *, coupon=True, revision=1, status=PurchaseStatus.PAID):
        codes = (self.code,) if coupon else ()
        event = Purchase(
            f"{source}-1",
            self.shop.clock.now(),
            lines=(line("1", 1000_00, discount=100_00),),
            revision=revision,
            status=status,
            order="1042",
            coupons=codes,
        )
        told = Source(self.number, source, default_shop="main", lenient=True)
        plans, now = self.shop.hub.plans, self.shop.clock.now()
        self.do(lambda c: record_events(c, plans, [Incoming(told, event)], now=now))

    def _kept(self, source):
        found = self.do(lambda c: c.execute(purchases.select()).mappings().all())
        return next(to_wire("p", one["id"]) for one in found if one["source"] == source)

    def _said(self):
        return Decision(self.number, "owner", self.shop.clock.now())

    def parts(self, source):
        name, plans = self._kept(source), self.shop.hub.plans
        self.do(lambda c: part_purchase(c, plans, name, self._said()))

    def joins(self, *sources):
        names, plans = [self._kept(one) for one in sources], self.shop.hub.plans
        self.do(lambda c: join_purchases(c, plans, *names, self._said()))

    def limit(self):
        """How many uses the shop may give in all, those that its orders have had among them."""
        self.shop.drain()
        (made,) = self.shop.woo.coupons.values()
        return made["usage_limit"]


@pytest.mark.parametrize("by_till", [True, False], ids=["told by both", "told by the site"])
@pytest.mark.parametrize("first", ["till", "site"])
def test_an_order_that_a_till_saw_too_takes_one_use_and_the_shop_counts_it(
    sqlite_engine, woo, first, by_till
):
    street = Street(sqlite_engine, woo)
    telling = {"till": (TILL, by_till), "site": (street.site, True)}
    for name in (first, *(telling.keys() - {first})):
        source, coupon = telling[name]
        street.tells(source, coupon=coupon)
        street.limit()
    assert street.limit() == 3


def test_whoever_parts_and_joins_records_has_their_uses_counted_where_they_were(engine, woo):
    street = Street(engine, woo)
    street.tells(TILL)
    assert street.limit() == 2, "the shop knows nothing of it"
    street.tells(street.site)
    assert street.limit() == 3
    street.parts(street.site)
    assert street.limit() == 2
    street.joins(TILL, street.site)
    assert street.limit() == 3


@pytest.mark.parametrize("first", ["till", "site"])
def test_an_order_that_was_cancelled_is_the_shops_no_more_though_the_tills_receipt_stands(
    sqlite_engine, woo, first
):
    street = Street(sqlite_engine, woo, truth=TILL)
    for source in (TILL, street.site) if first == "till" else (street.site, TILL):
        street.tells(source)
    assert street.limit() == 3
    street.tells(street.site, revision=2, status=CANCELLED)
    assert street.limit() == 2
    street.tells(street.site, revision=3)
    assert street.limit() == 3


def test_an_order_that_is_linked_to_what_a_person_joins_to_another_is_the_shops(sqlite_engine, woo):
    street = Street(sqlite_engine, woo)
    for source in (DESK, TILL, street.site):
        street.tells(source)
    assert street.limit() == 2
    street.joins(DESK, TILL)
    assert street.limit() == 3
