"""The forms of the cashier page: what was typed, and what is wrong with it beside the field."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from flask import request
from werkzeug.exceptions import BadRequest

from hub.till_words import Back, Sale, Shown
from hub.web.admin.languages import gettext, language
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.fiscal_qr import SALE, FiscalQr, read_qr
from loyalty_core.service.members import NewMember
from loyalty_kit.checkout import BasketLine, Quote, Spend
from loyalty_kit.money import HUNDREDTHS, MAX_AMOUNT, THOUSANDTHS, divide, parse_decimal
from loyalty_kit.wire_fields import YEARS

MOST_LINES = 50
MOST_CODES = 20
_COLUMNS = ("name", "sku", "quantity", "price", "sells")
_KEY = 32
_LONGEST = 200
_DIGITS = 20
"""Of a hidden number: no sum has more."""
NEWCOMER = "new"
"""In the place of a member's id: whom the training has entered."""


def new_key() -> str:
    """The name of one receipt or return, drawn with its form."""
    return secrets.token_hex(_KEY // 2)


def read_key() -> str:
    """Raises: BadRequest, for a key that no form of ours drew."""
    key = request.form.get("key", "")
    if len(key) != _KEY or not key.isalnum():
        raise BadRequest
    return key


@dataclass(frozen=True, slots=True)
class TypedLine:
    name: str = ""
    sku: str = ""
    quantity: str = "1"
    price: str = ""
    certificate: str = ""
    """The code of a gift certificate that the line sells."""
    error: str = ""
    field: str = ""
    """The one that the error is about."""

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.price)


@dataclass(frozen=True, slots=True)
class SaleForm:
    key: str = field(default_factory=new_key)
    member: str = ""
    shop: str = ""
    lines: tuple[TypedLine, ...] = ()
    scan: str = ""
    spend: str = ""
    code: str = ""
    receipt: str = ""
    shown: str = ""
    entered: str = ""
    """A code of a coupon or certificate that was typed or scanned just now."""
    coupons: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(line.error for line in self.lines)


def read_sale() -> SaleForm:
    """The form as it was sent.  Raises: BadRequest."""

    def told(name: str) -> str:
        return request.form.get(name, "").strip()

    def codes(name: str) -> tuple[str, ...]:
        return tuple(one.strip()[:_LONGEST] for one in request.form.getlist(name))

    columns = [request.form.getlist(name) for name in _COLUMNS]
    # Too many are told of beside the field; twice as many no page of ours sends.
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > 2 * MOST_LINES:
        raise BadRequest
    coupons, certificates = codes("coupon"), codes("certificate")
    if len(coupons) + len(certificates) > MOST_CODES:
        raise BadRequest
    lines = [
        TypedLine(*(one.strip()[:_LONGEST] for one in row)) for row in zip(*columns, strict=True)
    ]
    return SaleForm(
        read_key(),
        told("member"),
        told("shop"),
        tuple(one for one in lines if not one.is_empty),
        told("scan"),
        told("spend"),
        told("code"),
        told("receipt"),
        told("shown"),
        told("entered")[:_LONGEST],
        coupons,
        certificates,
    )


def checked(form: SaleForm, newcomer: NewMember | None) -> tuple[SaleForm, Sale]:
    """The form with what is wrong in it, and the sale of what is right."""
    form = replace(form, lines=tuple(map(_checked_line, form.lines)))
    errors = dict(form.errors)
    if len(form.lines) > MOST_LINES:
        errors["scan"] = gettext("One receipt takes no more lines.")
    spend = _spend(form.spend, errors)
    receipt = None
    if form.receipt:
        receipt = read_receipt(form.receipt, errors)
    lines = tuple(
        _basket_line(str(number), line)
        for number, line in enumerate(form.lines, start=1)
        if not line.error
    )
    known = form.member not in ("", NEWCOMER)
    gifts = {str(number): line.certificate for number, line in enumerate(form.lines, start=1)}
    sale = Sale(
        form.key,
        form.shop,
        lines,
        member=form.member if known else None,
        newcomer=newcomer if form.member == NEWCOMER else None,
        spend=None if receipt else spend,
        code=form.code or None,
        receipt=receipt,
        shown=_shown(form.shown),
        coupons=() if receipt else form.coupons,
        certificates=() if receipt else form.certificates,
        gifts={number: code for number, code in gifts.items() if code},
        locale=language(),
    )
    return replace(form, errors=errors), sale


def read_receipt(text: str, errors: dict[str, str]) -> FiscalQr | None:
    """The code of a receipt that was paid, if it is one of a sale."""
    try:
        found = read_qr(text)
    except InvalidInput:
        found = None
    if found is None or found.at.year not in YEARS:
        errors["scan"] = gettext("This is not the QR code of a fiscal receipt.")
        return None
    if found.kind != SALE:
        errors["scan"] = gettext("This receipt is not one of a sale.")
        return None
    return found


def newcomer_of(typed: Mapping[str, str]) -> NewMember:
    """A person as the form of enrolment tells them."""
    return NewMember(
        phone=typed["phone"] or None,
        card=typed["card"] or None,
        first_name=typed["first_name"] or None,
        last_name=typed["last_name"] or None,
    )


def looks_fiscal(text: str) -> bool:
    """Whether a scanned text means to be the QR code of a receipt."""
    return "fn=" in text and "&" in text


def read_goods(lines: list[str]) -> tuple[tuple[Back, ...], dict[str, str]]:
    """What is to come back of each of these lines, and what is wrong by line."""
    goods, errors = [], {}
    for line in lines:
        typed = request.form.get(f"back-{line}", "").strip()
        if not typed:
            continue
        quantity = _number(typed, THOUSANDTHS)
        if quantity is None or quantity < 0:
            errors[line] = gettext("Write a number, as 1 or 0.350.")
        elif quantity:
            goods.append(Back(line, quantity))
    return tuple(goods), errors


def say_price(quote: Quote) -> str:
    """For the hidden field that tells which price the cashier saw."""
    totals = quote.totals
    return f"{totals.payable_minor}/{quote.points.spend}/{totals.to_pay_minor}"


def is_ahead(receipt: FiscalQr, now: datetime) -> bool:
    """Whether a receipt says a day that has not come, in any zone."""
    return (receipt.at.date() - now.date()).days > 1


def _shown(text: str) -> Shown | None:
    told = text.split("/")
    if len(told) != len(fields(Shown)) or not all(
        one.isascii() and one.isdecimal() and len(one) <= _DIGITS for one in told
    ):
        return None
    return Shown(*map(int, told))


def _spend(text: str, errors: dict[str, str]) -> Spend:
    if text == "max":
        return "max"
    if not text:
        return None
    points = _number(text, HUNDREDTHS)
    if points is None or points < 0:
        errors["spend"] = gettext("Write a number of points, as 100.")
        return None
    return points


def _checked_line(line: TypedLine) -> TypedLine:
    price, quantity = _number(line.price, HUNDREDTHS), _number(line.quantity, THOUSANDTHS)
    if price is None or not 0 <= price < MAX_AMOUNT or (line.certificate and not price):
        return replace(line, error=gettext("Write the price, as 120 or 99.90."), field="price")
    if quantity is None or not 0 < quantity < MAX_AMOUNT:
        return replace(line, error=gettext("Write a number, as 1 or 0.350."), field="quantity")
    if divide(price * quantity, 1000, "half_up") >= MAX_AMOUNT:
        return replace(line, error=gettext("This is too much for one line."), field="price")
    return replace(line, error="", field="")


def _basket_line(number: str, line: TypedLine) -> BasketLine:
    price, quantity = _number(line.price, HUNDREDTHS), _number(line.quantity, THOUSANDTHS)
    assert price is not None
    assert quantity is not None, "the line was checked"
    return BasketLine(
        number,
        quantity,
        divide(price * quantity, 1000, "half_up"),
        sku=line.sku or None,
        name=line.name or None,
        price_minor=price,
    )


def _number(text: str, places: int) -> int | None:
    try:
        return parse_decimal("".join(text.split()).replace(",", "."), places)
    except ValueError:
        return None
