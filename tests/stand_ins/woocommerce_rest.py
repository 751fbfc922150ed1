"""The REST half of the stand-in WooCommerce shop (see `woocommerce.py`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from tests.stand_ins.woocommerce import WooShop

Json = dict[str, Any]
Query = dict[str, str]

SITE_ZONE = timezone(timedelta(hours=3))
LISTED = {
    "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed",
    "checkout-draft", "shipped",
}  # fmt: skip
"""`any` lists these; "shipped" stands for a status that a plugin added."""
ANSWER_404 = "<html><body><h1>404 Not Found</h1></body></html>"


@dataclass(frozen=True)
class Call:
    """One REST call as it came in."""

    method: str
    path: str
    query: dict[str, str]
    sent: Json | None = None


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class RestHandler(BaseHTTPRequestHandler):
    """Answers `/wp-json/wc/v3/...`; `self.server.shop` holds the data."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""

    @property
    def shop(self) -> WooShop:
        return self.server.shop  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests want a quiet shop."""

    def do_GET(self) -> None:
        self._do(None)

    def do_PUT(self) -> None:
        self._do(self._sent())

    def do_POST(self) -> None:
        self._do(self._sent())

    def do_DELETE(self) -> None:
        self._do({})

    def _sent(self) -> Json:
        sent: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return sent

    def _do(self, sent: Json | None) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self.shop.lock:
            self.shop.calls.append(Call(self.command, parts.path, dict(query), sent))
        if self._troubled():
            return
        try:
            self._check_key(parts.path, query)
            if not self.shop.key_may_read:
                raise Refusal(403, "woocommerce_rest_cannot_view", "Sorry, you cannot view this.")
            if sent is not None and not self.shop.key_may_write:
                text = "The API key provided does not have write permissions."
                raise Refusal(401, "woocommerce_rest_authentication_error", text)
            with self.shop.lock:
                answer, headers = self._answer(parts.path, query, sent)
        except Refusal as refusal:
            self._send_error(refusal)
            return
        text = json.dumps(_trim(answer, query))
        # Before the answer leaves, so that the caller's next call cannot overtake it.
        if self.shop.between_calls is not None:
            self.shop.between_calls(self.shop.calls[-1])
        self._send(200, text, headers=headers)

    # Answers

    def _answer(self, path: str, query: Query, sent: Json | None) -> tuple[Any, Query]:
        root = self.shop.folder + "/wp-json/wc/v3"
        if not path.startswith(root):
            raise Refusal(404, "rest_no_route", "No route was found.")
        if sent is not None:
            return self._write(path[len(root) :], sent), {}
        for pattern, answer in ROUTES:
            match = re.fullmatch(pattern, path[len(root) :].rstrip("/"))
            if match:
                found = answer(self.shop, [int(part) for part in match.groups()], query)
                if isinstance(found, list):
                    return _page(found, query)
                return found, {}
        raise Refusal(404, "rest_no_route", "No route was found.")

    def _write(self, path: str, sent: Json) -> Json:
        for method, pattern, write in WRITES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command:
                return write(self.shop, [int(part) for part in match.groups()], sent)
        raise Refusal(404, "rest_no_route", "No route was found.")

    def _send_error(self, refusal: Refusal) -> None:
        body = {
            "code": refusal.code,
            "message": refusal.message,
            "data": {"status": refusal.status},
        }
        self._send(refusal.status, json.dumps(body))

    def _send(
        self,
        status: int,
        text: str,
        *,
        content_type: str = "application/json; charset=UTF-8",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _troubled(self) -> bool:
        """Misbehave if the test asked for it; true if the call has been dealt with."""
        trouble = self.shop.next_trouble()
        if trouble is None:
            return False
        if trouble == "slow":
            self.shop.release_slow.wait(timeout=30)
            return False
        if trouble == "hang-up":
            self.close_connection = True
            self.connection.close()
            return True
        status = {"html": 200, "html-404": 404, "403-html": 403}.get(trouble) or int(trouble)
        headers = {"Retry-After": "30"} if status == 429 else {}
        self._send(status, ANSWER_404, content_type="text/html; charset=UTF-8", headers=headers)
        return True

    # Keys

    def _check_key(self, path: str, query: Query) -> None:
        if "oauth_signature" in query:
            self._check_oauth(path, query)
            return
        key, secret = query.get("consumer_key"), query.get("consumer_secret")
        if self.shop.auth == "basic" and key is None:
            key, secret = _basic(self.headers.get("Authorization", ""))
        if key is None or self.shop.auth == "oauth":
            raise Refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if key != self.shop.consumer_key:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        if secret != self.shop.consumer_secret:
            raise Refusal(
                401, "woocommerce_rest_authentication_error", "Consumer secret is invalid."
            )

    def _check_oauth(self, path: str, query: Query) -> None:
        """One-legged OAuth 1.0a with HMAC-SHA256, as WooCommerce checks it over http."""
        signature = query.pop("oauth_signature")
        encoded = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in query.items())
        base = "&".join(
            quote(part, safe="~")
            for part in (
                self.command,
                f"{self.shop.scheme}://{self.headers['Host']}{path}",
                "&".join(f"{name}={value}" for name, value in encoded),
            )
        )
        key = f"{self.shop.consumer_secret}&".encode()
        wanted = base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()
        age = abs(self.shop.clock().timestamp() - int(query.get("oauth_timestamp", "0")))
        nonce = query.get("oauth_nonce", "")
        if query.get("oauth_consumer_key") != self.shop.consumer_key or signature != wanted:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid signature.")
        if age > 900 or nonce in self.shop.nonces:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid nonce.")
        self.shop.nonces.add(nonce)
        for name in [name for name in query if name.startswith("oauth_")]:
            del query[name]


def _basic(header: str) -> tuple[str | None, str | None]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    key, _, secret = base64.b64decode(encoded).decode("utf-8", "replace").partition(":")
    return key, secret


# Routes


MONEY = frozenset({"total", "total_tax", "subtotal", "subtotal_tax"})


def _told(document: Any, query: Query) -> Any:
    """With money of `dp` decimals at most, two unless asked otherwise."""
    if isinstance(document, list):
        return [_told(each, query) for each in document]
    if not isinstance(document, dict):
        return document
    unit = Decimal(1).scaleb(-int(query.get("dp", "2")))
    return {
        name: str(Decimal(value).quantize(unit, ROUND_HALF_UP))
        if name in MONEY and Decimal(value or 0).as_tuple().exponent < unit.as_tuple().exponent
        else _told(value, query)
        for name, value in document.items()
    }


def _orders(shop: WooShop, _: list[int], query: Query) -> list[Json]:
    wanted = _statuses(query.get("status", "any"))
    found = [order for order in shop.orders.values() if order["status"] in wanted]
    for name, keep in (("modified_after", _after), ("modified_before", _before)):
        if name in query:
            found = [order for order in found if keep(order, query[name], query)]
    if "include" in query:
        ids = {int(number) for number in query["include"].split(",")}
        found = [order for order in found if order["id"] in ids]
    column = {"modified": "date_modified_gmt", "id": "id"}.get(
        query.get("orderby", "date"), "date_created_gmt"
    )
    newest_first = query.get("order", "desc") == "desc"
    in_order = sorted(found, key=lambda order: (order[column], order["id"]), reverse=newest_first)
    return [_told(order, query) for order in in_order]


def _statuses(asked: str) -> set[str]:
    wanted: set[str] = set()
    for status in asked.split(","):
        if status == "any":
            wanted |= LISTED
        elif status in LISTED | {"trash", "auto-draft"}:
            wanted.add(status)
        else:
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
    return wanted


def _moment(text: str, query: Query) -> datetime | None:
    """The asked time; None where the recorded shop finds nothing at all."""
    moment = datetime.fromisoformat(text)
    if query.get("dates_are_gmt") == "true":
        return None if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=SITE_ZONE)


def _modified(order: Json) -> datetime:
    return datetime.fromisoformat(order["date_modified_gmt"]).replace(tzinfo=UTC)


def _after(order: Json, text: str, query: Query) -> bool:
    moment = _moment(text, query)
    return moment is not None and _modified(order) > moment


def _before(order: Json, text: str, query: Query) -> bool:
    moment = _moment(text, query)
    return moment is not None and _modified(order) < moment


def _order(shop: WooShop, ids: list[int], query: Query) -> Json:
    told: Json = _told(_one(shop.orders, ids[0], "shop_order"), query)
    return told


def _refunds(shop: WooShop, ids: list[int], query: Query) -> list[Json]:
    _one(shop.orders, ids[0], "shop_order")
    newest_first = sorted(shop.refunds[ids[0]].items(), reverse=True)
    return [_told(refund, query) for _, refund in newest_first]


def _product(shop: WooShop, ids: list[int], _: Query) -> Json:
    return _one(shop.products, ids[0], "product")


def _variations(shop: WooShop, ids: list[int], _: Query) -> list[Json]:
    _one(shop.products, ids[0], "product")
    return list(shop.variations.get(ids[0], {}).values())


def _products(shop: WooShop, _: list[int], query: Query) -> list[Json]:
    return [shop.products[number] for number in sorted(shop.products)]


def _categories(shop: WooShop, _: list[int], query: Query) -> list[Json]:
    return [shop.categories[number] for number in sorted(shop.categories)]


def _webhooks(shop: WooShop, _: list[int], query: Query) -> list[Json]:
    return list(shop.webhooks.values())


def _coupons(shop: WooShop, _: list[int], query: Query) -> list[Json]:
    """Of published ones alone `code` finds any, whatever its case; a shop whose coupons are off
    has none to show (seen on 10.5.2)."""
    if not shop.coupons_on:
        raise Refusal(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    wanted = query["code"].lower()
    return [one for one in shop.coupons.values() if one["code"] == wanted]


def _customer(shop: WooShop, ids: list[int], _: Query) -> Json:
    if ids[0] not in shop.emails:
        raise Refusal(404, "wc_user_invalid_id", "Invalid resource ID.")
    return {"id": ids[0], "email": shop.emails[ids[0]]}


def _coupons_on(shop: WooShop, _: list[int], query: Query) -> Json:
    return {"id": "woocommerce_enable_coupons", "value": "yes" if shop.coupons_on else "no"}


def _taxes(shop: WooShop, _: list[int], query: Query) -> Json:
    return {"id": "woocommerce_calc_taxes", "value": "yes" if shop.taxes else "no"}


def _prices_with_tax(shop: WooShop, _: list[int], query: Query) -> Json:
    value = "no" if shop.taxes == "on top" else "yes"
    return {"id": "woocommerce_prices_include_tax", "value": value}


def _system_status(shop: WooShop, _: list[int], query: Query) -> Json:
    return {"environment": {"home_url": shop.base_url, "version": "10.5.2", "wp_version": "6.9.1"}}


def _currency(shop: WooShop, _: list[int], query: Query) -> Json:
    return {"code": shop.currency, "name": "Russian ruble", "symbol": "&#8381;"}


ROUTES: list[tuple[str, Callable[[WooShop, list[int], Query], Any]]] = [
    (r"/orders", _orders),
    (r"/orders/(\d+)", _order),
    (r"/orders/(\d+)/refunds", _refunds),
    (r"/products", _products),
    (r"/products/categories", _categories),
    (r"/products/(\d+)", _product),
    (r"/products/(\d+)/variations", _variations),
    (r"/webhooks", _webhooks),
    (r"/coupons", _coupons),
    (r"/customers/(\d+)", _customer),
    (r"/settings/general/woocommerce_enable_coupons", _coupons_on),
    (r"/settings/general/woocommerce_calc_taxes", _taxes),
    (r"/settings/tax/woocommerce_prices_include_tax", _prices_with_tax),
    (r"/system_status", _system_status),
    (r"/data/currencies/current", _currency),
]


def _write_customer(shop: WooShop, ids: list[int], sent: Json) -> Json:
    if ids[0] in shop.administrators:
        raise Refusal(403, "woocommerce_rest_cannot_edit", "Sorry, you cannot edit this.")
    if ids[0] not in shop.customers:
        raise Refusal(404, "wc_user_invalid_id", "Invalid user ID.")
    kept = shop.customers[ids[0]]
    kept.update({one["key"]: one["value"] for one in sent["meta_data"]})
    return {"id": ids[0], "meta_data": [{"key": k, "value": v} for k, v in kept.items()]}


def _make_coupon(shop: WooShop, _: list[int], sent: Json) -> Json:
    code = sent["code"].lower()
    if any(one["code"] == code for one in shop.coupons.values()):
        raise Refusal(400, "woocommerce_rest_coupon_code_already_exists", "It exists.")
    number = max(shop.coupons, default=500) + 1
    shop.coupons[number] = {"meta_data": [], "usage_count": 0, **sent, "id": number, "code": code}
    return shop.coupons[number]


def _change_coupon(shop: WooShop, ids: list[int], sent: Json) -> Json:
    coupon = _one(shop.coupons, ids[0], "shop_coupon")
    coupon.update(sent)
    return coupon


def _delete_coupon(shop: WooShop, ids: list[int], _: Json) -> Json:
    _one(shop.coupons, ids[0], "shop_coupon")
    return shop.coupons.pop(ids[0])


def _make_webhook(shop: WooShop, _: list[int], sent: Json) -> Json:
    made = {"id": max(shop.webhooks, default=0) + 1, **sent}
    shop.webhooks[made["id"]] = made
    return {name: value for name, value in made.items() if name != "secret"}


def _change_webhook(shop: WooShop, ids: list[int], sent: Json) -> Json:
    webhook = _one(shop.webhooks, ids[0], "shop_webhook")
    webhook.update(sent)
    return webhook


WRITES: list[tuple[str, str, Callable[[WooShop, list[int], Json], Json]]] = [
    ("PUT", r"/customers/(\d+)", _write_customer),
    ("POST", r"/coupons", _make_coupon),
    ("PUT", r"/coupons/(\d+)", _change_coupon),
    ("DELETE", r"/coupons/(\d+)", _delete_coupon),
    ("POST", r"/webhooks", _make_webhook),
    ("PUT", r"/webhooks/(\d+)", _change_webhook),
]


def _one(known: Mapping[int, Json], number: int, kind: str) -> Json:
    if number not in known:
        raise Refusal(404, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
    return known[number]


def _page(found: list[Json], query: Query) -> tuple[list[Json], Query]:
    per_page, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
    if not 1 <= per_page <= 100:
        raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): per_page")
    pages = -(-len(found) // per_page)
    start = (page - 1) * per_page
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    return found[start : start + per_page], headers


def _trim(answer: Any, query: Query) -> Any:
    if "_fields" not in query:
        return answer
    names: Iterable[str] = query["_fields"].split(",")
    if isinstance(answer, list):
        return [_trim(item, query) for item in answer]
    return {name: answer[name] for name in names if name in answer}
