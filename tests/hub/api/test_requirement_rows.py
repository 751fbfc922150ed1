"""Rows of `docs/requirements.md`, each asked of the API as a shop would ask it.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down, and takes
points for up to 30 percent; what a row needs else it publishes as rules of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of
from tests.support.clock import FixedClock

RULES = "/programmes/shop/rules"
ANNA_AT_TILL = {"phone": ANNA, "verified": True}
NOTHING = {"available": "0.00", "pending": "0.00", "held": "0.00", "debt": "0.00"}


class Scene:
    """The shop at its till, and the clock on its wall."""

    def __init__(self, shop: Caller, clock: FixedClock) -> None:
        self.shop = shop
        self.clock = clock

    def publish(self, **changes: Any) -> None:
        """Changed sections are merged into those in force; lists replace them."""
        rules = self.shop.get(RULES).get_json()
        for section, said in changes.items():
            rules[section] = {**rules.get(section, {}), **said} if isinstance(said, dict) else said
        drafted = self.shop.put(RULES, rules)
        assert drafted.status_code == 201, drafted.get_json()
        published = self.shop.post(f"{RULES}/publish", {"draft": drafted.get_json()["draft"]})
        assert published.status_code == 200
        self.clock.advance(seconds=1)

    def publish_points(self, **changes: Any) -> None:
        (points,) = self.shop.get(RULES).get_json()["currencies"]
        self.publish(currencies=[{**points, **changes}])

    def bought(self, *lines: dict[str, Any], **said: Any) -> Any:
        """A purchase of Anna's, now."""
        now = self.clock.now().isoformat()
        answer = self.shop.post("/purchases", a_purchase(occurred_at=now, lines=[*lines], **said))
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()

    def priced(self, *lines: dict[str, Any], **said: Any) -> Any:
        answer = self.shop.post("/quotes", a_basket(lines=[*lines], **said))
        assert answer.status_code == 200, answer.get_json()
        assert answer.get_json()["degraded"] is False
        return answer.get_json()

    def balance(self, phone: str = ANNA) -> dict[str, str]:
        found = self.shop.get(f"/members?phone={phone.replace('+', '%2B')}").get_json()["items"]
        return found[0]["balance"]

    def give(self, points: str, phone: str = ANNA) -> None:
        """A new member who was given so many."""
        member = self.shop.post("/members", {"phone": phone}).get_json()["id"]
        given = self.shop.post(
            f"/members/{member}/adjustments",
            {"amount": points, "reason": "gift"},
            headers={"Idempotency-Key": f"gift to {phone}"},
        )
        assert given.status_code == 201


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def promotion(name: str, kind: str, **said: Any) -> dict[str, Any]:
    window = {field: said.pop(field) for field in ("starts_at", "ends_at") if field in said}
    return {"id": name, "name": name, "type": kind, "params": said, **window}


@pytest.mark.parametrize(
    ("rounding", "amount", "earned"),
    [
        pytest.param("down", "1000.00", "100.00", id="a round receipt"),
        pytest.param("down", "1009.90", "100.00", id="rounded down to whole points"),
        pytest.param("half_up", "1005.00", "101.00", id="rounded half up to whole points"),
        pytest.param("none", "1009.90", "100.99", id="hundredths kept"),
    ],
)
def test_r1_points_by_amount(scene, rounding, amount, earned):
    """Ten points for each hundred roubles."""
    scene.publish(earning={"percent": "10"})
    scene.publish_points(rounding=rounding)

    told = scene.bought(a_line(amount=amount, paid=amount))

    assert told["points"]["earned"] == earned
    assert scene.balance()["available"] == earned


def test_r3_a_purchase_alone_changes_the_balance(scene):
    assert scene.shop.get("/members?phone=%2B79161234567").get_json() == {"items": []}

    scene.bought(a_line(paid="1000.00"))

    assert scene.balance()["available"] == "50.00"


def test_r4_cashback_is_of_what_was_really_paid(scene):
    """1000 roubles less 100 of discount and 200 paid with points: 5 % of 700."""
    scene.give("200.00")

    told = scene.bought(
        a_line(amount="1000.00", discount="100.00", spend="200.00", paid="700.00"),
        points_spent="200.00",
    )

    assert told["points"]["earned"] == "35.00"
    assert scene.balance()["available"] == "35.00"


@pytest.mark.parametrize(
    ("value", "money", "payable", "earned"),
    [
        pytest.param("1.00", "100.00", "900.00", "45.00", id="a rouble"),
        pytest.param("0.50", "50.00", "950.00", "95.00", id="half a rouble"),
        pytest.param("2.00", "200.00", "800.00", "20.00", id="two roubles"),
    ],
)
def test_r6_the_value_of_a_point_converts_both_ways(scene, value, money, payable, earned):
    """100 points become money in the quote, and that money the same points on the receipt."""
    scene.publish_points(value=value)
    scene.give("500.00")

    quote = scene.priced(a_line(), member=ANNA_AT_TILL, spend="100.00")
    told = scene.bought(a_line(spend=money, paid=payable))

    assert quote["points"]["spend"] == "100.00"
    assert quote["totals"]["spend"] == money
    assert quote["totals"]["payable"] == payable
    assert quote["points"]["earn"] == earned
    assert told["points"]["spent"] == "100.00"
    assert told["points"]["earned"] == earned


def test_r7_points_pay_a_share_of_the_receipt(scene):
    scene.give("900.00")

    for asked in ("max", "500.00"):
        points = scene.priced(a_line(), member=ANNA_AT_TILL, spend=asked)["points"]
        assert (points["spend"], points["spend_max"]) == ("300.00", "300.00")

    scene.publish(spending={"limit_percent": "50"})
    assert scene.priced(a_line(), member=ANNA_AT_TILL, spend="max")["points"]["spend"] == "500.00"


def test_r11_discounts_then_points_then_earning(scene):
    """10 % off 1000; 30 % of the 900 left with points; 5 % of the 630 paid, rounded down."""
    scene.publish(promotions=[promotion("tea", "percent_off", percent="10", categories=["tea"])])
    scene.give("500.00")

    quote = scene.priced(a_line(categories=["tea"]), member=ANNA_AT_TILL, spend="max")

    assert quote["totals"] == {
        "amount": "1000.00",
        "discount": "100.00",
        "spend": "270.00",
        "payable": "630.00",
        "certificates": "0.00",
        "to_pay": "630.00",
    }
    assert quote["points"]["earn"] == "31.00"


def test_r12_points_expire_at_the_local_midnight_that_ends_their_last_day(scene):
    """Bought on 14 March in Moscow, for ten days: to the end of 24 March there."""
    scene.publish_points(life_days=10)
    member = scene.bought(a_line(paid="1000.00"))["member"]
    (lot,) = scene.shop.get(f"/members/{member}/lots").get_json()["items"]
    assert lot["expires_at"] == "2026-03-24T21:00:00+00:00"

    scene.clock.set(datetime(2026, 3, 24, 20, 59, 59, tzinfo=UTC))
    assert scene.balance()["available"] == "50.00"
    scene.clock.advance(seconds=1)
    assert scene.balance()["available"] == "0.00"
    hold = a_basket(cart="c-1", member=ANNA_AT_TILL, spend="1.00")
    assert code_of(scene.shop.post("/holds", hold)) == (409, "not_enough_points")


def test_r16_more_points_for_a_category(scene):
    """5 % of 1000 each: 50 for the tea, 50 and a tenth more for the kettle."""
    scene.publish(
        promotions=[promotion("k", "earn_multiplier", factor="1.10", categories=["kettles"])],
    )
    lines = (
        a_line(id="kettle", categories=["kettles"]),
        a_line(id="tea", categories=["tea"]),
    )

    quote = scene.priced(*lines, member=ANNA_AT_TILL)
    told = scene.bought(*({**line, "paid": "1000.00"} for line in lines))

    assert [line["earn"] for line in quote["lines"]] == ["55.00", "50.00"]
    assert told["points"]["earned"] == "105.00"


@pytest.mark.parametrize(
    ("category", "spent"),
    [
        pytest.param("tea", "500.00", id="raised"),
        pytest.param("wine", "0.00", id="lowered"),
        pytest.param("cups", "300.00", id="as the receipt"),
    ],
)
def test_r17_another_share_payable_with_points_for_a_category(scene, category, spent):
    scene.publish(
        promotions=[
            promotion("more", "spend_share", percent="50", categories=["tea"]),
            promotion("less", "spend_share", percent="0", categories=["wine"]),
        ],
    )
    scene.give("900.00")

    quote = scene.priced(a_line(categories=[category]), member=ANNA_AT_TILL, spend="max")

    assert quote["points"]["spend"] == spent


def test_r20_a_category_earns_more_with_all_below_it(scene):
    """The goods are known by article alone; green tea lies below tea, a cup does not."""
    scene.shop.post(
        "/programmes/shop/categories",
        {
            "items": [
                {"code": "green", "name": "Green", "parent": "tea"},
                {"code": "tea", "name": "Tea"},
                {"code": "dishes", "name": "Dishes"},
            ]
        },
    )
    scene.shop.post(
        "/programmes/shop/products",
        {
            "items": [
                {"sku": "SENCHA", "name": "Sencha", "categories": ["green"]},
                {"sku": "CUP", "name": "Cup", "categories": ["dishes"]},
            ]
        },
    )
    scene.publish(promotions=[promotion("x2", "earn_multiplier", factor="2", categories=["tea"])])
    lines = (a_line(id="1", sku="SENCHA"), a_line(id="2", sku="CUP"))

    quote = scene.priced(*lines, member=ANNA_AT_TILL)
    told = scene.bought(*({**line, "paid": "1000.00"} for line in lines))

    assert [line["earn"] for line in quote["lines"]] == ["100.00", "50.00"]
    assert told["points"]["earned"] == "150.00"


def test_r26_a_sale_needs_no_code_and_ends_by_itself(scene):
    sale = promotion(
        "sale",
        "percent_off",
        percent="10",
        categories=["tea"],
        ends_at="2026-03-15T00:00:00+03:00",
    )
    scene.publish(promotions=[sale])

    today = scene.priced(a_line(categories=["tea"]))
    scene.clock.advance(hours=9)
    tomorrow = scene.priced(a_line(categories=["tea"]))

    assert today["totals"]["discount"] == "100.00"
    assert today["lines"][0]["discounts"] == [
        {"promotion": "sale", "name": "sale", "amount": "100.00"}
    ]
    assert tomorrow["totals"]["discount"] == "0.00"


def test_r74_a_tree_of_categories_of_any_depth(scene):
    levels = [f"level-{depth}" for depth in range(40)]
    tree = [
        {"code": code, "name": code, "parent": above}
        for code, above in zip(levels, [None, *levels], strict=False)
    ]
    saved = scene.shop.post("/programmes/shop/categories", {"items": tree})
    assert saved.get_json() == {"saved": 40}
    leaf = {"sku": "LEAF", "name": "Leaf", "categories": [levels[-1]]}
    scene.shop.post("/programmes/shop/products", {"items": [leaf]})
    root = promotion("root", "percent_off", percent="10", categories=[levels[0]])
    scene.publish(promotions=[root])

    listed = scene.shop.get("/programmes/shop/categories").get_json()["items"]
    quote = scene.priced(a_line(sku="LEAF"))

    assert {told["code"]: told.get("parent") for told in listed} == {
        told["code"]: told["parent"] for told in tree
    }
    assert quote["totals"]["discount"] == "100.00"


def test_r77_the_history_of_purchases_names_the_goods(scene):
    member = scene.bought(
        a_line(id="1", sku="TEA-1", name="Tea", quantity="2", amount="400.00", paid="400.00"),
        a_line(id="2", sku="CUP-1", name="Cup", quantity="1", amount="600.00", paid="600.00"),
    )["member"]
    back = [{"id": "1", "quantity": "1", "paid_back": "200.00"}]
    scene.shop.post("/refunds", a_refund(amount="200.00", lines=back))

    (purchase,) = scene.shop.get(f"/members/{member}/purchases").get_json()["items"]
    told = [
        (line["sku"], line["quantity"], line["paid"], line["earned"], line["returned_quantity"])
        for line in purchase["lines"]
    ]

    assert told == [("TEA-1", "2", "400.00", "20.00", "1"), ("CUP-1", "1", "600.00", "30.00", "0")]


def test_x1_earned_points_wait_out_the_return_window(scene):
    scene.publish_points(activation_days=14)
    scene.bought(a_line(paid="1000.00"))
    scene.bought(a_line(paid="1000.00"), external_id="p-2")
    assert scene.balance() == {**NOTHING, "pending": "100.00"}

    scene.shop.post("/refunds", a_refund())
    assert scene.balance() == {**NOTHING, "pending": "50.00"}
    scene.clock.advance(days=13, hours=23)
    assert scene.balance() == {**NOTHING, "pending": "50.00"}
    scene.clock.advance(hours=1)
    assert scene.balance() == {**NOTHING, "available": "50.00"}


def test_x2_a_hold_that_nobody_confirms_dies(scene):
    scene.give("500.00")
    wanted = a_basket(cart="c-1", member=ANNA_AT_TILL, spend="100.00", ttl_s=60)
    hold = scene.shop.post("/holds", wanted).get_json()
    assert scene.balance() == {**NOTHING, "available": "400.00", "held": "100.00"}

    scene.clock.advance(seconds=59)
    assert scene.balance()["held"] == "100.00"
    scene.clock.advance(seconds=1)

    assert scene.balance() == {**NOTHING, "available": "500.00"}
    assert scene.shop.get(f"/holds/{hold['id']}").get_json()["state"] == "released"


def tea_and_cup(phone: str, no: int) -> dict[str, Any]:
    """Two packs of tea for 400, of which 100 paid with points, and a cup for 600."""
    tea = a_line(id="tea", sku="TEA", quantity="2", amount="400.00", spend="100.00", paid="300.00")
    cup = a_line(id="cup", sku="CUP", amount="600.00", paid="600.00")
    return a_purchase(
        external_id=f"p-{no}",
        occurred_at="2026-03-14T14:00:00+03:00",
        customer={"phone": phone},
        lines=[tea, cup],
        points_spent="100.00",
    )


def test_x3_returns_by_line_in_any_order_gain_and_lose_nothing(scene):
    """Two partial returns, also before their sale: 500 points before, 500 after."""
    for no, order in enumerate(permutations(("sale", "one tea", "the rest"))):
        phone = f"+7916000000{no}"
        scene.give("500.00", phone)
        pack = {"id": "tea", "quantity": "1", "paid_back": "150.00"}
        cup = {"id": "cup", "quantity": "1", "paid_back": "600.00"}
        back = {"purchase": f"p-{no}", "occurred_at": "2026-03-14T14:30:00+03:00"}
        told = {
            "sale": ("/purchases", tea_and_cup(phone, no)),
            "one tea": (
                "/refunds",
                a_refund(external_id=f"a-{no}", amount="150.00", lines=[pack], **back),
            ),
            "the rest": (
                "/refunds",
                a_refund(external_id=f"b-{no}", amount="750.00", lines=[pack, cup], **back),
            ),
        }

        answers = {step: scene.shop.post(*told[step]).status_code for step in order}

        early = order[: order.index("sale")]
        assert answers == {step: 202 if step in early else 201 for step in order}
        assert scene.balance(phone) == {**NOTHING, "available": "500.00"}, order


def test_x3_one_line_back_takes_its_own_part(scene):
    """45 earned and 100 spent; one pack of two: 7.50 of the one, 50 of the other."""
    scene.give("500.00")
    scene.shop.post("/purchases", tea_and_cup(ANNA, 1))
    assert scene.balance()["available"] == "445.00"

    pack = {"id": "tea", "quantity": "1", "paid_back": "150.00"}
    told = scene.shop.post("/refunds", a_refund(amount="150.00", lines=[pack])).get_json()

    assert (told["points"]["clawed_back"], told["points"]["given_back"]) == ("7.50", "50.00")
    assert scene.balance()["available"] == "487.50"


def test_x3_a_return_without_a_reference(scene):
    """Found by member, goods and sum; where there is no such sale no points move."""
    scene.give("500.00")
    scene.shop.post("/purchases", tea_and_cup(ANNA, 1))
    cup = {"sku": "CUP", "quantity": "1", "paid_back": "600.00"}
    nameless = {"purchase": None, "customer": {"phone": ANNA}, "amount": "600.00"}

    found = scene.shop.post("/refunds", a_refund(lines=[cup], **nameless))
    again = scene.shop.post("/refunds", a_refund(external_id="r-2", lines=[cup], **nameless))

    assert (found.status_code, found.get_json()["points"]["clawed_back"]) == (201, "30.00")
    assert (again.status_code, again.get_json()["flags"]) == (202, ["no_match"])
    assert scene.balance()["available"] == "415.00"


@pytest.mark.parametrize(
    ("policies", "debt"),
    [
        ({"negative_balance": "clamp"}, "0.00"),
        ({"negative_balance": "allow"}, "50.00"),
        ({"negative_balance": "allow", "most_debt": "20.00"}, "20.00"),
    ],
)
def test_x4_points_below_zero_as_the_programme_declares(scene, policies, debt):
    """50 earned, 50 spent, and the goods that earned them come back."""
    scene.publish(policies=policies)
    scene.bought(a_line(paid="1000.00"))
    spent = a_line(amount="50.00", spend="50.00", paid="0.00")
    scene.bought(spent, external_id="p-2", points_spent="50.00")
    assert scene.balance() == NOTHING

    now = scene.clock.now().isoformat()
    assert scene.shop.post("/refunds", a_refund(occurred_at=now)).status_code == 201

    assert scene.balance() == {**NOTHING, "debt": debt}


def test_x4_a_floor_without_debts_is_refused(scene):
    rules = scene.shop.get(RULES).get_json()
    rules["policies"] |= {"negative_balance": "clamp", "most_debt": "20.00"}

    told = scene.shop.post(f"{RULES}/check", rules).get_json()

    assert told["errors"] == {"policies.most_debt": ["only where points may go below zero"]}


def test_x8_a_discount_is_split_to_the_kopeck(scene):
    """10 % of 100.00 over three lines; 30 % of what is left with points."""
    scene.publish(promotions=[promotion("tea", "percent_off", percent="10", categories=["tea"])])
    scene.give("500.00")
    lines = [
        a_line(id=str(no), amount=amount, categories=["tea"])
        for no, amount in enumerate(("33.33", "33.33", "33.34"))
    ]

    quote = scene.priced(*lines, member=ANNA_AT_TILL, spend="max")

    parts = [(line["discount"], line["spend"], line["payable"]) for line in quote["lines"]]
    assert parts == [
        ("3.33", "9.00", "21.00"),
        ("3.33", "9.00", "21.00"),
        ("3.34", "9.00", "21.00"),
    ]
    totals = quote["totals"]
    assert (totals["discount"], totals["spend"], totals["payable"]) == ("10.00", "27.00", "63.00")


def test_x8_a_price_per_unit_gives_the_line_back(scene):
    """5 % off 99.99 leaves 95.00, which is no price for three; 3 x 31.67 is 95.01."""
    scene.publish(promotions=[promotion("tea", "percent_off", percent="5", categories=["tea"])])
    line = a_line(quantity="3", price="33.33", amount="99.99", categories=["tea"])

    by_total = scene.priced(line)["lines"][0]
    by_unit = scene.priced(line, line_prices="unit")["lines"][0]

    assert (by_total["discount"], by_total["payable"]) == ("4.99", "95.00")
    assert by_total["unit_price"] is None
    assert (by_unit["discount"], by_unit["payable"]) == ("4.98", "95.01")
    assert by_unit["unit_price"] == "31.67"


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        pytest.param(
            "en",
            {
                "tea": "Discount of 100.00\u00a0₽.",
                "big": "Goods for 4,000.00\u00a0₽ more are needed.",
                "cups": "There are no goods of this promotion in the basket.",
                "share": "Points cannot be spent here: the member is not known or not confirmed.",
                "x2": "Extra points: 45.",
            },
            id="English",
        ),
        pytest.param(
            "ru",
            {
                "tea": "Скидка 100,00\u00a0₽.",
                "big": "Не хватает товаров на 4\u00a0000,00\u00a0₽.",
                "cups": "В корзине нет товаров этой акции.",
                "share": "Списать баллы нельзя: участник не определён или не подтверждён.",
                "x2": "Дополнительно баллов: 45.",
            },
            id="Russian",
        ),
    ],
)
def test_x9_every_promotion_in_force_is_explained_in_words(scene, locale, texts):
    def off(name: str, category: str, **more: Any) -> dict[str, Any]:
        return promotion(name, "percent_off", percent="10", categories=[category], **more)

    scene.publish(
        promotions=[
            off("tea", "tea"),
            off("big", "tea", total_min="5000.00"),
            off("cups", "cups"),
            promotion("share", "spend_share", percent="50", categories=["tea"]),
            promotion("x2", "earn_multiplier", factor="2", categories=["tea"]),
        ],
    )

    quote = scene.priced(a_line(categories=["tea"]), locale=locale, explain="all")

    assert {told["promotion"]: told["text"] for told in quote["explanation"]} == texts
    assert {told["promotion"] for told in quote["explanation"] if told["applied"]} == {"tea", "x2"}
