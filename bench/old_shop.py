"""The connector of a shop that is filled back, and the stand-in that it calls (`bench.shop`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests

from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import ClientContext, Connector, Context, Hint, PullPage, Translated
from loyalty_kit.settings import SettingsSchema, integer, url
from loyalty_kit.transport import call, json_of, session


class ShopSettings(SettingsSchema):
    base_url = url({"en": "Address", "ru": "Адрес"})
    backfill_days = integer({"en": "Days back", "ru": "Дней назад"}, least=0, most=90, default=0)


class _Client:
    def __init__(self, context: ClientContext) -> None:
        self._root, self.days = context.settings["base_url"], context.settings["backfill_days"]
        self._http: requests.Session = session(allow_private=context.allow_private)

    def get(self, path: str) -> Any:
        return json_of(call(self._http, "GET", f"{self._root}/{path}"))


class _Fetch:
    def read(self, client: _Client, hint: Hint) -> Any:
        return client.get(f"receipts/{hint.id}")[0]

    def read_many(self, client: _Client, hints: tuple[Hint, ...]) -> dict[Hint, Any]:
        told = client.get("receipts/" + ",".join(hint.id for hint in hints))
        return dict(zip(hints, told, strict=True))

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        return (load_event(document),)


class _Pull:
    """Polling finds nothing: it looks back no day."""

    def page(self, client: _Client, cursor: str | None, now: datetime) -> PullPage:
        if not client.days:
            return PullPage((), "0", more=False)
        first = int(cursor or 0)
        page = client.get(f"list/{first}")
        hints = tuple(Hint("receipt", str(number)) for number in page["numbers"])
        return PullPage(hints, str(first + len(hints)), page["more"])

    def recheck(self, client: _Client, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        return ()


CONNECTOR = Connector(
    manifest=Manifest(
        code="bench-shop",
        title={"en": "Bench shop", "ru": "Магазин стенда"},
        summary={"en": "A shop without limits.", "ru": "Магазин без ограничений."},
        capabilities=frozenset({Capability.FETCH, Capability.PULL}),
        settings_schema=ShopSettings,
    ),
    make_client=_Client,
    fetch=_Fetch(),
    read_many=_Fetch(),
    pull=_Pull(),
)


@contextmanager
def shop_of(receipts: int, members: int) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.shop", str(receipts), str(members)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()
