"""A coupon for the next purchase, the member's own; it goes back with the goods that brought it."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import CODE, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import CouponGiven, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    series: str = field(metadata=word("series", CODE, en="Series of coupons", ru="Серия купонов"))


def evaluate(view: View, params: Params) -> CouponGiven | Refusal:
    lines = params.meant(view)
    if isinstance(lines, Refusal):
        return lines
    return CouponGiven(params.series) if view.known else Refusal("member_required")


RULE = RuleType(
    code="give_coupon",
    stage=Stage.ISSUE,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Coupon for the next purchase", "ru": "Купон на следующую покупку"},
    applied={
        "en": "A coupon for the next purchase: {coupon}.",
        "ru": "Купон на следующую покупку: {coupon}.",
    },
)
