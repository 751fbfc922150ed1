"""Which hold or purchase has used which coupon, counted by difference (`ledger.md` 30).

Beside the counters of limits, and at the same places: whoever lets go of those lets go of the
coupons with them (`promotion_limits.Counters`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.pricing.basket import PricedBasket
from loyalty_core.domain.pricing.coupons import Coupon
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.limits import Effect
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.receipt import WHOLE, Returned
from loyalty_core.store import coupon_pushes
from loyalty_core.store import coupons as store
from loyalty_core.store.coupons import CouponKey, KeptCoupon
from loyalty_core.store.promotion_uses import Ref
from loyalty_kit.events import PurchaseLine

COUPON_OVERUSED = "coupon_overused"
COUPON_INVALID = "coupon_invalid"


@dataclass(frozen=True, slots=True)
class Taken:
    """A coupon that a receipt goes by, and who says so.

    `hold`: it reserved the coupon.  `till`: nobody held it, but the buyer had it, so it counts
    for as long as anything of the receipt is left.  `rules`: the buyer had it, and what it gives
    is for the rules to say.
    """

    series: str
    code: str
    by: str = "hold"


class CouponUses:
    """Some coupons under lock, and the uses of some holds and purchases.

    Lock them after the counters of limits and before the accounts (`ledger.md` 4).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[CouponKey, KeptCoupon] = {}
        self._asked: set[CouponKey] = set()
        self._uses: dict[Ref, set[CouponKey]] = {}
        self._moved: set[CouponKey] = set()
        self._changed: set[Ref] = set()
        self._restated: set[CouponKey] = set()
        self._seen: set[Ref] = set()
        self._fresh: list[KeptCoupon] = []

    def lock(self, keys: Iterable[CouponKey]) -> None:
        fresh = set(keys) - self._asked
        self._asked |= fresh
        self._known |= store.lock_coupons(self._connection, fresh)

    def load(self, refs: Collection[Ref], keys: Iterable[CouponKey] = ()) -> None:
        """Read what these have used, and lock those coupons and some others in one order."""
        found = store.uses_of(self._connection, refs) if refs else {}
        self.lock({*keys, *(key for own in found.values() for key in own)})
        if found:
            # Others may have let go of them while we waited.
            found = store.uses_of(self._connection, refs)
        self._uses |= {ref: found.get(ref, set()) for ref in refs}

    def coupon(self, key: CouponKey) -> KeptCoupon | None:
        return self._known.get(key)

    def seen(self, keys: Iterable[CouponKey], own: Iterable[Ref] = ()) -> dict[str, Coupon]:
        """These by code, with the uses that others than `own` have left of them."""
        mine = [key for ref in own for key in self._uses.get(ref, ())]
        return {
            key[1]: as_seen(one, mine.count(key))
            for key in keys
            if (one := self._known.get(key)) is not None
        }

    def used_by(self, refs: Iterable[Ref]) -> set[CouponKey]:
        return {key for ref in refs for key in self._uses.get(ref, ())}

    def set(self, ref: Ref, keys: Collection[CouponKey]) -> None:
        """From now on this hold or purchase uses these, as far as they are there."""
        before = self._uses.get(ref, set())
        if not keys and not before:
            return
        self.lock(keys)
        after = {key for key in keys if key in self._known}
        for key in before ^ after:
            one = self._known.get(key)
            if one is not None:
                one.uses, one.over = store.counted(
                    one.total + (1 if key in after else -1), one.most
                )
                self._moved.add(key)
        self._uses[ref] = after
        self._changed.add(ref)

    def note_sightings(self, ref: Ref) -> None:
        """Who told of this purchase is another now, or tells something else: each shop counts the
        uses of its own orders itself, whatever they were linked to."""
        self._seen.add(ref)

    def overused(self, keys: Iterable[CouponKey], before: Collection[CouponKey]) -> bool:
        """Whether one that was not in `before` is past its most now."""
        fresh = [self._known[key] for key in keys if key not in before and key in self._known]
        return any(one.over for one in fresh)

    def add(self, coupon: KeptCoupon) -> None:
        """A new one, which nobody knows yet."""
        self._asked.add(coupon.key)
        self._known[coupon.key] = coupon
        self._fresh.append(coupon)

    def restate(self, key: CouponKey, state: str) -> None:
        """Take a coupon back, or give it again, if it is there; one that the owner blocked and
        nobody took back stays blocked."""
        self.lock([key])
        one = self._known.get(key)
        stays = state == store.ACTIVE and one is not None and one.state == store.BLOCKED
        if one is not None and one.state != state and not stays:
            one.state = state
            self._restated.add(key)

    def write(self) -> None:
        store.issue_coupons(self._connection, self._fresh)
        if self._changed:
            store.write_uses(
                self._connection,
                [self._known[key] for key in self._moved],
                {ref: self._uses[ref] for ref in self._changed},
            )
        if seen := self.used_by(self._seen):
            coupon_pushes.ask(self._connection, seen)
        if self._restated:
            store.set_states(self._connection, [self._known[key] for key in self._restated])


def as_seen(kept: KeptCoupon, own: int = 0) -> Coupon:
    """A coupon as pricing sees it; `own` of its uses are the asker's."""
    return Coupon(
        kept.code,
        kept.series,
        kept.member_id,
        kept.standing,
        kept.most - kept.total + own,
        kept.starts_at,
        kept.ends_at,
    )


def codes_of(entered: Iterable[str], plan: Plan) -> list[str]:
    """The normal forms of entered codes that may be coupons, in their order."""
    if not plan.series:
        return []
    others = (normal(code) for code in entered if fold(code) not in plan.codes)
    return list(dict.fromkeys(filter(None, others)))


def taken_by(priced: PricedBasket) -> tuple[Taken, ...]:
    """The coupons whose promotions really gave something."""
    gave = {effect.promotion for effect in priced.effects}
    return tuple(
        Taken(series, code)
        for series, code in priced.coupons.chosen.items()
        if any(one.promotion.id in gave for one in priced.plan.by_coupon.get(series, ()))
    )


def is_for_prices(series: str, plan: Plan) -> bool:
    """Whether a coupon may have changed what was paid, which a till alone knows."""
    bound = plan.by_coupon.get(series, ())
    return any(one.rule.stage not in (Stage.EARN, Stage.ISSUE) for one in bound)


def still_used(
    taken: Sequence[Taken],
    effects: Sequence[Effect],
    lines: Sequence[PurchaseLine],
    back: Returned,
    plan: Plan,
) -> list[str]:
    """Codes of the coupons that a purchase uses, now that some of it came back."""
    any_left = any(back.share.get(line.id, 0) < WHOLE for line in lines)
    left = _left_of(effects, back.share)
    used = []
    for one in taken:
        bound = {of.promotion.id for of in plan.by_coupon.get(one.series, ())}
        by_till = one.by == "till"
        gave = by_till or not bound.isdisjoint(left)
        series = plan.series.get(one.series)
        rule = "with_goods" if series is None else series.given_back
        goods_left = any_left if by_till else any(left.get(name) for name in bound)
        kept = {"with_goods": goods_left, "with_receipt": any_left, "never": True}[rule]
        if gave and kept:
            used.append(one.code)
    return used


def _left_of(effects: Sequence[Effect], share: Mapping[str, Fraction]) -> dict[str, int]:
    """What is left of the effects of each promotion that gave something."""
    left: dict[str, int] = {}
    for effect in effects:
        if effect.by_line:
            left[effect.promotion] = left.get(effect.promotion, 0) + effect.left(share)
    return left
