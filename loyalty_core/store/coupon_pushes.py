"""Which shop is to be told of which coupon: one row for each pair, written in the same transaction
as its cause, and read anew when it is told.

Whoever holds an installation's lease (`installations.claim_duty`) tells its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, literal, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.sets import among
from loyalty_core.store.slices import between, last_of
from loyalty_core.store.tables import coupon_pushes, coupons, installations
from loyalty_core.store.types import UtcTime

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When what is asked for is due: before all that waits for an hour of its own."""
BEGUN = ""
"""A mark of what the shop may have: it was called, and its answer was not heard yet."""


@dataclass(frozen=True, slots=True)
class CouponPush:
    """`asked`: how often it was asked for by the time of reading; `told`: a mark of what the shop
    has of it (`BEGUN`: nobody knows), None where it has nothing."""

    installation_id: int
    code: str
    asked: int
    told: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """`waiting` are to be told of now, `made` stand in the shop, `failed` it did not take."""

    waiting: int = 0
    made: int = 0
    failed: int = 0
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A coupon that a shop did not take, and why; `series` None: the coupon is gone."""

    installation_id: int
    code: str
    error_code: str
    error_text: str
    due_at: datetime | None
    series: str | None


_COLUMNS = [coupon_pushes.c[name] for name in CouponPush.__dataclass_fields__]
_UNKNOWN = case((coupon_pushes.c.told.is_not(None), BEGUN))
_THESE = and_(among(coupons.c.programme_id, "programmes"), among(coupons.c.code, "codes"))


def ask(connection: Connection, keys: Collection[tuple[int, str]]) -> None:
    """Have all shops that make coupons of the programme told of these (`coupons.CouponKey`), which
    are locked."""
    if keys:
        programmes, codes = {key[0] for key in keys}, {key[1] for key in keys}
        _ask(connection, _THESE, programmes=programmes, codes=codes)


def ask_of_lot(connection: Connection, lot_id: int) -> None:
    _ask(connection, coupons.c.lot_id == lot_id)


def ask_of_members(
    connection: Connection,
    programme_id: int,
    members: Collection[int],
    *,
    home: int | None = None,
) -> None:
    """Have all shops, or this one alone, told anew of the coupons of these members, who have other
    addresses: what stands there may name one of before, so it counts as unknown."""
    if members:
        mine = and_(coupons.c.programme_id == programme_id, among(coupons.c.member_id, "members"))
        where = [] if home is None else [installations.c.id == home]
        _ask(connection, and_(mine, *where), {"told": _UNKNOWN}, members=members)


def ask_of_series(
    connection: Connection, home: int, *, series: Collection[str], after: str, limit: int
) -> str | None:
    """Have one installation told of the coupons of these series that can be used at all, and of
    all of them that it has: of those among the next `limit` codes of the programme `after` this
    one.  The last of these; None: there are none behind it.

    How many rows of coupons are read is bounded, whatever few of them are of these series.
    """
    # Not by a join: behind one PostgreSQL sorts all codes that there are.
    here = select(installations.c.programme_id).where(installations.c.id == home)
    ours = coupons.c.programme_id == here.scalar_subquery()
    last: str | None = last_of(connection, coupons.c.code, ours, after, limit)
    usable = and_(coupons.c.state == "active", coupons.c.uses < coupons.c.most)
    had = (
        select(literal(1))
        .where(coupon_pushes.c.installation_id == home, coupon_pushes.c.code == coupons.c.code)
        .exists()
    )
    mine = and_(installations.c.id == home, coupons.c.series.in_(series), usable | had)
    _ask(connection, and_(mine, *between(coupons.c.code, after, last)))
    return last


def _ask(
    connection: Connection,
    which: ColumnElement[bool],
    besides: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    at_once = literal(AT_ONCE, UtcTime())
    wanted = (
        select(installations.c.id, coupons.c.code, at_once)
        .where(
            installations.c.programme_id == coupons.c.programme_id,
            installations.c.makes_coupons,
            which,
        )
        .order_by(installations.c.id, coupons.c.code)
    )
    insert = insert_or(connection, coupon_pushes).from_select(
        ["installation_id", "code", "due_at"], wanted.params(**values)
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["installation_id", "code"],
            set_={"asked": coupon_pushes.c.asked + 1, "due_at": at_once, **(besides or {})},
        )
    )


def ask_back(connection: Connection, home: int, *, after: str, limit: int) -> str | None:
    """This installation makes no coupons any more: have those that it has taken back, of the next
    `limit` codes `after` this one.  The last of these; None: there are none behind it."""
    own = coupon_pushes.c.installation_id == home
    last: str | None = last_of(connection, coupon_pushes.c.code, own, after, limit)
    slice_ = (own, *between(coupon_pushes.c.code, after, last))
    connection.execute(delete(coupon_pushes).where(*slice_, coupon_pushes.c.told.is_(None)))
    again = {"asked": coupon_pushes.c.asked + 1, "due_at": AT_ONCE}
    connection.execute(update(coupon_pushes).where(*slice_).values(again))
    return last


def due(connection: Connection, home: int, *, now: datetime, limit: int) -> list[CouponPush]:
    """The longest due first."""
    query = (
        select(*_COLUMNS)
        .where(coupon_pushes.c.installation_id == home, coupon_pushes.c.due_at <= now)
        .order_by(coupon_pushes.c.due_at)
        .limit(limit)
    )
    return [CouponPush(*row) for row in connection.execute(query)]


def next_due_at(connection: Connection, home: int) -> datetime | None:
    soonest: datetime | None = connection.scalar(
        select(func.min(coupon_pushes.c.due_at)).where(coupon_pushes.c.installation_id == home)
    )
    return soonest


def begin(connection: Connection, push: CouponPush) -> bool:
    """Before the shop is called, so that what it makes is taken back even if its answer is lost;
    False where nobody asks for it any more."""
    begun = update(coupon_pushes).where(_is(push)).values(told=BEGUN)
    return bool(connection.execute(begun).rowcount)


def settle(
    connection: Connection,
    push: CouponPush,
    told: str | None,
    *,
    due_at: datetime | None,
    now: datetime,
) -> None:
    """The shop has this of it now, and is told again at `due_at`, or at once where it was asked
    for meanwhile.  Of what it does not have, and will not, nothing is kept."""
    if told is None and due_at is None:
        asked = coupon_pushes.c.asked == push.asked
        if connection.execute(delete(coupon_pushes).where(_is(push), asked)).rowcount:
            return
    _settle(connection, push, due_at, {"told": told, "told_at": now, **_error(None, None)})


def put_off(connection: Connection, push: CouponPush, *, now: datetime) -> None:
    """Behind all that is due by now: whatever it is that keeps the shop from taking it."""
    _settle(connection, push, now, {})


def settle_refused(
    connection: Connection,
    push: CouponPush,
    code: str | None,
    text: str | None,
    *,
    due_at: datetime | None,
) -> None:
    """The shop did not take it; what it has of it stays as it was."""
    _settle(connection, push, due_at, _error(code, text))


def _error(code: str | None, text: str | None) -> dict[str, Any]:
    return {"error_code": code, "error_text": text}


def _settle(
    connection: Connection, push: CouponPush, due_at: datetime | None, values: dict[str, Any]
) -> None:
    later = literal(due_at, UtcTime())
    due_at_or_now = case((coupon_pushes.c.asked == push.asked, later), else_=coupon_pushes.c.due_at)
    changes = update(coupon_pushes).where(_is(push)).values(due_at=due_at_or_now, **values)
    connection.execute(changes)


def counts(connection: Connection, home: int, *, now: datetime) -> Counts:
    waits = case((coupon_pushes.c.due_at <= now, 1))
    query = select(
        func.count(waits),
        func.count(func.nullif(coupon_pushes.c.told, BEGUN)),
        func.count(coupon_pushes.c.error_code),
        func.max(coupon_pushes.c.told_at),
    ).where(coupon_pushes.c.installation_id == home)
    return Counts(*connection.execute(query).one())


def errors(connection: Connection, home: int) -> dict[str, int]:
    """How many coupons the shop did not take, by the code of what is wrong."""
    its_own = coupon_pushes.c.installation_id == home
    rows = connection.execute(
        select(coupon_pushes.c.error_code, func.count())
        .where(its_own, coupon_pushes.c.error_code.is_not(None))
        .group_by(coupon_pushes.c.error_code)
        .order_by(coupon_pushes.c.error_code)
    )
    return dict(rows.all())


def not_taken(
    connection: Connection, programme_id: int, *, skip: int, limit: int
) -> list[NotTaken]:
    """Coupons that shops of the programme did not take."""
    kept = (coupons.c.programme_id == programme_id) & (coupons.c.code == coupon_pushes.c.code)
    query = (
        select(
            coupon_pushes.c.installation_id,
            coupon_pushes.c.code,
            coupon_pushes.c.error_code,
            coupon_pushes.c.error_text,
            coupon_pushes.c.due_at,
            coupons.c.series,
        )
        .join(installations, installations.c.id == coupon_pushes.c.installation_id)
        .outerjoin(coupons, kept)
        .where(
            installations.c.programme_id == programme_id, coupon_pushes.c.error_code.is_not(None)
        )
        .order_by(coupon_pushes.c.installation_id, coupon_pushes.c.code)
        .offset(skip)
        .limit(limit)
    )
    return [NotTaken(*row) for row in connection.execute(query)]


def _is(push: CouponPush) -> ColumnElement[bool]:
    return and_(
        coupon_pushes.c.installation_id == push.installation_id,
        coupon_pushes.c.code == push.code,
    )
