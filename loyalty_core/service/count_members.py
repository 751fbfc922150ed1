"""How many members a condition means: the size of a segment before anything is sent to it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.tree import read_tree
from loyalty_core.domain.errors import InvalidInput, ProgrammeNotFound
from loyalty_core.domain.pricing.declare import Misfit, nested
from loyalty_core.store import members, programmes
from loyalty_core.store.conditions import AskedAt, members_where


def count_members(connection: Connection, programme_id: int, when: object, *, now: datetime) -> int:
    """Members who meet the tree `when` (`pricing.md`, Conditions) in the programme's zone.

    Raises: ProgrammeNotFound, InvalidInput (by node, under `when`).
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    asked = AskedAt(now, ZoneInfo(programme.timezone), connection.dialect.name)
    try:
        condition = members_where(read_tree(when), asked)
    except Misfit as wrong:
        raise InvalidInput(nested("when", wrong.errors)) from None
    return members.count_where(connection, programme_id, condition)
