"""What a purchase of a batch consumes of limits, as it now stands (`ledger.md` 30)."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_core.domain.pricing.basket import Award
from loyalty_core.domain.pricing.limits import Effect, LimitName, Used, gathered
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.receipt import returned
from loyalty_core.service.booking import Booked, Moved, standing_refunds
from loyalty_core.service.coupon_uses import COUPON_OVERUSED, still_used
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.issue_coupons import still_issued
from loyalty_core.service.promotion_limits import (
    BUDGET_EXCEEDED,
    CountedFor,
    Wanted,
    still_given,
    wanted_of,
)
from loyalty_core.store.holds import KeptHold
from loyalty_core.store.promotion_uses import Ref, UseKey
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import PurchaseLine, PurchaseStatus


def used_by_others(  # noqa: PLR0913 - each is a word of its own to the caller
    batch: EventBatch,
    purchase: KeptPurchase,
    booked: Booked,
    plan: Plan,
    lines: Sequence[PurchaseLine],
    promised: Sequence[Award],
) -> Used:
    """What is gone of the limits under which these lines earn; `promised` is gone as well."""
    if not plan.limits:
        return {}
    names = _counted(batch, purchase, booked).keys(
        plan, plan.limited(lines, (Stage.EARN, Stage.ISSUE))
    )
    used = batch.counters.used(names, _refs(purchase, booked))
    points = {award.source: award.points for award in promised}
    return {name: count + _promised(name, points) for name, count in used.items()}


def _promised(name: LimitName, points: dict[str, int]) -> int:
    """The use of a receipt is one, whoever gave it."""
    return points.get(name[0], 0) if name[-1] == "points" else 0


def count_limits(
    batch: EventBatch,
    purchase: KeptPurchase,
    booked: Booked,
    moved: Moved,
    hold: KeptHold | None = None,
) -> None:
    """Make the counters say what the purchase consumes now, and its ended hold nothing more.

    What it takes past a limit is taken and flagged: it was given already.
    """
    refs = _refs(purchase, booked)
    counters, used = batch.counters, batch.counters.coupons
    before, used_before = counters.parts(refs), used.used_by(refs)
    wanted, codes = _wanted(batch, purchase, booked)
    coupons = [(purchase.programme_id, code) for code in codes]
    counters.set(("purchase", purchase.id), wanted, coupons)
    if hold is not None and hold.state != "live":
        counters.set(("hold", hold.id), {})
    if counters.exceeded(wanted, before):
        moved.flag(BUDGET_EXCEEDED)
    if used.overused(coupons, used_before):
        moved.flag(COUPON_OVERUSED)


def _wanted(
    batch: EventBatch, purchase: KeptPurchase, booked: Booked
) -> tuple[dict[UseKey, Wanted], list[str]]:
    """Of limits; and the codes of coupons."""
    counts = purchase.event.status is PurchaseStatus.PAID and purchase.linked_to is None
    if not counts or not booked.rules_version:
        return {}, []
    plan = batch.plan(booked.rules_version)
    if not plan.counted and not booked.coupons:
        return {}, []
    earned = gathered(
        [
            (award.source, "points", line, points)
            for award in booked.awards
            if award.source in plan.counted
            for line, points in award.by_line
        ]
    )
    given = [
        effect
        for effect in booked.effects
        if effect.of != "points" and effect.promotion not in plan.issues
    ]
    own = tuple((line.id, 1) for line in purchase.lines if line.amount_minor)
    issued = [
        Effect(promotion, "given", own) for promotion in booked.issues if promotion in plan.counted
    ]
    standing = still_issued(batch, purchase, booked) if issued else ()
    back = returned(purchase.lines, standing_refunds(purchase))
    effects = [*still_given(given, purchase.lines), *earned]
    counted = [*effects, *(one for one in issued if one.promotion in standing)]
    wanted = wanted_of(counted, back, plan, _counted(batch, purchase, booked))
    used = still_used(booked.coupons, [*effects, *issued], purchase.lines, back, plan)
    return wanted, used


def _counted(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> CountedFor:
    member = batch.survivor(purchase.member_id)
    return batch.counted_for(purchase.shop_id, member, purchase.event, booked.counted_at)


def _refs(purchase: KeptPurchase, booked: Booked) -> list[Ref]:
    own: list[Ref] = [("purchase", purchase.id)]
    return own if booked.hold is None else [*own, ("hold", booked.hold)]
