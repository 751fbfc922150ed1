"""Letters that have their day: birthdays, and points that are about to end.

A round tells what lies between the time up to which all is told and a midnight ahead; it goes
on, a batch at a time, from where it came to, and the next one begins where it ended.  So nothing
is told twice, and a hub that was down for a day leaves nobody out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.people import last_birthday_told
from loyalty_core.domain.letters import BIRTHDAY, POINTS_EXPIRE, last_day
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.write_letters import letter_to
from loyalty_core.store import letters as store
from loyalty_core.store import outbox, programmes
from loyalty_core.store.ids import to_wire
from loyalty_core.store.letters import LetterSetting
from loyalty_core.store.outbox import Notice
from loyalty_core.store.programmes import Programme
from loyalty_core.store.types import to_micros

BATCH = 500


@dataclass(frozen=True, slots=True)
class _Round:
    """Tells what lies after `since` and up to `until`, from `place` on."""

    setting: LetterSetting
    programme: Programme
    since: datetime
    until: datetime
    place: Sequence[Any] | None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.programme.timezone)


@dataclass(frozen=True, slots=True)
class _Told:
    """Some letters, and the place of the last one."""

    notices: list[Notice]
    place: Sequence[Any] | None


def tell_days(
    connection: Connection, plans: PlanCache, *, now: datetime, limit: int = BATCH
) -> int:
    """Write some of the letters whose time has come; how many, 0: all are written."""
    for setting in store.all_on(connection, (BIRTHDAY, POINTS_EXPIRE)):
        programme = programmes.programme_by_id(connection, setting.programme_id)
        assert programme is not None
        at_work = _round(setting, programme, now)
        if at_work is None:
            continue
        if setting.kind == BIRTHDAY:
            told = _birthdays(connection, at_work, now, limit)
        else:
            told = _endings(connection, plans, at_work, now, limit)
        outbox.announce(connection, told.notices, now=now)
        going_on = len(told.notices) == limit
        done = replace(
            setting,
            told_until=at_work.since if going_on else at_work.until,
            reach=at_work.until if going_on else None,
            place=told.place if going_on else None,
        )
        store.note_round(connection, done)
        if told.notices:
            return len(told.notices)
    return 0


def _round(setting: LetterSetting, programme: Programme, now: datetime) -> _Round | None:
    """The round that is at work, or one that begins; None where all is told."""
    assert setting.told_until is not None
    if setting.reach is not None:
        return _Round(setting, programme, setting.told_until, setting.reach, setting.place)
    zone = ZoneInfo(programme.timezone)
    last = now.astimezone(zone).date() + timedelta(days=setting.days_before or 0)
    until = _midnight_after(last, zone)
    if until <= setting.told_until:
        return None
    # What ended while nobody looked is told to nobody.
    return _Round(setting, programme, max(setting.told_until, now), until, None)


def _birthdays(connection: Connection, at_work: _Round, now: datetime, limit: int) -> _Told:
    zone = at_work.zone
    first, last = at_work.since.astimezone(zone).date(), last_day(at_work.until, zone)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    # Who was born on 29 February has the birthday on 28 February in other years.
    of = {told: day for day in days for told in (f"{day:%m-%d}", last_birthday_told(day))}
    after = int(at_work.place[0]) if at_work.place else 0
    found = store.born_on(connection, at_work.programme.id, of, after=after, limit=limit)
    notices = [
        letter_to(
            member,
            at_work.setting,
            f"{BIRTHDAY}:{to_wire('m', member)}:{of[told].year}",
            {"day": of[told].isoformat()},
            now=now,
            not_after=_midnight_after(of[told], zone),
        )
        for member, told in found
    ]
    return _Told(notices, [found[-1][0]] if found else None)


def _endings(
    connection: Connection, plans: PlanCache, at_work: _Round, now: datetime, limit: int
) -> _Told:
    """Of the main currency: others are not spent yet."""
    programme, place = at_work.programme, at_work.place
    main = plans.get(connection, programme.id, programme.rules_version).main.code
    found = store.ending_between(
        connection,
        programme.id,
        main,
        since=at_work.since,
        until=at_work.until,
        after=(datetime.fromisoformat(place[0]), int(place[1])) if place else None,
        limit=limit,
    )
    notices = [
        letter_to(
            one.member_id,
            at_work.setting,
            # A lot ends once, and is told of with all that end with it.
            f"{POINTS_EXPIRE}:{to_wire('m', one.member_id)}:{main}:{to_micros(one.expires_at)}",
            {"currency": main, "expires_at": one.expires_at.isoformat()},
            now=now,
            not_after=one.expires_at,
        )
        for one in found
    ]
    last = [found[-1].expires_at.isoformat(), found[-1].member_id] if found else None
    return _Told(notices, last)


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone)
