"""Settings, ids and ways to call that the tests of this connector share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.evotor.settings import Settings
from loyalty_kit.ports import Context, InboundRequest
from loyalty_kit.settings import load_settings
from loyalty_kit.testing.recorded import RECEIVED_AT

CASES = Path(__file__).parent / "recorded" / "cases"
APP_TOKEN = "application-word-of-the-tests-42"
USER_TOKEN = "user-word-of-the-tests-0042"
CLOUD_TOKEN = "3c0e3a6e-7d39-4b57-9d9b-000000000001"
APP = "9b000000-0000-4000-8000-00000000000a"
MERCHANT = "01-000000000000123"
STORE = "20250101-BBBB-4001-8001-000000005001"


def form(base_url: str = "https://evotor.example", **changes: str) -> dict[str, str]:
    return {
        "api_url": base_url,
        "app_token": APP_TOKEN,
        "user_token": USER_TOKEN,
        "cloud_token": CLOUD_TOKEN,
        "app_id": APP,
        "user_id": MERCHANT,
        **changes,
    }


def settings(base_url: str = "https://evotor.example", **changes: Any) -> dict[str, Any]:
    return load_settings(Settings, {**form(base_url), **changes})


def context(revision: int = 1, **changes: Any) -> Context:
    return Context(settings=settings(**changes), received_at=RECEIVED_AT, revision=revision)


def proof() -> dict[str, str]:
    return {"authorization": f"Bearer {USER_TOKEN}"}


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return found


def posted(document: Any, **headers: str) -> InboundRequest:
    return InboundRequest(headers, json.dumps(document).encode(), {})
