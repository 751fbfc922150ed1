"""Shortest valid bodies; what a test cares about is given by name."""

from __future__ import annotations

from typing import Any

ANNA = "+79161234567"


def a_line(**said: Any) -> dict[str, Any]:
    return {"id": "1", "sku": "TEA-1", "quantity": "1", "amount": "1000.00", **said}


def a_basket(**said: Any) -> dict[str, Any]:
    return {"lines": [a_line()], **said}


def a_purchase(**said: Any) -> dict[str, Any]:
    return {
        "external_id": "p-1",
        "occurred_at": "2026-03-14T14:30:00+03:00",
        "customer": {"phone": ANNA},
        "lines": [a_line(paid="1000.00")],
        **said,
    }


def a_refund(**said: Any) -> dict[str, Any]:
    return {
        "external_id": "r-1",
        "purchase": "p-1",
        "occurred_at": "2026-03-14T14:45:00+03:00",
        "amount": "1000.00",
        "lines": [{"id": "1", "quantity": "1", "paid_back": "1000.00"}],
        **said,
    }
