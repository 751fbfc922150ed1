"""The coupons of a purchase: those that its hold reserved, and those that the till tells of."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.pricing.coupons import Entered, look_at
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.service.booking import Booked, Moved
from loyalty_core.service.coupon_uses import (
    COUPON_INVALID,
    Taken,
    as_seen,
    codes_of,
    is_for_prices,
)
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.store.holds import KeptHold
from loyalty_core.store.promotion_uses import Ref
from loyalty_core.store.purchases import KeptPurchase


def coupons_of(  # noqa: PLR0913 - each is a word of its own to the caller
    batch: EventBatch,
    purchase: KeptPurchase,
    plan: Plan,
    hold: KeptHold | None,
    held: Sequence[Taken],
    moved: Moved,
) -> tuple[Taken, ...]:
    """What the purchase goes by: what its hold reserved (`held`) stands, whatever became of the
    coupon since.

    A code that the hold was asked for and did not take is not used.  Other codes that the till
    tells of are facts: what they would not have been given for is flagged.
    """
    if not plan.series:
        return ()
    asked = {one.code for one in held}
    if hold is not None:
        asked.update(map(normal, hold.request.get("coupons", ())))
    taken = list(held)
    member, at = batch.survivor(purchase.member_id), purchase.event.occurred_at
    for code in codes_of(purchase.event.coupons, plan):
        kept = batch.counters.coupons.coupon((purchase.programme_id, code))
        series = None if kept is None else plan.series.get(kept.series)
        if code in asked or kept is None or series is None:
            continue
        told = is_for_prices(kept.series, plan)
        taken.append(Taken(kept.series, code, by="till" if told else "rules"))
        refusal = as_seen(kept).closed(series, member, at)
        if told and refusal is not None and refusal.reason != "coupon_used":
            moved.flag(COUPON_INVALID)
    return tuple(taken)


def entered_of(batch: EventBatch, purchase: KeptPurchase, booked: Booked, plan: Plan) -> Entered:
    """What conditions see of the coupons when the purchase is rated.

    What its hold reserved is good; of the others those that may be used, and that nobody else
    has used up.
    """
    own: list[Ref] = [("purchase", purchase.id)]
    if booked.hold is not None:
        own.append(("hold", booked.hold))
    held = {one.series: one.code for one in booked.coupons if one.by == "hold"}
    named = [one.code for one in booked.coupons if one.by != "hold"]
    seen = batch.counters.coupons.seen([(purchase.programme_id, code) for code in named], own)
    who = (batch.survivor(purchase.member_id), purchase.event.occurred_at)
    found = look_at(named, seen, plan.series, plan.by_coupon.keys(), who)
    series = {**found.series, **{code: name for name, code in held.items()}}
    return Entered(series, {**found.chosen, **held}, found.refusals)
