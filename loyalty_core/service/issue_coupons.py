"""Coupons that come of a purchase, by difference: given with it, taken back with its return."""

from __future__ import annotations

from collections.abc import Collection

from loyalty_core.domain.pricing.issues import lines_for, still_earned
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rules import give_coupon
from loyalty_core.domain.receipt import returned
from loyalty_core.service.booking import Booked, standing_refunds
from loyalty_core.service.coupons import own_coupon
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.store.coupons import ACTIVE, WITHDRAWN
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import PurchaseStatus


def settle_issued(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> None:
    """Make the coupons of a purchase those that it brings as it now stands.

    One that is taken back may be used no more, whoever reserved it keeps it (`ledger.md` 13);
    where the purchase stands again, it is the same coupon again.
    """
    if not booked.issues and not booked.issued:
        return
    wanted = still_issued(batch, purchase, booked)
    coupons = batch.counters.coupons
    for promotion, code in booked.issued.items():
        state = ACTIVE if promotion in wanted else WITHDRAWN
        coupons.restate((purchase.programme_id, code), state)
    member = batch.survivor(purchase.member_id)
    for promotion in wanted:
        if promotion not in booked.issued and member is not None:
            _issue(batch, purchase, booked, promotion, member)


def take_issued_back(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> None:
    """All of them: the purchase turned out to be somebody else's."""
    for code in booked.issued.values():
        batch.counters.coupons.restate((purchase.programme_id, code), WITHDRAWN)
    booked.issues, booked.about, booked.issued = (), {}, {}


def still_issued(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> list[str]:
    """Promotions whose coupons the purchase brings as it now stands."""
    if purchase.event.status is not PurchaseStatus.PAID or purchase.linked_to is not None:
        return []
    plan = batch.plan(booked.rules_version)
    back = returned(purchase.lines, standing_refunds(purchase))
    return [
        promotion
        for promotion in booked.issues
        if promotion in plan.issues
        and still_earned(
            plan.issues[promotion],
            purchase.lines,
            _about(plan.issues[promotion], purchase, booked),
            back.share,
        )
    ]


def _about(compiled: Compiled, purchase: KeptPurchase, booked: Booked) -> Collection[str]:
    """Rows of before do not have it, and tell what their lines tell themselves."""
    known = booked.about.get(compiled.promotion.id)
    return lines_for(compiled, purchase.lines, {}) if known is None else known


def _issue(
    batch: EventBatch, purchase: KeptPurchase, booked: Booked, promotion: str, member: int
) -> None:
    plan = batch.plan(booked.rules_version)
    params = plan.issues[promotion].promotion.params
    assert isinstance(params, give_coupon.Params)
    coupon = own_coupon(
        purchase.programme_id,
        plan.series[params.series],
        member,
        # A placed order that is paid, or a receipt that turns out to be somebody's, brings it now.
        since=purchase.event.occurred_at if purchase.is_new else batch.now,
        zone=batch.zone,
    )
    batch.counters.coupons.add(coupon)
    booked.issued[promotion] = coupon.code
    booked.keep(purchase)
