"""Codes of coupons and certificates: how they are drawn, told to people, and compared.

A coupon's code of ours has 14 characters of chance and one that checks them: 14 x log2(23) =
63 bits, so with a million coupons alive one guess in 10^13 meets one.  An owner's own codes
(imported) may be any text; all are compared by their normal form alone.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

ALPHABET = "23456789ACEFHJKMNPRTWXY"
"""None of these looks like another one: no 0 O D Q, 1 I L, 5 S, 8 B, 2 Z, 6 G, U V.

A prime number of them: so the check finds each wrong character and each two that changed places.
"""
RANDOM = 14
LENGTH = RANDOM + 1
GROUP = 5
LONGEST = 64
SHORTEST = 3

_BASE = len(ALPHABET)
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_PAUSES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_LATIN = str.maketrans("АВЕКМНОРСТУХ", "ABEKMHOPCTYX")
"""Cyrillic letters that are printed as Latin ones: nobody can tell them apart on paper."""


def draw(random: int = RANDOM) -> str:
    """A fresh code in its normal form, with so many characters of chance."""
    number = secrets.randbelow(_BASE**random)
    characters = []
    for _ in range(random):
        number, value = divmod(number, _BASE)
        characters.append(ALPHABET[value])
    body = "".join(characters)
    return body + check_character(body)


def check_character(body: str) -> str:
    """The character that stands after `body`, which has fewer than 22 of the alphabet.

    Each place has a weight of its own, the last one 1; the weighted sum of a whole code is a
    multiple of 23.  A changed character moves the sum by weight times difference, two that
    swapped by the difference of both: neither is a multiple of a prime.
    """
    total = sum(
        weight * _VALUE[character] for weight, character in zip(_weights(body), body, strict=True)
    )
    return ALPHABET[-total % _BASE]


def is_mistyped(code: str, length: int = LENGTH) -> bool:
    """Whether a normal form looks like a code of ours of this length and cannot be one."""
    ours = len(code) == length and all(character in _VALUE for character in code)
    return ours and check_character(code[:-1]) != code[-1]


def normal(code: str) -> str:
    """The form in which codes are kept and compared; "" for what can be no code.

    Case, spaces and dashes do not count, and neither does which of two alphabets a letter that
    looks the same was typed in.
    """
    upper = unicodedata.normalize("NFKC", code).upper().translate(_LATIN)
    kept = "".join(one for one in upper if not one.isspace() and one not in _PAUSES)
    kept = unicodedata.normalize("NFKC", kept)  # what a space had kept apart may be one letter now
    if not SHORTEST <= len(kept) <= LONGEST or any(map(_unprintable, kept)):
        return ""
    return kept


def told(code: str, length: int = LENGTH) -> str:
    """A normal form as people read it: codes of ours of this length in groups of five."""
    if len(code) != length or any(character not in _VALUE for character in code):
        return code
    cuts = [*range(0, length, GROUP), length]
    return "-".join(code[start:end] for start, end in pairwise(cuts))


def _weights(body: str) -> Sequence[int]:
    return range(len(body) + 1, 1, -1)


def _unprintable(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ"
