"""Memory of the embedded hub while receipts go through its door, its inbox and its books."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ground import Ground, Place
from bench.measure import GROWTH, MEMORY, RATE, BenchFailed, Probe, Sample
from bench.processes import hub_run
from bench.receipts import Till
from bench.sender import Sender
from bench.waiting import backlog, wait_until_done

HELD = "memory of the embedded hub"
CONNECTIONS = 8
LIMIT_S = 15 * 60
"""After so long it stops, and says how far it came."""
_STEPS = 200
_LEAST_STEP = 20
_BACKLOG = 200
"""So many may wait, but never more than a tenth of all."""
_PATIENCE_S = 120
_PROC = Path("/proc")
_KIB_A_MB = 1024
_TOLD = 10
_EXPECTED_S = 600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The memory of all processes after so many receipts were booked, in MB.

    In `own_mb` pages that several processes share count once, as the machine has them; in `mb`
    for each process, as `ps` adds up to.
    """

    booked: int
    mb: float
    own_mb: float


@contextmanager
def memory_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, receipts = ground.sqlite("memory"), ground.options.memory_receipts

    def run() -> dict[str, Sample]:
        return {HELD: _measure(ground, place, receipts)}

    share = receipts / 100_000
    yield [Probe(HELD, run, max(5.0, _EXPECTED_S * share))]


def _measure(ground: Ground, place: Place, receipts: int) -> Sample:
    till = Till(place)
    with hub_run(place.web(ground.options)) as served:
        began = time.monotonic()
        readings = [read_memory(served.pid, 0)]
        flow = _Flow(place, till, Sender(served.address, till.path))
        while flow.sent < receipts and time.monotonic() - began < LIMIT_S:
            booked = flow.step(receipts)
            readings.append(read_memory(served.pid, booked))
        wait_until_done(place, _PATIENCE_S)
        readings.append(read_memory(served.pid, flow.sent))
        took = time.monotonic() - began
    _remark(ground, readings)
    if flow.sent < receipts:
        ground.remark("memory", f"Memory: stopped after {LIMIT_S} s, at {flow.sent} receipts.")
    return {
        RATE: flow.sent / took,
        MEMORY: readings[-1].own_mb,
        GROWTH: growth(readings, flow.sent // 2),
    }


@dataclass(slots=True)
class _Flow:
    """Receipts through the door, as fast as they are booked; never are many waiting."""

    place: Place
    till: Till
    sender: Sender
    sent: int = 0

    def step(self, receipts: int) -> int:
        """Send the next of so many; how many are booked then."""
        now = self.till.hub.clock.now()
        size = min(max(_LEAST_STEP, receipts // _STEPS), receipts - self.sent)
        self.sender.at_once((self.till.receipt(now) for _ in range(size)), CONNECTIONS)
        self.sent += size
        wait_until_done(self.place, _PATIENCE_S, at_most=min(_BACKLOG, receipts // 10))
        return self.sent - backlog(self.place)


def _remark(ground: Ground, readings: Sequence[Reading]) -> None:
    step = max(1, len(readings) // _TOLD)
    told = [f"{one.own_mb:.0f} after {one.booked}" for one in [*readings[:-1:step], readings[-1]]]
    ground.remark("memory", f"Memory in MB, by receipts: {', '.join(told)}.")
    added = f"With shared pages counted for each process, it is {readings[-1].mb:.0f} MB."
    ground.remark("memory", added)


def growth(readings: Sequence[Reading], since: int) -> float:
    """By how many per cent the largest reading since then is above the first of them.

    Of memory without pages counted twice, which would make a growth look smaller.

    Raises: BenchFailed where there are no two of them.
    """
    later = [one.own_mb for one in readings if one.booked >= since]
    if len(later) < 2:
        raise BenchFailed("too few readings of memory")
    return 100 * (max(later) / later[0] - 1)


def read_memory(pid: int, booked: int) -> Reading:
    """What a process and all its descendants hold."""
    parents = _parents()
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    resident = sum(_number_of(one, "smaps_rollup", "Rss") for one in family)
    own = sum(_number_of(one, "smaps_rollup", "Pss") for one in family)
    return Reading(booked, resident / _KIB_A_MB, own / _KIB_A_MB)


def _parents() -> Mapping[int, int]:
    folders = [int(folder.name) for folder in _PROC.glob("[0-9]*")]
    return {pid: _number_of(pid, "status", "PPid") for pid in folders}


def _number_of(pid: int, file: str, name: str) -> int:
    """A number of a process, 0 where it has ended."""
    try:
        lines = (_PROC / str(pid) / file).read_text("utf-8").splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith(f"{name}:")), "0 0")
    return int(found.split()[1])
