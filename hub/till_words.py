"""What the hub's own till is asked and what it answers, and how goods become lines of a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.fiscal_qr import FiscalQr
from loyalty_core.service.members import MemberCard, NewMember
from loyalty_kit.checkout import BasketLine, Quote, Spend
from loyalty_kit.events import CertificateSale, Customer, PurchaseLine, RefundLine
from loyalty_kit.money import (
    HUNDREDTHS,
    THOUSANDTHS,
    divide,
    format_decimal,
    format_quantity,
    parse_decimal,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """The price that a cashier saw: kopecks, and hundredths of a point that are spent."""

    payable_minor: int
    spend_points: int
    to_pay_minor: int


@dataclass(frozen=True, slots=True)
class Sale:
    """What is to be sold.  `key` names the one receipt that it becomes, however often it is sent.

    `newcomer` stands for the member in training, where nobody is enrolled.  `receipt`: one that
    was paid at a till already, told by its QR code instead of lines; nothing is taken off it.
    `coupons` and `certificates` are codes that the buyer brought; `gifts`: the codes of
    certificates that are sold, by line.  `locale`: of the words of what the price tells.
    """

    key: str
    shop: str
    lines: tuple[BasketLine, ...] = ()
    member: str | None = None
    newcomer: NewMember | None = None
    spend: Spend = None
    code: str | None = None
    receipt: FiscalQr | None = None
    shown: Shown | None = None
    coupons: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    gifts: Mapping[str, str] = field(default_factory=dict)
    locale: str = "ru"

    @property
    def has_codes(self) -> bool:
        return bool(self.coupons or self.certificates or self.gifts)


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

    @property
    def in_money_minor(self) -> int:
        """Kopecks of its price that certificates did not pay."""
        paid = parse_decimal(self.purchase["totals"]["paid"], HUNDREDTHS)
        gifts = (parse_decimal(one["amount"], HUNDREDTHS) for one in self.purchase["certificates"])
        return paid - sum(gifts)


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


def sold(
    lines: tuple[BasketLine, ...], quote: Quote, gifts: Mapping[str, str]
) -> tuple[PurchaseLine, ...]:
    """The lines at the price that was promised; `gifts`: codes of certificates, by line."""
    told = {line.id: line for line in lines}
    return tuple(
        PurchaseLine(
            id=one.id,
            quantity_milli=told[one.id].quantity_milli,
            amount_minor=one.amount_minor,
            paid_minor=one.payable_minor,
            kind=told[one.id].kind,
            sku=told[one.id].sku,
            name=told[one.id].name,
            price_minor=told[one.id].price_minor,
            discount_minor=one.discount_minor,
            spend_minor=one.spend_minor,
            certificate=CertificateSale(gifts[one.id]) if one.id in gifts else None,
        )
        for one in quote.lines
    )


def discounts(quote: Quote) -> dict[str, int]:
    """Kopecks that each promotion takes off, by its name."""
    found: dict[str, int] = {}
    for line in quote.lines:
        for one in line.discounts:
            found[one.name] = found.get(one.name, 0) + one.amount_minor
    return found


def came_back(purchase: dict[str, Any], back_minor: int) -> dict[str, Any]:
    """A receipt that counts by what its own shop told of it, with what went back there (kopecks),
    line after line."""
    lines = []
    for line in purchase["lines"]:
        paid = parse_decimal(line["paid"], HUNDREDTHS)
        quantity = parse_decimal(line["quantity"], THOUSANDTHS)
        back = min(paid, back_minor)
        back_minor -= back
        share = divide(quantity * back, paid, "half_up") if paid else 0
        told = {"returned": format_decimal(back), "returned_quantity": format_quantity(share)}
        lines.append({**line, **told})
    return {**purchase, "lines": lines}


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
