"""What a hold promised, as a purchase takes it up (`ledger.md` 13, 14)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from loyalty_core.domain.pricing.basket import Award, PricedBasket
from loyalty_core.domain.pricing.limits import Effect
from loyalty_core.domain.receipt import PromisedLine
from loyalty_core.service.certificate_payment import promised
from loyalty_core.service.coupon_uses import Taken, taken_by
from loyalty_core.store.certificates import CertificateKey
from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.holds import NOBODY, KeptHold
from loyalty_kit.checkout import Quote
from loyalty_kit.events import CertificateUse, LineKind, PurchaseLine


@dataclass(frozen=True, slots=True)
class Kept:
    """What a hold keeps of its price: the answer that was given, and what it earns."""

    quote: Quote
    lines: tuple[PromisedLine, ...]
    awards: tuple[Award, ...]
    effects: tuple[Effect, ...] = ()
    coupons: tuple[Taken, ...] = ()
    issued: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """`rated`: the hold knew its member, so what it says of earning is promised too.

    `effects`: of promotions with limits or coupons; `coupons`: those that it reserved; `issued`:
    promotions that give one with the purchase; `certificates`: what it reserved of them;
    `gifts`: articles that go with the goods for nothing, and were no lines of the basket.
    """

    lines: Mapping[str, PromisedLine]
    awards: tuple[Award, ...]
    rated: bool
    effects: tuple[Effect, ...]
    coupons: tuple[Taken, ...]
    issued: tuple[str, ...]
    certificates: tuple[CertificateUse, ...]
    gifts: frozenset[str]

    @classmethod
    def of(cls, hold: KeptHold) -> Promise:
        kept = from_json(Kept, hold.quote)
        by_id = {line.id: line for line in kept.lines}
        rated = hold.member_id != NOBODY
        return cls(
            by_id,
            kept.awards,
            rated,
            kept.effects,
            kept.coupons,
            kept.issued,
            promised(kept.quote),
            frozenset(gift.sku for gift in kept.quote.gifts),
        )

    def equal(self, lines: Sequence[PurchaseLine]) -> set[str]:
        """The lines that were bought as promised."""
        return {
            line.id for line in lines if line.id in self.lines and self.lines[line.id].matches(line)
        }

    def fits(self, lines: Sequence[PurchaseLine]) -> bool:
        """Whether what was bought is what was promised.

        The promised gifts may be lines too, and so may a delivery at its full price that was
        not asked about.
        """
        bought = [line for line in lines if not (self._is_gift(line) or self._is_delivery(line))]
        return len(bought) == len(self.lines) == len(self.equal(bought))

    def _is_gift(self, line: PurchaseLine) -> bool:
        return line.id not in self.lines and line.amount_minor == 0 and line.sku in self.gifts

    def _is_delivery(self, line: PurchaseLine) -> bool:
        unasked = line.kind is LineKind.DELIVERY and line.id not in self.lines
        return unasked and line.paid_minor == line.amount_minor

    def awards_of(self, names: Collection[str]) -> tuple[Award, ...]:
        """The part of the awards that belongs to these lines."""
        parts = []
        for award in self.awards:
            by_line = tuple((name, points) for name, points in award.by_line if name in names)
            if by_line:
                points = sum(part for _, part in by_line)
                parts.append(replace(award, points=points, by_line=by_line))
        return tuple(parts)


def keep_promise(quote: Quote, priced: PricedBasket) -> dict[str, object]:
    """The column `holds.quote` of a priced basket."""
    quantity = {line.id: line.quantity_milli for line in priced.request.lines}
    lines = tuple(
        PromisedLine(
            line.id,
            quantity[line.id],
            line.amount_minor,
            line.discount_minor,
            line.spend_minor,
        )
        for line in priced.lines
    )
    kept = Kept(quote, lines, priced.earned, priced.effects, taken_by(priced), priced.issued)
    data: dict[str, object] = to_json(kept)
    return data


def has_effects(hold: KeptHold) -> bool:
    """Whether promotions with limits gave something, so that it may have been counted."""
    return bool(hold.quote.get("effects"))


def has_coupons(hold: KeptHold) -> bool:
    """Whether it reserved a coupon."""
    return bool(hold.quote.get("coupons"))


def certificate_keys(hold: KeptHold) -> list[CertificateKey]:
    """The certificates that it reserved money of."""
    if not hold.quote.get("quote", {}).get("certificates"):
        return []
    return [(hold.programme_id, use.code) for use in promised(promised_quote(hold))]


def promised_quote(hold: KeptHold) -> Quote:
    return from_json(Kept, hold.quote).quote
