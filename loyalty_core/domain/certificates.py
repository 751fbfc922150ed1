"""Gift certificates: their series in the rules, and what entered codes pay of a basket.

A certificate is a payment (`ledger.md` 16): it lowers no line, and buys no other certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.coupon_codes import is_mistyped
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    NAME,
    decimal,
    many,
    optional,
    text,
    whole,
    word,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.rule_type import Refusal
from loyalty_kit.checkout import BasketLine, PricedLine
from loyalty_kit.events import LineKind
from loyalty_kit.frozen import frozen

RANDOM = 19
LENGTH = RANDOM + 1
"""Characters of a code, 86 bits of chance: it is money to whoever has it, and has no PIN."""
MOST_MINOR = 10**11 - 1
"""Kopecks that one load may bring: below a milliard of roubles."""

_NAMES = many(text(longest=255), most=1000)


@dataclass(frozen=True, slots=True)
class CertificateSeries:
    """What certificates of one kind have in common; a lot keeps it as it was at the issue.

    `nominal_minor` None: the lot or the sale says it.  `life_days` counts from each load, to the
    midnight that ends the last day.  `skus`, `categories`: the goods that it pays for; both
    empty: all.
    """

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    nominal_minor: int | None = field(
        default=None,
        metadata=word(
            "nominal",
            optional(decimal(least=1, most=MOST_MINOR)),
            en="Nominal",
            ru="Номинал",
        ),
    )
    life_days: int | None = field(
        default=None,
        metadata=word(
            "life_days",
            optional(whole(least=1, most=36_500)),
            en="Days until a certificate ends",
            ru="Срок действия сертификата, дней",
        ),
    )
    top_up: bool = field(
        default=False, metadata=word("top_up", FLAG, en="Can be topped up", ru="Можно пополнять")
    )
    categories: tuple[str, ...] = field(
        default=(),
        metadata=word("categories", _NAMES, en="Categories of goods", ru="Категории товаров"),
    )
    skus: tuple[str, ...] = field(
        default=(), metadata=word("skus", _NAMES, en="Articles", ru="Артикулы")
    )


@frozen
class Certificate:
    """A code as the store knows it.  `left_minor`: kopecks that others have not reserved;
    `member_id` None: for whoever has it; `skus`, `categories`: folded."""

    code: str
    state: str
    left_minor: int
    member_id: int | None = None
    expires_at: datetime | None = None
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def for_goods(self) -> bool:
        return bool(self.skus or self.categories)

    def closed(self, member_id: int | None, now: datetime) -> Refusal | None:
        """Why this buyer may not pay with it now, if so."""
        if self.state != "active":
            return Refusal(f"certificate_{self.state}")
        if self.member_id is not None and member_id is None:
            return Refusal("certificate_needs_member")
        if self.member_id not in (None, member_id):
            return Refusal("certificate_of_another")
        if self.expires_at is not None and now >= self.expires_at:
            return Refusal("certificate_expired", {"ends_at": self.expires_at.isoformat()})
        return None if self.left_minor > 0 else Refusal("certificate_spent")

    def pays_for(self, sku: str | None, categories: Sequence[str] | None) -> bool:
        if not self.for_goods:
            return True
        if sku is not None and fold(sku) in self.skus:
            return True
        return any(fold(one) in self.categories for one in categories or ())


@frozen
class Paying:
    """What became of an entered code; `left_minor` is what will be on it afterwards."""

    code: str
    amount_minor: int = 0
    left_minor: int = 0
    refusal: Refusal | None = None


@frozen
class PayableLine:
    """What a line still costs, and the names by which a certificate for goods knows it."""

    payable_minor: int
    sku: str | None
    categories: tuple[str, ...] | None


def payable_lines(priced: Sequence[PricedLine], asked: Sequence[BasketLine]) -> list[PayableLine]:
    """The lines of a basket that certificates may pay: all but the sale of certificates."""
    return [
        PayableLine(line.payable_minor, of.sku, of.categories)
        for line, of in zip(priced, asked, strict=True)
        if of.kind is not LineKind.CERTIFICATE
    ]


def pay(
    codes: Sequence[str],
    known: Mapping[str, Certificate],
    lines: Sequence[PayableLine],
    buyer: tuple[int | None, datetime],
) -> list[Paying]:
    """What each code pays, in the order of `codes` (normal forms, each once).

    Those for some goods pay first, for the others can pay whatever is left; among equals the
    order in which they were entered counts.
    """
    open_minor = [line.payable_minor for line in lines]
    came: dict[str, Paying] = {}
    for code in sorted(codes, key=lambda one: not (one in known and known[one].for_goods)):
        certificate = known.get(code)
        if certificate is None:
            came[code] = Paying(code, refusal=_not_known(code))
            continue
        refusal = certificate.closed(*buyer)
        if refusal is not None:
            came[code] = Paying(code, refusal=refusal)
            continue
        came[code] = _pay_with(certificate, lines, open_minor)
    return [came[code] for code in codes]


def _pay_with(
    certificate: Certificate, lines: Sequence[PayableLine], open_minor: list[int]
) -> Paying:
    left, fits = certificate.left_minor, False
    for place, line in enumerate(lines):
        if not certificate.pays_for(line.sku, line.categories):
            continue
        fits = True
        part = min(left, open_minor[place])
        open_minor[place] -= part
        left -= part
    amount = certificate.left_minor - left
    if amount:
        return Paying(certificate.code, amount, left)
    reason = "certificate_not_needed" if fits else "certificate_other_goods"
    return Paying(certificate.code, refusal=Refusal(reason))


def _not_known(code: str) -> Refusal:
    return Refusal("certificate_mistyped" if is_mistyped(code, LENGTH) else "unknown_code")
