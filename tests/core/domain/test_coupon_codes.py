"""Codes of coupons: what a typing mistake makes of them, and what does not matter."""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import given

from loyalty_core.domain.coupon_codes import (
    ALPHABET,
    LENGTH,
    RANDOM,
    check_character,
    draw,
    is_mistyped,
    normal,
    told,
)

BODIES = st.text(ALPHABET, min_size=RANDOM, max_size=RANDOM)
CODES = BODIES.map(lambda body: body + check_character(body))
PLACES = st.integers(0, LENGTH - 1)


def test_the_alphabet_is_a_prime_number_of_characters_that_do_not_look_alike():
    assert len(set(ALPHABET)) == len(ALPHABET) == 23
    for alike in ("0ODQ", "1IL", "5S", "8B", "2Z", "6G", "UV"):
        assert len(set(alike) & set(ALPHABET)) <= 1, alike


@given(CODES)
def test_a_code_is_its_own_normal_form_however_it_is_written(code: str):
    assert len(code) == LENGTH
    assert normal(code) == code
    assert normal(told(code).lower()) == code
    assert normal(f"  {told(code).replace('-', ' ')}\n") == code
    assert not is_mistyped(code)


@given(CODES, PLACES, st.sampled_from(ALPHABET))
def test_each_single_wrong_character_is_found(code: str, place: int, other: str):
    wrong = code[:place] + other + code[place + 1 :]
    assert is_mistyped(wrong) == (wrong != code)


@given(CODES, PLACES, PLACES)
def test_each_two_characters_that_changed_places_are_found(code: str, one: int, other: int):
    moved = list(code)
    moved[one], moved[other] = moved[other], moved[one]
    wrong = "".join(moved)
    assert is_mistyped(wrong) == (wrong != code)


def test_no_neighbours_can_change_places_unseen():
    """All of them, of one code with every character in it somewhere."""
    code = next(code for code in iter(draw, "") if len(set(code)) > 9)
    for place in range(LENGTH - 1):
        wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert is_mistyped(wrong) == (code[place] != code[place + 1])


def test_codes_are_drawn_from_the_whole_alphabet_and_never_twice():
    drawn = [draw() for _ in range(3000)]
    assert len(set(drawn)) == len(drawn)
    for place in range(RANDOM):
        counted = Counter(code[place] for code in drawn)
        assert set(counted) == set(ALPHABET)
        assert max(counted.values()) < 3 * 3000 / len(ALPHABET)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("spring-10", "SPRING10"),
        ("  Весна 2026 ", "BECHA2026"),
        ("BECHA2026", "BECHA2026"),
        ("ёлка", "ЁЛKA"),
        ("straße", "STRASSE"),
        ("ＳＡＬＥ", "SALE"),
        ("SALE_10%", "SALE_10%"),
        ("a b", ""),
        ("12", ""),
        ("x" * 65, ""),
        ("sale C\u00b8", "SALE\u00c7"),
        ("0C\u00b8", ""),
        ("abc\x00def", ""),
        ("abc\u200bdef", ""),
        ("", ""),
    ],
)
def test_codes_of_an_owner_are_compared_by_their_normal_form(typed: str, kept: str):
    assert normal(typed) == kept


@given(st.text(max_size=80))
def test_a_normal_form_is_its_own(typed: str):
    kept = normal(typed)
    assert normal(kept) == kept
    assert normal(typed.lower()) in (kept, normal(typed.lower().upper()))
    assert normal(told(kept)) == kept


def test_codes_of_an_owner_are_not_checked():
    assert not is_mistyped("SPRING10")
    assert told("SPRING10") == "SPRING10"
