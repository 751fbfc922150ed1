"""What the hub's own till is asked and what it answers, and how goods become lines of a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.fiscal_qr import FiscalQr
from loyalty_core.service.members import MemberCard, NewMember
from loyalty_kit.checkout import BasketLine, Quote, Spend
from loyalty_kit.events import Customer, LineKind, PurchaseLine, RefundLine
from loyalty_kit.money import HUNDREDTHS, THOUSANDTHS, divide, parse_decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """What is to be sold.  `key` names the one receipt that it becomes, however often it is sent.

    `newcomer` stands for the member in training, where nobody is enrolled.  `receipt`: one that
    was paid at a till already, told by its QR code instead of lines; nothing is taken off it.
    `shown` is the price that the cashier saw: kopecks to pay and hundredths of a point spent.
    """

    key: str
    shop: str
    lines: tuple[BasketLine, ...] = ()
    member: str | None = None
    newcomer: NewMember | None = None
    spend: Spend = None
    code: str | None = None
    receipt: FiscalQr | None = None
    shown: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """`code_required`: points may be spent, once the buyer has told a code that was sent."""

    quote: Quote
    code_required: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """A receipt as it stands (`member_pages.purchase_view`), its member, its shop; `again`: it was
    booked before."""

    purchase: dict[str, Any]
    member: MemberCard | None
    shop: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A first purchase, and the price of the same goods the next time."""

    first: Booked
    second: Quote


@dataclass(frozen=True, slots=True)
class Back:
    """What comes back of a line: thousandths of a unit."""

    line: str
    quantity_milli: int


def readings(text: str) -> list[Customer]:
    """What somebody may have typed or scanned, the surest first."""
    if "@" in text:
        return [Customer(email=text)]
    return [Customer(code=text), Customer(card=text), Customer(phone=text)]


def sold(lines: tuple[BasketLine, ...], quote: Quote) -> tuple[PurchaseLine, ...]:
    """The lines at the price that was promised."""
    told = {line.id: line for line in lines}
    return tuple(
        PurchaseLine(
            id=one.id,
            quantity_milli=told[one.id].quantity_milli,
            amount_minor=one.amount_minor,
            paid_minor=one.payable_minor,
            kind=LineKind.GOODS,
            sku=told[one.id].sku,
            name=told[one.id].name,
            price_minor=told[one.id].price_minor,
            discount_minor=one.discount_minor,
            spend_minor=one.spend_minor,
        )
        for one in quote.lines
    )


def money_back(line: dict[str, Any], goods: tuple[Back, ...]) -> RefundLine | None:
    """The share of what is left of the line's money; with the last of it, all that is left.

    Raises: InvalidInput, for more than is left.
    """
    wanted = sum(one.quantity_milli for one in goods if one.line == line["id"])
    left = parse_decimal(line["quantity"], THOUSANDTHS)
    left -= parse_decimal(line["returned_quantity"], THOUSANDTHS)
    if wanted > left:
        raise InvalidInput({line["id"]: ["So much of it is not left."]})
    if not wanted:
        return None
    paid = parse_decimal(line["paid"], HUNDREDTHS) - parse_decimal(line["returned"], HUNDREDTHS)
    return RefundLine(line["id"], divide(paid * wanted, left, "half_up"), wanted)
