"""Sums over lines: allotment above floors, unit prices, and points against money."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_kit.money import POINT, UNIT_MILLI, divide, prorate


def allot(amount: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """Split `amount` by weight (`prorate`), no part above its room.

    What a line's room refuses moves to the other lines by their weights; what no line can
    take is not split at all.  Where there is room there must be weight: 0 <= room <= weight.
    """
    if len(weights) == 1:
        return [min(amount, rooms[0])]
    rest = min(amount, sum(rooms))
    if rooms == weights:  # no floor anywhere, as in most baskets: no part exceeds its weight
        return prorate(rest, weights)
    parts = [0] * len(weights)
    able = [index for index, room in enumerate(rooms) if room > 0]
    while rest:
        shares = prorate(rest, [weights[index] for index in able])
        full = [index for index, share in zip(able, shares, strict=True) if share > rooms[index]]
        if not full:
            for index, share in zip(able, shares, strict=True):
                parts[index] = share
            break
        for index in full:
            parts[index] = rooms[index]
            rest -= rooms[index]
        able = [index for index in able if not parts[index]]
    return parts


def floor_of(amount_minor: int, min_price_minor: int, quantity_milli: int) -> int:
    """What a line may not fall below: its least price per unit times its quantity, rounded up.

    A line that costs less already is left as it is.
    """
    return min(amount_minor, -(-min_price_minor * quantity_milli // UNIT_MILLI))


def line_at(unit_price_minor: int, quantity_milli: int) -> int:
    """What a shop that stores a price per unit makes of it."""
    return divide(unit_price_minor * quantity_milli, UNIT_MILLI, "half_up")


def unit_price(payable_minor: int, quantity_milli: int) -> int | None:
    """The price per unit nearest to the line's that gives exactly the line, if one does."""
    if quantity_milli <= 0:
        return None
    if quantity_milli == UNIT_MILLI:
        return payable_minor
    nearest = divide(payable_minor * UNIT_MILLI, quantity_milli, "half_up")
    if line_at(nearest, quantity_milli) == payable_minor:
        return nearest
    least = _least_unit_price(payable_minor, quantity_milli)
    return least if line_at(least, quantity_milli) == payable_minor else None


def in_two(payable_minor: int, quantity_milli: int) -> list[tuple[int, int]]:
    """(quantity, price of a unit) twice, a kopeck apart, that together give exactly a line
    that no single price gives.  Weighed goods cannot be told apart: nothing."""
    units, rest = divmod(quantity_milli, UNIT_MILLI)
    if rest or not units:
        return []
    price, dearer = divmod(payable_minor, units)
    return [((units - dearer) * UNIT_MILLI, price), (dearer * UNIT_MILLI, price + 1)]


def lift(payable_minor: int, quantity_milli: int) -> int:
    """The least sum, not below `payable_minor`, that some price per unit gives exactly."""
    if quantity_milli <= 0:
        return payable_minor
    return line_at(_least_unit_price(payable_minor, quantity_milli), quantity_milli)


def _least_unit_price(payable_minor: int, quantity_milli: int) -> int:
    # round_half_up(u * q / 1000) >= p  <=>  2 * u * q >= 1000 * (2 * p - 1)
    return max(0, -(-UNIT_MILLI * (2 * payable_minor - 1) // (2 * quantity_milli)))


def money_of(points: int, value_minor: int) -> int:
    """Kopecks that hundredths of a point pay for: never more than they are worth."""
    return points * value_minor // POINT


def points_for(money_minor: int, value_minor: int) -> int:
    """The least hundredths of a point that pay for a sum: never less than it is worth."""
    return -(-money_minor * POINT // value_minor)


def points_within(money_minor: int, value_minor: int) -> int:
    """The most hundredths of a point that are worth no more than a sum."""
    return money_minor * POINT // value_minor
