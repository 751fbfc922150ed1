"""What every connector must do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.wordpress import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.recorded import RECEIVED_AT
from loyalty_kit.testing.remote import Asked, Reply, json_reply
from loyalty_kit.testing.subject import RemoteSide
from tests.connectors.wordpress.shared import CASES
from tests.stand_ins.woocommerce import SYNTHETIC_SECRET, WooShop, sign


def form(base_url: str) -> dict[str, str]:
    return {
        "base_url": base_url,
        "consumer_key": WooShop.consumer_key,
        "consumer_secret": WooShop.consumer_secret,
        "webhook_secret": SYNTHETIC_SECRET,
        "customers": "true",
    }


def signed(webhook: str, body: bytes) -> dict[str, str]:
    return {"X-WC-Webhook-Signature": sign(body, SYNTHETIC_SECRET)}


def accepts(asked: Asked) -> Reply:
    """One document by its id, and empty lists."""
    one = asked.path.rpartition("/")[2].isdigit()
    return json_reply(b"{}" if one else b"[]")


@contextmanager
def two_pages() -> Iterator[str]:
    """A shop with more than a hundred orders and products, changed before `RECEIVED_AT`."""
    with WooShop(clock=lambda: RECEIVED_AT) as shop:
        for number in range(1, 121):
            shop.put_order({"id": number, "status": "completed", "date_created_gmt": ""})
            shop.put_product({"id": number, "name": f"Товар {number}"}, status="publish")
        yield shop.base_url


TestWordpress = conformance_suite(
    CONNECTOR,
    recorded=CASES,
    settings=form("https://shop.example"),
    sign=signed,
    remote=RemoteSide(settings=form, accepts=accepts, shop=two_pages),
)
