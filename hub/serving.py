"""Serving over HTTP with gunicorn, in both ways to run.

The parts are built after the fork, in the process that uses them: connections to databases do
not survive one.
"""

from __future__ import annotations

import mmap
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from ssl import SSLError
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import errors as unread
from gunicorn.util import write_error
from gunicorn.workers.gthread import ThreadWorker

from hub.app import create_app
from hub.clock import Clock
from hub.config import Config
from hub.jobs import Embedded, start_embedded
from hub.metrics import forget_process, forget_shared, share_among_forks
from hub.wiring import Hub, build_hub

log = structlog.get_logger(__name__)

GRACE_S = 20
REQUEST_LIMIT_S = 60
KEEPALIVE_S = 5
"""A proxy that keeps connections open must be done with them earlier."""

MAKE_WAY_S = 0.0005
"""A process with more connections than another leaves it so long to take a new one."""

GENERATIONS = 4
"""A reload starts new processes beside the old ones, which end when their work is done."""

Ready = Callable[[], None]


def serve(hub: Hub, *, on_ready: Ready | None = None) -> None:
    """Serve everything, worker and scheduler included, until SIGTERM or Ctrl-C.

    `on_ready` is called once the address is listened on.  Ends by SystemExit, code 0.
    """
    hub.engine.dispose()
    _Served(_Plan(hub.config, hub.clock, workers=1, embedded=True, on_ready=on_ready)).run()


def serve_web(hub: Hub, *, on_ready: Ready | None = None) -> None:
    """Serve the web alone, with HUB_WEB_WORKERS processes, until SIGTERM or Ctrl-C."""
    hub.engine.dispose()
    plan = _Plan(
        hub.config,
        hub.clock,
        workers=hub.config.web_workers,
        embedded=False,
        on_ready=on_ready,
        counted_in=share_among_forks(),
    )
    _Served(plan).run()


@dataclass(slots=True)
class _Plan:
    """What to serve, and the threads that one of gunicorn's processes has started."""

    config: Config
    clock: Clock
    workers: int
    embedded: bool
    on_ready: Ready | None
    counted_in: Path | None = None
    started: list[Embedded] = field(default_factory=list)
    crowd: _Crowd = field(init=False)

    def __post_init__(self) -> None:
        self.crowd = _Crowd(GENERATIONS * self.workers)

    def build(self) -> Flask:
        hub = build_hub(self.config, clock=self.clock)
        app = create_app(hub)
        if self.embedded:
            self.started.append(start_embedded(hub))
        return app

    def end(self) -> None:
        for embedded in self.started:
            embedded.stop()

    def settings(self) -> dict[str, Any]:
        """Gunicorn's own words."""
        return {
            "bind": f"{_bracketed(self.config.host)}:{self.config.port}",
            "workers": self.workers,
            "worker_class": _Web,
            "threads": self.config.web_threads,
            "timeout": REQUEST_LIMIT_S,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEPALIVE_S,
            "proc_name": "loyalty-hub",
            "loglevel": "warning",
            "logger_class": _Log,
            "when_ready": self._when_ready,
            "pre_fork": self._pre_fork,
            "worker_exit": self._worker_exit,
            "child_exit": self._child_exit,
            "on_exit": self._on_exit,
        }

    def _when_ready(self, _server: object) -> None:
        if self.on_ready is not None:
            self.on_ready()

    def _pre_fork(self, _server: object, worker: _Web) -> None:
        worker.crowd, worker.place = self.crowd, self.crowd.enter(worker.age)

    def _worker_exit(self, _server: object, _worker: object) -> None:
        self.end()

    def _child_exit(self, _server: object, worker: _Web) -> None:
        self.crowd.leave(worker.age)
        if self.counted_in is not None:
            forget_process(self.counted_in, worker.pid)

    def _on_exit(self, _server: object) -> None:
        if self.counted_in is not None:
            forget_shared(self.counted_in)


class _Crowd:
    """How many connections each web process has open: all of them see it, as it is shared
    since before the fork.  Who is let in where is the parent's knowledge alone.
    """

    _NOBODY = 2**31 - 1

    def __init__(self, places: int) -> None:
        self._open = memoryview(mmap.mmap(-1, 4 * places)).cast("i")
        self._open[:] = memoryview(array("i", [self._NOBODY] * places))
        self._at: dict[int, int] = {}

    def enter(self, age: int) -> int | None:
        """The place of a new process; None where all are taken."""
        taken = self._at.values()
        place = next((one for one in range(len(self._open)) if one not in taken), None)
        if place is not None:
            self._at[age] = place
        return place

    def leave(self, age: int) -> None:
        """A process is gone."""
        place = self._at.pop(age, None)
        if place is not None:
            self._open[place] = self._NOBODY

    def tell(self, place: int, connections: int | None) -> None:
        """A process has so many open; None: it takes no more."""
        self._open[place] = self._NOBODY if connections is None else connections

    def is_another_emptier(self, connections: int) -> bool:
        """Whether some process has fewer open."""
        return min(self._open) < connections


class _Web(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's own (27.0), but for three things.

    Told to end, it refuses new connections at once, so that a proxy asks another process;
    gunicorn's leaves them waiting until what is under way is answered, then cuts them.

    A new connection goes to the process that has fewest.  All wait at one socket and the first
    to wake takes what is there; connections that are kept open would all lie in one process,
    while the others, and their cores, have nothing to do.

    A request that cannot be read is neither logged nor repeated in the answer: in its line and
    its headers are secrets of webhooks, names and phones.
    """

    crowd: _Crowd
    place: int | None

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()
            self._tell()

    def notify(self) -> None:
        super().notify()
        self._tell()

    def accept(self, listener: Any) -> None:
        self._tell()
        if self.place is not None and self.crowd.is_another_emptier(self.nr_conns):
            time.sleep(MAKE_WAY_S)
        super().accept(listener)
        self._tell()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        status, kind = _status_of(exc), type(exc).__name__
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request_failed", kind=kind, exc_info=exc)
        else:
            log.warning("request_unreadable", kind=kind, status=int(status))
        with suppress(OSError):  # whoever asked is gone
            write_error(client, int(status), status.phrase, "")

    def _tell(self) -> None:
        if self.place is not None:
            self.crowd.tell(self.place, self.nr_conns if self.alive else None)


_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (unread.InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR),
    (unread.InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR),
    (unread.ConfigurationProblem, HTTPStatus.INTERNAL_SERVER_ERROR),
    (unread.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (unread.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (unread.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (unread.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (unread.ForbiddenProxyRequest, HTTPStatus.FORBIDDEN),
    (SSLError, HTTPStatus.FORBIDDEN),
    (unread.ParseException, HTTPStatus.BAD_REQUEST),
)
"""As gunicorn sorts them; the first that fits."""


def _status_of(error: Exception) -> HTTPStatus:
    fits = (status for kind, status in _STATUS if isinstance(error, kind))
    return next(fits, HTTPStatus.INTERNAL_SERVER_ERROR)


class _Log(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's own words go where ours go, in the same form; requests are logged by the app."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.access_log.handlers.clear()


class _Served(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._plan.settings().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._plan.build()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
