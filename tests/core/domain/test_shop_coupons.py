"""What a series comes to as coupons of a shop that asks the hub nothing, and why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.shop_coupons import Terms, terms_of
from loyalty_core.domain.rules import default_rules, parse_rules

PERCENT = {"type": "percent_off", "params": {"percent": "12.5", "total_min": "500.00"}}
SUM = {"type": "sum_off", "params": {"sum": "300.00"}}
SPRING, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6, 7))


def told(*promotions: dict[str, Any], series: dict[str, Any] | None = None, **more: Any) -> Any:
    named = [
        {"id": f"p{number}", "name": "Скидка", "coupon": "may", **one}
        for number, one in enumerate(promotions)
    ]
    coupons = [{"code": "may", "name": "Май", **(series or {})}]
    document = {**default_rules(), "coupons": coupons, "promotions": named, **more}
    plan = compile_rules(parse_rules(document), 1)
    return terms_of(plan, plan.series["may"])


def test_a_percent_or_a_sum_off_the_receipt():
    assert told(PERCENT) == Terms(1250, None, 50000, None, None)
    assert told(SUM, {**PERCENT, "enabled": False}) == Terms(None, 30000, 0, None, None)


def test_it_begins_with_the_later_and_ends_with_the_earlier_day():
    dates = {"starts_at": SPRING.isoformat(), "ends_at": JULY.isoformat()}
    found = told({**SUM, "ends_at": JUNE.isoformat()}, series=dates)
    assert (found.starts_at, found.ends_at) == (SPRING, JUNE)


@pytest.mark.parametrize(
    ("promotions", "why"),
    [
        pytest.param([], "no_promotion", id="none"),
        pytest.param([{**PERCENT, "enabled": False}], "no_promotion", id="switched off"),
        pytest.param([PERCENT, SUM], "several_promotions", id="two"),
        pytest.param(
            [{"type": "earn_points", "params": {"points": "10.00"}}], "not_a_discount", id="points"
        ),
        pytest.param(
            [{"type": "sum_off", "params": {"sum": "5.00", "per": "unit"}}],
            "not_a_discount",
            id="each unit",
        ),
        pytest.param(
            [{"type": "percent_off", "params": {"percent": "5", "skus": ["A"]}}],
            "some_goods",
            id="an article",
        ),
        pytest.param(
            [{"type": "percent_off", "params": {"percent": "5", "except_skus": ["A"]}}],
            "some_goods",
            id="all but one",
        ),
        pytest.param(
            [{"type": "percent_off", "params": {"percent": "5", "kinds": ["goods", "delivery"]}}],
            "some_goods",
            id="delivery too",
        ),
        pytest.param(
            [{**SUM, "when": {"field": "basket.amount", "is": "at_least", "value": "1.00"}}],
            "condition",
            id="a condition",
        ),
    ],
)
def test_what_no_coupon_of_a_shop_keeps(promotions: list[dict[str, Any]], why: str):
    assert told(*promotions) == why


def test_limits_and_least_prices_are_not_kept_either():
    limit = {"per": "member", "period": "day", "of": "uses", "most": "1"}
    policies = {**default_rules().get("policies", {}), "min_paid": [{"price": "1.00"}]}
    assert told({**SUM, "limits": [limit]}) == "limits"
    assert told(SUM, policies=policies) == "least_prices"
