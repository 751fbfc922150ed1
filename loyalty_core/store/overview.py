"""What stands in a programme at a glance: queries for the console's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from loyalty_core.store.tables import deliveries, entries, members, purchases, shops


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt of the last ones; `points` is what it moved at its member, in hundredths."""

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
            deliveries.c.programme_id == programme_id, deliveries.c.state == "dead"
        )
    ).one()


def member_count(connection: Connection, programme_id: int) -> int:
    """Members who can be met: not merged into another, not erased."""
    return connection.scalars(
        select(func.count()).where(
            members.c.programme_id == programme_id,
            members.c.state.in_(("active", "unconfirmed")),
        )
    ).one()


def last_receipts(connection: Connection, programme_id: int, limit: int) -> list[ReceiptRow]:
    """The receipts that came in last, the newest first."""
    moved = (
        select(func.coalesce(func.sum(entries.c.d_available + entries.c.d_pending), 0))
        .where(
            entries.c.member_id == purchases.c.member_id,
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
    return [ReceiptRow(**row) for row in connection.execute(query).mappings()]
