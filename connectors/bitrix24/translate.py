"""Orders and deals of a portal as canonical purchases.  Pure.

The reasons behind each rule, field by field, are in `MAPPING.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.bitrix24 import schemas
from connectors.bitrix24.schemas import load
from connectors.bitrix24.settings import DEALS, ORDERS, listed
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid
from loyalty_kit.events import (
    Customer,
    ExternalId,
    LineKind,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
)
from loyalty_kit.money import MAX_AMOUNT, UNIT_MILLI
from loyalty_kit.ports import Context, Hint, Translated

Wire = Mapping[str, Any]

ORDER, DEAL = "order", "deal"
KIND_OF = {ORDERS: ORDER, DEALS: DEAL}
"""The one kind of document that is a purchase, by the setting."""
CHANNEL = "online"
PHONE, EMAIL = "PHONE", "EMAIL"
KOPECKS = 100
"""In a rouble."""
MAX_PHONE, MAX_EMAIL = 64, 254
DEAL_STATUS = {
    "S": PurchaseStatus.PAID,
    "P": PurchaseStatus.OPEN,
    "F": PurchaseStatus.CANCELLED,
}

_ORDER = compile_load(schemas.OrderDocument())
_DEAL = compile_load(schemas.DealDocument())


def translate_document(hint: Hint, document: Any, context: Context) -> Translated:
    """What an order or a deal says now.  Raises: NotOurs, PayloadInvalid."""
    if hint.kind != KIND_OF[context.settings["purchases"]]:
        raise NotOurs(f"documents of kind {hint.kind!r} do not count here"[:100])
    if isinstance(document, Mapping) and document.get("gone") is True:
        return (_gone(hint, context),)
    if hint.kind == ORDER:
        return (_order(load(_ORDER, document), context),)
    told, funnels = load(_DEAL, document), listed(context.settings["funnels"])
    if funnels and str(told["deal"]["funnel"]) not in funnels:
        return (_gone(hint, context),)
    return (_deal(told, context),)


def _gone(hint: Hint, context: Context) -> Purchase:
    """Deleted, or moved to a funnel that does not count: known to be cancelled, no more."""
    return Purchase(
        external_id=external_id(hint.kind, hint.id),
        revision=context.revision,
        status=PurchaseStatus.CANCELLED,
        shop=context.settings["shop"] or None,
        channel=CHANNEL,
        occurred_at=context.received_at,
        lines=(),
        refunds=(),
    )


def external_id(kind: str, number: object) -> str:
    return f"{kind}:{number}"


# Orders of the store


def _order(told: Wire, context: Context) -> Purchase:
    """Raises: PayloadInvalid."""
    order = told["order"]
    status = _status(order)
    paid_at = [one["paid_at"] for one in order["payments"] if one["paid_at"] is not None]
    return Purchase(
        external_id=external_id(ORDER, order["id"]),
        order=order["number"],
        revision=context.revision,
        status=status,
        shop=context.settings["shop"] or None,
        channel=CHANNEL,
        currency=order["currency"],
        occurred_at=max(paid_at, default=order["created"]),
        customer=_customer(told["contact"], order["properties"]),
        lines=_order_lines(order),
        payments=tuple(
            Payment(f"ps-{one['system'] or 0}", one["sum"])
            for one in order["payments"]
            if one["paid"] == "Y" and one["sum"]
        ),
        refunds=_refunds(order, context) if status is PurchaseStatus.PAID else (),
    )


def _status(order: Wire) -> PurchaseStatus:
    """A returned payment takes the flag off: the order stays a purchase, with a refund."""
    if order["canceled"] == "Y":
        return PurchaseStatus.CANCELLED
    returned = sum(one["sum"] for one in order["payments"] if one["is_return"] == "Y")
    covered = returned > 0 and returned + _kept(order) >= order["price"]
    return PurchaseStatus.PAID if order["payed"] == "Y" or covered else PurchaseStatus.OPEN


def _kept(order: Wire) -> int:
    payments = order["payments"]
    return sum(one["sum"] for one in payments if one["paid"] == "Y" and one["is_return"] != "Y")


def _refunds(order: Wire, context: Context) -> tuple[Refund, ...]:
    """Returned payments, as far as the order costs more than the payments that are kept."""
    left = max(0, order["price"] - _kept(order))
    refunds = []
    for one in order["payments"]:
        amount = min(left, one["sum"]) if one["is_return"] == "Y" else 0
        left -= amount
        if amount:
            returned: datetime = one["returned_at"] or order["updated"] or order["created"]
            refunds.append(
                Refund(
                    external_id=f"{external_id(ORDER, order['id'])}-{one['id']}",
                    purchase=external_id(ORDER, order["id"]),
                    occurred_at=returned,
                    amount_minor=amount,
                    currency=order["currency"],
                    revision=context.revision,
                )
            )
    return tuple(refunds)


def _order_lines(order: Wire) -> tuple[PurchaseLine, ...]:
    """Raises: PayloadInvalid."""
    lines = [
        _line(str(item["id"]), _sku(item["product"]), item, _with_vat(item))
        for item in order["items"]
        if item["quantity"] and not _is_part(item)
    ]
    delivery = sum(one["price"] or 0 for one in order["shipments"] if one["system"] == "N")
    if delivery:
        lines.append(
            PurchaseLine(
                id="delivery",
                kind=LineKind.DELIVERY,
                quantity_milli=UNIT_MILLI,
                amount_minor=delivery,
                paid_minor=delivery,
            )
        )
    return _as_summed_up(_told_apart(lines), order["price"])


def _is_part(item: Wire) -> bool:
    """Parts of a set stand beside it: their money is the set's, which names itself as parent."""
    return item["parent"] not in (None, item["id"])


def _with_vat(item: Wire) -> Decimal:
    price: Decimal = item["price"]
    on_top = item["vat_included"] == "N" and item["vat_rate"] is not None
    return price * (1 + item["vat_rate"]) if on_top else price


# Deals


def _deal(told: Wire, context: Context) -> Purchase:
    """Raises: PayloadInvalid."""
    deal = told["deal"]
    status = DEAL_STATUS[deal["semantics"]]
    won = status is PurchaseStatus.PAID
    return Purchase(
        external_id=external_id(DEAL, deal["id"]),
        revision=context.revision,
        status=status,
        shop=context.settings["shop"] or None,
        channel=CHANNEL,
        currency=deal["currency"],
        occurred_at=(deal["moved"] if won else None) or deal["created"],
        customer=_customer(told["contact"], ()),
        lines=_deal_lines(deal, told["rows"]),
        refunds=(),
    )


def _deal_lines(deal: Wire, rows: Sequence[Wire]) -> tuple[PurchaseLine, ...]:
    """Its goods; of a deal without any, its amount.  Raises: PayloadInvalid."""
    lines = [
        _line(str(row["id"]), _sku(row["product"]), row, row["price"])
        for row in rows
        if row["quantity"]
    ]
    if lines or not deal["amount"]:
        return _as_summed_up(_told_apart(lines), deal["amount"] or 0)
    whole = PurchaseLine(
        id="deal",
        name=deal["title"],
        quantity_milli=UNIT_MILLI,
        amount_minor=deal["amount"],
        paid_minor=deal["amount"],
    )
    return (whole,)


# Lines


def _line(number: str, sku: str | None, told: Wire, price: Decimal) -> PurchaseLine:
    """Rounded as a whole: half a kopeck of a screw is five roubles of a thousand of them.

    Raises: PayloadInvalid.
    """
    paid = _kopecks(price * told["quantity"] / UNIT_MILLI)
    if max(paid, told["quantity"]) >= MAX_AMOUNT:
        raise PayloadInvalid("a line that is too large")
    return PurchaseLine(
        id=number,
        sku=sku,
        name=told["name"],
        quantity_milli=told["quantity"],
        price_minor=_kopecks(price),
        amount_minor=paid,
        paid_minor=paid,
    )


def _kopecks(roubles: Decimal) -> int:
    return int((roubles * KOPECKS).to_integral_value(ROUND_HALF_UP))


def _sku(product: object) -> str | None:
    """By the portal's number: rows of deals know no other."""
    text = str(product)
    known = text.isascii() and text.isdigit() and int(text[:20]) > 0
    return f"b24-{int(text[:20])}" if known else None


def _told_apart(lines: list[PurchaseLine]) -> list[PurchaseLine]:
    """Raises: PayloadInvalid."""
    if len({line.id for line in lines}) != len(lines):
        raise PayloadInvalid("two lines have one id")
    return lines


def _as_summed_up(lines: list[PurchaseLine], total_minor: int) -> tuple[PurchaseLine, ...]:
    """The document's own sum decides where it differs by no more than a kopeck a line."""
    over = total_minor - sum(line.paid_minor for line in lines)
    if over and abs(over) <= len(lines):
        place = max(range(len(lines)), key=lambda index: lines[index].paid_minor)
        sums = max(0, lines[place].paid_minor + over)
        lines[place] = replace(lines[place], paid_minor=sums, amount_minor=sums)
    return tuple(lines)


# Who


def _customer(contact: Wire | None, properties: Sequence[Wire]) -> Customer | None:
    """The contact; without one, whom the order's own properties name."""
    told = {str(one["code"]).upper(): one["value"] for one in properties}
    addresses = [] if contact is None else contact["addresses"]
    phone = _first(_phone, [*_values(addresses, PHONE), told.get(PHONE)])
    email = _first(_email, [*_values(addresses, EMAIL), told.get(EMAIL)])
    if contact is None and phone is None and email is None:
        return None
    return Customer(
        external=None if contact is None else ExternalId(None, str(contact["id"])),
        phone=phone,
        email=email,
        first_name=None if contact is None else contact["name"],
        last_name=None if contact is None else contact["last_name"],
    )


def _values(addresses: Sequence[Wire], kind: str) -> list[str | None]:
    return [one["value"] for one in addresses if one["kind"] == kind]


def _first(read: Any, values: Sequence[str | None]) -> str | None:
    found: str | None = next((one for value in values if (one := read(value))), None)
    return found


def _phone(text: str | None) -> str | None:
    digits = re.sub(r"[^0-9]", "", text or "")
    if not 7 <= len(digits) <= 15 or len(text or "") > MAX_PHONE:
        return None
    # Stores keep 79165550123 without its plus.
    return f"+{digits}" if len(digits) == 11 and digits[0] == "7" else text


def _email(text: str | None) -> str | None:
    lowered = (text or "").strip().lower()
    plausible = re.fullmatch(r"[^@\s]+@[^@\s]+", lowered)
    return lowered if plausible and len(lowered) <= MAX_EMAIL else None
