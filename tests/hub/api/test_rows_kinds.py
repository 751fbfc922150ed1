"""Rows of `docs/requirements.md` about kinds of programmes, each asked of the API as a shop would.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down.  The clock
stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from loyalty_core.store.database import read
from loyalty_core.store.tables import members, reward_choices
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
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
        "list": None,
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


# --- R10 ------------------------------------------------------------------------------------

FORMS = [
    {"code": "points", "name": "Баллы"},
    {"code": "discount", "name": "Скидка"},
    {"code": "money", "name": "Деньги"},
]
REWARDS = {"forms": FORMS, "default": "points"}


def publish_choice(scene: Scene) -> None:
    """Points by the base, or 10 % off, or 70 off each receipt."""
    scene.publish(
        rewards=REWARDS,
        earning={"rewards": ["points"]},
        promotions=[
            promotion("off", "percent_off", percent="10")
            | {"when": when("member.reward", "is", "discount")},
            promotion("money", "sum_off", sum="70.00")
            | {"when": when("member.reward", "in", ["Money"])},
        ],
    )


def choose(scene: Scene, member: str, form: str | None) -> Any:
    answer = scene.shop.patch(f"/members/{member}", {"reward": form})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["reward"]


def test_r10_the_customer_chooses_the_form_of_reward(scene):
    """5 % of 1000 in points; or 100 off and no points; or 70 off and no points."""
    publish_choice(scene)
    anna = join(scene)
    card = scene.shop.get(f"/members/{anna}").get_json()
    assert card["reward"] == {"code": "points", "name": "Баллы", "chosen": False}
    came = {}
    for form in (None, "discount", "MONEY", "points"):
        told = choose(scene, anna, form)
        quote = scene.priced(a_line(), member=ANNA_AT_TILL)
        came[told["code"], told["chosen"]] = (discount(quote), quote["points"]["earn"])

    assert came == {
        ("points", False): ("0.00", "50.00"),
        ("discount", True): ("100.00", "0.00"),
        ("money", True): ("70.00", "0.00"),
        ("points", True): ("0.00", "50.00"),
    }
    nobody = scene.priced(a_line(), explain="all")
    assert (discount(nobody), nobody["points"]["earn"]) == ("0.00", "0.00")
    assert told_of(nobody, "off")["text"] == "Не выполнено условие: Форма награды: discount."


def test_r10_a_choice_counts_from_the_next_receipt(scene):
    """What was bought before the choice earns, whenever its receipt comes or is corrected."""
    publish_choice(scene)
    anna = join(scene)
    before = scene.clock.now().isoformat()
    first = scene.bought(a_line(paid="1000.00"))
    scene.clock.advance(seconds=60)
    choose(scene, anna, "discount")
    scene.clock.advance(seconds=60)
    second = scene.bought(a_line(paid="1000.00"), external_id="p-2")
    late = a_purchase(occurred_at=before, external_id="p-3")
    third = scene.shop.post("/purchases", late).get_json()
    twice = [a_line(amount="2000.00", paid="2000.00")]
    corrected = a_purchase(occurred_at=before, revision=2, lines=twice)
    again = scene.shop.post("/purchases", corrected).get_json()
    now = scene.clock.now().isoformat()
    back = scene.shop.post("/refunds", a_refund(purchase="p-3", occurred_at=now)).get_json()

    told = [one["points"]["earned"] for one in (first, second, third, again)]
    assert told == ["50.00", "0.00", "50.00", "50.00"]
    assert back["points"]["clawed_back"] == "50.00"
    assert scene.balance()["available"] == "100.00"


def test_r10_a_hold_keeps_the_choice_that_it_was_priced_by(scene):
    publish_choice(scene)
    anna = join(scene)
    choose(scene, anna, "discount")
    held = scene.shop.post("/holds", a_basket(cart="c-1", member=ANNA_AT_TILL)).get_json()
    choose(scene, anna, "points")
    paid = a_line(discount="100.00", paid="900.00")
    told = scene.bought(paid, hold=held["id"], cart="c-1")

    assert held["quote"]["totals"]["payable"] == "900.00"
    assert (told["points"]["earned"], told["flags"]) == ("0.00", [])


def test_r10_a_form_that_is_gone_is_the_default(scene):
    publish_choice(scene)
    anna = join(scene)
    choose(scene, anna, "money")
    chosen = when("member.reward", "is", "discount")
    scene.publish(
        rewards={"forms": FORMS[:2], "default": "discount"}, promotions=[conditional(chosen)]
    )

    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"
    counted = scene.shop.post("/programmes/shop/members/count", {"when": chosen})
    assert counted.get_json() == {"members": 1}


def test_r10_bad_choices_and_rules_are_refused(scene):
    anna = join(scene)
    assert scene.shop.get(f"/members/{anna}").get_json()["reward"] is None
    early = scene.shop.patch(f"/members/{anna}", {"reward": "points"})
    publish_choice(scene)
    wrong = scene.shop.patch(f"/members/{anna}", {"reward": "miles"})
    for refused in (early, wrong):
        assert code_of(refused) == (422, "validation_failed")
        assert refused.get_json()["errors"] == {"reward": ["No such form of reward."]}
    assert errors_of(
        scene,
        rewards={"forms": [*FORMS, FORMS[0]], "default": "miles"},
        earning={"percent": "5", "rewards": ["cups"]},
        promotions=[conditional(when("member.reward", "is", "tea"))],
    ) == {
        "earning.rewards.0": ["no such form of reward"],
        "rewards.default": ["no such form of reward"],
        "rewards.forms.0.code": ["must not repeat"],
        "rewards.forms.3.code": ["must not repeat"],
        "promotions.0.when.value": ["not in this document"],
    }


def test_r10_merge_export_and_erasure(scene, engine):
    """The survivor keeps a choice of its own, and takes the other's where it has none."""
    publish_choice(scene)
    anna, boris, clara = join(scene), join(scene, BORIS), join(scene, "+79162223344")
    choose(scene, boris, "discount")
    choose(scene, clara, "money")

    def merged(into: str, other: str) -> Any:
        return scene.shop.post(f"/members/{into}/merge", {"from": other}).get_json()["reward"]

    assert merged(anna, boris) == {"code": "discount", "name": "Скидка", "chosen": True}
    assert merged(anna, clara)["code"] == "discount"
    told = scene.shop.get(f"/members/{anna}/export").get_json()
    assert told["member"]["reward"] == "discount"
    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    with read(engine) as connection:
        assert connection.execute(select(reward_choices)).all() == []
        assert set(connection.scalars(select(members.c.reward))) == {None}
