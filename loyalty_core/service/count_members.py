"""How many members a condition means: the size of a segment before anything is sent to it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.fields import SEGMENT
from loyalty_core.domain.conditions.part import members_part
from loyalty_core.domain.conditions.segments import Segments, segments_of
from loyalty_core.domain.conditions.tree import All, Node, leaves, read_tree
from loyalty_core.domain.errors import InvalidInput, ProgrammeNotFound
from loyalty_core.domain.pricing.declare import Misfit, nested
from loyalty_core.domain.rules import RuleSet
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import members, programmes
from loyalty_core.store.conditions import AskedAt, members_where


def count_members(
    connection: Connection, plans: PlanCache, programme_id: int, when: object, *, now: datetime
) -> int:
    """Members who meet the tree `when` (`pricing.md`, Conditions) in the programme's zone.

    Segments are those of the rules in force.

    Raises: ProgrammeNotFound, InvalidInput (by node, under `when`).
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    segments = segments_of(rules.segments)
    asked = AskedAt(
        now, ZoneInfo(programme.timezone), connection.dialect.name, segments, rules.rewards
    )
    try:
        tree = read_tree(when)
        _check_named(tree, segments)
        condition = members_where(tree, asked)
    except Misfit as wrong:
        raise InvalidInput(nested("when", wrong.errors)) from None
    return members.count_where(connection, programme_id, condition)


def count_reached(
    connection: Connection, programme_id: int, rules: RuleSet, when: Node | None, *, now: datetime
) -> int:
    """Members who may meet a promotion's condition with some basket, somewhere, some day.

    What a condition asks beside the member is taken as met; None asks nothing.

    Raises: ProgrammeNotFound.
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    part = All(()) if when is None else members_part(when)
    segments, zone = segments_of(rules.segments), ZoneInfo(programme.timezone)
    asked = AskedAt(now, zone, connection.dialect.name, segments, rules.rewards)
    return members.count_where(connection, programme_id, members_where(part, asked))


def _check_named(tree: Node, segments: Segments) -> None:
    """Raises: Misfit, for segments that the rules do not have."""
    unknown = {
        f"{path}.value" if path else "value": ["no such segment"]
        for path, leaf in leaves(tree)
        if leaf.field.name == SEGMENT and set(leaf.value or ()) - segments.keys()
    }
    if unknown:
        raise Misfit(unknown)
