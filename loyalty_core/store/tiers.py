"""Queries over tiers: their changes, past and scheduled, and what they are reached by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    Table,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from loyalty_core.domain.event_rules import APPROVED
from loyalty_core.domain.ladder_path import Contribution
from loyalty_core.domain.tiering import ACTIONS, POINTS, PURCHASES
from loyalty_core.domain.tiers import Ladder
from loyalty_core.store.database import insert_or
from loyalty_core.store.members import aliases_of
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among
from loyalty_core.store.tables import (
    happenings,
    members,
    programmes,
    purchases,
    tier_changes,
)
from loyalty_core.store.types import to_micros


@dataclass(frozen=True, slots=True)
class TierChange:
    """From the moment after `at` on, the member's tier; `tier` None: below the first one."""

    member_id: int
    at: datetime
    tier: str | None


# --- changes --------------------------------------------------------------------------------

_HISTORY = Ready(
    select(tier_changes.c.member_id, tier_changes.c.at, tier_changes.c.tier)
    .where(among(tier_changes.c.member_id, "ids"))
    .order_by(tier_changes.c.member_id, tier_changes.c.at)
)


def tier_history(connection: Connection, ids: Collection[int]) -> dict[int, list[TierChange]]:
    """The changes of each member in the order of time, scheduled ones too."""
    history: dict[int, list[TierChange]] = defaultdict(list)
    for row in _HISTORY.rows(connection, {"ids": ids}):
        change = TierChange(*row)
        history[change.member_id].append(change)
    return history


def add_tier_changes(connection: Connection, changes: Iterable[TierChange]) -> None:
    rows = [{"member_id": one.member_id, "at": one.at, "tier": one.tier} for one in changes]
    if not rows:
        return
    statement = insert_or(connection, tier_changes)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "at"], set_={"tier": statement.excluded.tier}
        ),
        rows,
    )


def drop_tier_changes(connection: Connection, ids: Collection[int], *, after: datetime) -> None:
    """Take away what was scheduled for later than `after`."""
    connection.execute(
        delete(tier_changes).where(
            among(tier_changes.c.member_id, "ids"), tier_changes.c.at > after
        ),
        {"ids": ids},
    )


def tier_as_of(member: FromClause, now: ColumnElement[Any]) -> ColumnElement[str | None]:
    """The tier of a row of `members` at a moment, as a column: what was scheduled until then
    holds, whether or not the job has booked it."""
    last = (
        select(tier_changes.c.tier)
        .where(
            tier_changes.c.member_id == member.c.id,
            type_coerce(tier_changes.c.at, BigInteger) < now,
        )
        .order_by(tier_changes.c.at.desc())
        .limit(1)
        .correlate(member)
        .scalar_subquery()
    )
    due = type_coerce(member.c.next_tier_at, BigInteger) <= now
    return case((due, last), else_=member.c.tier)


def tier_of_row(connection: Connection, row: RowMapping, now: datetime) -> str | None:
    """The same of a row that was read; asks further only where a scheduled change has come."""
    if row["next_tier_at"] is None or row["next_tier_at"] > now:
        tier: str | None = row["tier"]
        return tier
    own = select(tier_as_of(members, literal(to_micros(now), BigInteger)))
    return connection.scalar(own.where(members.c.id == row["id"]))


def known_tiers(
    connection: Connection, ids: Collection[int], now: datetime
) -> dict[int, tuple[str | None, int]]:
    """The tiers of members as they stand now, and their spend in kopecks."""
    tier = tier_as_of(members, literal(to_micros(now), BigInteger)).label("tier")
    query = select(members.c.id, tier, members.c.spent_minor).where(among(members.c.id, "ids"))
    found = connection.execute(query, {"ids": ids})
    return {row.id: (row.tier, row.spent_minor) for row in found}


# --- what tiers are reached by --------------------------------------------------------------

Given = dict[int, Contribution]
"""Contributions of a member by the number of the purchase or event that brought each."""


def contributions(connection: Connection, ladder: Ladder, ids: Collection[int]) -> dict[int, Given]:
    """All that brought these members forward, with members merged into them.  One query, and
    one for the merged ones."""
    owner = {number: number for number in ids}
    for survivor, aliases in aliases_of(connection, ids).items():
        owner |= dict.fromkeys(aliases, survivor)
    given: dict[int, Given] = {number: {} for number in ids}
    for member, number, at, amount in _told(connection, ladder, list(owner)):
        if amount > 0:
            given[owner[member]][number] = Contribution(at, amount)
    return given


def _told(
    connection: Connection, ladder: Ladder, ids: list[int]
) -> Iterator[tuple[int, int, datetime, int]]:
    tiering = ladder.tiering
    if tiering.by == ACTIONS:
        found = connection.execute(_ACTIONS, {"ids": ids, "kinds": list(tiering.actions)})
    elif tiering.by == POINTS:
        yield from _events_earned(connection, ladder.currency, ids)
        found = connection.execute(_points(ladder.currency), {"ids": ids})
    else:
        found = connection.execute(_BOUGHT if tiering.by == PURCHASES else _SPENT, {"ids": ids})
    for row in found:
        yield row.member_id, row.id, row.occurred_at, int(row.amount)


def _receipts(amount: ColumnElement[Any]) -> Select[Any]:
    told = [purchases.c[name] for name in ("member_id", "id", "occurred_at")]
    return select(*told, amount.label("amount")).where(among(purchases.c.member_id, "ids"))


_SPENT = _receipts(purchases.c.qualifying_minor).where(purchases.c.qualifying_minor > 0)
_BOUGHT = _receipts(literal(1)).where(purchases.c.qualifying_minor > 0)
_ACTIONS = select(
    happenings.c.member_id,
    happenings.c.id,
    happenings.c.occurred_at,
    literal(1).label("amount"),
).where(
    among(happenings.c.member_id, "ids"),
    among(happenings.c.kind, "kinds"),
    or_(happenings.c.state.is_(None), happenings.c.state == APPROVED),
)


def _points(currency: str) -> Select[Any]:
    """What each purchase earned, less what was taken back of it: as its booking says."""
    return _receipts(_left(purchases, currency)).where(_left(purchases, currency) > 0)


def _events_earned(
    connection: Connection, currency: str, ids: list[int]
) -> Iterator[tuple[int, int, datetime, int]]:
    """The same of events that are no purchases, by their numbers below zero."""
    left = _left(happenings, currency)
    found = connection.execute(
        select(
            happenings.c.member_id, happenings.c.id, happenings.c.occurred_at, left.label("amount")
        ).where(among(happenings.c.member_id, "ids"), happenings.c.booking.is_not(None), left > 0),
        {"ids": ids},
    )
    for row in found:
        yield row.member_id, -row.id, row.occurred_at, int(row.amount)


def _left(table: Table, currency: str) -> ColumnElement[Any]:
    earned, clawed = (
        func.coalesce(cast(table.c.booking[(name, currency)].as_string(), BigInteger), 0)
        for name in ("earned", "clawed")
    )
    return earned - clawed


# --- the job --------------------------------------------------------------------------------


def members_to_look_at(connection: Connection, now: datetime, limit: int) -> dict[int, list[int]]:
    """Members whose tier changes or is to be warned of by now, by programme."""
    query = (
        select(members.c.programme_id, members.c.id)
        .where(members.c.tier_look_at <= now)
        .limit(limit)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(query.order_by(members.c.tier_look_at)):
        found[row.programme_id].append(row.id)
    return found


def rate_anew(connection: Connection, programme_id: int) -> None:
    """Let the job rate all members of a programme, from the first one on."""
    set_cursor(connection, programme_id, 0)


def set_cursor(connection: Connection, programme_id: int, cursor: int | None) -> None:
    connection.execute(
        update(programmes).where(programmes.c.id == programme_id).values(tiers_cursor=cursor)
    )


def cursors(connection: Connection) -> dict[int, int]:
    """Programmes whose members are to be rated anew, and how far that has come."""
    query = select(programmes.c.id, programmes.c.tiers_cursor)
    found = connection.execute(query.where(programmes.c.tiers_cursor.is_not(None)))
    return {row.id: row.tiers_cursor for row in found}


def lock_cursor(connection: Connection, programme_id: int) -> int | None:
    """The cursor, held until the transaction ends, so that one at a time goes on from it."""
    cursor: int | None = connection.scalar(
        select(programmes.c.tiers_cursor).where(programmes.c.id == programme_id).with_for_update()
    )
    return cursor


_ALIVE = (
    select(members.c.id)
    .where(
        members.c.programme_id == bindparam("programme"),
        members.c.id > bindparam("after"),
        members.c.state.in_(("active", "unconfirmed")),
    )
    .order_by(members.c.id)
    .limit(bindparam("most"))
)


def members_after(connection: Connection, programme_id: int, after: int, limit: int) -> list[int]:
    """The next members of a programme in id order; merged and erased ones are left out."""
    what = {"programme": programme_id, "after": after, "most": limit}
    return list(connection.scalars(_ALIVE, what))


def count_members(connection: Connection, programme_id: int, *, after: int = 0) -> int:
    """How many there are after a member."""
    query = select(func.count()).where(
        members.c.programme_id == programme_id,
        members.c.id > after,
        members.c.state.in_(("active", "unconfirmed")),
    )
    return connection.scalars(query).one()
