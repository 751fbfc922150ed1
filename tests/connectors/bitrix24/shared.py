"""Settings, and ways to call, that the tests of this connector share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.bitrix24.client import Portal, make_client
from connectors.bitrix24.settings import Settings
from loyalty_kit.ports import ClientContext, Context
from loyalty_kit.settings import load_settings
from loyalty_kit.testing.recorded import RECEIVED_AT
from tests.stand_ins.bitrix24 import CODE, USER

CASES = Path(__file__).parent / "recorded" / "cases"
HOOK = "hook-word-of-the-tests-42"


def form(base_url: str = "https://chaynik.bitrix24.example", **changes: str) -> dict[str, str]:
    return {
        "portal": base_url,
        "webhook_user": USER,
        "webhook_secret": CODE,
        "hook_token": HOOK,
        "application_tokens": "app-token, second-token",
        "catalogues": "23,24",
        "write_balance": "true",
        **changes,
    }


def context(revision: int = 1, **changes: str) -> Context:
    settings = load_settings(Settings, form(**changes))
    return Context(settings=settings, received_at=RECEIVED_AT, revision=revision)


def client(base_url: str, **changes: Any) -> Portal:
    settings = load_settings(Settings, form(base_url, **changes))
    return make_client(ClientContext(settings, allow_private=True, installation="i_1"))
