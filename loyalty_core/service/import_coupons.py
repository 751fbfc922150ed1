"""Coupons that an owner has already, brought in (`import_codes`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.service.coupons import note_lot
from loyalty_core.service.import_codes import CodeImport, Line, Reading
from loyalty_core.store import coupons as store
from loyalty_core.store.coupons import ACTIVE, BLOCKED, WITHDRAWN, KeptCoupon, KeptLot
from loyalty_core.store.ids import new_id

WORDS = ("code", "series", "member", "most", "uses", "state", "starts_at", "ends_at")
_MOST = 10**9
_STATES = {"": ACTIVE, ACTIVE: ACTIVE, BLOCKED: BLOCKED, WITHDRAWN: WITHDRAWN}
_OVER = ("used", "expired")


class CouponImport(CodeImport[KeptCoupon]):
    kind = "coupon"

    def reader(self, reading: Reading) -> Callable[[Line], KeptCoupon]:
        return _Coupons(reading, self.way.series).coupon

    def there(self, connection: Connection, codes: Iterable[str]) -> Mapping[str, int | None]:
        keys = [(self.way.programme_id, code) for code in codes]
        return {
            code: one.lot_id for (_, code), one in store.known_coupons(connection, keys).items()
        }

    def lot_of(self, connection: Connection, first: KeptCoupon | None) -> int | None:
        way = self.way
        if first is not None:
            fresh = KeptLot(
                new_id(way.now),
                way.programme_id,
                way.lot,
                first.series,
                0,
                0,
                ACTIVE,
                None,
                None,
                None,
                way.author,
                way.now,
            )
            if store.add_lot(connection, fresh):
                note_lot(connection, fresh, brought_in=True)
        found = store.find_lot(connection, way.programme_id, way.lot, lock=not way.dry)
        return None if found is None else found.id

    def add(self, connection: Connection, lot_id: int, fresh: Sequence[KeptCoupon]) -> None:
        for coupon in fresh:
            coupon.lot_id = lot_id
        store.issue_coupons(connection, fresh)
        store.grow_lot(connection, lot_id, len(fresh))


@dataclass(frozen=True, slots=True)
class _Coupons:
    """Reads lines; `series`: of those that name none."""

    reading: Reading
    series: str | None

    def coupon(self, line: Line) -> KeptCoupon:
        """Raises: ValueError, in words for the owner."""
        told, reading = line.told, self.reading
        code = normal(told.get("code", ""))
        if not code:
            raise ValueError("has no code of 3 to 64 characters")
        own = self._series(told.get("series", "") or self.series or "")
        member = reading.owner(line)
        said = told.get("state", "")
        if said in _OVER:
            raise ValueError(f"is {said} already")
        if said not in _STATES:
            raise ValueError("has a state that is not active, blocked or withdrawn")
        starts_at, ends_at = reading.time(line, "starts_at"), reading.time(line, "ends_at")
        if starts_at and ends_at and starts_at >= ends_at:
            raise ValueError("ends before it starts")
        if ends_at and ends_at <= reading.now:
            raise ValueError("is expired already")
        return KeptCoupon(
            reading.programme.id,
            code,
            own.code,
            None,
            member,
            _STATES[said],
            _left(told, own),
            0,
            0,
            starts_at,
            ends_at,
            reading.now,
        )

    def _series(self, code: str) -> CouponSeries:
        series = self.reading.plan.series.get(code)
        if series is None:
            raise ValueError("has no series of the rules in force")
        return series


def _left(told: Mapping[str, str], series: CouponSeries) -> int:
    """Uses that are left: all of them are the hub's to count."""
    most = _count(told, "most", series.uses)
    left = most - _count(told, "uses", 0)
    if not 1 <= most <= _MOST:
        raise ValueError("has a most that is not from 1 to 1000000000")
    if left <= 0:
        raise ValueError("is used already")
    return left


def _count(told: Mapping[str, str], word: str, default: int) -> int:
    said = told.get(word, "")
    if not said:
        return default
    if not said.isascii() or not said.isdigit() or len(said) > len(str(_MOST)):
        raise ValueError(f"has {word} that is no whole number")
    return int(said)
