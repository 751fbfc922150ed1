"""The webhooks: MoySklad's own, which hint, and what the till posts, which is kept as it came."""

from __future__ import annotations

import hashlib

from connectors.moysklad import schemas
from connectors.moysklad.catalogue import GOODS
from connectors.moysklad.schemas import load, uuid_of
from connectors.moysklad.settings import COUNTERPARTY
from connectors.moysklad.translate import (
    DOCUMENTS,
    posted_id,
    translate_return,
    translate_sale,
)
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid, Unreadable
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import (
    SECRET_HEADER,
    Context,
    Hint,
    InboundRequest,
    Settings,
    Translated,
    Webhook,
)
from loyalty_kit.signing import check_token

TILL_TOKEN = "lognex-discount-api-auth-token"  # nosec B105 # noqa: S105 - the header's name
WATCHED = (
    *((kind, action) for kind in sorted(DOCUMENTS) for action in ("CREATE", "UPDATE", "DELETE")),
    *((kind, action) for kind in GOODS for action in ("CREATE", "UPDATE")),
)
"""Pairs of entity and action of which the hub wants to hear."""
OF_RECORDS = tuple((COUNTERPARTY, action) for action in ("CREATE", "UPDATE"))
"""The same where the owner wants records of counterparties to be read."""

_NOTIFICATION = compile_load(schemas.Notification())


def watched(settings: Settings) -> tuple[tuple[str, str], ...]:
    """All that the hub wants to hear of with these settings."""
    return WATCHED if settings["customers"] == "no" else WATCHED + OF_RECORDS


def verify_address(request: InboundRequest, settings: Settings) -> None:
    """MoySklad signs nothing; whoever knows the address may hint, and hints prove nothing.

    Raises: SignatureInvalid.
    """
    check_token(settings["hook_token"], request.headers.get(SECRET_HEADER))


def verify_till(request: InboundRequest, settings: Settings) -> None:
    """Raises: SignatureInvalid."""
    check_token(settings["till_token"], request.headers.get(TILL_TOKEN))


def event_key(request: InboundRequest) -> str:
    """Repeats keep their `requestId`; the body is in the key, should ids be missing.

    Raises: Unreadable.
    """
    json_body(request.body, Unreadable)
    parts = (request.query.get("requestId", "").encode("utf-8", "replace"), request.body)
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def posted_key(request: InboundRequest) -> str:
    """The same document with other content is another delivery: it will be found to conflict.

    Raises: Unreadable.
    """
    try:
        number = posted_id(json_body(request.body, Unreadable))
    except PayloadInvalid as error:
        raise Unreadable(str(error)) from None
    return f"{number}:{hashlib.sha256(request.body).hexdigest()}"


def translate_events(request: InboundRequest, context: Context) -> Translated:
    """Which documents, articles and counterparties to read.

    Raises: NotOurs, PayloadInvalid.
    """
    told = load(_NOTIFICATION, json_body(request.body, PayloadInvalid))
    hints: dict[Hint, None] = {}
    for event in told["events"]:
        kind, number = event["meta"].get("type"), uuid_of(event["meta"].get("href"))
        if number is None:
            raise PayloadInvalid("an event without an address of what it is about")
        if not isinstance(kind, str):
            raise PayloadInvalid("an event without a kind")
        read = kind in GOODS or (kind == COUNTERPARTY and context.settings["customers"] != "no")
        if kind in DOCUMENTS or (read and event["action"] != "DELETE"):
            hints[Hint(kind, number)] = None
    if not hints:
        raise NotOurs("events of kinds that the hub does not use")
    return tuple(hints)


def translate_posted_sale(request: InboundRequest, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    return translate_sale(json_body(request.body, PayloadInvalid), context)


def translate_posted_return(request: InboundRequest, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    return translate_return(json_body(request.body, PayloadInvalid), context)


EVENTS = Webhook("events", verify_address, event_key, translate_events)
SALE = Webhook("sale", verify_till, posted_key, translate_posted_sale)
RETURN = Webhook("return", verify_till, posted_key, translate_posted_return)
