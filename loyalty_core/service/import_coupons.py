"""Coupons that an owner has already, brought in portion by portion, with a word on each bad line.

The same file once more brings in what is missing: a code that the lot has already is no news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.errors import PhoneImpossible, ProgrammeNotFound
from loyalty_core.domain.members import IdentityKey, card_key, email_key, phone_key
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.service.phones import normalise_phone
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import coupons as store
from loyalty_core.store import members, programmes
from loyalty_core.store.coupons import ACTIVE, BLOCKED, WITHDRAWN, KeptCoupon, KeptLot
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.programmes import Programme

WORDS = ("code", "series", "member", "most", "uses", "state", "starts_at", "ends_at")
_MOST = 10**9
_STATES = {"": ACTIVE, ACTIVE: ACTIVE, BLOCKED: BLOCKED, WITHDRAWN: WITHDRAWN}
_OVER = ("used", "expired")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number, and what stands in it by our words."""

    number: int
    told: Mapping[str, str]


@dataclass(slots=True)
class Report:
    """What became of lines.  `bad`: number and why, in words."""

    added: int = 0
    known: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)


class Import:
    """One file's way in, under the rules in force; `dry` writes nothing."""

    def __init__(  # noqa: PLR0913 - each is a word of its own to the caller
        self,
        plans: PlanCache,
        programme_id: int,
        lot: str,
        *,
        series: str | None,
        author: str,
        now: datetime,
        dry: bool,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._lot = lot
        self._series = series
        self._author = author
        self._now = now
        self._dry = dry
        self._seen: dict[str, int] = {}
        """Codes of the file, and the line on which each stood first: a portion that is tried
        again finds its own."""

    def take(self, connection: Connection, lines: Sequence[Line]) -> Report:
        """Bring in a portion; in one transaction of the caller's.  Raises: ProgrammeNotFound."""
        programme = programmes.programme_by_id(connection, self._programme_id)
        if programme is None:
            raise ProgrammeNotFound
        plan = self._plans.get(connection, programme.id, programme.rules_version)
        reading = _Reading(self._now, programme, plan, _owners(connection, plan, programme, lines))
        report = Report()
        wanted: dict[str, tuple[int, KeptCoupon]] = {}
        for line in lines:
            try:
                coupon = reading.coupon(line, self._series)
                if self._seen.setdefault(coupon.code, line.number) != line.number:
                    raise ValueError("stands in the file before")
            except ValueError as wrong:
                report.bad.append((line.number, str(wrong)))
                continue
            wanted[coupon.code] = (line.number, coupon)
        self._store(connection, wanted, report)
        report.bad.sort()
        return report

    def _store(
        self, connection: Connection, wanted: dict[str, tuple[int, KeptCoupon]], report: Report
    ) -> None:
        keys = [(self._programme_id, code) for code in wanted]
        there = store.known_coupons(connection, keys)
        lot = self._open_lot(connection, wanted)
        for (_, code), kept in there.items():
            number, _ = wanted.pop(code)
            if lot is not None and kept.lot_id == lot.id:
                report.known += 1
            else:
                report.bad.append((number, "is a coupon already"))
        report.added = len(wanted)
        if self._dry or lot is None or not wanted:
            return
        for _, coupon in wanted.values():
            coupon.lot_id = lot.id
        store.issue_coupons(connection, [coupon for _, coupon in wanted.values()])
        store.change_lot(
            connection, lot.id, {"size": lot.size + len(wanted), "made": lot.made + len(wanted)}
        )

    def _open_lot(
        self, connection: Connection, wanted: Mapping[str, tuple[int, KeptCoupon]]
    ) -> KeptLot | None:
        """The lot of the file; a dry run only looks for it."""
        if not self._dry and wanted:
            _, first = next(iter(wanted.values()))
            fresh = KeptLot(
                new_id(self._now),
                self._programme_id,
                self._lot,
                first.series,
                0,
                0,
                ACTIVE,
                None,
                None,
                None,
                self._author,
                self._now,
            )
            store.add_lot(connection, fresh)
        return store.find_lot(connection, self._programme_id, self._lot, lock=not self._dry)


@dataclass(frozen=True, slots=True)
class _Reading:
    now: datetime
    programme: Programme
    plan: Plan
    owners: Mapping[str, int]

    def coupon(self, line: Line, series: str | None) -> KeptCoupon:
        """Raises: ValueError, in words for the owner."""
        told = line.told
        code = normal(told.get("code", ""))
        if not code:
            raise ValueError("has no code of 3 to 64 characters")
        own = self._series(told.get("series", "") or series or "")
        member = None
        if who := told.get("member", ""):
            member = self.owners.get(who)
            if member is None:
                raise ValueError("names a member whom nobody knows")
        said = told.get("state", "")
        if said in _OVER:
            raise ValueError(f"is {said} already")
        if said not in _STATES:
            raise ValueError("has a state that is not active, blocked or withdrawn")
        starts_at, ends_at = self._time(told, "starts_at"), self._time(told, "ends_at")
        if starts_at and ends_at and starts_at >= ends_at:
            raise ValueError("ends before it starts")
        if ends_at and ends_at <= self.now:
            raise ValueError("is expired already")
        return KeptCoupon(
            self.programme.id,
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
            self.now,
        )

    def _series(self, code: str) -> CouponSeries:
        series = self.plan.series.get(code)
        if series is None:
            raise ValueError("has no series of the rules in force")
        return series

    def _time(self, told: Mapping[str, str], word: str) -> datetime | None:
        """A time with an offset; or a day of the programme's zone, the last one whole."""
        said = told.get(word, "")
        if not said:
            return None
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise ValueError(f"has a {word} that is no time") from None
        if moment.tzinfo is not None:
            return moment
        if len(said) > len("2026-12-31"):
            raise ValueError(f"has a {word} without an offset")
        day = moment + timedelta(days=1) if word == "ends_at" else moment
        return day.replace(tzinfo=ZoneInfo(self.programme.timezone))


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


def _owners(
    connection: Connection, plan: Plan, programme: Programme, lines: Iterable[Line]
) -> dict[str, int]:
    """Members by what the lines call them: the hub's id, a phone, an e-mail or a card."""
    told = {who for line in lines if (who := line.told.get("member", ""))}
    numbers = {who: number for who in told if (number := from_wire("m", who)) is not None}
    region = plan.rules.policies.phone_region
    keys = {who: _key(who, region) for who in told - numbers.keys()}
    found = members.owners(connection, programme.id, list(keys.values()))
    known = numbers | {who: found[key] for who, key in keys.items() if key in found}
    alive = members.lock_survivors(connection, programme.id, set(known.values()))
    return {
        who: member for who, number in known.items() if (member := alive.get(number)) is not None
    }


def _key(who: str, region: str) -> IdentityKey:
    if "@" in who:
        return email_key(who)
    try:
        return phone_key(normalise_phone(who, region))
    except PhoneImpossible:
        return card_key(who)
