"""What is done to the hub, when, and how long it takes to get over it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from loyalty_core.store.database import read
from loyalty_core.store.tables import deliveries
from tests.torture.sender import Tally
from tests.torture.stage import JUMPING, Stage

OVER_IT_S = 60.0
_POLL_S = 0.02
ROOM = 40
"""So many calls are left after a harm, to see that it is overcome."""
_WEIGHTS: Mapping[str, int] = {
    "web": 6,
    "web process": 2,
    "worker": 6,
    "scheduler": 2,
    "postgres": 6,
    "postgres process": 2,
    "redis": 3,
    "redis flushed": 3,
    "disk full": 3,
    "clock": 4,
}
KINDS = tuple(_WEIGHTS)
JUMPS_S = (-3 * 3600, -600, -30, 30, 600, 3 * 3600)


@dataclass(frozen=True, slots=True)
class Harm:
    """One harm, due once so many deeds were sent."""

    after: int
    kind: str


@dataclass
class Recovery:
    """Longest times, by kind of harm, until a call was answered and a delivery was booked."""

    done: Counter[str] = field(default_factory=Counter)
    answered_s: dict[str, float] = field(default_factory=dict)
    booked_s: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def note(self, longest: dict[str, float], kind: str, seconds: float | None) -> None:
        if seconds is None:
            self.findings.append(f"not over it within {OVER_IT_S:.0f} s: {kind}")
        else:
            longest[kind] = max(longest.get(kind, 0.0), round(seconds, 2))


def plan_harm(seed: int, count: int, length: int, kinds: tuple[str, ...] = KINDS) -> list[Harm]:
    """So many harms over a stream of this length; each kind once before any comes again."""
    chance = random.Random(seed)
    first = chance.sample(kinds, len(kinds))
    rest = chance.choices(kinds, [_WEIGHTS[kind] for kind in kinds], k=count)
    places = sorted(chance.randrange(length * 9 // 10) for _ in range(count))
    return [Harm(*pair) for pair in zip(places, [*first, *rest][:count], strict=True)]


class Chaos:
    """Does the harms, one after the other, each after the hub is over the last one."""

    def __init__(self, stage: Stage, tally: Tally, seed: int) -> None:
        self._stage, self._tally = stage, tally
        self._chance = random.Random(seed + 1)
        self._pause = threading.Event()
        self.recovery = Recovery()
        self._ways: Mapping[str, Callable[[], None]] = {
            "web": stage.web.kill,
            "web process": lambda: self._kill_child(stage.web),
            "worker": lambda: self._chance.choice(stage.workers).kill(),
            "scheduler": stage.scheduler.kill,
            "postgres": stage.postgres.kill,
            "postgres process": lambda: self._kill_child(stage.postgres),
            "redis": stage.redis.kill,
            "redis flushed": self._flush,
            "disk full": self._fill_the_disk,
            "clock": self._shift_the_clock,
        }

    def do(self, harms: list[Harm], sending: Callable[[], bool]) -> None:
        """The senders do not run ahead of the next harm, so that none is left out."""
        for harm in harms:
            wanted = max(harm.after, self._tally.gone)
            self._tally.horizon = wanted
            while self._tally.gone < wanted and sending():
                self._pause.wait(_POLL_S)
            if not sending():
                break
            self._pause.wait(self._chance.random() * 0.3)
            self._tally.horizon = self._tally.gone + ROOM
            self._do(harm.kind, sending)
        self._tally.horizon = None
        if (done := self.recovery.done.total()) < len(harms):
            self.recovery.findings.append(f"the stream was too short: {done} of {len(harms)} harms")

    def _do(self, kind: str, sending: Callable[[], bool]) -> None:
        self._ways[kind]()
        # A harm that lasts may have used the room up, and nobody would be left to see its end.
        self._tally.horizon = self._tally.gone + ROOM
        self.recovery.done[kind] += 1
        since, booked = time.monotonic(), None
        answered_s = booked_s = None
        while sending() and time.monotonic() - since < OVER_IT_S:
            if answered_s is None and self._tally.last_started > since:
                answered_s = time.monotonic() - since
            now_booked = self._booked()
            booked = now_booked if booked is None else booked
            if booked_s is None and booked is not None and (now_booked or 0) > booked:
                booked_s = time.monotonic() - since
            if answered_s is not None and booked_s is not None:
                break
            self._pause.wait(_POLL_S)
        if sending():
            self.recovery.note(self.recovery.answered_s, kind, answered_s)
            self.recovery.note(self.recovery.booked_s, kind, booked_s)

    def _booked(self) -> int | None:
        """How many deliveries are worked off; None where the database does not say."""
        worked = select(func.count()).select_from(deliveries).where(deliveries.c.state == "done")
        try:
            with read(self._stage.engine) as connection:
                return connection.execute(worked).scalar_one()
        except DBAPIError:
            return None

    # --- ways -------------------------------------------------------------------------------

    def _kill_child(self, program) -> None:
        program.kill_child(self._chance.randrange(100))

    def _flush(self) -> None:
        with suppress(RedisError):
            self._stage.flush_redis()

    def _fill_the_disk(self) -> None:
        self._stage.disk.fill()
        self._pause.wait(self._chance.uniform(0.3, 2.0))
        self._stage.disk.free()

    def _shift_the_clock(self) -> None:
        """A worker's or the scheduler's clock jumps, and jumps back some time later."""
        clock = self._stage.clocks[self._chance.choice(JUMPING)]
        clock.set(self._chance.choice(JUMPS_S))
        self._pause.wait(self._chance.uniform(0.3, 2.0))
        clock.set(0)
