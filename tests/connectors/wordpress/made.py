"""Orders, lines and refunds made up by the tests, shaped as the recorded ones."""

from __future__ import annotations

from typing import Any

from connectors.wordpress.translate import translate_order
from loyalty_kit.events import Purchase
from loyalty_kit.events_schema import dump_purchase, load_purchase
from loyalty_kit.ports import Context, Hint
from tests.connectors.wordpress.shared import context, order_of

COMPLETED = "order_completed__1__order_updated"


def order(name: str = COMPLETED, **changes: Any) -> dict[str, Any]:
    return {**order_of(name), **changes}


def line(number: int, total: str, **changes: Any) -> dict[str, Any]:
    """A line of goods without tax."""
    given = {"id": number, "name": "Мёд", "product_id": 7, "variation_id": 0, "quantity": 1}
    return {**given, "sku": "HONEY", "subtotal": total, "total": total, "total_tax": "0", **changes}


def money_line(number: int, total: str) -> dict[str, Any]:
    return {"id": number, "name": "x", "method_title": "x", "total": total, "total_tax": "0"}


def coupon(code: str, discount: str) -> dict[str, Any]:
    return {"id": 90, "code": code, "discount": discount, "discount_tax": "0"}


def translated(
    document: dict[str, Any], refunds: list[Any] | None = None, *, within: Context | None = None
) -> tuple[Any, ...]:
    hint = Hint("order", str(document["id"]))
    return translate_order(hint, {"order": document, "refunds": refunds or []}, within or context())


def purchase(
    document: dict[str, Any], refunds: list[Any] | None = None, *, within: Context | None = None
) -> Purchase:
    (found,) = translated(document, refunds, within=within)
    # Whatever a shop wrote, the event must survive the queue.
    assert load_purchase(dump_purchase(found)) == found
    return found  # type: ignore[no-any-return]
