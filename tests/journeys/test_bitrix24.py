"""A portal connected: hints and polls in, purchases and points out; the balance on the contact.

The programme gives 5 % of what is paid, in whole points.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.bitrix24 import client as calls
from tests.stand_ins.bitrix24 import DEALS, Account
from tests.support.bitrix24 import PortalStage


@pytest.fixture
def account(monkeypatch) -> Iterator[Account]:
    monkeypatch.setattr(calls, "PER_S", 1000.0)
    with Account() as opened:
        yield opened


@pytest.mark.parametrize("server", ["sqlite_engine", "postgres_engine"])
def test_a_paid_order_earns_loses_a_piece_and_is_returned(request, server, tmp_path, account):
    stage = PortalStage(request.getfixturevalue(server), tmp_path, account)
    order = stage.order(236)
    # One save is several events, and each may come twice.
    for _ in range(2):
        assert stage.hears("ONSALEORDERSAVED", 236) == 200
    stage.work()
    assert stage.points("order:236") == ("paid", "50.00", "0.00")

    order["basketItems"][0]["quantity"] = 1
    order |= {"price": 500}
    stage.hears("ONSALEORDERSAVED", 236)
    stage.work()
    assert stage.points("order:236") == ("paid", "50.00", "25.00")

    order["payments"][0] |= {"paid": "N", "isReturn": "Y", "datePaid": None}
    order["payed"] = "N"
    stage.hears("ONSALEORDERSAVED", 236)
    stage.work()
    assert stage.points("order:236") == ("paid", "50.00", "50.00")
    assert set(stage.states()) == {"done"}


def test_events_that_come_late_twice_and_out_of_order_end_the_same(
    sqlite_engine, tmp_path, account
):
    stage = PortalStage(sqlite_engine, tmp_path, account)
    # Paid, one piece taken off, returned: by the time that the first event comes, all has happened.
    order = stage.order(238, price=500, payed="N")
    order["basketItems"][0]["quantity"] = 1
    order["payments"][0] |= {"paid": "N", "isReturn": "Y", "datePaid": None}
    for _ in range(3):
        stage.hears("ONSALEORDERSAVED", 238)
        stage.work()
    returned = stage.points("order:238")
    # Of a deletion that was none, hours late.
    stage.hears("ONSALEBEFOREORDERDELETE", 238)
    stage.work(hours=3)
    assert stage.points("order:238") == returned
    del account.orders[238]
    for event in ("ONORDERDELETED", "ONSALEORDERSAVED", "ONORDERDELETED"):
        stage.hears(event, 238)
        stage.work()
    earned, back = stage.points("order:238")[1:]
    assert earned == back


def test_an_order_that_is_heard_of_three_days_late_and_one_of_nobody(
    sqlite_engine, tmp_path, account
):
    """Weighed goods, whose sum the portal rounds: 0.350 of 571.43 is 200.00."""
    stage = PortalStage(sqlite_engine, tmp_path, account)
    late = stage.order(240, price=200)
    late["basketItems"][0] |= {"quantity": 0.35, "price": 571.43}
    late["payments"][0]["sum"] = 200
    stage.order(241, clients=[])
    paid_at = stage.clock.now() - timedelta(minutes=1)
    stage.clock.advance(days=3)
    assert [stage.hears("ONSALEORDERSAVED", number) for number in (240, 241)] == [200, 200]
    stage.work()

    assert stage.points("order:240") == ("paid", "10.00", "0.00")
    assert stage.purchase("order:240")["occurred_at"] == paid_at.isoformat()
    assert stage.points("order:241") == ("paid", "0.00", "0.00")
    assert stage.purchase("order:241")["member"] is None


def test_what_no_event_told_is_found_by_polling_and_a_deleted_order_by_its_event(
    sqlite_engine, tmp_path, account
):
    stage = PortalStage(sqlite_engine, tmp_path, account)
    stage.order(237)
    stage.work(minutes=11)
    assert stage.points("order:237") == ("paid", "50.00", "0.00")
    del account.orders[237]
    stage.hears("ONORDERDELETED", 237)
    stage.work()
    assert stage.points("order:237") == ("cancelled", "50.00", "50.00")


def test_a_deal_and_its_order_never_count_both(sqlite_engine, tmp_path, account):
    stage = PortalStage(sqlite_engine, tmp_path, account, purchases="won_deals")
    stage.order(238)
    at = stage.clock.now().isoformat()
    account.items[DEALS, 7] = {
        "id": 7, "stageSemanticId": "S", "opportunity": 1000, "currencyId": "RUB",
        "contactId": 6, "createdTime": at, "movedTime": at, "updatedTime": at,
    }  # fmt: skip
    stage.hears("ONSALEORDERSAVED", 238)
    stage.hears("ONCRMDEALUPDATE", 7)
    stage.work(minutes=11)
    assert stage.points("deal:7") == ("paid", "50.00", "0.00")
    assert stage.states() == ["dropped", "done"]
    with pytest.raises(ValueError, match="not enough values"):
        stage.points("order:238")
    # Back in work: it is won no more.
    account.items[DEALS, 7]["stageSemanticId"] = "P"
    stage.hears("ONCRMDEALUPDATE", 7)
    stage.work()
    assert stage.points("deal:7")[2] == "50.00"


def test_a_deal_that_leaves_the_chosen_funnels_takes_its_points_back(
    sqlite_engine, tmp_path, account
):
    stage = PortalStage(sqlite_engine, tmp_path, account, purchases="won_deals", funnels="0")
    at = stage.clock.now().isoformat()
    for number, funnel in ((7, 0), (8, 3)):
        account.items[DEALS, number] = {
            "id": number, "stageSemanticId": "S", "opportunity": 1000, "currencyId": "RUB",
            "contactId": 6, "createdTime": at, "movedTime": at, "updatedTime": at,
            "categoryId": funnel,
        }  # fmt: skip
        stage.hears("ONCRMDEALUPDATE", number)
    stage.work()
    assert stage.points("deal:7") == ("paid", "50.00", "0.00")
    # Never in a funnel that counts: it books nothing.
    assert stage.points("deal:8") == ("cancelled", "0.00", "0.00")
    account.items[DEALS, 7]["categoryId"] = 3
    stage.hears("ONCRMDEALUPDATE", 7)
    stage.work()
    assert stage.points("deal:7") == ("cancelled", "50.00", "50.00")
    account.items[DEALS, 7]["categoryId"] = 0
    stage.hears("ONCRMDEALUPDATE", 7)
    stage.work()
    assert stage.points("deal:7")[0] == "paid"
    assert set(stage.states()) == {"done"}


def test_nobody_hints_with_no_wrong_or_anothers_secret(sqlite_engine, tmp_path, account):
    stage = PortalStage(sqlite_engine, tmp_path, account)
    stage.order(239)
    asked = len(account.calls)
    tried = [
        stage.hears("ONSALEORDERSAVED", 239, secret="guessed"),
        stage.hears("ONSALEORDERSAVED", 239, token="of another portal"),
        stage.hears("ONSALEORDERSAVED", 239, token=""),
        stage.web.post(stage.installation.hooks["events"], data=b"event=X").status_code,
    ]
    stage.work()
    assert tried == [401] * 4
    assert stage.states() == []
    assert len(account.calls) == asked
