"""Vendors' doors for a minute, 200 deliveries a second, while one worker drains.

MoySklad's till posts whole sales, which are booked.  WooCommerce's webhooks hint at orders, which
the worker reads, with their refunds, at a stand-in shop: at the pace at which it calls one shop,
so what waits for that grows, and only the door is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

from bench.ground import Ground, Place
from bench.ingest import SECRET, SETTINGS, guest_order
from bench.measure import Probe, Sample
from bench.members import phone_of
from bench.old_shop import shop_of
from bench.programme import LINES
from bench.sender import Delivery
from bench.through import Load, Way, pass_through
from connectors.moysklad.routes import TILL_TOKEN, posted_key
from connectors.wordpress.routes import delivery_key
from hub.installations import InstallationView, create_installation
from loyalty_core.store.ids import from_wire
from loyalty_kit.ports import InboundRequest
from loyalty_kit.signing import hmac_sha256

TILL, SHOP = "MoySklad's till door", "WooCommerce's webhook door"
ANSWER, BOOKS = "{}, the answer", "{}, from the answer to the books"
PACE, SECONDS = 200.0, 60.0
_WORD = "till-word-of-the-bench"
TILL_HEADER = f"{TILL_TOKEN}: {_WORD}"
MORE = {
    "HUB_CONNECTORS_ENABLED": "bench,wordpress,moysklad",
    "HUB_ALLOW_PRIVATE_ADDRESSES": "1",
}
_numbers = count(1)


@contextmanager
def doors_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.own("doors"), ground.options
    load = Load(PACE, options.seconds if options.quick else SECONDS)
    members = len(place.programme.members)
    with shop_of(1, members) as address:
        ways = {TILL: _till_way(place), SHOP: _shop_way(place, address)}

        def probe(name: str) -> Probe:
            def run() -> dict[str, Sample]:
                told = pass_through(place, options, ways[name], load, lambda _: None)
                found = {ANSWER.format(name): told.answer}
                return found | ({BOOKS.format(name): told.lag} if told.lag else {})

            return Probe(name, run, load.seconds + 20)

        yield [probe(name) for name in ways]


def _till_way(place: Place) -> Way:
    view = connect_moysklad(place)
    members = len(place.programme.members)

    def make(now: datetime) -> Delivery:
        number = next(_numbers)
        body = json.dumps(_sale(number, phone_of(number * 7919 % members), now)).encode()
        return posted_key(InboundRequest({}, body, {})), body

    head, path = f"{TILL_HEADER}\r\n", f"{view.hooks['connect']}/retaildemand"
    return Way(_id(view), path, make, lambda _: head, MORE)


def connect_moysklad(place: Place) -> InstallationView:
    """An account whose till asks the hub; nobody reads its documents."""
    settings = {
        "api_url": "http://127.0.0.1:9/",
        "api_token": "token-of-the-bench",
        "token_kind": "solution",
        "till_token": _WORD,
        "hook_token": "hook-word-of-the-bench",
        "sales": "demand",
    }
    return _connected(place, "moysklad", settings)


def _shop_way(place: Place, address: str) -> Way:
    view = _connected(place, "wordpress", {**SETTINGS, "base_url": address})

    def make(_now: datetime) -> Delivery:
        body = json.dumps(guest_order(next(_numbers)), separators=(",", ":")).encode("ascii")
        return delivery_key(InboundRequest(_woo_headers(body), body, {})), body

    def head(delivery: Delivery) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in _woo_headers(delivery[1]).items())

    return Way(_id(view), view.hooks["events"], make, head, MORE, drains=False)


def _woo_headers(body: bytes) -> dict[str, str]:
    return {
        "x-wc-webhook-source": "https://shop.example/",
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-resource": "order",
        "x-wc-webhook-event": "updated",
        "x-wc-webhook-id": "2",
        "x-wc-webhook-signature": hmac_sha256(SECRET, body, encoding="base64"),
        "x-wc-webhook-delivery-id": "1",
    }


def _connected(place: Place, connector: str, settings: dict[str, str]) -> InstallationView:
    hub = place.hub(allow_private=True)
    return create_installation(
        hub,
        programme_id=place.programme.id,
        connector=connector,
        name=f"{connector} {next(_numbers)}",
        settings=settings,
    )


def _id(view: InstallationView) -> int:
    number = from_wire("i", view.id)
    assert number is not None
    return number


def _sale(number: int, phone: str, now: datetime) -> dict[str, Any]:
    """What the till posts of ten lines that nobody reduced."""
    return {
        "retailStore": ref(1),
        "name": f"{number:05}",
        "moment": f"{now:%Y-%m-%d %H:%M:%S}",
        **ref(number),
        "agent": {**ref(2), "phone": phone},
        "positions": [
            {
                "assortment": ref(100 + line),
                "quantity": 1,
                "price": 100 + line,
                "discountPercent": 0,
                "discountedPrice": 100 + line,
            }
            for line in range(LINES)
        ],
        "bonusProgram": {"bonusValueToSpend": 0, "bonusValueToEarn": 0},
        "cashSum": 0,
        "noCashSum": 1045,
    }


def ref(number: int) -> dict[str, Any]:
    name = f"{number:08x}-1fb1-11f1-0a80-0b6300000187"
    return {"meta": {"href": f"https://api.moysklad.ru/entity/{name}", "id": name}}
