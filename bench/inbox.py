"""Inbox to ledger: kept deliveries of ten-line receipts, worked off by one worker process."""

from __future__ import annotations

import json
import random
import time
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection, func, select

from bench.measure import BenchFailed, Probe, Sample
from bench.options import Options
from bench.place import Place
from bench.programme import LINES, phone_of, sku_of
from hub.ingest import process
from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.registry import registry_of
from loyalty_core.store import inbox
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.tables import deliveries, outbox, purchases
from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import Connector, Context, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.settings import SettingsSchema

BOOKED = "inbox to ledger, 10 lines"
SENT = "the same, and its outbox worked off"
HOOK = "receipts"


class BenchSettings(SettingsSchema):
    """Nothing needs to be set."""


def _verify(request: InboundRequest, settings: Settings) -> None:
    """The door is not what is measured here."""


def _delivery_key(request: InboundRequest) -> str:
    return str(json.loads(request.body)["external_id"])


def _translate(request: InboundRequest, context: Context) -> Translated:
    return (load_event(json.loads(request.body)),)


CONNECTOR = Connector(
    manifest=Manifest(
        code="bench",
        title={"en": "Bench", "ru": "Стенд"},
        summary={"en": "A till that says what is booked.", "ru": "Касса для замеров."},
        capabilities=frozenset({Capability.WEBHOOK}),
        settings_schema=BenchSettings,
    ),
    webhooks=(Webhook(HOOK, _verify, _delivery_key, _translate),),
)


class Inbox:
    """One till's deliveries, in the measured programme."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.hub = place.hub(registry_of([CONNECTOR]))
        till = create_installation(
            self.hub, programme_id=place.programme.id, connector="bench", name="till", settings={}
        )
        self._installation = from_wire("i", till.id)
        self._chance = random.Random(3)
        self._numbers = count(1)

    def fill(self, receipts: int) -> None:
        """Keep so many deliveries, as the door does."""
        now = self.hub.clock.now()

        def keep(connection: Connection) -> None:
            for _ in range(receipts):
                inbox.store(connection, self._delivery(now), now=now)

        transact(self.hub.engine, keep)

    def work_off(self, receipts: int) -> dict[str, Sample]:
        """First what makes purchases and points of them, then what that has to tell the world.

        Raises: BenchFailed unless every one of them is booked.
        """
        booked = self._count(purchases)
        began = time.perf_counter()
        while process.work_batch(self.hub, self._place.programme.id):
            pass
        in_ledger = time.perf_counter()
        while self._is_due():
            drain(self.hub, self._place.programme.id)
        ended = time.perf_counter()
        if self._count(purchases) - booked != receipts:
            raise BenchFailed(f"{self._count(purchases) - booked} of {receipts} were booked")
        return {
            BOOKED: Sample(receipts / (in_ledger - began)),
            SENT: Sample(receipts / (ended - began)),
        }

    def _delivery(self, now: datetime) -> NewDelivery:
        number = next(self._numbers)
        place = self._chance.randrange(len(self._place.programme.members))
        assert self._installation is not None
        return NewDelivery(
            installation_id=self._installation,
            programme_id=self._place.programme.id,
            hook=HOOK,
            key=str(number),
            headers={"content-type": "application/json"},
            body=json.dumps(_receipt(number, place, now)).encode(),
        )

    def _is_due(self) -> bool:
        with read(self.hub.engine) as connection:
            waiting = [
                connection.scalar(
                    select(func.count())
                    .select_from(table)
                    .where(table.c.programme_id == self._place.programme.id, table.c.state == "due")
                )
                for table in (deliveries, outbox)
            ]
        return any(waiting)

    def _count(self, table: Any) -> int:
        with read(self.hub.engine) as connection:
            return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def inbox_probe(place: Place, options: Options) -> Probe:
    till = Inbox(place)

    def run() -> dict[str, Sample]:
        till.fill(options.receipts)
        return till.work_off(options.receipts)

    return Probe(BOOKED, run)


def _receipt(number: int, place: int, now: datetime) -> dict[str, Any]:
    """A purchase in wire form; its categories are for the catalogue to fill in."""
    return {
        "type": "purchase",
        "external_id": f"bench-{number}",
        "occurred_at": now.isoformat(),
        "customer": {"phone": phone_of(place), "verified": True},
        "lines": [
            {
                "id": str(line + 1),
                "sku": sku_of(line),
                "name": f"Product {line}",
                "quantity": "1",
                "price": f"{100 + line}.00",
                "amount": f"{100 + line}.00",
                "paid": f"{100 + line}.00",
            }
            for line in range(LINES)
        ],
    }
