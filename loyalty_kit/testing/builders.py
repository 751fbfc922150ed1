"""The shortest valid events and baskets for tests; money and points are texts, as on the wire.

Whatever is not said has one fixed value, so that two calls build equal things.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import Customer, Purchase, PurchaseLine, Refund, RefundLine
from loyalty_kit.money import HUNDREDTHS, THOUSANDTHS, UNIT_MILLI, parse_decimal

MOSCOW = timezone(timedelta(hours=3))
SOLD_AT = datetime(2026, 3, 14, 18, 42, tzinfo=MOSCOW)
RETURNED_AT = datetime(2026, 3, 16, 11, 5, tzinfo=MOSCOW)
ANNA = Customer(phone="+79000000001", verified=True)


def money(text: str) -> int:
    """Kopecks: "349.90" -> 34990."""
    return parse_decimal(text, HUNDREDTHS)


def points(text: str) -> int:
    """Hundredths of a point: "17" -> 1700."""
    return parse_decimal(text, HUNDREDTHS)


def quantity(text: str) -> int:
    """Thousandths of a unit: "0.35" -> 350."""
    return parse_decimal(text, THOUSANDTHS)


def a_line(
    amount: str = "100.00",
    *,
    discount: str = "0",
    spend: str = "0",
    reduction: str | None = None,
    **changes: Any,
) -> PurchaseLine:
    """One piece of goods; what was paid follows from the amount and what was taken off."""
    if reduction is None:
        parts: dict[str, Any] = {"discount_minor": money(discount), "spend_minor": money(spend)}
        off = parts["discount_minor"] + parts["spend_minor"]
    else:
        off = money(reduction)
        parts = {"discount_minor": None, "spend_minor": None, "reduction_minor": off}
    facts = {
        "id": "1",
        "quantity_milli": UNIT_MILLI,
        "amount_minor": money(amount),
        "paid_minor": money(amount) - off,
        **parts,
    }
    return PurchaseLine(**{**facts, **changes})


def a_purchase(*lines: PurchaseLine, paid: str | None = None, **changes: Any) -> Purchase:
    """A receipt of Anna's: these lines, or one line for `paid`, or one line of 100.00."""
    facts = {
        "external_id": "p-1",
        "occurred_at": SOLD_AT,
        "lines": lines or (a_line(paid or "100.00"),),
        "customer": ANNA,
    }
    return Purchase(**{**facts, **changes})


def a_refund_line(
    paid_back: str = "100.00", *, line: str | None = "1", quantity: str | None = "1"
) -> RefundLine:
    return RefundLine(
        id=line,
        paid_back_minor=money(paid_back),
        quantity_milli=None if quantity is None else parse_decimal(quantity, THOUSANDTHS),
    )


def a_refund(amount: str = "100.00", *lines: RefundLine, **changes: Any) -> Refund:
    """Money back for purchase p-1; without lines it is by money alone."""
    facts = {
        "external_id": "r-1",
        "occurred_at": RETURNED_AT,
        "amount_minor": money(amount),
        "purchase": "p-1",
        "lines": lines,
    }
    return Refund(**{**facts, **changes})


def a_basket_line(amount: str = "100.00", **changes: Any) -> BasketLine:
    facts = {"id": "1", "quantity_milli": UNIT_MILLI, "amount_minor": money(amount)}
    return BasketLine(**{**facts, **changes})


def a_basket(*lines: BasketLine | str, **changes: Any) -> QuoteRequest:
    """A basket of Anna's; a text is a line of that amount, numbered by its place."""
    built = tuple(
        a_basket_line(line, id=str(place)) if isinstance(line, str) else line
        for place, line in enumerate(lines or ("100.00",), start=1)
    )
    return QuoteRequest(**{"lines": built, "member": ANNA, **changes})
