"""Back-fill: receipts of ten lines, listed and read at a stand-in shop without limits, booked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy import func, select

from bench.f1 import f1_probe
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from hub.ingest import backfill
from hub.installations import create_installation, installation_row
from hub.jobs.collector import search_rarely
from hub.jobs.drain import drain
from hub.registry import registry_of
from loyalty_core.store.database import read
from loyalty_core.store.tables import purchases
from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import ClientContext, Connector, Context, Hint, PullPage, Translated
from loyalty_kit.settings import SettingsSchema, integer, url
from loyalty_kit.transport import call, json_of, session

BOOKED = "back-fill to ledger, 10 lines"
_SECONDS = 20.0


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
def backfill_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Beside floor F1."""
    search_rarely()
    place, receipts = ground.own("backfill"), ground.options.receipts
    members = len(place.programme.members)

    def run() -> dict[str, Sample]:
        with shop_of(receipts, members) as address:
            return {BOOKED: {RATE: receipts / _took_s(place, address, receipts)}}

    yield [f1_probe(ground.servers, ground.options), Probe(BOOKED, run, _SECONDS)]


@contextmanager
def shop_of(receipts: int, members: int) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.shop", str(receipts), str(members)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def _took_s(place: Place, address: str, receipts: int) -> float:
    """From its start to the last receipt in the books, counting the documents first.

    Raises: BenchFailed unless every one of them is booked.
    """
    before, began = _booked(place), time.perf_counter()
    book(place, address)
    took_s = time.perf_counter() - began
    if _booked(place) - before != receipts:
        raise BenchFailed(f"{_booked(place) - before} of {receipts} were booked")
    return took_s


def book(place: Place, address: str) -> None:
    """Connect the shop, and fill back all that it lists.  Raises: BenchFailed (trouble)."""
    hub = place.hub(registry_of([CONNECTOR]), allow_private=True)
    home = create_installation(
        hub,
        programme_id=place.programme.id,
        connector=CONNECTOR.manifest.code,
        name=f"shop at {address}",
        settings={"base_url": address},
    )
    row = installation_row(hub, home.id)
    since = hub.clock.now() - timedelta(days=30)
    backfill.start(hub, row, since, dry=False, author="bench")
    while _is_underway(hub, row):
        drain(hub, place.programme.id)


def _is_underway(hub: Any, row: Any) -> bool:
    """Raises: BenchFailed where it met trouble."""
    view = backfill.progress(hub, row)
    assert view is not None
    if view.row.error_code is not None:
        raise BenchFailed(f"{view.row.error_code}: {view.row.error_text}")
    return not view.is_over or view.waiting > 0


def _booked(place: Place) -> int:
    with read(place.engine) as connection:
        return connection.scalars(select(func.count()).select_from(purchases)).one()
