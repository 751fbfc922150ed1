"""The worker: answers the bell, as an RQ worker or as a thread of the web process."""

from __future__ import annotations

import threading

import structlog

from hub.jobs.collector import search_rarely
from hub.jobs.drain import drain, threads_of
from hub.queue import RqBell, work_queue, work_queue_in_thread
from hub.registry import translators
from hub.wiring import Hub
from loyalty_core.store import heartbeats, installations
from loyalty_core.store.database import read, transact
from loyalty_core.store.prompt import UNAVAILABLE

log = structlog.get_logger(__name__)

BEAT_S = 20.0
_LOOK_UP_S = 5.0


def run_worker(hub: Hub, *, burst: bool = False) -> None:
    """Answer bells until SIGTERM or SIGINT, then end after the batch at hand; with `burst`
    until no bell is left.

    Raises: RuntimeError where no Redis is configured: its worker is a thread of the web process.
    """
    if not isinstance(hub.bell, RqBell):
        raise RuntimeError("A worker of its own needs HUB_REDIS_URL.")
    search_rarely()
    stop = threading.Event()
    beating = threading.Thread(target=beat_until, args=(hub, stop), name="beat", daemon=True)
    beating.start()
    begin_cells(hub)
    try:
        work_queue(
            hub.bell,
            lambda programme_id: drain_safely(hub, programme_id, stop),
            stopping=stop,
            burst=burst,
        )
    finally:
        stop.set()
        beating.join()


def begin_cells(hub: Hub) -> None:
    """Start the sealed children that as many threads will ask for."""
    try:
        with read(hub.engine) as connection:
            in_use = {code for code, _ in installations.counts(connection)}
    except UNAVAILABLE:
        return  # nothing can be worked off either; batches will make their own
    modules = {
        translate.__module__
        for code, connector in hub.registry.ready().items()
        if code in in_use
        for translate in translators(connector).values()
    }
    if modules:
        hub.cells.begin(threads_of(hub), sorted(modules))


def answer_in_thread(hub: Hub, stop: threading.Event) -> None:
    """Answer the bell until `stop`; the caller wakes a thread's bell after setting it."""
    if isinstance(hub.bell, RqBell):
        work_queue_in_thread(
            hub.bell, lambda programme_id: drain_safely(hub, programme_id, stop), stop
        )
        return
    while not stop.is_set():
        programme_id = hub.bell.wait(_LOOK_UP_S)
        if programme_id is not None:
            drain_safely(hub, programme_id, stop)


def drain_safely(hub: Hub, programme_id: int, stop: threading.Event | None = None) -> None:
    """Drain, and outlive whatever happens: the sweep rings again for what is left."""
    try:
        drain(hub, programme_id, (lambda: False) if stop is None else stop.is_set)
    except Exception as error:  # the job's outer edge: a worker must go on
        log.error("drain_failed", programme=programme_id, exc_info=error)


def beat(hub: Hub, name: str) -> None:
    """Leave a sign of life."""
    now = hub.clock.now()
    transact(hub.engine, lambda connection: heartbeats.beat(connection, name, now=now))


def beat_until(hub: Hub, stop: threading.Event) -> None:
    """Leave the worker's sign of life now and then, until `stop`."""
    while True:
        try:
            beat(hub, "worker")
        except Exception as error:  # a sign of life is missing, and that shows
            log.warning("no_heartbeat", exc_info=error)
        if stop.wait(BEAT_S):
            return
