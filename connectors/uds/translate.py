"""Kept operations and returns as canonical events.  Pure.  The reasons stand in `MAPPING.md`."""

from __future__ import annotations

from typing import Any

from connectors.uds import schemas
from connectors.uds.cart import GOODS, SKIPPED, cart_of
from connectors.uds.schemas import load
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import (
    Customer,
    LineKind,
    Payment,
    Purchase,
    PurchaseLine,
    Refund,
    RefundLine,
)
from loyalty_kit.money import UNIT_MILLI
from loyalty_kit.ports import Translated

_OPERATION, _RETURN = (
    compile_load(schemas.KeptOperation()),
    compile_load(schemas.KeptReturn()),
)


def operation(document: Any) -> Translated:
    """Raises: PayloadInvalid."""
    told = load(_OPERATION, document)
    receipt = told["told"]["receipt"]
    points, skipped = receipt["points"] or 0, receipt["skip"] or 0
    goods, paid = receipt["total"] - skipped, receipt["cash"] - skipped
    if paid < 0 or goods - told["discount"] - points != paid:
        raise PayloadInvalid("total, discount, points and cash do not add up")
    lines = [
        PurchaseLine(
            id=GOODS,
            quantity_milli=UNIT_MILLI,
            amount_minor=goods,
            discount_minor=told["discount"],
            spend_minor=points,
            paid_minor=paid,
        )
    ]
    if skipped:
        lines.append(
            PurchaseLine(
                id=SKIPPED,
                kind=LineKind.FEE,
                quantity_milli=UNIT_MILLI,
                amount_minor=skipped,
                paid_minor=skipped,
            )
        )
    cash = receipt["cash"]
    cashier = told["told"]["cashier"] or {}
    return (
        Purchase(
            external_id=told["id"],
            occurred_at=told["at"],
            channel="pos",
            customer=_customer(told),
            lines=tuple(lines),
            points_spent=points,
            cart=told["cart"] or cart_of(told["id"]),
            payments=(Payment("other", cash),) if cash else (),
            cashier=cashier.get("name") or cashier.get("external_id"),
        ),
    )


def _customer(told: dict[str, Any]) -> Customer | None:
    """Whom the hub found while the till waited; else the phone that it did not know."""
    if told["member"] is not None:
        return Customer(id=told["member"])
    phone = (told["told"]["participant"] or {}).get("phone")
    return None if phone is None else Customer(phone=phone)


def whole_or_part(document: Any) -> Translated:
    """A part comes back by money alone.

    Raises: PayloadInvalid.
    """
    told = load(_RETURN, document)
    return (
        Refund(
            external_id=told["id"],
            purchase=told["operation"],
            occurred_at=told["at"],
            amount_minor=sum(line["back"] for line in told["lines"]),
            lines=tuple(
                RefundLine(
                    id=line["id"],
                    quantity_milli=UNIT_MILLI if told["whole"] else None,
                    paid_back_minor=line["back"],
                )
                for line in told["lines"]
            ),
        ),
    )
