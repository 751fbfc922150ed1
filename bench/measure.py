"""Samples, rounds, medians and spreads."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

RATE, P50, P99, MAX = "rate", "p50_ms", "p99_ms", "max_ms"
CLIENT = "client_share"
"""Processor time of the client as a share of one core."""
LATE = "late_ms"
"""How much later than planned the client sent, p99."""
WAL = "wal_kb"
"""Written to PostgreSQL's log for one piece of work."""
MEMORY, GROWTH = "memory_mb", "growth_percent"
EACH = "each_us"
"""Processor time of one call."""
UNITS = {
    RATE: "/s",
    P50: "ms",
    P99: "ms",
    MAX: "ms",
    LATE: "ms",
    WAL: "kB",
    MEMORY: "MB",
    GROWTH: "%",
    EACH: "us",
}

Sample = Mapping[str, float]
"""One measurement: its values under the names above."""
Tell = Callable[[str], None]


class BenchFailed(Exception):
    """What was measured did not do its work, so its number would mean nothing."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Something that is measured once a round; `run` may give samples under several names.

    `seconds`: about how long it takes.
    """

    name: str
    run: Callable[[], dict[str, Sample]]
    seconds: float


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of all rounds, and (largest - smallest) / median."""

    median: float
    spread: float


class Rounds:
    """The samples of every round, by name; a round that broke off lacks some."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[int, Sample]] = defaultdict(dict)

    def add(self, number: int, found: Mapping[str, Sample]) -> None:
        for name, sample in found.items():
            self._samples[name][number] = sample

    def names(self) -> list[str]:
        return list(self._samples)

    def count(self, name: str, what: str = RATE) -> int:
        return len(self._values(name, what))

    def figure(self, name: str, what: str = RATE) -> Figure | None:
        """None where nothing was measured."""
        values = list(self._values(name, what).values())
        return figure_of(values) if values else None

    def ratio(self, name: str, floor: str, what: str = RATE, floor_what: str = "") -> Figure | None:
        """Of each round to the floor of the same round, and the median of that."""
        own, base = self._values(name, what), self._values(floor, floor_what or what)
        ratios = [own[number] / base[number] for number in own if base.get(number)]
        return figure_of(ratios) if ratios else None

    def _values(self, name: str, what: str) -> dict[int, float]:
        samples = self._samples.get(name, {})
        return {number: one[what] for number, one in samples.items() if what in one}


def figure_of(values: Sequence[float]) -> Figure:
    median = statistics.median(values)
    spread = (max(values) - min(values)) / median if median else 0.0
    return Figure(median, spread)


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest of the values that at least so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def times_of(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles of times, in ms.  Raises: BenchFailed where there are none."""
    if not seconds:
        raise BenchFailed("nothing was measured")
    millis = [1000 * one for one in seconds]
    return {P50: percentile(millis, 50), P99: percentile(millis, 99), MAX: max(millis)}


class Progress:
    """Says what was found, and about how long the rest will take."""

    def __init__(self, tell: Tell, expected_s: Mapping[str, float]) -> None:
        self._tell, self._expected = tell, dict(expected_s)
        self._of = len(self._expected)

    def begin(self, bench: str) -> None:
        number = self._of - len(self._expected) + 1
        self._tell(f"\n{bench} ({number} of {self._of}), {self._left(0)}")
        del self._expected[bench]

    def found(self, words: str, samples: Mapping[str, Sample], left_s: float) -> None:
        """`left_s`: what is left of this bench; the others are added to it."""
        for name, sample in samples.items():
            self._tell(f"{words}  {name:<44} {shown(sample)}")
        self._tell(f"         {self._left(left_s)}")

    def _left(self, own_s: float) -> str:
        minutes = max(0.0, own_s + sum(self._expected.values())) / 60
        return f"about {minutes:.1f} min left"


def run_rounds(
    probes: Sequence[Probe], rounds: int, found: Rounds, progress: Progress | None = None
) -> None:
    """Every probe once, then all of them again: what drifts, drifts for floors as well."""
    left = rounds * sum(probe.seconds for probe in probes)
    for number in range(1, rounds + 1):
        for probe in probes:
            samples = probe.run()
            found.add(number, samples)
            left -= probe.seconds
            if progress is not None:
                progress.found(f"round {number}", samples, left)


def shown(sample: Sample) -> str:
    parts = [f"{sample[RATE]:10.1f} /s"] if RATE in sample else []
    parts += [
        f"{name.partition('_')[0]} {sample[name]:.2f} {unit}"
        for name, unit in UNITS.items()
        if name != RATE and name in sample
    ]
    if CLIENT in sample:
        parts.append(f"client {sample[CLIENT]:.0%} of a core")
    return "   ".join(parts)
