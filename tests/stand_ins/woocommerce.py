"""A stand-in WooCommerce shop on a real socket: REST v3 and signed webhook deliveries.

It answers from data shaped as in `tests/connectors/wordpress/recorded/rest`, with the traps that
the recorded shop showed (10.5.2, seen 2026-11-22):

* `modified_after=...Z` together with `dates_are_gmt=true` answers 200 and an empty list;
* trashed orders are listed only with `status=trash`, but are readable by their id;
* deleting a refund or an order for ever leaves no trace and sends nothing;
* more than 100 a page is a 400, `billing_email=` is ignored;
* a delivery's body is built when it is sent: a lost order gives a signed error object.

Use:

    with WooShop() as shop:
        shop.put_order(order, status="processing")
        shop.deliver("order.updated", 13, hook_url)      # the hub's answer
        shop.add_refund(13, refund)
        shop.fail_next("429")                            # the next REST call is refused

`shop.base_url` is what goes into the installation's `base_url`; keys and secret are
`shop.consumer_key`, `shop.consumer_secret`, `shop.webhook_secret`.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import requests

from tests.stand_ins.woocommerce_rest import SITE_ZONE, Call, RestHandler

Json = dict[str, Any]
Auth = Literal["basic", "query", "oauth"]
Trouble = Literal["500", "502", "429", "403-html", "html", "html-404", "slow", "hang-up"]

SYNTHETIC_SECRET = "synthetic-webhook-secret"
"""The secret of the recorded shop's webhooks; everything recorded is signed with it."""
WEBHOOK_IDS = {
    "order.created": 1,
    "order.updated": 2,
    "order.deleted": 3,
    "order.restored": 4,
    "product.updated": 5,
}


def system_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a shop has a clock of its own, not the hub's


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what some tests are about."""


class WooShop:
    """One shop.  All `put_*`, `add_*` take and keep copies of REST v3 objects.

    `auth` says which way of proving the key the shop lets through: "basic" (as over https),
    "query" (a host that strips the Authorization header), "oauth" (a real shop over http).
    `certificate`, a PEM file with key and certificate, makes it listen by https.
    """

    consumer_key = "ck_" + "a1" * 20
    consumer_secret = "cs_" + "b2" * 20

    def __init__(
        self,
        *,
        webhook_secret: str = SYNTHETIC_SECRET,
        currency: str = "RUB",
        auth: Auth = "basic",
        clock: Callable[[], datetime] = system_clock,
        folder: str = "",
        certificate: Path | None = None,
    ) -> None:
        self.webhook_secret = webhook_secret
        self.currency = currency
        self.auth: Auth = auth
        self.clock = clock
        self.folder = folder
        self.scheme = "http" if certificate is None else "https"
        self.orders: dict[int, Json] = {}
        self.refunds: dict[int, dict[int, Json]] = {}
        self.products: dict[int, Json] = {}
        self.variations: dict[int, dict[int, Json]] = {}
        self.categories: dict[int, Json] = {}
        self.webhooks: dict[int, Json] = {}
        # Meta of accounts that the key may write to, by id; and accounts that it may not change.
        self.customers: dict[int, Json] = {}
        self.administrators = frozenset({1})
        # E-mails of accounts that can be read; coupons by id, whose codes are in lower case.
        self.emails: dict[int, str] = {}
        self.coupons: dict[int, Json] = {}
        self.coupons_on = True
        self.taxes: Literal["", "within", "on top"] = "within"
        self.calls: list[Call] = []
        # The user who owns the webhooks, and the user whose key the hub has.
        self.owner_may_read = True
        self.key_may_read = True
        self.key_may_write = True
        self.lock = threading.RLock()
        self.nonces: set[str] = set()
        # Run once an answer is made: what happens at the shop between two calls of the hub.
        self.between_calls: Callable[[Call], None] | None = None
        self._before_trash: dict[int, str] = {}
        self._troubles: deque[Trouble] = deque()
        self._always: Trouble | None = None
        self.release_slow = threading.Event()
        self._server = QuietServer(("127.0.0.1", 0), RestHandler)
        self._server.daemon_threads = True
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.shop = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    # Life

    def __enter__(self) -> WooShop:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> WooShop:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.release_slow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}{self.folder}"

    # Orders and refunds

    def put_order(self, order: Mapping[str, Any], **changes: Any) -> Json:
        """Save an order, new or known, with `changes` over it.

        As in a real shop every save moves `date_modified`, unless `changes` name it, and the
        order's `refunds` tell only those added by `add_refund`.
        """
        with self.lock:
            saved = copy.deepcopy({**order, **changes})
            number = int(saved["id"])
            if "date_modified_gmt" not in changes:
                self._touch(saved)
            self.orders[number] = saved
            self.refunds.setdefault(number, {})
            self._list_refunds(number)
            return copy.deepcopy(saved)

    def change_order(self, order_id: int, **changes: Any) -> Json:
        """Save a known order with `changes`, for example `status="completed"`."""
        return self.put_order(self.orders[order_id], **changes)

    def add_refund(self, order_id: int, refund: Mapping[str, Any]) -> None:
        """Add a refund (an item of `GET /orders/{id}/refunds`); the order's date moves."""
        with self.lock:
            kept = copy.deepcopy(dict(refund))
            self.refunds[order_id][int(kept["id"])] = kept
            self._list_refunds(order_id)
            self._touch(self.orders[order_id])

    def delete_refund(self, order_id: int, refund_id: int) -> None:
        """A refund vanishes without a trace: no delivery, `date_modified` stays."""
        with self.lock:
            del self.refunds[order_id][refund_id]
            self._list_refunds(order_id)

    def trash(self, order_id: int) -> None:
        with self.lock:
            self._before_trash[order_id] = self.orders[order_id]["status"]
            self.change_order(order_id, status="trash")

    def restore(self, order_id: int) -> None:
        self.change_order(order_id, status=self._before_trash.pop(order_id))

    def force_delete(self, order_id: int) -> None:
        """An order vanishes for ever, without a delivery."""
        with self.lock:
            del self.orders[order_id]
            self.refunds.pop(order_id, None)

    def _list_refunds(self, order_id: int) -> None:
        self.orders[order_id]["refunds"] = [
            {
                "id": refund["id"],
                "reason": refund.get("reason", ""),
                "total": f"-{refund['amount']}",
            }
            for _, refund in sorted(self.refunds[order_id].items(), reverse=True)
        ]

    def _touch(self, document: Json) -> None:
        now = self.clock().astimezone(UTC).replace(microsecond=0)
        document["date_modified_gmt"] = now.replace(tzinfo=None).isoformat()
        document["date_modified"] = now.astimezone(SITE_ZONE).replace(tzinfo=None).isoformat()

    # Catalogue

    def put_product(self, product: Mapping[str, Any], **changes: Any) -> None:
        saved = copy.deepcopy({**product, **changes})
        self.products[int(saved["id"])] = saved

    def put_variation(self, product_id: int, variation: Mapping[str, Any]) -> None:
        self.variations.setdefault(product_id, {})[int(variation["id"])] = dict(variation)

    def put_category(self, category_id: int, name: str, slug: str, parent: int = 0) -> None:
        self.categories[category_id] = {
            "id": category_id, "name": name, "slug": slug, "parent": parent,
        }  # fmt: skip

    # Misbehaviour

    def fail_next(self, trouble: Trouble, times: int = 1) -> None:
        """The next `times` REST calls meet `trouble`.

        "slow" answers only once `release_slow` is set, "hang-up" closes the connection.
        """
        self._troubles.extend([trouble] * times)

    def fail_always(self, trouble: Trouble | None) -> None:
        self._always = trouble

    def next_trouble(self) -> Trouble | None:
        with self.lock:
            return self._troubles.popleft() if self._troubles else self._always

    # Deliveries

    def deliver(
        self, topic: str, document_id: int, hook_url: str, *, secret: str | None = None
    ) -> requests.Response:
        """Send a webhook for an order, product or custom action as the shop would now.

        The body is today's state; `order.deleted` holds the id only; `action.*` topics hold
        their first argument; what is gone, or unreadable, gives a signed error object.
        """
        body = self.payload(topic, document_id)
        return self.send(hook_url, body, self.delivery_headers(topic, body, secret=secret))

    def payload(self, topic: str, document_id: int) -> bytes:
        """The exact bytes of a delivery, escaped as WordPress escapes JSON."""
        return wordpress_json(self._payload(topic, document_id))

    def _payload(self, topic: str, document_id: int) -> Json:
        resource, _, event = topic.partition(".")
        if resource == "action":
            return {"action": event, "arg": document_id}
        if event == "deleted":
            return {"id": document_id}
        if not self.owner_may_read:
            return _error("woocommerce_rest_cannot_view", "Sorry, you cannot view this.", 403)
        known = self.orders if resource == "order" else self.products
        if document_id not in known:
            kind = "shop_order" if resource == "order" else resource
            return _error(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 404)
        return known[document_id]

    def delivery_headers(
        self, topic: str, body: bytes, *, secret: str | None = None
    ) -> dict[str, str]:
        resource, _, event = topic.partition(".")
        webhook_id = WEBHOOK_IDS.get(topic, 20)
        second = int(self.clock().timestamp())
        delivery = hashlib.sha256(f"{webhook_id}:{second}".encode()).hexdigest()[:32]
        return {
            "User-Agent": "WooCommerce/10.5.2 Hookshot (WordPress/6.9.1)",
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": f"{self.base_url}/",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": sign(body, secret or self.webhook_secret),
            "X-WC-Webhook-ID": str(webhook_id),
            "X-WC-Webhook-Delivery-ID": delivery,
        }

    def ping(self, hook_url: str, webhook_id: int = 2) -> requests.Response:
        """The unsigned form body that WooCommerce sends when a webhook is made."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(hook_url, f"webhook_id={webhook_id}".encode(), headers)

    def redeliver(self, recorded: Path, hook_url: str) -> requests.Response:
        """Send a recorded delivery again: its exact bytes, headers and signature."""
        body, headers = read_delivery(recorded)
        return self.send(hook_url, body, headers)

    def send(self, hook_url: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        return requests.post(
            hook_url, data=body, headers=dict(headers), timeout=30, allow_redirects=False
        )


def read_delivery(recorded: Path) -> tuple[bytes, dict[str, str]]:
    """Exact body and the vendor's headers of a recorded delivery (not those of the transport)."""
    case = json.loads(recorded.read_text("utf-8"))
    dropped = {"host", "accept", "accept-encoding", "connection", "content-length"}
    pairs: Iterable[tuple[str, str]] = case["headers"]
    headers = {name: value for name, value in pairs if name.lower() not in dropped}
    return case["body"].encode("utf-8"), headers


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def wordpress_json(document: Any) -> bytes:
    """JSON as PHP's json_encode writes it: ASCII only, slashes escaped."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def _error(code: str, message: str, status: int) -> Json:
    return {"code": code, "message": message, "data": {"status": status}}
