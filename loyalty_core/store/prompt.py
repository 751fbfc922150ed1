"""Calls of the database that must be over by a deadline, whatever the database does.

They run in the caller's own thread, on connections that stay open between calls: to hand a call
to another thread, or a connection through the pool, costs more than the call itself.  Waiting
for PostgreSQL ends at the deadline; a connection that was given up is closed, and the server's
own time-out ends what still runs on it.  SQLite is told how long it may wait and work.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from loyalty_core.store.database import is_sqlite, prepare_sqlite, read_json, turn

T = TypeVar("T")
MAKERS = 4
_STEPS = 10_000
"""SQLite looks at the clock after so many steps of its own, about a millisecond."""
_ONE_PLAN = "-c plan_cache_mode=force_generic_plan"
"""What is asked for several callers is taken for cheap when it knows how many they are, and planned
anew each time, which takes the server longer than to run it."""
_LEAST_CONNECT_S = 2
"""libpq, 34.1.2, connect_timeout: less is taken as two; 0 waits for ever."""


class TooLate(Exception):
    """The deadline has passed."""


UNAVAILABLE = (TooLate, DBAPIError, PoolTimeout)
"""What a database does that is away or slow."""


class PromptDatabase:
    """The database of `main`, for callers that somebody waits for.

    As many connections stay open as there were calls at one time, until `main` is disposed of.
    Only the making of a connection is left to other threads, since a server that hangs keeps
    whoever makes one for longer than a caller may wait.

    `patience_s`: after it PostgreSQL ends a statement by itself, with whatever that waits for;
    threads wait so long for their turn to write to SQLite.
    """

    def __init__(self, main: Engine, *, patience_s: float) -> None:
        self._main = main
        self._patience_s = patience_s
        self._sqlite = is_sqlite(main)
        self._engine = _make_engine(main, patience_s)
        self._idle: deque[Connection] = deque()
        self._makers = ThreadPoolExecutor(MAKERS, thread_name_prefix="prompt-connect")
        event.listen(main, "engine_disposed", lambda _main: self.close())

    def read(self, work: Callable[[Connection], T], *, within_s: float) -> T:
        """`work` on a connection that sees the newest commit.

        A connection that was lost meanwhile (the database was started anew) is replaced, and
        the work done again.

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

    def write(self, work: Callable[[Connection], T], *, within_s: float) -> T:
        """`work` of one statement, which is a transaction by itself and may be done twice.

        For a connection may be lost between a commit and its answer; what is raised leaves open
        whether it was committed.

        Raises: as `read`; PoolTimeout.
        """
        with turn(self._main, patience_s=self._patience_s):
            return self.read(work, within_s=within_s)

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


class PromptConnection(psycopg.Connection[Any]):
    """Closes itself when the server has not answered within its patience, or by `give_up_at`
    (seconds of the monotonic clock) where that is sooner.
    """

    patience_s: float
    give_up_at = math.inf

    @classmethod
    def within(cls, patience_s: float) -> Callable[..., PromptConnection]:
        """What SQLAlchemy calls in the place of `psycopg.connect`.

        The server gives up first, so that it does not keep what nobody waits for any more.
        """
        limit = f"-c statement_timeout={round(patience_s * 1000)} {_ONE_PLAN}"

        def connect(_dialect: Any, _record: Any, words: Any, named: Any) -> PromptConnection:
            options = f"{named.get('options', '')} {limit}".strip()
            seconds = max(_LEAST_CONNECT_S, round(patience_s))
            made = cls.connect(*words, **{**named, "connect_timeout": seconds, "options": options})
            made.patience_s = patience_s + 1
            return made

        return connect

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is None:
            timeout = max(0.0, min(self.patience_s, self.give_up_at - time.monotonic()))
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise

    def __del__(self, *_: Any) -> None:
        """It ends with whoever keeps it open on purpose: no warning."""


def _make_engine(main: Engine, patience_s: float) -> Engine:
    """Each statement is a transaction, and nothing is pooled."""
    if is_sqlite(main):
        waits = {"timeout": patience_s}
        engine = create_engine(
            main.url, poolclass=NullPool, connect_args=waits, hide_parameters=True
        )
        event.listen(engine, "connect", prepare_sqlite)
        return engine
    engine = create_engine(
        main.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        use_native_hstore=False,  # spares a query each time one is opened
        hide_parameters=True,
        json_deserializer=read_json,
        connect_args={"prepare_threshold": 1},
    )
    event.listen(engine, "do_connect", PromptConnection.within(patience_s))
    return engine


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _watch_sqlite(driver: sqlite3.Connection, left_s: float, give_up_at: float) -> None:
    driver.execute(f"PRAGMA busy_timeout={round(left_s * 1000)}")
    driver.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
