"""What a run is told."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")

ALL = (
    "quote",
    "size",
    "recalc",
    "pricing",
    "oscar",
    "ingest",
    "posting",
    "inbox",
    "backfill",
    "lag",
    "doors",
    "sqlite",
    "embedded",
    "simulation",
    "catalogue",
    "memory",
    "console",
)
"""In the order of a run: the first two share the large programme."""
PROFILED = ("quote", "ingest", "posting", "inbox", "backfill")


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: how long one measurement takes.  `receipts`: how many the inbox holds a round.

    `members`, `small`, `large`: how many each programme has (see `bench.ground`).
    """

    benches: tuple[str, ...]
    rounds: int
    seconds: float
    members: int
    small: int
    large: int
    receipts: int
    memory_receipts: int
    simulated: int
    products: int
    workers: int
    connections: int
    profile: bool
    quick: bool
    write: bool
    results: Path


def read_options(words: Sequence[str]) -> Options:
    """Raises: SystemExit where the words are not understood."""
    told = _parser().parse_args(words)
    quick = bool(told.quick)
    wanted = PROFILED if told.profile else ALL
    return Options(
        benches=tuple(name for name in wanted if name in (told.benches or wanted)),
        rounds=told.rounds or (1 if quick else 3),
        seconds=told.seconds or (0.6 if quick else 4.0),
        members=told.members or (500 if quick else 20_000),
        small=told.small or (500 if quick else 10_000),
        large=told.large or (2_000 if quick else 1_000_000),
        receipts=told.receipts or (100 if quick else 2_000),
        memory_receipts=told.memory_receipts or (200 if quick else 100_000),
        simulated=told.simulated or (300 if quick else 100_000),
        products=told.products or (1000 if quick else 100_000),
        workers=told.workers,
        connections=told.connections,
        profile=told.profile,
        quick=quick,
        write=told.write if told.write is not None else not quick,
        results=told.results,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("benches", nargs="*", metavar="BENCH", choices=[*ALL, []], help=", ".join(ALL))
    add("--quick", action="store_true", help="one short round on little data: does it work?")
    add("--profile", action="store_true", help=f"profiles of {', '.join(PROFILED)} instead")
    add("--write", action=argparse.BooleanOptionalAction, help="the results; not with --quick")
    add("--results", type=Path, default=RESULTS, help="the file that they are written to")
    add("--rounds", type=int, help="3")
    add("--seconds", type=float, help="of one measurement: 4")
    add("--members", type=int, help="of the common programme: 20000")
    add("--small", type=int, help="members of the small programme, one entry each: 10000")
    add("--large", type=int, help="members of the large programme, ten entries each: 1000000")
    add("--receipts", type=int, help="in the inbox, each round: 2000")
    add("--memory-receipts", type=int, help="that the embedded hub is given: 100000")
    add("--simulated", type=int, help="receipts that a draft is priced against: 100000")
    add("--products", type=int, help="of the catalogue that is imported: 100000")
    add("--workers", type=int, default=os.cpu_count() or 1, help="web processes: one a core")
    add("--connections", type=int, default=16, help="of the client, for throughput: 16")
    return parser
