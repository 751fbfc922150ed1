"""Laws of pricing, on random baskets and random rule sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_core.domain.pricing.basket import MemberFacts, PricedBasket
from loyalty_core.domain.pricing.earning import rate_purchase
from loyalty_core.domain.pricing.explain import explain
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.rules import default_rules, parse_rules, rules_schema
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.events import LineKind
from tests.core.domain.pricing_strategies import (
    PARAMS,
    bought,
    documents,
    lines,
    members,
    quotes,
)

NOON = datetime(2026, 3, 14, 9, tzinfo=UTC)
RULES_SCHEMA = jsonschema.Draft202012Validator(rules_schema())


def priced_by(document: dict[str, Any], request: QuoteRequest, facts: MemberFacts) -> PricedBasket:
    return price_basket(request, compile_rules(parse_rules(document), 1), facts, NOON)


@settings(max_examples=60, deadline=None)
@given(documents(), quotes(), members)
def test_parts_add_up_and_no_line_falls_below_its_floor(document, request, facts):
    priced = priced_by(document, request, facts)

    for asked, told in zip(request.lines, priced.lines, strict=True):
        assert told.amount_minor == asked.amount_minor
        assert told.amount_minor - told.discount_minor - told.spend_minor == told.payable_minor
        assert min(told.discount_minor, told.spend_minor, told.payable_minor) >= 0
        assert sum(part.amount_minor for part in told.discounts) == told.discount_minor
        assert all(part.amount_minor > 0 for part in told.discounts)
        # min_price x quantity <= payable, in thousandths of a kopeck: never rounded.
        least = min(asked.amount_minor * 1000, asked.min_price_minor * asked.quantity_milli)
        assert told.payable_minor * 1000 >= least
        if not asked.discountable:
            assert told.payable_minor == asked.amount_minor
    totals = priced.totals
    assert totals.amount_minor == sum(told.amount_minor for told in priced.lines)
    assert totals.discount_minor == sum(told.discount_minor for told in priced.lines)
    assert totals.spend_minor == sum(told.spend_minor for told in priced.lines)
    assert totals.payable_minor == sum(told.payable_minor for told in priced.lines)
    assert priced.points.earn == sum(told.earn_points for told in priced.lines)
    own = [award for award in priced.earned if award.currency == "points"]
    assert priced.points.earn == sum(award.points for award in own)
    for award in priced.earned:
        assert award.points == sum(part for _, part in award.by_line) > 0


@settings(max_examples=50, deadline=None)
@given(documents(), quotes(), members, st.randoms(use_true_random=False))
def test_the_order_of_promotions_in_the_document_does_not_matter(document, request, facts, chance):
    shuffled = list(document["promotions"])
    chance.shuffle(shuffled)

    priced = priced_by(document, request, facts)
    other = priced_by(document | {"promotions": shuffled}, request, facts)

    assert (priced.lines, priced.points, priced.earned) == (
        other.lines,
        other.points,
        other.earned,
    )
    assert explain(priced, "all") == explain(other, "all")


@settings(max_examples=50, deadline=None)
@given(documents(), quotes(), members)
def test_the_same_basket_is_priced_the_same_and_every_promotion_is_told(document, request, facts):
    priced = priced_by(document, request, facts)
    again = priced_by(document, request, facts)

    assert (priced.lines, priced.points) == (again.lines, again.points)
    assert explain(priced, "all") == explain(again, "all")
    assert {told.promotion for told in explain(priced, "all")} == {
        promotion["id"] for promotion in document["promotions"]
    }
    applied = {told.promotion for told in explain(priced, "short") if told.applied}
    assert applied == {told.promotion for told in explain(priced, "all") if told.applied}


@settings(max_examples=60, deadline=None)
@given(documents(), quotes(), members)
def test_points_spent_stay_within_every_limit(document, request, facts):
    rules = parse_rules(document)
    priced = priced_by(document, request, facts)
    offer, value = priced.points, rules.main.value_minor

    assert offer.spend <= offer.spend_max <= facts.available_points
    assert offer.spend_max % offer.spend_step == 0
    assert facts.may_spend or offer.spend_max == 0
    # What points pay is worth the points, up to the last kopeck of a hundredth.
    assert (
        priced.totals.spend_minor * 100
        <= offer.spend * value
        < (priced.totals.spend_minor * 100 + value)
    )
    if isinstance(request.spend, int):
        assert offer.spend <= request.spend
    if not any(promotion["type"] == "spend_share" for promotion in document["promotions"]):
        left = sum(
            told.amount_minor - told.discount_minor
            for asked, told in zip(request.lines, priced.lines, strict=True)
            if asked.kind is LineKind.GOODS and asked.discountable
        )
        assert priced.totals.spend_minor * 100_00 <= left * rules.spending.limit_bp


@settings(max_examples=50, deadline=None)
@given(documents(), quotes("total"), members)
def test_an_offered_spend_can_be_asked_for_and_is_then_given(document, request, facts):
    offered = priced_by(document, request, facts).points

    asked = QuoteRequest(lines=request.lines, spend=offered.spend_max)
    given_ = priced_by(document, asked, facts).points

    assert given_.spend == offered.spend_max == given_.spend_max


@settings(max_examples=60, deadline=None)
@given(documents(), quotes("unit"), members)
def test_unit_prices_give_every_line_exactly_in_the_shops_favour(document, request, facts):
    by_unit = priced_by(document, request, facts)
    by_total = priced_by(
        document,
        QuoteRequest(lines=request.lines, spend=request.spend, line_prices="total"),
        facts,
    )

    for asked, told, before in zip(request.lines, by_unit.lines, by_total.lines, strict=True):
        assert told.unit_price_minor is not None
        exact = told.unit_price_minor * asked.quantity_milli
        assert (2 * exact + 1000) // 2000 == told.payable_minor
        assert before.payable_minor <= told.payable_minor
        assert told.spend_minor <= before.spend_minor
        # The discount gives way only after the spend is gone.
        assert told.discount_minor == before.discount_minor or told.spend_minor == 0


@settings(max_examples=60, deadline=None)
@given(documents(), quotes(), members)
def test_a_basket_bought_as_priced_earns_what_was_promised(document, request, facts):
    plan = compile_rules(parse_rules(document), 1)
    priced = price_basket(request, plan, facts, NOON)
    purchase = bought(request, priced)

    assert rate_purchase(purchase, plan, facts, NOON, priced.points.spend) == priced.earned


MONOTONE = sorted(code for code, rule in RULE_TYPES.items() if rule.monotone)


def test_at_least_six_rule_types_are_monotone():
    assert len(MONOTONE) >= 6


@settings(max_examples=100, deadline=None)
@given(
    st.data(), lines(floors=False).map(lambda some: some[:5]), lines(floors=False), st.booleans()
)
def test_a_larger_basket_is_never_cheaper_and_never_earns_less(data, basket, more, by_unit):
    """One more line, or one more unit of a line, with one promotion without a minimum."""
    kind = data.draw(st.sampled_from(MONOTONE))
    params = data.draw(PARAMS[kind]) | ({"total_min": "0"} if kind not in _NO_MINIMUM else {})
    rules = default_rules() | {
        "currencies": [{"code": "points", "name": "P"}, {"code": "miles", "name": "M"}],
        "promotions": [{"id": "p", "name": "p", "type": kind, "params": params}],
    }
    if by_unit:
        first = basket[0]
        assert first.price_minor is not None
        grown = replace(
            first,
            quantity_milli=first.quantity_milli + 1000,
            amount_minor=first.amount_minor + first.price_minor,
        )
        larger = (grown, *basket[1:])
    else:
        larger = (*basket, replace(more[0], id="more"))

    facts = MemberFacts(known=True)
    small = priced_by(rules, QuoteRequest(basket), facts)
    large = priced_by(rules, QuoteRequest(larger), facts)

    assert small.totals.payable_minor <= large.totals.payable_minor
    for currency in ("points", "miles"):
        assert _earned(small, currency) <= _earned(large, currency)


_NO_MINIMUM = ("earn_multiplier", "no_earn")


def _earned(priced: PricedBasket, currency: str) -> int:
    return sum(award.points for award in priced.earned if award.currency == currency)


@settings(max_examples=40, deadline=None)
@given(documents(), quotes("total"), members)
def test_parts_of_a_line_add_up_to_it(document, request, facts):
    priced = priced_by(document, replace(request, split_lines=True), facts)

    for asked, told in zip(request.lines, priced.lines, strict=True):
        whole = asked.quantity_milli % 1000 == 0
        assert bool(told.parts) == (told.unit_price_minor is None and whole)
        if told.parts:
            assert sum(part.payable_minor for part in told.parts) == told.payable_minor
            assert sum(part.quantity_milli for part in told.parts) == asked.quantity_milli
            for part in told.parts:
                assert part.payable_minor * 1000 == part.unit_price_minor * part.quantity_milli
                assert part.quantity_milli > 0


@settings(max_examples=40, deadline=None)
@given(documents(), quotes(), members)
def test_what_is_read_fits_the_schema_and_is_priced(document, request, facts):
    """Any document of these words is read, is allowed by its own JSON Schema, and prices."""
    RULES_SCHEMA.validate(document)

    priced = priced_by(document, request, facts)

    assert len(priced.lines) == len(request.lines)
    assert all(told.text for told in explain(priced, "all"))
