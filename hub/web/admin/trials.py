"""The small basket beside a promotion's form: what it would get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import request

from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.document_forms import moment_typed, places, scalar
from hub.web.admin.languages import gettext, language
from loyalty_core.service.programmes import Programme
from loyalty_core.service.try_basket import MadeUpBuyer, Tried, try_basket
from loyalty_core.store.database import read
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.money import HUNDREDTHS, MAX_AMOUNT, THOUSANDTHS, parse_decimal

START = "try"
_LINES = 3
_MOST_LINES = 20
_GUEST = ""
_MEMBER = "*"
_MOST_QUANTITY = 10**9
_MOST_PURCHASES = 10**6
_YEARS = range(2000, 2101)
"""Further off a calendar of rules says nothing, and a zone may have no such moment."""


@dataclass(frozen=True, slots=True)
class TryLine:
    """A line as it was typed: one unit's price, and what is wrong with it."""

    category: str = ""
    quantity: str = ""
    price: str = ""
    wrong: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.category or self.quantity or self.price)


@dataclass(frozen=True, slots=True)
class TryForm:
    """`buyer`: "" for a guest, "*" for a member without a tier, else the code of a tier."""

    lines: tuple[TryLine, ...]
    buyer: str
    purchases: str
    shop: str
    at: str
    code: str
    moment: datetime


def read_try() -> TryForm:
    """What was typed of the basket; a form that is fresh has one line and now."""
    told, now = request.form.get, the_hub().clock.now()
    typed = told(f"{START}.at", "")
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        at = now
    if at.year not in _YEARS:
        at = now
    moment = at if at.tzinfo else at.replace(tzinfo=zone())
    lines = [_line(number) for number in places(request.form, f"{START}.lines")[:_MOST_LINES]]
    filled = [one for one in lines if not one.is_empty]
    spare = max(1, _LINES - len(filled)) if len(filled) < _MOST_LINES else 0
    return TryForm(
        (*filled, *(TryLine() for _ in range(spare))),
        told(f"{START}.buyer", _MEMBER),
        told(f"{START}.purchases", "").strip(),
        told(f"{START}.shop", ""),
        moment_typed(moment.isoformat()),
        told(f"{START}.code", "").strip(),
        moment,
    )


def _line(number: int) -> TryLine:
    at = f"{START}.lines.{number}"
    category, quantity, price = (
        request.form.get(f"{at}.{word}", "").strip() for word in ("category", "quantity", "price")
    )
    line = TryLine(category, quantity, price)
    if line.is_empty or _priced("1", line):
        return line
    return replace(line, wrong=gettext("Write a price, as 100 or 99.90."))


def _priced(name: str, line: TryLine) -> BasketLine | None:
    """The line for pricing; None where it cannot be read."""
    try:
        price = parse_decimal(scalar("decimal", line.price), HUNDREDTHS)
        quantity = parse_decimal(scalar("decimal", line.quantity or "1"), THOUSANDTHS)
    except ValueError:
        return None
    amount = price * quantity // 1000
    if price < 0 or not 0 < quantity < _MOST_QUANTITY or amount > MAX_AMOUNT:
        return None
    category = (line.category,) if line.category else ()
    return BasketLine(name, quantity, amount, price_minor=price, categories=category)


def try_out(document: Mapping[str, Any], form: TryForm) -> Tried | None:
    """What the basket gets by the document; None where nothing is in it that can be priced."""
    hub, programme = the_hub(), the_programme()
    lines = [
        priced
        for number, one in enumerate(form.lines, start=1)
        if not one.is_empty and (priced := _priced(str(number), one))
    ]
    if not lines:
        return None
    asked, buyer = _request(programme, form, lines), _buyer(form)
    with read(hub.engine) as connection:
        return try_basket(connection, programme.id, document, asked, buyer, at=form.moment)


def _request(programme: Programme, form: TryForm, lines: list[BasketLine]) -> QuoteRequest:
    return QuoteRequest(
        tuple(lines),
        programme.currency,
        shop=form.shop or None,
        channel="pos",
        coupons=(form.code,) if form.code else (),
        locale=language(),
    )


def _buyer(form: TryForm) -> MadeUpBuyer:
    told = form.purchases[: len(str(_MOST_PURCHASES))]
    before = int(told) if told.isascii() and told.isdigit() else 0
    if form.buyer == _GUEST:
        return MadeUpBuyer()
    tier = None if form.buyer == _MEMBER else form.buyer
    return MadeUpBuyer(True, tier, min(before, _MOST_PURCHASES))
