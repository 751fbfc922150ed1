"""Reads that must be over by a deadline, whatever the database does.

They run in the caller's own thread, on connections that stay open between reads: to hand a read
to another thread, or a connection through the pool, costs more than the read itself.  Waiting
for PostgreSQL ends at the deadline; a connection that was given up is closed, and the server's
own time-out ends what still runs on it.  SQLite is told how long it may wait and work.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from loyalty_core.store.database import is_sqlite, make_prompt_engine

T = TypeVar("T")
MAKERS = 4
_STEPS = 10_000
"""SQLite looks at the clock after so many steps of its own, about a millisecond."""


class TooLate(Exception):
    """The deadline has passed."""


class PromptReader:
    """As many connections stay open as there were reads at one time.

    Only the making of a connection is left to other threads, since a server that hangs keeps
    whoever makes one for longer than a caller may wait.
    """

    def __init__(self, engine: Engine, *, deadline_s: float) -> None:
        self._sqlite = is_sqlite(engine)
        self._engine = make_prompt_engine(engine, patience_s=deadline_s)
        self._idle: deque[Connection] = deque()
        self._makers = ThreadPoolExecutor(MAKERS, thread_name_prefix="prompt-connect")

    def read(self, work: Callable[[Connection], T], *, within_s: float) -> T:
        """`work` on a connection that sees the newest commit.

        A connection that was lost meanwhile (the database was started anew) is replaced, and
        the work done again: it reads only.

        Raises: TooLate, and what `work` and the database raise.
        """
        give_up_at = time.monotonic() + within_s
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._run(self._new(give_up_at), work, give_up_at)
        try:
            return self._run(connection, work, give_up_at)
        except DBAPIError:
            if not self._is_lost(connection):
                raise
        self.close()  # the others are likely lost too
        return self._run(self._new(give_up_at), work, give_up_at)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().invalidate()

    def _run(self, connection: Connection, work: Callable[[Connection], T], give_up_at: float) -> T:
        try:
            self._watch(connection, give_up_at)
            result = work(connection)
        except (DBAPIError, psycopg.Error) as error:
            self._part_with(connection)
            if time.monotonic() >= give_up_at:
                raise TooLate from error
            raise
        except BaseException:
            self._part_with(connection)
            raise
        self._idle.append(connection)
        return result

    def _watch(self, connection: Connection, give_up_at: float) -> None:
        """Raises: TooLate."""
        left_s = give_up_at - time.monotonic()
        if left_s <= 0:
            raise TooLate
        if self._sqlite:
            _watch_sqlite(_driver(connection), left_s, give_up_at)
        else:
            _driver(connection).give_up_at = give_up_at

    def _part_with(self, connection: Connection) -> None:
        """Keep it if nothing runs on it any more, else close it."""
        if self._is_lost(connection) or self._is_busy(connection):
            connection.invalidate()
        else:
            self._idle.append(connection)

    def _is_lost(self, connection: Connection) -> bool:
        if self._sqlite:
            return False
        return connection.invalidated or bool(_driver(connection).closed)

    def _is_busy(self, connection: Connection) -> bool:
        if self._sqlite:
            return bool(_driver(connection).in_transaction)
        status: TransactionStatus = _driver(connection).info.transaction_status
        return status != TransactionStatus.IDLE

    def _new(self, give_up_at: float) -> Connection:
        """Raises: TooLate, and what connecting raises."""
        made = self._makers.submit(self._engine.connect)
        try:
            return made.result(timeout=max(0.0, give_up_at - time.monotonic()))
        except NotYet:
            if not made.cancel():
                made.add_done_callback(self._keep)
            raise TooLate from None

    def _keep(self, made: Future[Connection]) -> None:
        """A connection that came too late for its caller is there for the next one."""
        if made.exception() is None:
            self._idle.append(made.result())


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _watch_sqlite(driver: sqlite3.Connection, left_s: float, give_up_at: float) -> None:
    driver.execute(f"PRAGMA busy_timeout={round(left_s * 1000)}")
    driver.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
