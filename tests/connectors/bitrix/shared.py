"""Settings, and how a snapshot is signed, for the tests of this connector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.bitrix.routes import SIGNATURE
from connectors.bitrix.settings import Settings
from loyalty_kit.ports import Context, InboundRequest
from loyalty_kit.settings import load_settings
from loyalty_kit.signing import hmac_sha256
from loyalty_kit.testing.recorded import RECEIVED_AT

CASES = Path(__file__).parent / "recorded" / "cases"
SECRET = "module-word-of-the-tests-42"
FORM = {"secret": SECRET, "shops": "s2=outlet", "anonymous": "1", "excluded": "77"}


def sign(webhook: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {SIGNATURE: f"sha256={hmac_sha256(secret, body, encoding='hex')}"}


def context(**changes: Any) -> Context:
    return Context(load_settings(Settings, {**FORM, **changes}), RECEIVED_AT)


def snapshot(name: str, **order: Any) -> dict[str, Any]:
    """The body of a recorded case, with other fields of its order."""
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))["body"]
    return {**found, "order": {**found["order"], **order}}


def call(document: Any, secret: str = SECRET, **headers: str) -> InboundRequest:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return InboundRequest({**sign("orders", body, secret), **headers}, body, {})
