"""A hub with a MoySklad account connected, and a till that sells.

All parts are real: the connector comes by its entry point, the account is a stand-in on a
socket of its own, the till speaks to the hub's own application, and deliveries are worked off by
the worker thread or by an RQ worker on Redis.  The programme gives 5 %, rounds down to whole
points, and takes points for up to 30 %.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from werkzeug.test import TestResponse

from connectors.moysklad.routes import TILL_TOKEN
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from tests.stand_ins.moysklad import Account, Json
from tests.support.stage import Stage

OPENING = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
AFTERNOON = datetime(2026, 3, 14, 15, 45, tzinfo=UTC)
"""18:45 in Moscow, when the account is connected: the sales of the tests have been made."""
STORE = "5c1f0a52-0d1e-11ef-0a80-0b6300001111"
ANNA = "9f0d1c7e-0d1f-11ef-0a80-0b6300002222"
TEA = "11111111-0d20-11ef-0a80-0b6300000001"
CHEESE = "11111111-0d20-11ef-0a80-0b6300000002"
CUP = "11111111-0d20-11ef-0a80-0b6300000003"
HOOK, TILL = "hook-word-of-the-tests-42", "till-word-of-the-tests-42"
API = "https://api.moysklad.ru/api/remap/1.2/entity"


@dataclass(frozen=True, slots=True)
class Goods:
    """A position of a cart: the article's id, how many, at which price in roubles."""

    id: str
    quantity: float
    price: float

    def position(self, **more: Any) -> Json:
        meta = {**ref("product", self.id)["meta"], "idType": "native", "type": "product"}
        return {
            "assortment": {"meta": meta},
            "quantity": self.quantity,
            "price": self.price,
            **more,
        }


def ref(kind: str, number: str) -> Json:
    return {"meta": {"href": f"{API}/{kind}/{number}", "id": number}}


def till_sum(positions: Sequence[Json]) -> str:
    """What the till asks for: each position's price of a unit by its quantity, half up."""
    kopeck = Decimal("0.01")
    sums = (
        (Decimal(str(one["discountedPrice"])) * Decimal(str(one["quantity"]))).quantize(
            kopeck, ROUND_HALF_UP
        )
        for one in positions
    )
    return str(sum(sums, Decimal(0)).quantize(kopeck))


class MoySkladStage(Stage):
    """One programme, one account, one till, and a worker."""

    def __init__(
        self,
        engine: Engine,
        data_dir: Path,
        *,
        redis_url: str | None = None,
        document: Mapping[str, Any] | None = None,
        deadline_ms: int = 20_000,
        **settings: str,
    ) -> None:
        super().__init__(engine, data_dir, OPENING, redis_url=redis_url, deadline_ms=deadline_ms)
        self.account = self._open.enter_context(Account(clock=self.clock.now))
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection,
                code="demo",
                document=document or default_rules(earn_percent=5, spend_limit_percent=30),
                author="test",
                now=OPENING,
            ).id
        self.clock.set(AFTERNOON)
        self.account.put("counterparty", self.buyer())
        for number, name in ((TEA, "Чай"), (CHEESE, "Сыр"), (CUP, "Чашка")):
            self.account.put("product", {"id": number, "name": name})
        self.installation = self.connect(
            "moysklad",
            api_url=self.account.base_url,
            api_token=self.account.token,
            token_kind="solution",
            till_token=TILL,
            hook_token=HOOK,
            **settings,
        )
        self.work()

    # --- the account ------------------------------------------------------------------------

    @staticmethod
    def buyer(**more: Any) -> Json:
        """Anna as a counterparty."""
        name = {"legalFirstName": "Анна", "legalLastName": "Смирнова"}
        return {"id": ANNA, "name": "Смирнова Анна", "phone": "+7 900 000-12-34", **name, **more}

    def saves(self, kind: str, number: str, *positions: Json, **more: Any) -> Json:
        """The account saves a document, with positions in kopecks and percents."""
        return self.account.put(
            kind,
            {
                "id": number,
                "moment": "2026-03-14 18:42:00.000",
                "applicable": True,
                "agent": {"meta": {"href": f"{API}/counterparty/{ANNA}", "type": "counterparty"}},
                "retailStore": {"meta": {"href": f"{API}/retailstore/{STORE}"}},
                "positions": {"rows": list(positions)},
                **more,
            },
        )

    def hears(self, kind: str, number: str, action: str = "UPDATE") -> TestResponse:
        """A webhook of the account comes in."""
        body = self.account.notification((kind, number, action))
        self.clock.advance(seconds=1)
        return self.app.test_client().post(
            f"{self.installation.hooks['events']}/{HOOK}",
            json=body,
            query_string={"requestId": str(uuid.uuid4())},
        )

    # --- the till ---------------------------------------------------------------------------

    def till(self, path: str, body: Any = None, *, token: str = TILL, **query: str) -> TestResponse:
        """One call of the Loyalty API: a POST where it has a body."""
        return self.app.test_client().open(
            f"/connect/{self.installation.id}/{path}",
            method="GET" if body is None else "POST",
            data=None if body is None else json.dumps(body),
            headers={TILL_TOKEN: token, "Content-Type": "application/json"},
            query_string=query,
        )

    def recalc(self, *goods: Goods, wish: float | None = None, spend: bool = False) -> Json:
        """The cart as the hub prices it, for Anna."""
        kind = "SPENDING" if spend or wish is not None else "EARNING"
        cart = {
            "retailStore": ref("retailstore", STORE),
            "agent": {**ref("counterparty", ANNA), "phone": "+7 900 000-12-34"},
            "positions": [one.position() for one in goods],
            "bonusProgram": {"transactionType": kind},
        }
        if wish is not None:
            cart["preferredBonusToSpend"] = wish
        answer = self.till("retaildemand/recalc", cart)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json
        return told

    def sale(self, number: str, cart: Json, *, moment: str = "2026-03-14 18:42:00") -> Json:
        """What the till posts of a cart that was priced."""
        bonus = cart["bonusProgram"]
        return {
            "retailStore": ref("retailstore", STORE),
            "name": "00187",
            "moment": moment,
            **ref("retaildemand", number),
            "agent": {**ref("counterparty", ANNA), "phone": "+7 900 000-12-34"},
            "positions": cart["positions"],
            "bonusProgram": {
                "bonusValueToSpend": bonus["bonusValueToSpend"],
                "bonusValueToEarn": bonus["bonusValueToEarn"],
            },
            "cashSum": 0,
            "noCashSum": float(till_sum(cart["positions"])),
        }

    def sells(self, number: str, cart: Json, **more: str) -> None:
        self.posts("retaildemand", self.sale(number, cart, **more))

    def posts(self, path: str, document: Json) -> None:
        self.clock.advance(seconds=1)
        answer = self.till(path, document)
        assert (answer.status_code, answer.data) == (201, b""), answer.text

    def return_of(
        self, number: str, sale: str | None, *positions: Json, buyer: bool = True
    ) -> Json:
        """What the till posts of a return: a flat buyer, empty texts where there is no sale."""
        demand = {"meta": {"href": "", "id": ""}} if sale is None else ref("retaildemand", sale)
        return {
            "retailStore": ref("retailstore", STORE),
            "name": "00012",
            "moment": "2026-03-14 18:43:00",
            **ref("retailsalesreturn", number),
            "demand": demand,
            "agent": {"href": f"{API}/counterparty/{ANNA}", "id": ANNA} if buyer else {},
            "positions": list(positions),
            "cashSum": 0,
        }

    def earns(self, points: int) -> None:
        """Anna buys tea until she has so many points."""
        cart = self.recalc(Goods(TEA, 1, points * 20))
        self.sells(str(uuid.uuid4()), cart, moment="2026-03-14 12:00:00")
        self.work()
