"""From a door's answer to the ledger: web, worker, scheduler and a Redis of their own.

The moments of sending are planned.  Booked is when the transaction that marked the delivery done
was committed, by PostgreSQL's own record and on the clock that the sender reads too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import psycopg

from bench.ground import Place
from bench.measure import CLIENT, LATE, RATE, BenchFailed, Sample, percentile, times_of
from bench.options import Options
from bench.processes import hub_jobs, hub_web
from bench.sender import Delivery, Headers, Sender, Sent
from bench.servers import conninfo
from bench.waiting import wait_until_done
from hub.clock import SystemClock
from tests.support.servers import PrivateServer, start_redis

WARM = 60
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Load:
    pace: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """A door, and what comes through it: `make` gives a delivery whose name is its key.

    `more`: what the hub's processes are told beside the usual.  `drains`: the worker keeps up, so
    what came is waited for.
    """

    installation: int
    path: str
    make: Callable[[datetime], Delivery]
    headers: Headers = lambda _: ""
    more: Mapping[str, str] = field(default_factory=dict)
    drains: bool = True


@dataclass(frozen=True, slots=True)
class Passed:
    """`answer`: what the door took to answer.  `lag`: from there to the books; empty where the
    worker does not keep up."""

    answer: Sample
    lag: Sample


def pass_through(
    place: Place, options: Options, way: Way, load: Load, upset: Callable[[PrivateServer], None]
) -> Passed:
    """Send at the pace of `load` when the hub is warm and `upset` has been done to its Redis.

    Raises: BenchFailed unless everything that was answered is booked.
    """
    redis = start_redis()
    web = replace(place.web(options), redis=redis.url)
    try:
        with hub_web(web, way.more) as address, hub_jobs(web, way.more):
            sender = Sender(address, way.path, way.headers)
            sender.at_pace(_deliveries(way, WARM), load.pace)
            _wait(place, way)
            upset(redis)
            news = _deliveries(way, round(load.pace * load.seconds))
            began = time.process_time()
            sent = sender.at_pace(news, load.pace)
            used = time.process_time() - began
            _wait(place, way)
    finally:
        redis.stop()
    took = max(one.answered_at for one in sent) - min(one.answered_at for one in sent)
    about = {
        RATE: len(sent) / max(took, 0.001),
        LATE: 1000 * percentile([one.late_s for one in sent], 99),
        CLIENT: used / load.seconds,
    }
    answer = {**about, **times_of([one.took_s for one in sent])}
    return Passed(answer, {**about, **times_of(_lags(place, way, sent))} if way.drains else {})


def _wait(place: Place, way: Way) -> None:
    if way.drains:
        wait_until_done(place, PATIENCE_S)


def _lags(place: Place, way: Way, sent: list[Sent]) -> list[float]:
    """Raises: BenchFailed unless everything that was answered is booked."""
    booked_at = _booked_at(place, way.installation)
    missing = [one.name for one in sent if one.name not in booked_at]
    if missing:
        raise BenchFailed(f"{len(missing)} of {len(sent)} were answered 2xx and are not booked")
    return [max(0.0, booked_at[one.name] - one.answered_at) for one in sent]


def _deliveries(way: Way, count: int) -> list[Delivery]:
    now = SystemClock().now()
    return [way.make(now) for _ in range(max(1, count))]


def _booked_at(place: Place, installation: int) -> dict[str, float]:
    """When each was committed as done, in seconds since 1970."""
    with psycopg.connect(conninfo(place.url), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT key, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"
            " FROM deliveries WHERE installation_id = %s AND state = 'done'",
            [installation],
        ).fetchall()
    return {str(key): float(at) for key, at in rows}
