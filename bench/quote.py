"""Quotes over HTTP: ten lines, a known member, three promotions; floors F4 and F5."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import requests

from bench.client import Load, press
from bench.ground import Ground, Place
from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.members import phone_of
from bench.processes import floor_web, hub_web
from bench.programme import LINES, category_of, sku_of
from bench.servers import conninfo
from bench.warming import warm

PATH = "/api/v1/quotes"
QUOTE, F4, F5 = "quote", "F4 bare WSGI", "F5 Flask view"
ONE = ", one connection"
WARM_S = 2.0
TIMEOUT_S = 30
_FLUSH_S = 1.5
"""PostgreSQL's processes publish their counts once a second."""


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
def quote_probes(ground: Ground) -> Iterator[list[Probe]]:
    """The hub and both floors listen beside one another; one of them is asked at a time."""
    place, options = ground.large(), ground.options
    warm(place, ground.tell)
    web = place.web(options)
    answer = place.folder / "answer.json"
    with ExitStack() as stack:
        hub = stack.enter_context(hub_web(web))
        answer.write_bytes(checked_answer(hub, place))
        addresses = {
            F4: stack.enter_context(floor_web(web, "bare", answer)),
            F5: stack.enter_context(floor_web(web, "flask", answer)),
            QUOTE: hub,
        }
        pressers = {name: Presser(at, place) for name, at in addresses.items()}
        for name, presser in pressers.items():
            _check_bytes(name, addresses[name], place, answer.read_bytes())
            presser(options.connections, WARM_S)
        _count_statements(ground, place, pressers[QUOTE])
        yield [_probe(name, presser, ground) for name, presser in pressers.items()]


def _probe(name: str, presser: Presser, ground: Ground) -> Probe:
    """Throughput with many connections, then latency with one."""
    options = ground.options

    def run() -> dict[str, Sample]:
        many = presser(options.connections, options.seconds)
        return {name: many, name + ONE: presser(1, options.seconds)}

    return Probe(name, run, 2 * options.seconds)


class Presser:
    """Asks an address for quotes to members of a place, drawn by chance.

    `baskets` come by turns; each is one for the first member.  Another `path` has a header of its
    own by which the caller is known.
    """

    def __init__(
        self,
        address: str,
        place: Place,
        baskets: Sequence[Mapping[str, Any]] = (),
        *,
        path: str = PATH,
        header: str = "",
    ) -> None:
        folder = Path(mkdtemp(prefix="asked-", dir=place.folder))
        bodies = [json.dumps(one) for one in baskets or [basket(phone_of(0))]]
        (folder / "bodies").write_text("\n".join(bodies), "utf-8")
        (folder / "headers").write_text(header or bearer(place), "utf-8")
        self._url, self._folder = address + path, str(folder)
        self._members, self._asked = str(len(place.programme.members)), 0

    def __call__(self, connections: int, seconds: float) -> Sample:
        """Raises: BenchFailed where an answer was no success."""
        self._asked += 1
        arguments = (self._folder, self._members, str(self._asked))
        load = Load(self._url, "quote", arguments)
        return press(load, connections=connections, seconds=seconds)


def bearer(place: Place) -> str:
    """The header by which the measured programme's key is told."""
    return f"Authorization: Bearer {place.programme.key}"


def ask(address: str, place: Place, body: Mapping[str, Any] | None = None) -> requests.Response:
    """One quote for the first member."""
    return requests.post(
        address + PATH,
        json=body or basket(phone_of(0)),
        headers={"Authorization": f"Bearer {place.programme.key}"},
        timeout=TIMEOUT_S,
    )


def checked_answer(address: str, place: Place) -> bytes:
    """Raises: BenchFailed unless it is the whole answer to a known member."""
    asked = ask(address, place)
    quote = asked.json() if asked.ok else {}
    reduced = quote.get("totals", {}).get("discount", "0.00") != "0.00"
    if not reduced or not quote.get("member") or quote.get("degraded"):
        raise BenchFailed(f"not the quote that was meant: {asked.status_code} {asked.text[:500]}")
    return asked.content


def _check_bytes(name: str, address: str, place: Place, answer: bytes) -> None:
    """Raises: BenchFailed where a floor writes something else than the hub."""
    told = ask(address, place)
    if name != QUOTE and (not told.ok or told.content != answer.strip()):
        raise BenchFailed(f"{name} does not answer as the hub does: {told.status_code}")


# --- what a quote asks of the database ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counts:
    transactions: int
    writes: int


def _count_statements(ground: Ground, place: Place, presser: Presser) -> None:
    """By PostgreSQL's own statistics; a statement in autocommit is a transaction."""
    before = _counts(place)
    sample = presser(ground.options.connections, WARM_S)
    after = _counts(place)
    quotes = sample[RATE] * max(1, round(WARM_S))
    transactions = (after.transactions - before.transactions) / quotes
    writes = (after.writes - before.writes) / quotes
    ground.remark(
        QUOTE, f"A quote takes {transactions:.2f} transactions and writes {writes:.2f} rows."
    )


def _counts(place: Place) -> _Counts:
    time.sleep(_FLUSH_S)
    with psycopg.connect(conninfo(place.url), autocommit=True) as connection:
        row = connection.execute(
            "SELECT xact_commit + xact_rollback, tup_inserted + tup_updated + tup_deleted"
            " FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return _Counts(int(row[0]), int(row[1]))
