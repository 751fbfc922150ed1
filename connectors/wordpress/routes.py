"""The webhook: who sent it, what names it, and which document it hints at.

All topics come to one address.  A delivery is a hint and not a record: WooCommerce repeats
nothing, loses, merges and reorders, and builds the body only when it sends it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any, NoReturn

from connectors.wordpress import schemas
from connectors.wordpress.catalogue import translate_product
from connectors.wordpress.documents import ORDER, PRODUCT
from connectors.wordpress.translate import load, translate_account
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import (
    Acknowledged,
    Gone,
    NeedsAttention,
    NotOurs,
    PayloadInvalid,
    Unreadable,
)
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import Context, Hint, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.signing import check_hmac_sha256

RECHECK = Hint("recheck", "orders")
"""Asks the hub to look at all orders it knows of late (`pull.recheck`)."""

CUSTOMER = "customer"

_DELETED, _ACTION = compile_load(schemas.DeletedBody()), compile_load(schemas.ActionBody())
_PRODUCT, _ACCOUNT = compile_load(schemas.Product()), compile_load(schemas.Account())
_PING = re.compile(rb"webhook_id=[0-9]{1,18}")
_KEY_PARTS = ("source", "id", "topic", "delivery-id")

# The entities of `wp_specialchars_decode(..., ENT_QUOTES)` (WordPress 6.9): WooCommerce signs
# with the decoded secret, so a stored `&amp;` signs as `&`.
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#[xX]0*(?:22|26|27));", re.ASCII)

ORDER_ACTIONS = frozenset(
    {
        "woocommerce_delete_order",
        "woocommerce_before_delete_order",
        "woocommerce_trash_order",
        "woocommerce_untrash_order",
        "woocommerce_new_order",
        "woocommerce_update_order",
        "woocommerce_payment_complete",
        "woocommerce_cancelled_order",
        "woocommerce_order_refunded",
        "woocommerce_order_partially_refunded",
        "woocommerce_order_fully_refunded",
        "woocommerce_order_status_changed",
        "woocommerce_order_status_processing",
        "woocommerce_order_status_completed",
        "woocommerce_order_status_cancelled",
        "woocommerce_order_status_refunded",
    }
)
"""Custom topics whose first argument is the order's id."""


def verify(request: InboundRequest, settings: Settings) -> None:
    """HMAC-SHA256 over the raw bytes; an unsigned ping is answered and forgotten.

    Raises: Acknowledged, SignatureInvalid.
    """
    signature = request.headers.get("x-wc-webhook-signature")
    if signature is None and _PING.fullmatch(request.body):
        raise Acknowledged("a ping")
    secret = _ENTITY.sub(lambda found: unescape(found[0]), settings["webhook_secret"])
    check_hmac_sha256(secret, request.body, signature, encoding="base64")


def delivery_key(request: InboundRequest) -> str:
    """Names the delivery by source, webhook, topic, delivery id and body.

    The delivery id alone will not do: two orders delivered in one second share it.  It is in the
    key all the same: an order that goes there and back within a second sends equal bytes twice,
    and a hint too many costs a reading, while a hint lost leaves points wrong.

    Raises: Unreadable.
    """
    parts = [request.headers.get(f"x-wc-webhook-{name}", "") for name in _KEY_PARTS]
    if not parts[1] or not parts[2]:
        raise Unreadable("no webhook id or topic in the headers")
    body = hashlib.sha256(request.body).hexdigest()
    return hashlib.sha256("\n".join([*parts, body]).encode("utf-8", "replace")).hexdigest()


def translate(request: InboundRequest, context: Context) -> Translated:
    """What a delivery hints at.

    Raises: NotOurs, Gone, NeedsAttention, PayloadInvalid.
    """
    topic = request.headers.get("x-wc-webhook-topic", "")
    resource, _, event = topic.partition(".")
    answer = RESOURCES.get(resource)
    if answer is None:
        raise NotOurs("a topic that the hub does not use")
    body = _json(request.body)
    if is_error(body):
        return _on_error(resource, body)
    if resource == CUSTOMER and not context.settings["customers"]:
        raise NotOurs("the owner does not want accounts to be read")
    return answer(event, body)


def _json(body: bytes) -> Mapping[str, Any]:
    """Raises: PayloadInvalid."""
    decoded = json_body(body, PayloadInvalid)
    if not isinstance(decoded, dict):
        raise PayloadInvalid("the body is not an object")
    return decoded


def is_error(body: Mapping[str, Any]) -> bool:
    """A REST error in the place of a document: it has a code, and no id."""
    return isinstance(body.get("code"), str) and "id" not in body and "action" not in body


def _on_error(resource: str, body: Mapping[str, Any]) -> Translated:
    data = body.get("data")
    # Some errors carry the bare status in the place of the object.
    status = data.get("status") if isinstance(data, dict) else data
    if status in (401, 403):
        raise NeedsAttention(
            "the user who owns the shop's webhooks has lost the right to read orders: "
            "save the webhooks anew as an administrator"
        )
    if resource == ORDER:
        # An order was there and cannot be read now, and the body does not say which.
        return (RECHECK,)
    raise Gone(f"the {resource} was gone before its webhook was sent")


def _order(event: str, body: Mapping[str, Any]) -> Translated:
    """`deleted` (to the trash) holds the id only; the others the whole order, which may be old."""
    if event not in ("created", "updated", "deleted", "restored"):
        raise NotOurs(f"order.{event}"[:100])
    return (Hint(ORDER, str(_id(load(_DELETED, body)["id"]))),)


def _product(event: str, body: Mapping[str, Any]) -> Translated:
    """A simple product is in the body; of a variable one the variations must be read."""
    if event not in ("created", "updated", "restored"):
        raise NotOurs(f"product.{event}"[:100])
    product = load(_PRODUCT, body)
    if product["type"] == "variation" and product["parent_id"]:
        return (Hint(PRODUCT, str(product["parent_id"])),)
    if product["type"] == "variable":
        return (Hint(PRODUCT, str(_id(product["id"]))),)
    found = translate_product({"product": body})
    if not found:
        raise NotOurs("a product that is not sold")
    return found


def _customer(event: str, body: Mapping[str, Any]) -> Translated:
    """What was typed into an account; one that is gone stays a name of its member."""
    if event not in ("created", "updated"):
        raise NotOurs(f"customer.{event}"[:100])
    account = load(_ACCOUNT, body)
    _id(account["id"])
    return translate_account(account)


def _action(event: str, body: Mapping[str, Any]) -> Translated:
    if event in ORDER_ACTIONS:
        return (Hint(ORDER, str(_id(load(_ACTION, body)["arg"]))),)
    if event == "woocommerce_refund_deleted":
        # Its argument is the refund, which can be read no more; its order is not said.
        return (RECHECK,)
    raise NotOurs("an action that the hub does not use")


def _id(number: int) -> int:
    """Raises: PayloadInvalid."""
    if not number:
        raise PayloadInvalid("an id of 0")
    return number


def _not_ours(event: str, body: Mapping[str, Any]) -> NoReturn:
    """Coupons are the shop's own business."""
    raise NotOurs("coupons are not used")


RESOURCES: Mapping[str, Callable[[str, Mapping[str, Any]], Translated]] = {
    "order": _order,
    "product": _product,
    "action": _action,
    CUSTOMER: _customer,
    "coupon": _not_ours,
}

EVENTS = Webhook(name="events", verify=verify, delivery_key=delivery_key, translate=translate)
