"""A draft against past receipts: what was known when they were sold is known again (X10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from loyalty_core.service.catalogue import upsert_products
from loyalty_core.service.programmes import draft_rules
from loyalty_core.service.simulate import Question, Simulation, Simulator, simulate_rules
from loyalty_core.store.database import read
from loyalty_kit.checkout import BasketLine
from loyalty_kit.ports import Product
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import off
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import line


def simulated(shop: Shop, document: Mapping[str, Any]) -> Simulation:
    """A draft against the receipts of today."""
    by = {"author": "owner", "now": shop.now}
    number = shop.do(lambda c: draft_rules(c, shop.programme_id, document, **by))
    question = Question(number, shop.now.date(), shop.now.date())
    with read(shop.engine) as connection:
        return simulate_rules(Simulator(connection, shop.programme_id, question))


def test_drink_costs_no_less_than_the_law_lets_it(engine: Engine):
    """10 % of 500.00 are within a floor of 349.00 for half a litre, 10 % of 370.00 are not: 21.00.
    How large and how strong a bottle is the catalogue knows alone, as at the till."""
    shop = open_programme(engine)
    vodka = Product(sku="V", name="V", legal_class="alcohol", volume_ml=500, strength_bp=40_00)
    shop.do(lambda c: upsert_products(c, shop.programme_id, [vodka], now=shop.now))
    shop.buy("P1", lines=(line("1", 500_00, sku="V"),))
    shop.buy("P2", lines=(line("1", 370_00, sku="V"),))
    floor = {"strength_from": "28", "of_volume_ml": 500, "price": "349.00"}
    law = [{"class": "alcohol", "floor": [floor]}]
    document = rules() | {"regulated": law, "promotions": [off()]}

    found = simulated(shop, document)

    shop.publish(document)
    quotes = [
        shop.quote_lines((BasketLine("1", 1000, amount, sku="V"),)) for amount in (500_00, 370_00)
    ]
    assert [quote.totals.discount_minor for quote in quotes] == [50_00, 21_00]
    assert found.now.discount_minor == 71_00


def test_what_a_coupon_gave_is_there_on_both_sides(engine: Engine):
    """10 % of 100.00 by a coupon; by the draft it is 20 %."""
    document = rules() | {"promotions": [off(coupon="s")], "coupons": [series("s")]}
    shop = open_programme(engine, document)
    (code,) = shop.make_coupons("s")
    hold = shop.hold(100_00, by=None, cart="c", coupons=(code,))
    shop.buy("P1", lines=(line("1", 100_00, discount=10_00),), hold=hold.id)
    shop.buy("P2", 100_00)

    found = simulated(shop, document | {"promotions": [off(coupon="s", params={"percent": "20"})]})

    assert (found.was.discount_minor, found.now.discount_minor) == (10_00, 20_00)


def test_the_receipt_that_reaches_a_tier_earns_by_it(engine: Engine):
    """Gold earns half, from 100.00 on: 40.00 earn 4.00, then 60.00 earn 30.00, as was booked."""
    gold = {"code": "gold", "name": "Gold", "spend_from": "100.00", "earn_percent": "50"}
    document = rules() | {"tiers": [gold], "tiering": {"counts": "this_receipt"}}
    shop = open_programme(engine, document)
    shop.buy("P1", 40_00)
    shop.advance(minutes=1)
    shop.buy("P2", 60_00)
    assert shop.figures().available == 34_00

    assert simulated(shop, document).was.earned_points == 34_00
    assert simulated(shop, rules()).now.earned_points == 10_00


def test_who_was_two_members_has_bought_what_both_did(engine: Engine):
    """10 % off from the third purchase on: one was Boris's before he turned out to be Anna."""
    third = {"field": "history.purchases", "is": "at_least", "value": 2}
    shop = open_programme(engine)
    yesterday = shop.now - timedelta(days=1)
    shop.buy("P1", 100_00, by=BORIS, at=yesterday)
    shop.buy("P2", 100_00, at=yesterday)
    shop.merge(BORIS, ANNA)
    shop.buy("P3", 100_00)

    found = simulated(shop, rules() | {"promotions": [off(when=third)]})

    assert found.now.discount_minor == 10_00
