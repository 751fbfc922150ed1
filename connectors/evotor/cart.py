"""`POST terminal/quotes`: the receipt is priced, and what is taken off is promised by a hold.

The receipt's uuid is the cart and the quote's name, so an answer that got lost is had again by
asking again, and the document that comes later is known by it.  What is not held is not given:
where the hub has no time or the hold is refused, the till sells at its own prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.evotor import till_schemas
from connectors.evotor.lines import cut, legal_class_of, sku_of
from connectors.evotor.people import card_of, email_of, phone_of
from connectors.evotor.schemas import load
from connectors.evotor.settings import listed
from connectors.evotor.till_words import decimal_of, points_text
from connectors.evotor.translate import cart_of, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.checkout import BasketLine, HoldRequest, Quote, QuoteRequest
from loyalty_kit.desk import Declined, Desk
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import Customer
from loyalty_kit.money import MAX_AMOUNT, UNIT_MILLI
from loyalty_kit.ports import Settings

Wire = Mapping[str, Any]

HOLD_S = 900
STORE_HEADER = "x-evotor-store-uuid"
PASSED_ON = frozenset({"code_wrong", "code_over", "goods_barred", "paused", "unknown_shop"})
"""Refusals that the cashier must see; others cost the reduction alone."""

_CART = compile_load(till_schemas.Cart())


@dataclass(frozen=True, slots=True)
class Promised:
    """A quote; `held` says that its reductions are given, `code` that points need one first."""

    quote: Quote
    held: bool = False
    code: bool = False
    note: tuple[str, str] = ("", "")


def priced(document: Any, store: str | None, desk: Desk, settings: Settings) -> dict[str, Any]:
    """The receipt as the till takes it.

    Raises: PayloadInvalid, Declined.
    """
    told = load(_CART, document)
    request = _request(told, store, desk, settings)
    return _answer(told["receipt"], _promised(request, told, desk))


def customer_of(told: Wire) -> Customer | None:
    """What was scanned may be a member's code, a card, or a phone."""
    scanned = told["code"]
    who = Customer(
        id=told["customer"],
        code=scanned,
        card=card_of(told["card"]) or card_of(scanned),
        phone=phone_of(told["phone"]) or phone_of(scanned),
        email=email_of(told["email"]),
    )
    return None if who == Customer() else who


def _request(told: Wire, store: str | None, desk: Desk, settings: Settings) -> QuoteRequest:
    """Raises: PayloadInvalid, Declined."""
    customer = customer_of(told)
    if customer is not None and customer.code is not None:
        known = desk.buyer(customer)
        customer = None if known is None else Customer(id=known.id)
    tobacco = listed(settings["tobacco_types"])
    return QuoteRequest(
        lines=tuple(_line(one, tobacco, settings["least_price"]) for one in told["positions"]),
        shop=shop_of(store, settings),
        channel="pos",
        cart=cart_of(told["receipt"]),
        member=customer,
        coupons=tuple(told["coupons"]),
    )


def _line(position: Wire, tobacco: frozenset[str], least_minor: int) -> BasketLine:
    """Raises: PayloadInvalid."""
    quantity, price = position["quantity"], position["price"]
    amount = _whole(price * 100 * quantity / UNIT_MILLI)
    price_minor = _whole(price * 100)
    if not 0 < quantity < MAX_AMOUNT or max(amount, price_minor) >= MAX_AMOUNT:
        raise PayloadInvalid("a position without a quantity, or too large")
    legal_class = legal_class_of(position["type"], tobacco)
    return BasketLine(
        id=position["uuid"],
        sku=sku_of(position["product"]),
        name=cut(position["name"]),
        quantity_milli=quantity,
        price_minor=price_minor,
        amount_minor=amount,
        legal_class=legal_class,
        discountable=legal_class is None,
        min_price_minor=min(price_minor, least_minor),
    )


def _whole(kopecks: Decimal) -> int:
    return int(kopecks.to_integral_value(ROUND_HALF_UP))


def _promised(request: QuoteRequest, told: Wire, desk: Desk) -> Promised:
    """Raises: Declined."""
    assert request.cart is not None
    wish = told["wish"] if request.member is not None else None
    code = told["confirmation"]
    quote = desk.quote(replace(request, spend=wish))
    needs_code = bool(wish) and quote.points.code_required
    if needs_code and code is None:
        wish, quote = None, desk.quote(request)
    elif needs_code and request.member is not None:
        # How much it may be once the code is right; the hold itself looks at the code.
        sure = replace(request.member, verified=True)
        quote = desk.quote(replace(request, member=sure, spend=wish))
    if quote.degraded:
        # What an earlier answer held ends by itself: no till waits twice for a slow database.
        return Promised(quote, note=("Скидки сейчас недоступны", "No discounts right now"))
    if not quote.totals.discount_minor and not quote.points.spend:
        desk.release(request.cart, shop=request.shop)
        return Promised(quote, code=needs_code and code is None)
    spend = quote.points.spend or None
    try:
        held = desk.hold(HoldRequest(replace(request, spend=spend), ttl_s=HOLD_S, code=code))
    except Declined as declined:
        if declined.code in PASSED_ON:
            raise
        _let_go(request, desk)
        return Promised(quote, note=("Скидка сейчас невозможна", "No discount right now"))
    return Promised(held, held=True, code=needs_code and code is None)


def _let_go(request: QuoteRequest, desk: Desk) -> None:
    """The till gives nothing now, so what an earlier answer held is of no use to it.

    A hold that cannot be let go ends by itself.
    """
    assert request.cart is not None
    with suppress(Declined):
        desk.release(request.cart, shop=request.shop)


# The answer


def _answer(receipt: str, promised: Promised) -> dict[str, Any]:
    quote = promised.quote
    off = {
        line.id: line.amount_minor - line.payable_minor if promised.held else 0
        for line in quote.lines
    }
    member = quote.member
    spent = quote.points.spend if promised.held else 0
    block: dict[str, Any] = {"v": 1}
    if member is not None:
        block["customer"] = member.id
    if promised.held:
        block |= {
            "cart": receipt,
            "discount": decimal_of(sum(off.values())),
            "spent": decimal_of(spent),
        }
    return {
        "quoteId": receipt,
        "validUntil": _moment(quote.valid_until),
        "degraded": quote.degraded,
        "held": promised.held,
        "receiptDiscount": decimal_of(sum(off.values())),
        "positionDiscounts": {name: decimal_of(minor) for name, minor in off.items()},
        "points": _points(quote, spent),
        "needsCode": promised.code,
        "coupons": [
            {"code": one.code, "status": one.status, "reason": one.reason, "text": one.text}
            for one in quote.coupons
        ],
        "promotions": list(
            dict.fromkeys(one.name for line in quote.lines for one in line.discounts)
        ),
        "printLines": _print_lines(quote, spent),
        "note": {"ru": promised.note[0], "en": promised.note[1]},
        "extra": {"loyalty": block},
    }


def _points(quote: Quote, spent: int) -> dict[str, str]:
    balance = None if quote.member is None else quote.member.balance
    owned = 0 if balance is None else balance.available + balance.held
    earned = quote.points.earn if quote.member is not None else 0
    return {
        "balance": decimal_of(owned),
        "spend": decimal_of(spent),
        "earn": decimal_of(earned),
        "after": decimal_of(max(0, owned - spent) + earned),
        "maxSpend": decimal_of(quote.points.spend_max),
    }


def _print_lines(quote: Quote, spent: int) -> list[str]:
    if quote.member is None:
        return []
    lines = [f"Списано баллов: {points_text(spent)}"] if spent else []
    if quote.points.earn:
        lines.append(f"Начислим баллов: {points_text(quote.points.earn)}")
    return lines


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
