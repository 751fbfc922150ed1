"""Rows of `docs/requirements.md` about kinds of programmes, each asked of the API as a shop would.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down.  The clock
stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_line
from tests.hub.api.client import code_of
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, RULES, Scene, promotion
from tests.hub.api.test_rows_conditions import conditional, discount, told_of, when

BORIS = "+79161112233"
BORIS_AT_TILL = {"phone": BORIS, "verified": True}
VIP = {"code": "VIP", "name": "Премиум", "when": when("member.attribute", "is", "yes", name="vip")}
OF_VIPS = when("member.segment", "has_any", ["vip"])


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def join(scene: Scene, phone: str = ANNA, **said: Any) -> str:
    answer = scene.shop.post("/members", {"phone": phone, **said})
    assert answer.status_code == 201, answer.get_json()
    member: str = answer.get_json()["id"]
    return member


def errors_of(scene: Scene, **sections: Any) -> Any:
    """What is wrong with the rules in force, changed so."""
    rules = scene.shop.get(RULES).get_json() | sections
    answer = scene.shop.put(RULES, rules)
    assert answer.status_code == 422, answer.get_json()
    return answer.get_json()["errors"]


# --- R37 ------------------------------------------------------------------------------------


def test_r37_an_offer_is_limited_to_a_segment(scene):
    """10 % of 1000 for those of the segment; who leaves it pays the whole price again."""
    scene.publish(segments=[VIP], promotions=[conditional(OF_VIPS)])
    anna, _ = join(scene, attributes={"vip": "yes"}), join(scene, BORIS)

    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"
    for other in (BORIS_AT_TILL, None):
        refused = scene.priced(a_line(), member=other)
        assert discount(refused) == "0.00"
        assert told_of(refused)["reason"] == "condition_not_met"
        assert told_of(refused)["text"] == "Не выполнено условие: Сегмент: что-то из: vip."

    scene.shop.patch(f"/members/{anna}", {"attributes": {"vip": "no"}})
    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "0.00"


def test_r37_a_receipt_is_rated_by_the_segment(scene):
    """Double points: 100 for Anna, 50 for Boris."""
    of_vips = conditional(OF_VIPS, "earn_multiplier", factor="2")
    scene.publish(segments=[VIP], promotions=[of_vips])
    join(scene, attributes={"vip": "yes"})

    anna = scene.bought(a_line(paid="1000.00"))
    boris = scene.bought(a_line(paid="1000.00"), external_id="p-2", customer={"phone": BORIS})

    assert anna["points"]["earned"] == "100.00"
    assert boris["points"]["earned"] == "50.00"


def test_r37_who_is_in_a_segment_is_counted(scene):
    of_age = when("member.age", "at_least", 30)
    scene.publish(segments=[VIP, {"code": "grown", "name": "30+", "when": of_age}])
    join(scene, attributes={"vip": "yes"}, birth_date="1990-05-05")
    join(scene, BORIS, attributes={"vip": "yes"})
    counted = [
        scene.shop.post("/programmes/shop/members/count", {"when": tree}).get_json()["members"]
        for tree in (
            OF_VIPS,
            when("member.segment", "has_all", ["vip", "grown"]),
            when("member.segment", "has_none", ["GROWN"]),
        )
    ]
    unknown = scene.shop.post(
        "/programmes/shop/members/count",
        {"when": {"all": [when("member.segment", "has_any", ["other"])]}},
    )

    assert counted == [2, 1, 1]
    assert unknown.get_json()["errors"] == {"when.all.0.value": ["no such segment"]}


@pytest.mark.parametrize(
    ("sections", "errors"),
    [
        (
            {"segments": [{**VIP, "when": {"any": [OF_VIPS]}}]},
            {"segments.0.when.any.0.field": ["a segment must not name segments"]},
        ),
        (
            {"segments": [{**VIP, "when": when("basket.amount", "at_least", "1.00")}]},
            {"segments.0.when.field": ["is not about members"]},
        ),
        (
            {"segments": [VIP, {**VIP, "code": "vip"}]},
            {
                "segments.0.code": ["must not repeat"],
                "segments.1.code": ["must not repeat"],
            },
        ),
        (
            {"promotions": [conditional(OF_VIPS)]},
            {"promotions.0.when.value": ["not in this document"]},
        ),
        (
            {"promotions": [promotion("p", "exclusive", skus=["RARE"])]},
            {"promotions.0.when": ["is required"]},
        ),
        (
            {"segments": [VIP], "promotions": [conditional(OF_VIPS, "exclusive") | {"group": "g"}]},
            {
                "promotions.0.group": ["is not for this type"],
                "promotions.0.params.percent": ["unknown field"],
            },
        ),
    ],
    ids=["a segment of segments", "of a basket", "twice", "unknown", "for nobody", "a group"],
)
def test_r37_what_is_refused(scene, sections, errors):
    assert errors_of(scene, **sections).items() <= errors.items()


RARE = conditional(OF_VIPS, "exclusive", skus=["RARE"])


def test_r37_rare_goods_are_for_a_segment_alone(scene):
    """The line keeps its price and says that it is not for Boris; Anna is offered it."""
    scene.publish(segments=[VIP], promotions=[RARE])
    anna, boris = join(scene, attributes={"vip": "yes"}), join(scene, BORIS)
    basket = [a_line(), a_line(id="2", sku="rare")]
    offer = {
        "kind": "exclusive",
        "promotion": "p",
        "name": "p",
        "ends_at": None,
        "skus": ["rare"],
        "categories": [],
        "brands": [],
    }

    mine = scene.priced(*basket, member=ANNA_AT_TILL)
    assert [line.get("barred") for line in mine["lines"]] == [None, None]
    assert told_of(mine)["applied"] is True
    assert mine["offers"] == [offer]
    assert scene.priced(*basket, member={"phone": ANNA})["offers"] == []
    for other in (BORIS_AT_TILL, None):
        told = scene.priced(*basket, member=other)
        assert [line.get("barred") for line in told["lines"]] == [None, "exclusive"]
        assert told["totals"]["payable"] == "2000.00"
        assert told["offers"] == []
        assert told_of(told)["reason"] == "exclusive"
        sentence = "Эти товары не для этого покупателя. Нужно: Сегмент: что-то из: vip."
        assert told_of(told)["text"] == sentence
        assert "barred" not in scene.priced(a_line(), member=other)["lines"][0]

    seen = [
        scene.shop.get(f"/members/{member}/offers").get_json()["items"] for member in (anna, boris)
    ]
    assert seen == [[offer], []]


def test_r37_a_hold_of_rare_goods_is_refused_and_a_purchase_is_flagged(scene):
    scene.publish(segments=[VIP], promotions=[RARE])
    join(scene, attributes={"vip": "yes"})
    basket = [a_line(), a_line(id="2", sku="RARE")]

    held = scene.shop.post("/holds", a_basket(lines=basket, cart="c-1", member=ANNA_AT_TILL))
    refused = scene.shop.post("/holds", a_basket(lines=basket, cart="c-2", member=BORIS_AT_TILL))
    sold = [
        scene.bought(a_line(sku="RARE", paid="1000.00"), external_id=name, customer=customer)
        for name, customer in (("p-1", {"phone": ANNA}), ("p-2", {"phone": BORIS}), ("p-3", None))
    ]

    assert held.status_code == 201
    assert code_of(refused) == (422, "goods_barred")
    assert refused.get_json()["errors"] == {"lines.1": ["Is not for this buyer."]}
    assert [told["flags"] for told in sold] == [[], ["exclusive_goods"], ["exclusive_goods"]]
    assert sold[1]["points"]["earned"] == "50.00"


def test_r37_what_a_member_sees_is_what_some_basket_may_reach(scene):
    """A sum or an hour may still be met; another's segment may not."""
    big = {"all": [OF_VIPS, when("basket.amount", "at_least", "5000.00")]}
    late = {"all": [OF_VIPS, {"not": when("time.of_day", "less_than", "22:00")}]}
    others = {"not": OF_VIPS}
    trees = {"big": big, "late": late, "others": others, "all": when("shop.code", "is", "main")}
    scene.publish(
        segments=[VIP],
        promotions=[
            promotion(name, "percent_off", percent="5") | {"when": tree}
            for name, tree in trees.items()
        ],
    )
    seen = {}
    for phone, said in ((ANNA, {"attributes": {"vip": "yes"}}), (BORIS, {})):
        member = join(scene, phone, **said)
        items = scene.shop.get(f"/members/{member}/offers").get_json()["items"]
        seen[phone] = [(one["kind"], one["promotion"]) for one in items]

    assert seen == {
        ANNA: [("promotion", "big"), ("promotion", "late")],
        BORIS: [("promotion", "others")],
    }
    assert scene.shop.get("/members/m_1/offers").status_code == 404
