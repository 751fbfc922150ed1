"""A draft priced against receipts that are past: how many a second, and the memory it takes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bench.ground import Ground, Place
from bench.measure import MEMORY, RATE, BenchFailed, Probe, Sample
from bench.memory import read_memory
from bench.processes import HUB
from bench.programme import rules, sku_of
from hub.clock import SystemClock
from loyalty_core.service.programmes import draft_rules
from loyalty_core.store.database import transact
from loyalty_core.store.ids import new_id
from loyalty_core.store.programmes import shops_by_code
from loyalty_core.store.purchases import KeptPurchase, write_purchases
from loyalty_kit.events import Purchase, PurchaseLine

SIMULATED = "simulation"
LINES = 5
SPENT_EACH = 4
"""Of so many receipts one was paid with points in part."""
SPENT_POINTS = 100_00
_AT_ONCE = 1000
_EXPECTED_RATE = 2000
_LOOK_S = 0.1
_AGO = timedelta(days=1)


@contextmanager
def simulation_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Receipts of five lines, whose categories the catalogue fills in; three promotions."""
    place, receipts = ground.own("simulation"), ground.options.simulated
    _lay_receipts(place, receipts)
    draft = _draft(place)

    def run() -> dict[str, Sample]:
        return {SIMULATED: _simulate(ground, place, receipts, draft)}

    yield [Probe(SIMULATED, run, receipts / _EXPECTED_RATE)]


def _draft(place: Place) -> int:
    document = rules()
    document["promotions"][0]["params"]["percent"] = "15"
    document["earning"]["percent"] = "4"
    return transact(
        place.engine,
        lambda connection: draft_rules(
            connection, place.programme.id, document, author="bench", now=SystemClock().now()
        ),
    )


def _lay_receipts(place: Place, count: int) -> None:
    """Written as they are when they are booked, but that nothing moves in the ledger."""
    now, chance = SystemClock().now() - _AGO, random.Random(5)
    for first in range(0, count, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count))

        def work(connection: Connection, numbers: range = numbers) -> None:
            shop = shops_by_code(connection, place.programme.id, ["main"])["main"].id
            receipts = [_receipt(place, shop, number, chance, now) for number in numbers]
            write_purchases(connection, receipts)

        transact(place.engine, work)


def _receipt(
    place: Place, shop: int, number: int, chance: random.Random, now: datetime
) -> KeptPurchase:
    spent = 0 if number % SPENT_EACH else SPENT_POINTS
    lines = tuple(
        PurchaseLine(
            str(line),
            1000,
            (100 + line) * 100,
            (100 + line) * 100 - (spent if line == 0 else 0),
            sku=sku_of(line),
            name=f"Product {line}",
            price_minor=(100 + line) * 100,
            spend_minor=spent if line == 0 else 0,
        )
        for line in range(LINES)
    )
    event = Purchase(f"simulated-{number}", now, lines, points_spent=spent or None)
    return KeptPurchase(
        new_id(now),
        place.programme.id,
        "till",
        event,
        str(number),
        shop,
        chance.choice(place.programme.members),
        now,
        lines,
        booking={"rules_version": 1, "rated": True, "points_spent": spent},
        is_new=True,
    )


def _simulate(ground: Ground, place: Place, receipts: int, draft: int) -> Sample:
    """`loyalty-hub rules simulate`, from its start to its end.

    Raises: BenchFailed unless it priced every receipt, and found that the draft matters.
    """
    today = SystemClock().now().date()
    days = ["--from", str(today - 2 * _AGO), "--to", str(today)]
    command = [HUB, "rules", "simulate", "--draft", str(draft), *days, "--json"]
    command += ["--processes", str(os.cpu_count() or 1)]
    told = place.folder / "simulation.json"
    environment = {"HUB_DATA_DIR": str(place.folder), "HUB_DATABASE_URL": place.url}
    began, mb = time.perf_counter(), 0.0
    with (
        told.open("wb") as out,
        subprocess.Popen(command, stdout=out, env={**os.environ, **environment}) as process,
    ):
        while process.poll() is None:
            mb = max(mb, read_memory(process.pid, 0).own_mb)
            time.sleep(_LOOK_S)
    took = time.perf_counter() - began
    if process.returncode:
        raise BenchFailed(f"rules simulate ended with {process.returncode}")
    found = json.loads(told.read_bytes())
    if found["receipts"] != receipts or found["difference"]["given"] == "0.00":
        raise BenchFailed(f"not the simulation that was meant: {found['receipts']} receipts")
    ground.remark("simulation", f"{receipts} receipts in {took:.0f} s.")
    return {RATE: receipts / took, MEMORY: mb}
