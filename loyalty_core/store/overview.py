"""What stands in a programme at a glance: queries for the console's first page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select, text, update

from loyalty_core.store.ids import first_id_at
from loyalty_core.store.purchases import bought_in
from loyalty_core.store.tables import (
    DEAD,
    deliveries,
    entries,
    members,
    programmes,
    purchase_lines,
    purchases,
    shops,
)
from loyalty_core.store.tables.members import GONE

_LATE = timedelta(days=1)
"""A receipt counts in the figures of its day if it came in by a day after it."""


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt of the last ones; `points` is what it moved at its member of the main currency, in
    hundredths: earned less spent, whether or not a hold had set it aside."""

    id: int
    external_id: str
    status: str
    shop: str
    member_id: int | None
    first_name: str | None
    last_name: str | None
    occurred_at: datetime
    paid_minor: int
    points: int


def dead_deliveries(connection: Connection, programme_id: int) -> int:
    return connection.scalars(
        select(func.count()).where(
            deliveries.c.programme_id == programme_id, deliveries.c.state == DEAD
        )
    ).one()


def member_count(connection: Connection, programme_id: int) -> int:
    """Members who can be met: not merged into another, not erased.

    All who were counted once a day, and who came since, less those who are gone.
    """
    counted, counted_to = connection.execute(
        select(programmes.c.members_counted, programmes.c.members_counted_to).where(
            programmes.c.id == programme_id
        )
    ).one()
    since = _how_many_members(programme_id, members.c.id >= counted_to)
    # In the words of the index.
    gone = _how_many_members(programme_id, text(GONE))
    return int(counted) + connection.scalars(since).one() - connection.scalars(gone).one()


def programmes_to_count(connection: Connection, before: int) -> list[int]:
    """Programmes whose members are counted up to an id below this one."""
    query = select(programmes.c.id).where(programmes.c.members_counted_to < before)
    return list(connection.scalars(query.order_by(programmes.c.id)))


def count_members_to(connection: Connection, programme_id: int, up_to: int) -> None:
    """Keep how many members have an id below this one, of which no more may come."""
    counted = connection.scalars(_how_many_members(programme_id, members.c.id < up_to)).one()
    connection.execute(
        update(programmes)
        .where(programmes.c.id == programme_id)
        .values(members_counted=counted, members_counted_to=up_to)
    )


def _how_many_members(programme_id: int, which: ColumnElement[bool] | TextClause) -> Select[int]:
    return select(func.count()).where(members.c.programme_id == programme_id, which)


def last_receipts(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    programme_id: int,
    limit: int,
    *,
    currency: str,
    source: str | None = None,
    shops_of: Collection[str] | None = None,
    since: datetime | None = None,
    before: int | None = None,
) -> list[ReceiptRow]:
    """The receipts that came in last, the newest first; `currency`: the main one; `source`,
    `shops_of`, `since` and `before`: those alone that it sent, of these shops, that came since,
    that have an id below it."""
    change = entries.c.d_available + entries.c.d_pending + entries.c.d_held - entries.c.d_debt
    moved = (
        select(func.coalesce(func.sum(change), 0))
        .where(
            entries.c.member_id == purchases.c.member_id,
            entries.c.currency == currency,
            entries.c.purchase_id == purchases.c.id,
        )
        .correlate(purchases)
        .scalar_subquery()
    )
    query = (
        select(
            purchases.c.id,
            purchases.c.external_id,
            purchases.c.status,
            shops.c.name.label("shop"),
            purchases.c.member_id,
            members.c.first_name,
            members.c.last_name,
            purchases.c.occurred_at,
            purchases.c.paid_minor,
            moved.label("points"),
        )
        .join(shops, shops.c.id == purchases.c.shop_id)
        .outerjoin(members, members.c.id == purchases.c.member_id)
        .where(purchases.c.programme_id == programme_id)
        .order_by(purchases.c.id.desc())
        .limit(limit)
    )
    if source is not None:
        query = query.where(purchases.c.source == source)
    if shops_of is not None:
        query = query.where(shops.c.code.in_(shops_of))
    if since is not None:
        query = query.where(purchases.c.id >= first_id_at(since))
    if before is not None:
        query = query.where(purchases.c.id < before)
    return [ReceiptRow(**row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class DayRow:
    """What receipts of a stretch of time come to; money in kopecks, points in hundredths."""

    receipts: int
    with_member: int
    paid_minor: int
    spend_minor: int
    earned_points: int
    joined: int


def stretch(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    programme_id: int,
    begin: datetime,
    end: datetime,
    now: datetime,
    *,
    shops_of: Collection[str] | None = None,
) -> DayRow:
    """The paid receipts from `begin` to `end`, both with it (`shops_of`: of these shops alone),
    and who joined then.

    Ids rise with the time at which rows were made, so a range of ids finds them without an index
    over their own time; of a stretch that is long over, without all that came since.
    """

    def made_then(number: ColumnElement[int]) -> list[ColumnElement[bool]]:
        over = end + _LATE < now
        return [
            number >= first_id_at(begin),
            *([number < first_id_at(end + _LATE)] if over else []),
        ]

    here = (
        purchases.c.programme_id == programme_id,
        *made_then(purchases.c.id),
        purchases.c.occurred_at >= begin,
        purchases.c.occurred_at <= end,
        purchases.c.status == "paid",
        purchases.c.linked_to.is_(None),
        *([] if shops_of is None else [bought_in(shops_of)]),
    )
    figures = (purchases.c.paid_minor, purchases.c.spend_minor, purchases.c.earned_points)
    receipts, with_member, told, paid, spend, earned = connection.execute(
        select(
            func.count(),
            func.count(purchases.c.member_id),
            func.count(purchases.c.earned_points),
            *[func.coalesce(func.sum(figure), 0) for figure in figures],
        ).where(*here)
    ).one()
    if told < receipts:
        earned += connection.scalars(
            select(func.coalesce(func.sum(purchase_lines.c.earned_points), 0))
            .join(purchases, purchases.c.id == purchase_lines.c.purchase_id)
            .where(*here, purchases.c.earned_points.is_(None))
            # Said of both, or PostgreSQL reads the lines of all receipts there are.
            .where(*made_then(purchase_lines.c.purchase_id))
        ).one()
    joined = connection.scalars(
        select(func.count()).where(
            members.c.programme_id == programme_id,
            *made_then(members.c.id),
            members.c.created_at >= begin,
            members.c.created_at <= end,
            members.c.state.in_(("active", "unconfirmed")),
        )
    ).one()
    return DayRow(receipts, with_member, int(paid), int(spend), int(earned), joined)
