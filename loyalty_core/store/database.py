"""Engines and transactions.

How the two databases differ is known here, in `prompt` and in `sets`, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from operator import attrgetter, methodcaller
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from psycopg import RawCursor
from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Select,
    Table,
    bindparam,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql as pg_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import UpdateBase

T = TypeVar("T")
Value = Callable[[Any], Any]
"""Makes of a value what the driver takes, or of what it gives what is meant."""
_BUSY_S = 30
_ATTEMPTS = 5
_RETRIED_STATES = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_WRITE = "hub_write"
PARAMETER = re.compile(r"%\((\w+)\)s")
"""In a `Statement` for PostgreSQL."""
_CURSOR = "hub_cursor"
"""A driver's connection keeps one for `fetch` and `change`: making it costs a third of using it."""
_BACK, _TRUSTED_S = "hub_back", 1.0
"""When a connection was given back to the pool, and how long it is taken for sound then."""
_AWAY_CLASSES = frozenset({"08", "53", "57"})
_AWAY_STATES = _RETRIED_STATES | {"55P03"}  # and a lock that was not to be had
_QUERY_CANCELED = "57014"
_OF_THE_STATEMENT = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE})

_turns: WeakKeyDictionary[Engine, threading.RLock] = WeakKeyDictionary()
"""Where the threads of this process wait for the one writer of SQLite."""
_names: WeakKeyDictionary[Engine, dict[str, threading.Lock]] = WeakKeyDictionary()
"""Where they wait to be alone."""


def make_engine(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for `sqlite:///file` (WAL, every commit durable) or `postgresql://...`.

    Errors do not repeat the values of a statement: they would reach logs.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": _BUSY_S}, hide_parameters=True)
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=pool_size,
            hide_parameters=True,
            json_deserializer=read_json,
        )
        event.listen(engine, "checkin", _note_return)
        event.listen(engine, "checkout", partial(_ask_after, engine.dialect))
    _turns[engine] = threading.RLock()
    return engine


def _make_private(_dialect: Any, _record: Any, words: Sequence[Any], _options: Any) -> None:
    """A new file is its owner's alone, since it holds people: SQLite goes by the umask.

    One that is there is not opened: closing it would end SQLite's own locks
    (sqlite.org/howtocorrupt.html).
    """
    place = str(words[0])
    if place and place != ":memory:" and not place.startswith("file:"):
        with suppress(OSError):  # SQLite says what is wrong, if anything is.
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def read_json(told: bytes) -> Any:
    """What a JSONB column says: PostgreSQL's own words, which begin at once and whose encoding
    need not be guessed, as `json` guesses it of bytes."""
    return _decode(told.decode())[0]


_decode = json.JSONDecoder().raw_decode


def _note_return(_driver: Any, record: ConnectionPoolEntry) -> None:
    record.info[_BACK] = time.monotonic()


def _ask_after(dialect: Dialect, driver: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Replace connections that were lost while they lay idle.  Of those that somebody had a
    moment ago nobody asks: a batch takes several, one after the other.

    Raises: InvalidatePoolError, which the pool hears.
    """
    if time.monotonic() - record.info.get(_BACK, math.inf) > _TRUSTED_S:
        try:
            dialect.do_ping(driver)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def is_away(error: Exception) -> bool:
    """Whether the database as a whole cannot be had, rather than refuses one statement.

    By SQLSTATE class: connection (08), resources (53), operator intervention (57, where a
    canceled query is the statement's own fault), and locks that could not be had.  psycopg
    gives no state where the connection broke.
    """
    if isinstance(error, InterfaceError | PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return (error.orig.sqlite_errorcode & 0xFF) not in _OF_THE_STATEMENT
    state = getattr(error.orig, "sqlstate", None) or "08000"
    known = state[:2] in _AWAY_CLASSES or state in _AWAY_STATES
    return known and state != _QUERY_CANCELED


def is_sqlite(bind: Engine | Connection) -> bool:
    return bind.dialect.name == "sqlite"


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write: all or nothing.

    On SQLite it is BEGIN IMMEDIATE (`ledger.md` 5), after this thread's `turn`.
    """
    if not is_sqlite(engine):
        with engine.begin() as connection:
            yield connection
        return
    with turn(engine), engine.connect() as plain:
        connection = plain.execution_options(**{_WRITE: True})
        with connection.begin():
            yield connection


@contextmanager
def turn(engine: Engine, *, patience_s: float = -1) -> Iterator[None]:
    """To write now, of all threads of this process: SQLite's own waiting is a lottery.

    On PostgreSQL it is everybody's turn.

    Raises: PoolTimeout after `patience_s`; -1 waits for ever.
    """
    if not is_sqlite(engine):
        yield
        return
    lock = _turns[engine]
    if not lock.acquire(timeout=patience_s):
        raise PoolTimeout("the database is written to by another thread for too long")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A connection without a transaction: each statement sees the newest commit."""
    with engine.connect() as plain:
        if is_sqlite(engine):
            yield plain
        else:
            yield plain.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def look(engine: Engine) -> Iterator[Connection]:
    """One transaction that sees one moment and cannot write: the database refuses it."""
    with engine.connect() as plain:
        if not is_sqlite(engine):
            seeing = plain.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            with seeing.begin():
                yield seeing
            return
        plain.exec_driver_sql("PRAGMA query_only = ON")
        try:
            plain.exec_driver_sql("BEGIN")
            yield plain
        finally:
            plain.rollback()
            plain.exec_driver_sql("PRAGMA query_only = OFF")


def transact(engine: Engine, work: Callable[[Connection], T]) -> T:
    """`work` in one `write`, tried again where the database asked for it.

    Tried again: deadlocks, serialization failures, and two inserts of one key at the same
    moment, where the second try finds what the first one met.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with write(engine) as connection:
                return work(connection)
        except (OperationalError, IntegrityError) as error:
            if attempt == _ATTEMPTS or not _worth_another_try(error):
                raise
    raise AssertionError("unreachable")


class _Undone(Exception):
    def __init__(self, result: Any) -> None:
        super().__init__("undone on purpose")
        self.result = result


def rehearse(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What `work` would give: it is done, and undone before anybody else sees it."""

    def do_and_undo(connection: Connection) -> T:
        raise _Undone(work(connection))

    try:
        return transact(engine, do_and_undo)
    except _Undone as undone:
        result: T = undone.result
        return result


def is_refused(error: DBAPIError) -> bool:
    """Whether the database refuses the values themselves, and will each time."""
    broken = isinstance(error, IntegrityError) and not _worth_another_try(error)
    return broken or isinstance(error, DataError)


def _worth_another_try(error: OperationalError | IntegrityError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(error, IntegrityError):
        return state == "23505" or "UNIQUE" in str(error.orig)
    return state in _RETRIED_STATES


_SQLITE_MODES = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_PAGES_OF_LOG = 8000
"""32 MB.  A batch of postings leaves pages of many members in the log, most of them pages that
the next batches write again: by SQLite's own 1000, each was copied into the file every time."""


def prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Of each connection to a file, when it opens."""
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite` alone
    for pragma in (*_SQLITE_MODES, f"wal_autocheckpoint={_PAGES_OF_LOG}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@dataclass(frozen=True, slots=True)
class Statement:
    """A query with the values that stand in it for good; its parameters have names, which for
    PostgreSQL become numbers where it is run."""

    sql: str
    fixed: Mapping[str, Any]
    given: Mapping[str, Value] = field(default_factory=dict)
    """Of its other parameters, those whose values the driver takes in another form only."""


def compile_once(query: Select[Any] | UpdateBase, dialect: Dialect) -> Statement:
    """For `fetch`: written out for this kind of database, with its parameters by their names."""
    by_name: Any = type(dialect)
    style = "named" if dialect.name == "sqlite" else "pyformat"
    compiled = query.compile(dialect=by_name(paramstyle=style))
    assert not compiled.post_compile_params, "a list within the statement has no fixed length"
    made: dict[str, Value] = {}
    for name in compiled.params:
        make = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        if make is not None:
            made[name] = make
    fixed = {
        name: made[name](value) if name in made else value
        for name, value in compiled.params.items()
        if not compiled.binds[name].required
    }
    given = {name: make for name, make in made.items() if name not in fixed}
    return Statement(str(compiled), fixed, given)


def fetch(
    connection: Connection, statement: Statement, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows as the driver gives them; times and truths are numbers here.

    For the one statement that a checkout or a webhook waits for: SQLAlchemy's own way to run it
    costs several times what the driver does.

    Raises: DBAPIError, as SQLAlchemy would.
    """
    told: Any = {**statement.fixed, **values}
    sql = statement.sql
    if not is_sqlite(connection):
        sql, names = _by_numbers(sql)
        told = [told[name] for name in names]
    rows: list[tuple[Any, ...]] = _drive(connection, sql, told, _all_rows)
    return rows


@lru_cache(maxsize=4096)
def _by_numbers(sql: str) -> tuple[str, tuple[str, ...]]:
    """A statement with PostgreSQL's own parameters, and the names of their values."""
    names = tuple(dict.fromkeys(PARAMETER.findall(sql)))
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    return PARAMETER.sub(lambda found: numbers[found[1]], sql).replace("%%", "%"), names


def change(connection: Connection, sql: str, values: Sequence[Any]) -> int:
    """Run a statement that changes rows, in the database's own words; how many it changed.

    For those that write a batch; inside of a transaction, as it begins none.

    Raises: DBAPIError, as SQLAlchemy would.
    """
    assert connection.in_transaction(), "what is written outside of a transaction is lost"
    changed: int = _drive(connection, sql, values, _row_count)
    return changed


def _drive(connection: Connection, sql: str, values: Any, take: Callable[[Any], Any]) -> Any:
    dialect = connection.dialect
    base = dialect.loaded_dbapi.Error
    cursor: Any = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = _cursor(connection)
    try:
        cursor.execute(sql, values)
        return take(cursor)
    except base as error:
        raise DBAPIError.instance(
            sql, None, error, base, hide_parameters=True, dialect=dialect
        ) from error


def _cursor(connection: Connection) -> Any:
    """PostgreSQL is told statements as they are: psycopg's usual cursor looks for parameters in
    each anew, or in its cache by the whole text, which takes a statement of 4 kB at the most."""
    if is_sqlite(connection):
        return connection.connection.cursor()
    return RawCursor(cast("Any", connection.connection.driver_connection))


_all_rows = methodcaller("fetchall")
_row_count = attrgetter("rowcount")


def insert_or(connection: Connection, table: Table) -> sqlite_dialect.Insert | pg_dialect.Insert:
    """An insert that can say `on_conflict_do_nothing` or `on_conflict_do_update`."""
    if is_sqlite(connection):
        return sqlite_dialect.insert(table)
    return pg_dialect.insert(table)


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[None]:
    """Of all workers only one at a time is inside for this name; the others wait.

    For what is done outside of the database and must not be done twice at once.  A transaction
    stays open meanwhile that holds the name and nothing else: no row, no snapshot.  On SQLite,
    which one process has, the threads of the process wait.

    Raises: database errors, before anything is done.
    """
    names = _names.setdefault(engine, {})
    with names.setdefault(name, threading.Lock()):
        if is_sqlite(engine):
            yield
            return
        with engine.begin() as connection:
            lock_keys(connection, (name,))
            yield


def lock_keys(connection: Connection, keys: Iterable[str]) -> None:
    """Hold these names until the transaction ends: of two writers of one event, one waits.

    Taken in the order of their numbers, so that two batches never wait for each other.  On
    SQLite the one writer holds everything already.
    """
    if is_sqlite(connection):
        return
    numbers = sorted({number_of(key) for key in keys})
    if numbers:
        connection.execute(_LOCK_NUMBERS, {"numbers": numbers})


_LOCK_NUMBERS = text("SELECT pg_advisory_xact_lock(n) FROM unnest(:numbers) AS n").bindparams(
    bindparam("numbers", type_=pg_dialect.ARRAY(BigInteger))
)


def number_of(key: str) -> int:
    """63 bits and a sign that stand for a text; two texts share one by chance alone."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
