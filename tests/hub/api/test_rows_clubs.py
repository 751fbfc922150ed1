"""R36: clubs, what they open to their members, and places that run out.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down.  The clock
stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from loyalty_core.store.database import read
from loyalty_core.store.tables import club_grants, memberships
from tests.hub.api.bodies import a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import code_of
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene, promotion
from tests.hub.api.test_rows_conditions import conditional, discount, told_of, when
from tests.hub.api.test_rows_kinds import BORIS, BORIS_AT_TILL, errors_of, join

WINE = {"code": "Wine", "name": "Винный клуб", "skus": ["CARD"], "days": 30}
FRIENDS = {"code": "friends", "name": "Друзья"}
IN_WINE = when("member.club", "has_any", ["wine"])
DAY = timedelta(days=1)


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def clubs_of(scene: Scene, member: str) -> list[tuple[str, str, str | None]]:
    told = scene.shop.get(f"/members/{member}").get_json()["clubs"]
    return [(one["code"], one["from"], one["until"]) for one in told]


def card_line(**said: Any) -> dict[str, Any]:
    return a_line(sku="card", paid="1000.00", **said)


def card(name: str, at: datetime, **said: Any) -> dict[str, Any]:
    said = {"lines": [card_line()]} | said
    return a_purchase(external_id=name, occurred_at=at.isoformat(), **said)


def test_r36_a_club_is_closed_and_opens_its_offers_to_members_alone(scene):
    """10 % of 1000 for who is in; the shop takes in, sets the end, and takes out."""
    scene.publish(clubs=[FRIENDS, WINE], promotions=[conditional(IN_WINE)])
    anna = join(scene)
    refused = scene.priced(a_line(), member=ANNA_AT_TILL)
    assert discount(refused) == "0.00"
    assert told_of(refused)["text"] == "Не выполнено условие: Клуб: что-то из: wine."
    assert scene.shop.get(f"/members/{anna}/offers").get_json() == {
        "items": [],
        "events": [],
    }

    now = scene.clock.now()
    joined = scene.shop.post(f"/members/{anna}/clubs", {"club": "WINE"})
    assert joined.status_code == 201
    assert joined.get_json() == {
        "code": "Wine",
        "name": "Винный клуб",
        "from": now.isoformat(),
        "until": (now + 30 * DAY).isoformat(),
        "source": "shop",
    }
    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "100.00"
    assert discount(scene.priced(a_line(), member=BORIS_AT_TILL)) == "0.00"
    assert discount(scene.priced(a_line())) == "0.00"
    (offer,) = scene.shop.get(f"/members/{anna}/offers").get_json()["items"]
    assert (offer["kind"], offer["promotion"]) == ("promotion", "p")
    counted = scene.shop.post("/programmes/shop/members/count", {"when": IN_WINE})
    assert counted.get_json() == {"members": 1}

    until = (now + DAY).isoformat()
    scene.shop.post(f"/members/{anna}/clubs", {"club": "wine", "until": until})
    scene.shop.post(f"/members/{anna}/clubs", {"club": "friends"})
    assert clubs_of(scene, anna) == [
        ("friends", now.isoformat(), None),
        ("Wine", now.isoformat(), until),
    ]
    scene.clock.advance(days=1)
    assert discount(scene.priced(a_line(), member=ANNA_AT_TILL)) == "0.00"
    for _ in range(2):
        assert scene.shop.delete(f"/members/{anna}/clubs/friends").status_code == 204
    assert clubs_of(scene, anna) == []


def test_r36_a_paid_card_gives_membership_and_its_return_takes_it_back(scene):
    """Of 30 days, from the receipt on: this one is priced and rated as ever, the next doubled."""
    doubled = conditional(IN_WINE, "earn_multiplier", factor="2")
    scene.publish(clubs=[WINE], promotions=[doubled])
    anna, start = join(scene), scene.clock.now()
    first = scene.bought(card_line())
    assert clubs_of(scene, anna) == [("Wine", start.isoformat(), (start + 30 * DAY).isoformat())]
    scene.clock.advance(seconds=1)
    next_one = scene.bought(a_line(paid="1000.00"), external_id="p-2")
    two = [card_line() | {"quantity": "2", "amount": "2000.00", "paid": "2000.00"}]
    again = scene.shop.post("/purchases", card("p-1", start, revision=2, lines=two)).get_json()
    assert clubs_of(scene, anna) == [("Wine", start.isoformat(), (start + 60 * DAY).isoformat())]
    now = scene.clock.now().isoformat()
    back = a_refund(lines=[{"id": "1", "quantity": "2", "paid_back": "2000.00"}], occurred_at=now)
    for _ in range(2):
        scene.shop.post("/refunds", back | {"amount": "2000.00"})
    assert clubs_of(scene, anna) == []
    after = scene.bought(a_line(paid="1000.00"), external_id="p-3")

    told = [one["points"]["earned"] for one in (first, next_one, again, after)]
    assert told == ["50.00", "100.00", "50.00", "50.00"]


def orders() -> list[tuple[int, ...]]:
    return list(permutations(range(4)))[::5]


@pytest.mark.parametrize("order", orders(), ids=str)
def test_r36_whatever_comes_first_the_membership_is_the_same(scene, order):
    """Of three cards the first is returned and the second cancelled: the days of the third."""
    scene.publish(clubs=[WINE])
    anna, start = join(scene), scene.clock.now()
    scene.clock.advance(days=13)
    now = scene.clock.now()
    events = [
        ("/purchases", card("c-1", start)),
        ("/purchases", card("c-2", start + 5 * DAY, status="cancelled", revision=2)),
        ("/purchases", card("c-3", start + 10 * DAY)),
        ("/refunds", a_refund(purchase="c-1", occurred_at=now.isoformat())),
    ]
    scene.shop.post("/purchases", card("c-2", start + 5 * DAY))
    for place in order:
        path, body = events[place]
        for _ in range(2):
            assert scene.shop.post(path, body).status_code in (200, 201, 202)

    third = start + 10 * DAY
    assert clubs_of(scene, anna) == [("Wine", third.isoformat(), (third + 30 * DAY).isoformat())]


def test_r36_a_return_that_is_mended_gives_the_membership_again(scene):
    """Of two cards both are told as returned with the receipt; then only one; then both."""
    scene.publish(clubs=[WINE])
    anna, at = join(scene), scene.clock.now()

    def back(revision: int, quantity: str, money: str) -> dict[str, Any]:
        lines = [{"id": "1", "quantity": quantity, "paid_back": money}]
        return a_refund(revision=revision, amount=money, lines=lines, occurred_at=at.isoformat())

    first = back(1, "2", "2000.00")
    del first["purchase"]
    two = [card_line() | {"quantity": "2", "amount": "2000.00", "paid": "2000.00"}]
    told = scene.shop.post("/purchases", card("p-1", at, lines=two, refunds=[first]))
    assert told.status_code == 201, told.get_json()
    seen = [len(clubs_of(scene, anna))]
    for refund in (back(2, "1", "1000.00"), back(3, "2", "2000.00")):
        told = scene.shop.post("/refunds", refund)
        assert told.status_code == 201, told.get_json()
        seen.append(len(clubs_of(scene, anna)))

    assert seen == [0, 1, 0]


def test_r36_a_card_whose_money_is_back_is_back_though_nobody_told_of_pieces(scene):
    """A part of its price leaves it, the rest takes it back; the tea beside it stays sold."""
    scene.publish(clubs=[WINE])
    anna, now = join(scene), scene.clock.now()
    scene.shop.post(
        "/purchases",
        card("p-1", now, lines=[card_line(), a_line(id="2", amount="9.00", paid="9.00")]),
    )

    seen = []
    for name, money in (("r-1", "400.00"), ("r-2", "600.00")):
        lines = [{"id": "1", "paid_back": money}]
        told = a_refund(external_id=name, amount=money, lines=lines, occurred_at=now.isoformat())
        assert scene.shop.post("/refunds", told).status_code == 201
        seen.append(len(clubs_of(scene, anna)))

    assert seen == [1, 0]
    (kept,) = scene.shop.get("/purchases?external_id=p-1").get_json()["items"]
    assert [line["returned_quantity"] for line in kept["lines"]] == ["1", "0"]


def test_r36_a_card_moves_with_its_receipt_to_its_real_buyer(scene):
    scene.publish(clubs=[WINE])
    anna, boris, now = join(scene), join(scene, BORIS), scene.clock.now()
    scene.shop.post("/purchases", card("c-1", now))
    assert clubs_of(scene, anna)
    corrected = card("c-1", now, revision=2, customer={"phone": BORIS})
    assert scene.shop.post("/purchases", corrected).status_code == 201

    assert clubs_of(scene, anna) == []
    assert [one[0] for one in clubs_of(scene, boris)] == ["Wine"]
    scene.shop.post("/purchases", card("c-2", now, customer=None))
    assert len(clubs_of(scene, boris)) == 1


def test_r36_a_hold_keeps_what_it_was_priced_by(scene):
    scene.publish(clubs=[WINE], promotions=[conditional(IN_WINE)])
    anna = join(scene)
    scene.shop.post(f"/members/{anna}/clubs", {"club": "wine"})
    held = scene.shop.post("/holds", a_basket(cart="c-1", member=ANNA_AT_TILL)).get_json()
    scene.shop.delete(f"/members/{anna}/clubs/wine")
    told = scene.bought(a_line(discount="100.00", paid="900.00"), hold=held["id"], cart="c-1")

    assert held["quote"]["totals"]["discount"] == "100.00"
    assert (told["points"]["earned"], told["flags"]) == ("45.00", [])


def test_r36_merge_export_and_erasure(scene, engine):
    """The days of both cards count; a return of either still takes its own back."""
    scene.publish(clubs=[WINE])
    anna, boris, start = join(scene), join(scene, BORIS), scene.clock.now()
    scene.shop.post("/purchases", card("c-1", start))
    scene.clock.advance(days=1)
    scene.shop.post("/purchases", card("c-2", scene.clock.now(), customer={"phone": BORIS}))

    scene.shop.post(f"/members/{anna}/merge", {"from": boris})
    until = (start + 60 * DAY).isoformat()
    assert clubs_of(scene, anna) == [("Wine", start.isoformat(), until)]
    told = scene.shop.get(f"/members/{anna}/export").get_json()["clubs"]
    assert told == [
        {"club": "wine", "from": start.isoformat(), "until": until, "source": "purchase"}
    ]
    at = scene.clock.now().isoformat()
    scene.shop.post("/refunds", a_refund(purchase="c-2", occurred_at=at))
    assert clubs_of(scene, anna)[0][2] == (start + 30 * DAY).isoformat()
    assert scene.shop.delete(f"/members/{anna}").status_code == 200
    scene.shop.post("/refunds", a_refund(external_id="r-2", purchase="c-1", occurred_at=at))
    with read(engine) as connection:
        for table in (club_grants, memberships):
            assert connection.execute(select(table)).all() == []


def test_r36_bad_clubs_are_refused(scene):
    scene.publish(clubs=[WINE])
    anna = join(scene)
    past = scene.clock.now().isoformat()

    def post(body: Any, member: str = anna) -> Any:
        return scene.shop.post(f"/members/{member}/clubs", body)

    assert code_of(post({"club": "tea"})) == (404, "club_not_found")
    assert code_of(post({"club": "wine"}, "m_1")) == (404, "member_not_found")
    assert code_of(post({})) == (422, "validation_failed")
    ended = post({"club": "wine", "until": past})
    assert ended.get_json()["errors"] == {"until": ["Must be in the future."]}
    assert code_of(scene.shop.delete(f"/members/{anna}/clubs/tea")) == (404, "club_not_found")
    assert errors_of(
        scene,
        clubs=[WINE, WINE, FRIENDS | {"days": 0}],
    ) == {"clubs.2.days": ["must be from 1 to 36500"]}
    unknown = when("member.club", "has_none", ["tea"])
    assert errors_of(
        scene,
        clubs=[WINE, WINE],
        promotions=[conditional(unknown), promotion("q", "percent_off", percent="1")],
    ) == {
        "clubs.0.code": ["must not repeat"],
        "clubs.1.code": ["must not repeat"],
        "promotions.0.when.value": ["not in this document"],
    }
