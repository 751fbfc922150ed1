"""Receipts of the past: paid ones of a period, span by span and never all at once; and those that
a file is held against."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from loyalty_core.domain.conditions.scene import History
from loyalty_core.store.codec import from_json
from loyalty_core.store.ids import first_id_at
from loyalty_core.store.sets import among
from loyalty_core.store.tables import members, purchases
from loyalty_kit.events import Purchase
from loyalty_kit.frozen import frozen

BROUGHT_IN = "import:"
"""Sources of receipts of before the hub begin so; those of keys and installations do not."""
_MOST_AHEAD = timedelta(days=1)
"""A receipt may be dated that long after it came; what is later than that is set right."""


@dataclass(frozen=True, slots=True)
class Period:
    """`since` <= when it was sold < `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """Receipts by their ids: `after` < id <= `until`."""

    after: int
    until: int


@dataclass(frozen=True, slots=True)
class PastSale:
    """A paid receipt that counts.  `tier`, `points_spent` (hundredths) and `coupons` (series and
    code) as it was booked."""

    id: int
    shop_id: int
    member_id: int | None
    event: Purchase
    points_spent: int
    tier: str | None
    coupons: tuple[tuple[str, str], ...] = ()


_SALE = [purchases.c[name] for name in ("id", "shop_id", "member_id", "document", "booking")]


@frozen
class OwnSale:
    """A receipt as it is held against a file's: one that a shop has reported itself, or one that
    a file has brought in."""

    shop_id: int
    member_id: int | None
    order: str | None
    external_id: str
    bought_at: datetime
    paid_minor: int


def own_sales(
    connection: Connection,
    programme_id: int,
    period: Period,
    numbers: Collection[str],
    buyers: Collection[int],
) -> list[OwnSale]:
    """Those of a period that have one of these numbers, or are of one of these members."""
    query = _like(programme_id, period, numbers, buyers).where(~_IS_BROUGHT_IN)
    return [OwnSale(*row) for row in connection.execute(query)]


def sales_brought_in(
    connection: Connection,
    programme_id: int,
    period: Period,
    numbers: Collection[str],
    buyers: Collection[int],
) -> list[OwnSale]:
    """The same of those that files have brought in and that count."""
    query = _like(programme_id, period, numbers, buyers).where(
        _IS_BROUGHT_IN, purchases.c.linked_to.is_(None)
    )
    return [OwnSale(*row) for row in connection.execute(query)]


_IS_BROUGHT_IN = purchases.c.source.startswith(BROUGHT_IN, autoescape=True)


def _like(
    programme_id: int, period: Period, numbers: Collection[str], buyers: Collection[int]
) -> Select[Any]:
    names = ("shop_id", "member_id", "order", "external_id", "occurred_at", "paid_minor")
    return select(*[purchases.c[name] for name in names]).where(
        purchases.c.programme_id == programme_id,
        purchases.c.occurred_at >= period.since,
        purchases.c.occurred_at < period.until,
        or_(
            purchases.c.order.in_(numbers),
            purchases.c.external_id.in_(numbers),
            purchases.c.member_id.in_(buyers),
        ),
    )


def first_brought_in(
    connection: Connection,
    programme_id: int,
    sources: Collection[str],
    ids: Collection[int],
    *,
    but: str,
) -> dict[int, datetime]:
    """When these members bought first, by receipts that imports of these sources have booked;
    without those whose number begins with `but`."""
    query = (
        select(purchases.c.member_id, func.min(purchases.c.occurred_at))
        .where(
            purchases.c.programme_id == programme_id,
            purchases.c.member_id.in_(ids),
            purchases.c.source.in_(sources),
            ~purchases.c.external_id.startswith(but, autoescape=True),
        )
        .group_by(purchases.c.member_id)
    )
    return {member: at for member, at in connection.execute(query) if member is not None}


def count_sales(connection: Connection, programme_id: int, period: Period) -> int:
    query = select(func.count()).select_from(purchases).where(*_within(programme_id, period))
    return connection.execute(query).scalar_one()


def spans_of(connection: Connection, programme_id: int, period: Period, *, size: int) -> list[Span]:
    """All of them in the order in which they came, in spans of `size`; the last may be shorter."""
    place = func.row_number().over(order_by=purchases.c.id).label("place")
    numbered = select(purchases.c.id, place).where(*_within(programme_id, period)).subquery()
    ends = select(numbered.c.id).where(numbered.c.place % size == 0).order_by(numbered.c.id)
    last = connection.execute(select(func.max(numbered.c.id))).scalar()
    spans: list[Span] = []
    after = 0
    for end in (*connection.scalars(ends), last):
        if end is not None and end > after:
            spans.append(Span(after, end))
            after = end
    return spans


def sales_of(
    connection: Connection, programme_id: int, period: Period, span: Span
) -> list[PastSale]:
    """The receipts of a span, in the order in which they came."""
    query = select(*_SALE).where(
        *_within(programme_id, period), purchases.c.id > span.after, purchases.c.id <= span.until
    )
    return [_sale(*row) for row in connection.execute(query.order_by(purchases.c.id))]


_EARLIER, _LATER = purchases.alias("earlier"), purchases.alias("later")
_BUYER, _KNOWN_AS = members.alias("buyer"), members.alias("known_as")
_NOW = func.coalesce(_BUYER.c.merged_into, _BUYER.c.id)
_BEFORE = (
    select(
        _LATER.c.id,
        func.count(_EARLIER.c.id),
        func.coalesce(func.sum(_EARLIER.c.qualifying_minor), 0),
        func.max(_EARLIER.c.occurred_at),
    )
    .join(_BUYER, _BUYER.c.id == _LATER.c.member_id)
    .join(_KNOWN_AS, or_(_KNOWN_AS.c.id == _NOW, _KNOWN_AS.c.merged_into == _NOW))
    .join(
        _EARLIER,
        and_(
            _EARLIER.c.member_id == _KNOWN_AS.c.id,
            _EARLIER.c.occurred_at < _LATER.c.occurred_at,
            _EARLIER.c.qualifying_minor > 0,
        ),
    )
    .where(among(_LATER.c.id, "ids"))
    .group_by(_LATER.c.id)
)


def history_before(connection: Connection, sales: Sequence[PastSale]) -> dict[int, History]:
    """What each buyer, with whoever was merged since, had bought before, net of what has come back
    since; left out: nothing."""
    ids = [sale.id for sale in sales if sale.member_id is not None]
    return {
        number: History(count, int(spent), last)
        for number, count, spent, last in connection.execute(_BEFORE, {"ids": ids})
    }


def _within(programme_id: int, period: Period) -> tuple[ColumnElement[bool], ...]:
    """A receipt that was seen twice counts once, and one that was brought in earned elsewhere.
    Ids rise with the time of arrival."""
    return (
        ~_IS_BROUGHT_IN,
        purchases.c.programme_id == programme_id,
        purchases.c.status == "paid",
        purchases.c.linked_to.is_(None),
        purchases.c.occurred_at >= period.since,
        purchases.c.occurred_at < period.until,
        purchases.c.id >= first_id_at(period.since - _MOST_AHEAD),
    )


def _sale(
    number: int,
    shop_id: int,
    member_id: int | None,
    document: dict[str, Any],
    booking: dict[str, Any],
) -> PastSale:
    return PastSale(
        number,
        shop_id,
        member_id,
        from_json(Purchase, document),
        booking.get("points_spent", 0),
        booking.get("tier"),
        tuple((one["series"], one["code"]) for one in booking.get("coupons", ())),
    )
