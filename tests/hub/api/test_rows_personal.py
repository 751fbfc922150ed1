"""R44: goods of each member's own, told by the shop or found in what the member buys most.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down.  The clock
stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select

from loyalty_core.service.personal_lists import fill_lists
from loyalty_core.store.database import read, transact
from loyalty_core.store.tables import member_goods
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import code_of
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene, promotion
from tests.hub.api.test_rows_conditions import conditional, discount, told_of, when
from tests.hub.api.test_rows_kinds import BORIS, BORIS_AT_TILL, errors_of, join

OWN = {"code": "Own", "name": "Любимые товары"}
AUTO = OWN | {"auto": {"days": 90, "most": 2, "at_least": 2}}
TEN_OFF = promotion("p", "percent_off", percent="10", personal="own")
TEA = {"sku": "TEA-1"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def put(scene: Scene, member: str, *items: dict[str, Any], code: str = "own") -> Any:
    return scene.shop.put(f"/members/{member}/lists/{code}", {"items": [*items]})


def items_of(scene: Scene, member: str) -> list[dict[str, Any]]:
    (told,) = scene.shop.get(f"/members/{member}/lists").get_json()["items"]
    items: list[dict[str, Any]] = told["items"]
    return items


def bought_at(scene: Scene, moment: str, *skus: str, phone: str = ANNA) -> str:
    """A receipt of so many articles, each at 100."""
    lines = [
        a_line(id=str(place), sku=sku, amount="100.00", paid="100.00")
        for place, sku in enumerate(skus)
    ]
    name = f"{phone} {moment}"
    said = a_purchase(external_id=name, occurred_at=moment, customer={"phone": phone}, lines=lines)
    answer = scene.shop.post("/purchases", said)
    assert answer.status_code == 201, answer.get_json()
    return name


def fill(scene: Scene, hub: Any, limit: int = 200) -> int:
    """One step of the scheduler's."""
    step = partial(fill_lists, plans=hub.plans, now=scene.clock.now(), limit=limit)
    return transact(hub.engine, step)


def test_r44_a_discount_on_the_customers_own_goods(scene):
    """10 % of the tea of 1000 for Anna, whose it is, and of the cups of 500 for Boris."""
    scene.publish(personal_lists=[OWN], promotions=[TEN_OFF])
    anna, boris = join(scene), join(scene, BORIS)
    assert put(scene, anna, TEA).get_json() == {
        "code": "Own",
        "name": "Любимые товары",
        "auto": False,
        "items": [{"sku": "TEA-1", "until": None}],
    }
    put(scene, boris, {"category": "Cups"})
    basket = [
        a_line(sku="tea-1"),
        a_line(id="2", sku="C", amount="500.00", categories=["cups", "dishes"]),
    ]
    mine = scene.priced(*basket, member=ANNA_AT_TILL)
    his = scene.priced(*basket, member=BORIS_AT_TILL)
    nobody = scene.priced(*basket)

    assert [line["discount"] for line in mine["lines"]] == ["100.00", "0.00"]
    assert [line["discount"] for line in his["lines"]] == ["0.00", "50.00"]
    assert told_of(mine)["text"] == "Скидка 100,00\xa0₽."
    assert mine["offers"] == [
        {
            "kind": "personal",
            "promotion": "p",
            "name": "p",
            "ends_at": None,
            "list": "own",
            "skus": ["TEA-1"],
            "categories": [],
            "brands": [],
        }
    ]
    assert his["offers"][0]["categories"] == ["Cups"]
    assert scene.priced(*basket, member={"phone": ANNA})["offers"] == []
    assert (discount(nobody), nobody["offers"]) == ("0.00", [])
    assert told_of(nobody)["reason"] == "member_unknown"
    sentence = "Товары акции у каждого участника свои, а покупатель не назван."
    assert told_of(nobody)["text"] == sentence
    seen = scene.shop.get(f"/members/{anna}/offers").get_json()["items"]
    assert seen == mine["offers"]


@pytest.mark.parametrize(
    ("kind", "params", "gives"),
    [
        ("sum_off", {"sum": "7.00"}, lambda told: discount(told) == "7.00"),
        ("fixed_price", {"price": "990.00"}, lambda told: discount(told) == "10.00"),
        ("spend_share", {"percent": "90"}, lambda told: told["points"]["spend_max"] == "900.00"),
        ("earn_multiplier", {"factor": "3"}, lambda told: told["points"]["earn"] == "150.00"),
        ("no_earn", {}, lambda told: told["points"]["earn"] == "0.00"),
    ],
    ids=lambda said: said if isinstance(said, str) else "",
)
def test_r44_every_kind_of_rule_may_ask_for_own_goods(scene, kind, params, gives):
    scene.give("1000.00")
    scene.publish(personal_lists=[OWN], promotions=[promotion("p", kind, personal="OWN", **params)])
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]
    assert not gives(scene.priced(a_line(), member=ANNA_AT_TILL))

    put(scene, anna, TEA)

    assert gives(scene.priced(a_line(), member=ANNA_AT_TILL))
    assert not gives(scene.priced(a_line(sku="OTHER"), member=ANNA_AT_TILL))


def test_r44_own_goods_in_sets_limits_and_conditions(scene):
    """The set of an own article and a bun at 900; once to a member; and only with two of them."""
    both = when("basket.quantity", "at_least", "2", goods={"personal": "own"})
    limited = promotion(
        "set",
        "set_price",
        price="900.00",
        parts=[{"personal": "own"}, {"skus": ["BUN"]}],
    ) | {
        "when": both,
        "limits": [{"per": "member", "period": "ever", "of": "uses", "most": "1"}],
    }
    scene.publish(personal_lists=[OWN], promotions=[limited])
    put(scene, join(scene), TEA)
    bun = a_line(id="2", sku="BUN", amount="100.00")
    two = a_line(quantity="2", amount="2000.00")

    one = scene.priced(a_line(), bun, member=ANNA_AT_TILL)
    held = scene.shop.post(
        "/holds", a_basket(lines=[two, bun], cart="c-1", member=ANNA_AT_TILL)
    ).get_json()["quote"]
    again = scene.priced(two, bun, member=ANNA_AT_TILL, cart="c-2")

    assert told_of(one, "set")["reason"] == "condition_not_met"
    assert discount(held) == "200.00"
    assert told_of(again, "set")["reason"] == "limit_reached"


def test_r44_the_least_that_is_paid_may_be_of_own_goods(scene):
    """20 % of 1000, but 950 at least are paid for one's own tea."""
    least = [{"price": "950.00", "personal": "own"}]
    scene.publish(
        personal_lists=[OWN],
        policies={"min_paid": least},
        promotions=[promotion("p", "percent_off", percent="20")],
    )
    put(scene, join(scene), TEA)
    join(scene, BORIS)

    paid = [scene.priced(a_line(), member=who) for who in (ANNA_AT_TILL, BORIS_AT_TILL, None)]
    assert [discount(one) for one in paid] == ["50.00", "200.00", "200.00"]
    rules = scene.shop.get("/programmes/shop/rules").get_json()
    rules["policies"]["min_paid"] = [{"price": "1.00", "personal": "none"}]
    assert errors_of(scene, policies=rules["policies"]) == {
        "policies.min_paid.0.personal": ["no such list"]
    }


def test_r44_own_goods_end_to_the_second(scene):
    scene.publish(personal_lists=[OWN], promotions=[TEN_OFF])
    anna = join(scene)
    until = scene.clock.now() + timedelta(minutes=10)
    put(scene, anna, TEA | {"until": until.isoformat()})

    before = scene.priced(a_line(), member=ANNA_AT_TILL)
    assert before["offers"][0]["ends_at"] == until.isoformat()
    scene.clock.advance(minutes=10)
    after = scene.priced(a_line(), member=ANNA_AT_TILL)

    assert [discount(one) for one in (before, after)] == ["100.00", "0.00"]
    assert told_of(after)["reason"] == "no_matching_lines"
    assert (after["offers"], items_of(scene, anna)) == ([], [])


def test_r44_a_receipt_is_rated_by_own_goods_as_they_were(scene):
    """Triple: 150 of 1000.  What the list says later changes nothing of it, nor does a hold."""
    triple = promotion("p", "earn_multiplier", factor="3", personal="own")
    scene.publish(personal_lists=[OWN], promotions=[triple])
    anna = join(scene)
    put(scene, anna, TEA)
    held = scene.shop.post("/holds", a_basket(cart="c-1", member=ANNA_AT_TILL)).get_json()
    at = scene.clock.now().isoformat()
    first = scene.bought(a_line(paid="1000.00"))
    put(scene, anna)
    kept = scene.bought(a_line(paid="1000.00"), external_id="p-2", cart="c-1", hold=held["id"])
    doubled = [a_line(amount="2000.00", paid="2000.00")]
    corrected = scene.shop.post(
        "/purchases", a_purchase(occurred_at=at, revision=2, lines=doubled)
    ).get_json()
    later = scene.bought(a_line(paid="1000.00"), external_id="p-3")

    earned = [one["points"]["earned"] for one in (first, kept, corrected, later)]
    assert earned == ["150.00", "150.00", "150.00", "50.00"]
    assert scene.balance()["available"] == "500.00"


def test_r44_the_favourites_are_found_on_receipts(scene, hub):
    """Of the last 90 days: coffee on three receipts, tea on two; buns on one are too few, and a
    receipt of 91 days ago counts no more.  Ten of an article on one receipt are one."""
    scene.publish(personal_lists=[AUTO], promotions=[TEN_OFF])
    anna, boris = join(scene), join(scene, BORIS)
    bought_at(scene, "2025-12-13T12:00:00+03:00", "Old")
    bought_at(scene, "2026-03-01T12:00:00+03:00", "TEA-1", "Coffee", "Old", "Coffee")
    bought_at(scene, "2026-03-02T12:00:00+03:00", "tea-1", "coffee")
    third = bought_at(scene, "2026-03-03T12:00:00+03:00", "COFFEE", "Bun")
    bought_at(scene, "2026-03-03T12:00:00+03:00", "Bun", phone=BORIS)

    assert fill(scene, hub) == 2
    assert [one["sku"] for one in items_of(scene, anna)] == ["COFFEE", "TEA-1"]
    assert items_of(scene, boris) == []
    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"
    assert discount(scene.priced(a_line(), member=BORIS_AT_TILL)) == "0.00"

    for name in (third, f"{ANNA} 2026-03-02T12:00:00+03:00"):
        found = scene.shop.get(f"/purchases?external_id={name.replace('+', '%2B')}")
        said = found.get_json()["items"][0]
        gone = a_purchase(
            external_id=name, occurred_at=said["occurred_at"], revision=2, status="cancelled"
        )
        assert scene.shop.post("/purchases", gone).status_code == 201
    assert fill(scene, hub) == 0  # once a day
    scene.clock.advance(days=1)
    fill(scene, hub)
    assert items_of(scene, anna) == []


def test_r44_one_receipt_is_one_however_often_and_however_an_article_is_spelled(scene, hub):
    scene.publish(personal_lists=[AUTO])
    anna = join(scene)
    bought_at(scene, "2026-03-01T12:00:00+03:00", "TEA-1", "tea-1", "Tea-1")
    bought_at(scene, "2026-03-02T12:00:00+03:00", "Coffee")
    bought_at(scene, "2026-03-03T12:00:00+03:00", "COFFEE", "coffee")

    fill(scene, hub)

    assert [one["sku"] for one in items_of(scene, anna)] == ["COFFEE"]


def test_r44_filling_goes_on_where_it_was_broken_off_and_writes_what_changes(scene, hub):
    scene.publish(personal_lists=[AUTO])
    phones = [ANNA, BORIS, "+79162223344"]
    numbers = [join(scene, phone) for phone in phones]
    for phone in phones:
        for day in ("01", "02"):
            bought_at(scene, f"2026-03-{day}T12:00:00+03:00", "TEA-1", phone=phone)
    sent: list[str] = []
    event.listen(hub.engine, "before_cursor_execute", lambda _c, _u, sql, *_: sent.append(sql))

    assert fill(scene, hub, limit=2) == 2
    assert [len(items_of(scene, one)) for one in numbers] == [1, 1, 0]
    assert fill(scene, hub, limit=2) == 1
    assert [len(items_of(scene, one)) for one in numbers] == [1, 1, 1]
    assert fill(scene, hub, limit=2) == 0
    scene.clock.advance(days=1)
    sent.clear()
    assert fill(scene, hub) == 3
    assert not [sql for sql in sent if "member_goods" in sql and not sql.startswith("SELECT")]


def test_r44_merge_export_and_erasure(scene, hub):
    """What both had is had once, for as long as the survivor had it; receipts count together."""
    scene.publish(personal_lists=[OWN, AUTO | {"code": "auto"}])
    anna, boris = join(scene), join(scene, BORIS)
    until = "2026-05-01T00:00:00+00:00"
    put(scene, anna, TEA | {"until": until})
    put(scene, boris, TEA, {"category": "cups"})
    for phone in (ANNA, BORIS):
        bought_at(scene, "2026-03-01T12:00:00+03:00", "Coffee", phone=phone)

    scene.shop.post(f"/members/{anna}/merge", {"from": boris})
    fill(scene, hub)
    told = scene.shop.get(f"/members/{anna}/export").get_json()["lists"]
    assert told == [
        {
            "code": "Own",
            "items": [{"category": "cups", "until": None}, {"sku": "TEA-1", "until": until}],
        },
        {"code": "auto", "items": [{"sku": "Coffee", "until": None}]},
    ]
    assert put(scene, boris, TEA).get_json()["items"] == [{"sku": "TEA-1", "until": None}]
    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    scene.clock.advance(days=1)
    fill(scene, hub)
    with read(hub.engine) as connection:
        assert connection.execute(select(member_goods)).all() == []


def test_r44_bad_lists_and_rules_are_refused(scene):
    scene.publish(personal_lists=[OWN, AUTO | {"code": "auto"}])
    anna = join(scene)

    assert code_of(put(scene, anna, TEA, code="none")) == (404, "list_not_found")
    assert code_of(put(scene, anna, TEA, code="auto")) == (409, "list_fills_itself")
    assert code_of(put(scene, "m_1", TEA)) == (404, "member_not_found")
    for items, errors in (
        ([TEA, {"sku": "tea-1"}], {"items.1.sku": ["Given twice."]}),
        ([TEA | {"category": "tea"}], None),
        ([{}], None),
        ([{"sku": " "}], None),
        ([TEA | {"until": "soon"}], {"items.0.until": ["Not a valid datetime."]}),
        ([{"sku": str(one)} for one in range(101)], {"items": ["Too many entries."]}),
    ):
        refused = put(scene, anna, *items)
        assert code_of(refused) == (422, "validation_failed")
        if errors:
            assert refused.get_json()["errors"].keys() == errors.keys()
    assert items_of_code(scene, anna, "Own") == []
    parts = [{"skus": ["A"]}, {"personal": "none"}]
    goods = when("basket.amount", "at_least", "1.00", goods={"personal": "none"})
    assert errors_of(
        scene,
        personal_lists=[OWN, OWN, AUTO | {"code": "auto"}],
        promotions=[
            promotion("p", "percent_off", percent="5", personal="none"),
            promotion("s", "set_price", price="5.00", parts=parts),
            conditional({"all": [goods]}) | {"id": "w"},
        ],
    ) == {
        "personal_lists.0.code": ["must not repeat"],
        "personal_lists.1.code": ["must not repeat"],
        "promotions.0.params.personal": ["no such list"],
        "promotions.1.params.parts.1.personal": ["no such list"],
        "promotions.2.when.all.0.goods.personal": ["no such list"],
    }


def items_of_code(scene: Scene, member: str, code: str) -> list[dict[str, Any]]:
    told = scene.shop.get(f"/members/{member}/lists").get_json()["items"]
    (items,) = [one["items"] for one in told if one["code"] == code]
    return list(items)
