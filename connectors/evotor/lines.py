"""Money of documents, line by line, in kopecks.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import PurchaseLine, RefundLine
from loyalty_kit.money import MAX_AMOUNT

Wire = Mapping[str, Any]

MAX_NAME = 500
FREE_PRICE = "390067bf-e8d3-4fcc-8c30-fbfd77a0a70d"
"""The product id that Evotor keeps for goods that a cashier priced by hand."""


@dataclass(frozen=True, slots=True)
class Part:
    """A line with its money in kopecks.  `amount` is what it costs after the shop's own
    discounts; `reduction`, what our application took off."""

    id: str
    sku: str | None
    name: str | None
    quantity_milli: int
    price_minor: int | None
    amount_minor: int
    paid_minor: int
    legal_class: str | None = None

    @property
    def reduction_minor(self) -> int:
        return self.amount_minor - self.paid_minor


def parts_of(
    positions: Sequence[Wire], total_minor: int | None, *, ours: bool, tobacco: frozenset[str]
) -> list[Part]:
    """Lines of a document.  `ours`: the discount of the receipt was given by our application;
    otherwise it is the shop's own, and the line costs what was paid.

    The document's own sum decides: what is left over goes to the dearest line.

    Raises: PayloadInvalid.
    """
    names = _names(position["uuid"] for position in positions)
    parts = [
        _part(name, position, ours=ours, tobacco=tobacco)
        for name, position in zip(names, positions, strict=True)
    ]
    return evened(parts, total_minor)


def evened(parts: list[Part], total_minor: int | None) -> list[Part]:
    over = 0 if total_minor is None else total_minor - sum(part.paid_minor for part in parts)
    if over and parts:
        place = max(range(len(parts)), key=lambda index: parts[index].paid_minor)
        paid = max(0, parts[place].paid_minor + over)
        amount = max(paid, parts[place].amount_minor + over)
        parts[place] = replace(parts[place], paid_minor=paid, amount_minor=amount)
    return parts


def _names(told: Iterable[str | None]) -> list[str]:
    """Ids of lines: their own, or their places; one that comes twice gets its place behind it."""
    names: list[str] = []
    for place, name in enumerate(told, start=1):
        wanted = name or str(place)
        names.append(f"{wanted}#{place}" if wanted in names else wanted)
    return names


def _part(name: str, position: Wire, *, ours: bool, tobacco: frozenset[str]) -> Part:
    """Raises: PayloadInvalid."""
    paid, shared = position["result_sum"], position["shared"] or {}
    taken = (shared.get("sum") or 0) if ours else 0
    return checked(
        Part(
            name,
            sku_of(position["product_id"]),
            cut(position["name"]),
            position["quantity"],
            position["price"],
            paid + taken,
            paid,
            legal_class_of(position["type"], tobacco),
        )
    )


def checked(part: Part) -> Part:
    """Raises: PayloadInvalid."""
    if not part.quantity_milli:
        raise PayloadInvalid("a position without a quantity")
    if max(part.amount_minor, part.quantity_milli, part.price_minor or 0) >= MAX_AMOUNT:
        raise PayloadInvalid("a position that is too large")
    return part


def sku_of(product: str | None) -> str | None:
    """None for goods at a free price."""
    return None if product == FREE_PRICE else product


def legal_class_of(kind: str | None, tobacco: frozenset[str]) -> str | None:
    return "tobacco" if kind in tobacco else None


def cut(text: str | None) -> str | None:
    return text[:MAX_NAME].strip() if text else None


def purchase_lines(parts: Sequence[Part]) -> tuple[PurchaseLine, ...]:
    """The till knows one reduction of a line, whatever of it was paid with points."""
    return tuple(_line(part) for part in parts)


def _line(part: Part) -> PurchaseLine:
    lowered = part.reduction_minor > 0
    return PurchaseLine(
        id=part.id,
        sku=part.sku,
        name=part.name,
        quantity_milli=part.quantity_milli,
        price_minor=part.price_minor,
        amount_minor=part.amount_minor,
        paid_minor=part.paid_minor,
        discount_minor=None if lowered else 0,
        spend_minor=None if lowered else 0,
        reduction_minor=part.reduction_minor if lowered else None,
        legal_class=part.legal_class,
    )


# Returns


def refund_lines(
    parts: Sequence[Part], positions: Sequence[Wire], sold: Sequence[Wire] | None, *, linked: bool
) -> tuple[RefundLine, ...]:
    """Which lines of the sale came back.

    A return of a receipt keeps the sale's uuid of a position.  Where the sale could be read
    (`sold`: its positions) and has no such uuid, product and price name the line, then the
    product alone, and lines that the return names itself come last; without the sale, an own
    uuid of a line is believed; a return without a receipt is told by article.
    """
    named = {position["uuid"] for position in positions}
    free = None if sold is None else sorted(sold, key=lambda one: one["uuid"] in named)
    return tuple(
        _refund_line(part, position, free, linked=linked)
        for part, position in zip(parts, positions, strict=True)
    )


def _refund_line(
    part: Part, position: Wire, free: list[Wire] | None, *, linked: bool
) -> RefundLine:
    name = position["uuid"] if linked else None
    if free is not None:
        name = _taken(position, free)
    return RefundLine(
        id=name,
        sku=part.sku,
        quantity_milli=part.quantity_milli,
        paid_back_minor=part.paid_minor,
    )


def _taken(position: Wire, free: list[Wire]) -> str | None:
    """The sale's line that this one brings back; lines found by product are found once."""
    uuid: str | None = position["uuid"]
    if uuid is not None and any(one["uuid"] == uuid for one in free):
        return uuid
    tests = (
        lambda one: _same_goods(one, position) and one["price"] == position["price"],
        lambda one: _same_goods(one, position),
    )
    for fits in tests:
        found = next((one for one in free if one["uuid"] and fits(one)), None)
        if found is not None:
            free.remove(found)
            told: str = found["uuid"]
            return told
    return None


def _same_goods(one: Wire, other: Wire) -> bool:
    if one["product_id"] is None and other["product_id"] is None:
        return bool(one["name"] == other["name"])
    return bool(one["product_id"] == other["product_id"])
