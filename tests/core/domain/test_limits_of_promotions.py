"""What limits of promotions say, and what they leave of a grant.  Counting is in `../ledger`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_core.domain.dates import EVER, period_start
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.pricing.basket import MemberFacts, PricedBasket
from loyalty_core.domain.pricing.limits import Effect
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_kit.checkout import BasketLine, QuoteRequest

NOON = datetime(2026, 3, 14, 9, tzinfo=UTC)
MOSCOW = ZoneInfo("Europe/Moscow")
KNOWN = MemberFacts(known=True, available_points=1000_00, may_spend=True)


def limit(of: str = "uses", most: str = "1", per: str = "promotion", period: str = "ever"):
    return {"per": per, "period": period, "of": of, "most": most}


def off(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "off",
        "name": "Off",
        "type": "percent_off",
        "params": {"percent": "10"},
        "limits": list(limits),
        **more,
    }


def double(*limits: dict[str, Any]) -> dict[str, Any]:
    return off(*limits, id="x2", type="earn_multiplier", params={"factor": "2"})


def priced(*promotions: dict[str, Any], facts: MemberFacts = KNOWN, **more: Any) -> PricedBasket:
    plan = compile_rules(parse_rules(default_rules() | {"promotions": list(promotions)}), 1)
    lines = (BasketLine("1", 1000, 300_00), BasketLine("2", 1000, 100_00))
    return price_basket(QuoteRequest(lines, **more), plan, facts, NOON)


def used(of: str, amount: int, name: str = "off", **more: Any) -> MemberFacts:
    return replace(KNOWN, used={(name, more.get("per", "promotion"), "ever", of): amount})


def refused(basket: PricedBasket) -> tuple[str, dict[str, str]] | None:
    (outcome,) = basket.outcomes
    if outcome.refusal is None:
        return None
    return outcome.refusal.reason, dict(outcome.refusal.facts)


@pytest.mark.parametrize(
    ("promotion", "errors"),
    [
        (
            off(limit(most="1.50")),
            {"promotions.0.limits.0.most": ["must be a whole number of uses"]},
        ),
        (off(limit(most="0")), {"promotions.0.limits.0.most": None}),
        (off(limit("points")), {"promotions.0.limits.0.of": ["this type gives no points"]}),
        (double(limit("money")), {"promotions.0.limits.0.of": ["this type gives no money"]}),
        (off(limit(), limit(most="2")), {"promotions.0.limits.1": ["must not repeat"]}),
        (off(limit(per="town")), {"promotions.0.limits.0.per": None}),
        (
            {**off(limit()), "type": "no_earn", "params": {"categories": ["tea"]}},
            {"promotions.0.limits": ["this type gives nothing that could be counted"]},
        ),
    ],
)
def test_limits_that_do_not_fit_are_refused(promotion, errors):
    with pytest.raises(RulesInvalid) as wrong:
        parse_rules(default_rules() | {"promotions": [promotion]})

    assert set(wrong.value.errors) == set(errors)
    for path, said in errors.items():
        assert said is None or wrong.value.errors[path] == said


def test_limits_are_read_in_their_own_units():
    document = off(limit(most="3"), limit("money", "1000.50", "shop", "day"))
    (promotion,) = parse_rules(default_rules() | {"promotions": [document]}).promotions

    assert [(one.of, one.most) for one in promotion.limits] == [("uses", 3), ("money", 1000_50)]


def test_what_is_not_used_up_changes_nothing():
    limited = priced(off(limit(), limit("money", "40.00")))

    assert limited.totals.discount_minor == 40_00
    assert limited.effects == (Effect("off", "money", (("1", 30_00), ("2", 10_00))),)


@pytest.mark.parametrize("of", ["uses", "money"])
def test_a_limit_that_is_used_up_refuses_the_promotion(of):
    basket = priced(off(limit(of, "1")), facts=used(of, 1_00 if of == "money" else 1))

    assert basket.totals.discount_minor == 0
    facts = {"per": "promotion", "period": "ever", "of": of, "left": "0"}
    assert refused(basket) == ("limit_reached", facts)
    assert basket.effects == ()


def test_past_its_limit_a_promotion_is_refused_as_well():
    assert refused(priced(off(limit()), facts=used("uses", 7))) is not None


def test_the_last_money_is_split_over_the_lines():
    """40.00 would be given and 13.33 are left: by 300 : 100 they are 10.00 and 3.33."""
    basket = priced(off(limit("money", "100.00")), facts=used("money", 86_67))

    assert [line.discount_minor for line in basket.lines] == [10_00, 3_33]


@pytest.mark.parametrize("left", range(0, 50_00, 7_77))
def test_more_left_never_means_less_off(left):
    given = [
        priced(
            off(limit("money", "100.00")), facts=used("money", 100_00 - one)
        ).totals.discount_minor
        for one in (left, left + 1, left + 5_00)
    ]
    assert given == sorted(given)
    assert given[0] == min(left, 40_00)


def test_the_last_points_are_split_over_the_lines():
    """Twice 5 % of 400.00 are 20 and 20; 6 of the second are left: by 300 : 100."""
    basket = priced(double(limit("points", "50.00")), facts=used("points", 44_00, "x2"))

    assert basket.points.earn == 26_00
    assert [line.earn_points for line in basket.lines] == [19_50, 6_50]
    assert [(one.source, one.points) for one in basket.earned] == [("base", 20_00), ("x2", 6_00)]
    assert basket.effects == (Effect("x2", "points", (("1", 4_50), ("2", 1_50))),)


def test_a_limit_for_each_member_needs_a_member():
    basket = priced(off(limit(per="member")), facts=MemberFacts())

    assert refused(basket) == ("member_required", {})


def test_a_share_is_used_where_points_paid_for_its_lines():
    share = off(limit(), id="half", type="spend_share", params={"percent": "50"})

    assert priced(share).effects == ()
    spent = priced(share, spend=200_00)
    assert spent.effects == (Effect("half", "spend", (("1", 150_00), ("2", 50_00))),)
    assert refused(priced(share, facts=used("uses", 1, "half"), spend="max"))


def test_a_promotion_that_is_beaten_has_no_effect():
    less = off(limit(), id="less", params={"percent": "5"})
    document = default_rules() | {"lanes": [{"code": "main", "mode": "best"}]}
    plan = compile_rules(parse_rules(document | {"promotions": [off(limit()), less]}), 1)
    request = QuoteRequest((BasketLine("1", 1000, 300_00),))

    assert [one.promotion for one in price_basket(request, plan, KNOWN, NOON).effects] == ["off"]


@pytest.mark.parametrize(
    ("period", "began"),
    [
        ("ever", EVER),
        ("day", datetime(2026, 3, 13, 21, tzinfo=UTC)),
        ("week", datetime(2026, 3, 8, 21, tzinfo=UTC)),
        ("month", datetime(2026, 2, 28, 21, tzinfo=UTC)),
        ("year", datetime(2025, 12, 31, 21, tzinfo=UTC)),
    ],
)
def test_periods_begin_at_local_midnights(period, began):
    """14 March 2026 is a Saturday; at 21:30 of the 13th in UTC it has begun in Moscow."""
    for at in (NOON, datetime(2026, 3, 13, 21, 30, tzinfo=UTC)):
        assert period_start(at, period, MOSCOW) == began
