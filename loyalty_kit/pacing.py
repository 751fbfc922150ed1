"""How calls wait: for their turn, and before they are tried again."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.util.retry import Retry as _UrllibRetry

LONGEST_PAUSE_S = 5.0
"""A remote that asks for a longer pause gets it from the hub's schedule, not from a worker."""


AskedPause = Callable[[Mapping[str, str]], float]
"""The pause in seconds that an answer's headers ask for; 0 for none."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How time passes: seconds of a steady clock, and the way to wait."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pacer:
    """Keeps calls to one host apart, over all sessions and threads that share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}

    def wait(self, host: str, per_s: float, waiting: Waiting) -> None:
        """Returns when this caller's turn has come."""
        with self._lock:
            now = waiting.clock()
            turn = max(now, self._free_at.get(host, now))
            self._free_at[host] = turn + 1 / per_s
        if turn > now:
            waiting.sleep(turn - now)


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
