"""Statistics of a run, by numbers made by hand."""

from __future__ import annotations

import pytest

from bench.measure import (
    MAX,
    P50,
    P99,
    RATE,
    BenchFailed,
    Probe,
    Progress,
    Rounds,
    Sample,
    figure_of,
    percentile,
    run_rounds,
    times_of,
)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (range(1, 101), 50, 50),
        (range(1, 101), 99, 99),
        (range(1, 101), 100, 100),
        (range(1, 1001), 99, 990),
        ([3, 1, 2], 50, 2),
        ([3, 1, 2], 99, 3),
        ([7], 50, 7),
        ([1, 2, 3, 4], 50, 2),
        ([1, 2, 3, 4], 1, 1),
    ],
)
def test_a_percentile_is_one_of_the_values(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_times_are_told_in_milliseconds() -> None:
    assert times_of([0.001] * 98 + [0.5, 2.0]) == {P50: 1.0, P99: 500.0, MAX: 2000.0}
    with pytest.raises(BenchFailed):
        times_of([])


def test_a_figure_is_the_median_and_how_far_the_rounds_lie_apart() -> None:
    figure = figure_of([100, 80, 120])

    assert figure.median == 100
    assert figure.spread == pytest.approx(0.4)
    assert figure_of([5]).spread == 0


def test_a_ratio_is_of_each_round_to_the_floor_of_that_round() -> None:
    rounds = Rounds()
    for number, (own, floor) in enumerate([(50, 100), (90, 100), (40, 50)]):
        rounds.add(number, {"own": {RATE: own}, "floor": {RATE: floor}})

    ratio = rounds.ratio("own", "floor")

    assert ratio is not None
    assert ratio.median == pytest.approx(0.8)  # of 0.5, 0.9, 0.8; that of the medians is 0.5
    assert ratio.spread == pytest.approx(0.5)


def test_a_round_that_broke_off_is_left_out_of_the_ratio() -> None:
    rounds = Rounds()
    rounds.add(1, {"own": {RATE: 30, P50: 2, P99: 8}, "floor": {RATE: 60}})
    rounds.add(2, {"floor": {RATE: 1000}})

    ratio = rounds.ratio("own", "floor")

    assert ratio is not None
    assert (ratio.median, ratio.spread) == (0.5, 0)
    own_p99 = rounds.ratio("own", "own", P99, P50)
    assert own_p99 is not None
    assert own_p99.median == 4
    assert rounds.ratio("own", "nobody") is None
    assert rounds.figure("nobody") is None


def test_rounds_take_turns_and_keep_what_there_was_before_a_failure() -> None:
    asked: list[str] = []
    told: list[str] = []

    def good() -> dict[str, Sample]:
        asked.append("good")
        return {"good": {RATE: 10.0 * len(asked)}}

    def bad() -> dict[str, Sample]:
        asked.append("bad")
        if asked.count("bad") == 2:
            raise BenchFailed("fell over")
        return {"bad": {RATE: 1.0}}

    found = Rounds()
    progress = Progress(told.append, {"this": 0.0, "next": 120.0})
    progress.begin("this")
    with pytest.raises(BenchFailed):
        run_rounds([Probe("good", good, 30), Probe("bad", bad, 30)], 2, found, progress)

    assert asked == ["good", "bad", "good", "bad"]
    assert found.count("good") == 2
    assert found.count("bad") == 1
    # 120 s of the next bench, and of this one 3, 2, then 1 probes of 30 s each.
    assert [line.strip() for line in told if "left" in line] == [
        "this (1 of 2), about 2.0 min left",
        "about 3.5 min left",
        "about 3.0 min left",
        "about 2.5 min left",
    ]
