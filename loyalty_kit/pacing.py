"""How calls wait: for their turn, and before they are tried again."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import urllib3
from urllib3.util.retry import Retry as _UrllibRetry

from loyalty_kit.errors import RateLimited

LONGEST_PAUSE_S = 5.0
"""A remote that asks for a longer pause gets it from the hub's schedule, not from a worker."""


AskedPause = Callable[[Mapping[str, str]], float]
"""The pause in seconds that an answer's headers ask for; 0 for none."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How time passes: seconds of a steady clock, and the way to wait."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many calls in any so many seconds, and so many of them under way at once.

    `account` is whose calls the vendor counts, as a token; empty: all calls to one host.
    """

    calls: int
    seconds: float
    at_once: int | None = None
    account: str = field(default="", repr=False)

    @classmethod
    def per_second(cls, calls: float) -> Pace:
        whole = max(1, int(calls))
        return cls(whole, whole / calls)


class SharedCount(Protocol):
    """Counts the calls of several processes together.  `name` holds no secret."""

    def begin(self, name: str, pace: Pace, call: str) -> float:
        """0: the call is counted and may go.  Else the seconds after which to ask again."""
        ...

    def end(self, name: str, pace: Pace, call: str) -> None:
        """A call that was counted is over."""
        ...


LONGEST_CALL_S = 150.0
"""More than an answer is ever waited for: whose call is not over by then has died."""
_PATIENCE_S = 30.0
_LOOK_AGAIN_S = 0.02


class _OwnCount:
    """The calls of this process.

    A call is counted from before it goes until `seconds` after its answer: whenever the vendor
    counts it in between, no window of `seconds` has more than there may be.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, dict[str, float]] = {}

    def begin(self, name: str, pace: Pace, call: str, now: float) -> float:
        with self._lock:
            known = self._until.get(name, {})
            counted = {one: until for one, until in known.items() if until > now}
            self._until[name] = counted
            under_way = sum(until == math.inf for until in counted.values())
            if pace.at_once is not None and under_way >= pace.at_once:
                return _LOOK_AGAIN_S
            over = len(counted) - pace.calls
            if over >= 0:
                return min(sorted(counted.values())[over] - now, pace.seconds)
            counted[call] = math.inf
            return 0.0

    def end(self, name: str, call: str, until: float) -> None:
        with self._lock:
            self._until[name][call] = until

    def forget(self, name: str, call: str) -> None:
        """It did not go."""
        with self._lock:
            del self._until[name][call]


_OWN = _OwnCount()
"""The vendor counts the calls of this process, whichever session makes them."""
_shared: ContextVar[SharedCount | None] = ContextVar("shared", default=None)


@contextmanager
def counting_with(shared: SharedCount | None) -> Iterator[None]:
    """What is made meanwhile by this thread counts its calls there, too."""
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)


class Pacer:
    """Keeps the calls of one client to its pace, with all who call in the same name.

    Made within `counting_with` it counts with other processes, too.
    """

    def __init__(self, pace: Pace, waiting: Waiting | None = None) -> None:
        self.pace = pace
        self.waiting = waiting or Waiting()
        self.shared = _shared.get()

    @contextmanager
    def turn(self, host: str) -> Iterator[Turn]:
        """One call to a host, when its turn has come.  Raises: RateLimited."""
        turn = Turn(self, hashlib.sha256(f"{host}\n{self.pace.account}".encode()).hexdigest())
        turn.begin()
        try:
            yield turn
        finally:
            turn.end()


class Turn:
    """One call, which is over and begins again where it is repeated."""

    def __init__(self, pacer: Pacer, name: str) -> None:
        self._pacer = pacer
        self._name = name
        self._call: str | None = None

    def begin(self) -> None:
        """Returns when the call may go.

        Raises: RateLimited where others take all turns, as those of a process that died do.
        """
        pacer, call = self._pacer, secrets.token_hex(8)
        patience_ends = pacer.waiting.clock() + max(_PATIENCE_S, pacer.pace.seconds)
        while wait_s := self._asked(call):
            if pacer.waiting.clock() >= patience_ends:
                raise RateLimited("other calls of ours take all turns", retry_after_s=wait_s)
            pacer.waiting.sleep(wait_s)
        self._call = call

    def _asked(self, call: str) -> float:
        pacer, now = self._pacer, self._pacer.waiting.clock()
        wait_s = _OWN.begin(self._name, pacer.pace, call, now)
        if wait_s or pacer.shared is None:
            return wait_s
        may_go = False
        try:
            wait_s = pacer.shared.begin(self._name, pacer.pace, call)
            may_go = not wait_s
        finally:
            # Whoever is broken off while waiting for the answer makes no call either.
            if not may_go:
                _OWN.forget(self._name, call)
        return wait_s

    def end(self) -> None:
        """The answer has come, or none will.  Once is enough."""
        call, self._call, pacer = self._call, None, self._pacer
        if call is None:
            return
        _OWN.end(self._name, call, pacer.waiting.clock() + pacer.pace.seconds)
        if pacer.shared is not None:
            pacer.shared.end(self._name, pacer.pace, call)


def asked_pause_s(headers: Mapping[str, str]) -> float:
    """Seconds of `Retry-After`; 0 where it is missing or not a number of seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else 0.0


class Repeat(_UrllibRetry):
    """urllib3's Retry with short pauses only, through the sleep that was handed in."""

    pause: Callable[[float], None] = staticmethod(time.sleep)
    asked: AskedPause = staticmethod(asked_pause_s)

    def new(self, **changes: Any) -> Repeat:
        made = super().new(**changes)
        made.pause, made.asked = self.pause, self.asked
        return made

    def increment(self, *args: Any, **kwargs: Any) -> Repeat:
        response = kwargs.get("response")
        if response is not None and self.asked(response.headers) > LONGEST_PAUSE_S:
            reason = urllib3.exceptions.ResponseError("a long pause is asked for")
            raise urllib3.exceptions.MaxRetryError(kwargs["_pool"], "", reason)
        made = super().increment(*args, **kwargs)
        if response is not None:
            # There is another try: urllib3 would read the rest of this one, however long it is.
            response.close()
        return made

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        asked = self.asked(response.headers) if response is not None else 0.0
        self.pause(asked or self.get_backoff_time())
