"""Starts one of the hub's processes with the harness's clock and till: `ROLE CLOCK_FILE`.

The product knows no other clock than the one that is handed in where its parts are put together,
so the harness puts them together itself.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from hub import logs, serving
from hub.clock import SystemClock
from hub.config import load_config
from hub.jobs import run_scheduler, run_worker
from hub.registry import registry_of
from hub.wiring import Hub, build_hub
from tests.support.shopfloor import Remote, tablo


class ShiftedClock:
    """The machine's clock, so many seconds off as a file says at the moment."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        shift = timedelta(seconds=float(self._file.read_text("ascii")))
        return SystemClock().now() + shift


def main() -> None:
    role, clock_file = sys.argv[1:3]
    clock = ShiftedClock(Path(clock_file))
    registry = registry_of([tablo(Remote())])
    hub = build_hub(load_config(), clock=clock, registry=registry)
    logs.configure(hub.config)
    # The web puts its parts together anew in each process that it forks.
    with mock.patch.object(serving, "build_hub", partial(build_hub, registry=registry)):
        ROLES[role](hub)


def _schedule(hub: Hub) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_scheduler(hub, stop)


ROLES: Mapping[str, Callable[[Hub], None]] = {
    "web": serving.serve_web,
    "worker": run_worker,
    "scheduler": _schedule,
}

if __name__ == "__main__":
    main()
