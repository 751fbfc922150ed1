"""Money of orders and refunds, line by line, in kopecks.  Pure; part of `translate`.

WooCommerce keeps lines ex tax: what the buyer paid is `total` + `total_tax` (never the sum of
`taxes`, which may differ by a kopeck; seen on 10.5.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.wordpress.schemas import NOT_STORABLE
from loyalty_kit.events import LineKind, PurchaseLine, RefundLine
from loyalty_kit.money import HUNDREDTHS, UNIT_MILLI, parse_decimal, prorate

Wire = Mapping[str, Any]

MAX_NAME = 500
MAX_ID = 255
MAX_CODE = 100
"""Longer texts would not pass the wire form of the events (`loyalty_kit.events_schema`)."""

SPEND_COUPON = "loyalty-points"
DISCOUNT_COUPON = "loyalty-tier"
HUB_COUPONS = "loyalty-hub"
"""Virtual coupons that the plugin puts on an order: points, tier, both in one sum."""
REFUNDED_ITEM = "_refunded_item_id"
LINE, TOLD_DISCOUNT, TOLD_SPEND = (
    "_loyalty_hub_line",
    "_loyalty_hub_discount",
    "_loyalty_hub_spend",
)
"""What the plugin writes on each line: its id in the quote, and what the hub took off.  On the
order itself the last of them is the money that all lines were paid with by points.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A line of the order with its money in kopecks; a negative one is the shop's discount.

    `told`: discount and spend as the plugin wrote them.
    """

    item: Wire
    kind: LineKind
    paid: int
    reduction: int = 0
    told: tuple[int, int] | None = None


def purchase_lines(order: Wire) -> tuple[PurchaseLine, ...]:
    """Goods, delivery and fees, none of them below zero."""
    kinds = {kind_of(line) for line in our_coupons(order)}
    names = line_names(order)
    return tuple(_line(part, kinds, names) for part in _after_negative_parts(_parts(order)))


def line_names(order: Wire) -> dict[str, str]:
    """The id of each line by its number in the shop: that of the quote, where there was one.

    A purchase keeps a hold's promise by these.  A line that staff doubled has its number alone.
    """
    items = [*order["line_items"], *order["shipping_lines"], *order["fee_lines"]]
    names: dict[str, str] = {}
    for item in items:
        number, named = str(item["id"]), meta(item, (LINE,))
        names[number] = named if named and named not in names.values() else number
    return names


def _parts(order: Wire) -> list[Part]:
    goods = zip(order["line_items"], _reductions(order), _told(order), strict=True)
    return [
        *(Part(item, LineKind.GOODS, _with_tax(item), off, told) for item, off, told in goods),
        *(Part(item, LineKind.DELIVERY, _with_tax(item)) for item in order["shipping_lines"]),
        *(Part(item, LineKind.FEE, _with_tax(item)) for item in order["fee_lines"]),
    ]


def _reductions(order: Wire) -> list[int]:
    """What the hub's own coupons took off each line of goods.

    `total` of a line is what all coupons left.  The sum that our coupon lines name (exact,
    where the order's `discount_total` is not) is allotted by what each line lost; the rest of
    what it lost is the shop's own discount.
    """
    lost = _lost(order)
    return prorate(max(0, min(_ours(order), sum(lost))), lost)


def _lost(order: Wire) -> list[int]:
    """What all coupons took off each line of goods."""
    return [max(0, _before_coupons(item) - _with_tax(item)) for item in order["line_items"]]


def _ours(order: Wire) -> int:
    return sum(minor(line["discount"] + line["discount_tax"]) for line in our_coupons(order))


def _told(order: Wire) -> Sequence[tuple[int, int] | None]:
    """Discount and spend of each line of goods as the plugin wrote them.

    None for all where they do not fit the money any more, as after staff changed the order: a
    line lost less, or the coupons say another sum.  Each line may round by a kopeck.
    """
    told = [
        (_told_minor(item, TOLD_DISCOUNT), _told_minor(item, TOLD_SPEND))
        for item in order["line_items"]
    ]
    sums = [discount + spend for discount, spend in told]
    fits = all(off <= lost + 1 for off, lost in zip(sums, _lost(order), strict=True))
    if not any(sums) or not fits or abs(sum(sums) - _ours(order)) > len(told):
        return [None] * len(told)
    return told


def _told_minor(item: Wire, name: str) -> int:
    try:
        return max(0, parse_decimal(meta(item, (name,)) or "0", HUNDREDTHS))
    except ValueError:
        return 0


def spent_share(order: Wire) -> tuple[int, int]:
    """How much of what points paid at the checkout is still on the order: kopecks, of kopecks.

    Staff who take a line off leave the order's own note of its points as it was, and the coupon
    too until they calculate it anew.  What no line lost any more was not paid with points.
    """
    whole = _told_minor(order, TOLD_SPEND)
    notes = [_told_minor(item, TOLD_SPEND) for item in order["line_items"]]
    left = sum(min(note, lost) for note, lost in zip(notes, _lost(order), strict=True))
    # Each line may round by a kopeck.
    kept = whole if left + len(notes) >= whole else left
    return kept, whole


def _after_negative_parts(parts: Sequence[Part]) -> list[Part]:
    """Spread negative fees over the other lines, goods first: they are the shop's own discount."""
    kept = [part for part in parts if part.paid >= 0]
    left = -sum(part.paid for part in parts if part.paid < 0)
    goods = [index for index, part in enumerate(kept) if part.kind is LineKind.GOODS]
    others = [index for index, part in enumerate(kept) if part.kind is not LineKind.GOODS]
    for chosen in (goods, others):
        weights = [kept[index].paid for index in chosen]
        taken = min(left, sum(weights))
        for index, off in zip(chosen, prorate(taken, weights), strict=True):
            kept[index] = replace(kept[index], paid=kept[index].paid - off)
        left -= taken
    return kept


def _line(part: Part, kinds: set[str], names: Mapping[str, str]) -> PurchaseLine:
    discount, spend, reduction = (*part.told, None) if part.told else _split(part.reduction, kinds)
    goods = part.kind is LineKind.GOODS
    return PurchaseLine(
        id=names[str(part.item["id"])],
        kind=part.kind,
        sku=sku_of(part.item) if goods else None,
        name=cut(part.item["name"]),
        quantity_milli=_milli(part.item["quantity"]) if goods else UNIT_MILLI,
        amount_minor=part.paid + (sum(part.told) if part.told else part.reduction),
        discount_minor=discount,
        spend_minor=spend,
        reduction_minor=reduction,
        paid_minor=part.paid,
    )


def _split(reduction: int, kinds: set[str]) -> tuple[int | None, int | None, int | None]:
    """Discount, spend and reduction of a line: told apart where only one kind was used."""
    if not reduction:
        return 0, 0, None
    if kinds == {DISCOUNT_COUPON}:
        return reduction, 0, None
    if kinds == {SPEND_COUPON}:
        return 0, reduction, None
    return None, None, reduction


def refund_lines(refund: Wire, names: Mapping[str, str]) -> tuple[RefundLine, ...]:
    """Returned lines, by the ids of the order's lines (`line_names`).

    A line of negative money is a negative fee taken back: it lessens the others.
    """
    items = [*refund["line_items"], *refund["shipping_lines"], *refund["fee_lines"]]
    kept = [item for item in items if _with_tax(item) < 0 or item.get("quantity")]
    paid_back = [max(0, -_with_tax(item)) for item in kept]
    taken_back = sum(max(0, _with_tax(item)) for item in items)
    less = prorate(min(taken_back, sum(paid_back)), paid_back)
    return tuple(
        RefundLine(
            id=_returned(item, names),
            sku=sku_of(item) if "sku" in item else None,
            quantity_milli=_milli(item["quantity"]) if "quantity" in item else None,
            paid_back_minor=back - off,
        )
        for item, back, off in zip(kept, paid_back, less, strict=True)
    )


def some_stay(order: Wire, refunds: Iterable[Wire]) -> bool:
    """Whether these refunds name goods by their quantity, all of them, and not all of the order's.

    Of an order that certificates paid, a part of the goods may bring back all of the total.
    """
    back: dict[str | None, int] = {}
    for refund in refunds:
        if not refund["line_items"] or not all(item["quantity"] for item in refund["line_items"]):
            return False
        for item in refund["line_items"]:
            number = meta(item, (REFUNDED_ITEM,))
            back[number] = back.get(number, 0) + _milli(item["quantity"])
    # A gift that cost nothing may be kept.
    sold = [item for item in order["line_items"] if _before_coupons(item)]
    return any(back.get(str(item["id"]), 0) < _milli(item["quantity"]) for item in sold)


def _returned(item: Wire, names: Mapping[str, str]) -> str | None:
    number = meta(item, (REFUNDED_ITEM,))
    return None if number is None else names.get(number, number)


def our_coupons(order: Wire) -> list[Wire]:
    """Virtual ones of the plugin, and those that the hub made in the shop (`of_hub`)."""
    return [line for line in order["coupon_lines"] if line.get("of_hub") or is_ours(line["code"])]


def kind_of(coupon: Wire) -> str:
    """The code that says what a coupon of ours stands for; one that the hub made is a discount."""
    return DISCOUNT_COUPON if coupon.get("of_hub") else str(coupon["code"]).lower()


def is_ours(code: str | None) -> bool:
    text = (code or "").lower()
    return text in (SPEND_COUPON, DISCOUNT_COUPON) or text.startswith(HUB_COUPONS)


def is_code(told: object, code: str) -> bool:
    """Whether a code as WooCommerce writes it, in lower case, is this one."""
    return str(told).lower() == code.lower()


def sku_of(item: Wire) -> str | None:
    """The article code of a line: the shop's SKU, else the product's id at WooCommerce."""
    return sku(item["sku"], item["variation_id"] or item["product_id"])


def sku(code: str | None, number: int | None) -> str | None:
    """One rule for lines and catalogue rows, so that they meet; None: a deleted product."""
    if code and len(code) <= MAX_ID:
        return code
    return f"wc-{number}" if number else None


def minor(amount: Decimal) -> int:
    """Kopecks; shops may keep more than two decimals."""
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


def _milli(quantity: Decimal) -> int:
    return abs(int((quantity * 1000).to_integral_value(ROUND_HALF_UP)))


def _with_tax(item: Wire) -> int:
    return minor(item["total"] + item["total_tax"])


def _before_coupons(item: Wire) -> int:
    if item["subtotal"] is None:
        return _with_tax(item)
    return minor(item["subtotal"] + item["subtotal_tax"])


def meta(document: Wire, names: Iterable[str]) -> str | None:
    """The first of these meta values that is a usable text or number."""
    entries = document["meta_data"]
    values = {entry["key"]: entry["value"] for entry in entries if isinstance(entry["key"], str)}
    for name in names:
        value = values.get(name)
        text = str(value).strip() if isinstance(value, str | int | float) else ""
        if text and not isinstance(value, bool) and _storable(text):
            return text
    return None


def _storable(text: str) -> bool:
    return len(text) <= MAX_CODE and not NOT_STORABLE.search(text)


def cut(text: str | None, most: int = MAX_NAME) -> str | None:
    return text[:most].strip() if text else None
