"""Whole minor units inside, decimal strings at the edge.

Money is counted in kopecks, points in hundredths of a point, quantities in thousandths of a
unit; all three are plain ints, and the name of a variable tells which (`_minor`, `_points`,
`_milli`).  Nothing here rounds by itself: a function that rounds takes the way by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

Rounding = Literal["down", "half_up", "none"]

HUNDREDTHS = 2
THOUSANDTHS = 3
POINT = 100
"""Hundredths in one point."""
UNIT_MILLI = 1000
"""Thousandths in one piece."""
MAX_AMOUNT = 10**15
"""No sum, count of points or quantity on the wire reaches this many of its smallest units."""

_USUAL_LENGTH = 12
"""What is no longer is below `MAX_AMOUNT` and may be read without the pattern, in half the time."""
_AFTER_THE_POINT = tuple(f".{part:02d}" for part in range(POINT))
_NOUGHT = "0.00"
_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,3}))?", re.ASCII)


def parse_decimal(value: object, places: int) -> int:
    """A decimal from the wire as a count of its smallest units, exactly.

    Takes a decimal string ("1350.00"), an int, or a float with at most `places` digits
    (`http-contract.md`, Rules for every call).

    Raises: ValueError for anything else: exponents, spaces, NaN, too many digits, bool.
    """
    if type(value) is str and len(value) <= _USUAL_LENGTH and value.isascii():
        whole, point, fraction = value.partition(".")
        if whole.isdigit() and (not point or (fraction.isdigit() and len(fraction) == places)):
            return int(whole + (fraction or "0" * places))
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("not a decimal")
    text = value if isinstance(value, str) else format(Decimal(str(value)), "f")
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError("not a decimal")
    sign, whole, fraction = match.groups()
    digits = (fraction or "") if isinstance(value, str) else (fraction or "").rstrip("0")
    if len(digits) > places:
        raise ValueError(f"more than {places} digits after the point")
    count = int(whole + digits.ljust(places, "0"))
    if count >= MAX_AMOUNT:
        raise ValueError("too large")
    return -count if sign else count


def format_decimal(count: int, places: int = HUNDREDTHS) -> str:
    """A count of smallest units as the wire writes it: 135000 -> "1350.00"."""
    if count >= 0 and places == HUNDREDTHS:
        # Most of what is ever written; a checkout's answer has some eighty, half of them nought.
        return f"{count // POINT}{_AFTER_THE_POINT[count % POINT]}" if count else _NOUGHT
    sign = "-" if count < 0 else ""
    whole, fraction = divmod(abs(count), 10**places)
    return f"{sign}{whole}.{fraction:0{places}d}"


def format_quantity(milli: int) -> str:
    """Thousandths of a unit, without idle zeros: 2000 -> "2", 350 -> "0.35"."""
    text = format_decimal(milli, THOUSANDTHS).rstrip("0")
    return text.removesuffix(".")


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """`numerator` / `denominator` (> 0) as a whole number, rounded as named.

    "down" goes towards zero; "half_up" and "none" go to the nearest, halves away from zero
    ("none" names a programme that does not round to whole points: its hundredths still must
    be whole).
    """
    sign = -1 if numerator < 0 else 1
    size = abs(numerator)
    if rounding == "down":
        return sign * (size // denominator)
    return sign * ((2 * size + denominator) // (2 * denominator))


def round_points(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Hundredths of a point from a fraction, by the rounding of a currency of points.

    "down" and "half_up" round to whole points, "none" to the nearest hundredth.
    """
    if rounding == "none":
        return divide(numerator, denominator, "none")
    return divide(numerator, denominator * POINT, rounding) * POINT


def prorate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` by weight so that the parts add up to exactly the amount.

    What is left over after rounding down goes to the largest remainders, the first line first
    on a tie, so the same receipt always splits the same way.  No part exceeds its weight as
    long as the amount does not exceed the sum of the weights.

    Raises: ValueError for an amount below zero, a negative weight, or weights that are all
    zero while there is something to split.
    """
    total = sum(weights)
    if amount < 0 or (weights and min(weights) < 0) or (amount and not total):
        raise ValueError("prorate needs an amount >= 0 and weights with a positive sum")
    if not amount:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    left = amount - sum(parts)
    if not left:
        return parts
    remainders = [amount * weight % total for weight in weights]
    # A sort keeps the order of equals also when it is turned round: the first line first.
    by_remainder = sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)
    for index in by_remainder[:left]:
        parts[index] += 1
    return parts
