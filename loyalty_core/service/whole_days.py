"""Whole days of a programme as a period of time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.store.past_sales import Period

YEARS = range(2000, 2200)


def whole_days(first: date, last: date, timezone: str, *, named: str) -> Period:
    """From the midnight that begins `first` to the one that ends `last`, in a zone.

    `named`: what the caller calls the last day; the first is called `from`.

    Raises: InvalidInput.
    """
    for name, day in (("from", first), (named, last)):
        if day.year not in YEARS:
            raise InvalidInput({name: ["Time out of range."]})
    if last < first:
        raise InvalidInput({named: ["Must not be before from."]})
    zone = ZoneInfo(timezone)
    after = last + timedelta(days=1)
    return Period(
        datetime(first.year, first.month, first.day, tzinfo=zone),
        datetime(after.year, after.month, after.day, tzinfo=zone),
    )
