"""Days of points: when they become spendable and when they end (`ledger.md` 7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


def spendable_from(occurred_at: datetime, activation_days: int, zone: ZoneInfo) -> datetime:
    """The same wall-clock time, so many days after the purchase."""
    if not activation_days:
        return occurred_at
    local = occurred_at.astimezone(zone)
    return (local + timedelta(days=activation_days)).astimezone(UTC)


_ENDS = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """The moment on the clock of a zone.  Where the calendar has no such day there, as for the last
    second of the year 9999 in UTC, by which some tell "for ever": its end, or a first midnight."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return _ENDS[at.year > 1].replace(tzinfo=zone)


EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Where the period that never ends begins."""


def period_start(at: datetime, period: str, zone: ZoneInfo) -> datetime:
    """The local midnight with which the day, week (from Monday), month or year of `at` began."""
    if period == "ever":
        return EVER
    day = at.astimezone(zone).date()
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    elif period == "year":
        day = day.replace(month=1, day=1)
    return _midnight(day, zone)


def end_of_life(start: datetime, days: int | None, zone: ZoneInfo) -> datetime | None:
    """The midnight that ends the last day, `days` after `start`; None: never."""
    if days is None:
        return None
    return _midnight(start.astimezone(zone).date() + timedelta(days=days + 1), zone)


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """With which the day begins there; remembered, because receipts come day by day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
