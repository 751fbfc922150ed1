"""Worker and scheduler as threads of the web process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from hub.jobs.scheduler import run_scheduler
from hub.jobs.worker import answer_in_thread, beat_until
from hub.queue import ThreadBell
from hub.wiring import Hub

_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """The threads at work, until `stop`."""

    _stop: threading.Event
    _wake: Callable[[], None]
    _threads: tuple[threading.Thread, ...]

    def stop(self) -> None:
        """End both after the batch at hand; what they leave is due still, and nothing is lost."""
        self._stop.set()
        self._wake()
        for thread in self._threads:
            thread.join(_PATIENCE_S)


def start_embedded(hub: Hub) -> Embedded:
    """Start the worker and the scheduler that everything in one process needs.

    With Redis configured the worker answers its bells, beside any that run elsewhere.
    """
    stop = threading.Event()
    targets: dict[str, Callable[[], None]] = {
        "scheduler": lambda: run_scheduler(hub, stop),
        "worker": lambda: answer_in_thread(hub, stop),
        "beat": lambda: beat_until(hub, stop),
    }
    threads = tuple(
        threading.Thread(target=target, name=name, daemon=True) for name, target in targets.items()
    )
    for thread in threads:
        thread.start()
    wake = hub.bell.wake if isinstance(hub.bell, ThreadBell) else stop.set
    return Embedded(stop, wake, threads)
