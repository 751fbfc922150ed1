"""Phones in E.164, whatever way people write them."""

from __future__ import annotations

import re

import phonenumbers

from loyalty_core.domain.errors import PhoneImpossible

_IS_E164_OF_7 = re.compile(r"\+7[0-9]{10}").fullmatch
"""ITU-T E.164, country code 7: the national number has ten digits, so it is possible, and stands
already as it is kept.  Most phones come so, and to parse one costs a twentieth of a quote."""


def normalise_phone(text: str, region: str) -> str:
    """ "8 (916) 123-45-67", "916 123 45 67" and "+7 916..." are one: "+79161234567".

    `region` is the country of numbers written without a code.  A number in use elsewhere
    ("+7 701..." is Kazakhstan) stays what it is.

    Raises: PhoneImpossible.
    """
    if _IS_E164_OF_7(text):
        return text
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise PhoneImpossible from None
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise PhoneImpossible
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
