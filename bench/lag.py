"""From the answer at the door to the ledger: web, worker, scheduler and Redis as in production.

Sent at half of what one worker books; then the same with Redis stopped, where only the sweep
finds what came.  Booked is when the transaction that marked the delivery done was committed,
by PostgreSQL's own record and on the clock that the sender reads too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from bench.ground import Ground, Place
from bench.inbox import BOOKED, Inbox
from bench.measure import CLIENT, LATE, RATE, BenchFailed, Probe, Sample, percentile, times_of
from bench.processes import hub_jobs, hub_web
from bench.receipts import Till
from bench.sender import Delivery, Sender, Sent
from bench.servers import conninfo
from bench.waiting import wait_until_done
from tests.support.servers import PrivateServer, start_redis

LAG, LAG_DEAF = "lag from 2xx to booked", "lag from 2xx to booked, Redis stopped"
SHARE = 0.5
"""Of what one worker books when it does nothing else."""
SWEEP_S = 5
_SWEEPS = 4
_WARM = 60
_START_S = 12.0
_PATIENCE_S = 120
_MUCH_LATE_MS = 250


@contextmanager
def lag_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.own("lag"), ground.options
    pace = SHARE * _booked_a_second(place, options.receipts)
    ground.remark("lag", f"Lag: {pace:.0f} receipts a second are sent, half of one worker's rate.")
    heard = _Load(pace, 2 * options.seconds)
    deaf = heard if options.quick else replace(heard, seconds=_SWEEPS * SWEEP_S)
    yield [
        _probe(ground, LAG, heard, lambda redis: None),
        _probe(ground, LAG_DEAF, deaf, lambda redis: redis.stop()),
    ]


@dataclass(frozen=True, slots=True)
class _Load:
    pace: float
    seconds: float


def _probe(ground: Ground, name: str, load: _Load, upset: Callable[[PrivateServer], None]) -> Probe:
    def run() -> dict[str, Sample]:
        sample = _measure(ground, load, upset)
        if sample[LATE] > _MUCH_LATE_MS:
            ground.remark("lag", f"{name}: the sender was late; the door did not take this load.")
        return {name: sample}

    return Probe(name, run, _START_S + 2 * load.seconds)


def _booked_a_second(place: Place, receipts: int) -> float:
    box = Inbox(place)
    for count in (_WARM, receipts):
        box.fill(count)
        found = box.work_off(count)
    return found[BOOKED][RATE]


def _measure(ground: Ground, load: _Load, upset: Callable[[PrivateServer], None]) -> Sample:
    place = ground.own("lag")
    till, redis = Till(place), start_redis()
    web = replace(place.web(ground.options), redis=redis.url)
    more = {"HUB_SWEEP_S": str(SWEEP_S)}
    try:
        with hub_web(web, more) as address, hub_jobs(web, more):
            sender = Sender(address, till.path)
            sender.at_pace(_deliveries(till, _WARM), load.pace)
            wait_until_done(place, _PATIENCE_S)
            upset(redis)
            news = _deliveries(till, round(load.pace * load.seconds))
            began = time.process_time()
            sent = sender.at_pace(news, load.pace)
            used = time.process_time() - began
            wait_until_done(place, _PATIENCE_S)
    finally:
        redis.stop()
    return {**_sample(place, till, sent), CLIENT: used / load.seconds}


def _deliveries(till: Till, count: int) -> list[Delivery]:
    now = till.hub.clock.now()
    return [till.receipt(now) for _ in range(max(1, count))]


def _sample(place: Place, till: Till, sent: list[Sent]) -> Sample:
    """Raises: BenchFailed unless everything that was answered is booked."""
    booked_at = _booked_at(place, till.installation)
    missing = [one.name for one in sent if one.name not in booked_at]
    if missing:
        raise BenchFailed(f"{len(missing)} of {len(sent)} were answered 2xx and are not booked")
    lags = [max(0.0, booked_at[one.name] - one.answered_at) for one in sent]
    took = max(one.answered_at for one in sent) - min(one.answered_at for one in sent)
    late = 1000 * percentile([one.late_s for one in sent], 99)
    return {RATE: len(sent) / max(took, 0.001), **times_of(lags), LATE: late}


def _booked_at(place: Place, installation: int) -> dict[str, float]:
    """When each was committed as done, in seconds since 1970."""
    with psycopg.connect(conninfo(place.url), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT key, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"
            " FROM deliveries WHERE installation_id = %s AND state = 'done'",
            [installation],
        ).fetchall()
    return {str(key): float(at) for key, at in rows}
