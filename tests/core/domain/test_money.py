"""Points against money, and the rounding of points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.pricing.allot import money_of, points_for, points_within
from loyalty_kit.money import (
    divide,
    format_decimal,
    format_quantity,
    parse_decimal,
    round_points,
)


@pytest.mark.parametrize(
    ("value", "places", "count"),
    [
        pytest.param("1350.00", 2, 135000, id="money"),
        pytest.param("0.5", 2, 50, id="one digit"),
        pytest.param(12, 2, 1200, id="whole number"),
        pytest.param(12.5, 2, 1250, id="float with few digits"),
        pytest.param("0.350", 3, 350, id="weight"),
        pytest.param("-3.10", 2, -310, id="below zero"),
    ],
)
def test_parse_decimal(value, places, count):
    assert parse_decimal(value, places) == count


@pytest.mark.parametrize(
    "value", ["1.234", "1e3", " 1", "1.", "", "NaN", "١", True, None, 0.123, 10**15, float("inf")]
)
def test_parse_decimal_refuses(value):
    with pytest.raises(ValueError, match=r"."):
        parse_decimal(value, 2)


def test_formats():
    assert format_decimal(135000) == "1350.00"
    assert format_decimal(-5) == "-0.05"
    assert format_quantity(2000) == "2"
    assert format_quantity(350) == "0.35"


@pytest.mark.parametrize(
    ("numerator", "rounding", "result"),
    [
        pytest.param(15, "down", 1, id="down"),
        pytest.param(15, "half_up", 2, id="half up"),
        pytest.param(14, "half_up", 1, id="below a half"),
        pytest.param(-15, "half_up", -2, id="half away from zero"),
        pytest.param(-19, "down", -1, id="down is towards zero"),
    ],
)
def test_divide(numerator, rounding, result):
    assert divide(numerator, 10, rounding) == result


@pytest.mark.parametrize(
    ("rounding", "points"),
    [("down", 1200), ("half_up", 1300), ("none", 1291)],
)
def test_round_points_of_five_percent_of_258_20(rounding, points):
    assert round_points(25820 * 500, 100_00, rounding) == points


@pytest.mark.parametrize(
    ("points", "value", "money"),
    [
        pytest.param(10000, 100, 10000, id="one rouble a point"),
        pytest.param(30000, 50, 15000, id="half a rouble a point"),
        pytest.param(300, 33, 99, id="a third, nearly"),
        pytest.param(3, 50, 1, id="a kopeck and a half pays one"),
        pytest.param(100, 1000, 1000, id="ten roubles a point"),
    ],
)
def test_points_to_money(points, value, money):
    assert money_of(points, value) == money


@pytest.mark.parametrize(
    ("money", "value", "points"),
    [
        pytest.param(10000, 100, 10000, id="one rouble a point"),
        pytest.param(1, 50, 2, id="a kopeck is two hundredths"),
        pytest.param(1, 33, 4, id="three hundredths would pay 0.99 of a kopeck"),
        pytest.param(999, 1000, 100, id="a hundredth is ten kopecks: rounded up"),
    ],
)
def test_money_to_points(money, value, points):
    assert points_for(money, value) == points


@given(st.integers(0, 10**9), st.integers(1, 100))
def test_no_kopeck_is_lost_either_way_up_to_a_rouble_a_point(money, value):
    points = points_for(money, value)

    assert money_of(points, value) == money
    assert points == 0 or money_of(points - 1, value) < money


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_points_within_a_sum_are_the_most_that_it_allows(money, value):
    points = points_within(money, value)

    assert points * value <= money * 100 < (points + 1) * value
