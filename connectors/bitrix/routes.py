"""The webhook: snapshots of orders, signed by the module of the shop."""

from __future__ import annotations

import re
from typing import Any

from connectors.bitrix.translate import translate_snapshot
from loyalty_kit.errors import Acknowledged, PayloadInvalid, Unreadable
from loyalty_kit.json_text import json_body, read_json
from loyalty_kit.ports import Context, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.signing import check_hmac_sha256

SIGNATURE = "x-hub-signature"
FORM = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
PING = {"type": "ping"}
"""What the settings page of the module sends to try address and secret."""
MAX_KEY = 100


def verify(request: InboundRequest, settings: Settings) -> None:
    """HMAC-SHA256 over the raw bytes.  A snapshot's own id is among them, so the same call again
    is the same delivery, and is kept once.

    Raises: SignatureInvalid, Acknowledged (a ping that is signed).
    """
    form = FORM.fullmatch(request.headers.get(SIGNATURE, ""))
    signature = None if form is None else form[1]
    check_hmac_sha256(settings["secret"], request.body, signature, encoding="hex")
    if _parsed(request.body) == PING:
        raise Acknowledged("a ping")


def delivery_key(request: InboundRequest) -> str:
    """The snapshot's id: site, order and number of the snapshot.

    Raises: Unreadable.
    """
    document = _parsed(request.body)
    key = document.get("event_id") if isinstance(document, dict) else None
    if not isinstance(key, str) or not 0 < len(key.strip()) <= MAX_KEY or not key.isprintable():
        raise Unreadable("no id of the snapshot")
    return key


def translate(request: InboundRequest, context: Context) -> Translated:
    """Raises: NotOurs, PayloadInvalid."""
    return translate_snapshot(json_body(request.body, PayloadInvalid), context)


def _parsed(body: bytes) -> Any:
    """None for what is no JSON."""
    try:
        return read_json(body)
    except ValueError:
        return None


ORDERS = Webhook("orders", verify, delivery_key, translate)
