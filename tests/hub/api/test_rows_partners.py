"""R38: partners, promotions together with them, and what each side owes.

The clock stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
The programme earns 5 percent of what is paid in whole points.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.api.bodies import ANNA, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene
from tests.hub.api.test_rows_conditions import conditional, discount, when
from tests.hub.api.test_rows_results import MILES, POINTS, gives
from tests.hub.api.test_rows_rewards import cancel, give, hand_out, ordered

MARCH = "from=2026-03-01&until=2026-03-31"
APRIL = "from=2026-04-01&until=2026-04-30"
BREAD = {
    "code": "Bread",
    "name": "Хлеб",
    "kind": "gift",
    "price": "20.00",
    "unlimited": True,
    "partner": "Bakery",
    "compensation": "35.50",
}
pytestmark = pytest.mark.usefixtures("books_agree")
OWN = BREAD | {"code": "own", "partner": None, "compensation": "0.00"}


@pytest.fixture
def scene(shop, clock) -> Scene:
    opened = Scene(shop, clock)
    for code in ("bakery-1", "bakery-2"):
        assert shop.post("/programmes/shop/shops", {"code": code}).status_code == 201
    return opened


def put(scene: Scene, partner: str = "bakery", **terms: Any) -> Any:
    return scene.shop.put(f"/partners/{partner}", terms)


def price(money: str, currency: str = "points") -> list[dict[str, str]]:
    return [{"currency": currency, "price": money}]


def settled(scene: Scene, days: str = MARCH, partner: str = "bakery") -> Any:
    answer = scene.shop.get(f"/partners/{partner}/settlement?{days}")
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def bought(scene: Scene, name: str, paid: str, shop: str, **said: Any) -> Any:
    line = a_line(amount=paid, paid=paid)
    sale = {"external_id": name, "shop": shop, "lines": [line], **said}
    sale["occurred_at"] = scene.clock.now().isoformat()
    answer = scene.shop.post("/purchases", a_purchase(**sale))
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def brought_back(scene: Scene, purchase: str, amount: str, quantity: str) -> None:
    refund = {
        "external_id": f"back of {purchase}",
        "purchase": purchase,
        "amount": amount,
        "occurred_at": scene.clock.now().isoformat(),
        "lines": [{"id": "1", "quantity": quantity, "paid_back": amount}],
    }
    assert scene.shop.post("/refunds", a_refund(**refund)).status_code == 201


def test_r38_a_promotion_is_shared_with_the_shops_of_a_partner(scene):
    """10 % of 1000 in the partner's two shops, and nothing in the programme's own."""
    put(scene, name="Пекарня", shops=["bakery-1", "Bakery-2"])
    (partner,) = scene.shop.get("/partners").get_json()["items"]
    assert partner == {
        "code": "bakery",
        "name": "Пекарня",
        "shops": ["bakery-1", "bakery-2"],
        "prices": [],
    }
    scene.publish(promotions=[conditional(when("shop.code", "in", partner["shops"]))])

    off = {
        shop: discount(scene.priced(a_line(), member=ANNA_AT_TILL, shop=shop))
        for shop in ("bakery-1", "bakery-2", "main")
    }
    assert off == {"bakery-1": "100.00", "bakery-2": "100.00", "main": "0.00"}


def test_r38_a_settlement_tells_points_rewards_and_what_each_side_owes(scene):
    """Earned 50 + 16 + 3 at the partner's, less 25 for half of the first: 44 points at 0.55.

    30 points were spent there.  Of three loaves one is still ordered and one cancelled, and one
    was handed out: 35.50 for it.  What happens in other shops is not the partner's.
    """
    scene.publish(reward_catalogue=[BREAD, OWN])
    put(scene, shops=["bakery-1", "bakery-2"], prices=price("0.55"))
    member = bought(scene, "p-1", "1000.00", "bakery-1")["member"]
    bought(scene, "p-2", "330.00", "bakery-2")
    bought(scene, "p-3", "2000.00", "main")
    brought_back(scene, "p-1", "500.00", "0.5")
    paid = a_line(amount="100.00", spend="30.00", paid="70.00")
    bought(scene, "p-4", "0.00", "bakery-1", lines=[paid], points_spent="30.00")
    loaves = [ordered(scene, member, "bread") for _ in range(3)]
    hand_out(scene, loaves[0]["code"])
    cancel(scene, loaves[1])
    hand_out(scene, ordered(scene, member, "own")["code"])

    assert settled(scene) == {
        "partner": "bakery",
        "name": "bakery",
        "currency": "RUB",
        "from": "2026-03-01",
        "until": "2026-03-31",
        "points": [{"currency": "points", "earned": "44.00", "spent": "30.00", "owed": "24.20"}],
        "rewards": [
            {
                "reward": "bread",
                "handed_out": 1,
                "currency": "points",
                "points": "20.00",
                "owed": "35.50",
            }
        ],
        "partner_owes": "24.20",
        "programme_owes": "35.50",
    }
    nothing = settled(scene, APRIL)
    assert (nothing["points"], nothing["rewards"]) == ([], [])
    assert (nothing["partner_owes"], nothing["programme_owes"]) == ("0.00", "0.00")


def test_r38_a_changed_price_leaves_what_came_before_and_its_returns(scene):
    """50 points at 0.50 in March; at 0.80 from then on.  In April 10 more come at 0.80, and all
    of March's go back: at 0.50, as they were charged."""
    put(scene, shops=["bakery-1"], prices=price("0.50"))
    bought(scene, "p-1", "1000.00", "bakery-1")
    scene.clock.advance(days=20)
    put(scene, shops=["bakery-1"], prices=price("0.80"))
    assert settled(scene)["partner_owes"] == "25.00"
    bought(scene, "p-2", "200.00", "bakery-1")
    brought_back(scene, "p-1", "1000.00", "1")

    april = settled(scene, APRIL)
    assert april["points"][0]["earned"] == "-40.00"
    assert april["partner_owes"] == "-17.00"
    assert settled(scene, "from=2026-03-01&until=2026-04-30")["partner_owes"] == "8.00"


def test_r38_a_price_that_comes_later_does_not_reach_back(scene):
    """50 points for nothing, as it was; 10 at 0.80 from the price on."""
    put(scene, shops=["bakery-1"])
    bought(scene, "p-1", "1000.00", "bakery-1")
    scene.clock.advance(days=1)
    put(scene, shops=["bakery-1"], prices=price("0.80"))
    bought(scene, "p-2", "200.00", "bakery-1")

    found = settled(scene)
    assert (found["points"][0]["earned"], found["partner_owes"]) == ("60.00", "8.00")


def test_r38_each_currency_has_its_price_and_days_end_at_the_programmes_midnight(scene):
    """Two miles at 3.33 and 50 points at 0.01, bought two minutes before midnight in Moscow."""
    fly = gives("fly", "earn_per_unit", points="2", currency="miles", skus=["TEA-1"])
    scene.publish(currencies=[POINTS, MILES], promotions=[fly])
    put(scene, shops=["bakery-1"], prices=price("0.01") + price("3.33", "miles"))
    scene.clock.advance(hours=8, minutes=58)
    bought(scene, "p-1", "1000.00", "bakery-1")

    day = settled(scene, "from=2026-03-14&until=2026-03-14")
    assert [(one["currency"], one["earned"], one["owed"]) for one in day["points"]] == [
        ("miles", "2.00", "6.66"),
        ("points", "50.00", "0.50"),
    ]
    assert day["partner_owes"] == "7.16"
    assert settled(scene, "from=2026-03-15&until=2026-03-31")["points"] == []


def test_r38_what_a_reward_costs_is_what_was_agreed_when_it_was_ordered(scene):
    scene.publish(reward_catalogue=[BREAD])
    put(scene)
    member = scene.shop.post("/members", {"phone": ANNA}).get_json()["id"]
    give(scene, member, "100.00")
    first = ordered(scene, member, "bread")
    scene.publish(reward_catalogue=[BREAD | {"compensation": "99.00"}])
    second = ordered(scene, member, "bread")
    for one in (first, second):
        hand_out(scene, one["code"])

    assert settled(scene)["programme_owes"] == "134.50"


def test_r38_bad_partners_and_periods_are_refused(scene, stranger, hub, programme_id):
    put(scene, shops=["bakery-1"])
    for said, field in (
        ({"shops": ["nowhere"]}, "shops"),
        ({"shops": ["bakery-1"]}, "shops"),
        ({"prices": price("1.00", "miles")}, "prices"),
        ({"prices": price("1.00") + price("2.00")}, "prices.1.currency"),
        ({"prices": price("-1.00")}, "prices.0.price"),
        ({"commission": "1"}, "commission"),
    ):
        refused = put(scene, "other", **said)
        assert code_of(refused) == (422, "validation_failed")
        assert list(refused.get_json()["errors"]) == [field]
    assert code_of(put(scene, "no spaces")) == (422, "validation_failed")
    assert [one["code"] for one in scene.shop.get("/partners").get_json()["items"]] == ["bakery"]
    for days, field in (
        ("from=2026-03-02&until=2026-03-01", "until"),
        ("from=1999-03-02&until=2026-03-01", "from"),
        ("until=2026-03-01", "from"),
        ("from=yesterday&until=2026-03-01", "from"),
    ):
        refused = scene.shop.get(f"/partners/bakery/settlement?{days}")
        assert code_of(refused) == (422, "validation_failed")
        assert list(refused.get_json()["errors"]) == [field]
    gone = f"/partners/nobody/settlement?{MARCH}"
    assert code_of(scene.shop.get(gone)) == (404, "partner_not_found")
    ours = f"/partners/bakery/settlement?{MARCH}"
    assert code_of(stranger.get(ours)) == (404, "partner_not_found")
    bound = new_key(hub, programme_id, shops=["bakery-2"], name="bound")
    there = Caller(scene.shop.app, bound.key)
    refused = there.put("/partners/bakery", {"shops": ["bakery-1"]})
    assert code_of(refused) == (403, "shop_forbidden")

    put(scene, shops=[])
    assert put(scene, "other", shops=["bakery-1"]).get_json()["shops"] == ["bakery-1"]
