"""From a small programme to a large one: rates of quotes and of posting, warm, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.ground import ENTRIES_OF_LARGE, Ground
from bench.measure import Probe, Sample
from bench.posting import Poster, posting_probe
from bench.processes import hub_web
from bench.quote import WARM_S, Presser, checked_answer
from bench.warming import warm

SMALL, LARGE = "small", "large"
QUOTES, POSTINGS = "quotes, {}", "postings, {}"
_WARM_POSTING_S = 3.0
_MIB = 2**20


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
            postings.append(posting_probe(place, POSTINGS.format(name), options.seconds))
            Poster(place, "warm").post_for(min(_WARM_POSTING_S, options.seconds))
        yield [*quotes, *postings]


def _quote_probe(name: str, presser: Presser, ground: Ground) -> Probe:
    options = ground.options

    def run() -> dict[str, Sample]:
        return {name: presser(options.connections, options.seconds)}

    return Probe(name, run, options.seconds)


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
