"""A WooCommerce order, with its refunds, as one canonical purchase.  Pure.

The reasons behind each rule, field by field, are in `MAPPING.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from connectors.wordpress import lines, schemas
from loyalty_kit.checker import Load, compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import Customer, ExternalId, Payment, Purchase, PurchaseStatus, Refund
from loyalty_kit.money import HUNDREDTHS, divide, parse_decimal
from loyalty_kit.ports import Context, CustomerRecord, Hint, Settings, Translated

Wire = Mapping[str, Any]

CHANNEL = "online"
MAX_PHONE = 64
MAX_EMAIL = 254

ALWAYS_PAID = frozenset({"completed", "refunded"})
OPEN = frozenset({"pending", "on-hold", "processing"})
CANCELLED = frozenset({"cancelled", "failed"})
TRASH = "trash"

META_ANONYMOUS = ("_anonymized",)
"""WooCommerce's note on an order whose personal data it has removed (10.5.2,
`WC_Privacy_Erasers`): its phone is zeroes then, its e-mail `deleted@site.invalid`."""
META_CARD = ("loyalty_card", "_loyalty_card")
META_HOLD = ("_loyalty_hub_hold",)
META_CERTIFICATES = ("_loyalty_hub_certificates",)
META_POINTS = ("_loyalty_hub_points_spent", "_loyalty_points_spent")

_ORDER, _GONE = compile_load(schemas.OrderDocument()), compile_load(schemas.GoneDocument())


def translate_order(hint: Hint, document: Any, context: Context) -> Translated:
    """What an order's document says now: one purchase, or nothing where nothing is to change.

    Raises: PayloadInvalid.
    """
    if isinstance(document, Mapping) and document.get("gone"):
        return _gone(hint, document, context)
    data = load(_ORDER, document)
    order = _with_made_coupons(data["order"], data["hub_coupons"])
    status = status_of(order["status"], context.settings)
    if _ended_without_refund(order, data["refunds"]):
        status = PurchaseStatus.CANCELLED
    if status is None:
        return ()
    occurred_at = _occurred_at(order, context)
    purchase = Purchase(
        external_id=str(order["id"]),
        order=_number(order),
        revision=context.revision,
        status=status,
        shop=context.settings.get("shop") or None,
        channel=CHANNEL,
        currency=order["currency"],
        occurred_at=occurred_at,
        customer=_customer(order),
        lines=lines.purchase_lines(order),
        points_spent=_points_spent(order),
        hold=lines.meta(order, META_HOLD),
        coupons=_foreign_coupons(order),
        payments=_payments(order, status),
        refunds=_refunds(data["refunds"], order, occurred_at, context.revision),
    )
    return (purchase,)


def _with_made_coupons(order: Wire, made: list[str]) -> Wire:
    """The order with its coupon lines told apart: whether the hub made the coupon."""
    if not made:
        return order
    told = [
        {**line, "of_hub": any(lines.is_code(line["code"], code) for code in made)}
        for line in order["coupon_lines"]
    ]
    return {**order, "coupon_lines": told}


def load(read: Load, document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, naming fields and never their values."""
    try:
        loaded: dict[str, Any] = read(document)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None
    return loaded


def status_of(status: str, settings: Settings) -> PurchaseStatus | None:
    """None for drafts, and for statuses that plugins add: these change nothing."""
    if status in ALWAYS_PAID | _earning(settings):
        return PurchaseStatus.PAID
    if status in OPEN:
        return PurchaseStatus.OPEN
    if status in CANCELLED or (status == TRASH and settings["deleted_cancels"]):
        return PurchaseStatus.CANCELLED
    return None


def _ended_without_refund(order: Wire, refunds: Sequence[Wire]) -> bool:
    """Whether staff set an order of 0.00 to `refunded`: WooCommerce makes a refund of what is left
    of the total, and of nothing none (10.5.2, `wc_order_fully_refunded`).  Certificates or points
    have paid it, and go back."""
    return order["status"] == "refunded" and not refunds and lines.minor(order["total"]) == 0


def _earning(settings: Settings) -> set[str]:
    """Statuses as REST writes them; in PHP and in the database they begin with `wc-`."""
    more = {status.removeprefix("wc-") for status in _listed(settings["more_earning_statuses"])}
    return more | set(settings["earning_statuses"])


def _listed(text: str) -> set[str]:
    return {part.strip() for part in text.split(",")} - {""}


def _gone(hint: Hint, document: Wire, context: Context) -> Translated:
    """An order deleted for ever: nothing is known of it any more but that it is cancelled."""
    if not context.settings["deleted_cancels"]:
        return ()
    purchase = Purchase(
        external_id=hint.id,
        revision=context.revision,
        status=PurchaseStatus.CANCELLED,
        shop=context.settings.get("shop") or None,
        channel=CHANNEL,
        currency=load(_GONE, document)["currency"] or "RUB",
        occurred_at=context.received_at,
        lines=(),
        refunds=(),
    )
    return (purchase,)


def _occurred_at(order: Wire, context: Context) -> datetime:
    """When it was paid; for goods paid on delivery, when it was ordered.

    An order paid on delivery is `processing` without a paid date and gets one when completed.
    Where it earns before that, the sale would move by days after it was booked.
    """
    created: datetime = order["date_created_gmt"] or context.received_at
    paid: datetime | None = order["date_paid_gmt"]
    on_delivery = order["payment_method"] in _listed(context.settings["on_delivery_methods"])
    if on_delivery and _earning(context.settings) - ALWAYS_PAID:
        return created
    return paid or created


def _number(order: Wire) -> str | None:
    """What people call the order; `id` stays its key, since plugins change numbers."""
    number = order["number"]
    return number if number and len(number) <= lines.MAX_ID else None


def _foreign_coupons(order: Wire) -> tuple[str, ...]:
    """Codes that somebody typed, of the shop's own or of the hub's; virtual ones are not codes."""
    codes = [line["code"] for line in order["coupon_lines"]]
    return tuple(
        code for code in codes if code and not lines.is_ours(code) and len(code) <= lines.MAX_CODE
    )


def _points_spent(order: Wire) -> int | None:
    """Points, in hundredths, that a reduction of ours was paid with; None: see the lines.

    Without a coupon of ours that stands for points the buyer got nothing for them, whatever the
    meta says: staff may have taken it off.  Of a line that they took off the points go with it.
    """
    kinds = map(lines.kind_of, lines.our_coupons(order))
    paying = any(kind != lines.DISCOUNT_COUPON for kind in kinds)
    told = lines.meta(order, META_POINTS) if paying else None
    try:
        points = max(0, parse_decimal(told, HUNDREDTHS)) if told is not None else None
    except ValueError:
        return None
    kept, whole = lines.spent_share(order)
    return points if points is None or kept == whole else divide(points * kept, whole, "half_up")


def _payments(order: Wire, status: PurchaseStatus) -> tuple[Payment, ...]:
    total, method = lines.minor(order["total"]), lines.cut(order["payment_method"], lines.MAX_CODE)
    if status is not PurchaseStatus.PAID or method is None or total <= 0:
        return ()
    return (Payment(method, total),)


# Who


def _customer(order: Wire) -> Customer | None:
    """None where the order names nobody: a guest without phone, e-mail and card, or one whose
    personal data the shop has removed."""
    if lines.meta(order, META_ANONYMOUS):
        return None
    billing = order["billing"]
    account = order["customer_id"]
    external = ExternalId(None, str(account)) if account else None
    card, phone, email = lines.meta(order, META_CARD), _phone(billing), _email(billing)
    if external is None and card is None and phone is None and email is None:
        return None
    return Customer(
        external=external,
        card=card,
        phone=phone,
        email=email,
        verified=external is not None,
        first_name=lines.cut(billing.get("first_name")),
        last_name=lines.cut(billing.get("last_name")),
    )


def translate_account(account: Wire) -> Translated:
    """An account's own words, which prove nothing but the account (`docs/adr/0008`)."""
    billing = account["billing"]
    return (
        CustomerRecord(
            id=str(account["id"]),
            phone=_phone(billing),
            email=_email(account) or _email(billing),
            first_name=lines.cut(account["first_name"]),
            last_name=lines.cut(account["last_name"]),
        ),
    )


def _phone(billing: Wire) -> str | None:
    """The billing phone as typed, if it has as many digits as a phone may have (E.164)."""
    text = str(billing.get("phone") or "")
    digits = re.sub(r"[^0-9]", "", text)
    return text if 7 <= len(digits) <= 15 and len(text) <= MAX_PHONE else None


def _email(billing: Wire) -> str | None:
    text = str(billing.get("email") or "").lower()
    plausible = re.fullmatch(r"[^@\s]+@[^@\s]+", text)
    return text if plausible and len(text) <= MAX_EMAIL else None


# Refunds


def _refunds(
    refunds: Iterable[Wire], order: Wire, sold_at: datetime, revision: int
) -> tuple[Refund, ...]:
    """All refunds there are, oldest first; one that moves neither goods nor money is left out.

    WooCommerce gives back the money of the order's total, which certificates have lowered: when
    all of that is back, so is theirs, unless the refunds name goods and some of them stay.
    """
    names = lines.line_names(order)
    listed = sorted(refunds, key=lambda each: each["id"])
    money = [abs(lines.minor(refund["amount"])) for refund in listed]
    all_money = bool(money) and sum(money) >= lines.minor(order["total"])
    if all_money and not lines.some_stay(order, listed):
        money[-1] += _paid_by_certificates(order)
    translated = (
        Refund(
            external_id=str(refund["id"]),
            purchase=str(order["id"]),
            order=_number(order),
            occurred_at=refund["date_created_gmt"] or sold_at,
            amount_minor=amount_minor,
            currency=order["currency"],
            revision=revision,
            lines=lines.refund_lines(refund, names),
            reason=lines.cut(refund["reason"]),
        )
        for refund, amount_minor in zip(listed, money, strict=True)
    )
    return tuple(refund for refund in translated if refund.amount_minor or refund.lines)


def _paid_by_certificates(order: Wire) -> int:
    """Kopecks that certificates paid: the plugin's note; the codes are with the hold."""
    try:
        return max(0, parse_decimal(lines.meta(order, META_CERTIFICATES) or "0", HUNDREDTHS))
    except ValueError:
        return 0
