"""What the bench of pricing measures is what it says: the same price, and only three that apply."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bench.measure import EACH
from bench.members import phone_of
from bench.pricing import IN_FORCE, MANY, by_turns, pricing_works
from bench.programme import PROMOTIONS, in_force, rules
from bench.quote import basket
from loyalty_core.domain.pricing.basket import NOBODY, PricedBasket
from loyalty_core.domain.pricing.plan import Plan, compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import parse_rules
from loyalty_kit.checkout_schema import load_quote_request

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def _plan(count: int) -> Plan:
    return compile_rules(parse_rules(rules(in_force(PROMOTIONS[:1], count))), 1)


def _priced(count: int) -> PricedBasket:
    return price_basket(load_quote_request(basket(phone_of(0))), _plan(count), NOBODY, NOW)


def test_so_many_promotions_are_in_force() -> None:
    promotions = _plan(MANY).promotions

    assert len(promotions) == len({one.promotion.id for one in promotions}) == MANY
    assert all(one.standing(NOW) is None for one in promotions)
    assert {one.promotion.type for one in promotions} == {
        "percent_off",
        "earn_multiplier",
        "spend_share",
    }


def test_promotions_for_other_goods_do_not_change_the_price() -> None:
    one, many = _priced(1), _priced(MANY)

    # Lines 2 and 7 are sweets: 10 % of 102.00 + 107.00.
    assert one.totals.discount_minor == 20_90
    assert (many.lines, many.totals, many.points) == (one.lines, one.totals, one.points)


def test_the_floor_gives_the_request_back() -> None:
    works = pricing_works()
    floor = next(work for name, work in works.items() if name.startswith("json"))

    assert json.loads(str(floor())) == basket(phone_of(0))
    assert len(works) == 2 + len(IN_FORCE)


def test_each_call_is_told_in_microseconds_of_processor_time() -> None:
    told = by_turns({"idle": lambda: None, "busy": lambda: sum(range(20_000))}, 0.1)

    assert 0 < 10 * told["idle"][EACH] < told["busy"][EACH]
    assert told["busy"][EACH] > 20  # nobody adds a thousand numbers in a microsecond
