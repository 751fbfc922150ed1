"""From a small programme to a large one: rates of quotes and of posting, warm, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from bench.ground import ENTRIES_OF_LARGE, Ground, Place
from bench.measure import RATE, WAL, Probe, Sample
from bench.posting import Poster
from bench.processes import hub_web
from bench.quote import WARM_S, Presser, checked_answer
from bench.servers import conninfo
from bench.warming import warm

SMALL, LARGE = "small", "large"
QUOTES, POSTINGS = "quotes, {}", "postings, {}"
_WARM_POSTING_S = 3.0
_MIB = 2**20
_KB = 1000


@contextmanager
def size_probes(ground: Ground) -> Iterator[list[Probe]]:
    """Two databases of one server; every measurement of one is followed by the other's."""
    places, options = {SMALL: ground.small(), LARGE: ground.large()}, ground.options
    bytes_of = {name: warm(place, ground.tell) for name, place in places.items()}
    _remark_sizes(ground, bytes_of)
    quotes: list[Probe] = []
    postings: list[Probe] = []
    with ExitStack() as stack:
        for name, place in places.items():
            address = stack.enter_context(hub_web(place.web(options)))
            checked_answer(address, place)
            presser = Presser(address, place)
            presser(options.connections, WARM_S)
            quotes.append(_quote_probe(QUOTES.format(name), presser, ground))
            poster = Poster(place)
            poster.post_for(min(_WARM_POSTING_S, options.seconds))
            postings.append(_posting_probe(POSTINGS.format(name), poster, place, options.seconds))
        yield [*quotes, *postings]


def _quote_probe(name: str, presser: Presser, ground: Ground) -> Probe:
    options = ground.options

    def run() -> dict[str, Sample]:
        return {name: presser(options.connections, options.seconds)}

    return Probe(name, run, options.seconds)


def _posting_probe(name: str, poster: Poster, place: Place, seconds: float) -> Probe:
    def run() -> dict[str, Sample]:
        before = _log_bytes(place)
        sample = poster.post_for(seconds)
        written = _log_bytes(place) - before
        return {name: {**sample, WAL: written / (sample[RATE] * seconds) / _KB}}

    return Probe(name, run, seconds)


def _log_bytes(place: Place) -> int:
    with psycopg.connect(conninfo(place.url), autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None
    return int(row[0])


def _remark_sizes(ground: Ground, bytes_of: dict[str, int]) -> None:
    options = ground.options
    members = {SMALL: options.small, LARGE: options.large}
    entries = {SMALL: options.small, LARGE: options.large * ENTRIES_OF_LARGE}
    told = [
        f"{name}: {members[name]:,} members, {entries[name]:,} entries, "
        f"{bytes_of[name] / _MIB:,.0f} MiB"
        for name in members
    ]
    ground.remark("size", "; ".join(told) + ".")
