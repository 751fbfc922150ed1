"""The embedded hub, `loyalty-hub run` on SQLite: quotes while receipts flow."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.ground import Ground, Place
from bench.measure import BenchFailed, Probe, Sample
from bench.processes import hub_run
from bench.quote import WARM_S, Presser, checked_answer
from bench.receipts import Till
from bench.sender import Sender
from bench.waiting import backlog, wait_until_done

EMBEDDED = "quotes of the embedded hub while receipts flow"
ALONE = "quotes of the embedded hub, nothing else"
THREADS = 8
"""Connections that ask, one for each of the hub's threads."""
PACE, LEAST_PACE = 40.0, 2.5
"""Receipts a second; halved until the hub keeps up with them."""
_BEHIND_S = 2.0
"""So much of the flow may be waiting when the flow ends."""
_PATIENCE_S = 120


@contextmanager
def embedded_probes(ground: Ground) -> Iterator[list[Probe]]:
    place, options = ground.sqlite("embedded"), ground.options
    till = Till(place)
    with hub_run(place.web(options)) as served:
        checked_answer(served.address, place)
        presser = Presser(served.address, place)
        presser(THREADS, WARM_S)
        seconds = 2 * options.seconds
        flow = _Flow(place, till, Sender(served.address, till.path), presser)

        def alone() -> dict[str, Sample]:
            return {ALONE: presser(THREADS, options.seconds)}

        yield [
            Probe(ALONE, alone, options.seconds),
            Probe(EMBEDDED, lambda: {EMBEDDED: flow.press(seconds)}, 2 * seconds),
        ]
        ground.remark("embedded", f"Embedded: {flow.pace:g} receipts a second flowed meanwhile.")


class _Flow:
    """Receipts at a pace that the hub keeps up with, and quotes beside them."""

    def __init__(self, place: Place, till: Till, sender: Sender, presser: Presser) -> None:
        self._place, self._till = place, till
        self._sender, self._presser = sender, presser
        self.pace = PACE

    def press(self, seconds: float) -> Sample:
        """Raises: BenchFailed where it keeps up with no pace at all."""
        while True:
            sample, behind = self._once(seconds)
            wait_until_done(self._place, _PATIENCE_S)
            if behind <= max(2.0, _BEHIND_S * self.pace):
                return sample
            if self.pace <= LEAST_PACE:
                raise BenchFailed(f"{behind} receipts behind at {self.pace:g} a second")
            self.pace /= 2

    def _once(self, seconds: float) -> tuple[Sample, int]:
        now = self._till.hub.clock.now()
        news = [self._till.receipt(now) for _ in range(max(2, round(self.pace * seconds)))]
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._sender.at_pace, news, self.pace)
            sample = self._presser(THREADS, seconds)
            behind = backlog(self._place)
            sending.result()
        return sample, behind
