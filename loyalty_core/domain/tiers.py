"""The ladder of tiers: which tier a spend reaches, and how far the next one is."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from loyalty_core.domain.rules import RuleSet, Tier


@dataclass(frozen=True, slots=True)
class NextTier:
    tier: Tier
    missing_minor: int


def tier_for(rules: RuleSet, spent_minor: int) -> Tier | None:
    """The highest tier that a spend of `spent_minor` (net of refunds) reaches, if any."""
    reached = _reached(rules, spent_minor)
    return rules.tiers[reached - 1] if reached else None


def next_tier(rules: RuleSet, spent_minor: int) -> NextTier | None:
    """The tier above and the spend that is missing to it; None at the top of the ladder."""
    reached = _reached(rules, spent_minor)
    if reached == len(rules.tiers):
        return None
    tier = rules.tiers[reached]
    return NextTier(tier, tier.spend_from_minor - spent_minor)


def _reached(rules: RuleSet, spent_minor: int) -> int:
    return bisect_right(rules.tiers, spent_minor, key=lambda tier: tier.spend_from_minor)
