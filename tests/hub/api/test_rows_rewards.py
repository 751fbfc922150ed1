"""R9, R35: gifts and privileges for points and miles.

The clock stands at noon in UTC of Saturday, 14 March 2026; the zone of the programme is Moscow's.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from loyalty_core.store.database import read
from loyalty_core.store.tables import reward_orders
from tests.hub.api.bodies import ANNA, a_line
from tests.hub.api.client import code_of
from tests.hub.api.test_requirement_rows import Scene
from tests.hub.api.test_rows_clubs import IN_WINE, WINE
from tests.hub.api.test_rows_conditions import when
from tests.hub.api.test_rows_kinds import BORIS, errors_of, join
from tests.hub.api.test_rows_results import MILES, POINTS, accounts, gives

MUG = {"code": "Mug", "name": "Кружка", "kind": "gift", "price": "100.00"}
LOUNGE = {
    "code": "lounge",
    "name": "Бизнес-зал",
    "kind": "privilege",
    "price": "30.00",
    "unlimited": True,
}
pytestmark = pytest.mark.usefixtures("books_agree")
_keys = count(1)


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def once(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or f"key {next(_keys)}"}


def publish(scene: Scene, *rewards: dict[str, Any], **more: Any) -> None:
    scene.publish(reward_catalogue=list(rewards), **more)


def stock(scene: Scene, code: str = "mug", key: str | None = None, **said: int) -> Any:
    return scene.shop.post(f"/rewards/{code}/stock", said, headers=once(key))


def give(scene: Scene, member: str, points: str, currency: str = "points") -> None:
    told = {"amount": points, "reason": "gift", "currency": currency}
    given = scene.shop.post(f"/members/{member}/adjustments", told, headers=once())
    assert given.status_code == 201


def rich(scene: Scene, points: str = "250.00", phone: str = ANNA) -> str:
    """A new member who has so many."""
    member = join(scene, phone)
    give(scene, member, points)
    return member


def order(scene: Scene, member: str, reward: str = "mug", key: str | None = None) -> Any:
    path = f"/members/{member}/rewards"
    return scene.shop.post(path, {"reward": reward}, headers=once(key))


def ordered(scene: Scene, member: str, reward: str = "mug", key: str | None = None) -> Any:
    answer = order(scene, member, reward, key)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["order"]


def cancel(scene: Scene, made: dict[str, Any]) -> Any:
    return scene.shop.post(f"/rewards/orders/{made['id']}/cancel")


def hand_out(scene: Scene, code: str) -> Any:
    return scene.shop.post("/rewards/hand-out", {"code": code})


def left(scene: Scene) -> dict[str, int | None]:
    return {one["code"]: one["left"] for one in scene.shop.get("/rewards").get_json()["items"]}


def seen(scene: Scene, member: str) -> dict[str, Any]:
    found = scene.shop.get(f"/members/{member}/rewards").get_json()["items"]
    return {one["code"]: one for one in found}


def available(scene: Scene, member: str) -> str:
    return scene.shop.get(f"/members/{member}").get_json()["balance"]["available"]


def lots(scene: Scene, member: str) -> list[tuple[str, str]]:
    found = scene.shop.get(f"/members/{member}/lots").get_json()["items"]
    return [(one["left"], one["expires_at"][:10]) for one in found]


# --- R9 -------------------------------------------------------------------------------------


def test_r9_points_are_exchanged_for_a_gift(scene):
    """Two mugs at 100 of 250 points: one is ordered, and handed out by the code, once."""
    publish(scene, MUG)
    anna = rich(scene)
    put = stock(scene, left=2)
    assert (put.status_code, put.get_json()["left"]) == (200, 2)
    assert scene.shop.get("/rewards").get_json() == {
        "items": [
            {
                "code": "Mug",
                "name": "Кружка",
                "kind": "gift",
                "price": "100.00",
                "currency": "points",
                "left": 2,
                "per_member": None,
                "partner": None,
                "starts_at": None,
                "ends_at": None,
            }
        ]
    }

    answer = order(scene, anna, "MUG")
    made = answer.get_json()["order"]
    code = made.pop("code")
    assert answer.status_code == 201
    assert made == {
        "id": made["id"],
        "reward": "mug",
        "name": "Кружка",
        "member": anna,
        "state": "ordered",
        "points": "100.00",
        "currency": "points",
        "partner": None,
        "created_at": scene.clock.now().isoformat(),
        "ended_at": None,
    }
    assert answer.get_json()["balance"]["available"] == available(scene, anna) == "150.00"
    assert left(scene) == {"Mug": 1}
    entry = scene.shop.get(f"/members/{anna}/ledger").get_json()["items"][0]
    assert (entry["kind"], entry["amount"], entry["purchase"]) == ("spend", "100.00", None)
    assert entry["cause"]["order"] == made["id"]

    scene.clock.advance(hours=1)
    done = hand_out(scene, f" {code.lower()} ")
    now = scene.clock.now().isoformat()
    assert done.get_json() == {**made, "code": None, "state": "handed_out", "ended_at": now}
    assert code_of(hand_out(scene, code)) == (409, "order_handed_out")
    assert code_of(cancel(scene, made)) == (409, "order_handed_out")
    assert scene.shop.get(f"/rewards/orders/{made['id']}").get_json() == done.get_json()
    assert (left(scene), available(scene, anna)) == ({"Mug": 1}, "150.00")


def test_r9_a_cancelled_order_gives_back_what_it_took_where_it_was_taken(scene):
    """60 points of March and 40 of 190 of April: both come back with their dates, once."""
    publish(scene, MUG)
    stock(scene, left=1)
    anna = rich(scene, "60.00")
    scene.clock.advance(days=30)
    give(scene, anna, "190.00")
    made = ordered(scene, anna)
    assert lots(scene, anna) == [("150.00", "2027-04-13")]
    assert code_of(order(scene, anna)) == (409, "none_left")

    for _ in range(2):
        answer = cancel(scene, made)
        assert answer.status_code == 200
        assert answer.get_json()["order"]["state"] == "cancelled"
        assert answer.get_json()["balance"]["available"] == "250.00"
        assert lots(scene, anna) == [("60.00", "2027-03-14"), ("190.00", "2027-04-13")]
        assert left(scene) == {"Mug": 1}
    assert code_of(hand_out(scene, made["code"])) == (409, "order_cancelled")
    kinds = [one["kind"] for one in scene.shop.get(f"/members/{anna}/ledger").get_json()["items"]]
    assert kinds == ["give_back", "spend", "adjust", "adjust"]
    ordered(scene, anna)


def test_r9_points_that_expired_meanwhile_come_back_for_the_days_of_grace(scene):
    """Ordered on their last day, cancelled ten days later: fourteen more days."""
    publish(scene, LOUNGE)
    anna = rich(scene, "30.00")
    scene.clock.advance(days=365)
    made = ordered(scene, anna, "lounge")
    scene.clock.advance(days=10)
    cancel(scene, made)

    assert lots(scene, anna) == [("30.00", "2027-04-07")]
    assert available(scene, anna) == "30.00"


def test_r9_the_same_key_is_the_same_order_whenever_it_comes(scene):
    publish(scene, MUG, LOUNGE)
    stock(scene, left=5)
    anna, boris = rich(scene), rich(scene, phone=BORIS)
    made = ordered(scene, anna, key="one")
    assert ordered(scene, anna, key="one") == made

    scene.clock.advance(days=2)
    assert ordered(scene, anna, key="one") == made
    cancel(scene, made)
    scene.clock.advance(days=2)
    assert ordered(scene, anna, key="one")["state"] == "cancelled"
    assert (left(scene)["Mug"], available(scene, anna)) == (5, "250.00")
    assert code_of(order(scene, anna, "lounge", key="one")) == (409, "idempotency_conflict")
    scene.clock.advance(days=2)
    assert code_of(order(scene, anna, "lounge", key="one")) == (409, "key_reused")
    assert code_of(order(scene, boris, key="one")) == (409, "key_reused")


def test_r9_who_may_order_what_and_how_many(scene):
    """Wine for the club alone; the mug until April, one for a member, and only who can pay."""
    wine = {"code": "wine", "name": "Вино", "kind": "gift", "price": "100.00", "when": IN_WINE}
    window = {"starts_at": "2026-03-15T00:00:00+03:00", "ends_at": "2026-04-01T00:00:00+03:00"}
    publish(scene, wine, MUG | window | {"per_member": 1}, LOUNGE, clubs=[WINE])
    for code in ("wine", "mug"):
        stock(scene, code, left=9)
    anna, boris = rich(scene, "130.00"), rich(scene, phone=BORIS)
    scene.shop.post(f"/members/{anna}/clubs", {"club": "wine"})
    assert code_of(order(scene, anna)) == (404, "reward_not_found")
    assert list(seen(scene, anna)) == ["wine", "lounge"]
    assert list(seen(scene, boris)) == ["lounge"]
    assert code_of(order(scene, boris, "wine")) == (404, "reward_not_found")

    scene.clock.advance(days=1)
    made = ordered(scene, anna)
    refused = order(scene, anna)
    assert (code_of(refused), refused.get_json()["most"]) == ((409, "reward_limit"), "1")
    poor = order(scene, anna, "wine")
    assert code_of(poor) == (409, "not_enough_points")
    assert (poor.get_json()["wanted"], poor.get_json()["available"]) == ("100.00", "30.00")
    assert left(scene) == {"wine": 9, "Mug": 8, "lounge": None}
    cancel(scene, made)
    ordered(scene, anna)
    scene.clock.advance(days=20)
    assert code_of(order(scene, boris)) == (404, "reward_not_found")
    assert ordered(scene, boris, "lounge")["state"] == "ordered"


def test_r9_a_member_sees_what_the_points_suffice_for(scene):
    publish(scene, MUG, LOUNGE | {"per_member": 3})
    stock(scene, left=4)
    anna = rich(scene, "90.00")
    ordered(scene, anna, "lounge")
    told = seen(scene, anna)

    mug, lounge = told["Mug"], told["lounge"]
    assert (mug["affordable"], mug["missing"], mug["left"], mug["mine"]) == (False, "40.00", 4, 0)
    assert (lounge["affordable"], lounge["missing"]) == (True, "0.00")
    assert (lounge["left"], lounge["mine"], lounge["per_member"]) == (None, 1, 3)


def test_r9_orders_are_listed_page_by_page_for_member_and_shop(scene):
    """The shop's list does not tell the code that a member shows."""
    publish(scene, MUG, LOUNGE)
    stock(scene, left=9)
    anna, boris = rich(scene), rich(scene, phone=BORIS)
    made = [ordered(scene, anna, "lounge") for _ in range(3)]
    other = ordered(scene, boris)
    hand_out(scene, made[0]["code"])

    def ids(path: str) -> tuple[list[str], str | None]:
        page = scene.shop.get(path).get_json()
        return [one["id"] for one in page["items"]], page["next_cursor"]

    own = f"/members/{anna}/rewards/orders"
    newest, cursor = ids(f"{own}?limit=2")
    assert newest == [made[2]["id"], made[1]["id"]]
    assert ids(f"{own}?limit=2&cursor={cursor}") == ([made[0]["id"]], None)
    assert scene.shop.get(own).get_json()["items"][0] == made[2]
    every = [one["id"] for one in (other, *reversed(made))]
    assert ids("/rewards/orders") == (every, None)
    assert ids("/rewards/orders?state=handed_out") == ([made[0]["id"]], None)
    codes = {one["code"] for one in scene.shop.get("/rewards/orders").get_json()["items"]}
    assert codes == {None}
    for bad in ("cursor=nothing", "state=lost", "limit=0"):
        assert code_of(scene.shop.get(f"/rewards/orders?{bad}")) == (422, "validation_failed")


def test_r9_orders_follow_a_merge(scene):
    """What Boris ordered is Anna's: she sees it, has used up the limit, and gets his points."""
    publish(scene, MUG | {"per_member": 1})
    stock(scene, left=9)
    anna, boris = rich(scene, "10.00"), rich(scene, "120.00", phone=BORIS)
    made = ordered(scene, boris, key="his")
    scene.shop.post(f"/members/{anna}/merge", {"from": boris})
    give(scene, anna, "100.00")

    found = scene.shop.get(f"/members/{anna}/rewards/orders").get_json()["items"]
    assert [one["id"] for one in found] == [made["id"]]
    assert code_of(order(scene, anna)) == (409, "reward_limit")
    scene.clock.advance(days=2)
    assert ordered(scene, boris, key="his")["id"] == made["id"]
    answer = cancel(scene, made).get_json()
    assert answer["balance"]["available"] == available(scene, anna) == "230.00"
    ordered(scene, anna)


def test_r9_an_erasure_ends_open_orders_and_an_export_tells_all(scene, engine):
    """Nobody is left to hand them out to: the piece is free, the points stand without a name."""
    publish(scene, MUG, LOUNGE)
    stock(scene, left=1)
    anna = rich(scene)
    had, open_ = ordered(scene, anna, "lounge"), ordered(scene, anna)
    hand_out(scene, had["code"])
    told = scene.shop.get(f"/members/{anna}/export").get_json()["orders"]
    assert [(one["id"], one["state"]) for one in told] == [
        (open_["id"], "ordered"),
        (had["id"], "handed_out"),
    ]

    act = scene.shop.delete(f"/members/{anna}").get_json()
    assert act["orders"] == 1
    assert left(scene)["Mug"] == 1
    assert code_of(hand_out(scene, open_["code"])) == (409, "order_cancelled")
    assert code_of(order(scene, anna)) == (404, "member_not_found")
    with read(engine) as connection:
        states = connection.scalars(select(reward_orders.c.state).order_by(reward_orders.c.id))
        assert list(states) == ["handed_out", "cancelled"]


def test_r9_bad_rewards_and_orders_are_refused(scene):
    basket = when("basket.amount", "at_least", "1.00")
    assert errors_of(
        scene,
        reward_catalogue=[
            MUG | {"when": basket, "price": "0.00", "kind": "toy"},
            MUG | {"per_member": 0},
        ],
    ) == {
        "reward_catalogue.0.when.field": ["is not about members"],
        "reward_catalogue.0.price": ["must be from 0.01 to 9999999999999.99"],
        "reward_catalogue.0.kind": ["must be one of: gift, privilege, service"],
        "reward_catalogue.1.per_member": ["must be from 1 to 1000000"],
    }
    both = {"starts_at": "2026-04-01T00:00:00+03:00", "ends_at": "2026-04-01T00:00:00+03:00"}
    assert errors_of(
        scene,
        reward_catalogue=[
            MUG | both | {"currency": "miles"},
            MUG | {"code": "mug", "compensation": "5.00"},
        ],
    ) == {
        "reward_catalogue.0.code": ["must not repeat"],
        "reward_catalogue.1.code": ["must not repeat"],
        "reward_catalogue.0.currency": ["no such currency"],
        "reward_catalogue.0.ends_at": ["must be later than starts_at"],
        "reward_catalogue.1.compensation": ["only for a partner"],
    }
    publish(scene, MUG)
    anna = rich(scene)
    path = f"/members/{anna}/rewards"
    keyless = scene.shop.post(path, {"reward": "mug"})
    assert code_of(keyless) == (400, "idempotency_key_required")
    assert code_of(order(scene, anna, "nothing")) == (404, "reward_not_found")
    assert code_of(order(scene, "m_1")) == (404, "member_not_found")
    assert code_of(cancel(scene, {"id": "ro_1"})) == (404, "order_not_found")


def test_r9_who_guesses_codes_is_stopped(scene):
    """200 wrong ones an hour by one address: then the right one looks like any other."""
    publish(scene, LOUNGE)
    code = ordered(scene, rich(scene), "lounge")["code"]
    for number in range(201):
        assert code_of(hand_out(scene, f"WRONG-{number}")) == (404, "order_not_found")

    assert code_of(hand_out(scene, code)) == (429, "rate_limited")
    scene.clock.advance(hours=1)
    assert hand_out(scene, code).status_code == 200


def test_r9_a_strangers_orders_are_not_there(scene, stranger):
    publish(scene, LOUNGE)
    made = ordered(scene, rich(scene), "lounge")

    path = f"/rewards/orders/{made['id']}"
    assert code_of(stranger.get(path)) == (404, "order_not_found")
    assert code_of(stranger.post(f"{path}/cancel")) == (404, "order_not_found")
    wanted = {"code": made["code"]}
    assert code_of(stranger.post("/rewards/hand-out", wanted)) == (404, "order_not_found")
    assert stranger.get("/rewards/orders").get_json()["items"] == []


# --- R35 ------------------------------------------------------------------------------------


def test_r35_miles_are_spent_in_a_catalogue_of_their_own(scene):
    """Three miles for each unit; a flight costs six of them, and no points."""
    flight = {
        "code": "flight",
        "name": "Перелёт",
        "kind": "service",
        "price": "6.00",
        "currency": "miles",
        "unlimited": True,
    }
    fly = gives("fly", "earn_per_unit", points="3", currency="miles", skus=["TEA-1"])
    publish(scene, flight, LOUNGE, currencies=[POINTS, MILES], promotions=[fly])
    anna = scene.bought(a_line(quantity="2", paid="1000.00"))["member"]
    assert accounts(scene) == {"points": "50.00", "miles": "6.00"}
    told = seen(scene, anna)
    assert (told["flight"]["currency"], told["flight"]["affordable"]) == ("miles", True)

    answer = order(scene, anna, "flight").get_json()
    assert (answer["order"]["currency"], answer["order"]["points"]) == ("miles", "6.00")
    assert answer["balance"]["available"] == "0.00"
    assert accounts(scene) == {"points": "50.00", "miles": "0.00"}
    assert code_of(order(scene, anna, "flight")) == (409, "not_enough_points")
    assert seen(scene, anna)["flight"]["missing"] == "6.00"

    cancel(scene, answer["order"])
    assert accounts(scene) == {"points": "50.00", "miles": "6.00"}
    handed = hand_out(scene, ordered(scene, anna, "flight")["code"])
    assert handed.get_json()["state"] == "handed_out"
