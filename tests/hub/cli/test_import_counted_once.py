"""What the hub has counted already is not counted again by a file, whichever comes first."""

from __future__ import annotations

import pytest

from hub.app import create_app
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read
from tests.hub.api.bodies import a_line, a_purchase
from tests.hub.api.client import Caller, new_key
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.moving import card, write_rows

ANNA = "+79160000001"
SIGN = {"fn": "9960440300000001", "fd": "42", "fp": "0123456789"}


@pytest.fixture
def base(on_engine, demo, tmp_path):
    """A programme with the members of the cards 1 to 3."""
    members = write_rows(tmp_path / "base.csv", "card,phone", f"1,{ANNA}", "2,", "3,")
    assert demo("import", "members", str(members)).code == 0
    return demo


def codes(told):
    return [(one["line"], one["code"]) for one in told.json["lines"]]


def test_r112_spent_before_after_receipts_of_the_same_time_is_told_and_not_added(
    base, engine, tmp_path
):
    receipts = write_rows(
        tmp_path / "receipts.csv", "receipt,bought_at,card,paid", "1,2024-06-05,1,70",
        "2,2024-06-05,2,5",
    )  # fmt: skip
    assert base("import", "purchases", str(receipts)).code == 0
    spent = write_rows(
        tmp_path / "spent.csv",
        "card,spent_before,last_purchase_at,city",
        "1,500,2024-06-05,Tver",  # the day of the receipt, whole
        "2,500,2024-06-04,Tver",  # all of before the receipt
        "3,500,,Tver",
        "1,,,Tver",
    )
    words = ("import", "members", str(spent), "--json")

    dry, done = base(*words, "--dry-run"), base(*words)

    for told in (dry, done):
        assert codes(told) == [(2, "receipts_before"), (5, "twice")]
        assert "since 2024-06-05" in told.json["lines"][0]["why"]
    assert [card(engine, card=one).spent_minor for one in "123"] == [7_000, 50_500, 50_000]
    assert codes(base(*words)) == [(2, "receipts_before"), (5, "twice")]
    assert base(*words, "--besides").code == 1
    assert [card(engine, card=one).spent_minor for one in "123"] == [57_000, 50_500, 50_000]


def test_r112_a_receipt_that_the_shop_has_reported_is_not_brought_in(base, engine, tmp_path):
    """By its fiscal sign for sure; without one what probably is the same is listed."""
    hub = make_hub(engine, clock=FixedClock(), data_dir=tmp_path / "hub")
    with read(engine) as connection:
        programme = get_programme(connection, "demo")
    till = Caller(create_app(hub), new_key(hub, programme.id).key)
    for number, paid, more in (
        ("p-1", "100.00", {"fiscal": [SIGN]}),
        ("p-2", "200.00", {"order": "77"}),
        ("p-3", "300.00", {}),
    ):
        sold = a_purchase(
            external_id=number,
            occurred_at="2026-03-10T12:30:20+03:00",
            customer={"phone": ANNA},
            lines=[a_line(amount=paid, paid=paid)],
            **more,
        )
        assert till.post("/purchases", sold).status_code == 201
    file = write_rows(
        tmp_path / "old.csv",
        "Номер чека;Дата чека;Карта;Сумма;ФН;ФД;ФП",
        "1;10.03.2026 12:30;1;100;9960440300000001;00042;123456789",  # another's zeros
        "77;10.03.2026;;200;;;",  # the number of the order
        "4;10.03.2026 12:30;1;300;;;",  # member and minute
        "5;10.03.2026;1;300;;;",  # a day alone, of the same member
        "6;10.03.2026 12:31;1;300;;;",
        "7;10.03.2026 12:30;2;300;;;",
        "77;11.03.2026;;200;;;",
        "78;10.03.2026;2;201;9960440300000001;43;1",
        "8;10.03.2026;2;1;one;43;1",
    )
    words = ("import", "purchases", str(file), "--json")

    dry, done = base(*words, "--dry-run"), base(*words)

    for told in (dry, done):
        assert codes(told) == [
            (3, "own_receipt"), (4, "own_receipt"), (5, "own_receipt"), (10, "not_sign"),
        ]  # fmt: skip
        assert (told.json["own"], told.json["money_own"], told.json["taken"]) == (1, "100.00", 4)
    assert card(engine, card="1").spent_minor == 60_000 + 30_000
    again = base(*words)
    assert (again.json["own"], again.json["known"], again.json["taken"]) == (1, 4, 0)
    besides = base(*words, "--besides")
    assert (besides.json["own"], besides.json["taken"]) == (1, 3), "a sign is no guess"
    assert base("ledger", "verify").code == 0


def test_a_receipt_that_the_shop_reports_after_a_file_is_listed_and_a_person_joins_the_two(
    base, engine, tmp_path
):
    hub = make_hub(engine, clock=FixedClock(), data_dir=tmp_path / "hub")
    with read(engine) as connection:
        programme = get_programme(connection, "demo")
    till = Caller(create_app(hub), new_key(hub, programme.id).key)

    def sells(name, paid, at="2026-03-10T12:30:20+03:00", **more):
        body = a_purchase(
            external_id=name, occurred_at=at, lines=[a_line(amount=paid, paid=paid)], **more
        )
        return till.post("/purchases", body).json

    anna = {"customer": {"phone": ANNA}}
    assert sells("p-0", "1.00", **anna)["flags"] == []
    file = write_rows(
        tmp_path / "old.csv",
        "Номер чека;Дата чека;Карта;Сумма;ФН;ФД;ФП",
        "1;10.03.2026 12:30;1;100;9960440300000001;00042;123456789",
        "77;10.03.2026;;200;;;",
        "5;10.03.2026;1;300;;;",
        "6;10.03.2026 12:31;1;400;;;",
        "7;10.03.2026 12:30;2;500;;;",
    )
    assert base("import", "purchases", str(file)).code == 0
    spent, points = card(engine, card="1").spent_minor, card(engine, card="1").balance.available

    same = [
        sells("p-1", "100.00", fiscal=[SIGN], **anna),
        sells("p-2", "200.00", order="77"),
        sells("p-3", "300.00", **anna),
    ]
    others = [
        sells("p-4", "400.00", **anna),
        sells("p-5", "500.00", **anna),
        sells("p-6", "200.00", at="2026-03-11T12:30:20+03:00", order="77"),
        sells("p-7", "300.01", **anna),
    ]

    assert [one["flags"] for one in same] == [["perhaps_brought_in"]] * 3
    assert [one["flags"] for one in others] == [[]] * 4
    listed = till.get("/attention/receipts").json["items"]
    assert {one["external_id"] for one in listed} == {"p-1", "p-2", "p-3"}
    before = card(engine, card="1")
    assert before.spent_minor == spent + 10_000 + 30_000 + 40_000 + 50_000 + 30_001
    seen = till.get(f"/members/{before.id}/purchases").json["items"]
    old = next(one for one in seen if one["external_id"].endswith("/5"))
    assert till.post(f"/purchases/{same[2]['id']}/join", {"other": old["id"]}).status_code == 200
    after = card(engine, card="1")
    # The file's receipt counts for tiers once, and gives no points a second time.
    assert after.spent_minor == before.spent_minor - 30_000
    earned = int(same[2]["points"]["earned"].replace(".", ""))
    assert after.balance.available == before.balance.available - earned
    assert 0 < earned <= before.balance.available - points
    assert base("ledger", "verify").code == 0
