"""A member as conditions see one: the row, with what the rules look at beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.conditions.scene import Person, PersonalGoods
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.store.clubs import clubs_at, memberships_of
from loyalty_core.store.members import person_of
from loyalty_core.store.personal import goods_of


def person_in(
    connection: Connection, row: Mapping[str, Any] | RowMapping, plan: Plan, now: datetime
) -> Person:
    """What the rules of `plan` may ask of a member, now."""
    person = person_of(row)
    if plan.lists:
        own = goods_of(connection, [person.id])[person.id]
        person = replace(person, goods=looked_at(own, plan, now))
    if plan.clubs:
        found = memberships_of(connection, [person.id])[person.id]
        person = replace(person, clubs=clubs_at(found, now))
    return person


def looked_at(own: list[PersonalGoods], plan: Plan, moment: datetime) -> tuple[PersonalGoods, ...]:
    """Of a member's own goods, those that the rules look at then."""
    return tuple(one for one in own if one.list in plan.lists and one.lasts(moment))
