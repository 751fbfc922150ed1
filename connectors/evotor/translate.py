"""Documents and receipts of Evotor as canonical events.  Pure.

The reasons behind each rule, field by field, are in `MAPPING.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.evotor import schemas
from connectors.evotor.extras import block_of
from connectors.evotor.first_version import as_second, is_first_version
from connectors.evotor.lines import (
    Part,
    checked,
    cut,
    evened,
    legal_class_of,
    parts_of,
    purchase_lines,
    refund_lines,
    sku_of,
)
from connectors.evotor.people import customer_of
from connectors.evotor.schemas import in_zone, load
from connectors.evotor.settings import listed
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import NotOurs, PayloadInvalid
from loyalty_kit.events import Customer, Event, FiscalSign, Payment, Purchase, Refund
from loyalty_kit.ports import Context, Settings

Wire = Mapping[str, Any]

SELL, PAYBACK = "SELL", "PAYBACK"
KINDS = (SELL, PAYBACK)
"""All else that a till writes (corrections, shifts, deliveries of goods) is no purchase."""
TOLD_BY_TILL, DELIVERED, READ = 1, 2, 2
"""Revisions: what the application on the terminal says, what a webhook brings, and what is read
from the cloud, which counts on from there."""
MAX_SIGN = 100

_DOCUMENT, _NOTICE = compile_load(schemas.Document()), compile_load(schemas.Notice())
_RECEIPT = compile_load(schemas.Receipt())
_PAYMENTS = {
    "CASH": "cash",
    "ELECTRON": "card",
    "CARD": "card",
    "ADVANCE": "prepaid",
    "CREDIT": "credit",
}
_SOURCES = {"PAY_CASH": "cash", "PAY_CASHBACK": "cash", "PAY_CARD": "card"}


def is_ours(document: Any) -> bool:
    """Whether it is a sale or a return."""
    return isinstance(document, Mapping) and document.get("type") in KINDS


def check_merchant(told: str | None, settings: Settings) -> None:
    """Raises: NotOurs."""
    if told is not None and settings["user_id"] and told != settings["user_id"]:
        raise NotOurs("a document of another user of Evotor")


def translate_document(
    document: Any, context: Context, revision: int, *, base: Any = None
) -> Event:
    """A sale or a return of either version; `base` is the return's sale, where it could be read.

    Raises: NotOurs, PayloadInvalid.
    """
    if not isinstance(document, Mapping):
        raise PayloadInvalid("not an object")
    if not is_ours(document):
        raise NotOurs("a document of another kind than sales and returns")
    told, settings = load(_DOCUMENT, _second(document)), context.settings
    check_merchant(told["merchant"], settings)
    body, block = told["body"], block_of(told["extras"], settings["app_id"])
    parts = parts_of(
        body["positions"],
        body["result_sum"],
        ours=block is not None and bool(block["discount"]),
        tobacco=listed(settings["tobacco_types"]),
    )
    customer = customer_of(body, block, settings)
    if told["type"] == PAYBACK:
        return _refund(told, parts, customer, revision, context, base)
    return Purchase(
        external_id=told["id"],
        revision=revision,
        occurred_at=in_zone(told["closed_at"], told["offset"]),
        shop=shop_of(told["store"], settings),
        channel="pos",
        customer=customer,
        lines=purchase_lines(parts),
        points_spent=None if block is None else block["spent"],
        cart=None if block is None else cart_of(block["cart"]),
        payments=_payments(body["payments"] or ()),
        fiscal=_fiscal(body["printed"] or ()),
        cashier=told["cashier"],
    )


def _second(document: Wire) -> Wire:
    return as_second(document) if is_first_version(document) else document


def _refund(  # noqa: PLR0913 - what the document says, in its parts
    told: Wire,
    parts: Sequence[Part],
    customer: Customer | None,
    revision: int,
    context: Context,
    base: Any,
) -> Refund:
    body = told["body"]
    sold = _sold_positions(base)
    return Refund(
        external_id=told["id"],
        purchase=body["base"],
        revision=revision,
        occurred_at=in_zone(told["closed_at"], told["offset"]),
        shop=shop_of(told["store"], context.settings),
        customer=customer,
        amount_minor=sum(part.paid_minor for part in parts),
        lines=refund_lines(parts, body["positions"], sold, linked=body["base"] is not None),
    )


def _sold_positions(base: Any) -> Sequence[Wire] | None:
    """The sale's positions; None where it is not known, or is nothing that can be read."""
    if not isinstance(base, Mapping):
        return None
    try:
        told = load(_DOCUMENT, _second(base))
    except PayloadInvalid:
        return None
    positions: Sequence[Wire] = told["body"]["positions"]
    return positions


def _payments(payments: Sequence[Wire]) -> tuple[Payment, ...]:
    """Net of change, by kind."""
    sums: dict[str, int] = {}
    for one in payments:
        parts = one["parts"]
        net = one["sum"] or 0
        if parts is not None:
            net = sum((part["sum"] or 0) - (part["change"] or 0) for part in parts)
        kind = _PAYMENTS.get(one["type"] or "", "other")
        sums[kind] = sums.get(kind, 0) + net
    return tuple(Payment(kind, minor) for kind, minor in sums.items() if minor > 0)


def _fiscal(printed: Sequence[Wire]) -> tuple[FiscalSign, ...]:
    """One for each print group: a document of two legal entities has two receipts."""
    told = dict.fromkeys((one["fn"], one["fd"], one["fp"]) for one in printed)
    return tuple(
        FiscalSign(*sign) for sign in told if all(part and len(part) <= MAX_SIGN for part in sign)
    )


def cart_of(receipt: str | None) -> str | None:
    """What the hold of a terminal's receipt is known by; no other source's carts are named so."""
    return None if receipt is None else f"evotor:{receipt}"


def shop_of(store: str | None, settings: Settings) -> str | None:
    """The code of the hub's shop for a shop of Evotor."""
    for pair in listed(settings["shops"]):
        named, _, shop = pair.partition("=")
        if store is not None and named.strip() == store:
            return shop.strip()
    return settings.get("shop") or None


# ReceiptCreated


def receipt_of(notice: Any, settings: Settings) -> dict[str, Any]:
    """The receipt inside a notice.  Raises: NotOurs, PayloadInvalid."""
    told = load(_NOTICE, notice)
    check_merchant(told["merchant"], settings)
    data = told["data"]
    if told["type"] not in (None, "ReceiptCreated") or data.get("type") not in KINDS:
        raise NotOurs("a notice of another kind than sales and returns")
    receipt = load(_RECEIPT, data)
    if receipt["informs"] is True:
        raise NotOurs("a receipt that only informs")
    return receipt


def translate_receipt(told: Wire, context: Context) -> Event:
    """A receipt as `ReceiptCreated` tells it: without a phone, and without the sale of a return.

    Raises: PayloadInvalid.
    """
    settings = context.settings
    block = block_of(told["extras"], settings["app_id"])
    tobacco = listed(settings["tobacco_types"])
    items = told["items"]
    lowered = _are_before_discount(items, told["total"])
    parts = evened(
        [_item(n, one, tobacco, lowered) for n, one in enumerate(items, 1)], told["total"]
    )
    customer = customer_of({"positions": (), "doc_discounts": (), "phone": None, "email": None},
                           block, settings)  # fmt: skip
    shop = shop_of(told["store"], settings)
    if told["type"] == PAYBACK:
        positions = [{"uuid": None} for _ in parts]
        return Refund(
            external_id=told["id"],
            revision=DELIVERED,
            occurred_at=told["closed_at"],
            shop=shop,
            customer=customer,
            amount_minor=sum(part.paid_minor for part in parts),
            lines=refund_lines(parts, positions, None, linked=False),
        )
    paid = sum(part.paid_minor for part in parts)
    kind = _SOURCES.get(told["source"] or "", "other")
    return Purchase(
        external_id=told["id"],
        revision=DELIVERED,
        occurred_at=told["closed_at"],
        shop=shop,
        channel="pos",
        customer=customer,
        lines=purchase_lines(parts),
        points_spent=None if block is None else block["spent"],
        cart=None if block is None else cart_of(block["cart"]),
        payments=(Payment(kind, paid),) if paid else (),
        cashier=told["cashier"],
    )


def _are_before_discount(items: Sequence[Wire], total_minor: int) -> bool:
    """Whether sums of items leave the discount in: no document says, so the total decides."""
    sums = sum(one["sum"] for one in items)
    discounts = sum(one["discount"] or 0 for one in items)
    return bool(sums != total_minor and sums - discounts == total_minor)


def _item(place: int, item: Wire, tobacco: frozenset[str], lowered: bool) -> Part:
    """Raises: PayloadInvalid."""
    paid = max(0, item["sum"] - (item["discount"] or 0)) if lowered else item["sum"]
    return checked(
        Part(
            str(place),
            sku_of(item["id"]),
            cut(item["name"]),
            item["quantity"],
            item["price"],
            paid,
            paid,
            legal_class_of(item["type"], tobacco),
        )
    )
