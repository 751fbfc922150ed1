"""Members whom a shop knows by an account into which somebody typed a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, literal, select

from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.tables import identities

_CONNECTED = "installation:"
"""Begins the system of accounts that a connector told of (`service.source.Source.name`)."""


def unproved_account(
    member: ColumnElement[Any], system: ColumnElement[Any], number: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a member is named by an account of a shop whose phone nobody has proved.

    A connector only saw the phone typed in: whoever is logged in there may have typed a
    stranger's, and what the stranger earns at tills is not theirs to spend (`ledger.md` 28).
    """
    mine = identities.alias("account")
    phone = identities.alias("phone")
    return and_(
        exists().where(
            mine.c.member_id == member,
            mine.c.kind == "external",
            mine.c.system == system,
            mine.c.value == number,
            mine.c.system.startswith(_CONNECTED),
        ),
        exists().where(phone.c.member_id == member, phone.c.kind == "phone", ~phone.c.verified),
    )


def is_unproved(connection: Connection, member_id: int, names: Sequence[IdentityKey]) -> bool:
    """Whether one of these names is such an account of the member."""
    account = next((name for name in names if name.kind == "external"), None)
    if account is None:
        return False
    system, number = literal(account.system), literal(account.value)
    return bool(connection.scalar(select(unproved_account(literal(member_id), system, number))))
