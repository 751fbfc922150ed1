"""Days as a person types them: one a line, or a first and a last day with a dash between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

from loyalty_core.domain.conditions.people import day_of
from loyalty_core.domain.day_spans import day_spans

MOST_DAYS = 1000
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}"
_ONE_OR_SPAN = re.compile(rf"({_DAY})(?:\s*[-–—]\s*({_DAY}))?", re.ASCII)


def days_in(typed: str) -> list[str]:
    """Each day once, as the document has it (YYYY-MM-DD), in the order in which they were typed.

    What is no day, or a span that ends before it begins or has more than MOST_DAYS, stays as it
    was typed, for the document's reader to name.
    """
    found: dict[str, None] = {}
    for piece in re.split(r"[\n,;]", typed):
        text = piece.strip()
        if text:
            days = _days(text) if len(found) <= MOST_DAYS else [text]
            found |= dict.fromkeys(days)
    return list(found)


def _days(text: str) -> list[str]:
    told = _ONE_OR_SPAN.fullmatch(text)
    if told is None:
        return [text]
    try:
        first, last = (_day(one or told[1]) for one in told.groups())
    except ValueError:
        return [text]
    many = (last - first).days + 1
    if not 1 <= many <= MOST_DAYS:
        return [text]
    return [(first + timedelta(days=number)).isoformat() for number in range(many)]


def _day(text: str) -> date:
    """Raises: ValueError."""
    if "." not in text:
        return date.fromisoformat(text)
    day, month, year = map(int, text.split("."))
    return date(year, month, day)


def days_typed(days: Sequence[object], locale: str) -> str:
    """Days of the document, spans together, each on a line as the language ("ru", "en") has it;
    what is no day as it stands."""
    lines: list[str] = []
    for is_day, some in groupby(days, lambda one: day_of(str(one)) is not None):
        if is_day:
            spans = day_spans(day for one in some if (day := day_of(str(one))))
            lines += (_span(first, last, locale) for first, last in spans)
        else:
            lines += map(str, some)
    return "\n".join(lines)


def _span(first: date, last: date, locale: str) -> str:
    told = _typed(first, locale)
    return told if first == last else f"{told} – {_typed(last, locale)}"


def _typed(day: date, locale: str) -> str:
    russian = f"{day.day:02d}.{day.month:02d}.{day.year:04d}"
    return russian if locale == "ru" else day.isoformat()
