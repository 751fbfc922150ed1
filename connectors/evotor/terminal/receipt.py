"""A receipt that is open on the terminal, and what the cloud's document of it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

KOPECK = Decimal("0.01")
ZERO = Decimal(0)


def kopecks(sum_: Decimal) -> Decimal:
    return sum_.quantize(KOPECK, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Position:
    """A line: `price` is that of a unit after what the cashier took off."""

    uuid: str
    quantity: Decimal
    price: Decimal
    product: str | None = None
    name: str = "Товар"
    type: str = "NORMAL"

    @property
    def amount(self) -> Decimal:
        return kopecks(self.price * self.quantity)


@dataclass(slots=True)
class Receipt:
    """`who` is what was scanned or typed, as the body of `customers/resolve` tells it."""

    uuid: str
    positions: list[Position] = field(default_factory=list)
    who: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is taken off a receipt, by position, and what is written into it.

    `alone` says that the terminal reckoned without the hub, by the rules of the name `pack`.
    """

    off: Mapping[str, Decimal]
    block: Mapping[str, Any]
    spent: Decimal = ZERO
    earned: Decimal = ZERO
    needs_code: bool = False
    lines: tuple[str, ...] = ()
    alone: bool = False
    pack: str | None = None

    @property
    def discount(self) -> Decimal:
        return sum(self.off.values(), ZERO)


def document_of(receipt: Receipt, offer: Offer, *, closed_at: datetime, store: str) -> Any:
    """The closed receipt with the fields of a document, as `terminal/receipts` takes it."""
    positions = [_position(one, offer.off.get(one.uuid, ZERO)) for one in receipt.positions]
    total = sum((one.amount for one in receipt.positions), ZERO) - offer.discount
    return {
        "type": "SELL",
        "id": receipt.uuid,
        "close_date": closed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "store_id": store,
        "extras": {"loyalty": dict(offer.block)},
        "body": {"positions": positions, "result_sum": str(total)},
        "version": "V2",
    }


def _position(one: Position, off: Decimal) -> dict[str, Any]:
    told = {
        "uuid": one.uuid,
        "product_name": one.name,
        "product_type": one.type,
        "quantity": str(one.quantity),
        "price": str(one.price),
        "sum": str(one.amount),
        "result_sum": str(one.amount - off),
        "doc_distributed_discount": {"discount_sum": str(off)} if off else None,
    }
    return told if one.product is None else {**told, "product_id": one.product}
