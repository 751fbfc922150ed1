"""Whole units inside, decimals at the edge, and splits that lose nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_kit.money import (
    Rounding,
    divide,
    format_decimal,
    format_quantity,
    parse_decimal,
    prorate,
    round_points,
)


@pytest.mark.parametrize(
    ("value", "places", "count"),
    [
        ("1350.00", 2, 135000),
        ("1350", 2, 135000),
        ("0.5", 2, 50),
        ("-0.05", 2, -5),
        (7, 2, 700),
        (349.9, 2, 34990),
        ("0.350", 3, 350),
        (2.0, 3, 2000),
    ],
)
def test_parse_decimal(value: Any, places: int, count: int) -> None:
    assert parse_decimal(value, places) == count


@pytest.mark.parametrize(
    "value",
    [
        *("", " 1", "1 ", "1,5", "1e3", "+1", ".5", "1.", "0.001", "٣", "1" * 16, "9" * 14, "nan"),
        *(None, True, [], {}, 0.001, 0.1 + 0.2, float("nan"), float("inf"), 1e300, b"1"),
    ],
)
def test_no_decimal(value: Any) -> None:
    with pytest.raises(ValueError, match=r"not a decimal|digits after the point|too large"):
        parse_decimal(value, 2)


@given(st.integers(-(10**14), 10**14))
def test_what_is_written_reads_back(count: int) -> None:
    assert parse_decimal(format_decimal(count), 2) == count
    assert parse_decimal(format_quantity(count), 3) == count


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounding", "whole"),
    [
        (7, 2, "down", 3),
        (-7, 2, "down", -3),
        (7, 2, "half_up", 4),
        (-7, 2, "half_up", -4),
        (5, 4, "half_up", 1),
        (6, 4, "none", 2),
    ],
)
def test_divide(numerator: int, denominator: int, rounding: Rounding, whole: int) -> None:
    assert divide(numerator, denominator, rounding) == whole


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounding", "points"),
    [
        (1799, 1, "down", 1700),
        (1750, 1, "half_up", 1800),
        (1749, 1, "half_up", 1700),
        (3498, 2, "none", 1749),
        (3499, 2, "none", 1750),
    ],
)
def test_round_points(numerator: int, denominator: int, rounding: Rounding, points: int) -> None:
    assert round_points(numerator, denominator, rounding) == points


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        pytest.param(100, [1, 1, 1], [34, 33, 33], id="the first of equals gets the rest"),
        pytest.param(100, [1, 2], [33, 67], id="the largest remainder gets the rest"),
        pytest.param(10, [0, 5], [0, 10], id="no weight, no part"),
        pytest.param(0, [0, 0], [0, 0], id="nothing to split"),
    ],
)
def test_prorate(amount: int, weights: list[int], parts: list[int]) -> None:
    assert prorate(amount, weights) == parts


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1).filter(sum))
def test_prorate_loses_nothing_and_is_fair(amount: int, weights: list[int]) -> None:
    parts = prorate(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
        assert part <= weight or amount > sum(weights)


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, [0]), (1, []), (1, [2, -1])])
def test_what_cannot_be_split(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="prorate needs"):
        prorate(amount, weights)
