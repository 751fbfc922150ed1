"""A snapshot of a Bitrix order as one canonical purchase.  Pure.

The reasons behind each rule, field by field, are in `MAPPING.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from connectors.bitrix import schemas
from connectors.bitrix.lines import purchase_lines
from connectors.bitrix.settings import DEDUCTED, PAYED, listed, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid
from loyalty_kit.events import (
    Customer,
    ExternalId,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
)
from loyalty_kit.ports import Context, Settings, Translated

Wire = Mapping[str, Any]

CHANNEL = "online"
SNAPSHOT = "order.snapshot"
MAX_PHONE = 64
MAX_EMAIL = 254
OLD_ROUBLE, ROUBLE = "RUR", "RUB"

_SNAPSHOT = compile_load(schemas.Snapshot())


def translate_snapshot(document: Any, context: Context) -> Translated:
    """What the order is now; what changed since the last snapshot is the core's to find.

    Raises: NotOurs, PayloadInvalid.
    """
    if isinstance(document, Mapping) and document.get("type") != SNAPSHOT:
        raise NotOurs("a kind of message that the hub does not use")
    told = _load(document)
    order, buyer, settings = told["order"], told["buyer"], context.settings
    user = None if buyer.get("user_id") is None else str(buyer["user_id"])
    if user in listed(settings["excluded"]):
        raise NotOurs("an order of a user whose orders do not count")
    status = status_of(order, told["payments"], settings)
    loyalty = told["loyalty"]
    lines = purchase_lines(order, told["items"])
    purchase = Purchase(
        external_id=str(order["id"]),
        order=order["account_number"],
        revision=told["seq"],
        status=status,
        shop=shop_of(told["site_id"], settings),
        channel=CHANNEL,
        currency=_currency(order),
        occurred_at=order["date_payed"] or order["date_insert"],
        customer=_customer(buyer, user, settings),
        lines=lines,
        points_spent=_points(loyalty, lines),
        cart=loyalty.get("cart"),
        hold=loyalty.get("hold"),
        coupons=tuple(loyalty.get("coupons") or ()),
        payments=_payments(told["payments"]),
        refunds=_refunds(told) if status is PurchaseStatus.PAID else (),
    )
    return (purchase,)


def _load(document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, naming fields and never their values."""
    try:
        loaded: dict[str, Any] = _SNAPSHOT(document)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None
    return loaded


def status_of(order: Wire, payments: list[Wire], settings: Settings) -> PurchaseStatus:
    """A returned payment takes the paid flag off: the order stays a purchase, with a refund."""
    if order["canceled"] or order["deleted"]:
        return PurchaseStatus.CANCELLED
    if settings["paid_when"] == PAYED:
        returned = sum(one["sum"] for one in payments if one["is_return"] == "Y")
        was_payed = returned > 0 and returned + _kept(payments) >= order["price"]
        counts = order["payed"] or was_payed
    elif settings["paid_when"] == DEDUCTED:
        counts = order["deducted"]
    else:
        counts = order["status_id"] in listed(settings["paid_statuses"])
    return PurchaseStatus.PAID if counts else PurchaseStatus.OPEN


def _kept(payments: list[Wire]) -> int:
    return sum(one["sum"] for one in payments if one["paid"] and one["is_return"] != "Y")


def _currency(order: Wire) -> str:
    """Old shops still name the rouble by its code of before 1998."""
    return ROUBLE if order["currency"] == OLD_ROUBLE else str(order["currency"])


def _points(loyalty: Wire, lines: tuple[PurchaseLine, ...]) -> int | None:
    """Points in hundredths, while all that they paid for still stands on the lines."""
    points: int | None = loyalty.get("points_spent")
    stands = sum(line.spend_minor or 0 for line in lines)
    return points if stands and stands == loyalty.get("spend") else None


def _payments(payments: list[Wire]) -> tuple[Payment, ...]:
    return tuple(
        Payment(_kind(one), one["sum"]) for one in payments if one["paid"] and one["sum"] > 0
    )


def _kind(payment: Wire) -> str:
    return "inner" if payment["inner"] else f"ps-{payment['pay_system_id'] or 0}"


def _refunds(told: Wire) -> tuple[Refund, ...]:
    """Returned payments, as far as the lines do not tell the same already.

    Staff may return a payment, take lines off, or both: money came back for goods that are still
    on the order only as far as the order costs more than what is kept.  Returned in part (`P`)
    says no sum and is left to the lines.
    """
    order, payments = told["order"], told["payments"]
    left = max(0, order["price"] - _kept(payments))
    refunds = []
    for one in payments:
        amount = min(left, one["sum"]) if one["is_return"] == "Y" else 0
        left -= amount
        if amount:
            refunds.append(_refund(order, one, amount, told["seq"]))
    return tuple(refunds)


def _refund(order: Wire, payment: Wire, amount: int, revision: int) -> Refund:
    returned: datetime = payment["date_return"] or order["date_update"] or order["date_insert"]
    return Refund(
        external_id=f"{order['id']}-{payment['id']}",
        purchase=str(order["id"]),
        order=order["account_number"],
        occurred_at=returned,
        amount_minor=amount,
        currency=_currency(order),
        revision=revision,
    )


def _customer(buyer: Wire, user: str | None, settings: Settings) -> Customer | None:
    """None where the order names nobody."""
    if user in listed(settings["anonymous"]):
        user = None
    external = None if user is None else ExternalId(None, user)
    phone, email = _phone(buyer.get("phone")), _email(buyer.get("email"))
    if external is None and phone is None and email is None:
        return None
    return Customer(
        external=external,
        phone=phone,
        email=email,
        verified=external is not None,
        first_name=buyer.get("name"),
        last_name=buyer.get("last_name"),
    )


def _phone(text: str | None) -> str | None:
    """As typed, if it has as many digits as a phone may have (E.164)."""
    digits = re.sub(r"[^0-9]", "", text or "")
    return text if text and 7 <= len(digits) <= 15 and len(text) <= MAX_PHONE else None


def _email(text: str | None) -> str | None:
    lowered = (text or "").strip().lower()
    plausible = re.fullmatch(r"[^@\s]+@[^@\s]+", lowered)
    return lowered if plausible and len(lowered) <= MAX_EMAIL else None
