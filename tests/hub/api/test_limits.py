"""How often a caller may call: shared where there is Redis, and going on where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from hub.limits import AWAY_S, RateLimit
from hub.refusal import Refusal

NOON = datetime(2026, 3, 14, 12, 0, 15, tzinfo=UTC)
"""Fifteen seconds into a minute."""
NOBODY = "redis://127.0.0.1:1/0"


def admitted(limit: RateLimit, calls: int, *, caller: str = "key:1", now: datetime = NOON) -> int:
    """How many of these calls got through."""
    through = 0
    for _ in range(calls):
        try:
            limit.admit(caller, now)
        except Refusal:
            continue
        through += 1
    return through


@pytest.mark.parametrize("url", [None, NOBODY])
def test_without_redis_a_process_counts_alone(url):
    limit = RateLimit("3/minute", url)

    assert admitted(limit, 5) == 3
    assert admitted(limit, 5, caller="key:2") == 3
    assert admitted(limit, 5, now=NOON + timedelta(minutes=1)) == 3


def test_a_refusal_says_when_the_minute_is_over():
    limit = RateLimit("1/minute", None)
    limit.admit("key:1", NOON)

    with pytest.raises(Refusal) as refused:
        limit.admit("key:1", NOON)

    assert (refused.value.status, refused.value.code) == (429, "rate_limited")
    assert refused.value.headers == {"Retry-After": "45"}


def test_of_several_limits_the_strictest_counts():
    assert admitted(RateLimit("10/minute; 2/second", None), 5) == 2


def test_processes_together_reach_the_limit_and_never_pass_it(redis_url):
    processes = [RateLimit("1000/minute", redis_url) for _ in range(2)]

    through = sum(admitted(processes[turn % 2], 7) for turn in range(300))

    # What one takes out of the shared window in a portion of ten, the other may miss.
    assert 980 <= through <= 1000


def test_redis_is_asked_once_for_a_hundredth_of_the_limit(redis_url):
    limit = RateLimit("1000/minute", redis_url)
    assert admitted(limit, 100) == 100

    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("*api/key:1/*")
        assert int(client.get(key)) == 100
        assert 0 < client.ttl(key) <= 60


def test_redis_that_was_away_is_asked_again(redis_url):
    limit = RateLimit("1000/minute", redis_url)
    (window,) = limit._windows
    shared, window._shared = window._shared, RateLimit("1/minute", NOBODY)._windows[0]._shared
    limit.admit("key:1", NOON)
    window._shared = shared

    later = NOON + timedelta(seconds=AWAY_S)
    assert admitted(limit, 2000, now=NOON) == 999, "alone: the whole limit, once"
    limit.admit("key:2", later)

    with redis.Redis.from_url(redis_url) as client:
        assert len(client.keys("*api/key:2/*")) == 1
