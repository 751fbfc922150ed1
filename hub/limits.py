"""How often one caller may call: windows of the clock, shared over processes by Redis.

A process takes calls out of the shared window in portions, so most calls ask nobody.  Never
more than the limit get through; a process may refuse while another still holds the rest of a
portion, which is at most a hundredth of the limit each.  Without Redis, and for as long as it is
away, every process counts for itself (`docs/adr/0012-quotes-without-detours.md`).
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime

import structlog
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import RedisStorage

from hub.refusal import Refusal

PORTIONS = 100
REDIS_S = 0.25
"""A till does not wait longer for Redis to count its calls."""
AWAY_S = 5.0
"""So long nobody asks a Redis that has failed."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Count:
    """What a caller has left of what this process has taken.

    `alone`: the process has given a whole limit without asking.
    """

    left: int = 0
    alone: bool = False


class RateLimit:
    def __init__(self, limit: str, redis_url: str | None) -> None:
        """`limit`: "6000/minute", or several by semicolon.  Raises: ValueError."""
        self._windows = [_Window(item, redis_url) for item in parse_many(limit)]

    def admit(self, caller: str, now: datetime) -> None:
        """Count a call.  Raises: Refusal 429, which says when the window is over."""
        seconds = now.timestamp()
        for window in self._windows:
            if not window.take(caller, seconds):
                wait_s = math.ceil(window.ends_at(seconds) - seconds)
                raise Refusal(429, "rate_limited", {"Retry-After": str(wait_s)})

    def spend(self, caller: str, times: int, now: datetime) -> datetime | None:
        """Count something so many times; when it may happen again, if the limit is reached."""
        seconds = now.timestamp()
        over = [
            window.ends_at(seconds)
            for window in self._windows
            if not all(window.take(caller, seconds) for _ in range(times))
        ]
        return datetime.fromtimestamp(max(over), tz=now.tzinfo) if over else None


class _Window:
    """One limit, by caller, in the window of the clock that is open now."""

    def __init__(self, item: RateLimitItem, redis_url: str | None) -> None:
        self._most = item.amount
        self._length_s = item.get_expiry()
        self._shared = None if redis_url is None else _redis(redis_url)
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._number = 0
        self._counts: dict[str, _Count] = {}

    def ends_at(self, seconds: float) -> float:
        return (seconds // self._length_s + 1) * self._length_s

    def take(self, caller: str, seconds: float) -> bool:
        """Whether there was a call left."""
        number = int(seconds // self._length_s)
        with self._lock:
            count = self._count(caller, number)
            if count.left > 0:
                count.left -= 1
                return True
        granted = self._portion(caller, count, number, seconds)
        with self._lock:
            count.left += granted - 1 if granted else 0
        return granted > 0

    def _count(self, caller: str, number: int) -> _Count:
        if number != self._number:
            self._number, self._counts = number, {}
        count = self._counts.get(caller)
        if count is None:
            count = self._counts[caller] = _Count()
        return count

    def _portion(self, caller: str, count: _Count, number: int, seconds: float) -> int:
        """How many calls more this caller gets here."""
        if self._shared is not None and seconds >= self._away_until:
            size = max(1, self._most // PORTIONS)
            key = f"api/{caller}/{self._most}/{self._length_s}/{number}"
            try:
                taken = self._shared.incr(key, self._length_s, size)
            except StorageError as error:
                self._away_until = seconds + AWAY_S
                log.warning("redis_away", kind=type(error.storage_error).__name__)
            else:
                return max(0, size - max(0, taken - self._most))
        if count.alone:
            return 0
        count.alone = True
        return self._most


def _redis(url: str) -> RedisStorage:
    return RedisStorage(
        url,
        wrap_exceptions=True,
        socket_connect_timeout=REDIS_S,
        socket_timeout=REDIS_S,
    )
