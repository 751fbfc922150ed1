"""Money of documents, line by line, in kopecks.  Pure.

A line of a document and the same line of the till's call must come to the same, so both are
made here: numbered by their place, named by the article's id at MoySklad.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import PurchaseLine, RefundLine
from loyalty_kit.money import MAX_AMOUNT, UNIT_MILLI, divide

Wire = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A line with its money in kopecks: `amount` before reductions of whatever kind.  `sku` None:
    goods of which no id is told."""

    sku: str | None
    quantity_milli: int
    price_minor: int
    amount_minor: int
    paid_minor: int


def parts_of_document(
    positions: Sequence[Wire], total_minor: int | None, *, vat_on_top: bool = False
) -> list[Part]:
    """Lines of the JSON API: price x quantity x (1 - discount / 100).

    How MoySklad rounds a line is not told, so the document's own sum decides, where it is told:
    what is left over goes to the dearest line.  It decides as well whether prices without VAT
    are to be raised by it: where that comes nearer to the sum.

    Raises: PayloadInvalid.
    """
    parts = _parts(positions)
    if vat_on_top and total_minor is not None:
        raised = _parts(_with_vat(position) for position in positions)
        parts = min(parts, raised, key=lambda found: abs(total_minor - _sum_of(found)))
    over = 0 if total_minor is None else total_minor - _sum_of(parts)
    if over and parts:
        place = max(range(len(parts)), key=lambda index: parts[index].paid_minor)
        paid = max(0, parts[place].paid_minor + over)
        amount = max(parts[place].amount_minor, paid)
        parts[place] = replace(parts[place], paid_minor=paid, amount_minor=amount)
    return parts


def _parts(positions: Iterable[Wire]) -> list[Part]:
    """Raises: PayloadInvalid."""
    return [
        _part(
            position,
            _whole(position["price"]),
            _sum_at(position["price"], position["quantity"]),
            _sum_at(position["price"], position["quantity"], position["discount"]),
        )
        for position in positions
        if position["quantity"]
    ]


def _sum_of(parts: Iterable[Part]) -> int:
    return sum(part.paid_minor for part in parts)


def _with_vat(position: Wire) -> Wire:
    """The same position at the price that the buyer pays."""
    if not position["vat_enabled"] or not position["vat"]:
        return position
    return {**position, "price": position["price"] * (1 + position["vat"] / 100)}


def parts_of_till(positions: Iterable[Wire]) -> list[Part]:
    """Lines of the till: the discounted price of a unit x quantity, rounded half up.

    Raises: PayloadInvalid.
    """
    return [
        _part(
            position,
            position["price"],
            line_at(position["price"], position["quantity"]),
            line_at(position["discounted"], position["quantity"]),
        )
        for position in positions
        if position["quantity"]
    ]


def _part(position: Wire, price_minor: int, listed_minor: int, paid_minor: int) -> Part:
    """Raises: PayloadInvalid."""
    # A price above the list price is a surcharge: the shop's own price.
    amount = max(listed_minor, paid_minor)
    if max(amount, position["quantity"]) >= MAX_AMOUNT:
        raise PayloadInvalid("a position that is too large")
    return Part(position["assortment"], position["quantity"], price_minor, amount, paid_minor)


def line_at(price_minor: int, quantity_milli: int) -> int:
    """Price of a unit x quantity, in kopecks, rounded half up."""
    return divide(price_minor * quantity_milli, UNIT_MILLI, "half_up")


def _sum_at(price: Decimal, quantity_milli: int, percent: Decimal | None = None) -> int:
    """The same of a price with parts of a kopeck, less `percent`."""
    share = 1 - (percent or Decimal(0)) / 100
    return _whole(price * quantity_milli / UNIT_MILLI * max(share, Decimal(0)))


def _whole(kopecks: Decimal) -> int:
    return int(kopecks.to_integral_value(ROUND_HALF_UP))


def purchase_lines(parts: Sequence[Part]) -> tuple[PurchaseLine, ...]:
    """MoySklad knows one reduction of a line, whatever of it was paid with points."""
    return tuple(_line(str(place), part) for place, part in enumerate(parts, start=1))


def _line(number: str, part: Part) -> PurchaseLine:
    reduction = part.amount_minor - part.paid_minor
    lowered = reduction > 0
    return PurchaseLine(
        id=number,
        sku=part.sku,
        quantity_milli=part.quantity_milli,
        price_minor=part.price_minor,
        amount_minor=part.amount_minor,
        paid_minor=part.paid_minor,
        discount_minor=None if lowered else 0,
        spend_minor=None if lowered else 0,
        reduction_minor=reduction if lowered else None,
    )


def refund_lines(parts: Sequence[Part]) -> tuple[RefundLine, ...]:
    """By article: a line of a return names no line of the sale.  Where one has none, the return
    is told by its money alone: the hub would look for the line in vain."""
    if any(part.sku is None for part in parts):
        return ()
    return tuple(
        RefundLine(
            id=None,
            sku=part.sku,
            quantity_milli=part.quantity_milli,
            paid_back_minor=part.paid_minor,
        )
        for part in parts
    )
