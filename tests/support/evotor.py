"""A hub with an Evotor account connected, and tills that sell.

All parts are real: the connector comes by its entry point, the cloud is a stand-in on a socket
of its own, webhooks and the terminal speak to the hub's own application, and deliveries are
worked off by the worker thread or by an RQ worker on Redis.  The programme gives 5 %, rounds
down to whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

from connectors.evotor.terminal.line import LineDown, answered
from connectors.evotor.terminal.receipt import Offer, Position, Receipt
from hub.outbox.messages import CODES
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.confirm import code_of
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import confirmations
from tests.stand_ins.evotor import Cloud, Json
from tests.support.stage import PHONE, Stage

OPENING = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
AFTERNOON = datetime(2026, 3, 14, 15, 45, tzinfo=UTC)
"""18:45 in Moscow, when the account is connected."""
APP_TOKEN, USER_TOKEN = "application-word-of-the-tests-42", "user-word-of-the-tests-0042"
APP = "9b000000-0000-4000-8000-00000000000a"
MERCHANT = "01-000000000000123"
STORE = "20250101-BBBB-4001-8001-000000005001"
NORTH = "20250101-BBBB-4001-8001-000000005002"
DEVICE = "20250101-AAAA-4001-8001-00000000D001"
TEA, CHEESE, CUP = (f"d0000000-0000-4000-8000-{n:012}" for n in (1, 2, 3))
KOPECK = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Goods:
    """A position: the product, how many, at which price in roubles, and what is taken off the
    line as a part of the receipt's discount."""

    id: str | None
    quantity: str
    price: str
    off: str = "0"
    uuid: str | None = None

    @property
    def amount(self) -> Decimal:
        return (Decimal(self.price) * Decimal(self.quantity)).quantize(KOPECK, ROUND_HALF_UP)

    def position(self, place: int) -> Json:
        paid = self.amount - Decimal(self.off)
        shared = {"discount_type": "SUM", "discount_sum": float(self.off)}
        told = {
            "uuid": self.uuid or uuid_of("f", place),
            "product_name": "Товар",
            "product_type": "NORMAL",
            "quantity": float(self.quantity),
            "price": float(self.price),
            "sum": float(self.amount),
            "result_sum": float(paid),
            "position_discount": None,
            "doc_distributed_discount": shared if Decimal(self.off) else None,
        }
        return told if self.id is None else {**told, "product_id": self.id}


def uuid_of(letter: str, number: int) -> str:
    return f"{letter}0000000-0000-4000-8000-{number:012}"


def document(
    number: str,
    *goods: Goods,
    kind: str = "SELL",
    closed: str = "2026-03-14T15:42:27.000+0000",
    base: str | None = None,
    phone: str | None = PHONE,
    extras: Json | None = None,
    **more: Any,
) -> Json:
    """A document as the cloud tells it."""
    total = float(sum((one.amount - Decimal(one.off) for one in goods), Decimal(0)))
    body: Json = {
        "positions": [one.position(place) for place, one in enumerate(goods, start=1)],
        "doc_discounts": [],
        "payments": [{"type": "CASH", "sum": total, "parts": [{"part_sum": total, "change": 0}]}],
        "result_sum": total,
        "customer_phone": phone and phone.removeprefix("+"),
        "customer_email": None,
    }
    if base is not None:
        body |= {"base_document_id": base, "base_document_number": 1}
    return {
        "type": kind,
        "id": number,
        "number": 1,
        "extras": extras or {},
        "close_date": closed,
        "time_zone_offset": 10_800_000,
        "store_id": STORE,
        "device_id": DEVICE,
        "close_user_id": uuid_of("e", 1),
        "user_id": MERCHANT,
        "body": body,
        "version": "V2",
        **more,
    }


class EvotorStage(Stage):
    """One programme with the shops main and north, one account with two, and a worker."""

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
        self.cloud = self._open.enter_context(Cloud(clock=self.clock.now))
        self.cloud.open_store(STORE)
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection,
                code="demo",
                document=document or default_rules(earn_percent=5, spend_limit_percent=30),
                author="test",
                now=OPENING,
            ).id
            create_shop(connection, self.programme_id, NewShop("north"), now=OPENING)
        self.clock.set(AFTERNOON)
        given = {
            "api_url": self.cloud.base_url,
            "cloud_token": self.cloud.token,
            "app_token": APP_TOKEN,
            "user_token": USER_TOKEN,
            "user_id": MERCHANT,
            "app_id": APP,
            "shops": f"{NORTH}=north",
        }
        self.installation = self.connect("evotor", **{**given, **settings})
        self.work()

    # --- the cloud --------------------------------------------------------------------------

    def says(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        token: str | None = USER_TOKEN,
        scheme: str = "Bearer ",
        installation: str | None = None,
        hooks: bool = False,
        **headers: str,
    ) -> TestResponse:
        """A call of Evotor's cloud, or of a terminal through it; `hooks`: by the hub's own door."""
        told = {"Content-Type": "application/json", "X-Evotor-User-Id": MERCHANT, **headers}
        if token is not None:
            told["Authorization"] = f"{scheme}{token}"
        return self.app.test_client().open(
            f"/{'hooks' if hooks else 'connect'}/{installation or self.installation.id}/{path}",
            method=method,
            data=body if isinstance(body, bytes) else json.dumps(body),
            headers={name: value for name, value in told.items() if value},
        )

    def sells(self, number: str, *goods: Goods, hears: bool = True, **more: Any) -> Json:
        """A till closes a receipt, which comes to the cloud, and from there to the hub."""
        kept = self.cloud.put(STORE, document(number, *goods, **more))
        if hears:
            self.hears(kept)
        return kept

    def hears(self, told: Any, *, hooks: bool = False) -> None:
        self.clock.advance(seconds=1)
        answer = self.says("PUT", "documents", told, hooks=hooks)
        assert answer.status_code == 200, answer.text
        assert hooks or answer.json == {}

    def earns(self, points: int) -> None:
        """Anna buys tea until she has so many points."""
        self.sells(str(uuid.uuid4()), Goods(TEA, "1", str(points * 20)))
        self.work()

    def code_sent(self) -> str:
        """The last confirmation code, as the buyer reads it."""
        with read(self.hub.engine) as connection:
            number = connection.execute(select(func.max(confirmations.c.id))).scalar_one()
        return code_of(self.hub.vault.derive(CODES), number)


class Proxy:
    """The line of a terminal: Evotor's proxy, which adds who calls.  `up` False: it is cut."""

    def __init__(self, stage: EvotorStage, store: str = STORE) -> None:
        self._stage, self._store, self.up = stage, store, True
        self.answer_lost = False

    def send(self, method: str, path: str, body: Any = None) -> Any:
        if not self.up:
            raise LineDown("cut")
        headers = {"X-Evotor-Store-Uuid": self._store, "X-Evotor-Device-UUID": DEVICE}
        told = self._stage.says(method, f"terminal/{path}", body, **headers)
        if self.answer_lost:
            self.answer_lost = False
            raise LineDown("the answer was lost")
        return answered(told.status_code, told.data)


def receipt(number: int, *goods: Goods) -> Receipt:
    """The same goods as they are open on the terminal."""
    positions = [
        Position(one.uuid or uuid_of("f", place), Decimal(one.quantity), Decimal(one.price), one.id)
        for place, one in enumerate(goods, start=1)
    ]
    return Receipt(uuid_of("c", number), positions)


def closed(open_receipt: Receipt, offer: Offer, **more: Any) -> Json:
    """The document that the till writes of a receipt with its offer."""
    goods = [
        Goods(
            one.product,
            str(one.quantity),
            str(one.price),
            off=str(offer.off.get(one.uuid, 0)),
            uuid=one.uuid,
        )
        for one in open_receipt.positions
    ]
    extras = {APP: {"loyalty": dict(offer.block)}}
    return document(open_receipt.uuid, *goods, phone=None, extras=extras, **more)
