"""Settings and recorded traffic that the tests of this connector share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.wordpress.schemas import Settings
from loyalty_kit.ports import Context, InboundRequest
from loyalty_kit.settings import load_settings
from tests.stand_ins.woocommerce import SYNTHETIC_SECRET, WooShop, read_delivery

RECORDED = Path(__file__).parent / "recorded"
DELIVERIES = RECORDED / "deliveries"
CASES = RECORDED / "cases"
SEVEN = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def settings(base_url: str = "https://shop.example", **changes: Any) -> dict[str, Any]:
    given = {
        "base_url": base_url,
        "consumer_key": WooShop.consumer_key,
        "consumer_secret": WooShop.consumer_secret,
        "webhook_secret": SYNTHETIC_SECRET,
    }
    return load_settings(Settings, {**given, **changes})


def context(revision: int = 1, received_at: datetime = SEVEN, **changes: Any) -> Context:
    return Context(settings=settings(**changes), received_at=received_at, revision=revision)


def inbound(name: str) -> InboundRequest:
    """A recorded delivery as the door hands it on."""
    body, headers = read_delivery(DELIVERIES / f"{name}.json")
    return request(body, headers)


def request(body: bytes, headers: dict[str, str]) -> InboundRequest:
    return InboundRequest({name.lower(): value for name, value in headers.items()}, body, {})


def rest(name: str) -> Any:
    return json.loads((RECORDED / "rest" / f"{name}.json").read_text("utf-8"))


def order_of(name: str) -> dict[str, Any]:
    """The order that a recorded delivery carried."""
    order: dict[str, Any] = json.loads(inbound(name).body)
    return order
