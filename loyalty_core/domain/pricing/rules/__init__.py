"""The rule types: one file each, listed here once."""

from __future__ import annotations

from collections.abc import Mapping

from loyalty_core.domain.pricing.rule_type import AnyRuleType
from loyalty_core.domain.pricing.rules import earn_multiplier, percent_off, spend_share

RULE_TYPES: Mapping[str, AnyRuleType] = {
    rule.code: rule for rule in (percent_off.RULE, earn_multiplier.RULE, spend_share.RULE)
}
