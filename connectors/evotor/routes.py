"""The webhooks: documents and receipts, which hint or are booked as the settings say; goods; and
what the application on the terminal hands in of the time without a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from connectors.evotor import schemas
from connectors.evotor.catalogue import products_of
from connectors.evotor.documents import hint_of
from connectors.evotor.schemas import load
from connectors.evotor.settings import CLOUD, DOCUMENTS, RECEIPTS
from connectors.evotor.translate import (
    DELIVERED,
    TOLD_BY_TILL,
    check_merchant,
    is_ours,
    receipt_of,
    translate_document,
    translate_receipt,
)
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid, SignatureInvalid, Unreadable
from loyalty_kit.events import Event
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import (
    Context,
    Hint,
    InboundRequest,
    ProductsChanged,
    Settings,
    Translated,
    Webhook,
)
from loyalty_kit.signing import check_token

T = TypeVar("T")

MERCHANT = "x-evotor-user-id"
MOST = 1000
"""Documents in one call."""

_HEADING = compile_load(schemas.Heading())


def verify_user(request: InboundRequest, settings: Settings) -> None:
    """The token that the hub gave to Evotor, with or without the word Bearer; and whom the call
    says that it is for.

    Raises: SignatureInvalid.
    """
    check_token(settings["user_token"], bearer_of(request))
    merchant = request.headers.get(MERCHANT)
    if merchant and settings["user_id"] and merchant != settings["user_id"]:
        raise SignatureInvalid("another user of Evotor")


def bearer_of(request: InboundRequest) -> str:
    given = request.headers.get("authorization", "").strip()
    scheme, _, token = given.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else given


def delivery_key(request: InboundRequest) -> str:
    """A document sent again is the same text; with other content it is another delivery.

    Raises: Unreadable.
    """
    json_body(request.body, Unreadable)
    return hashlib.sha256(request.body).hexdigest()


def translate_documents(request: InboundRequest, context: Context) -> Translated:
    """One document or a list of them.

    Raises: NotOurs, PayloadInvalid.
    """
    feed = context.settings["feed"]
    documents = [one for one in _listed(request) if is_ours(one)]
    if not documents or feed == RECEIPTS:
        raise NotOurs("no sale and no return")
    if feed == DOCUMENTS:
        return tuple(_told(documents, lambda one: translate_document(one, context, DELIVERED)))
    return tuple(dict.fromkeys(_told(documents, lambda one: _hint(one, context.settings))))


def _told(documents: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    """What they say; one that is not for us says nothing.

    Raises: NotOurs (none of them is), PayloadInvalid.
    """
    found: list[T] = []
    for one in documents:
        try:
            found.append(read(one))
        except NotOurs:
            continue
    if not found:
        raise NotOurs("no document that counts here")
    return found


def _hint(document: Any, settings: Settings) -> Hint:
    """Raises: NotOurs, PayloadInvalid."""
    told = load(_HEADING, document)
    check_merchant(told["merchant"], settings)
    return hint_of(told["store"], told["id"])


def translate_receipts(request: InboundRequest, context: Context) -> Translated:
    """`ReceiptCreated`: one or a list of them.

    Raises: NotOurs, PayloadInvalid.
    """
    feed = context.settings["feed"]
    found: list[Event | Hint] = []
    for notice in _listed(request):
        try:
            told = receipt_of(notice, context.settings)
        except NotOurs:
            continue
        if feed == RECEIPTS:
            found.append(translate_receipt(told, context))
        elif feed == CLOUD:
            found.append(hint_of(told["store"], told["id"]))
    if not found:
        raise NotOurs("no receipt that counts here")
    return tuple(found)


def translate_goods(request: InboundRequest, context: Context) -> Translated:
    """Raises: NotOurs, PayloadInvalid."""
    products = products_of(_listed(request), context.settings)
    if not products:
        raise NotOurs("no products")
    return (ProductsChanged(products),)


def translate_late(request: InboundRequest, context: Context) -> Translated:
    """A receipt of the time without a line, as the application tells it.

    Raises: NotOurs, PayloadInvalid.
    """
    document = json_body(request.body, PayloadInvalid)
    return (translate_document(document, context, TOLD_BY_TILL),)


def _one_by_one(
    request: InboundRequest, settings: Settings, booked_in: str
) -> list[InboundRequest]:
    """A call for each element of a list, in the feed whose elements nobody reads again."""
    if settings["feed"] != booked_in:
        return [request]
    try:
        elements = _listed(request)
    except PayloadInvalid:
        return [request]
    if len(elements) == 1:
        return [request]
    return [replace(request, body=json.dumps(one).encode()) for one in elements]


def _listed(request: InboundRequest) -> list[Any]:
    """An object is a list of one; a list may stand in `{"items": [...]}`.

    Raises: PayloadInvalid.
    """
    told = json_body(request.body, PayloadInvalid)
    if isinstance(told, dict) and isinstance(told.get("items"), list):
        told = told["items"]
    elements = told if isinstance(told, list) else [told]
    if not elements or len(elements) > MOST or not all(isinstance(one, dict) for one in elements):
        raise PayloadInvalid("neither an object nor a list of some")
    return elements


def _documents_apart(request: InboundRequest, settings: Settings) -> list[InboundRequest]:
    return _one_by_one(request, settings, DOCUMENTS)


def _receipts_apart(request: InboundRequest, settings: Settings) -> list[InboundRequest]:
    return _one_by_one(request, settings, RECEIPTS)


DOCUMENT_HOOK = Webhook(
    "documents", verify_user, delivery_key, translate_documents, apart=_documents_apart
)
RECEIPT_HOOK = Webhook(
    "receipts", verify_user, delivery_key, translate_receipts, apart=_receipts_apart
)
GOODS_HOOK = Webhook("products", verify_user, delivery_key, translate_goods)
LATE_HOOK = Webhook("late", verify_user, delivery_key, translate_late)
