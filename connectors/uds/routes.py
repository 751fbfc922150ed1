"""The webhooks behind the till's calls: operations and returns as they were kept.

Their bodies are made by `till.py`, and proved by the same key.
"""

from __future__ import annotations

from typing import Any

from connectors.uds import translate
from loyalty_kit.errors import PayloadInvalid, Unreadable
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import Context, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.signing import check_basic

MOST = 100
"""Of a kept call's name."""


def verify(request: InboundRequest, settings: Settings) -> None:
    """Raises: SignatureInvalid."""
    authorization = request.headers.get("authorization")
    check_basic(settings["company_id"], settings["api_key"], authorization)


def delivery_key(request: InboundRequest) -> str:
    """The till's door lets one receipt in under a name; told again, it is the same delivery.

    Raises: Unreadable.
    """
    return _name(_object(request))


def translate_operation(request: InboundRequest, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    return translate.operation(json_body(request.body, PayloadInvalid))


def translate_return(request: InboundRequest, context: Context) -> Translated:
    """Raises: PayloadInvalid."""
    return translate.whole_or_part(json_body(request.body, PayloadInvalid))


def _object(request: InboundRequest) -> dict[str, Any]:
    told = json_body(request.body, Unreadable)
    if not isinstance(told, dict):
        raise Unreadable("not an object")
    return told


def _name(told: dict[str, Any]) -> str:
    name = told.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= MOST:
        raise Unreadable("no name of the operation")
    return name


OPERATION = Webhook("operation", verify, delivery_key, translate_operation)
REFUND = Webhook("refund", verify, delivery_key, translate_return)
