"""Goods counted by the piece.  A line has units where its quantity is whole; goods that are
weighed have none."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from loyalty_core.domain.pricing.rule_type import View
from loyalty_kit.money import UNIT_MILLI


def with_units(view: View, lines: Iterable[int]) -> list[int]:
    """The lines that have units."""
    return [at for at in lines if view.lines[at].quantity_milli % UNIT_MILLI == 0]


def units_of(view: View, position: int) -> int:
    return view.lines[position].quantity_milli // UNIT_MILLI


def worth_of(view: View, position: int, units: int) -> int:
    """Kopecks that so many units of a line cost now: its units cost alike, rounded down."""
    return view.left_minor[position] * units // units_of(view, position)


def by_price(view: View, lines: Iterable[int]) -> list[int]:
    """The lines by what a unit of them costs now, the cheapest first; the earlier on a tie."""
    return sorted(lines, key=lambda at: Fraction(view.left_minor[at], units_of(view, at)))
