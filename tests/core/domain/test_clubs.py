"""Memberships follow from what was granted, in whatever order it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.clubs import Club, Grant, Span, bought, spans
from loyalty_kit.events import PurchaseLine

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def sold(at: int, days: int | None = 30) -> Grant:
    return Grant("wine", "purchase", at, day(at), days)


def told(at: int, until: int | None) -> Grant:
    return Grant("wine", "shop", at, day(at), until=None if until is None else day(until))


def end(at: int) -> Grant:
    return Grant("wine", "end", at + 1000, day(at))


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        pytest.param([sold(1)], [(1, 31, "purchase")], id="one"),
        pytest.param([sold(1), sold(11)], [(1, 61, "purchase")], id="a running one is longer"),
        pytest.param(
            [sold(1), sold(31)], [(1, 31, "purchase"), (31, 61, "purchase")], id="as it has ended"
        ),
        pytest.param([sold(1), sold(2, None)], [(1, None, "purchase")], id="without end"),
        pytest.param([told(1, None), sold(5)], [(1, None, "shop")], id="endless stays so"),
        pytest.param([sold(1), told(5, 10)], [(1, 10, "purchase")], id="the shop sets the end"),
        pytest.param([sold(1), end(5)], [(1, 5, "purchase")], id="ended"),
        pytest.param(
            [sold(1), end(5), sold(6)], [(1, 5, "purchase"), (6, 36, "purchase")], id="and again"
        ),
        pytest.param([end(0), sold(1), end(40)], [(1, 31, "purchase")], id="too late"),
        pytest.param([sold(1), end(1)], [], id="at once"),
    ],
)
def test_what_grants_come_to(grants, expected):
    wanted = [
        Span("wine", day(start), None if until is None else day(until), source)
        for start, until, source in expected
    ]
    for order in permutations(grants):
        assert spans(order) == wanted


GRANTS = st.lists(
    st.one_of(
        st.builds(sold, st.integers(0, 90), st.one_of(st.none(), st.integers(1, 60))),
        st.integers(0, 90).flatmap(
            lambda at: st.builds(told, st.just(at), st.one_of(st.none(), st.integers(at + 1, 200)))
        ),
        st.builds(end, st.integers(0, 90)),
    ),
    max_size=8,
    unique_by=lambda one: one.at,
)


@given(GRANTS, st.randoms())
def test_memberships_do_not_overlap_and_do_not_depend_on_the_order(grants, chance):
    found = spans(grants)
    assert all(span.until is None or span.starts_at < span.until for span in found)
    for earlier, later in pairwise(found):
        assert earlier.until is not None
        assert earlier.until <= later.starts_at
    mixed = list(grants)
    chance.shuffle(mixed)
    assert spans(mixed) == found


def test_whole_units_that_are_kept_count():
    lines = [
        PurchaseLine("1", 2000, 100_00, 100_00, sku="card"),
        PurchaseLine("2", 1000, 100_00, 100_00, sku="CARD"),
        PurchaseLine("3", 1000, 100_00, 100_00, sku="TEA"),
    ]
    clubs = [Club("Wine", "Вино", ("Card", "card"), 30), Club("free", "Все", ())]

    assert bought(clubs, lines, {"1": 500}, 7, START) == [Grant("wine", "purchase", 7, START, 60)]
    assert bought(clubs, lines, {"1": 2000, "2": 1000}, 7, START) == []


@pytest.mark.parametrize(
    "many", [[sold(1, 36_500 * 1000)], [sold(1, 3_000_000), sold(2, 3_000_000)]]
)
def test_cards_of_ten_thousand_years_last_as_long_as_can_be_told(many: list[Grant]):
    """A receipt with a thousand cards is a fact, and is booked."""
    (span,) = spans(many)

    assert (span.starts_at, span.until) == (day(1), datetime(9999, 1, 1, tzinfo=UTC))
