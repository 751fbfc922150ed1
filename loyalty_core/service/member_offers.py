"""What a member sees: what is bound to members and within this one's reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.conditions.scene import Place, Scene
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.earning import scene_of
from loyalty_core.domain.pricing.member_offers import all_offers
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.rule_type import View
from loyalty_core.service.members import member_row
from loyalty_core.service.people import person_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import programmes
from loyalty_core.store.clubs import clubs_at, memberships_of
from loyalty_core.store.tiers import tier_of_row
from loyalty_kit.checkout import Offer


def member_offers(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> tuple[Offer, ...]:
    """Promotions in force that this member may meet with some basket.  Raises: MemberNotFound."""
    row = member_row(connection, programme_id, member_id)
    return all_offers(*seen_by(connection, plans, row, now))


def seen_by(
    connection: Connection, plans: PlanCache, row: RowMapping, now: datetime
) -> tuple[Plan, Scene]:
    """The rules in force, and a member (the row) before them without a basket."""
    programme = programmes.programme_by_id(connection, row["programme_id"])
    assert programme is not None
    plan = plans.get(connection, programme.id, programme.rules_version)
    person = person_in(connection, row, plan, now)
    if plan.rules.club_events or plan.rules.reward_catalogue:
        found = memberships_of(connection, [person.id])[person.id]
        person = replace(person, clubs=clubs_at(found, now))
    facts = MemberFacts(
        known=True,
        tier=tier_of_row(connection, row, now),
        spent_minor=row["spent_minor"],
        verified=True,
        person=person,
        place=Place(zone=ZoneInfo(programme.timezone)),
    )
    return plan, scene_of(View((), [], []), plan, facts, now)
