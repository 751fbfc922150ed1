"""Calls to vendors, counted in Redis for all processes of the hub (`loyalty_kit.pacing`).

While Redis is away each process counts for itself, as it always does as well: a vendor may then
be asked for as many times its limit as there are processes, and what it refuses is tried later.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from loyalty_kit.pacing import LONGEST_CALL_S, Pace

REDIS_S = 0.5
"""A call waits no longer for Redis to count it."""
AWAY_S = 5.0
"""So long nobody asks a Redis that has failed."""
MOST_ENDED = 200
"""Of so many calls it is told later that they ended; others it forgets by itself."""

log = structlog.get_logger(__name__)

# A sorted set for each account: calls by the time, in milliseconds of Redis' clock, until which
# they count.  A call under way counts until it must have died, and is told from others by that.
_BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local calls, at_once = tonumber(ARGV[2]), tonumber(ARGV[3])
local window, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCOUNT', KEYS[1], '(' .. (now + window + 1), '+inf') >= at_once then
    return 20
end
local over = redis.call('ZCARD', KEYS[1]) - calls
if over >= 0 then
    local last = redis.call('ZRANGE', KEYS[1], over, over, 'WITHSCORES')
    return math.min(tonumber(last[2]) - now, window)
end
redis.call('ZADD', KEYS[1], now + window + 1 + longest, ARGV[1])
redis.call('PEXPIRE', KEYS[1], window + 1 + longest)
return 0
"""
_END = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZADD', KEYS[1], 'XX', now + 1 + tonumber(ARGV[2]), ARGV[1])
"""


class RedisCount:
    """`loyalty_kit.pacing.SharedCount` over Redis."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=REDIS_S,
            socket_timeout=REDIS_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._begin = self._redis.register_script(_BEGIN)
        self._end = self._redis.register_script(_END)
        self._away_until = 0.0
        self._told: set[str] = set()
        """Calls under way that Redis may count."""
        self._ended: deque[Callable[[], Any]] = deque(maxlen=MOST_ENDED)

    def begin(self, name: str, pace: Pace, call: str) -> float:
        at_once = pace.calls if pace.at_once is None else pace.at_once
        words: list[str | int] = [call, pace.calls, at_once, _ms(pace.seconds), _ms(LONGEST_CALL_S)]
        self._tell_of_ended()
        if self._is_away():
            return 0.0
        self._told.add(call)
        wait_ms = self._asked(partial(self._begin, keys=[_key(name)], args=words))
        if wait_ms:
            self._told.discard(call)
        return (wait_ms or 0) / 1000

    def end(self, name: str, pace: Pace, call: str) -> None:
        if call not in self._told:
            return  # it went while Redis was away
        self._told.discard(call)
        words: list[str | int] = [call, _ms(pace.seconds)]
        self._ended.append(partial(self._end, keys=[_key(name)], args=words))
        self._tell_of_ended()

    def _tell_of_ended(self) -> None:
        """Those as well that ended while Redis was away: it thinks that they are under way."""
        while self._ended:
            try:
                tell = self._ended.popleft()
            except IndexError:
                return  # another thread tells it
            if self._asked(tell) is None:
                self._ended.append(tell)
                return

    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _asked(self, ask: Callable[[], Any]) -> int | None:
        """None while Redis is away."""
        if self._is_away():
            return None
        try:
            return int(ask())
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("pace_counted_alone", error=type(error).__name__)
            return None


def _key(name: str) -> str:
    return f"loyalty-hub:pace:{name}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
