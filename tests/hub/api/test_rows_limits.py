"""Rows of `docs/requirements.md` on limits of promotions, asked of the API as a shop would."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene, promotion


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def limited(name: str, kind: str, *limits: tuple[str, str, str, str], **said: Any):
    """Each limit: per, period, of, most."""
    words = ("per", "period", "of", "most")
    own = [dict(zip(words, told, strict=True)) for told in limits]
    return {**promotion(name, kind, **said), "limits": own}


def hold(scene: Scene, cart: str, member: dict[str, Any] | None = None, **said: Any) -> Any:
    body = a_basket(cart=cart, member=member, explain="all", **said)
    answer = scene.shop.post("/holds", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def off(held: Any) -> str:
    return held["quote"]["totals"]["discount"]


def pay(scene: Scene, held: Any, number: str, **said: Any) -> Any:
    """The purchase of what a hold priced, now; there is one line."""
    (line,) = held["quote"]["lines"]
    told = {name: line[name] for name in ("id", "amount", "discount", "spend")}
    body = a_purchase(
        external_id=number,
        occurred_at=scene.clock.now().isoformat(),
        lines=[a_line(**told, paid=line["payable"])],
        hold=held["id"],
        **said,
    )
    answer = scene.shop.post("/purchases", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def reason(answer: Any, name: str) -> str | None:
    (told,) = [one for one in answer["explanation"] if one["promotion"] == name]
    return told["reason"]


def test_x6_a_budget_of_money_holds_under_32_holds_at_once(scene, at_once):
    """Each would have 100 roubles off; there are 450 for all and 350 for this shop."""
    sale = limited(
        "sale",
        "percent_off",
        ("promotion", "ever", "money", "450.00"),
        ("shop", "day", "money", "350.00"),
        percent="10",
    )
    scene.publish(promotions=[sale])

    held = at_once(lambda n: hold(scene, f"c-{n}"))

    assert sorted(map(off, held)) == ["0.00"] * 28 + ["100.00"] * 3 + ["50.00"]
    refused = [one["quote"] for one in held if off(one) == "0.00"]
    assert {reason(one, "sale") for one in refused} == {"limit_reached"}


def test_x6_a_budget_of_uses_holds_under_32_holds_and_their_purchases(scene, at_once):
    sale = limited("sale", "percent_off", ("promotion", "month", "uses", "10"), percent="10")
    scene.publish(promotions=[sale])

    def come(number: int) -> tuple[str, list[str]]:
        held = hold(scene, f"c-{number}")
        return off(held), pay(scene, held, f"p-{number}", customer=None)["flags"]

    came = at_once(come)

    assert sorted(came) == [("0.00", [])] * 22 + [("100.00", [])] * 10


def test_x6_a_budget_of_points_holds_under_32_receipts_at_once(scene, at_once):
    """Each earns 50 points, and once more of what is left of 220."""
    twice = limited("x2", "earn_multiplier", ("promotion", "ever", "points", "220.00"), factor="2")
    scene.publish(promotions=[twice])

    def buy(number: int) -> str:
        body = a_purchase(
            external_id=f"p-{number}",
            customer={"phone": f"+79165550{number:03}"},
            occurred_at=scene.clock.now().isoformat(),
        )
        return scene.shop.post("/purchases", body).get_json()["points"]["earned"]

    earned = at_once(buy)

    assert sorted(earned) == ["100.00"] * 4 + ["50.00"] * 27 + ["70.00"]


def test_x6_what_is_released_cancelled_or_returned_is_there_again(scene):
    sale = limited("sale", "percent_off", ("promotion", "ever", "uses", "1"), percent="10")
    scene.publish(promotions=[sale])

    first = hold(scene, "c-1")
    assert (off(first), off(hold(scene, "c-2"))) == ("100.00", "0.00")
    scene.shop.delete(f"/holds/{first['id']}")
    second = hold(scene, "c-3")
    assert off(second) == "100.00"

    assert pay(scene, second, "p-1")["flags"] == []
    assert scene.priced(a_line())["totals"]["discount"] == "0.00"
    back = {"id": "1", "quantity": "1", "paid_back": "900.00"}
    scene.shop.post("/refunds", a_refund(amount="900.00", lines=[back]))
    assert scene.priced(a_line())["totals"]["discount"] == "100.00"


def test_x6_a_discount_of_an_ended_hold_goes_past_the_budget_and_is_flagged(scene):
    sale = limited("sale", "percent_off", ("promotion", "ever", "uses", "1"), percent="10")
    scene.publish(promotions=[sale])
    late = hold(scene, "c-1", ttl_s=60)
    scene.shop.delete(f"/holds/{late['id']}")
    pay(scene, hold(scene, "c-2"), "p-1")

    told = pay(scene, late, "p-2")

    assert told["flags"] == ["hold_expired", "budget_exceeded"]


def test_x6_the_limit_is_told_in_words(scene):
    sale = limited("sale", "percent_off", ("shop", "day", "uses", "1"), percent="10")
    scene.publish(promotions=[sale])
    hold(scene, "c-1")

    for locale, text in (
        ("ru", "Лимит акции исчерпан: число применений в этом магазине за сегодня."),
        ("en", "The limit of the promotion is used up: uses in this shop today."),
    ):
        (told,) = scene.priced(a_line(), locale=locale)["explanation"]
        assert told["text"] == text
        assert told["facts"] == {"per": "shop", "period": "day", "of": "uses", "left": "0"}


def test_r40_a_welcome_reward_is_given_once_to_a_person(scene):
    """100 roubles off, and fifteen times the points; a second card of the same person is late."""
    once = ("member", "ever", "uses", "1")
    scene.publish(
        promotions=[
            limited("off", "percent_off", once, percent="10"),
            limited("points", "earn_multiplier", once, factor="15"),
        ]
    )
    scene.give("0.01")
    first = hold(scene, "c-1", ANNA_AT_TILL)
    assert off(first) == "100.00"
    assert pay(scene, first, "p-1")["points"]["earned"] == "675.00"

    second = hold(scene, "c-2", ANNA_AT_TILL)
    assert off(second) == "0.00"
    assert reason(second["quote"], "off") == reason(second["quote"], "points") == "limit_reached"
    assert pay(scene, second, "p-2")["points"]["earned"] == "50.00"

    assert off(hold(scene, "c-3", {"phone": "+79160000009"})) == "0.00", "nobody is known by it"


def test_r40_two_cards_of_one_person_have_one_welcome_reward(scene):
    welcome = limited("off", "percent_off", ("member", "ever", "uses", "1"), percent="10")
    scene.publish(promotions=[welcome])
    other = "+79160000009"
    numbers = [
        scene.shop.post("/members", {"phone": phone}).get_json()["id"] for phone in (ANNA, other)
    ]
    pay(scene, hold(scene, "c-1", ANNA_AT_TILL), "p-1")
    assert scene.priced(a_line(), member={"phone": other})["totals"]["discount"] == "100.00"

    merged = scene.shop.post(f"/members/{numbers[1]}/merge", {"from": numbers[0]})

    assert merged.status_code == 200
    assert scene.priced(a_line(), member={"phone": other})["totals"]["discount"] == "0.00"


def test_r122_a_birthday_reward_is_given_once_a_year_whatever_the_birth_date(scene):
    birthday = limited("birthday", "percent_off", ("member", "year", "uses", "1"), percent="10")
    scene.publish(promotions=[birthday])
    born = {"phone": ANNA, "birth_date": "1990-03-14"}
    member = scene.shop.post("/members", born).get_json()["id"]
    pay(scene, hold(scene, "c-1", ANNA_AT_TILL), "p-1")

    changed = scene.shop.patch(f"/members/{member}", {"birth_date": "1990-06-20"})
    assert changed.status_code == 200
    scene.clock.advance(days=98)
    again = scene.priced(a_line(), member=ANNA_AT_TILL, explain="all")
    assert (again["totals"]["discount"], reason(again, "birthday")) == ("0.00", "limit_reached")

    scene.clock.advance(days=365)
    assert scene.priced(a_line(), member=ANNA_AT_TILL)["totals"]["discount"] == "100.00"


def test_x6_a_gift_is_given_as_often_as_its_limit_says(scene):
    """One gift for all: a hold takes it, a return of the whole receipt gives it back."""
    gift = limited("pen", "gift", ("promotion", "ever", "uses", "1"), sku="PEN-1", total_min="10")
    gift["params"]["name"] = "Pen"
    scene.publish(promotions=[gift])

    first, second = hold(scene, "c-1"), hold(scene, "c-2")
    paid = pay(scene, first, "p-1", customer=None)
    third = hold(scene, "c-3")
    refund = a_refund(
        external_id="r-1",
        purchase="p-1",
        occurred_at=scene.clock.now().isoformat(),
        amount="1000.00",
        lines=[],
    )
    assert scene.shop.post("/refunds", refund).status_code == 201
    fourth = hold(scene, "c-4")

    gifts = [[one["sku"] for one in held["quote"]["gifts"]] for held in (first, second, third)]
    assert gifts == [["PEN-1"], [], []]
    assert reason(second["quote"], "pen") == "limit_reached"
    assert paid["flags"] == []
    assert [one["sku"] for one in fourth["quote"]["gifts"]] == ["PEN-1"]


def test_x6_points_that_a_promotion_names_keep_to_their_budget(scene):
    """50 points by themselves; 30 more of what is left of 40."""
    more = limited("more", "earn_points", ("promotion", "ever", "points", "40.00"), points="30")
    scene.publish(promotions=[more])

    def buy(number: int) -> str:
        body = a_purchase(
            external_id=f"p-{number}",
            customer={"phone": f"+7916555000{number}"},
            occurred_at=scene.clock.now().isoformat(),
        )
        return scene.shop.post("/purchases", body).get_json()["points"]["earned"]

    assert [buy(number) for number in (1, 2, 3)] == ["80.00", "60.00", "50.00"]
