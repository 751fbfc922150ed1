"""A catalogue that a shop is connected with: how fast it comes in, and the memory it takes.

The embedded hub reads it from the stand-in MoySklad, a thousand articles a call at the pace of a
solution's token.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.ground import Ground, Place
from bench.measure import MEMORY, RATE, BenchFailed, Probe, Sample
from bench.memory import read_memory
from bench.options import Options
from bench.processes import hub_run
from hub.installations import create_installation
from loyalty_core.store import installations
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire
from tests.stand_ins.moysklad import Account

IMPORTED = "products imported from MoySklad"
FOLDERS = 200
PACE_PER_S = 44 * 1000 / 3
"""Articles that the vendor's limits let come in a second."""
_LOOK_EVERY_S = 0.5
_LIMIT_S = 15 * 60
_MORE = {
    "HUB_CONNECTORS_ENABLED": "bench,moysklad",
    "HUB_ALLOW_PRIVATE_ADDRESSES": "1",
    # The bench cannot ring: what is measured is the import, and not the wait for a sweep.
    "HUB_SWEEP_S": "1",
}


@contextmanager
def catalogue_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.sqlite("catalogue"), ground.options
    with Account() as account:
        account.made["productfolder"] = (FOLDERS, _folder)
        account.made["product"] = (options.products, _product)

        def run() -> dict[str, Sample]:
            return {IMPORTED: _measure(place, account, options)}

        yield [Probe(IMPORTED, run, max(5.0, options.products / PACE_PER_S))]


def _measure(place: Place, account: Account, options: Options) -> Sample:
    """Raises: BenchFailed where it does not come to an end, or brought something else."""
    with hub_run(place.web(options), _MORE) as served:
        began = time.monotonic()
        number = _connect(place, account)
        mb = 0.0
        while not _is_in(place, number):
            mb = max(mb, read_memory(served.pid, 0).own_mb)
            if time.monotonic() - began > _LIMIT_S:
                raise BenchFailed("the catalogue is not in after a quarter of an hour")
            time.sleep(_LOOK_EVERY_S)
        took = time.monotonic() - began
    if len(account.calls) < options.products // 1000:
        raise BenchFailed("the catalogue was not asked for")
    return {RATE: options.products / took, MEMORY: mb}


def _connect(place: Place, account: Account) -> int:
    made = create_installation(
        place.hub(),
        programme_id=place.programme.id,
        connector="moysklad",
        name=f"moysklad-{uuid.uuid4().hex[:8]}",
        settings={
            "api_url": account.base_url,
            "api_token": account.token,
            "token_kind": "solution",
            "till_token": "till-word-of-the-bench",
            "hook_token": "hook-word-of-the-bench",
        },
    )
    number = from_wire("i", made.id)
    assert number is not None
    return number


def _is_in(place: Place, number: int) -> bool:
    """The next import is due tomorrow."""
    with read(place.engine) as connection:
        row = installations.get(connection, number)
    assert row is not None
    if row.trouble_code is not None:
        raise BenchFailed(f"the import stopped: {row.trouble_text}")
    due_at = row.catalogue_due_at
    return due_at is not None and (due_at - row.created_at).total_seconds() > 3600


def _folder(number: int) -> dict[str, Any]:
    return {"id": _id(number), "name": f"Группа {number}"}


def _product(number: int) -> dict[str, Any]:
    """With what the vendor's documents show of one, so that an answer has its usual length."""
    meta = {"type": "productfolder", "mediaType": "application/json"}
    currency = {"meta": {"href": f"https://api.moysklad.ru/currency/{_id(1)}", "type": "currency"}}
    prices = [
        {"value": 100.0 * (number % 5000 + kind), "currency": currency, "priceType": currency}
        for kind in range(3)
    ]
    return {
        "id": _id(number),
        "name": f"Товар {number}",
        "code": f"{number:05}",
        "article": f"A-{number}",
        "description": "Описание товара, каким его видит покупатель. " * 5,
        "productFolder": {"meta": {"href": f"/productfolder/{_id(number % FOLDERS)}", **meta}},
        "salePrices": prices,
        "barcodes": [{"ean13": f"20{number:010}5"}],
        "attributes": [{"id": _id(place), "name": "Поле", "value": "x" * 40} for place in range(5)],
    }


def _id(number: int) -> str:
    return f"{number:08}-1fb1-11f1-0a80-0b6300000187"
