"""A connector whose translator does with a delivery whatever the delivery says."""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import (
    ClientContext,
    Connector,
    Context,
    Hint,
    InboundRequest,
    Settings,
    Translated,
    Webhook,
)
from loyalty_kit.settings import SettingsSchema, secret
from loyalty_kit.signing import check_hmac_sha256, hmac_sha256

SECRET = "poison-secret"
SETTINGS = {"webhook_secret": SECRET}
SIGNATURE = "x-poison-signature"


class PoisonSettings(SettingsSchema):
    webhook_secret = secret({"en": "Webhook secret", "ru": "Секрет"})


def _raises() -> None:
    raise ZeroDivisionError("+79161234567 broke it")


def _loops() -> None:
    while True:
        pass


def _loops_in_c() -> None:
    """Backtracking of a day, in which `re` lets no other thread run."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def _sleeps() -> None:
    time.sleep(3600)


def _eats_memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(16 * 1024 * 1024))


def _exits() -> None:
    os._exit(3)


def _quits() -> None:
    sys.exit("of its own will")


def _crashes() -> None:
    ctypes.string_at(0)


def _recurses() -> None:
    _recurses()


def _overflows_the_stack() -> None:
    sys.setrecursionlimit(10**9)
    deep: Any = None
    for _ in range(10**6):
        deep = [deep]
    repr(deep)


def tell_about(module: str) -> Translated:
    """Which process this is, and whether a module is loaded in it."""
    loaded = "loaded" if module in sys.modules else "missing"
    return (Hint(kind="pid", id=str(os.getpid())), Hint(kind="module", id=loaded))


DEEDS: dict[str, Callable[[], None]] = {
    "raises": _raises,
    "loops": _loops,
    "loops in C": _loops_in_c,
    "sleeps": _sleeps,
    "eats memory": _eats_memory,
    "exits": _exits,
    "quits": _quits,
    "crashes": _crashes,
    "recurses": _recurses,
    "overflows the stack": _overflows_the_stack,
}


def _verify(request: InboundRequest, settings: Settings) -> None:
    given = request.headers.get(SIGNATURE)
    check_hmac_sha256(settings["webhook_secret"], request.body, given, encoding="hex")


def _delivery_key(request: InboundRequest) -> str:
    return str(json.loads(request.body)["no"])


def _translate(request: InboundRequest, context: Context) -> Translated:
    """Raises: LookupError where a secret can be seen."""
    told = json.loads(request.body)
    if "webhook_secret" in context.settings or any(name.startswith("HUB_") for name in os.environ):
        raise LookupError("a secret came along")
    if "hint" in told:
        return (Hint("thing", told["hint"]),)
    DEEDS.get(told.get("deed"), lambda: None)()
    return (load_event(told["event"]),)


class _Fetch:
    def read(self, client: Any, hint: Hint) -> Any:
        return {"deed": hint.id}

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        DEEDS.get(document["deed"], lambda: None)()
        return ()


def _client(context: ClientContext) -> Any:
    return context.installation


CONNECTOR = Connector(
    manifest=Manifest(
        code="poison",
        title={"en": "Poison", "ru": "Яд"},
        summary={"en": "Does what it is told.", "ru": "Делает, что велят."},
        capabilities=frozenset({Capability.WEBHOOK, Capability.FETCH}),
        settings_schema=PoisonSettings,
    ),
    make_client=_client,
    webhooks=(Webhook("events", _verify, _delivery_key, _translate),),
    fetch=_Fetch(),
)


def signed(body: bytes) -> dict[str, str]:
    return {SIGNATURE: hmac_sha256(SECRET, body, encoding="hex")}
