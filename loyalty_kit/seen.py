"""What a remote tells of itself beside its answers: its clock, and how many calls it still takes.

with watching() as seen:
    connector.check(client)
seen.said_at, seen.left
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

LIMITS = ("X-RateLimit-Limit", "RateLimit-Limit")
LEFT = ("X-RateLimit-Remaining", "RateLimit-Remaining")
"""As MoySklad and most others write them; the second is the form of the IETF's drafts."""


@dataclass(slots=True)
class Seen:
    """Of the last answers that told it: the remote's time, and calls that are left of so many."""

    said_at: datetime | None = None
    left: int | None = None
    limit: int | None = None


_watch: ContextVar[Seen | None] = ContextVar("seen", default=None)


@contextmanager
def watching() -> Iterator[Seen]:
    """What the calls of this thread hear meanwhile."""
    seen = Seen()
    token = _watch.set(seen)
    try:
        yield seen
    finally:
        _watch.reset(token)


def note(headers: Mapping[str, str]) -> None:
    """Take note of an answer, where somebody watches."""
    seen = _watch.get()
    if seen is None:
        return
    seen.said_at = _time(headers.get("Date", "")) or seen.said_at
    for name, value in (("left", _number(headers, LEFT)), ("limit", _number(headers, LIMITS))):
        if value is not None:
            setattr(seen, name, value)


def _time(text: str) -> datetime | None:
    """None for a time without a zone, too: nobody can say what it means."""
    try:
        said = parsedate_to_datetime(text)
    except ValueError:
        return None
    return None if said.tzinfo is None else said


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    texts = (headers.get(name, "") for name in names)
    found = (re.match("[0-9]{1,9}", text.strip(), re.ASCII) for text in texts)
    return next((int(one.group()) for one in found if one), None)
