"""Rows of `docs/requirements.md` about what promotions give, asked of the API as a shop would.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down, and takes
points for up to 30 percent; what a row needs else it publishes as rules of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene

POINTS = {"code": "points", "name": "Points", "value": "1.00", "life_days": 365}
MILES = {"code": "miles", "name": "Miles", "value": "1.00"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def gives(name: str, kind: str, /, *, about: dict[str, Any] | None = None, **params: Any) -> Any:
    """A promotion; `about` are its words beside type and parameters."""
    return {"id": name, "name": name, "type": kind, "params": params, **(about or {})}


def reasons(quote: Any) -> dict[str, str | None]:
    return {told["promotion"]: told["reason"] for told in quote["explanation"]}


def discounts(quote: Any) -> list[str]:
    return [line["discount"] for line in quote["lines"]]


def held_and_bought(scene: Scene, *lines: dict[str, Any], **said: Any) -> Any:
    """A basket promised by a hold and bought exactly as promised; the receipt."""
    scene.shop.post("/members", {"phone": ANNA})
    basket = a_basket(lines=[*lines], cart="c-1", member=ANNA_AT_TILL, **said)
    placed = scene.shop.post("/holds", basket)
    assert placed.status_code == 201, placed.get_json()
    hold = placed.get_json()
    bought = [
        {
            **asked,
            **{field: told[field] for field in ("amount", "discount", "spend")},
            "paid": told["payable"],
        }
        for asked, told in zip(lines, hold["quote"]["lines"], strict=True)
    ]
    return scene.bought(*bought, hold=hold["id"])


def accounts(scene: Scene) -> dict[str, str]:
    """What Anna may spend, by currency."""
    told = scene.priced(a_line(), member=ANNA_AT_TILL)["member"]
    return {"points": told["balance"]["available"]} | {
        one["currency"]: one["available"] for one in told["balances"]
    }


# --- points -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "earned"),
    [
        pytest.param("299.99", "0.00", id="less than one sum"),
        pytest.param("300.00", "7.00", id="one"),
        pytest.param("950.00", "21.00", id="three whole ones"),
    ],
)
def test_r1_a_points_for_each_b_roubles(scene, amount, earned):
    """Seven points for each 300 roubles: a rate that no percent can tell."""
    scene.publish(
        earning={"percent": "0"},
        promotions=[gives("rate", "earn_per_sum", points="7", per="300.00")],
    )

    quote = scene.priced(a_line(amount=amount), member=ANNA_AT_TILL)
    told = scene.bought(a_line(amount=amount, paid=amount))

    assert quote["points"]["earn"] == earned
    assert told["points"]["earned"] == earned
    assert scene.balance()["available"] == earned


def test_r2_points_by_number_of_items(scene):
    """3 points for 3 units of the listed article; the other article gives none."""
    scene.publish(
        earning={"percent": "0"},
        promotions=[gives("unit", "earn_per_unit", points="1", skus=["TEA-1"])],
    )
    lines = (a_line(id="1", quantity="3"), a_line(id="2", sku="CUP-1", quantity="2"))

    quote = scene.priced(*lines, member=ANNA_AT_TILL)
    told = scene.bought(*({**line, "paid": "1000.00"} for line in lines))

    assert [line["earn"] for line in quote["lines"]] == ["3.00", "0.00"]
    assert told["points"]["earned"] == "3.00"


def test_r2_a_unit_that_comes_back_takes_its_points_along(scene):
    scene.publish(
        earning={"percent": "0"},
        promotions=[gives("unit", "earn_per_unit", points="1", skus=["TEA-1"])],
    )
    scene.bought(a_line(quantity="3", amount="300.00", paid="300.00"))

    back = [{"id": "1", "quantity": "1", "paid_back": "100.00"}]
    scene.shop.post("/refunds", a_refund(amount="100.00", lines=back))

    assert scene.balance()["available"] == "2.00"


def test_r13_bonuses_with_a_short_life_are_spent_first(scene):
    """100 for the purchase, for ten days; the 50 of the programme live a year."""
    scene.publish(promotions=[gives("gift", "earn_points", points="100", life_days=10)])
    member = scene.bought(a_line(paid="1000.00"))["member"]

    lots = scene.shop.get(f"/members/{member}/lots").get_json()["items"]
    assert {(lot["amount"], lot["expires_at"]) for lot in lots} == {
        ("50.00", "2027-03-14T21:00:00+00:00"),
        ("100.00", "2026-03-24T21:00:00+00:00"),
    }

    scene.bought(a_line(spend="60.00", paid="940.00"), external_id="p-2", points_spent="60.00")
    lots = scene.shop.get(f"/members/{member}/lots").get_json()["items"]
    short = [lot for lot in lots if lot["expires_at"] == "2026-03-24T21:00:00+00:00"]
    assert sorted(lot["left"] for lot in short) == ["100.00", "40.00"]

    scene.clock.set(datetime(2026, 3, 24, 21, 0, 0, tzinfo=UTC))
    # The year's points alone: 50 of the first purchase, 47 (5 % of 940) of the second.
    assert scene.balance()["available"] == "97.00"


def test_r16_more_points_for_an_article(scene):
    """Ten points more for each kettle, and half as much again for the brand."""
    scene.publish(
        promotions=[
            gives("kettle", "earn_per_unit", points="10", skus=["KETTLE-1"]),
            gives("brand", "earn_multiplier", factor="1.5", brands=["Gold"]),
        ],
    )
    lines = (a_line(id="1", sku="KETTLE-1", quantity="2"), a_line(id="2", brand="gold"))

    quote = scene.priced(*lines, member=ANNA_AT_TILL)

    assert [line["earn"] for line in quote["lines"]] == ["70.00", "75.00"]


def test_r17_goods_barred_from_points_in_both_ways(scene):
    """The article can neither be paid with points nor earns any; the rest is as ever."""
    scene.publish(
        promotions=[
            gives("unpayable", "spend_share", percent="0", skus=["CARD-1"]),
            gives("barren", "no_earn", skus=["CARD-1"]),
            gives("x2", "earn_multiplier", factor="2"),
        ],
    )
    scene.give("900.00")
    lines = (a_line(id="1", sku="CARD-1"), a_line(id="2"))

    quote = scene.priced(*lines, member=ANNA_AT_TILL, spend="max")

    assert [line["spend"] for line in quote["lines"]] == ["0.00", "300.00"]
    # 5 % of 700.00, twice.
    assert [line["earn"] for line in quote["lines"]] == ["0.00", "70.00"]
    assert reasons(quote)["barren"] is None


def test_r35_miles_are_earned_beside_points(scene):
    """A second currency has its own account; a return takes both back."""
    scene.publish(
        currencies=[POINTS, MILES],
        promotions=[gives("fly", "earn_per_unit", points="3", currency="miles", skus=["TEA-1"])],
    )

    quote = scene.priced(a_line(quantity="2"), member=ANNA_AT_TILL)
    told = scene.bought(a_line(quantity="2", paid="1000.00"))

    assert quote["points"]["earn"] == "50.00"
    assert quote["points"]["others"] == [{"currency": "miles", "earn": "6.00"}]
    assert told["points"]["earned"] == "50.00"
    assert accounts(scene) == {"points": "50.00", "miles": "6.00"}

    back = [{"id": "1", "quantity": "1", "paid_back": "500.00"}]
    scene.shop.post("/refunds", a_refund(amount="500.00", lines=back))
    assert accounts(scene) == {"points": "25.00", "miles": "3.00"}


# --- discounts --------------------------------------------------------------------------------


def test_r11_every_kind_of_discount_then_points_then_earning(scene):
    """50 off, 10 % off 950.00, 30 % of the 855.00 with points: 256. 5 % of 599.00, and 20."""
    scene.publish(
        promotions=[
            gives("a_sum", "sum_off", sum="50.00"),
            gives("b_tenth", "percent_off", percent="10"),
            gives("c_points", "earn_points", points="20"),
        ],
    )
    scene.give("500.00")

    quote = scene.priced(a_line(), member=ANNA_AT_TILL, spend="max")

    told = quote["totals"]
    assert (told["discount"], told["spend"], told["payable"]) == ("145.00", "256.00", "599.00")
    assert quote["points"]["earn"] == "49.00"


@pytest.mark.parametrize(
    ("kind", "params", "payable"),
    [
        pytest.param("percent_off", {"percent": "10"}, "900.00", id="percent"),
        pytest.param("sum_off", {"sum": "150.00"}, "850.00", id="a sum off the receipt"),
        pytest.param("sum_off", {"sum": "20.00", "per": "unit"}, "920.00", id="off each unit"),
        pytest.param("fixed_price", {"price": "199.00"}, "796.00", id="a fixed price"),
        pytest.param("each_nth", {"n": 3}, "750.00", id="3 for 2"),
        pytest.param("each_nth", {"n": 2, "percent": "50"}, "750.00", id="second at half price"),
        pytest.param(
            "set_price",
            {"price": "399.00", "parts": [{"skus": ["TEA-1"], "quantity": 2}]},
            "798.00",
            id="the price of a set",
        ),
    ],
)
def test_r24_kinds_of_discounts(scene, kind, params, payable):
    """Four packs of tea at 250.00."""
    scene.publish(promotions=[gives("off", kind, **params)])

    quote = scene.priced(a_line(quantity="4", price="250.00"))

    assert quote["totals"]["payable"] == payable


STEPS = [
    {"from": "5000.00", "percent": "5"},
    {"from": "10000.00", "percent": "10"},
    {"from": "15000.00", "percent": "12"},
    {"from": "20000.00", "percent": "15"},
]


def test_r29_an_accumulating_discount_of_any_number_of_steps(scene):
    scene.publish(promotions=[gives("scale", "scale_off", by="spend", steps=STEPS)])

    seen = []
    for number in range(5):
        quote = scene.priced(a_line(), member=ANNA_AT_TILL)
        seen.append((quote["totals"]["discount"], reasons(quote)["scale"]))
        line = a_line(amount="5000.00", paid="5000.00")
        scene.bought(line, external_id=f"p-{number}")

    assert seen == [
        ("0.00", "member_unknown"),
        ("50.00", None),
        ("100.00", None),
        ("120.00", None),
        ("150.00", None),
    ]


def test_r29_a_return_takes_a_step_back(scene):
    scene.publish(promotions=[gives("scale", "scale_off", by="spend", steps=STEPS)])
    scene.bought(a_line(amount="5000.00", paid="5000.00"))
    assert discounts(scene.priced(a_line(), member=ANNA_AT_TILL)) == ["50.00"]

    back = [{"id": "1", "quantity": "1", "paid_back": "5000.00"}]
    scene.shop.post("/refunds", a_refund(amount="5000.00", lines=back))

    quote = scene.priced(a_line(), member=ANNA_AT_TILL)
    assert (discounts(quote), reasons(quote)) == (["0.00"], {"scale": "below_first_step"})
    assert quote["explanation"][0]["facts"] == {"missing": "5000.00"}


TIERS = [
    {"code": "silver", "name": "Silver", "spend_from": "1000.00", "earn_percent": "7"},
    {
        "code": "gold",
        "name": "Gold",
        "spend_from": "5000.00",
        "earn_percent": "10",
        "benefits": [
            {"code": "free_delivery", "name": "Free delivery"},
            {"code": "manager", "name": "A manager of your own"},
        ],
    },
]


def test_r32_privileges_of_a_tier(scene):
    scene.publish(tiers=TIERS)
    scene.bought(a_line(paid="1000.00"))
    silver = scene.priced(a_line(), member=ANNA_AT_TILL)

    scene.bought(a_line(amount="4000.00", paid="4000.00"), external_id="p-2")
    gold = scene.priced(a_line(), member=ANNA_AT_TILL)

    assert (silver["member"]["tier"]["code"], silver["benefits"]) == ("silver", [])
    assert gold["benefits"] == [
        {"promotion": None, "code": "free_delivery", "name": "Free delivery"},
        {"promotion": None, "code": "manager", "name": "A manager of your own"},
    ]


def test_r33_what_was_spent_changes_both_percents(scene):
    """Tiers by spend change the percent earned; a scale by the same spend the percent off."""
    scene.publish(
        tiers=TIERS,
        promotions=[
            gives(
                "levels",
                "scale_off",
                by="spend",
                steps=[
                    {"from": "1000.00", "percent": "3"},
                    {"from": "5000.00", "percent": "5"},
                ],
            )
        ],
    )
    scene.bought(a_line(paid="1000.00"))
    silver = scene.priced(a_line(), member=ANNA_AT_TILL)
    scene.bought(a_line(amount="4000.00", paid="4000.00"), external_id="p-2")
    gold = scene.priced(a_line(), member=ANNA_AT_TILL)

    # 7 % of 970.00 is 67.90, 10 % of 950.00 is 95.
    assert (silver["totals"]["discount"], silver["points"]["earn"]) == ("30.00", "67.00")
    assert (gold["totals"]["discount"], gold["points"]["earn"]) == ("50.00", "95.00")


# --- gifts and benefits -----------------------------------------------------------------------


def test_r43_a_gift_from_a_sum_on(scene):
    cup = gives("cup", "gift", sku="CUP-1", name="A cup", total_min="2000.00")
    scene.publish(promotions=[cup])

    less = scene.priced(a_line(amount="1999.99"))
    enough = scene.priced(a_line(amount="2000.00"), locale="en")

    assert (less["gifts"], reasons(less)) == ([], {"cup": "total_below_minimum"})
    assert enough["gifts"] == [
        {"promotion": "cup", "sku": "CUP-1", "name": "A cup", "quantity": "1"}
    ]
    assert enough["explanation"][0]["text"] == "A gift: A cup."
    assert enough["totals"]["payable"] == "2000.00"


def test_r125_named_benefits_reach_the_checkout(scene):
    ship = gives("ship", "benefit", code="free_delivery", name="Free delivery", brands=["Gold"])
    scene.publish(promotions=[ship])

    assert scene.priced(a_line(brand="Lead"))["benefits"] == []
    assert scene.priced(a_line(brand="Gold"))["benefits"] == [
        {"promotion": "ship", "code": "free_delivery", "name": "Free delivery"}
    ]


def test_r43_and_r125_a_hold_promises_them_and_the_purchase_books_the_rest(scene):
    """The gift comes as a line of its own; points and miles are those of the promise."""
    scene.shop.post("/members", {"phone": ANNA})
    scene.publish(
        currencies=[POINTS, MILES],
        promotions=[
            gives("cup", "gift", sku="CUP-1", name="A cup"),
            gives("ship", "benefit", code="free_delivery", name="Free delivery"),
            gives("fly", "earn_points", points="100", currency="miles"),
        ],
    )
    basket = a_basket(cart="c-1", member=ANNA_AT_TILL)
    hold = scene.shop.post("/holds", basket).get_json()
    again = scene.shop.get(f"/holds/{hold['id']}").get_json()
    assert [gift["sku"] for gift in again["quote"]["gifts"]] == ["CUP-1"]
    assert [one["code"] for one in again["quote"]["benefits"]] == ["free_delivery"]

    told = scene.bought(
        a_line(paid="1000.00"),
        a_line(id="gift", sku="CUP-1", amount="300.00", discount="300.00", paid="0.00"),
        hold=hold["id"],
    )

    assert told["points"]["earned"] == "50.00"
    # The line that was promised has its miles; the gift earns nothing, and not a second hundred.
    assert accounts(scene) == {"points": "50.00", "miles": "100.00"}


def test_points_that_a_promotion_names_are_given_once_though_a_hold_differs(scene):
    """Of 100 points a half belongs to the line as promised; the line that grew has the rest."""
    scene.shop.post("/members", {"phone": ANNA})
    scene.publish(
        earning={"percent": "0"}, promotions=[gives("hundred", "earn_points", points="100")]
    )
    lines = [a_line(id="1", amount="500.00"), a_line(id="2", amount="500.00")]
    basket = a_basket(lines=lines, cart="c-1", member=ANNA_AT_TILL)
    hold = scene.shop.post("/holds", basket).get_json()

    told = scene.bought(
        a_line(id="1", amount="500.00", paid="500.00"),
        a_line(id="2", quantity="2", amount="1500.00", paid="1500.00"),
        hold=hold["id"],
    )

    # Of 100 over 500 : 1500 the second line would have 75; 50 are promised for the first.
    assert told["points"]["earned"] == "100.00"


# --- stacking ---------------------------------------------------------------------------------


def test_x6_of_a_group_one_applies(scene):
    def off(name: str, percent: str, **about: Any) -> Any:
        return gives(name, "percent_off", percent=percent, about=about)

    lanes = [{"code": "first", "mode": "best"}, {"code": "then"}]
    scene.publish(
        lanes=lanes,
        promotions=[
            off("five", "5", lane="first", group="sale"),
            off("ten", "10", lane="first", group="sale"),
            off("more", "20", lane="then", group="sale"),
            off("apart", "20", lane="then", never_with=["ten"]),
            off("beside", "1", lane="then"),
        ],
    )

    quote = scene.priced(a_line(), explain="all")

    # The best of its lane, 10 %; then 1 % of 900.00.
    assert quote["totals"]["discount"] == "109.00"
    assert reasons(quote) == {
        "ten": None,
        "five": "beaten_in_lane",
        "more": "group_taken",
        "apart": "never_with",
        "beside": None,
    }


def test_x6_one_promotion_for_a_line(scene):
    """The tea has its own; what counts for everything counts for the cup alone."""
    scene.publish(
        lanes=[{"code": "main", "once_per_line": True}],
        promotions=[
            gives("a_tea", "percent_off", percent="20", skus=["TEA-1"]),
            gives("b_all", "percent_off", percent="10"),
            gives("c_tea", "sum_off", sum="1.00", skus=["TEA-1"]),
        ],
    )

    quote = scene.priced(a_line(id="1"), a_line(id="2", sku="CUP-1"), explain="all", locale="en")

    assert discounts(quote) == ["200.00", "100.00"]
    assert reasons(quote) == {"a_tea": None, "b_all": None, "c_tea": "line_taken"}
    assert quote["explanation"][2]["text"] == "Another promotion has these goods: a_tea."


# --- floors and the law -----------------------------------------------------------------------

TOBACCO = {"class": "tobacco", "discount": False, "spend": False, "earn": False}
VODKA = {
    "class": "alcohol",
    "floor": [
        {"strength_from": "28", "of_volume_ml": 500, "price": "349.00"},
        {"strength_below": "28", "of_volume_ml": 750, "price": "169.00"},
    ],
}


def test_x7_what_the_law_bars_has_no_discount_and_no_points(scene):
    scene.publish(regulated=[TOBACCO], promotions=[gives("all", "percent_off", percent="10")])
    scene.give("900.00")
    lines = (a_line(id="1", **{"class": "Tobacco"}), a_line(id="2"))

    quote = scene.priced(*lines, member=ANNA_AT_TILL, spend="max")
    alone = scene.priced(lines[0], member=ANNA_AT_TILL, locale="en")
    told = scene.bought(*({**line, "paid": "1000.00"} for line in lines))

    # 30 % of the 900.00 that are left of the other line; 5 % of 630.00.
    assert [(line["discount"], line["spend"], line["earn"]) for line in quote["lines"]] == [
        ("0.00", "0.00", "0.00"),
        ("100.00", "270.00", "31.00"),
    ]
    assert alone["explanation"][0]["reason"] == "regulated"
    assert alone["explanation"][0]["text"] == "The law allows no discount on these goods."
    assert told["points"]["earned"] == "50.00"


@pytest.mark.parametrize(
    ("strength", "volume", "payable"),
    [
        pytest.param("40", 500, "349.00", id="vodka, half a litre"),
        pytest.param("40", 700, "488.60", id="vodka, 0.7"),
        pytest.param("28", 250, "174.50", id="just strong enough, a quarter"),
        pytest.param("27.99", 750, "169.00", id="wine"),
        pytest.param(None, 500, "600.00", id="no strength told: not lowered"),
        pytest.param("40", None, "600.00", id="no volume told: not lowered"),
    ],
)
def test_x7_a_least_price_by_volume_and_strength(scene, strength, volume, payable):
    """90 % off, and points for all that is left: the floor holds against both."""
    scene.publish(
        regulated=[VODKA],
        spending={"limit_percent": "100", "step": "0.01"},
        promotions=[gives("all", "percent_off", percent="60")],
    )
    scene.give("900.00")
    line = a_line(amount="600.00", strength=strength, volume_ml=volume, **{"class": "alcohol"})

    quote = scene.priced(line, member=ANNA_AT_TILL, spend="max")

    assert quote["totals"]["payable"] == payable


def test_x7_tables_are_dated(scene):
    """In force from a minute on; a purchase is rated by its own time, whenever it is told."""
    begins = "2026-03-14T16:00:00+03:00"
    scene.publish(regulated=[{**TOBACCO, "from": begins}])
    line = a_line(**{"class": "tobacco"})
    before = scene.priced(line, member=ANNA_AT_TILL)

    scene.clock.set(datetime(2026, 3, 14, 13, 0, 0, tzinfo=UTC))
    since = scene.priced(line, member=ANNA_AT_TILL)
    paid = {**line, "paid": "1000.00"}
    late = scene.shop.post(
        "/purchases", a_purchase(occurred_at="2026-03-14T15:59:59+03:00", lines=[paid])
    ).get_json()
    new = scene.bought(paid, external_id="p-2")

    assert (before["points"]["earn"], since["points"]["earn"]) == ("50.00", "0.00")
    assert (late["points"]["earned"], new["points"]["earned"]) == ("50.00", "0.00")


def test_x7_the_class_is_known_from_the_catalogue(scene):
    """Though the line tells its categories: what is barred must not depend on the shop's pains."""
    scene.shop.post(
        "/programmes/shop/products",
        {"items": [{"sku": "CIG-1", "name": "Cigarettes", "categories": [], "class": "tobacco"}]},
    )
    scene.publish(regulated=[TOBACCO], promotions=[gives("all", "percent_off", percent="10")])
    line = a_line(sku="CIG-1", categories=["till"])

    quote = scene.priced(line, member=ANNA_AT_TILL)
    told = scene.bought({**line, "paid": "1000.00"})

    assert (quote["totals"]["discount"], quote["points"]["earn"]) == ("0.00", "0.00")
    assert told["points"]["earned"] == "0.00"


def test_x7_volume_and_strength_are_known_from_the_catalogue(scene):
    """Half a litre at 40 %: not below 349.00, which neither till nor shop has to say."""
    spirit = {"sku": "SPIRIT", "name": "Spirit", "class": "alcohol"}
    items = [{**spirit, "strength": "40", "volume_ml": 500}, {**spirit, "sku": "NAMELESS"}]
    scene.shop.post("/programmes/shop/products", {"items": items})
    scene.shop.post("/programmes/shop/products", {"items": [{"sku": "SPIRIT", "name": "New"}]})
    scene.publish(regulated=[VODKA], promotions=[gives("all", "percent_off", percent="60")])

    known = scene.priced(a_line(sku="SPIRIT", amount="600.00", categories=["drinks"]))
    unknown = scene.priced(a_line(sku="NAMELESS", amount="600.00"))

    assert known["totals"]["payable"] == "349.00"
    assert unknown["totals"]["payable"] == "600.00"


@pytest.mark.parametrize(
    ("shop_code", "sku", "payable"),
    [
        pytest.param("main", "TEA-1", "1.00", id="as everywhere"),
        pytest.param("main", "CUP-1", "0.00", id="the article needs nothing"),
        pytest.param("kiosk", "TEA-1", "0.01", id="in the other shop"),
    ],
)
def test_x8_the_least_that_is_paid_for_a_line(scene, shop_code, sku, payable):
    scene.shop.post("/programmes/shop/shops", {"code": "kiosk", "name": "Kiosk"})
    scene.publish(
        policies={
            "min_paid": [
                {"price": "0.00", "skus": ["CUP-1"]},
                {"price": "0.01", "shops": ["kiosk"]},
                {"price": "1.00"},
            ]
        },
        spending={"limit_percent": "100", "step": "0.01"},
        promotions=[gives("half", "percent_off", percent="50")],
    )
    scene.give("900.00")

    quote = scene.priced(a_line(sku=sku), member=ANNA_AT_TILL, spend="max", shop=shop_code)

    assert quote["totals"]["payable"] == payable
    assert quote["totals"]["discount"] == "500.00"


def test_x8_what_a_line_cannot_take_moves_to_the_others(scene):
    """Half off both; a rouble of the pen must be paid, so the bag takes what the pen cannot."""
    scene.publish(
        policies={"min_paid": [{"price": "1.00"}]},
        promotions=[gives("sum", "sum_off", sum="101.00")],
    )

    quote = scene.priced(a_line(id="1", amount="1.50"), a_line(id="2", amount="100.50"))

    # 101.00 by 1.50 : 100.50 would be 1.49 and 99.51; the pen gives 0.50, the bag 99.50.
    assert discounts(quote) == ["0.50", "99.50"]
    assert [line["payable"] for line in quote["lines"]] == ["1.00", "1.00"]


def test_x8_a_line_in_two_parts_for_tills_that_can_take_it(scene):
    """5 % off 99.99 leaves 95.00 for three: one at 31.66, two at 31.67; weighed goods stay."""
    scene.publish(promotions=[gives("off", "percent_off", percent="5", skus=["TEA-1"])])
    lines = (
        a_line(id="1", quantity="3", amount="99.99"),
        a_line(id="2", sku="CHEESE", quantity="3.500", amount="1.00"),
        a_line(id="3", sku="CUP-1"),
    )

    asked = scene.priced(*lines, split_lines=True)["lines"]
    plain = scene.priced(*lines)["lines"]

    assert [line["unit_price"] for line in asked] == [None, None, "1000.00"]
    assert asked[0]["parts"] == [
        {"quantity": "1", "payable": "31.66", "unit_price": "31.66"},
        {"quantity": "2", "payable": "63.34", "unit_price": "31.67"},
    ]
    assert ["parts" in line for line in asked] == [True, False, False]
    assert not any("parts" in line for line in plain)


def test_bought_as_promised_earns_as_promised(scene):
    scene.publish(
        promotions=[
            gives("third", "each_nth", n=3),
            gives("rate", "earn_per_sum", points="7", per="300.00"),
        ],
    )
    told = held_and_bought(scene, a_line(quantity="3", amount="1200.00"))

    # 800.00 paid: 40 of the programme, and twice seven.
    assert told["points"]["earned"] == "54.00"
    assert scene.balance(ANNA)["available"] == "54.00"
