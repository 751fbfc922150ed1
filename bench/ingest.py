"""The webhook door: signed deliveries of WooCommerce, each kept durably; floor F3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from bench.client import Load, press
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.members import phone_of
from bench.processes import door_without_database, hub_web
from bench.programme import LINES, sku_of
from hub.installations import InstallationView, create_installation
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import read, transact
from loyalty_core.store.tables import deliveries
from loyalty_kit.signing import hmac_sha256

INGEST, F3 = "ingest", "F3 door without database"
BODIES_A_SECOND = 2000
"""Bodies made for each second of a measurement; faster doors get a body again, under a new
delivery id."""
WARM_S = 1.0
SECRET = "bench-webhook-secret"  # noqa: S105 - of a shop that lives for some seconds
SETTINGS = {
    "webhook_secret": SECRET,
    "base_url": "https://shop.example",
    "consumer_key": "ck_bench",
    "consumer_secret": "cs_bench",
}


@contextmanager
def ingest_probes(ground: Ground) -> Iterator[list[Probe]]:
    """A programme of its own: what is kept here is worked on by nobody."""
    place, options = ground.own("ingest"), ground.options
    shop = make_shop(place)
    bodies = place.folder / "deliveries"
    write_bodies(bodies, round(BODIES_A_SECOND * options.seconds))
    web, path = place.web(options), shop.hooks["events"]
    with hub_web(web) as hub, door_without_database(web, shop.id) as floor:
        doors = [Door(F3, floor + path, bodies), Door(INGEST, hub + path, bodies, keeps=place)]
        before = _kept(place)
        doors[0].press(options.connections, WARM_S)
        if _kept(place) != before:
            raise BenchFailed("the floor without a database keeps deliveries in it")
        doors[1].press(options.connections, WARM_S)
        yield [_probe(door, options.connections, options.seconds) for door in doors]


def make_shop(place: Place) -> InstallationView:
    """A WooCommerce shop in a programme of its own."""
    room = place.hub()

    def begin(connection: Connection) -> int:
        made = create_programme(
            connection, code="door", document=default_rules(), author="bench", now=room.clock.now()
        )
        return made.id

    return create_installation(
        room,
        programme_id=transact(room.engine, begin),
        connector="wordpress",
        name="bench",
        settings=SETTINGS,
    )


def _probe(door: Door, connections: int, seconds: float) -> Probe:
    return Probe(door.name, lambda: {door.name: door.press(connections, seconds)}, seconds)


_rounds = count(1)


@dataclass(frozen=True, slots=True)
class Door:
    """`keeps`: where what was acknowledged must be found afterwards."""

    name: str
    url: str
    bodies: Path
    keeps: Place | None = None

    def press(self, connections: int, seconds: float) -> Sample:
        """Raises: BenchFailed where an answer was no success, or promised what was not kept."""
        before = 0 if self.keeps is None else _kept(self.keeps)
        load = Load(self.url, "deliveries", (str(self.bodies), f"{self.name[:2]}{next(_rounds)}"))
        sample = press(load, connections=connections, seconds=seconds)
        acknowledged = int(sample[RATE] * max(1, round(seconds)))
        if self.keeps is not None and _kept(self.keeps) - before < acknowledged:
            raise BenchFailed(f"of {acknowledged} deliveries not all were kept")
        return sample


def _kept(place: Place) -> int:
    with read(place.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(deliveries)) or 0)


def write_bodies(path: Path, number: int) -> None:
    """One signature and body a line, for `wrk/deliveries.lua`."""
    with path.open("w", encoding="ascii") as file:
        for place in range(1, number + 1):
            body = json.dumps(order(place), separators=(",", ":"))
            signature = hmac_sha256(SECRET, body.encode("ascii"), encoding="base64")
            file.write(f"{signature}\t{body}\n")


def guest_order(number: int) -> dict[str, Any]:
    """Of somebody who has no account in the shop, so nobody's balance is shown there."""
    return order(number) | {"customer_id": 0}


def order(number: int) -> dict[str, Any]:
    """Nearly as large as the order of a real shop, which has 3 to 4 kB."""
    address = {
        "first_name": "Анна",
        "last_name": "Иванова",
        "company": "",
        "address_1": "ул. Тестовая, 5",
        "address_2": "",
        "city": "Москва",
        "state": "MOW",
        "postcode": "101000",
        "country": "RU",
    }
    return {
        "id": number,
        "parent_id": 0,
        "status": "processing",
        "currency": "RUB",
        "version": "10.5.2",
        "prices_include_tax": True,
        "date_created_gmt": "2026-03-14T09:00:00",
        "date_modified_gmt": "2026-03-14T09:00:05",
        "total": "1045.00",
        "customer_id": number % 1000,
        "billing": {**address, "email": f"{number}@shop.example", "phone": phone_of(number)},
        "shipping": {**address, "phone": ""},
        "payment_method": "cod",
        "line_items": [
            {
                "id": line + 1,
                "name": f"Товар {line}",
                "product_id": 100 + line,
                "variation_id": 0,
                "quantity": 1,
                "subtotal": f"{100 + line}.00",
                "total": f"{100 + line}.00",
                "total_tax": "0.00",
                "sku": sku_of(line),
                "meta_data": [],
            }
            for line in range(LINES)
        ],
        "refunds": [],
    }
