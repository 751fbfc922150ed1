"""Days one after another, told as spans: holidays are read as weeks and not as lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

_NEXT = timedelta(days=1)


def day_spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last day of each run of days that follow each other as they stand."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] == _NEXT:
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found
