"""The books of one gift certificate: laws that hold whatever comes in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from loyalty_core.domain.certificate_book import MOST, CertificateBook, Figures, Why
from loyalty_core.domain.errors import BeyondCount

NOON = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
END = NOON + timedelta(days=10)
SUMS = st.integers(1, 500)
VERBS = ("load", "unload", "reserve", "release", "pay", "give_back")


def book(until: datetime | None = None) -> CertificateBook:
    fresh = CertificateBook(1, Figures(), None, None, None, 0)
    if until is not None:
        fresh.expires_at = until
    return fresh


def why(at: datetime = NOON) -> Why:
    return Why("key", at, at, purchase_id=1, hold_id=1)


def assert_law(one: CertificateBook) -> None:
    told = one.figures
    assert told.balance - told.owed + told.expired == told.loaded - told.paid
    assert min(told) >= 0
    assert told.reserved <= told.balance
    assert not (told.owed and one.free)
    total = Figures(*(sum(part) for part in zip(*(move.change for move in one.moves), strict=True)))
    assert not one.moves or total == told
    assert [move.no for move in one.moves] == list(range(1, one.moves_made + 1))


@given(st.lists(st.tuples(st.sampled_from(VERBS), SUMS, st.integers(0, 20)), max_size=40))
def test_figures_agree_through_any_history(history):
    """Days go by between the verbs; it ends after ten, and what comes back has five more."""
    one, now, owns = book(), NOON, {"loads": 0, "held": 0, "paid": 0}
    for verb, amount, days in history:
        now += timedelta(days=days, hours=1)
        one.settle(now)
        if verb == "load":
            one.load(amount, why(now), END)
            owns["loads"] += amount
        elif verb == "unload" and owns["loads"]:
            part = min(amount, owns["loads"])
            one.unload(part, why(now))
            owns["loads"] -= part
        elif verb == "reserve" and one.free:
            part = min(amount, one.free)
            one.reserve(part, why(now))
            owns["held"] += part
        elif verb == "release" and owns["held"]:
            part = min(amount, owns["held"])
            one.release(part, why(now))
            owns["held"] -= part
        elif verb == "pay":
            held = min(amount // 2, owns["held"])
            one.pay(amount, held, why(now))
            owns["held"] -= held
            owns["paid"] += amount
        elif verb == "give_back" and owns["paid"]:
            part = min(amount, owns["paid"])
            one.give_back(part, why(now), now + timedelta(days=5))
            owns["paid"] -= part
        assert_law(one)
        assert one.figures.reserved == owns["held"]
        assert (one.figures.loaded, one.figures.paid) == (owns["loads"], owns["paid"])
        assert one.lives_at(now) or not one.free


@given(st.lists(SUMS, max_size=6), st.lists(SUMS, max_size=6), st.randoms(use_true_random=False))
def test_undone_in_any_order_nothing_is_left(loads, pays, chance):
    one = book()
    jobs = [("load", sum_) for sum_ in loads] + [("pay", sum_) for sum_ in pays]
    chance.shuffle(jobs)
    for verb, sum_ in jobs:
        one.load(sum_, why(), None) if verb == "load" else one.pay(sum_, 0, why())
    net = sum(loads) - sum(pays)
    assert (one.figures.balance, one.figures.owed) == (max(0, net), max(0, -net))

    chance.shuffle(jobs)
    for verb, sum_ in jobs:
        one.unload(sum_, why()) if verb == "load" else one.give_back(sum_, why(), None)

    assert one.figures == Figures()
    assert_law(one)


def test_what_has_expired_is_taken_before_anything_is_owed():
    one = book()
    one.load(100, why(), END)
    late = END + timedelta(days=1)
    one.settle(late)
    assert (one.free, one.figures.expired) == (0, 100)

    assert one.pay(70, 0, why(late)) == 0
    assert one.pay(50, 0, why(late)) == 20
    assert (one.figures.expired, one.figures.owed) == (0, 20)


def test_the_end_is_never_brought_nearer():
    one = book()
    one.load(100, why(), END)
    one.load(100, why(), END - timedelta(days=5))
    assert one.expires_at == END
    one.pay(50, 0, why())
    one.give_back(50, why(), END + timedelta(days=5))
    assert one.expires_at == END, "it lives: what comes back needs no grace"


@pytest.mark.parametrize("amount", [0, 101])
def test_no_more_is_reserved_than_is_free(amount):
    one = book()
    one.load(100, why(), None)
    with pytest.raises(AssertionError):
        one.reserve(amount, why())


def test_no_figure_grows_beyond_the_columns():
    one = book()
    one.load(MOST, why(), None)
    with pytest.raises(BeyondCount):
        one.load(1, why(), None)
    assert one.figures.loaded == MOST
