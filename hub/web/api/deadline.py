"""Reads that must be over by a deadline, whatever the database does.

Each runs in a thread of a small pool, and the caller waits no longer than it may.  A read that
is given up is cancelled at the database too, so that it does not keep a connection.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine

from loyalty_core.store.database import is_sqlite, read

T = TypeVar("T")
THREADS = 16
CANCEL_S = 2.0


class TooLate(Exception):
    """The deadline has passed."""


class PromptReader:
    """Once every thread is stuck, further reads are too late at their deadline as well."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    def read(self, work: Callable[[Connection], T], *, within_s: float) -> T:
        """`work` on a connection that sees the newest commit.

        Raises: TooLate, and what `work` and the database raise.
        """
        if within_s <= 0:
            raise TooLate
        ticket = _Ticket()
        future: Future[T] = self._threads().submit(self._run, work, ticket)
        try:
            return future.result(timeout=within_s)
        except NotYet:
            if not future.cancel():
                ticket.give_up()
            raise TooLate from None

    def close(self) -> None:
        """Wait for the reads that still run, given up or not; none may be asked for after."""
        with self._lock:
            if self._pool is not None and self._pid == os.getpid():
                self._pool.shutdown()

    def _run(self, work: Callable[[Connection], T], ticket: _Ticket) -> T:
        with read(self._engine) as connection, ticket.running(connection):
            return work(connection)

    def _threads(self) -> ThreadPoolExecutor:
        """Threads do not live through a fork, so each process makes its own."""
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prompt-read")
                self._pid = os.getpid()
            return self._pool


class _Ticket:
    """Ties a waiting caller to the connection that works for it, for as long as it does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None
        self._given_up = False

    @contextmanager
    def running(self, connection: Connection) -> Iterator[None]:
        with self._lock:
            if self._given_up:
                raise TooLate
            self._cancel = _canceller(connection)
        try:
            yield
        finally:
            with self._lock:
                self._cancel = None

    def give_up(self) -> None:
        """Cancel from a thread of its own: asking a database that hangs may hang as well."""
        threading.Thread(target=self._stop, name="cancel-read", daemon=True).start()

    def _stop(self) -> None:
        with self._lock:
            self._given_up = True
            if self._cancel is not None:
                self._cancel()


def _canceller(connection: Connection) -> Callable[[], None]:
    driver: Any = connection.connection.driver_connection
    if is_sqlite(connection):
        stop: Callable[[], None] = driver.interrupt
        return stop

    def cancel() -> None:
        with suppress(psycopg.Error):
            driver.cancel_safe(timeout=CANCEL_S)

    return cancel
