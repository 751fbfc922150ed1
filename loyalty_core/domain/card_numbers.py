"""Numbers of the programme's own cards, which any scanner of goods reads: EAN-13.

GS1 leaves the prefixes 200 to 299 to each company for use within its own walls (GS1 General
Specifications, section on restricted circulation numbers), so no goods have such a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import FLAG, text, word

LENGTH = 13


@dataclass(frozen=True, slots=True)
class CardSeries:
    """`prefix`: what all numbers begin with; nine digits at least are left to chance."""

    prefix: str = field(
        default="29",
        metadata=word(
            "prefix",
            text(longest=3, pattern="2[0-9]{1,2}"),
            en="Numbers begin with",
            ru="Номера начинаются с",
        ),
    )
    on_enrolment: bool = field(
        default=False,
        metadata=word("on_enrolment", FLAG, en="Issued on joining", ru="Выдавать при вступлении"),
    )


def new_number(prefix: str, below: Callable[[int], int]) -> str:
    """A number of the series; `below(n)` draws by chance from 0 to n - 1."""
    free = LENGTH - 1 - len(prefix)
    digits = f"{prefix}{below(10**free):0{free}}"
    return digits + check_digit(digits)


def may_be_own(text: str) -> bool:
    """Whether this may be a number of some series of cards: goods have no such number."""
    number = "".join(text.split())
    return (
        len(number) == LENGTH
        and number.isascii()
        and number.isdecimal()
        and number.startswith("2")
        and number[-1] == check_digit(number[:-1])
    )


def check_digit(digits: str) -> str:
    """The thirteenth digit: weights 1 and 3 in turn, filled up to a multiple of ten."""
    total = sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits))
    return str(-total % 10)
