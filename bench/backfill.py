"""Back-fill: receipts of ten lines, listed and read at a stand-in shop without limits, booked; by
one worker process, and by one a core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select

from bench.f1 import f1_probe
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.old_shop import CONNECTOR, shop_of
from bench.worker import fill_back, workers
from hub.ingest import backfill
from hub.installations import create_installation, installation_row
from hub.jobs.collector import search_rarely
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.store.database import read
from loyalty_core.store.tables import purchases

BOOKED = "back-fill to ledger, 10 lines"
EACH_CORE = "the same back-fill, by a worker process a core"
WARM = 600
_SECONDS = 20.0
Fill = Callable[[str], object]
"""Fills back the connection of this number."""


@contextmanager
def backfill_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Beside floor F1."""
    search_rarely()
    place, receipts = ground.own("backfill"), ground.options.receipts
    members, cores = len(place.programme.members), ground.options.workers
    alone = partial(fill_back, old_shop_hub(place), place.programme.id)

    with workers(place, cores) as crew:
        ways: dict[str, Fill] = {BOOKED: alone, EACH_CORE: crew.do}

        def run(receipts: int) -> dict[str, Sample]:
            rates: dict[str, Sample] = {}
            for name, fill in ways.items():
                with shop_of(receipts, members) as address:
                    took_s = _took_s(place, address, receipts, fill)
                rates[name] = {RATE: receipts / took_s}
            return rates

        run(WARM)
        measured = partial(run, receipts)
        yield [f1_probe(ground.servers, ground.options), Probe(BOOKED, measured, _SECONDS)]


def old_shop_hub(place: Place) -> Hub:
    return place.hub(registry_of([CONNECTOR]), allow_private=True)


def _took_s(place: Place, address: str, receipts: int, fill: Fill) -> float:
    """From its start to the last receipt in the books, counting the documents first.

    Raises: BenchFailed unless every one of them is booked.
    """
    before, began = _booked(place), time.perf_counter()
    book(place, address, fill)
    took_s = time.perf_counter() - began
    if _booked(place) - before != receipts:
        raise BenchFailed(f"{_booked(place) - before} of {receipts} were booked")
    return took_s


def book(place: Place, address: str, fill: Fill) -> None:
    """Connect the shop, and have all that it lists filled back.

    Raises: BenchFailed (trouble).
    """
    hub = old_shop_hub(place)
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
    fill(home.id)
    view = backfill.progress(hub, row)
    assert view is not None
    if view.row.error_code is not None:
        raise BenchFailed(f"{view.row.error_code}: {view.row.error_text}")


def _booked(place: Place) -> int:
    with read(place.engine) as connection:
        return connection.scalars(select(func.count()).select_from(purchases)).one()
