"""A receipt of UDS as the hub prices it: it has sums and no lines, so no promotion for certain
goods can apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.uds import codes
from connectors.uds.words import Refusal
from loyalty_kit.checkout import BasketLine, Quote, QuoteRequest
from loyalty_kit.desk import Buyer, Desk, Terms
from loyalty_kit.events import Customer, LineKind
from loyalty_kit.money import UNIT_MILLI
from loyalty_kit.ports import Settings

Wire = Mapping[str, Any]

GOODS, SKIPPED = "total", "skip"
ROUBLE_MINOR = 100


@dataclass(frozen=True, slots=True)
class Who:
    """The buyer of a receipt; `buyer` None: a phone that the hub does not know.  `code` is one of
    the hub's own payment codes, good for one operation."""

    customer: Customer
    buyer: Buyer | None
    may_spend: bool
    code: str | None = None


def identified(
    code: str | None, uid: str | None, phone: str | None, desk: Desk, settings: Settings
) -> Who | None:
    """By a code or card that was shown, by `uid`, or by phone, in this order; None where nobody
    is named.

    Raises: Refusal (notFound), Declined.
    """
    if code is not None:
        return _by_code(code.strip(), desk, settings)
    if uid is not None:
        found = _known(desk, Customer(id=uid))
        return Who(Customer(id=found.id), found, may_spend=False)
    if phone is None:
        return None
    named = Customer(phone=_phone(phone))
    return Who(named, desk.buyer(named), may_spend=settings["points_by_phone"])


def _by_code(code: str, desk: Desk, settings: Settings) -> Who:
    own = codes.member_of(settings["code_key"], code, desk.now)
    if own is not None:
        found = _known(desk, Customer(id=own))
        return Who(Customer(id=found.id, verified=True), found, may_spend=True, code=code)
    found = _known(desk, Customer(code=code, card=code))
    return Who(Customer(id=found.id), found, may_spend=True)


def _known(desk: Desk, customer: Customer) -> Buyer:
    found = desk.buyer(customer)
    if found is None:
        raise Refusal("notFound")
    return found


def _phone(text: str) -> str:
    """A plus that nobody encoded comes out of an address as a space."""
    digits = text.strip()
    return f"+{digits}" if len(digits) == 11 and digits.startswith("7") else digits


def cart_of(operation: str) -> str:
    """What the hold of an operation is known by; no other source's carts are named so."""
    return f"uds:{operation}"


def terms_of(desk: Desk) -> Terms:
    """A point of UDS is a rouble, and nothing in its words could say otherwise.

    Raises: Refusal, Declined.
    """
    terms = desk.terms()
    if terms.value_minor != ROUBLE_MINOR:
        raise Refusal("forbidden")
    return terms


def request_of(receipt: Wire, who: Who, cart: str | None = None) -> QuoteRequest:
    """What earns nothing and is lowered by nothing is a line of its own, of the kind fee.

    `spend` is as the till wishes.
    """
    skipped = receipt["skip"] or 0
    lines = (
        _line(GOODS, receipt["total"] - skipped),
        replace(
            _line(SKIPPED, skipped),
            kind=LineKind.FEE,
            discountable=False,
            min_price_minor=skipped,
        ),
    )
    return QuoteRequest(
        lines=tuple(line for line in lines if line.amount_minor or line.id == GOODS),
        channel="pos",
        cart=cart,
        member=who.customer if who.buyer is not None else None,
        spend=receipt["points"] or None,
    )


def _line(name: str, minor: int) -> BasketLine:
    return BasketLine(id=name, quantity_milli=UNIT_MILLI, amount_minor=minor, price_minor=minor)


def most_points(quote: Quote, receipt: Wire, who: Who) -> int:
    """What the rules allow, without the part that points may not pay."""
    if not who.may_spend:
        return 0
    payable = quote.totals.amount_minor - quote.totals.discount_minor
    open_to_points = payable - (receipt["skip"] or 0) - (receipt["unredeemable"] or 0)
    most = min(quote.points.spend_max, max(0, open_to_points))
    return most - most % max(1, quote.points.spend_step)


def calculated(receipt: Wire, who: Who, desk: Desk) -> tuple[Quote, int]:
    """The receipt priced, with as many of the wished points as may be, and how many could be.

    Raises: Declined.
    """
    request = request_of(receipt, who)
    plain = desk.quote(replace(request, spend=None))
    most = most_points(plain, receipt, who)
    wish = min(request.spend, most) if isinstance(request.spend, int) else 0
    return (desk.quote(replace(request, spend=wish)) if wish else plain), most
