"""Phones as they are kept: the short way for most of them says what the library says."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.errors import PhoneImpossible
from loyalty_core.service.phones import normalise_phone


@given(st.text("0123456789", min_size=10, max_size=10))
def test_ten_digits_behind_plus_seven_are_what_the_library_makes_of_them(digits: str):
    number = phonenumbers.parse(f"+7{digits}", "RU")

    assert phonenumbers.is_possible_number(number)
    kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert normalise_phone(f"+7{digits}", "RU") == kept == f"+7{digits}"


@pytest.mark.parametrize(
    "text", ["+7916123456", "+791612345678", "+7916123456x", "+7 916 123", "", "+7١٢٣٤٥٦٧٨٩"]
)
def test_what_is_not_ten_digits_goes_the_long_way_and_is_refused(text: str):
    with pytest.raises(PhoneImpossible):
        normalise_phone(text, "RU")


@pytest.mark.parametrize("text", ["8 (916) 123-45-67", "916 123 45 67", "+7-916-123-45-67"])
def test_other_ways_of_writing_lead_to_the_same(text: str):
    assert normalise_phone(text, "RU") == "+79161234567"
