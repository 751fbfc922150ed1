"""The rule types: one file each, listed here once."""

from __future__ import annotations

from collections.abc import Mapping

from loyalty_core.domain.pricing.rule_type import AnyRuleType
from loyalty_core.domain.pricing.rules import (
    benefit,
    each_nth,
    earn_multiplier,
    earn_per_sum,
    earn_per_unit,
    earn_points,
    fixed_price,
    gift,
    give_coupon,
    no_earn,
    percent_off,
    scale_off,
    set_price,
    spend_share,
    sum_off,
)

RULE_TYPES: Mapping[str, AnyRuleType] = {
    rule.code: rule
    for rule in (
        percent_off.RULE,
        sum_off.RULE,
        fixed_price.RULE,
        set_price.RULE,
        each_nth.RULE,
        scale_off.RULE,
        gift.RULE,
        benefit.RULE,
        spend_share.RULE,
        earn_multiplier.RULE,
        earn_points.RULE,
        earn_per_sum.RULE,
        earn_per_unit.RULE,
        no_earn.RULE,
        give_coupon.RULE,
    )
}
