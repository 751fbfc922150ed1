"""Samples, rounds, medians and spreads."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


class BenchFailed(Exception):
    """What was measured did not do its work, so its number would mean nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: work per second, and how long one piece took where that was asked."""

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """Something that is measured once a round; `run` may give samples under several names."""

    name: str
    run: Callable[[], dict[str, Sample]]


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of all rounds, and (largest - smallest) / median."""

    median: float
    spread: float


class Rounds:
    """The samples of every round, by name."""

    def __init__(self) -> None:
        self._samples: dict[str, list[Sample]] = defaultdict(list)

    def add(self, found: dict[str, Sample]) -> None:
        for name, sample in found.items():
            self._samples[name].append(sample)

    def has(self, *names: str) -> bool:
        return all(self._samples.get(name) for name in names)

    def figure(self, name: str, what: str = "rate") -> Figure:
        return figure_of(self._values(name, what))

    def ratio(self, name: str, floor: str, what: str = "rate", floor_what: str = "") -> Figure:
        """Of each round to the floor of the same round, and the median of that."""
        pairs = zip(self._values(name, what), self._values(floor, floor_what or what), strict=True)
        return figure_of([value / base for value, base in pairs])

    def _values(self, name: str, what: str) -> list[float]:
        return [float(getattr(sample, what)) for sample in self._samples[name]]


def figure_of(values: Sequence[float]) -> Figure:
    median = statistics.median(values)
    spread = (max(values) - min(values)) / median if median else 0.0
    return Figure(median, spread)


def run_rounds(probes: Iterable[Probe], rounds: int, tell: Callable[[str], None]) -> Rounds:
    """Every probe once, then all of them again: what drifts, drifts for floors as well."""
    found = Rounds()
    probes = list(probes)
    for number in range(1, rounds + 1):
        for probe in probes:
            samples = probe.run()
            found.add(samples)
            for name, sample in samples.items():
                tell(f"round {number}  {name:<44} {_shown(sample)}")
    return found


def _shown(sample: Sample) -> str:
    text = f"{sample.rate:10.1f} /s"
    if sample.p50_ms is not None and sample.p99_ms is not None:
        text += f"   p50 {sample.p50_ms:.2f} ms   p99 {sample.p99_ms:.2f} ms"
    return text
