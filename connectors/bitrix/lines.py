"""Money of an order's lines, in kopecks.  Pure.

Bitrix keeps a price for each unit, and the hub answers with prices of units, so a line's sum is
price x quantity, rounded half up, on both sides.  Bitrix's own prices may have parts of a kopeck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import LineKind, PurchaseLine
from loyalty_kit.money import MAX_AMOUNT, UNIT_MILLI, divide, prorate

Wire = Mapping[str, Any]

MAX_SKU = 255
KOPECKS = 100
"""In a rouble."""
DELIVERY = "delivery"
"""The id of the delivery's line."""


def purchase_lines(order: Wire, items: Sequence[Wire]) -> tuple[PurchaseLine, ...]:
    """Goods, and the delivery where it costs something.

    How Bitrix rounds a weighed line is a setting of the shop, so the order's own sum decides
    where it differs by no more than a kopeck a line: what is left over goes to the dearest line.

    Raises: PayloadInvalid.
    """
    lines = [_line(item) for item in items if item["quantity"]]
    if len({line.id for line in lines}) != len(lines) or DELIVERY in {line.id for line in lines}:
        raise PayloadInvalid("two lines have one ref")
    if order["price_delivery"]:
        lines.append(_delivery(order["price_delivery"]))
    over = order["price"] - sum(line.paid_minor for line in lines)
    if over and abs(over) <= len(lines):
        place = max(range(len(lines)), key=lambda index: lines[index].paid_minor)
        dearest = lines[place]
        if dearest.paid_minor + over >= 0:
            lines[place] = replace(
                dearest,
                paid_minor=dearest.paid_minor + over,
                amount_minor=dearest.amount_minor + over,
            )
    return tuple(lines)


def _line(item: Wire) -> PurchaseLine:
    """Raises: PayloadInvalid."""
    unit = _unit(item)
    paid = _whole(unit * item["quantity"] / UNIT_MILLI)
    if max(paid, item["quantity"]) >= MAX_AMOUNT:
        raise PayloadInvalid("a line that is too large")
    discount, spend = _taken_off(item)
    return PurchaseLine(
        id=item["ref"],
        sku=_sku(item),
        name=item["name"],
        quantity_milli=item["quantity"],
        price_minor=item["hub"]["before"] if discount + spend else _whole(unit),
        amount_minor=paid + discount + spend,
        discount_minor=discount,
        spend_minor=spend,
        paid_minor=paid,
    )


def _taken_off(item: Wire) -> tuple[int, int]:
    """Discount and spend that still stand on a line, in kopecks.

    As they were ordered, by the quantity that is left, and never more than the price was lowered
    by.  A price that staff set by hand has nothing of ours in it.
    """
    told = item["hub"]
    if told is None or item["custom_price"] or not told["quantity"]:
        return 0, 0
    ordered = told["discount"] + told["spend"]
    stands = min(item["quantity"], told["quantity"])
    ours = divide(ordered * stands, told["quantity"], "half_up")
    lowered = line_at(told["before"], item["quantity"]) - line_at(item["price"], item["quantity"])
    left = max(0, min(ours, lowered))
    if left == ordered:
        return told["discount"], told["spend"]
    discount, spend = prorate(left, [told["discount"], told["spend"]]) if ordered else (0, 0)
    return discount, spend


def _unit(item: Wire) -> Decimal:
    """What a unit costs the buyer, in kopecks: exact, where the module is one that tells it so."""
    told: Decimal | None = item["exact_price"]
    price = Decimal(item["price"]) if told is None else told * KOPECKS
    on_top = not item["vat_included"] and item["vat_rate"] is not None
    return price * (1 + item["vat_rate"]) if on_top else price


def _whole(kopecks: Decimal) -> int:
    return int(kopecks.to_integral_value(ROUND_HALF_UP))


def line_at(price_minor: int, quantity_milli: int) -> int:
    """Price of a unit x quantity, in kopecks, rounded half up."""
    return divide(price_minor * quantity_milli, UNIT_MILLI, "half_up")


def _delivery(price_minor: int) -> PurchaseLine:
    return PurchaseLine(
        id=DELIVERY,
        kind=LineKind.DELIVERY,
        quantity_milli=UNIT_MILLI,
        amount_minor=price_minor,
        paid_minor=price_minor,
    )


def _sku(item: Wire) -> str | None:
    """As in the module's quote: the external id (usually that of 1C), else the offer's number."""
    code = item["product_xml_id"]
    if code and len(code) <= MAX_SKU:
        return str(code)
    return f"bx-{item['product_id']}" if item["product_id"] else None
