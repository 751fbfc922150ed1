"""Each rule type by a table of cases; `docs/pricing.md` says what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_kit.checkout import BasketLine
from loyalty_kit.money import format_decimal, parse_decimal
from tests.core.domain.test_pricing import NOBODY, NOON, basket, plan_of, promotion, reasons


def goods(amount: str, quantity: str = "1", **more: Any) -> BasketLine:
    """A line of a basket; its article is its id unless told."""
    id_ = more.pop("id_", "1")
    return BasketLine(
        id_,
        parse_decimal(quantity, 3),
        parse_decimal(amount, 2),
        **{"sku": id_, "categories": (), **more},
    )


def off(type_: str, **params: Any) -> dict[str, Any]:
    return promotion(type_, "p", params)


def case(name: str, lines: list[BasketLine], rule: dict[str, Any], off_: list[str], reason=None):
    return pytest.param(lines, rule, off_, reason, id=name)


TEA_AND_CUP = [goods("300.00", "3", id_="tea"), goods("100.00", id_="cup")]
PART = {"skus": ["tea"]}, {"skus": ["cup"]}


@pytest.mark.parametrize(
    ("lines", "rule", "discounts", "reason"),
    [
        case("percent of what is left", TEA_AND_CUP, off("percent_off", percent="10"),
             ["30.00", "10.00"]),
        case("percent of the amount", TEA_AND_CUP, off("percent_off", percent="10", of="amount"),
             ["30.00", "10.00"]),
        case("a sum once, by what is left", TEA_AND_CUP, off("sum_off", sum="50.00"),
             ["37.50", "12.50"]),
        case("a sum above all of it", TEA_AND_CUP, off("sum_off", sum="5000.00"),
             ["300.00", "100.00"]),
        case("a sum for each unit", TEA_AND_CUP, off("sum_off", sum="50.00", per="unit"),
             ["150.00", "50.00"]),
        case("for each unit no more than is left", TEA_AND_CUP,
             off("sum_off", sum="100.50", per="unit"), ["300.00", "100.00"]),
        case("for each kilogram by weight, rounded down", [goods("90.00", "0.333")],
             off("sum_off", sum="10.00", per="unit"), ["3.33"]),
        case("a sum from a total that is not reached", TEA_AND_CUP,
             off("sum_off", sum="50.00", total_min="400.01"), ["0.00", "0.00"],
             "total_below_minimum"),
        case("a fixed price", TEA_AND_CUP, off("fixed_price", price="80.00"), ["60.00", "20.00"]),
        case("a fixed price of nothing", TEA_AND_CUP, off("fixed_price", price="0"),
             ["300.00", "100.00"]),
        case("a fixed price by weight, half a kopeck up", [goods("90.00", "0.350")],
             off("fixed_price", price="100.10"), ["54.96"]),
        case("cheaper already", TEA_AND_CUP, off("fixed_price", price="100.00"),
             ["0.00", "0.00"], "cheaper_already"),
        case("what a floor refuses of a fixed price moves to no other line",
             [goods("100.00", id_="a", min_price_minor=95_00), goods("100.00", id_="b")],
             off("fixed_price", price="80.00"), ["5.00", "20.00"]),
        case("one set of one unit each", TEA_AND_CUP,
             off("set_price", price="150.00", parts=[*PART]), ["25.00", "25.00"]),
        case("a set of two units of a part", TEA_AND_CUP,
             off("set_price", price="240.00", parts=[{**PART[0], "quantity": 2}, PART[1]]),
             ["40.00", "20.00"]),
        case("as many sets as there are", [goods("700.00", "7")],
             off("set_price", price="250.00", parts=[{"quantity": 3}]), ["100.00"]),
        case("a set is not whole", TEA_AND_CUP,
             off("set_price", price="1.00", parts=[PART[0], {**PART[1], "quantity": 2}]),
             ["0.00", "0.00"], "set_not_whole"),
        case("a part of the set is not there", TEA_AND_CUP,
             off("set_price", price="1.00", parts=[PART[0], {"skus": ["pot"]}]),
             ["0.00", "0.00"], "set_not_whole"),
        case("the set costs no more already", TEA_AND_CUP,
             off("set_price", price="200.00", parts=[*PART]), ["0.00", "0.00"],
             "cheaper_already"),
        case("a unit belongs to the first part that needs it", TEA_AND_CUP,
             off("set_price", price="150.00", parts=[PART[1], {"quantity": 1}]),
             ["25.00", "25.00"]),
        case("weighed goods are in no set", [goods("90.00", "0.500"), goods("50.00", id_="2")],
             off("set_price", price="1.00", parts=[{"skus": ["1"]}]), ["0.00", "0.00"],
             "set_not_whole"),
        case("3 for 2: the cheapest of four", TEA_AND_CUP, off("each_nth", n=3),
             ["75.00", "25.00"]),
        case("3 for 2 of equal articles", TEA_AND_CUP, off("each_nth", n=3, same=True),
             ["100.00", "0.00"]),
        case("two articles by themselves bear their own",
             [goods("500.00", "5", id_="a"), goods("60.00", "6", id_="b")],
             off("each_nth", n=3, same=True), ["100.00", "20.00"]),
        case("second at half price, rounded down", [goods("0.99", id_="a"), goods("0.99", id_="b")],
             off("each_nth", n=2, percent="50"), ["0.25", "0.24"]),
        case("one article, in two cases of writing",
             [goods("100.00", id_="a", sku="TEA"), goods("100.00", id_="b", sku="tea")],
             off("each_nth", n=2, same=True), ["50.00", "50.00"]),
        case("too few units", TEA_AND_CUP, off("each_nth", n=5), ["0.00", "0.00"],
             "too_few_units"),
        case("weighed goods are not counted", [goods("90.00", "2.500")], off("each_nth", n=2),
             ["0.00"], "no_whole_units"),
        case("a scale by the basket", TEA_AND_CUP,
             off("scale_off", by="receipt", steps=[{"from": "400.00", "percent": "10"},
                                                   {"from": "0", "percent": "5"},
                                                   {"from": "400.01", "percent": "15"}]),
             ["30.00", "10.00"]),
        case("below the first step", TEA_AND_CUP,
             off("scale_off", by="receipt", steps=[{"from": "500.00", "percent": "10"}]),
             ["0.00", "0.00"], "below_first_step"),
        case("a scale by the spend of somebody unknown", TEA_AND_CUP,
             off("scale_off", by="spend", steps=[{"from": "0", "percent": "10"}]),
             ["0.00", "0.00"], "member_unknown"),
        case("goods that may not be discounted", [goods("100.00", discountable=False)],
             off("each_nth", n=2), ["0.00"], "not_discountable"),
    ],
)  # fmt: skip
def test_discounts(lines, rule, discounts, reason):
    priced = price_basket(basket(*lines), plan_of(rule), NOBODY, NOON)

    assert [format_decimal(told.discount_minor) for told in priced.lines] == discounts
    assert reasons(priced) == {"p": reason}


def test_percents_of_the_amount_add_up_and_percents_of_what_is_left_do_not():
    def two(of: str) -> int:
        rules = [promotion("percent_off", name, {"percent": "10", "of": of}) for name in ("a", "b")]
        plan = plan_of(*rules)
        return price_basket(basket(goods("100.00")), plan, NOBODY, NOON).totals.discount_minor

    assert (two("amount"), two("left")) == (20_00, 19_00)


@pytest.mark.parametrize(
    ("spent", "discount"),
    [
        pytest.param(0, 300, id="from nothing on: a discount by card"),
        pytest.param(4999_99, 300, id="a kopeck below the step"),
        pytest.param(5000_00, 500, id="at the step"),
        pytest.param(1_000_000_00, 700, id="above the last"),
    ],
)
def test_a_scale_by_spend(spent, discount):
    steps = [
        {"from": "0", "percent": "3"},
        {"from": "5000", "percent": "5"},
        {"from": "10000", "percent": "7"},
    ]
    facts = MemberFacts(known=True, spent_minor=spent)
    plan = plan_of(off("scale_off", by="spend", steps=steps))

    priced = price_basket(basket(goods("100.00")), plan, facts, NOON)

    assert priced.totals.discount_minor == discount


POINTS = {"code": "points", "name": "Points", "life_days": 365, "activation_days": 7}
MILES = {"code": "miles", "name": "Miles", "life_days": 30}


@pytest.mark.parametrize(
    ("rule", "awards", "reason"),
    [
        pytest.param(off("earn_points", points="10"), [("points", "10.00", 365, 7)], None,
                     id="so many"),
        pytest.param(off("earn_points", points="0.50", life_days=5, activation_days=0),
                     [("points", "0.50", 5, 0)], None, id="a half, with a life of its own"),
        pytest.param(off("earn_points", points="10", currency="miles"),
                     [("miles", "10.00", 30, 0)], None, id="in miles, with the life of miles"),
        pytest.param(off("earn_points", points="10", total_min="400.01"), [],
                     "total_below_minimum", id="from a total that is not reached"),
        pytest.param(off("earn_per_sum", points="7", per="150.00"), [("points", "14.00", 365, 7)],
                     None, id="two whole sums of 400.00"),
        pytest.param(off("earn_per_sum", points="7", per="400.01"), [], "below_one_sum",
                     id="less than one sum"),
        pytest.param(off("earn_per_unit", points="1.5"), [("points", "6.00", 365, 7)], None,
                     id="four units"),
        pytest.param(off("earn_per_unit", points="1", skus=["cup"], currency="miles"),
                     [("miles", "1.00", 30, 0)], None, id="one unit"),
        pytest.param(off("earn_per_unit", points="1", skus=["pot"]), [], "no_matching_lines",
                     id="no such goods"),
        pytest.param(off("earn_points", points="1", kinds=["delivery"]), [], "no_matching_lines",
                     id="no delivery"),
    ],
)  # fmt: skip
def test_points_that_a_promotion_names(rule, awards, reason):
    plan = plan_of(rule, currencies=[POINTS, MILES], earning={"percent": "0"})

    priced = price_basket(basket(*TEA_AND_CUP), plan, NOBODY, NOON)

    assert [
        (one.currency, format_decimal(one.points), one.life_days, one.activation_days)
        for one in priced.earned
    ] == awards
    assert reasons(priced) == {"p": reason}


def test_weighed_goods_give_their_part_of_the_points_for_a_unit():
    plan = plan_of(off("earn_per_unit", points="1"), earning={"percent": "0"})

    priced = price_basket(basket(goods("90.00", "0.339")), plan, NOBODY, NOON)

    assert priced.points.earn == 33


def test_goods_that_earn_nothing_earn_nothing_in_any_way():
    rules = [
        promotion("no_earn", "none", {"skus": ["cup"]}),
        promotion("earn_per_unit", "unit", {"points": "1", "skus": ["cup"]}),
        promotion("earn_multiplier", "x2", {"factor": "2"}),
        promotion("earn_points", "ten", {"points": "10"}),
    ]
    # The lane lets only the best apply; what bars does not compete in it.
    plan = plan_of(*rules, lanes=[{"code": "main", "mode": "best"}])

    priced = price_basket(basket(*TEA_AND_CUP), plan, NOBODY, NOON)

    # 15 of the programme; double is 15 more, which is better than ten.
    assert [told.earn_points for told in priced.lines] == [30_00, 0]
    assert reasons(priced) == {
        "none": None,
        "unit": "nothing_earned",
        "x2": None,
        "ten": "beaten_in_lane",
    }


def test_gifts_and_benefits_do_not_compete_in_a_lane():
    rules = [
        promotion("gift", "cup", {"sku": "CUP", "name": "A cup", "quantity": 2}),
        promotion("gift", "pot", {"sku": "POT", "name": "A pot", "total_min": "400.01"}),
        promotion("benefit", "ship", {"code": "free", "name": "Free delivery"}),
        promotion("percent_off", "ten", {"percent": "10"}),
    ]
    plan = plan_of(*rules, lanes=[{"code": "main", "mode": "best"}])

    priced = price_basket(basket(*TEA_AND_CUP), plan, NOBODY, NOON)

    assert [(gift.sku, gift.quantity_milli) for gift in priced.gifts] == [("CUP", 2000)]
    assert [benefit.code for benefit in priced.benefits] == ["free"]
    assert reasons(priced) == {
        "cup": None,
        "pot": "total_below_minimum",
        "ship": None,
        "ten": None,
    }


@pytest.mark.parametrize(
    ("first", "second", "applied"),
    [
        pytest.param({"group": "g"}, {"group": "g"}, {"second": "group_taken"}, id="one group"),
        pytest.param({"group": "g"}, {"group": "h"}, {}, id="two groups"),
        pytest.param({}, {"never_with": ["first"]}, {"second": "never_with"}, id="said by one"),
        pytest.param({"never_with": ["second"]}, {}, {"second": "never_with"}, id="by the other"),
        pytest.param({"group": "g", "enabled": False}, {"group": "g"}, {"first": "disabled"},
                     id="what does not apply excludes nobody"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("percent_off", {"percent": "10"}),
        ("gift", {"sku": "CUP", "name": "A cup"}),
        ("earn_points", {"points": "10"}),
    ],
)
def test_promotions_that_stand_apart(kind, params, first, second, applied):
    """In the order of priority; the document's own order does not matter."""
    rules = [
        promotion(kind, "second", params, priority=2, **second),
        promotion(kind, "first", params, priority=1, **first),
    ]

    priced = price_basket(basket(*TEA_AND_CUP), plan_of(*rules), NOBODY, NOON)

    assert {key: reason for key, reason in reasons(priced).items() if reason} == applied


def test_a_gift_instead_of_a_discount():
    rules = [
        promotion("percent_off", "ten", {"percent": "10", "total_min": "500.00"}),
        promotion("gift", "cup", {"sku": "CUP", "name": "A cup"}, never_with=["ten"]),
    ]

    small = price_basket(basket(*TEA_AND_CUP), plan_of(*rules), NOBODY, NOON)
    large = price_basket(
        basket(*TEA_AND_CUP, goods("100.00", id_="x")), plan_of(*rules), NOBODY, NOON
    )

    assert reasons(small) == {"cup": None, "ten": "total_below_minimum"}
    assert reasons(large) == {"cup": "never_with", "ten": None}


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        pytest.param([("percent_off", {"percent": "10"})] * 3, "line_taken", id="discounts"),
        pytest.param([("earn_multiplier", {"factor": "2"})] * 3, "line_taken", id="multipliers"),
        pytest.param([("earn_points", {"points": "1"})] * 3, "line_taken", id="points"),
    ],
)
def test_one_promotion_for_a_line(kinds, reason):
    """The first takes the cup, the second the rest, the third finds the cup taken."""
    rules = [
        promotion(kind, name, {**params, "skus": skus}, priority=place)
        for place, ((kind, params), name, skus) in enumerate(
            zip(kinds, ("a", "b", "c"), (["cup"], ["cup", "tea"], ["cup"]), strict=True)
        )
    ]
    plan = plan_of(*rules, lanes=[{"code": "main", "once_per_line": True}])

    priced = price_basket(basket(*TEA_AND_CUP), plan, NOBODY, NOON)

    assert reasons(priced) == {"a": None, "b": None, "c": reason}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        pytest.param(
            {"promotions": [promotion("earn_points", "p", {"points": "1", "currency": "gems"})]},
            {"promotions.0.params.currency": ["no such currency"]},
            id="a currency that is not there",
        ),
        pytest.param(
            {"promotions": [off("percent_off", percent="1") | {"never_with": ["p", "q"]}]},
            {
                "promotions.0.never_with.0": ["must be another promotion"],
                "promotions.0.never_with.1": ["no such promotion"],
            },
            id="never with itself or nobody",
        ),
        pytest.param(
            {
                "promotions": [
                    off("percent_off", percent="1") | {"never_with": ["x2"]},
                    promotion("earn_multiplier", "x2", {"factor": "2"}),
                ]
            },
            {"promotions.0.never_with.0": ["must be of the same step"]},
            id="a discount and points: a purchase is rated without its quote",
        ),
        pytest.param(
            {"promotions": [off("each_nth", n=1)]},
            {"promotions.0.params.n": ["must be from 2 to 1000"]},
            id="each first",
        ),
        pytest.param(
            {"promotions": [off("set_price", price="1", parts=[])]},
            {"promotions.0.params.parts": ["must have 1 to 20 items"]},
            id="a set of nothing",
        ),
        pytest.param(
            {"regulated": [{"class": "wine", "from": "2026-01-01", "floor": [{}]}]},
            {
                "regulated.0.from": ["must be an ISO 8601 time with an offset"],
                "regulated.0.floor.0.price": ["is required"],
            },
            id="a table without its price",
        ),
        pytest.param(
            {"policies": {"min_paid": [{"shops": ["main"]}]}},
            {"policies.min_paid.0.price": ["is required"]},
            id="a least price without its price",
        ),
    ],
)
def test_what_a_document_may_not_say(changes, errors):
    with pytest.raises(RulesInvalid) as refused:
        parse_rules(default_rules() | changes)

    assert refused.value.errors == errors
