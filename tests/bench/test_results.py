"""The table says what was reached, what was not, and what was not measured."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bench.__main__ as program
from bench.f1 import F1
from bench.ground import Ground
from bench.lag import LAG
from bench.lines import LINES, Goal
from bench.measure import P50, P99, RATE, BenchFailed, Probe, Rounds, Sample
from bench.options import ALL, read_options
from bench.posting import POSTING_POSTGRES
from bench.results import Run, asides, document, table
from bench.servers import Servers


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (Goal(0.5, 0.65), 0.64, "yes"),
        (Goal(0.5, 0.65), 0.65, "aim"),
        (Goal(0.5, 0.65), 0.49, "**no**"),
        (Goal(2.5, 2.0, most=True), 2.5, "yes"),
        (Goal(2.5, 2.0, most=True), 2.51, "**no**"),
        (Goal(2.5, 2.0, most=True), 1.0, "aim"),
        (Goal(10, most=True), 1.0, "yes"),
    ],
)
def test_a_goal_judges(goal: Goal, value: float, verdict: str) -> None:
    assert goal.verdict(value) == verdict


def _run(*words: str) -> Run:
    return Run(read_options(words), [("Processor", "slow")], {}, datetime(2026, 3, 1, tzinfo=UTC))


def test_each_row_has_its_goal_its_figure_and_its_floor() -> None:
    run = _run("posting", "lag")
    run.rounds["posting"] = Rounds()
    for number, (own, floor) in enumerate([(3000, 1000), (3300, 1000), (5000, 2000)]):
        run.rounds["posting"].add(number, {POSTING_POSTGRES: {RATE: own}, F1: {RATE: floor}})
    run.rounds["lag"] = Rounds()
    run.rounds["lag"].add(1, {LAG: {RATE: 70.0, P99: 1250.0}})

    rows = list(table(run))[2:]

    assert rows == [
        "| Posting in batches of 50 | ≥ 3 | ≥ 8 | **3.00** | 27% | yes | 3 300 /s "
        "| F1 pgbench | 1 000 /s |",
        "| Lag, p99 | ≤ 1000 ms |  | **1 250 ms** | 0% | **no** | 1 250 ms |  |  |",
        "| Lag with Redis stopped, sweep 5 s, p99 | ≤ 6000 ms |  | not measured |  |  |  |  |  |",
    ]


def test_every_bench_has_a_row_and_every_row_a_bench() -> None:
    assert tuple(program.BENCHES) == ALL
    assert {line.bench for line in LINES} == set(ALL)


def _probes(*runs: int) -> list[Probe]:
    rates = iter(runs)

    def run() -> dict[str, Sample]:
        rate = next(rates)
        if not rate:
            raise BenchFailed("the server went away")
        return {POSTING_POSTGRES: {RATE: float(rate)}, F1: {RATE: 100.0}}

    return [Probe("posting", run, 1)]


def test_what_crashes_is_named_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of two benches the first breaks off in its second round."""

    def posting(_: Ground) -> AbstractContextManager[list[Probe]]:
        return nullcontext(_probes(250, 0))

    def sqlite(_: Ground) -> AbstractContextManager[list[Probe]]:
        return nullcontext(_probes(7, 8, 9))

    monkeypatch.setitem(program.BENCHES, "posting", program.Bench(posting, 1))
    monkeypatch.setitem(program.BENCHES, "sqlite", program.Bench(sqlite, 1))
    results = tmp_path / "RESULTS.md"
    options = read_options(["posting", "sqlite", "memory", "--results", str(results)])
    missing = program.Bench(sqlite, 1, (program.POSTGRES,))
    monkeypatch.setitem(program.BENCHES, "memory", missing)

    run = program.measure(Ground(options, Servers(None, None), tmp_path, lambda _: None))

    written = results.read_text("utf-8")
    assert run.left_out == {
        "posting": "BenchFailed: the server went away",
        "memory": program.POSTGRES,
    }
    assert "**2.50**" in written
    assert "Not measured, or not to its end: posting (BenchFailed: the server went away)" in written
    assert run.rounds["sqlite"].count(POSTING_POSTGRES) == 3


def test_a_client_at_its_limit_is_told() -> None:
    run = _run("posting")
    run.rounds["posting"] = Rounds()
    run.rounds["posting"].add(1, {"light": {"client_share": 0.2}, "heavy": {"client_share": 0.9}})

    assert list(asides(run)) == [
        "The client's processor time, of one core: light 20%, heavy 90%.",
        "heavy: the client may have been the limit.",
    ]
    assert "heavy 90%" in document(run)


def test_how_late_the_sender_was_stands_beside_the_lag() -> None:
    run = _run("lag")
    run.rounds["lag"] = Rounds()
    for number, late in enumerate([5.0, 7.0, 90.0]):
        sample = {RATE: 70.0, P50: 100.0, P99: 400.0, "max_ms": 600.0, "late_ms": late}
        run.rounds["lag"].add(number, {LAG: sample})

    assert list(asides(run)) == [
        f"{LAG}: p50 100 ms, p99 400 ms, max 600 ms, the sender was late by (p99) 7 ms."
    ]


def test_quick_writes_nothing_unless_told() -> None:
    assert not read_options(["--quick"]).write
    assert read_options(["--quick", "--write"]).write
    assert read_options([]).write
    assert read_options(["lag", "quote"]).benches == ("quote", "lag")
    with pytest.raises(SystemExit):
        read_options(["nothing-like-it"])
