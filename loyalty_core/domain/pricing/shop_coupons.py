"""What a coupon of a series comes to where a shop gives it by itself, and asks the hub nothing.

A shop's own coupon knows a percent or a sum off all goods of the basket, a least sum and a day.
Whatever else a series is bound to, no such coupon keeps; then there is a reason in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rules import percent_off, sum_off
from loyalty_kit.events import LineKind

Why = Literal[
    "no_promotion", "several_promotions", "not_a_discount", "some_goods", "condition", "limits",
    "least_prices",
]  # fmt: skip
"""Why a shop cannot give it: nothing is bound to the series; more than one thing; something else
than a percent or a sum off the receipt; not all goods; a condition; budgets or limits; the
programme has goods with a least price or that the law regulates."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Either `percent_bp` or `sum_minor`; the other is None."""

    percent_bp: int | None
    sum_minor: int | None
    least_minor: int
    starts_at: datetime | None
    ends_at: datetime | None


def terms_of(plan: Plan, series: CouponSeries) -> Terms | Why:
    bound = [one.promotion for one in plan.by_coupon.get(series.code, ())]
    switched_on = [promotion for promotion in bound if promotion.enabled]
    if len(switched_on) != 1:
        return "several_promotions" if switched_on else "no_promotion"
    (promotion,) = switched_on
    params = promotion.params
    percent = params.percent_bp if isinstance(params, percent_off.Params) else None
    once = isinstance(params, sum_off.Params) and params.per == "receipt"
    total = params.sum_minor if isinstance(params, sum_off.Params) and once else None
    if not isinstance(params, Offered) or (percent is None and total is None):
        return "not_a_discount"
    if _is_choosy(params):
        return "some_goods"
    if promotion.when is not None:
        return "condition"
    if promotion.limits:
        return "limits"
    if plan.rules.regulated or plan.rules.policies.min_paid:
        return "least_prices"
    starts = [at for at in (series.starts_at, promotion.starts_at) if at is not None]
    ends = [at for at in (series.ends_at, promotion.ends_at) if at is not None]
    return Terms(
        percent,
        total,
        params.total_min_minor,
        max(starts, default=None),
        min(ends, default=None),
    )


def _is_choosy(params: Offered) -> bool:
    """Whether it means other lines than all goods."""
    named = any(params.asks()) or params.excepts or params.personal is not None
    return named or tuple(params.kinds) != (LineKind.GOODS,)
