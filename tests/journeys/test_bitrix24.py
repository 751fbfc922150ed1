"""A portal connected: hints and polls in, purchases and points out; the balance on the contact.

The programme gives 5 % of what is paid, in whole points.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.bitrix24 import client as calls
from hub.app import create_app
from hub.deliveries import list_deliveries
from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.jobs.scheduler import sweep
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.source import Source
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, write
from tests.connectors.bitrix24.shared import HOOK, form
from tests.stand_ins.bitrix24 import CONTACTS, DEALS, Account
from tests.support.clock import FixedClock
from tests.support.hub import make_hub


class Stage:
    """One programme and one portal, with Anna as its contact 6."""

    def __init__(self, engine: Any, data_dir: Path, account: Account, **settings: str) -> None:
        self.account, self.clock = account, FixedClock()
        self.hub = make_hub(engine, clock=self.clock, data_dir=data_dir)
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection,
                code="demo",
                document=default_rules(earn_percent=5, spend_limit_percent=30),
                author="test",
                now=self.clock.now(),
            ).id
        phone = {"typeId": "PHONE", "value": "+79000001234"}
        account.items[CONTACTS, 6] = {"id": 6, "name": "Анна", "fm": [phone]}
        self.installation = create_installation(
            self.hub,
            programme_id=self.programme_id,
            connector="bitrix24",
            name="portal",
            settings=form(account.base_url, **settings),
        )
        self.web = create_app(self.hub).test_client()
        self.work()

    def order(self, number: int, **more: Any) -> dict[str, Any]:
        at = (self.clock.now() - timedelta(minutes=1)).isoformat()
        made = {
            "id": number, "accountNumber": str(number), "canceled": "N", "payed": "Y",
            "price": 1000, "currency": "RUB", "dateInsert": at, "dateUpdate": at,
            "basketItems": [
                {"id": str(number * 10), "productId": 456, "quantity": 2, "price": 500}
            ],
            "payments": [{"id": number * 100, "paid": "Y", "sum": 1000, "datePaid": at}],
            "clients": [{"entityTypeId": 3, "entityId": 6, "isPrimary": "Y"}],
            **more,
        }  # fmt: skip
        self.account.orders[number] = made
        return made

    def hears(
        self, event: str, number: int, *, secret: str = HOOK, token: str = "app-token"
    ) -> int:
        path = f"{self.installation.hooks['events']}/{secret}"
        body = self.account.event(event, number, token)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.web.post(path, data=body, headers=headers).status_code

    def work(self, **pause: float) -> None:
        self.clock.advance(**(pause or {"seconds": 1}))
        sweep(self.hub)
        drain(self.hub, self.programme_id)
        with read(self.hub.engine) as connection:
            assert list(verify_ledger(connection, programme_id=self.programme_id)) == []

    def points(self, number: str) -> tuple[str, str, str]:
        """Status, earned, taken back."""
        with read(self.hub.engine) as connection:
            (found,) = find_purchases(
                connection, Source(self.programme_id, "test"), external_id=number
            )
        return found["status"], found["points"]["earned"], found["points"]["clawed_back"]

    def states(self) -> list[str]:
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return [one.state for one in page.items[::-1] if one.hook == "events"]


@pytest.fixture
def account(monkeypatch) -> Iterator[Account]:
    monkeypatch.setattr(calls, "PER_S", 1000.0)
    with Account() as opened:
        yield opened


@pytest.mark.parametrize("server", ["sqlite_engine", "postgres_engine"])
def test_a_paid_order_earns_loses_a_piece_and_is_returned(request, server, tmp_path, account):
    stage = Stage(request.getfixturevalue(server), tmp_path, account)
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


def test_what_no_event_told_is_found_by_polling_and_a_deleted_order_by_its_event(
    sqlite_engine, tmp_path, account
):
    stage = Stage(sqlite_engine, tmp_path, account)
    stage.order(237)
    stage.work(minutes=11)
    assert stage.points("order:237") == ("paid", "50.00", "0.00")
    del account.orders[237]
    stage.hears("ONORDERDELETED", 237)
    stage.work()
    assert stage.points("order:237") == ("cancelled", "50.00", "50.00")


def test_a_deal_and_its_order_never_count_both(sqlite_engine, tmp_path, account):
    stage = Stage(sqlite_engine, tmp_path, account, purchases="won_deals")
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


def test_nobody_hints_with_no_wrong_or_anothers_secret(sqlite_engine, tmp_path, account):
    stage = Stage(sqlite_engine, tmp_path, account)
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
