"""Rows of `docs/requirements.md` about conditions, each asked of the API as a shop would ask it.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down, and takes
points for up to 30 percent.  The clock stands at noon in UTC of Saturday, 14 March 2026, which
is three in the afternoon in Moscow, the zone of the programme.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import members
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, RULES, Scene, promotion

TEN_OFF = {"percent": "10"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def when(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    said = {} if value is None else {"value": value}
    return {"field": field, "is": operator, **said, **more}


def conditional(tree: dict[str, Any], kind: str = "percent_off", **params: Any) -> dict[str, Any]:
    """One promotion under a condition: 10 percent off everything unless told otherwise."""
    return promotion("p", kind, **(params or TEN_OFF)) | {"when": tree}


def discount(told: dict[str, Any]) -> str:
    off: str = told["totals"]["discount"]
    return off


def told_of(quote: dict[str, Any], name: str = "p") -> dict[str, Any]:
    (told,) = [one for one in quote["explanation"] if one["promotion"] == name]
    return told


def lines(*quantities: str, **said: Any) -> list[dict[str, Any]]:
    return [
        a_line(id=str(number), sku=f"A-{number}", quantity=quantity, amount="1000.00", **said)
        for number, quantity in enumerate(quantities)
    ]


@pytest.mark.parametrize(
    ("tree", "met", "unmet"),
    [
        pytest.param(
            when("basket.of_one_kind", "at_least", "2"),
            lines("2"),
            lines("1", "1"),
            id="two equal goods",
        ),
        pytest.param(
            when("basket.positions", "at_least", 3),
            lines("1", "1", "1"),
            lines("3", "1"),
            id="three positions in one order",
        ),
        pytest.param(
            when("basket.quantity", "at_least", "3", goods={"classes": ["toys"]}),
            lines("2", "1", **{"class": "toys"}),
            lines("2", "1", **{"class": "food"}),
            id="three goods of a class",
        ),
    ],
)
def test_r18_double_points_under_a_condition(scene, tree, met, unmet):
    """Doubled 5 % of 1000 a line; the receipt without a hold earns what the quote told."""
    scene.publish(promotions=[conditional(tree, "earn_multiplier", factor="2")])
    scene.shop.post("/members", {"phone": ANNA})

    for number, (basket, each) in enumerate(((met, 100), (unmet, 50))):
        earned = f"{each * len(basket)}.00"
        quote = scene.priced(*basket, member=ANNA_AT_TILL)
        bought = [line | {"paid": line["amount"]} for line in basket]
        told = scene.bought(*bought, external_id=f"p-{number}")

        assert quote["points"]["earn"] == earned
        assert told["points"]["earned"] == earned


def from_template(scene: Scene, code: str) -> dict[str, Any]:
    """The sections of a template, switched on, as an owner puts them into the document."""
    told = scene.shop.get("/rules.templates.json").get_json()["items"]
    (part,) = [one["part"] for one in told if one["code"] == code]
    return {**part, "promotions": [one | {"enabled": True} for one in part["promotions"]]}


@pytest.mark.parametrize(
    ("code", "met", "unmet"),
    [
        ("double_for_two_equal", lines("2"), lines("1", "1")),
        ("double_for_positions", lines(*"11111"), lines(*"1111")),
        ("double_for_goods", lines("3", categories=["tea"]), lines("3", categories=["cups"])),
    ],
)
def test_r18_each_of_the_conditions_is_a_ready_template(scene, code, met, unmet):
    scene.publish(**from_template(scene, code))

    for basket, each in ((met, 100), (unmet, 50)):
        quote = scene.priced(*basket, member=ANNA_AT_TILL)
        assert quote["points"]["earn"] == f"{each * len(basket)}.00"


@pytest.mark.parametrize(
    ("kind", "params", "gives"),
    [
        ("percent_off", TEN_OFF, lambda told: told["totals"]["discount"] != "0.00"),
        (
            "spend_share",
            {"percent": "90"},
            lambda told: told["points"]["spend_max"] == "900.00",
        ),
        ("earn_multiplier", {"factor": "2"}, lambda told: told["points"]["earn"] == "100.00"),
    ],
)
@pytest.mark.parametrize(
    ("goods", "line"),
    [
        ({"skus": ["tea-1", "tea-2"]}, a_line(sku="TEA-2")),
        ({"categories": ["drinks"]}, a_line(categories=["tea", "drinks"])),
        ({"brands": ["gold"], "except_attributes": ["sale"]}, a_line(brand="Gold")),
    ],
    ids=["a list of articles", "a category", "a brand but not its sale"],
)
def test_r19_any_rule_may_ask_for_goods(scene, kind, params, gives, goods, line):
    scene.publish(
        promotions=[
            conditional(when("basket.positions", "at_least", 1, goods=goods), kind, **params)
        ]
    )
    scene.give("1000.00")
    other = a_line(sku="CUP", categories=["cups"], brand="Silver", attributes=["sale"])

    assert gives(scene.priced(line, member=ANNA_AT_TILL))
    assert not gives(scene.priced(other, member=ANNA_AT_TILL))


def test_r25_a_card_gives_the_discount_at_the_shop_and_online(scene):
    scene.publish(promotions=[conditional(when("member.known", "is", True))])
    scene.shop.post("/members", {"phone": ANNA, "card": "2200 0011"})

    for channel in ("pos", "online"):
        with_card = scene.priced(a_line(), channel=channel, member={"card": "22000011"})
        without = scene.priced(a_line(), channel=channel, member={"card": "22000012"})

        assert discount(with_card) == "100.00"
        assert discount(without) == "0.00"
        assert told_of(without)["reason"] == "condition_not_met"
        assert told_of(without)["text"] == "Не выполнено условие: Покупатель — участник: да."


@pytest.mark.parametrize(
    ("field", "code_alone", "with_a_sale"),
    [
        pytest.param("basket.amount", "applied", "applied", id="before other discounts"),
        pytest.param("basket.left", "applied", "rejected", id="after other discounts"),
    ],
)
def test_r28_a_code_from_a_basket_sum(scene, field, code_alone, with_a_sale):
    """From 1000 roubles: the sale takes 20 % first, where there is one."""
    coded = conditional(
        {"all": [when("basket.coupons", "has_any", ["SPRING"]), when(field, "at_least", "1000.00")]}
    )
    sale = promotion("sale", "percent_off", percent="20", categories=["tea"])
    scene.publish(promotions=[coded | {"priority": 1}, sale])

    plain = scene.priced(a_line(), coupons=["Spring"])
    reduced = scene.priced(a_line(categories=["tea"]), coupons=["Spring"])
    none = scene.priced(a_line())
    unknown = scene.priced(a_line(), coupons=["WINTER"])

    assert plain["coupons"] == [
        {"code": "Spring", "status": code_alone, "reason": None, "text": None}
    ]
    assert discount(plain) == "100.00"
    assert reduced["coupons"][0]["status"] == with_a_sale
    if with_a_sale == "rejected":
        assert reduced["coupons"][0]["reason"] == "condition_not_met"
        assert "1\u00a0000,00" in reduced["coupons"][0]["text"]
        assert told_of(reduced)["facts"] == {"field": "basket.left", "missing": "200.00"}
        assert discount(reduced) == "200.00"
    else:
        assert discount(reduced) == "280.00"
    assert discount(none) == "0.00"
    assert unknown["coupons"] == [
        {"code": "WINTER", "status": "rejected", "reason": "unknown_code", "text": None}
    ]


def test_r28_a_code_for_the_next_purchase(scene):
    """Entered on the first purchase it does nothing."""
    scene.publish(
        promotions=[
            conditional(
                {
                    "all": [
                        when("basket.coupons", "has_any", ["NEXT"]),
                        when("history.purchases", "at_least", 1),
                    ]
                }
            )
        ]
    )
    scene.shop.post("/members", {"phone": ANNA})

    first = scene.priced(a_line(), member=ANNA_AT_TILL, coupons=["NEXT"])
    scene.bought(a_line(paid="1000.00"))
    second = scene.priced(a_line(), member=ANNA_AT_TILL, coupons=["NEXT"])

    assert first["coupons"][0]["status"] == "rejected"
    assert second["coupons"][0]["status"] == "applied"
    assert discount(second) == "100.00"


def test_r41_hours_of_a_promotion_are_those_of_the_shop(scene):
    """From ten to eleven in the evening: in Vladivostok it is ten when it is three in Moscow."""
    tree = {
        "all": [
            when("time.of_day", "between", ["22:00", "23:00"]),
            when("time.date", "is", "2026-03-14"),
        ]
    }
    scene.publish(promotions=[conditional(tree)])
    east = {"code": "east", "name": "East", "timezone": "Asia/Vladivostok"}
    assert scene.shop.post("/programmes/shop/shops", east).status_code == 201

    def given(shop: str, hour: int, minute: int) -> str:
        """At that time in UTC."""
        scene.clock.set(datetime(2026, 3, 14, hour, minute, tzinfo=UTC))
        return discount(scene.priced(a_line(), shop=shop))

    assert [given("east", 11, 59), given("east", 12, 0), given("east", 12, 59)] == [
        "0.00",
        "100.00",
        "100.00",
    ]
    assert [given("east", 13, 0), given("main", 12, 30)] == ["0.00", "0.00"]
    assert [given("main", 18, 59), given("main", 19, 0)] == ["0.00", "100.00"]


def test_r42_a_promotion_of_a_calendar(scene):
    """A holiday begins at the midnight of the shop, 21:00 in UTC."""
    scene.publish(
        calendars=[
            {"code": "sweets", "name": "День сладкого", "days": ["2026-03-15", "2026-10-01"]},
            {"code": "other", "name": "Другое", "days": ["2026-03-14"]},
        ],
        promotions=[conditional(when("time.holiday", "has_any", ["Sweets"]))],
    )

    given = []
    for day, hour, minute in ((14, 20, 59), (14, 21, 0), (15, 20, 59), (15, 21, 0)):
        scene.clock.set(datetime(2026, 3, day, hour, minute, tzinfo=UTC))
        given.append(discount(scene.priced(a_line())))

    assert given == ["0.00", "100.00", "100.00", "0.00"]


def test_r42_public_holidays_are_a_ready_calendar(scene):
    """9 May begins at its midnight in Moscow; this year and the next are in the template."""
    scene.publish(**from_template(scene, "holidays"))

    given = []
    for year, month, day, hour in ((2026, 5, 8, 20), (2026, 5, 8, 21), (2027, 1, 8, 20)):
        scene.clock.set(datetime(year, month, day, hour, 59, tzinfo=UTC))
        given.append(discount(scene.priced(a_line())))

    assert given == ["0.00", "100.00", "100.00"]


@pytest.mark.parametrize(
    ("born", "today", "given"),
    [
        pytest.param("1990-03-17", "2026-03-14", "100.00", id="three days before"),
        pytest.param("1990-03-18", "2026-03-14", "0.00", id="four days before"),
        pytest.param("1990-03-07", "2026-03-14", "100.00", id="seven days after"),
        pytest.param("1990-03-06", "2026-03-14", "0.00", id="eight days after"),
        pytest.param("1992-02-29", "2026-02-25", "100.00", id="29 February is the 28th"),
        pytest.param("1992-02-29", "2026-02-24", "0.00", id="four days before the 28th"),
        pytest.param("1992-02-29", "2026-03-07", "100.00", id="seven days after the 28th"),
        pytest.param("1992-02-29", "2028-03-07", "100.00", id="seven days after the 29th"),
        pytest.param("1992-02-29", "2028-02-25", "0.00", id="four days before the 29th"),
        pytest.param("1992-12-31", "2026-01-02", "100.00", id="over the new year"),
        pytest.param(None, "2026-03-14", "0.00", id="not known"),
    ],
)
def test_r122_a_window_around_the_birthday(scene, born, today, given):
    scene.publish(promotions=[conditional(when("member.days_to_birthday", "between", [-7, 3]))])
    scene.shop.post("/members", {"phone": ANNA, "birth_date": born})
    scene.clock.set(datetime.fromisoformat(f"{today}T09:00:00+03:00"))

    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == given


@pytest.mark.parametrize(
    "tree",
    [
        when("member.gender", "is", "female"),
        when("member.city", "in", ["Тверь", "Клин"]),
        when("member.age", "between", [30, 40]),
        when("member.attribute", "is", "yes", name="собака"),
        when("member.attribute", "is", "2", name="children"),
        when("member.days_since_joining", "at_most", 1),
    ],
    ids=lambda tree: tree["field"],
)
def test_r130_rules_ask_for_the_profile(scene, tree):
    scene.publish(promotions=[conditional(tree)])
    anna = {"birth_date": "1990-05-02", "gender": "female", "city": "Тверь"}
    anna["attributes"] = {"собака": "yes", "children": 2}
    scene.shop.post("/members", {"phone": ANNA, **anna})
    ivan = {"birth_date": "1980-05-02", "gender": "male", "city": "Москва"}
    scene.shop.post("/members", {"phone": "+79161234568", **ivan})
    others = {"phone": "+79161234568", "verified": True}

    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"
    if tree["field"] != "member.days_since_joining":
        assert discount(scene.priced(a_line(), member=others)) == "0.00"
    assert discount(scene.priced(a_line())) == "0.00"


@pytest.fixture
def app_key(hub, app, programme_id) -> Caller:
    return Caller(app, new_key(hub, programme_id, channels=["App", "kiosk"], name="app").key)


def test_r128_a_channel_is_proved_by_the_key_that_asks(scene, app_key):
    """Whoever merely says that he is the app gets nothing for it, here and on the receipt."""
    tree = when("channel.name", "is", "app")
    doubled = conditional(tree, "earn_multiplier", factor="2") | {"id": "q"}
    scene.publish(promotions=[conditional(tree), doubled])
    scene.shop.post("/members", {"phone": ANNA})
    basket = a_basket(channel="app", member={"phone": ANNA, "verified": True})

    by_app = app_key.post("/quotes", basket).get_json()
    held = app_key.post("/holds", basket | {"cart": "c"}).get_json()["quote"]
    by_anybody = scene.shop.post("/quotes", basket).get_json()
    receipt = a_purchase(channel="app", occurred_at=scene.clock.now().isoformat())
    bought = app_key.post("/purchases", receipt).get_json()
    told = scene.bought(a_line(paid="1000.00"), external_id="p-2", channel="app")

    assert [discount(by_app), discount(held), discount(by_anybody)] == ["100.00", "100.00", "0.00"]
    assert [bought["points"]["earned"], told["points"]["earned"]] == ["100.00", "50.00"]


def test_r128_a_key_bound_to_a_channel_speaks_of_no_other(app_key):
    for channel in ("pos", "online", "site"):
        refused = [
            app_key.post("/quotes", a_basket(channel=channel)),
            app_key.post("/holds", a_basket(channel=channel, cart="c")),
            app_key.post("/purchases", a_purchase(channel=channel)),
        ]
        assert [code_of(one) for one in refused] == [(403, "channel_forbidden")] * 3
    assert code_of(app_key.post("/quotes", a_basket())) == (403, "channel_forbidden")
    assert app_key.post("/quotes", a_basket(channel="KIOSK")).status_code == 200


# --- what holds for all of them -------------------------------------------------------------


def test_a_condition_that_does_not_fit_is_named_by_its_node(scene):
    rules = scene.shop.get(RULES).get_json()
    tree = {"all": [when("member.known", "is", True), when("time.holiday", "has_any", ["easter"])]}
    wrong = {"not": when("basket.amount", "at_least", "-5")}
    rules["promotions"] = [conditional(tree), conditional(wrong) | {"id": "q"}]

    refused = scene.shop.put(RULES, rules)
    rules["promotions"] = rules["promotions"][:1]
    stranger = scene.shop.put(RULES, rules)

    assert code_of(refused) == (422, "rules_invalid")
    assert list(refused.get_json()["errors"]) == ["promotions.1.when.not.value"]
    assert list(stranger.get_json()["errors"]) == ["promotions.0.when.all.1.value"]


def test_the_nearest_miss_is_told_first(scene):
    """The missing sum orders the misses, as a minimum total does."""
    scene.publish(
        promotions=[
            conditional(when("basket.amount", "at_least", f"{sum_}.00")) | {"id": f"p{sum_}"}
            for sum_ in (5000, 4000, 3000, 1500, 2000)
        ]
    )

    told = scene.priced(a_line(), locale="en")["explanation"]

    assert {one["promotion"]: one["facts"]["missing"] for one in told} == {
        "p1500": "500.00",
        "p2000": "1000.00",
        "p3000": "2000.00",
    }
    assert told[0]["text"].replace("\u00a0", " ") == (
        "The condition is not met: Sum of goods: at least 1,500.00 ₽."
    )


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (when("basket.payment", "is", "card"), {"payment": "Card"}),
        (when("basket.coupons", "has_any", ["spring"]), {"coupons": ["SPRING"]}),
        (when("shop.code", "is", "main"), {}),
        (when("channel.name", "is", "pos"), {"channel": "pos"}),
        (when("member.verified", "is", True), {}),
        (when("history.purchases", "is", 0), {}),
        (when("member.bucket", "between", [0, 99]), {}),
    ],
    ids=lambda value: value.get("field"),
)
def test_a_quote_a_hold_and_a_receipt_see_the_same(scene, tree, said):
    """Doubled points: told, promised, and earned by a receipt that no hold promised anything."""
    scene.publish(promotions=[conditional(tree, "earn_multiplier", factor="2")])
    scene.shop.post("/members", {"phone": ANNA})
    basket = a_basket(member=ANNA_AT_TILL, **said)

    quote = scene.shop.post("/quotes", basket).get_json()
    hold = scene.shop.post("/holds", {**basket, "cart": "c"}).get_json()
    receipt = {name: value for name, value in said.items() if name != "payment"}
    if "payment" in said:
        receipt["payments"] = [{"kind": said["payment"], "amount": "1000.00"}]
    customer = {"phone": ANNA, "verified": True}
    told = scene.bought(a_line(paid="1000.00"), customer=customer, **receipt)

    assert quote["points"]["earn"] == "100.00"
    assert hold["quote"]["points"]["earn"] == "100.00"
    assert told["points"]["earned"] == "100.00"


def test_a_part_of_a_promised_receipt_is_rated_in_the_whole(scene):
    """Two positions earn double; one was bought as promised, the other is rated anew."""
    tree = when("basket.positions", "at_least", 2)
    scene.publish(promotions=[conditional(tree, "earn_multiplier", factor="2")])
    scene.shop.post("/members", {"phone": ANNA})
    basket = a_basket(lines=lines("1", "1"), member=ANNA_AT_TILL, cart="c")
    assert scene.shop.post("/holds", basket).status_code == 201

    same, other = (line | {"paid": "1000.00"} for line in lines("1", "1"))
    other |= {"amount": "2000.00", "paid": "2000.00"}
    told = scene.bought(same, other, cart="c")

    assert told["flags"] == ["hold_differs"]
    assert told["points"]["earned"] == "300.00"


def test_a_revision_is_rated_by_what_was_known_at_first(scene):
    """Double points for the first purchase stay, though another one came since."""
    tree = when("history.purchases", "is", 0)
    scene.publish(promotions=[conditional(tree, "earn_multiplier", factor="2")])

    first = scene.bought(a_line(paid="1000.00"))
    second = scene.bought(a_line(paid="1000.00"), external_id="p-2")
    revised = scene.bought(a_line(amount="2000.00", paid="2000.00"), revision=2)

    assert [first["points"]["earned"], second["points"]["earned"]] == ["100.00", "50.00"]
    assert revised["points"]["earned"] == "100.00"
    assert scene.balance()["available"] == "250.00"


def test_the_history_of_a_member_is_kept_by_difference(scene, engine):
    """Returned whole, cancelled, told at another time, merged."""

    def history(phone: str = ANNA) -> tuple[int, str | None]:
        found = scene.shop.get(f"/members?phone={phone.replace('+', '%2B')}").get_json()["items"]
        number = found[0]["id"]
        with engine.connect() as connection:
            rows = connection.execute(select(members).where(members.c.merged_into.is_(None)))
            by_id = {row.id: row for row in rows}
        row = by_id[from_wire("m", number)]
        last = row.last_purchase_at
        return row.purchase_count, None if last is None else f"{last:%d %H:%M}"

    def buy(name: str, at: str, **said: Any) -> None:
        told = a_purchase(external_id=name, occurred_at=f"2026-03-{at}:00+00:00", **said)
        answer = scene.shop.post("/purchases", told)
        assert answer.status_code in (200, 201), answer.get_json()

    buy("a", "10T10:00")
    buy("b", "12T10:00")
    buy("c", "11T10:00")
    assert history() == (3, "12 10:00")

    scene.shop.post(
        "/refunds", a_refund(external_id="r-b", purchase="b", amount="400.00", lines=[])
    )
    assert history() == (3, "12 10:00")
    scene.shop.post(
        "/refunds", a_refund(external_id="r-b2", purchase="b", amount="600.00", lines=[])
    )
    assert history() == (2, "11 10:00")

    buy("c", "09T10:00", revision=2)
    assert history() == (2, "10 10:00")
    buy("a", "10T10:00", revision=2, status="cancelled")
    assert history() == (1, "09 10:00")
    buy("a", "10T10:00", revision=3)
    assert history() == (2, "10 10:00")

    other = "+79161234568"
    buy("d", "13T10:00", customer={"phone": other})
    ids = [
        scene.shop.get(f"/members?phone=%2B{phone[1:]}").get_json()["items"][0]["id"]
        for phone in (ANNA, other)
    ]
    merged = scene.shop.post(f"/members/{ids[0]}/merge", {"from": ids[1]})
    assert merged.status_code == 200
    assert history() == (3, "13 10:00")
    buy("d", "13T10:00", revision=2, status="cancelled", customer={"phone": other})
    assert history() == (2, "10 10:00")


def test_a_pilot_goes_to_its_share_of_the_members(scene):
    """The two halves of one salt are nobody twice, and everybody once."""
    halves = [
        conditional(when("member.bucket", "less_than", 50, salt="pilot")),
        conditional(when("member.bucket", "at_least", 50, salt="pilot")) | {"id": "q"},
    ]
    scene.publish(promotions=halves)
    seen = set()
    for number in range(12):
        phone = f"+7916123{4500 + number}"
        scene.shop.post("/members", {"phone": phone})
        quote = scene.priced(a_line(), member={"phone": phone, "verified": True})
        assert discount(quote) == "100.00"
        seen.add(quote["lines"][0]["discounts"][0]["promotion"])

    assert seen == {"p", "q"}


def test_a_publication_that_asks_for_the_person_is_heeded_at_once(scene):
    """The statement of a quote is made for the rules that were known; new ones may ask more."""
    scene.shop.post("/members", {"phone": ANNA, "city": "Тверь"})
    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "0.00"

    scene.publish(promotions=[conditional(when("member.city", "is", "Тверь"))])

    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"


@pytest.mark.parametrize(
    ("tree", "members_"),
    [
        (when("member.age", "at_least", 30), 1),
        (when("member.city", "in", ["Тверь", "Омск"]), 2),
        ({"not": when("member.city", "is", "Тверь")}, 1),
        (when("member.attribute", "is", "yes", name="собака"), 1),
        (when("history.purchases", "at_least", 1), 1),
        (when("history.days_since_purchase", "is_unknown"), 1),
        (when("member.days_to_birthday", "between", [0, 3]), 1),
    ],
    ids=lambda value: value.get("field", "not") if isinstance(value, dict) else "",
)
def test_members_who_meet_a_condition_are_counted(scene, tree, members_):
    anna = {"birth_date": "1990-03-16", "city": "Тверь", "attributes": {"собака": "yes"}}
    scene.shop.post("/members", {"phone": ANNA, **anna})
    scene.shop.post("/members", {"phone": "+79161234568", "city": "Омск"})
    scene.bought(a_line(paid="1000.00"))

    counted = scene.shop.post("/programmes/shop/members/count", {"when": tree})

    assert counted.get_json() == {"members": members_}


def test_what_is_not_about_members_is_not_counted(scene):
    tree = {"all": [when("member.known", "is", True), when("shop.code", "is", "main")]}

    refused = scene.shop.post("/programmes/shop/members/count", {"when": tree})

    assert code_of(refused) == (422, "validation_failed")
    assert list(refused.get_json()["errors"]) == ["when.all.1.field"]


def test_attributes_are_found_however_their_letters_were_written(scene, engine):
    """Rows of before have the numbers of letters that are not Latin, and mean the same."""
    for phone in (ANNA, "+79161234568"):
        scene.shop.post("/members", {"phone": phone, "attributes": {"собака": "yes"}})
    with write(engine) as connection:
        connection.execute(
            text("UPDATE members SET attributes = :kept WHERE id = (SELECT min(id) FROM members)"),
            {"kept": json.dumps({"собака": "yes"})},
        )

    asked = {"when": when("member.attribute", "is", "yes", name="собака")}
    counted = scene.shop.post("/programmes/shop/members/count", asked)

    assert counted.get_json() == {"members": 2}
