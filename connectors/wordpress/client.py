"""Calls to a shop's REST v3.  No translation: what comes back is plain JSON data.

A key is proved by Basic.  Some hosts strip that header, and over plain http WooCommerce does
not look at it: then the shop answers 401 `woocommerce_rest_cannot_view`, and the client goes
over to keys in the query (https) or to a signature by OAuth 1.0a (http).  Seen on 10.5.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from connectors.wordpress.lines import is_code
from loyalty_kit.errors import (
    CodeTaken,
    ConnectorError,
    CredentialsRejected,
    Gone,
    NotOurs,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.ports import ClientContext, Settings
from loyalty_kit.transport import call, json_of, session

Json = dict[str, Any]
Params = dict[str, str]

PER_PAGE = 100
"""The most that WooCommerce takes; 101 is a 400."""
EXACT = {"dp": "6"}
"""Decimals of money as the shop keeps them.  Unasked, WooCommerce rounds price and tax apart, and
in a shop that rounds tax for the whole order their sum may be a kopeck more than the line cost."""
CALLS_PER_S = 20
API = "/wp-json/wc/v3"
UNPROVED = "woocommerce_rest_cannot_view"
"""The code for a key that did not reach WooCommerce, and for one without the right to read."""
UNSEEN = frozenset({UNPROVED, "woocommerce_rest_cannot_edit", "woocommerce_rest_cannot_create"})
"""With status 401: the key did not reach WooCommerce."""
GONE_CODES = frozenset(
    {
        "woocommerce_rest_shop_order_invalid_id",
        "woocommerce_rest_invalid_order_id",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_shop_coupon_invalid_id",
        "wc_user_invalid_id",
    }
)
SAME_CODE = "woocommerce_rest_coupon_code_already_exists"
SORTED_HERE = (400, 401, 403, 404)

_log = logging.getLogger(__name__)


class ParametersRefused(RemoteMisconfigured):
    """A 400: WooCommerce takes a value of the call for impossible."""


class CouponsOff(RemoteMisconfigured):
    """WooCommerce shows and makes no coupons while the shop has them switched off: it answers as
    if the key had no right to them (seen on 10.5.2)."""


def make_client(context: ClientContext) -> WooClient:
    guarded = session(allow_private=context.allow_private, pace_per_s=CALLS_PER_S)
    return WooClient(guarded, context.settings)


class WooClient:
    """One shop, for one installation; used by one thread at a time.

    Every method raises CredentialsRejected, RateLimited, RemoteUnavailable and
    RemoteMisconfigured; those that ask for one document also Gone.
    """

    def __init__(self, http: requests.Session, settings: Settings) -> None:
        self.settings = settings
        self._http = http
        self._root = root_of(settings["base_url"])
        self._prove: Callable[[str, str, Params], Mapping[str, Any]] = self._by_basic
        # A signature holds within 15 minutes of the shop's own time, so that time is used.
        self._shop_time = 0

    # Documents

    def order(self, order_id: str) -> Json:
        return self._object(f"/orders/{_id(order_id)}", EXACT)

    def refunds(self, order_id: str) -> list[Json]:
        return self._all(f"/orders/{_id(order_id)}/refunds", EXACT)

    def orders(self, params: Params) -> list[Json]:
        """One page of at most `PER_PAGE` orders."""
        return self._list("/orders", {"per_page": str(PER_PAGE), **EXACT, **params})

    def product(self, product_id: str) -> Json:
        return self._object(f"/products/{_id(product_id)}")

    def products(self, page: int) -> list[Json]:
        return self._list("/products", _paging(page))

    def variations(self, product_id: str) -> list[Json]:
        return self._all(f"/products/{_id(product_id)}/variations")

    def categories(self) -> list[Json]:
        return self._all("/products/categories")

    def currency(self) -> str:
        return str(self._object("/data/currencies/current").get("code", ""))

    def webhooks(self) -> list[Json]:
        return self._all("/webhooks")

    def account(self, customer_id: str) -> Json:
        return self._object(f"/customers/{_id(customer_id)}")

    def coupon(self, code: str) -> Json | None:
        """The one that buyers may use by this code; None: there is none.

        Raises: CouponsOff.
        """
        try:
            found = self._list("/coupons", {"code": code})
        except CredentialsRejected:
            if self._option("general", "woocommerce_enable_coupons") != "no":
                raise
            raise CouponsOff(COUPONS_OFF) from None
        return next((one for one in found if is_code(one.get("code"), code)), None)

    @cached_property
    def adds_tax(self) -> bool:
        """Whether the shop puts its taxes on top of the prices that it keeps; asked for once."""
        taxes = self._option("general", "woocommerce_calc_taxes")
        within = self._option("tax", "woocommerce_prices_include_tax")
        return bool(taxes == "yes" and within != "yes")

    def _option(self, group: str, name: str) -> Any:
        return self._object(f"/settings/{group}/{name}").get("value")

    # Writing: the key must have the right to

    def write_customer_meta(self, customer_id: str, values: Mapping[str, str]) -> None:
        """Keep these beside a customer's account; one that is known already is replaced.

        Raises: NotOurs (an account that the key's user may not change, as an administrator's).
        """
        meta = [{"key": key, "value": value} for key, value in values.items()]
        self._write("PUT", f"/customers/{_id(customer_id)}", {"meta_data": meta})

    def make_coupon(self, fields: Json) -> None:
        """Raises: CodeTaken, ParametersRefused."""
        self._write("POST", "/coupons", fields)

    def change_coupon(self, coupon_id: str, fields: Json) -> None:
        """Raises: ParametersRefused, NotOurs (the key's user may not)."""
        self._write("PUT", f"/coupons/{_id(coupon_id)}", fields)

    def delete_coupon(self, coupon_id: str) -> None:
        """For ever, and not into the trash."""
        self._answered("DELETE", f"/coupons/{_id(coupon_id)}", {"force": "true"})

    def make_webhook(self, fields: Json) -> None:
        self._write("POST", "/webhooks", fields)

    def switch_on(self, webhook_id: str) -> None:
        self._write("PUT", f"/webhooks/{_id(webhook_id)}", {"status": "active"})

    # Calls

    def _all(self, path: str, params: Params | None = None) -> list[Json]:
        """Every page, by id so that what comes meanwhile does not shift the pages."""
        found: list[Json] = []
        page: list[Json] = []
        number = 0
        while number == 0 or len(page) == PER_PAGE:
            number += 1
            page = self._list(path, {**_paging(number), **(params or {})})
            found += page
        return found

    def _list(self, path: str, params: Params) -> list[Json]:
        answer = self._get(path, params)
        if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
            raise RemoteMisconfigured(f"{path} did not answer a list")
        return answer

    def _object(self, path: str, params: Params | None = None) -> Json:
        answer = self._get(path, params or {})
        if not isinstance(answer, dict):
            raise RemoteMisconfigured(f"{path} did not answer an object")
        return answer

    def _get(self, path: str, params: Params) -> Any:
        return self._answered("GET", path, params)

    def _write(self, method: str, path: str, document: Json) -> None:
        self._answered(method, path, {}, document)

    def _answered(
        self, method: str, path: str, params: Params, document: Json | None = None
    ) -> Any:
        response = self._call(method, path, params, document)
        if self._goes_over(response):
            response = self._call(method, path, params, document)
        if response.status_code in SORTED_HERE:
            raise refusal(response)
        try:
            return json_of(response)
        except RemoteMisconfigured as error:
            raise RemoteMisconfigured(f"{error}; {LOOK_AT}") from None

    def _call(
        self, method: str, path: str, params: Params, document: Json | None
    ) -> requests.Response:
        address = f"{self._root}{path}"
        proof = self._prove(method, address, params)
        response = call(self._http, method, address, accept=SORTED_HERE, json=document, **proof)
        self._shop_time = _time_of(response) or self._shop_time
        return response

    # Proving the key

    def _goes_over(self, response: requests.Response) -> bool:
        """After a 401 that says the key was not seen: choose the other way, once."""
        tried = self._prove == self._by_basic
        if response.status_code != 401 or not tried or code_of(response) not in UNSEEN:
            return False
        if urlsplit(self._root).scheme == "https":
            _log.warning("the shop does not see the Authorization header: keys go in the query")
            self._prove = self._by_query
            return True
        self._prove = self._by_oauth
        return True

    def _by_basic(self, method: str, address: str, params: Params) -> Mapping[str, Any]:
        key, secret = self.settings["consumer_key"], self.settings["consumer_secret"]
        # Bytes, because requests encodes texts as Latin-1.
        return {"params": params, "auth": (key.encode(), secret.encode())}

    def _by_query(self, method: str, address: str, params: Params) -> Mapping[str, Any]:
        key, secret = self.settings["consumer_key"], self.settings["consumer_secret"]
        return {"params": {**params, "consumer_key": key, "consumer_secret": secret}}

    def _by_oauth(self, method: str, address: str, params: Params) -> Mapping[str, Any]:
        signed = {
            **params,
            "oauth_consumer_key": self.settings["consumer_key"],
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(self._shop_time),
        }
        signature = oauth_signature(method, address, signed, self.settings["consumer_secret"])
        return {"params": {**signed, "oauth_signature": signature}}


def oauth_signature(method: str, address: str, params: Params, secret: str) -> str:
    """One-legged OAuth 1.0a, HMAC-SHA256 (RFC 5849, 3.4, with the newer hash)."""
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in params.items())
    query = "&".join(f"{name}={value}" for name, value in pairs)
    base = f"{method}&{_quoted(address)}&{_quoted(query)}"
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _time_of(response: requests.Response) -> int:
    """Seconds since 1970 by the shop's clock; 0 where it does not tell."""
    try:
        return int(parsedate_to_datetime(response.headers.get("Date", "")).timestamp())
    except ValueError:
        return 0


def root_of(base_url: str) -> str:
    """The API's address, however much of it the owner pasted."""
    return base_url.partition("?")[0].partition("/wp-json")[0].rstrip("/") + API


def _id(number: str) -> str:
    """An id fit for a path; whatever else came in a hint has no document."""
    if not number.isascii() or not number.isdigit():
        raise Gone("not an id of WooCommerce")
    return number


def _paging(page: int) -> Params:
    return {"per_page": str(PER_PAGE), "page": str(page), "orderby": "id", "order": "asc"}


# What an answer that is not 200 means

COUPONS_OFF = (
    "coupons are switched off in the shop: WooCommerce, Settings, General, "
    "'Enable the use of coupon codes'"
)

LOOK_AT = (
    "is WooCommerce active, is this the shop's address, are permalinks other than `plain`, "
    "and does no firewall stand before the REST API?"
)


def code_of(response: requests.Response) -> str | None:
    """The stable code of a REST error; messages are in the site's tongue.

    "" for other JSON, None for a body that is not JSON: a page of the host or its firewall.
    """
    try:
        body = json_of(response)
    except RemoteMisconfigured:
        return None
    return str(body.get("code", "")) if isinstance(body, dict) else ""


def refusal(response: requests.Response) -> ConnectorError:
    """A 404 means that a document is gone only if WooCommerce itself says so."""
    status, code = response.status_code, code_of(response)
    host = urlsplit(response.url).hostname
    if status == 404:
        if code in GONE_CODES:
            return Gone(f"{host} has no such document")
        return RemoteMisconfigured(f"{host} has no REST API at this address: {LOOK_AT}")
    if code == SAME_CODE:
        return CodeTaken(f"{host} has a coupon of this code already")
    if status == 403 and code is None:
        return RemoteUnavailable(f"{host} answered 403 with a page that is not WooCommerce's")
    if status == 403 and code == "woocommerce_rest_cannot_edit":
        return NotOurs(f"{host} lets the key's user not change this one")
    if status in (401, 403):
        return CredentialsRejected(
            f"{host} refused the key: {code or status}; {_WHY.get(code or '', 'no reason given')}"
        )
    return ParametersRefused(f"{host} answered 400: {code or 'no reason given'}")


_WHY = {
    UNPROVED: "has the key the right to read, and its user that of a shop manager?",
    "woocommerce_rest_authentication_error": (
        "are the consumer key and secret the right ones, and may the key write, where it must?"
    ),
}
