"""The certificates of a purchase, by difference: paid with, sold, and what comes back of both.

What stands of a purchase at each certificate is made what it should be as the purchase now is,
so a revision, a return, a return that vanished and a cancellation are one mechanism.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_core.domain.certificate_book import Why
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.receipt import NOTHING_BACK, WHOLE, Returned, points_back, returned
from loyalty_core.service.booking import (
    Booked,
    Moved,
    Occasion,
    PaidWith,
    standing_refunds,
    terms_of,
)
from loyalty_core.service.catalogue import filled_in
from loyalty_core.service.certificate_uses import (
    CERTIFICATE_ABOVE_TOTAL,
    CERTIFICATE_INVALID,
    CERTIFICATE_MISSING,
    CERTIFICATE_SOLD_BEFORE,
    CERTIFICATE_UNKNOWN,
    CERTIFICATE_USED,
)
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.holds import KeptHold
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import CertificateUse, LineKind, PurchaseLine, PurchaseStatus
from loyalty_kit.money import prorate


def certificates_of(
    batch: EventBatch, purchase: KeptPurchase, held: Sequence[CertificateUse | PaidWith]
) -> tuple[PaidWith, ...]:
    """What the purchase was paid with.

    What it says; where it says nothing, what its hold reserved (`held`), as far as its lines go.
    """
    said: dict[str, int] = {}
    for use in purchase.event.certificates:
        code = normal(use.code)
        said[code] = said.get(code, 0) + use.amount_minor
    if not said:
        room = sum(line.paid_minor for line in _payable(purchase.lines))
        for reserved in held:
            said[reserved.code] = min(reserved.amount_minor, room)
            room -= said[reserved.code]
    lines = filled_in(_payable(purchase.lines), batch.products) if said else ()
    return tuple(
        PaidWith(code, amount, _lines_for(batch, purchase, code, lines))
        for code, amount in said.items()
    )


def settle_certificates(  # noqa: PLR0913 - each is a word of its own to the caller
    batch: EventBatch,
    purchase: KeptPurchase,
    booked: Booked,
    moved: Moved,
    occasion: Occasion,
    hold: KeptHold | None = None,
) -> None:
    """Move what differs.  What a till did is booked in any case, and flagged where it was not
    right: money that was not there is owed by the certificate."""
    uses = batch.counters.certificates
    sold = [line for line in purchase.lines if line.kind is LineKind.CERTIFICATE]
    if booked.certificates or sold or uses.touched(purchase.id):
        _Work(batch, purchase, booked, moved, occasion).settle(sold)
    if hold is not None and hold.state != "live":
        uses.let_go(hold.id, batch.now)


@dataclass(slots=True)
class _Work:
    """One purchase while its certificates are settled."""

    batch: EventBatch
    purchase: KeptPurchase
    booked: Booked
    moved: Moved
    occasion: Occasion
    back: Returned = NOTHING_BACK

    def settle(self, sold: Sequence[PurchaseLine]) -> None:
        """First what comes onto certificates, then what goes."""
        purchase, uses = self.purchase, self.batch.counters.certificates
        paid: dict[str, PaidWith] = {}
        loaded: dict[str, list[PurchaseLine]] = {}
        if purchase.event.status is PurchaseStatus.PAID and purchase.linked_to is None:
            self.back = returned(purchase.lines, standing_refunds(purchase))
            paid = {one.code: one for one in self.booked.certificates if one.amount_minor}
            payable = sum(line.paid_minor for line in _payable(purchase.lines))
            if sum(one.amount_minor for one in paid.values()) > payable:
                self.moved.flag(CERTIFICATE_ABOVE_TOTAL)
            for line in sold:
                code = "" if line.certificate is None else normal(line.certificate.code)
                loaded.setdefault(code, []).append(line)
        concerned = {one.key: one for one in uses.touched(purchase.id)}
        concerned |= {one.key: one for one in self._named((*loaded, *paid))}
        for one in concerned.values():
            self._load(one, loaded.get(one.code, ()))
        for one in concerned.values():
            self._pay(one, paid.get(one.code))

    def _named(self, codes: Sequence[str]) -> list[KeptCertificate]:
        """Those of these that the purchase may move.

        One that was brought in after the purchase had told of it comes with what was left on it
        then.
        """
        uses, programme = self.batch.counters.certificates, self.purchase.programme_id
        found = {code: uses.known((programme, code)) for code in codes}
        strange = {code for code, one in found.items() if one is None} | {*self.booked.strange}
        if not strange.isdisjoint(codes):
            self.moved.flag(CERTIFICATE_UNKNOWN)
            self.booked.strange = tuple(sorted(strange))
            self.booked.keep(self.purchase)
        return [one for code, one in found.items() if one is not None and code not in strange]

    def _load(self, one: KeptCertificate, lines: Sequence[PurchaseLine]) -> None:
        by_line = {
            line.id: self._nominal(one, line, first=place == 0) for place, line in enumerate(lines)
        }
        wanted = sum(by_line.values()) - points_back(by_line, self.back.share)
        standing = self.batch.counters.certificates.standing(self.purchase.id, one)
        more = wanted - standing.loaded
        if more > 0:
            self._load_more(one, more, is_new=not standing.loaded)
            self.moved.certificates["loaded"] += more
        elif more < 0:
            if one.book.unload(-more, self._why("void")):
                self.moved.flag(CERTIFICATE_USED)
            self.moved.certificates["taken_back"] -= more
        standing.loaded = wanted

    def _nominal(self, one: KeptCertificate, line: PurchaseLine, *, first: bool) -> int:
        """What a line brings: as it says; of the sale that activates, the certificate's own."""
        said = None if line.certificate is None else line.certificate.nominal_minor
        if said is not None:
            return said
        sells = one.book.activated_at is None or one.activated_by == self.purchase.id
        own = one.nominal_minor if sells and first else None
        return line.amount_minor if own is None else own

    def _load_more(self, one: KeptCertificate, more: int, *, is_new: bool) -> None:
        book, purchase = one.book, self.purchase
        at = purchase.event.occurred_at
        if book.activated_at is None:
            one.activated_by = purchase.id
            # Of an order that was placed before, it is sold when the money has come.
            at = at if purchase.is_new else self.occasion.now
        elif is_new and book.figures.loaded and not one.terms.top_up:
            self.moved.flag(CERTIFICATE_SOLD_BEFORE)
        book.load(more, self._why("load"), end_of_life(at, book.life_days, self.batch.zone))

    def _pay(self, one: KeptCertificate, wanted: PaidWith | None) -> None:
        uses, at = self.batch.counters.certificates, self.purchase.event.occurred_at
        standing = uses.standing(self.purchase.id, one)
        left = 0 if wanted is None else wanted.amount_minor - self._came_back(wanted)
        more = left - standing.paid
        if more > 0:
            refusal = one.seen().closed(self.batch.survivor(self.purchase.member_id), at)
            held, missing = uses.pay(one, more, self.booked.hold, self._why("pay"))
            if missing:
                self.moved.flag(CERTIFICATE_MISSING)
            if held < more and refusal is not None and refusal.reason != "certificate_spent":
                self.moved.flag(CERTIFICATE_INVALID)
            self.moved.certificates["paid"] += more
        elif more < 0:
            one.book.give_back(-more, self._why("give_back"), self._grace_until())
            standing.paid = left
            self.moved.certificates["given_back"] -= more

    def _came_back(self, use: PaidWith) -> int:
        """The part of the lines that it paid which came back, rounded once."""
        lines = [line for line in self.purchase.lines if not use.lines or line.id in use.lines]
        weights = {line.id: line.paid_minor for line in _payable(lines)}
        if not sum(weights.values()):
            share = self.back.share
            is_back = bool(share) and all(one >= WHOLE for one in share.values())
            return use.amount_minor if is_back else 0
        parts = prorate(use.amount_minor, list(weights.values()))
        return points_back(dict(zip(weights, parts, strict=True)), self.back.share)

    def _grace_until(self) -> datetime | None:
        batch, version = self.batch, self.booked.rules_version
        plan = batch.plan(version) if version else batch.plan_at(self.purchase.event.occurred_at)
        return terms_of(plan, batch.now, batch.zone).grace_until

    def _why(self, what: str) -> Why:
        occasion = self.occasion
        key = f"{occasion.key}:{what}"
        return Why(key, occasion.occurred_at, occasion.now, self.purchase.id)


def _payable(lines: Sequence[PurchaseLine]) -> list[PurchaseLine]:
    return [line for line in lines if line.kind is not LineKind.CERTIFICATE]


def _lines_for(
    batch: EventBatch, purchase: KeptPurchase, code: str, lines: Sequence[PurchaseLine]
) -> tuple[str, ...]:
    """The lines that one for some goods pays; of others, and of what fits none: all."""
    one = batch.counters.certificates.known((purchase.programme_id, code))
    if one is None or not one.seen().for_goods:
        return ()
    return tuple(line.id for line in lines if one.seen().pays_for(line.sku, line.categories))
