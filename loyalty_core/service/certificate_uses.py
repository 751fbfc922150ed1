"""Certificates under lock, and what holds and purchases have of them (`ledger.md` 4, 21).

Beside the coupons, and at the same places: whoever lets go of those lets go of reserved money
with them (`promotion_limits.Counters`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.certificate_book import Why
from loyalty_core.domain.certificates import Certificate
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.store import certificates as store
from loyalty_core.store.certificates import CertificateKey, KeptCertificate, Standing
from loyalty_core.store.holds import KeptHold
from loyalty_kit.events import CertificateUse, Purchase

CERTIFICATE_UNKNOWN = "certificate_unknown"
CERTIFICATE_INVALID = "certificate_invalid"
CERTIFICATE_MISSING = "certificate_missing"
CERTIFICATE_USED = "certificate_used"
CERTIFICATE_ABOVE_TOTAL = "certificate_above_total"
CERTIFICATE_SOLD_BEFORE = "certificate_sold_before"


class CertificateUses:
    """Lock them after the coupons and before the accounts (`ledger.md` 4)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[CertificateKey, KeptCertificate] = {}
        self._by_id: dict[int, KeptCertificate] = {}
        self._asked: set[CertificateKey] = set()
        self._of_holds: dict[int, dict[int, Standing]] = {}
        self._of_purchases: dict[int, dict[int, Standing]] = {}

    def load(
        self,
        keys: Iterable[CertificateKey],
        *,
        now: datetime,
        holds: Collection[int] = (),
        purchases: Collection[int] = (),
    ) -> None:
        """Lock these, book the end of those whose time is over, and read what these have."""
        fresh = set(keys) - self._asked
        self._asked |= fresh
        self._take(store.lock_certificates(self._connection, fresh).values(), now)
        if not self._known:
            return
        of_holds = store.standing_of_holds(self._connection, set(holds) - self._of_holds.keys())
        of_purchases = store.standing_of_purchases(
            self._connection, set(purchases) - self._of_purchases.keys()
        )
        moved = {
            number
            for found in (of_holds, of_purchases)
            for own in found.values()
            for number, standing in own.items()
            if standing != Standing()
        }
        # Nobody foresaw them: an older word of the same purchase named them.
        self._take(store.lock_by_id(self._connection, moved - self._by_id.keys()), now)
        self._of_holds = {**of_holds, **self._of_holds}
        self._of_purchases = {**of_purchases, **self._of_purchases}

    def _take(self, locked: Iterable[KeptCertificate], now: datetime) -> None:
        for one in locked:
            self._known[one.key] = self._by_id[one.id] = one
            one.book.settle(now)

    def known(self, key: CertificateKey) -> KeptCertificate | None:
        return self._known.get(key)

    def seen(self, programme_id: int) -> dict[str, Certificate]:
        """Those that are locked, by code, as a checkout sees them."""
        return {code: one.seen() for (of, code), one in self._known.items() if of == programme_id}

    # --- holds --------------------------------------------------------------------------------

    def reserve(self, hold: KeptHold, uses: Sequence[CertificateUse], now: datetime) -> None:
        """Set money aside for a new hold; it is there (`seen`)."""
        own = self._of_holds.setdefault(hold.id, {})
        for use in uses:
            one = self._known[(hold.programme_id, use.code)]
            one.book.reserve(use.amount_minor, Why(f"hold:{hold.id}", now, now, hold_id=hold.id))
            own[one.id] = Standing(reserved=use.amount_minor)

    def reserved(self, hold_id: int | None, one: KeptCertificate) -> int:
        standing = self._of_holds.get(hold_id or 0, {}).get(one.id)
        return 0 if standing is None else standing.reserved

    def let_go(self, hold_id: int, now: datetime) -> None:
        """Release what a hold has left."""
        for number, standing in self._of_holds.get(hold_id, {}).items():
            if standing.reserved:
                why = Why(f"hold:{hold_id}:release", now, now, hold_id=hold_id)
                self._by_id[number].book.release(standing.reserved, why)
                standing.reserved = 0

    # --- purchases ----------------------------------------------------------------------------

    def standing(self, purchase_id: int, one: KeptCertificate) -> Standing:
        """What a purchase has paid with it, and loaded onto it."""
        own = self._of_purchases.setdefault(purchase_id, {})
        return own.setdefault(one.id, Standing())

    def touched(self, purchase_id: int) -> list[KeptCertificate]:
        """Those that a purchase has something of."""
        own = self._of_purchases.get(purchase_id, {})
        return [self._by_id[number] for number, one in own.items() if one != Standing()]

    def pay(
        self, one: KeptCertificate, amount: int, hold_id: int | None, why: Why
    ) -> tuple[int, int]:
        """A purchase paid with it: what its hold had of that, and what was not there."""
        purchase_id = why.purchase_id
        assert purchase_id is not None
        held = min(amount, self.reserved(hold_id, one))
        if held and hold_id is not None:
            self._of_holds[hold_id][one.id].reserved -= held
            why = replace(why, hold_id=hold_id)
        missing = one.book.pay(amount, held, why)
        self.standing(purchase_id, one).paid += amount
        return held, missing

    def write(self) -> None:
        store.write_certificates(self._connection, self._known.values())


def named_in(event: Purchase) -> Iterator[str]:
    """The normal forms of those that a purchase was paid with or sold."""
    if event.certificates:
        yield from (normal(use.code) for use in event.certificates)
    for line in event.lines:
        if line.certificate is not None:
            yield normal(line.certificate.code)


def entered(codes: Iterable[str]) -> list[str]:
    """The normal forms of entered codes, each once."""
    return list(dict.fromkeys(filter(None, map(normal, codes))))
