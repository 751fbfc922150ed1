"""A hub with a Bitrix24 portal connected: hints and polls in, purchases and points out.

The portal is a stand-in on a socket of its own; the programme gives 5 %, in whole points.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

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
from tests.stand_ins.bitrix24 import CONTACTS, Account
from tests.support.clock import FixedClock
from tests.support.hub import make_hub


class PortalStage:
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
        found = self.purchase(number)
        return found["status"], found["points"]["earned"], found["points"]["clawed_back"]

    def purchase(self, number: str) -> dict[str, Any]:
        with read(self.hub.engine) as connection:
            (found,) = find_purchases(
                connection, self.hub.plans, Source(self.programme_id, "test"), external_id=number
            )
        return found

    def states(self) -> list[str]:
        page = list_deliveries(self.hub, programme_id=self.programme_id, limit=500)
        return [one.state for one in page.items[::-1] if one.hook == "events"]
