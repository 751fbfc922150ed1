"""Quotes over HTTP: ten lines, a known member, three promotions; floors F4 and F5."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from bench.client import Load, press
from bench.measure import BenchFailed, Probe, Sample
from bench.options import Options
from bench.place import Place
from bench.processes import floor_web
from bench.programme import LINES, category_of, phone_of, sku_of

PATH = "/api/v1/quotes"
QUOTE, F4, F5 = "quote", "F4 bare WSGI", "F5 Flask view"
ONE = ", one connection"
WARM_S = 1.0
TIMEOUT_S = 30


def basket(phone: str) -> dict[str, Any]:
    """What a till asks that shows how much may be paid with points."""
    return {
        "channel": "pos",
        "member": {"phone": phone, "verified": True},
        "spend": "max",
        "lines": [
            {
                "id": str(line),
                "sku": sku_of(line),
                "name": f"Product {line}",
                "quantity": "1",
                "price": f"{100 + line}.00",
                "amount": f"{100 + line}.00",
                "categories": [category_of(line)],
            }
            for line in range(LINES)
        ],
    }


@contextmanager
def quote_probes(place: Place, hub: str, options: Options) -> Iterator[list[Probe]]:
    """The hub listens at `hub`, and both floors beside it; one of them is asked at a time."""
    folder, web = place.folder, place.web(options)
    (folder / "body").write_text(json.dumps(basket("PHONE")), "utf-8")
    (folder / "token").write_text(place.programme.key, "utf-8")
    answer = folder / "answer.json"
    answer.write_text(json.dumps(_checked_answer(hub, place.programme.key)), "utf-8")
    with ExitStack() as stack:
        addresses = {
            F4: stack.enter_context(floor_web(web, "bare", answer)),
            F5: stack.enter_context(floor_web(web, "flask", answer)),
            QUOTE: hub,
        }
        for address in addresses.values():
            press(_load(address, folder, options), connections=4, seconds=WARM_S)
        yield [
            Probe(name, _Presser(name, _load(address, folder, options), options))
            for name, address in addresses.items()
        ]


class _Presser:
    """Throughput with many connections, then latency with one."""

    def __init__(self, name: str, load: Load, options: Options) -> None:
        self._name, self._load, self._options = name, load, options

    def __call__(self) -> dict[str, Sample]:
        options = self._options
        many = press(self._load, connections=options.connections, seconds=options.seconds)
        one = press(self._load, connections=1, seconds=options.seconds / 2)
        return {self._name: many, self._name + ONE: one}


def _load(address: str, folder: Path, options: Options) -> Load:
    return Load(address + PATH, "quote", (str(folder), str(options.members), "1"))


def _checked_answer(address: str, key: str) -> Any:
    """Raises: BenchFailed unless it is the whole answer to a known member."""
    asked = requests.post(
        address + PATH,
        json=basket(phone_of(0)),
        headers={"Authorization": f"Bearer {key}"},
        timeout=TIMEOUT_S,
    )
    quote = asked.json() if asked.ok else {}
    reduced = quote.get("totals", {}).get("discount", "0.00") != "0.00"
    if not reduced or not quote.get("member") or quote.get("degraded"):
        raise BenchFailed(f"not the quote that was meant: {asked.status_code} {asked.text[:500]}")
    return quote
