"""Receipts that members have registered before the shop reported them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from loyalty_core.store import receipt_claims as store
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.receipt_claims import Claim
from loyalty_kit.events import FiscalSign, PurchaseLine

CLOCKS_APART = timedelta(days=1)
"""A till's clock says no zone and may be wrong; the fiscal sign is what names the receipt."""


class Claims:
    """Those of the receipts of a batch, whose fiscal signs are locked."""

    def __init__(
        self, connection: Connection, programme_id: int, signs: Collection[FiscalSign]
    ) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self._claims = store.claims_of_signs(connection, programme_id, signs)
        self._settled: dict[FiscalSign, Claim] = {}

    def members(self) -> set[int]:
        """Who may turn out to be a buyer."""
        return {claim.member_id for claim in self._claims.values()}

    def claimed(self, purchase: KeptPurchase) -> int | None:
        """Who has registered this receipt before it came; None where it is another one."""
        for claim in self._waiting(purchase):
            if is_same(claim, purchase):
                return claim.member_id
        return None

    def settle(
        self,
        purchase: KeptPurchase,
        member: int | None,
        survivor: Callable[[int | None], int | None],
    ) -> None:
        """The receipt is this member's: a claim of somebody else's is refused."""
        for claim in self._waiting(purchase):
            own = member is not None and survivor(claim.member_id) == member
            state = store.BOOKED if own else store.REFUSED
            self._settled[claim.sign] = replace(claim, state=state, purchase_id=purchase.id)

    def write(self) -> None:
        for claim in self._settled.values():
            store.keep_claim(self._connection, self._programme_id, claim)

    def _waiting(self, purchase: KeptPurchase) -> list[Claim]:
        found = [self._claims.get(sign) for sign in purchase.signs]
        return [
            claim
            for claim in found
            if claim is not None
            and claim.state == store.WAITING
            and claim.sign not in self._settled
        ]


def is_same(claim: Claim, purchase: KeptPurchase) -> bool:
    """Whether a receipt of this sum and time is the purchase, or one of several that it has.

    Points may stand on a receipt as a discount or as a payment (letter of the Federal Tax
    Service AB-4-20/6093 of 30 April 2021), so the sum may have them or not.  A sale of several
    sellers is printed as several receipts: nobody tells which lines stand on which, so the sum
    of one is anything up to that of all.
    """
    paid = sum(line.paid_minor for line in purchase.lines)
    sums = {paid, paid + sum(map(_spend, purchase.lines))}
    split = len({claim.sign, *purchase.event.fiscal}) > 1
    fits = 0 < claim.sum_minor <= max(sums) if split else claim.sum_minor in sums
    return fits and abs(claim.bought_at - purchase.event.occurred_at) <= CLOCKS_APART


def _spend(line: PurchaseLine) -> int:
    return line.spend_minor or 0
