"""Splitting sums over lines: exact, fair, and above floors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.pricing.allot import allot, floor_of, lift, line_at, unit_price
from loyalty_kit.money import prorate


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        pytest.param(0, [1, 2], [0, 0], id="nothing to split"),
        pytest.param(0, [], [], id="no lines"),
        pytest.param(100, [1, 1, 1], [34, 33, 33], id="on a tie the first line gets the kopeck"),
        pytest.param(100, [1, 2, 3], [17, 33, 50], id="largest remainder"),
        pytest.param(5, [0, 5], [0, 5], id="no weight, no part"),
        pytest.param(41900, [100000, 39800], [29971, 11929], id="the receipt of docs/pricing.md"),
    ],
)
def test_prorate(amount, weights, parts):
    assert prorate(amount, weights) == parts


@pytest.mark.parametrize(
    ("amount", "weights"),
    [
        pytest.param(1, [], id="no lines"),
        pytest.param(1, [0, 0], id="no weight"),
        pytest.param(-1, [1], id="below zero"),
        pytest.param(1, [2, -1], id="negative weight"),
    ],
)
def test_prorate_refuses(amount, weights):
    with pytest.raises(ValueError, match="prorate"):
        prorate(amount, weights)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(sum))
def test_prorate_loses_nothing_and_is_fair(amount, weights):
    parts = prorate(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        # Within one of the exact part: |part - amount * weight / total| < 1, without floats.
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


@pytest.mark.parametrize(
    ("amount", "weights", "rooms", "parts"),
    [
        pytest.param(80, [100, 300], [100, 300], [20, 60], id="room for all: by weight"),
        pytest.param(80, [100, 300], [5, 300], [5, 75], id="a floor moves it to the other line"),
        pytest.param(80, [100, 300], [5, 10], [5, 10], id="what no line takes is not split"),
        pytest.param(90, [100, 100, 100], [0, 35, 100], [0, 35, 55], id="moved twice"),
        pytest.param(80, [100], [30], [30], id="one line"),
        pytest.param(10, [], [], [], id="no lines"),
        pytest.param(10, [100, 100], [0, 0], [0, 0], id="no room"),
    ],
)
def test_allot(amount, weights, rooms, parts):
    assert allot(amount, weights, rooms) == parts


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**5)), max_size=20),
)
def test_allot_never_exceeds_rooms_and_gives_all_that_fits(amount, pairs):
    weights = [max(pair) for pair in pairs]
    rooms = [min(pair) for pair in pairs]

    parts = allot(amount, weights, rooms)

    assert sum(parts) == min(amount, sum(rooms))
    assert all(0 <= part <= room for part, room in zip(parts, rooms, strict=True))


@pytest.mark.parametrize(
    ("amount", "min_price", "quantity", "floor"),
    [
        pytest.param(39800, 15000, 2000, 30000, id="a price per unit"),
        pytest.param(35000, 99999, 350, 35000, id="weighed: 349.9965 is rounded up"),
        pytest.param(10000, 12000, 1000, 10000, id="a line below its floor stays as it is"),
        pytest.param(10000, 0, 1000, 0, id="no floor"),
    ],
)
def test_floor_of_a_line(amount, min_price, quantity, floor):
    assert floor_of(amount, min_price, quantity) == floor


@pytest.mark.parametrize(
    ("payable", "quantity", "price"),
    [
        pytest.param(25820, 2000, 12910, id="two packs"),
        pytest.param(27871, 2000, None, id="an odd kopeck for two"),
        pytest.param(8334, 3000, 2778, id="three"),
        pytest.param(8332, 3000, None, id="not for three"),
        pytest.param(29168, 350, 83337, id="weighed: the nearest of several"),
        pytest.param(0, 3000, 0, id="free"),
        pytest.param(100, 0, None, id="no quantity"),
        pytest.param(1, 2000, None, id="half a kopeck each would give two"),
        pytest.param(1, 400, 3, id="0.4 of 0.03 is 0.012"),
    ],
)
def test_unit_price(payable, quantity, price):
    assert unit_price(payable, quantity) == price


@pytest.mark.parametrize(
    ("payable", "quantity", "lifted"),
    [
        pytest.param(8332, 3000, 8334, id="up to the next sum that three can pay"),
        pytest.param(8334, 3000, 8334, id="stays where a price fits"),
        pytest.param(29168, 350, 29168, id="weighed below one unit: every sum fits"),
        pytest.param(0, 7000, 0, id="free"),
    ],
)
def test_lift(payable, quantity, lifted):
    assert lift(payable, quantity) == lifted


@given(st.integers(0, 10**7), st.integers(1, 10**5))
def test_a_lifted_line_has_a_unit_price_and_nothing_lower_would_do(payable, quantity):
    lifted = lift(payable, quantity)
    price = unit_price(lifted, quantity)

    assert lifted >= payable
    assert price is not None
    assert line_at(price, quantity) == lifted
    if lifted > payable:
        assert line_at(price - 1, quantity) < payable
        assert unit_price(payable, quantity) is None


@given(st.integers(0, 10**6), st.integers(1, 10**5))
def test_a_line_that_is_price_times_quantity_gets_a_unit_price_back(price, quantity):
    payable = line_at(price, quantity)

    found = unit_price(payable, quantity)

    assert found is not None
    assert line_at(found, quantity) == payable
