"""From the answer at the door to the ledger, at half of what one worker books; then the same with
Redis stopped, where only the sweep finds what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench.ground import Ground, Place
from bench.inbox import Inbox
from bench.measure import LATE, Probe, Sample
from bench.receipts import Till
from bench.through import Load, Way, pass_through
from bench.worker import workers
from tests.support.servers import PrivateServer

LAG, LAG_DEAF = "lag from 2xx to booked", "lag from 2xx to booked, Redis stopped"
SHARE = 0.5
"""Of what one worker books when it does nothing else."""
SWEEP_S = 5
_SWEEPS = 4
_START_S = 12.0
_MUCH_LATE_MS = 250


@contextmanager
def lag_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.own("lag"), ground.options
    pace = SHARE * _booked_a_second(place, options.receipts)
    ground.remark("lag", f"Lag: {pace:.0f} receipts a second are sent, half of one worker's rate.")
    heard = Load(pace, 2 * options.seconds)
    deaf = heard if options.quick else replace(heard, seconds=_SWEEPS * SWEEP_S)
    yield [
        _probe(ground, LAG, heard, lambda redis: None),
        _probe(ground, LAG_DEAF, deaf, lambda redis: redis.stop()),
    ]


def _probe(ground: Ground, name: str, load: Load, upset: Callable[[PrivateServer], None]) -> Probe:
    def run() -> dict[str, Sample]:
        sample = _measure(ground, load, upset)
        if sample[LATE] > _MUCH_LATE_MS:
            ground.remark("lag", f"{name}: the sender was late; the door did not take this load.")
        return {name: sample}

    return Probe(name, run, _START_S + 2 * load.seconds)


def _booked_a_second(place: Place, receipts: int) -> float:
    box = Inbox(place)
    with workers(place, 1) as one:
        box.warm(one)
        return box.work_off(one, receipts).booked


def _measure(ground: Ground, load: Load, upset: Callable[[PrivateServer], None]) -> Sample:
    place = ground.own("lag")
    till = Till(place)
    way = Way(till.installation, till.path, till.receipt, more={"HUB_SWEEP_S": str(SWEEP_S)})
    return pass_through(place, ground.options, way, load, upset).lag
