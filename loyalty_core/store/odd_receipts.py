"""What a person is to look at: refunds without a purchase, members whom one receipt named
together, and receipts with flags."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    literal,
    not_,
    null,
    or_,
    select,
    text,
    tuple_,
)

from loyalty_core.store.looked_at import CONFLICT, PURCHASE, REFUND, Key, was_looked_at
from loyalty_core.store.purchases import bought_in
from loyalty_core.store.tables import identity_conflicts, members, purchases, refunds, shops
from loyalty_core.store.tables.receipts import flagged_rows, told_shop

ConflictPlace = tuple[datetime, int, int, str]
"""Seen at, member, other, kind: where a page ended."""
_ALIVE = ("active", "unconfirmed")


@dataclass(frozen=True, slots=True)
class LostRefund:
    """`state`: "waiting" for its purchase, or "listed" for a person."""

    id: int
    external_id: str
    source: str
    state: str
    purchase: str | None
    order: str | None
    amount_minor: int
    occurred_at: datetime
    received_at: datetime
    flags: list[str]


@dataclass(frozen=True, slots=True)
class IdentityConflict:
    """Two members whom one receipt named: `kind` is the name that pointed to the other."""

    member_id: int
    other_member_id: int
    kind: str
    source: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class FlaggedReceipt:
    """`kind`: "purchase" or "refund"; a refund's sum is the money that went back."""

    kind: str
    id: int
    external_id: str
    source: str
    shop: str | None
    member_id: int | None
    sum_minor: int
    occurred_at: datetime
    received_at: datetime
    flags: list[str]


def lost_refunds(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    programme_id: int,
    *,
    seen: bool,
    before: int | None,
    limit: int,
    shops_of: Collection[str] | None = None,
) -> list[LostRefund]:
    """Those that were looked at, or those that were not; the newest first; `shops_of`: told in
    these shops alone."""
    query = (
        select(
            refunds.c.id,
            refunds.c.external_id,
            refunds.c.source,
            refunds.c.state,
            refunds.c.purchase_external_id.label("purchase"),
            refunds.c.order,
            refunds.c.amount_minor,
            refunds.c.occurred_at,
            refunds.c.received_at,
            refunds.c.flags,
        )
        # In the words of the index.
        .where(refunds.c.programme_id == programme_id, text("state IN ('waiting', 'listed')"))
        .where(_looked(programme_id, REFUND, refunds.c.id, seen))
        .order_by(refunds.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(refunds.c.id < before)
    if shops_of is not None:
        query = query.where(told_shop(refunds.c.document).in_(shops_of))
    return [LostRefund(**row) for row in connection.execute(query).mappings()]


def conflicts(
    connection: Connection,
    programme_id: int,
    *,
    seen: bool,
    after: ConflictPlace | None,
    limit: int,
) -> list[IdentityConflict]:
    """Of members who can still be met, the newest first: a merge settles them."""
    one, other = members.alias("one"), members.alias("other")
    pair = identity_conflicts.c.member_id, identity_conflicts.c.other_member_id
    less, more = (
        case((pair[0] < pair[1], pair[0]), else_=pair[1]),
        case((pair[0] < pair[1], pair[1]), else_=pair[0]),
    )
    place = (
        identity_conflicts.c.seen_at,
        identity_conflicts.c.member_id,
        identity_conflicts.c.other_member_id,
        identity_conflicts.c.kind,
    )
    query = (
        select(
            identity_conflicts.c.member_id,
            identity_conflicts.c.other_member_id,
            identity_conflicts.c.kind,
            identity_conflicts.c.source,
            identity_conflicts.c.seen_at,
        )
        .join(one, one.c.id == identity_conflicts.c.member_id)
        .join(other, other.c.id == identity_conflicts.c.other_member_id)
        .where(
            identity_conflicts.c.programme_id == programme_id,
            one.c.state.in_(_ALIVE),
            other.c.state.in_(_ALIVE),
            _looked(programme_id, CONFLICT, less, seen, more),
        )
        .order_by(*(column.desc() for column in place))
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(*place) < tuple_(*after, types=[one.type for one in place]))
    return [IdentityConflict(*row) for row in connection.execute(query)]


def flagged(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    programme_id: int,
    *,
    seen: bool,
    before: int | None,
    limit: int,
    shops_of: Collection[str] | None = None,
) -> list[FlaggedReceipt]:
    """Purchases and refunds with flags, those that came last first; `shops_of`: of these shops
    alone."""
    bought = _flagged_purchases(programme_id, before, limit).where(
        _looked(programme_id, PURCHASE, purchases.c.id, seen)
    )
    returned = _flagged_refunds(programme_id, before, limit).where(
        _looked(programme_id, REFUND, refunds.c.id, seen)
    )
    if shops_of is not None:
        bought, returned = bought.where(bought_in(shops_of)), returned.where(bought_in(shops_of))
    both = [
        FlaggedReceipt(*row) for query in (bought, returned) for row in connection.execute(query)
    ]
    return sorted(both, key=lambda one: one.id, reverse=True)[:limit]


def _looked(
    programme_id: int,
    kind: str,
    number: ColumnElement[int],
    seen: bool,
    other: ColumnElement[int] | None = None,
) -> ColumnElement[bool]:
    was = was_looked_at(programme_id, kind, number, other)
    return was if seen else not_(was)


def _flagged_purchases(programme_id: int, before: int | None, limit: int) -> Select[Any]:
    query = (
        select(
            literal("purchase"),
            purchases.c.id,
            purchases.c.external_id,
            purchases.c.source,
            shops.c.code,
            purchases.c.member_id,
            purchases.c.paid_minor,
            purchases.c.occurred_at,
            purchases.c.received_at,
            purchases.c.flags,
        )
        .join(shops, shops.c.id == purchases.c.shop_id)
        .where(purchases.c.programme_id == programme_id, text(flagged_rows("purchases")))
        .order_by(purchases.c.id.desc())
        .limit(limit)
    )
    return query if before is None else query.where(purchases.c.id < before)


def _flagged_refunds(programme_id: int, before: int | None, limit: int) -> Select[Any]:
    query = (
        select(
            literal("refund"),
            refunds.c.id,
            refunds.c.external_id,
            refunds.c.source,
            null(),
            purchases.c.member_id,
            refunds.c.amount_minor,
            refunds.c.occurred_at,
            refunds.c.received_at,
            refunds.c.flags,
        )
        .outerjoin(purchases, purchases.c.id == refunds.c.purchase_id)
        .where(refunds.c.programme_id == programme_id, text(flagged_rows("refunds")))
        .order_by(refunds.c.id.desc())
        .limit(limit)
    )
    return query if before is None else query.where(refunds.c.id < before)


def is_there(
    connection: Connection, programme_id: int, key: Key, shops_of: Collection[str] | None = None
) -> bool:
    """Whether the programme has a receipt of this number, or two members whom one receipt named;
    `shops_of`: a receipt of these shops alone."""
    kind, number, other = key
    if kind == CONFLICT:
        pair = identity_conflicts.c.member_id, identity_conflicts.c.other_member_id
        query = select(identity_conflicts.c.member_id).where(
            identity_conflicts.c.programme_id == programme_id,
            tuple_(*pair).in_([(number, other), (other, number)]),
        )
    else:
        table = purchases if kind == PURCHASE else refunds
        query = select(table.c.id).where(table.c.programme_id == programme_id, table.c.id == number)
        if shops_of is not None:
            of_shop = bought_in(shops_of)
            # A refund is of the shop of its purchase; one that has none, of where it was told.
            if kind == REFUND:
                query = query.outerjoin(purchases, purchases.c.id == refunds.c.purchase_id)
                told = told_shop(refunds.c.document).in_(shops_of)
                of_shop = or_(of_shop, and_(refunds.c.purchase_id.is_(None), told))
            query = query.where(of_shop)
    return connection.execute(query.limit(1)).first() is not None
