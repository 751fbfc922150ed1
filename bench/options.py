"""What a run is told."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

ALL = ("quote", "ingest", "posting", "inbox")


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: how long one measurement takes.  `receipts`: how many the inbox holds a round."""

    benches: tuple[str, ...]
    rounds: int
    seconds: float
    members: int
    receipts: int
    workers: int
    connections: int
    quick: bool
    write: bool


def read_options(words: Sequence[str]) -> Options:
    """Raises: SystemExit where the words are not understood."""
    told = _parser().parse_args(words)
    quick = bool(told.quick)
    return Options(
        benches=tuple(told.benches) or ALL,
        rounds=told.rounds or (1 if quick else 3),
        seconds=told.seconds or (0.6 if quick else 4.0),
        members=told.members or (500 if quick else 20_000),
        receipts=told.receipts or (100 if quick else 600),
        workers=told.workers,
        connections=told.connections,
        quick=quick,
        write=told.write if told.write is not None else not quick,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("benches", nargs="*", metavar="BENCH", choices=[*ALL, []], help=", ".join(ALL))
    add("--quick", action="store_true", help="one short round: does it work at all?")
    add("--write", action=argparse.BooleanOptionalAction, help="bench/RESULTS.md; not with --quick")
    add("--rounds", type=int, help="3")
    add("--seconds", type=float, help="of one measurement: 4")
    add("--members", type=int, help="of the programme: 20000")
    add("--receipts", type=int, help="in the inbox, each round: 600")
    add("--workers", type=int, default=os.cpu_count() or 1, help="web processes: one a core")
    add("--connections", type=int, default=16, help="of the client, for throughput: 16")
    return parser
