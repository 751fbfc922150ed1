"""The bell that says "drain this programme", and who hears it.  Only this module imports rq.

The rows in the database are the jobs.  A bell may be lost, doubled or late without harm: the
sweep (`hub.jobs.scheduler`) rings again for whatever is due.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

log = structlog.get_logger(__name__)

QUEUE = "loyalty-hub"
Drain = Callable[[int], None]
_MARK_S = 3600
_SOON_S = 0.05
_MUTED_S = 5.0
_ANSWER_S = 1.0
_IDLE_S = 3
_AGAIN_S = 1.0
_WORKER_TTL_S = 20
"""RQ waits 15 s less than this for a job, and 10 s more than that for a silent Redis."""


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

    ring_soon = ring

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

    A mark in Redis, the id of the job, keeps a burst at one queued job.  The job takes the mark
    away before it looks for rows, so a ring that finds the mark and its job is always followed
    by a look.  A mark whose job is not queued any more (its worker was killed, Redis lost it)
    keeps nobody from ringing.
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
        self._soon: set[int] = set()
        self._ringing = False
        self._change = threading.Lock()

    def ring(self, programme_id: int) -> bool:
        """False if Redis did not answer: the rows then wait for the sweep.

        After a failure it stays silent for some seconds, so that nobody waits for a dead Redis
        each time.
        """
        if time.monotonic() < self._muted_until:
            return False
        try:
            self._ring(programme_id)
        except RedisError as error:
            self._muted_until = time.monotonic() + _MUTED_S
            log.warning("bell_unheard", programme=programme_id, error=type(error).__name__)
            return False
        return True

    def ring_soon(self, programme_id: int) -> None:
        """Ring from a thread: at once, or with the rest of a burst a twentieth of a second later.

        Nobody waits for Redis.  What was not rung when the process is killed waits for the sweep.
        """
        with self._change:
            self._soon.add(programme_id)
            if self._ringing:
                return
            self._ringing = True
        threading.Thread(target=self._ring_all, name="bell", daemon=True).start()

    def _ring_all(self) -> None:
        while True:
            with self._change:
                due, self._soon = self._soon, set()
                self._ringing = bool(due)
            if not due:
                return
            for programme_id in sorted(due):
                self.ring(programme_id)
            time.sleep(_SOON_S)

    def _ring(self, programme_id: int) -> None:
        mark, job = _mark(programme_id), secrets.token_hex(8)
        if not self._redis.set(mark, job, nx=True, ex=_MARK_S):
            known = self._redis.get(mark)
            if isinstance(known, bytes) and self._is_queued(known.decode()):
                return
            self._redis.set(mark, job, ex=_MARK_S)
        self._queue.enqueue(
            "hub.queue.answer_bell", programme_id, job_id=job, job_timeout=-1, result_ttl=0
        )

    def _is_queued(self, job: str) -> bool:
        return self._redis.lpos(self._queue.key, job) is not None

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
    """Tries Redis every second while it is away, and can be told to stop all the same."""

    max_connection_wait_time = _AGAIN_S
    told_to_stop: threading.Event

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.told_to_stop.set()
        try:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        except RedisError:
            raise StopRequested from None


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
    is made of transactions that may be cut off anywhere.  RQ's worker ends when Redis goes away
    under a job; another one then takes its place.
    """
    with _working(_Worker, bell, drain, stopping) as make, suppress(StopRequested):
        while not stopping.is_set():
            try:
                make().work(logging_level="WARNING", burst=burst)
            except RedisError as error:
                if burst:
                    raise
                log.warning("queue_away", error=type(error).__name__)
            if burst:
                return
            stopping.wait(_AGAIN_S)


def work_queue_in_thread(bell: RqBell, drain: Drain, stop: threading.Event) -> None:
    """Answer bells until `stop`, from a thread."""
    with _working(_ThreadWorker, bell, drain, stop) as make:
        while not stop.is_set():
            try:
                make().work(logging_level="WARNING", max_idle_time=_IDLE_S)
            except RedisError as error:
                log.warning("queue_away", error=type(error).__name__)
                stop.wait(_AGAIN_S)


@contextmanager
def _working(
    kind: type[_Worker], bell: RqBell, drain: Drain, stop: threading.Event
) -> Iterator[Callable[[], _Worker]]:
    """Makes workers, whose jobs find out here what draining means."""
    token = _room.set(_Room(bell, drain))
    connection = Redis.from_url(bell.url)
    how: dict[str, Any] = {"connection": connection, "serializer": JSONSerializer}

    def make() -> _Worker:
        worker = kind([Queue(QUEUE, **how)], worker_ttl=_WORKER_TTL_S, **how)
        worker.told_to_stop = stop
        return worker

    try:
        yield make
    finally:
        connection.close()
        _room.reset(token)


def _mark(programme_id: int) -> str:
    return f"loyalty-hub:bell:{programme_id}"
