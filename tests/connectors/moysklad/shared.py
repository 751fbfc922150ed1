"""Settings, ids and ways to call that the tests of this connector share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.moysklad.routes import TILL_TOKEN
from connectors.moysklad.settings import Settings
from loyalty_kit.ports import SECRET_HEADER, Context, InboundRequest
from loyalty_kit.settings import load_settings
from loyalty_kit.testing.recorded import RECEIVED_AT

CASES = Path(__file__).parent / "recorded" / "cases"
API_TOKEN = "0123456789abcdef0123456789abcdef01234567"
TILL = "till-word-of-the-tests-42"
HOOK = "hook-word-of-the-tests-42"

STORE = "5c1f0a52-0d1e-11ef-0a80-0b6300001111"
ANNA = "9f0d1c7e-0d1f-11ef-0a80-0b6300002222"
CHEESE = "11111111-0d20-11ef-0a80-0b6300000002"


def form(base_url: str = "https://moysklad.example", **changes: str) -> dict[str, str]:
    return {
        "api_url": base_url,
        "api_token": API_TOKEN,
        "token_kind": "solution",
        "till_token": TILL,
        "hook_token": HOOK,
        "balance_fields": "points=Points",
        **changes,
    }


def settings(base_url: str = "https://moysklad.example", **changes: Any) -> dict[str, Any]:
    return load_settings(Settings, {**form(base_url), **changes})


def context(revision: int = 1, **changes: Any) -> Context:
    return Context(settings=settings(**changes), received_at=RECEIVED_AT, revision=revision)


def proof(webhook: str) -> dict[str, str]:
    """The headers that prove a call: a secret address, or the till's token."""
    return {SECRET_HEADER: HOOK} if webhook == "events" else {TILL_TOKEN: TILL}


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return found


def posted(document: Any, **headers: str) -> InboundRequest:
    return InboundRequest(headers, json.dumps(document).encode(), {})
