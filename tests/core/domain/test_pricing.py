"""Pricing: the worked receipts of docs/pricing.md, tables of cases."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty_core.domain.pricing.basket import MemberFacts, PricedBasket
from loyalty_core.domain.pricing.earning import rate_purchase
from loyalty_core.domain.pricing.explain import explain
from loyalty_core.domain.pricing.plan import Plan, compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.checkout_schema import (
    BenefitSchema,
    GiftSchema,
    PointsOfferSchema,
    PricedLineSchema,
    TotalsSchema,
    load_quote_request,
)
from loyalty_kit.events import LineKind, PurchaseLine
from loyalty_kit.money import format_decimal, parse_decimal

PAGE = Path(__file__).parents[3] / "docs" / "pricing.md"
NOON = datetime(2026, 3, 14, 9, tzinfo=UTC)
NOBODY = MemberFacts()
RICH = MemberFacts(known=True, available_points=1_000_000_00, may_spend=True)


def worked_receipts() -> list[Any]:
    found = re.findall(r"^### (.+?)\n.*?^```json\n(.+?)^```", PAGE.read_text(), re.M | re.S)
    return [pytest.param(json.loads(block), id=title) for title, block in found]


def plan_of(*promotions: dict[str, Any], **changes: Any) -> Plan:
    document = default_rules() | {"promotions": list(promotions)} | changes
    return compile_rules(parse_rules(document), 7)


def promotion(type_: str, name: str, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name.title(), "type": type_, "params": params, **more}


def percent(
    value: str, *categories: str, name: str = "off", total_min: str = "0", **more: Any
) -> dict[str, Any]:
    params = {"percent": value, "categories": categories or ["tea"], "total_min": total_min}
    return promotion("percent_off", name, params, **more)


def times(factor: str, *categories: str, name: str = "times", **more: Any) -> dict[str, Any]:
    return promotion("earn_multiplier", name, {"factor": factor, "categories": categories}, **more)


def share(value: str, *categories: str, name: str = "share", **more: Any) -> dict[str, Any]:
    return promotion("spend_share", name, {"percent": value, "categories": categories}, **more)


def line(amount: str, *categories: str, id_: str = "1", **more: Any) -> BasketLine:
    amount_minor = parse_decimal(amount, 2)
    return BasketLine(id_, 1000, amount_minor, categories=categories or ("tea",), **more)


def basket(*lines: BasketLine, **more: Any) -> QuoteRequest:
    return QuoteRequest(lines, **more)


def bought(priced: PricedBasket) -> list[PurchaseLine]:
    """The purchase of a basket exactly as it was priced."""
    return [
        PurchaseLine(
            id=told.id,
            quantity_milli=asked.quantity_milli,
            amount_minor=told.amount_minor,
            discount_minor=told.discount_minor,
            spend_minor=told.spend_minor,
            paid_minor=told.payable_minor,
            kind=asked.kind,
            sku=asked.sku,
            categories=asked.categories,
            legal_class=asked.legal_class,
        )
        for asked, told in zip(priced.request.lines, priced.lines, strict=True)
    ]


def reasons(priced: PricedBasket) -> dict[str, str | None]:
    return {told.promotion: told.reason for told in explain(priced, "all")}


def test_the_page_has_its_worked_receipts():
    assert len(worked_receipts()) == 16


@pytest.mark.parametrize("receipt", worked_receipts())
def test_worked_receipt(receipt):
    said = receipt["facts"]
    facts = MemberFacts(
        known=said["known"],
        tier=said.get("tier"),
        available_points=parse_decimal(said.get("available", "0"), 2),
        may_spend=said.get("may_spend", False),
        spent_minor=parse_decimal(said.get("spent", "0"), 2),
    )
    now = datetime.fromisoformat(receipt["now"])
    plan = compile_rules(parse_rules(default_rules() | receipt["rules"]), 1)

    priced = price_basket(load_quote_request(receipt["quote"]), plan, facts, now)

    answer = receipt["answer"]
    for expected, got in zip(answer["lines"], priced.lines, strict=True):
        assert expected.items() <= PricedLineSchema().dump(got).items()
    assert answer["totals"].items() <= TotalsSchema().dump(priced.totals).items()
    assert answer["points"].items() <= PointsOfferSchema().dump(priced.points).items()
    assert reasons(priced) == answer["reasons"]
    assert GiftSchema(many=True).dump(priced.gifts) == answer.get("gifts", [])
    assert BenefitSchema(many=True).dump(priced.benefits) == answer.get("benefits", [])
    if "earned" in answer:
        awards = {award.source: format_decimal(award.points) for award in priced.earned}
        assert awards == answer["earned"]
    again = rate_purchase(bought(priced), plan, facts, now, priced.points.spend)
    assert again == priced.earned


@pytest.mark.parametrize(
    ("lines", "promotions", "payable", "refused"),
    [
        pytest.param([line("10.00")], [], "10.00", {}, id="no promotion"),
        pytest.param(
            [line("9.99"), line("0.01", id_="2")],
            [percent("10")],
            "9.00",
            {},
            id="counted once over the lines: 1.00 off 10.00",
        ),
        pytest.param(
            [line("0.09")], [percent("10")], "0.09", {"off": "rounded_away"}, id="under a kopeck"
        ),
        pytest.param(
            [line("10.00")],
            [percent("10", total_min="10.01")],
            "10.00",
            {"off": "total_below_minimum"},
            id="a kopeck below the minimum",
        ),
        pytest.param(
            [line("10.00")], [percent("10", total_min="10.00")], "9.00", {}, id="at the minimum"
        ),
        pytest.param(
            [line("10.00"), line("10.00", id_="d", kind=LineKind.DELIVERY)],
            [percent("10", total_min="15.00")],
            "20.00",
            {"off": "total_below_minimum"},
            id="delivery does not count towards the minimum",
        ),
        pytest.param(
            [line("10.00")],
            [percent("10", name="a"), percent("20", name="b")],
            "7.20",
            {},
            id="each on what the earlier ones left",
        ),
        pytest.param(
            [line("10.00", "coffee")],
            [percent("10")],
            "10.00",
            {"off": "no_matching_lines"},
            id="another category",
        ),
        pytest.param(
            [line("10.00", "tea", "black")],
            [percent("10", "black", "tea")],
            "9.00",
            {},
            id="a line in two of the categories counts once",
        ),
        pytest.param(
            [line("10.00", discountable=False)],
            [percent("10")],
            "10.00",
            {"off": "not_discountable"},
            id="barred from discounts",
        ),
        pytest.param(
            [line("10.00", min_price_minor=1000)],
            [percent("10")],
            "10.00",
            {"off": "nothing_left"},
            id="at its floor",
        ),
        pytest.param(
            [line("10.00")],
            [percent("100", name="a"), percent("10", name="b")],
            "0.00",
            {"b": "nothing_left"},
            id="nothing is left for the second",
        ),
        pytest.param(
            [line("10.00")],
            [percent("10", enabled=False)],
            "10.00",
            {"off": "disabled"},
            id="switched off",
        ),
    ],
)
def test_discounts(lines, promotions, payable, refused):
    priced = price_basket(basket(*lines), plan_of(*promotions), NOBODY, NOON)

    assert format_decimal(priced.totals.payable_minor) == payable
    assert {key: reason for key, reason in reasons(priced).items() if reason} == refused


@pytest.mark.parametrize(
    ("mode", "discounts", "refused"),
    [
        # 10 % of 100.00, 20 % of 90.00, and 50 % of 72.00 in the lane after them.
        pytest.param("all", {"ten": 1000, "twenty": 1800, "half": 3600}, {}, id="all stack"),
        pytest.param(
            "best",
            {"twenty": 2000, "half": 4000},
            {"ten": "beaten_in_lane"},
            id="the best wins in its lane, then comes the next lane",
        ),
    ],
)
def test_lanes(mode, discounts, refused):
    lanes = [{"code": "main", "mode": mode}, {"code": "after", "mode": "all"}]
    plan = plan_of(
        percent("50", name="half", lane="after", priority=-5),
        percent("20", name="twenty", priority=2),
        percent("10", name="ten", priority=1),
        lanes=lanes,
    )

    priced = price_basket(basket(line("100.00")), plan, NOBODY, NOON)

    (only,) = priced.lines
    assert {taken.promotion: taken.amount_minor for taken in only.discounts} == discounts
    assert {key: reason for key, reason in reasons(priced).items() if reason} == refused


def test_equals_in_a_lane_are_won_by_the_earlier_one():
    plan = plan_of(
        percent("10", name="b"),
        percent("10", name="a"),
        lanes=[{"code": "main", "mode": "best"}],
    )

    priced = price_basket(basket(line("100.00")), plan, NOBODY, NOON)

    assert reasons(priced) == {"a": None, "b": "beaten_in_lane"}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(NOON - timedelta(microseconds=1), "not_started", id="a moment before"),
        pytest.param(NOON, None, id="from the start on"),
        pytest.param(NOON + timedelta(hours=1, microseconds=-1), None, id="up to the end"),
        pytest.param(NOON + timedelta(hours=1), "ended", id="the end is not in it"),
    ],
)
@pytest.mark.parametrize("rule", [percent, share, times])
def test_time_windows(rule, now, reason):
    window = {"starts_at": "2026-03-14T12:00:00+03:00", "ends_at": "2026-03-14T13:00:00+03:00"}
    plan = plan_of(rule("50" if rule is not times else "2", "tea", name="p", **window))

    priced = price_basket(basket(line("100.00")), plan, RICH, now)

    assert reasons(priced) == {"p": reason}


@pytest.mark.parametrize(
    ("asked", "available", "spent"),
    [
        pytest.param(None, "500.00", "0.00", id="nothing asked"),
        pytest.param("max", "500.00", "30.00", id="as much as the limit allows"),
        pytest.param("max", "12.90", "12.00", id="as much as there is, in whole steps"),
        pytest.param("20.70", "500.00", "20.00", id="lowered to the step"),
        pytest.param("500.00", "500.00", "30.00", id="held to the limit"),
        pytest.param("max", "0.00", "0.00", id="no points"),
    ],
)
def test_spend_of_a_100_rouble_basket(asked, available, spent):
    facts = MemberFacts(known=True, available_points=parse_decimal(available, 2), may_spend=True)
    wanted = asked if asked in (None, "max") else parse_decimal(asked, 2)

    priced = price_basket(basket(line("101.00"), spend=wanted), plan_of(), facts, NOON)

    assert format_decimal(priced.points.spend) == spent
    assert format_decimal(priced.totals.spend_minor) == spent


@pytest.mark.parametrize(
    ("facts", "code_required"),
    [
        pytest.param(NOBODY, False, id="unknown"),
        pytest.param(
            MemberFacts(known=True, available_points=500_00, code_required=True),
            True,
            id="known, not confirmed",
        ),
    ],
)
def test_who_may_not_spend_is_offered_nothing(facts, code_required):
    plan = plan_of(share("50", "tea"))

    priced = price_basket(basket(line("100.00"), spend="max"), plan, facts, NOON)

    assert (priced.points.spend, priced.points.spend_max) == (0, 0)
    assert priced.points.code_required is code_required
    assert reasons(priced) == {"share": "may_not_spend"}


@pytest.mark.parametrize(
    ("spending", "asked", "spent", "bounds"),
    [
        pytest.param({"min": "10.00"}, 999, 0, (1000, 3000), id="less than the least"),
        pytest.param({"min": "10.00"}, 1000, 1000, (1000, 3000), id="the least"),
        pytest.param({"min": "40.00"}, "max", 0, (4000, 0), id="the least is out of reach"),
        pytest.param(
            {"min": "10.00", "step": "25.00"}, "max", 2500, (2500, 2500), id="in steps of 25"
        ),
        pytest.param({"limit_percent": "0"}, "max", 0, (0, 0), id="spending is switched off"),
    ],
)
def test_least_and_steps(spending, asked, spent, bounds):
    plan = plan_of(spending={"limit_percent": "30"} | spending)

    priced = price_basket(basket(line("100.00"), spend=asked), plan, RICH, NOON)

    assert priced.points.spend == spent
    assert (priced.points.spend_min, priced.points.spend_max) == bounds


@pytest.mark.parametrize(
    ("promotions", "spend_max", "refused"),
    [
        pytest.param([], "60.00", {}, id="30 % of the receipt"),
        pytest.param([share("50", "tea")], "80.00", {}, id="raised for tea"),
        pytest.param([share("0", "tea")], "30.00", {}, id="lowered for tea"),
        pytest.param([share("100")], "200.00", {}, id="for everything"),
        pytest.param(
            [share("50", "tea", name="a"), share("90", "tea", name="b")],
            "80.00",
            {"b": "line_taken"},
            id="the first that names a line decides",
        ),
        pytest.param(
            [share("50", "tea", name="a"), share("90", name="b")],
            "140.00",
            {},
            id="the second sets the lines that are free",
        ),
        pytest.param(
            [share("50", "books")], "60.00", {"share": "no_matching_lines"}, id="no such goods"
        ),
    ],
)
def test_shares_payable_with_points(promotions, spend_max, refused):
    lines = (line("100.00", "tea"), line("100.00", "coffee", id_="2"))

    priced = price_basket(basket(*lines, spend="max"), plan_of(*promotions), RICH, NOON)

    assert format_decimal(priced.points.spend_max) == spend_max
    assert format_decimal(priced.totals.spend_minor) == spend_max
    assert {key: reason for key, reason in reasons(priced).items() if reason} == refused


def test_the_limit_is_taken_of_what_discounts_left_and_keeps_floors():
    plan = plan_of(percent("50"), spending={"limit_percent": "100"})
    lines = (line("100.00", min_price_minor=4500), line("100.00", id_="2"))

    priced = price_basket(basket(*lines, spend="max"), plan, RICH, NOON)

    assert [told.payable_minor for told in priced.lines] == [4500, 0]
    assert priced.totals.discount_minor == 10000
    assert priced.totals.spend_minor == 5500


def test_a_share_on_goods_that_points_may_not_pay():
    plan = plan_of(share("50", "tea"))

    priced = price_basket(basket(line("100.00", discountable=False), spend="max"), plan, RICH, NOON)

    assert reasons(priced) == {"share": "not_payable_with_points"}
    assert priced.totals.payable_minor == 100_00


@pytest.mark.parametrize(
    ("rounding", "points", "by_line"),
    [
        # 5 % of 33.30 + 33.30 + 33.00 = 4.98; the lines alone would give 1.665, 1.665, 1.65.
        pytest.param("down", 400, [134, 134, 132], id="down, once"),
        pytest.param("half_up", 500, [167, 167, 166], id="half up, once"),
        pytest.param("none", 498, [167, 166, 165], id="to the hundredth"),
    ],
)
def test_points_are_rounded_once_on_the_receipt(rounding, points, by_line):
    plan = compile_rules(parse_rules(default_rules(rounding=rounding)), 1)
    lines = (line("33.30"), line("33.30", id_="2"), line("33.00", id_="3"))

    priced = price_basket(basket(*lines), plan, NOBODY, NOON)

    assert priced.points.earn == points
    assert [told.earn_points for told in priced.lines] == by_line


@pytest.mark.parametrize(
    ("promotions", "sources", "refused"),
    [
        pytest.param([], {"base": 1000}, {}, id="base"),
        pytest.param([times("2", "tea")], {"base": 1000, "times": 500}, {}, id="double for tea"),
        pytest.param([times("1.5")], {"base": 1000, "times": 500}, {}, id="half as much again"),
        pytest.param(
            [times("2", name="a"), times("3", name="b")],
            {"base": 1000, "a": 1000, "b": 2000},
            {},
            id="multipliers add up: x4",
        ),
        pytest.param(
            [times("2", "books")],
            {"base": 1000},
            {"times": "no_matching_lines"},
            id="no such goods",
        ),
    ],
)
def test_multipliers(promotions, sources, refused):
    lines = (line("100.00", "tea"), line("100.00", "coffee", id_="2"))

    priced = price_basket(basket(*lines), plan_of(*promotions), NOBODY, NOON)

    assert {award.source: award.points for award in priced.earned} == sources
    assert {key: reason for key, reason in reasons(priced).items() if reason} == refused


def test_the_best_multiplier_of_a_lane():
    plan = plan_of(
        times("3", "tea", name="a"), times("2", name="b"), lanes=[{"code": "main", "mode": "best"}]
    )
    lines = (line("100.00", "tea"), line("300.00", "coffee", id_="2"))

    priced = price_basket(basket(*lines), plan, NOBODY, NOON)

    # Three times for tea is 10 points more, twice for all is 20 more.
    assert {award.source: award.points for award in priced.earned} == {"base": 2000, "b": 2000}
    assert reasons(priced) == {"a": "beaten_in_lane", "b": None}


def test_multiplying_what_earns_nothing():
    plan = plan_of(times("2"), earning={"percent": "5", "kinds": ["delivery"]})

    priced = price_basket(basket(line("100.00")), plan, NOBODY, NOON)

    assert priced.earned == ()
    assert reasons(priced) == {"times": "nothing_earned"}


@pytest.mark.parametrize(
    ("base", "earned"),
    [
        pytest.param("paid", 300, id="on 70.00 paid: 3.50, rounded down"),
        pytest.param("amount", 500, id="on 100.00 before points"),
        pytest.param("paid_unless_spent", 0, id="nothing, since points were spent"),
    ],
)
def test_what_the_percent_is_taken_of(base, earned):
    plan = plan_of(earning={"percent": "5", "base": base})

    priced = price_basket(basket(line("100.00"), spend="max"), plan, RICH, NOON)
    again = rate_purchase(bought(priced), plan, RICH, NOON, 3000)

    assert priced.totals.spend_minor == 3000
    assert priced.points.earn == earned
    assert sum(award.points for award in again) == earned


def test_a_purchase_is_rated_as_it_stands():
    """The shop's own split counts; a promotion in force then applies, by category."""
    plan = plan_of(times("2", "tea", ends_at="2026-03-14T12:00:01+03:00"))
    lines = [
        PurchaseLine("1", 1000, 100_00, 90_00, discount_minor=10_00, categories=("tea",)),
        PurchaseLine("2", 1000, 50_00, 50_00),
        PurchaseLine("3", 1000, 30_00, 30_00, kind=LineKind.DELIVERY),
    ]

    in_time = rate_purchase(lines, plan, NOBODY, NOON, 0)
    too_late = rate_purchase(lines, plan, NOBODY, NOON + timedelta(seconds=1), 0)

    # 5 % of 140.00 is 7 points, of the tea 4.5 more: 11.50, so 11; without the promotion 7.
    assert sum(award.points for award in in_time) == 1100
    assert [(award.source, award.by_line) for award in too_late] == [
        ("base", (("1", 450), ("2", 250)))
    ]
    assert (too_late[0].life_days, too_late[0].activation_days) == (365, 0)


def test_a_tier_of_another_version_has_the_programmes_percent():
    facts = MemberFacts(known=True, tier="platinum")

    priced = price_basket(basket(line("100.00")), plan_of(), facts, NOON)

    assert priced.points.earn == 500


@pytest.mark.parametrize(
    ("amount", "quantity", "payable", "unit"),
    [
        # 10 % off 100.00 is 90.00; three for 90.00 are 30.00 each.
        pytest.param(10000, 3000, 9000, 3000, id="a price fits"),
        # 10 % off 99.99 is 9.99, 90.00 are left.
        pytest.param(9999, 3000, 9000, 3000, id="a price fits after rounding down"),
        # 10 % off 70.00 is 7.00; seven for 63.00 are 9.00 each.
        pytest.param(7000, 7000, 6300, 900, id="seven"),
        # 10 % off 49.99 is 4.99; 45.00 are left; seven at 6.43 are 45.01.
        pytest.param(4999, 7000, 4501, 643, id="lifted by a kopeck at the discount's cost"),
    ],
)
def test_unit_prices(amount, quantity, payable, unit):
    request = basket(BasketLine("1", quantity, amount, categories=("tea",)), line_prices="unit")

    priced = price_basket(request, plan_of(percent("10")), NOBODY, NOON)

    (told,) = priced.lines
    assert (told.payable_minor, told.unit_price_minor) == (payable, unit)
    assert told.discount_minor == amount - payable
    assert sum(taken.amount_minor for taken in told.discounts) == told.discount_minor


def test_a_discount_that_unit_prices_take_back_is_not_applied():
    """1 % off 0.70 would leave 0.70 for seven: no discount of under seven kopecks is possible."""
    request = basket(BasketLine("1", 7000, 490, categories=("tea",)), line_prices="unit")

    priced = price_basket(request, plan_of(percent("1")), NOBODY, NOON)

    (told,) = priced.lines
    assert (told.payable_minor, told.discounts, told.unit_price_minor) == (490, (), 70)
    assert reasons(priced) == {"off": "rounded_away"}


def test_the_way_of_a_price_is_told_when_asked_in_full():
    plan = plan_of(percent("10"))
    request = basket(line("1000.00"), spend="max", explain="full", locale="ru")

    (told,) = price_basket(request, plan, RICH, NOON).lines

    assert [step.replace("\u00a0", " ") for step in told.trace] == [
        "Стоимость 1 000,00 ₽",
        "Off: −100,00 ₽",
        "Оплата баллами: −270,00 ₽",
        "К оплате 630,00 ₽",
        "Начисление баллов: 31",
    ]


def test_a_line_that_no_unit_price_gives_ends_at_its_own_amount():
    """0.01 % off 100.01 would leave 100.00; three at 33.34 are 100.02, more than the line."""
    request = basket(BasketLine("1", 3000, 10001, categories=("tea",)), line_prices="unit")

    (told,) = price_basket(request, plan_of(percent("0.01")), NOBODY, NOON).lines

    assert (told.payable_minor, told.discount_minor, told.unit_price_minor) == (10001, 0, None)


def test_categories_are_compared_without_regard_to_case():
    """The catalogue folds codes of categories (`ledger.md` 5); rules and lines do too."""
    rules = default_rules() | {
        "promotions": [
            {
                "id": "p_tea",
                "name": "Tea",
                "type": "percent_off",
                "lane": "main",
                "params": {"percent": "10", "categories": ["Чай"]},
            }
        ]
    }
    plan = compile_rules(parse_rules(rules), 1)
    line = BasketLine("1", 1000, 100_00, categories=("чАЙ",))
    priced = price_basket(
        QuoteRequest((line,)), plan, MemberFacts(), datetime(2026, 3, 14, tzinfo=UTC)
    )
    assert priced.totals.discount_minor == 10_00
