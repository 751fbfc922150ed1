"""Orders of a Bitrix shop from the basket to the books: the real module, the real hub.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.bitrix.shared import sign
from tests.support.bitrix import ACCOUNT, BitrixStage

AT = "2026-03-14T14:31:02+03:00"
LATER = "2026-03-16T11:00:00+03:00"
TEA, POT = [9011, 450.0, 3, {}], [9012, 2900.0, 1, {"PRODUCT_XML_ID": "POT"}]
CHEESE = [9013, 899.9, 0.35, {}]
POTS = {
    "id": "p_pot", "name": "Неделя чайников", "type": "percent_off",
    "params": {"percent": "10", "skus": ["POT"]},
}  # fmt: skip


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BitrixStage]:
    """On SQLite, unless the test says otherwise."""
    engine = request.getfixturevalue(getattr(request, "param", "sqlite_engine"))
    opened = BitrixStage(engine, tmp_path, [POTS])
    yield opened
    opened.close()


@pytest.fixture
def anna(stage: BitrixStage) -> str:
    """Logged in, known to the hub, with 500 points."""
    stage.shop.do("user", id=ACCOUNT)
    return stage.member("500.00")


def prices(items: list[dict]) -> list[float]:
    assert all(
        round(one["PRICE"] + one["DISCOUNT_PRICE"], 2) == round(one["BASE_PRICE"], 2)
        for one in items
    )
    return [one["PRICE"] for one in items]


def ordered(stage: BitrixStage, number: int, *lines: list, typed: str = "") -> None:
    """A basket that is priced, ordered, and told."""
    stage.shop.do("basket", lines=list(lines))
    if typed:
        stage.shop.do("points", typed=typed)
        stage.shop.do("basket", lines=list(lines))
    stage.shop.do("place", id=number, at=AT)
    stage.work()


@pytest.mark.parametrize("stage", ["sqlite_engine", "postgres_engine"], indirect=True)
def test_points_are_promised_with_the_basket_and_spent_with_the_order(stage, anna):
    assert prices(stage.shop.do("basket", lines=[TEA, POT], delivery=300)) == [450, 2610]
    stage.shop.do("points", typed="171")
    # Of 171.00 the teas' share is 171 x 1350 / 3960 = 58.30, the pot's 112.70; a unit of tea takes
    # 19.43 and not 19.4333, so 58.29 of it.
    bought = stage.shop.do("basket", lines=[TEA, POT], delivery=300)
    told = stage.shop.do("told")
    held = stage.balance(anna)[1]
    stage.shop.do("place", id=41, at=AT, delivery=300)
    stage.work()
    assert stage.purchase(41)["status"] == "open"
    assert stage.balance(anna)[1] == held
    stage.shop.do("pay", id=41, at=AT)
    stage.work()

    booked = stage.purchase(41)
    lines = {line["id"]: line for line in booked["lines"]}
    assert booked["flags"] == []
    assert prices(bought) == [
        round(float(lines["9011"]["paid"]) / 3, 2), float(lines["9012"]["paid"]),
    ]  # fmt: skip
    assert booked["totals"]["discount"] == "290.00"
    assert booked["points"]["spent"] == held == f"{told['spent']:.2f}"
    paid = float(booked["totals"]["paid"])
    assert paid == round(3 * bought[0]["PRICE"] + bought[1]["PRICE"] + 300, 2)
    assert booked["points"]["earned"] == f"{int((paid - 300) * 0.05)}.00"
    assert stage.states() == ["done", "done"]


def test_weighed_goods_come_to_the_same_kopeck(stage, anna):
    ordered(stage, 41, CHEESE, typed="max")
    stage.shop.do("pay", id=41, at=AT)
    stage.work()
    # 899.90 x 0.35 = 314.97, of which whole points pay 94; a kilogram then costs 631.34.
    assert stage.purchase(41)["totals"] == {
        "amount": "314.97", "discount": "0.00", "spend": "94.00", "paid": "220.97",
    }  # fmt: skip
    assert stage.purchase(41)["flags"] == []


def test_one_line_less_then_one_piece_less_then_all_money_back(stage, anna):
    ordered(stage, 41, TEA, POT, typed="171")
    stage.shop.do("pay", id=41, at=AT)
    stage.work()
    earned, spent, *_ = stage.points(41)

    stage.shop.do("quantity", id=41, line=9012, quantity=0)
    stage.work()
    part = stage.points(41)
    assert stage.purchase(41)["totals"]["amount"] == "1350.00"
    stage.shop.do("quantity", id=41, line=9011, quantity=2)
    stage.work()
    less = stage.points(41)
    assert float(spent) > 0
    assert 0 < float(part[2]) < float(less[2]) < float(earned)
    assert 0 < float(part[3]) < float(less[3]) < float(spent)

    stage.shop.do("give_back", id=41, at=LATER)
    stage.work()
    assert stage.points(41) == (earned, spent, earned, spent)
    assert stage.balance(anna) == ("500.00", "0.00")


def test_a_cancelled_and_a_deleted_order_release_what_they_held(stage, anna):
    ordered(stage, 41, POT, typed="171")
    assert stage.balance(anna)[1] == "171.00"
    stage.shop.do("cancel", id=41)
    stage.work()
    assert stage.balance(anna) == ("500.00", "0.00")
    ordered(stage, 42, POT, typed="171")
    stage.shop.do("pay", id=42, at=AT)
    stage.work()
    stage.shop.do("delete", id=42)
    stage.work()
    assert stage.balance(anna) == ("500.00", "0.00")
    assert [stage.purchase(number)["status"] for number in (41, 42)] == ["cancelled"] * 2


def test_while_the_hub_is_away_the_shop_sells_at_full_price_and_nothing_is_lost(stage, anna):
    stage.is_away = True
    assert prices(stage.shop.do("basket", lines=[POT])) == [2900]
    assert stage.shop.do("points", typed="max")["trouble"] == "away"
    stage.shop.do("place", id=41, at=AT)
    stage.shop.do("pay", id=41, at=AT)
    stage.work()
    assert stage.states() == []
    stage.is_away = False
    stage.clock.advance(days=3)
    assert stage.shop.do("agent") == []
    stage.work()
    # Three days late, booked by its own time: 5 % of 2900.00.
    assert stage.purchase(41)["occurred_at"] == "2026-03-14T11:31:02+00:00"
    assert stage.points(41)[0] == "145.00"


def test_a_refund_that_comes_before_its_sale_is_the_sale_with_its_refund(stage, anna):
    stage.is_away = True
    ordered(stage, 41, POT)
    stage.shop.do("pay", id=41, at=AT)
    stage.shop.do("give_back", id=41, at=LATER)
    stage.work()
    stage.is_away = False
    stage.shop.do("agent")
    stage.work()
    earned, _, taken_back, _ = stage.points(41)
    assert (earned, taken_back) == ("145.00", "145.00")
    assert stage.balance(anna) == ("500.00", "0.00")


def test_snapshots_that_come_twice_late_or_out_of_order_end_the_same(stage, anna):
    ordered(stage, 41, TEA, POT, typed="171")
    stage.shop.do("pay", id=41, at=AT)
    stage.work()
    stage.shop.do("quantity", id=41, line=9011, quantity=2)
    stage.work()
    before = stage.purchase(41), stage.balance(anna)
    for _, headers, body in reversed(stage.snapshots()):
        assert stage.sends(body, headers) == 200
    # The same states under other names: none of them is newer than what is booked.
    for _, _, body in reversed(stage.snapshots()):
        late = json.dumps({**json.loads(body), "event_id": f"late-{json.loads(body)['seq']}"})
        assert stage.sends(late.encode(), sign("orders", late.encode())) == 200
    stage.work()
    assert (stage.purchase(41), stage.balance(anna)) == before
    assert set(stage.states()) == {"done"}
    assert len(stage.states()) == 6


def test_nobody_gets_in_with_no_wrong_another_or_a_replayed_proof(stage, anna):
    ordered(stage, 41, POT)
    ((_, headers, body),) = stage.snapshots()
    more = json.dumps({**json.loads(body), "event_id": "s1-41-forged"}).encode()
    signature = headers["X-Hub-Signature"]
    tried = [
        stage.sends(more, {}),
        stage.sends(more, {"X-Hub-Signature": ""}),
        stage.sends(more, {"X-Hub-Signature": "sha256=" + "0" * 64}),
        stage.sends(more, sign("orders", more, "the secret of another shop")),
        # The signature of another message, and of this one in another form.
        stage.sends(more, {"X-Hub-Signature": signature}),
        stage.sends(body, {"X-Hub-Signature": signature.removeprefix("sha256=")}),
        stage.sends(body, {"X-Hub-Signature": signature.upper()}),
    ]
    assert tried == [401] * len(tried)
    # Replayed as it was, it is the delivery that is kept already.
    assert stage.sends(body, headers) == 200
    rubbish = b"\xff\xfe{"
    assert stage.sends(rubbish, sign("orders", rubbish)) == 400
    stage.work()
    assert stage.states() == ["done"]


def test_a_guest_earns_by_phone_and_a_stranger_earns_nothing(stage):
    stage.shop.do("user", id=0)
    stage.shop.do("basket", lines=[POT])
    stage.shop.do("place", id=41, roles={"phone": "8 (900) 000-12-34"}, at=AT)
    stage.shop.do("basket", lines=[POT])
    stage.shop.do("place", id=42, at=AT)
    for number in (41, 42):
        stage.shop.do("pay", id=number, at=AT)
    stage.work()
    assert stage.purchase(42)["member"] is None
    (found,) = stage.owner.get("/members?phone=%2B79000001234").json["items"]
    # 10 % off, and 5 % of 2610.00.
    assert stage.purchase(41)["member"] == found["id"]
    assert stage.balance(found["id"])[0] == "130.00"


def test_views_of_those_who_agreed_become_events_of_the_member(stage, anna):
    stage.shop.do("seen", product="9012")
    stage.shop.do("agree")
    stage.shop.do("seen", product="9012")
    # One row, which the hub has taken.
    assert stage.shop.do("agent") == []
    (event,) = [json.loads(body) for url, _, body in stage.sent if url.endswith("/events")]
    assert (event["kind"], event["data"]) == ("view", {"sku": "bx-9012"})
    assert event["member"]["external"] == stage.account
