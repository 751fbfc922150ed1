"""What a till does: asks what a basket is worth, sells it, takes goods back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.demo.door import Door
from hub.demo.history import Bought, Return, Visit
from loyalty_kit.money import (
    HUNDREDTHS,
    UNIT_MILLI,
    divide,
    format_decimal,
    format_quantity,
    parse_decimal,
)


class Till:
    def __init__(self, door: Door) -> None:
        self._door = door

    def sell(self, visit: Visit) -> None:
        """Price the basket, set points aside if the buyer pays with them, report the sale."""
        basket = _basket(visit)
        priced, hold = self._priced(visit, basket)
        lines = [
            _sold(line, told) for line, told in zip(basket["lines"], priced["lines"], strict=True)
        ]
        self._door.post(
            "/purchases",
            {
                "external_id": visit.external_id,
                "order": visit.order,
                "cart": visit.external_id,
                "shop": visit.shop,
                "channel": basket["channel"],
                "occurred_at": visit.at.isoformat(),
                "customer": basket["member"],
                "lines": lines,
                "points_spent": priced["points"]["spend"],
                "hold": hold,
                "payments": [{"kind": "card", "amount": priced["totals"]["to_pay"]}],
            },
        )

    def take_back(self, back: Return) -> None:
        """Money back for what is returned, as the receipt in the hub has it."""
        sold = self.sold(back.visit)
        lines = sold["lines"] if back.whole else sold["lines"][:1]
        returned = [
            {
                "id": line["id"],
                "sku": line["sku"],
                "quantity": line["quantity"],
                "paid_back": line["paid"],
            }
            for line in lines
        ]
        self._door.post(
            "/refunds",
            {
                "external_id": back.external_id,
                "purchase": back.visit.external_id,
                "shop": back.visit.shop,
                "occurred_at": back.at.isoformat(),
                "amount": _total(line["paid"] for line in lines),
                "lines": returned,
                "reason": "return",
            },
        )

    def sold(self, visit: Visit) -> dict[str, Any]:
        """The purchase of a visit as the hub knows it; empty if it does not."""
        items = self._door.get("/purchases", external_id=visit.external_id)["items"]
        found: dict[str, Any] = items[0] if items else {}
        return found

    def _priced(self, visit: Visit, basket: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """The quote, and where points are wanted the hold that promises it."""
        if not visit.wants_to_spend:
            return self._door.post("/quotes", basket), None
        held = self._door.post("/holds", {**basket, "spend": "max"})
        return held["quote"], held["id"]


def _basket(visit: Visit) -> dict[str, Any]:
    lines = [_line(number, bought) for number, bought in enumerate(visit.basket, start=1)]
    member = None if visit.person is None else {"phone": visit.person.phone, "verified": True}
    return {
        "shop": visit.shop,
        "channel": "online" if visit.online else "pos",
        "cart": visit.external_id,
        "member": member,
        "lines": lines,
    }


def _line(number: int, bought: Bought) -> dict[str, Any]:
    price, quantity = bought.item.price_minor, bought.quantity_milli
    return {
        "id": str(number),
        "sku": bought.item.sku,
        "name": bought.item.name,
        "quantity": format_quantity(quantity),
        "price": format_decimal(price),
        "amount": format_decimal(divide(price * quantity, UNIT_MILLI, "half_up")),
    }


def _sold(line: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {
        **line,
        "discount": told["discount"],
        "spend": told["spend"],
        "paid": told["payable"],
    }


def _total(amounts: Iterable[str]) -> str:
    return format_decimal(sum(parse_decimal(amount, HUNDREDTHS) for amount in amounts))
