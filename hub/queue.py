"""The bell that says "drain this programme", and who hears it.  Only this module imports rq.

The rows in the database are the jobs.  A bell may be lost, doubled or late without harm: the
sweep (`hub.jobs.scheduler`) rings again for whatever is due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

log = structlog.get_logger(__name__)

QUEUE = "loyalty-hub"
Drain = Callable[[int], None]
_MARK_S = 15
_MUTED_S = 5.0
_ANSWER_S = 1.0
_IDLE_S = 3


class ThreadBell:
    """Rings for a worker thread of this process."""

    def __init__(self) -> None:
        self._rung: dict[int, None] = {}
        self._change = threading.Condition()

    def ring(self, programme_id: int) -> bool:
        """Always heard; ringing twice before it is heard is ringing once."""
        with self._change:
            self._rung[programme_id] = None
            self._change.notify()
        return True

    def wake(self) -> None:
        """Let whoever waits look round, though nothing was rung: the hub is stopping."""
        with self._change:
            self._change.notify_all()

    def wait(self, timeout_s: float) -> int | None:
        """The programme that was rung for first, or None when nothing came in time."""
        with self._change:
            if not self._rung:
                self._change.wait(timeout_s)
            first = next(iter(self._rung), None)
            if first is not None:
                del self._rung[first]
            return first

    def reachable(self) -> bool:
        return True


class RqBell:
    """Rings over Redis for RQ workers on any number of machines.

    A mark in Redis keeps a burst at one queued job.  The job takes the mark away before it
    looks for rows, so a ring that finds the mark is always followed by a look; a mark whose
    job was lost goes away by itself.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_ANSWER_S,
            socket_timeout=_ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer)
        self._muted_until = 0.0

    def ring(self, programme_id: int) -> bool:
        """False if Redis did not answer: the rows then wait for the sweep.

        After a failure it stays silent for some seconds, so that a webhook's answer does not
        wait for a dead Redis each time.
        """
        if time.monotonic() < self._muted_until:
            return False
        try:
            if self._redis.set(_mark(programme_id), 1, nx=True, ex=_MARK_S):
                self._queue.enqueue(
                    "hub.queue.answer_bell", programme_id, job_timeout=-1, result_ttl=0
                )
        except RedisError as error:
            self._muted_until = time.monotonic() + _MUTED_S
            log.warning("bell_unheard", programme=programme_id, error=type(error).__name__)
            return False
        return True

    def heard(self, programme_id: int) -> None:
        """Rings from now on ask for another look."""
        self._redis.delete(_mark(programme_id))

    def reachable(self) -> bool:
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False


Bell = ThreadBell | RqBell


def make_bell(redis_url: str | None) -> Bell:
    return ThreadBell() if redis_url is None else RqBell(redis_url)


@dataclass(frozen=True, slots=True)
class _Room:
    bell: RqBell
    drain: Drain


_room: ContextVar[_Room] = ContextVar("room")


def answer_bell(programme_id: int) -> None:
    """The one RQ job: run by `work_queue`, which says what draining means."""
    room = _room.get()
    room.bell.heard(programme_id)
    room.drain(programme_id)


class _Worker(SimpleWorker):
    """Told by SIGTERM or SIGINT to end, it tells the drain at hand."""

    stopping: threading.Event

    def handle_warm_shutdown_request(self) -> None:
        self.stopping.set()


class _ThreadWorker(_Worker):
    """A worker that is not in the main thread, where signals and alarms belong."""

    death_penalty_class = TimerDeathPenalty

    def _install_signal_handlers(self) -> None:
        """Whoever started the thread ends it."""


def work_queue(
    bell: RqBell, drain: Drain, *, stopping: threading.Event, burst: bool = False
) -> None:
    """Answer bells until SIGTERM or SIGINT; with `burst` until none is left.

    `stopping` is set by the signal, so that a drain ends after its batch.
    The worker does not fork for each job: connections and compiled rules stay warm, and a job
    is made of transactions that may be cut off anywhere.
    """
    _work(_Worker, bell, drain, stopping, burst=burst)


def work_queue_in_thread(bell: RqBell, drain: Drain, stop: threading.Event) -> None:
    """Answer bells until `stop`, from a thread."""
    while not stop.is_set():
        try:
            _work(_ThreadWorker, bell, drain, stop, max_idle_time=_IDLE_S)
        except RedisError as error:
            log.warning("queue_away", error=type(error).__name__)
            stop.wait(_MUTED_S)


def _work(
    kind: type[_Worker], bell: RqBell, drain: Drain, stopping: threading.Event, **how: Any
) -> None:
    token = _room.set(_Room(bell, drain))
    connection = Redis.from_url(bell.url)
    try:
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        worker = kind([queue], connection=connection, serializer=JSONSerializer)
        worker.stopping = stopping
        worker.work(logging_level="WARNING", **how)
    finally:
        connection.close()
        _room.reset(token)


def _mark(programme_id: int) -> str:
    return f"loyalty-hub:bell:{programme_id}"
