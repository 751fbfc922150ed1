"""The plain part of the rules in force, for whoever must go on without the hub."""

from __future__ import annotations

from sqlalchemy import Connection

from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.service.plans import PlanCache
from loyalty_core.store.programmes import programme_by_id
from loyalty_kit.desk import Terms, TierTerms


def plain_terms(connection: Connection, plans: PlanCache, programme_id: int) -> Terms:
    """What is earned and spent where no promotion applies.  Raises: ProgrammeNotFound."""
    programme = programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = plans.get(connection, programme_id, programme.rules_version)
    rules, main = plan.rules, plan.main
    # A form of reward is the member's choice, which a till alone does not know.
    bound = bool(rules.earning.rewards)
    earn_bp = 0 if bound else rules.earning.percent_bp
    return Terms(
        version=plan.version,
        earn_bp=earn_bp,
        base=rules.earning.base,
        rounding=main.rounding,
        value_minor=main.value_minor,
        limit_bp=rules.spending.limit_bp,
        step=rules.spending.step_points,
        least=rules.spending.min_points,
        tiers=tuple(
            TierTerms(
                tier.code,
                earn_bp if bound or tier.earn_bp is None else tier.earn_bp,
                plan.spend_limit_bp(tier.code),
            )
            for tier in rules.tiers
        ),
    )
