"""Lines of receipts and baskets, shortly said.  Money in kopecks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import PurchaseLine, RefundLine


def line(
    name: str, amount: int, *, discount: int = 0, spend: int = 0, pieces: int = 1, **more: Any
) -> PurchaseLine:
    """A line of goods that adds up; `pieces` of it."""
    paid = more.pop("paid", amount - discount - spend)
    return PurchaseLine(
        id=name,
        quantity_milli=pieces * 1000,
        amount_minor=amount,
        paid_minor=paid,
        sku=more.pop("sku", f"SKU-{name}"),
        discount_minor=discount,
        spend_minor=spend,
        **more,
    )


def reduced(name: str, amount: int, reduction: int) -> PurchaseLine:
    """A line of a shop that cannot tell our discount from points."""
    return PurchaseLine(
        id=name,
        quantity_milli=1000,
        amount_minor=amount,
        paid_minor=amount - reduction,
        sku=f"SKU-{name}",
        discount_minor=None,
        spend_minor=None,
        reduction_minor=reduction,
    )


def basket(*amounts: int) -> tuple[BasketLine, ...]:
    """The basket of a purchase of the same lines before anything is taken off."""
    return tuple(
        BasketLine(str(number), 1000, amount, sku=f"SKU-{number}")
        for number, amount in enumerate(amounts, 1)
    )


def back(name: str, paid_back: int, pieces: int | None = 1) -> RefundLine:
    milli = None if pieces is None else pieces * 1000
    return RefundLine(id=name, paid_back_minor=paid_back, quantity_milli=milli)


def moscow(*parts: int) -> datetime:
    """A moment in Moscow, which has been three hours ahead of UTC all these years."""
    return datetime(*parts, tzinfo=UTC) - timedelta(hours=3)
