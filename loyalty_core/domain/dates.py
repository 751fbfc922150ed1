"""Days of points: when they become spendable and when they end (`ledger.md` 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def spendable_from(occurred_at: datetime, activation_days: int, zone: ZoneInfo) -> datetime:
    """The same wall-clock time, so many days after the purchase."""
    if not activation_days:
        return occurred_at
    local = occurred_at.astimezone(zone)
    return (local + timedelta(days=activation_days)).astimezone(UTC)


def end_of_life(start: datetime, days: int | None, zone: ZoneInfo) -> datetime | None:
    """The midnight that ends the last day, `days` after `start`; None: never."""
    if days is None:
        return None
    last_day = start.astimezone(zone).date() + timedelta(days=days)
    after = last_day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)
