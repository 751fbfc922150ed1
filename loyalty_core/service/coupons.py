"""Coupons as their owner handles them: lots made in portions, shown, blocked, told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import draw, normal, told
from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.errors import (
    CouponNotFound,
    InvalidInput,
    MemberNotFound,
    ProgrammeNotFound,
)
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.whole_days import YEARS
from loyalty_core.store import audit, code_lots, members, programmes
from loyalty_core.store import coupons as store
from loyalty_core.store.coupons import ACTIVE, BLOCKED, WITHDRAWN, KeptCoupon, KeptLot
from loyalty_core.store.ids import from_wire, new_id, to_wire

LOT = "cl"
"""How a lot is named outside."""
MOST = 1_000_000
"""Coupons of one lot."""
PORTION = 5000
"""Coupons that are made in one transaction."""
SHOWN = 4
"""Signs at the end of a code by which the log tells it from others."""
_PAGE = 5000


@dataclass(frozen=True, slots=True)
class NewLot:
    """`member` (wire id): whose the coupons are; None: of whoever has the code."""

    name: str
    series: str
    size: int
    member: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def series_of(
    connection: Connection, plans: PlanCache, programme_id: int, code: str
) -> CouponSeries:
    """A series of the rules in force.  Raises: ProgrammeNotFound, InvalidInput."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    series = plans.get(connection, programme_id, programme.rules_version).series.get(code)
    if series is None:
        raise InvalidInput({"series": ["Not a series of coupons in the rules in force."]})
    return series


def open_lot(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    wanted: NewLot,
    *,
    author: str,
    now: datetime,
) -> KeptLot:
    """The lot of this name, made if there is none; its coupons are made by `fill_lot`.

    Raises: ProgrammeNotFound, MemberNotFound, InvalidInput (series, size, dates; or there is
    such a lot with other words).
    """
    if not 1 <= wanted.size <= MOST:
        raise InvalidInput({"count": [f"Must be from 1 to {MOST}."]})
    for name, moment in (("starts_at", wanted.starts_at), ("ends_at", wanted.ends_at)):
        if moment and moment.year not in YEARS:
            raise InvalidInput({name: ["Time out of range."]})
    if wanted.starts_at and wanted.ends_at and wanted.starts_at >= wanted.ends_at:
        raise InvalidInput({"ends_at": ["Must be later than starts_at."]})
    series_of(connection, plans, programme_id, wanted.series)
    member = None
    if wanted.member is not None:
        # Before the lot, as everywhere, and so that nobody erases whom it names.
        member = lock_member(connection, programme_id, wanted.member)
    lot = KeptLot(
        new_id(now),
        programme_id,
        wanted.name,
        wanted.series,
        wanted.size,
        0,
        ACTIVE,
        member,
        wanted.starts_at,
        wanted.ends_at,
        author,
        now,
    )
    if store.add_lot(connection, lot):
        note_lot(connection, lot, size=lot.size)
    known = store.find_lot(connection, programme_id, wanted.name, lock=True)
    assert known is not None
    words = ("series", "size", "starts_at", "ends_at")
    same_owner = _owner(connection, known) == member
    if not same_owner or any(getattr(known, name) != getattr(lot, name) for name in words):
        raise InvalidInput({"lot": ["There is a lot of this name with other words."]})
    return known


def fill_lot(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    name: str,
    *,
    portion: int = PORTION,
) -> KeptLot:
    """Make as many of a lot's coupons as are missing, but no more than `portion`.

    To be called until `made` is `size`; whoever was cut off goes on where it was.

    Raises: CouponNotFound (no such lot), MemberNotFound, InvalidInput (the series is gone).
    """
    member = find_lot(connection, programme_id, name).member_id
    if member is not None:
        member = members.lock_survivors(connection, programme_id, [member])[member]
    lot = store.find_lot(connection, programme_id, name, lock=True)
    assert lot is not None, "no lot is ever deleted"
    missing = min(portion, lot.size - lot.made)
    if missing <= 0:
        return lot
    if lot.member_id is not None and member is None:
        raise MemberNotFound
    series = series_of(connection, plans, programme_id, lot.series)
    ends_at = lot.ends_at or _end(connection, programme_id, series, lot.created_at)
    fresh = [
        KeptCoupon(
            programme_id,
            code,
            lot.series,
            lot.id,
            member,
            ACTIVE,
            series.uses,
            0,
            0,
            lot.starts_at,
            ends_at,
            lot.created_at,
        )
        for code in {draw() for _ in range(missing)}
    ]
    made = lot.made + store.add_coupons(connection, fresh)
    store.change_lot(connection, lot.id, {"made": made})
    filled = store.find_lot(connection, programme_id, name)
    assert filled is not None
    return filled


def own_coupon(  # noqa: PLR0913 - each is a word of its own to the caller
    programme_id: int,
    series: CouponSeries,
    member_id: int,
    *,
    since: datetime,
    zone: ZoneInfo,
    issued_for: str | None = None,
) -> KeptCoupon:
    """A fresh coupon of a member's own, not stored yet; its life counts from `since`."""
    ends_at = end_of_life(since, series.life_days, zone)
    return KeptCoupon(
        programme_id,
        draw(),
        series.code,
        None,
        member_id,
        ACTIVE,
        series.uses,
        0,
        0,
        None,
        ends_at,
        since,
        issued_for,
    )


def show_coupon(
    connection: Connection, programme_id: int, code: str, *, now: datetime
) -> dict[str, Any]:
    """A coupon, wire-ready.  Raises: CouponNotFound."""
    return coupon_view(_find(connection, programme_id, code), now)


def member_coupons(
    connection: Connection, programme_id: int, member_id: str, *, now: datetime
) -> list[dict[str, Any]]:
    """The member's own, the newest first, wire-ready.  Raises: MemberNotFound."""
    number = member_row(connection, programme_id, member_id)["id"]
    return [coupon_view(one, now) for one in store.of_member(connection, programme_id, number)]


def block_coupon(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    code: str,
    *,
    blocked: bool,
    author: str,
    now: datetime,
) -> dict[str, Any]:
    """Let a coupon not be used from now on, or be used again; what holds promised stays.

    The log knows the end of its code alone: it is never rewritten, and a whole code is value.

    Raises: CouponNotFound.
    """
    key = (programme_id, normal(code))
    coupon = store.lock_coupons(connection, [key]).get(key)
    if coupon is None:
        raise CouponNotFound
    if coupon.state != WITHDRAWN:
        before, coupon.state = coupon.state, BLOCKED if blocked else ACTIVE
        store.set_states(connection, [coupon])
        audit.note(
            connection,
            programme_id,
            "coupon_blocked",
            f"...{coupon.code[-SHOWN:]}",
            author=author,
            now=now,
            before={"state": before},
            after={"state": coupon.state},
        )
    return coupon_view(coupon, now)


def block_lot(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    name: str,
    *,
    blocked: bool,
    author: str,
    now: datetime,
) -> KeptLot:
    """All coupons of a lot at once.  Raises: CouponNotFound."""
    lot = find_lot(connection, programme_id, name)
    state = BLOCKED if blocked else ACTIVE
    store.change_lot(connection, lot.id, {"state": state})
    audit.note(
        connection,
        programme_id,
        "coupon_lot_blocked",
        name,
        author=author,
        now=now,
        before={"state": lot.state},
        after={"state": state},
    )
    return find_lot(connection, programme_id, name)


def note_lot(connection: Connection, lot: KeptLot, **facts: Any) -> None:
    """Write down in the log that a lot was made, with what it was asked to be."""
    audit.note(
        connection,
        lot.programme_id,
        "coupon_lot_made",
        lot.name,
        author=lot.author,
        now=lot.created_at,
        after={"series": lot.series, **facts},
    )


def find_lot(connection: Connection, programme_id: int, name: str) -> KeptLot:
    """Raises: CouponNotFound."""
    lot = store.find_lot(connection, programme_id, name)
    if lot is None:
        raise CouponNotFound({"lot": name})
    return lot


def lot_of(connection: Connection, programme_id: int, lot_id: str) -> KeptLot:
    """By its wire id.  Raises: CouponNotFound."""
    number = from_wire(LOT, lot_id)
    lot = None if number is None else store.lot_by_id(connection, programme_id, number)
    if lot is None:
        raise CouponNotFound
    return lot


def list_series(connection: Connection, plans: PlanCache, programme_id: int) -> list[CouponSeries]:
    """Those of the rules in force.  Raises: ProgrammeNotFound."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = plans.get(connection, programme_id, programme.rules_version)
    return list(plan.series.values())


def count_states(connection: Connection, lot: KeptLot, now: datetime) -> dict[str, int]:
    """How many coupons of a lot are in each state of `coupon_view`."""
    return code_lots.coupon_states(connection, lot, now)


def list_lots(connection: Connection, programme_id: int) -> list[KeptLot]:
    return store.all_lots(connection, programme_id)


def count_coupons(connection: Connection, programme_id: int, lot: KeptLot | None) -> int:
    return store.count_coupons(connection, programme_id, None if lot is None else lot.id)


def all_coupons(
    connection: Connection, programme_id: int, lot: KeptLot | None
) -> Iterator[list[KeptCoupon]]:
    """The coupons of a lot, or of the programme, in pages by code."""
    return store.pages(connection, programme_id, lot_id=None if lot is None else lot.id, size=_PAGE)


def coupon_view(coupon: KeptCoupon, now: datetime) -> dict[str, Any]:
    """A coupon as people and callers see it.  `state`: `active`, `used`, `expired`, `blocked`,
    `withdrawn`."""
    return {
        "code": told(coupon.code),
        "series": coupon.series,
        "state": _state(coupon, now),
        "member": None if coupon.member_id is None else to_wire("m", coupon.member_id),
        "uses": coupon.total,
        "most": coupon.most,
        "starts_at": None if coupon.starts_at is None else coupon.starts_at.isoformat(),
        "ends_at": None if coupon.ends_at is None else coupon.ends_at.isoformat(),
        "created_at": coupon.created_at.isoformat(),
    }


def _state(coupon: KeptCoupon, now: datetime) -> str:
    if coupon.standing != ACTIVE:
        return coupon.standing
    if coupon.uses >= coupon.most:
        return "used"
    return "expired" if coupon.ends_at is not None and now >= coupon.ends_at else ACTIVE


def _find(connection: Connection, programme_id: int, code: str) -> KeptCoupon:
    key = (programme_id, normal(code))
    coupon = store.known_coupons(connection, [key]).get(key)
    if coupon is None:
        raise CouponNotFound
    return coupon


def _owner(connection: Connection, lot: KeptLot) -> int | None:
    """The member whose a lot's coupons are, whoever that is by now.  Raises: MemberNotFound."""
    if lot.member_id is None:
        return None
    owner: int = member_row(connection, lot.programme_id, to_wire("m", lot.member_id))["id"]
    return owner


def _end(
    connection: Connection, programme_id: int, series: CouponSeries, since: datetime
) -> datetime | None:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    return end_of_life(since, series.life_days, ZoneInfo(programme.timezone))
