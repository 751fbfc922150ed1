"""Members with their names, accounts and history, laid straight into the tables by the million.

One member's history is booked by the books themselves, in memory; everybody gets a copy of it.
PostgreSQL takes the rows by COPY, its indexes are built afterwards.  A sample is proved by
`ledger verify`'s own queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from bench.measure import BenchFailed, Tell
from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.members import phone_key
from loyalty_core.domain.points import Cause, Terms
from loyalty_core.service.verify_ledger import verify_accounts
from loyalty_core.store.database import is_sqlite, read, write
from loyalty_core.store.ids import new_id
from loyalty_core.store.types import to_micros

POINTS = "points"
WELCOME_POINTS = 100_000_00
"""Enough that no spend of a bench runs dry, in hundredths."""
PAIR_POINTS = 10_00
"""Earned by one entry, spent by the next; in hundredths."""
LIFE = timedelta(days=365)
TERMS = Terms(most_debt=0, grace_until=None)
BYTES_A_MEMBER, BYTES_AN_ENTRY = 1000, 500
"""Rows and indexes on PostgreSQL, seen with ten entries each."""
_PORTION = 5000
_SAMPLE = 1000

Fields = tuple[Any, ...]
"""A row as the databases keep it: times in microseconds, JSON as text."""


def phone_of(place: int) -> str:
    """The phone of the member in this place, which no real subscriber has."""
    return f"+7900{place:07d}"


@dataclass(frozen=True, slots=True)
class Crowd:
    """`entries`: of each member.  All of it happened between `joined` and a day later."""

    programme_id: int
    count: int
    entries: int
    joined: datetime


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a table gets: `rows_of` gives the rows of the member in a place, with this id."""

    table: str
    columns: str
    rows_of: Callable[[int, int], Iterable[Fields]]


def settle_members(engine: Engine, crowd: Crowd, tell: Tell) -> range:
    """Lay them into the empty tables; their ids, in the order of their phones.

    Raises: BenchFailed where the books of a sample are not whole.
    """
    first = new_id(crowd.joined)
    ids = range(first, first + crowd.count)
    sheets = _sheets(crowd)
    if is_sqlite(engine):
        _insert(engine, sheets, ids)
    else:
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            _copy(raw, sheets, ids, tell)
    _prove(engine, ids)
    return ids


def history(count: int, joined: datetime) -> AccountBook:
    """A welcome, then points that come and are spent by turns; a booked account of so many."""
    book = AccountBook(0, POINTS)
    for number in range(1, count + 1):
        at = joined + number * timedelta(days=1) / (count + 1)
        cause = Cause(f"load:{number}", at, at)
        if number > 1 and number % 2:
            book.spend(PAIR_POINTS, cause, TERMS)
        else:
            points, end = (WELCOME_POINTS, None) if number == 1 else (PAIR_POINTS, at + LIFE)
            book.earn(points, cause, spendable_from=at, expires_at=end)
    return book


def _sheets(crowd: Crowd) -> list[_Sheet]:
    book, at = history(crowd.entries, crowd.joined), to_micros(crowd.joined)
    lots = [_lot(lot) for lot in book.lots.values()]
    entries = [_entry(entry) for entry in book.entries]
    rows = [_row(row) for entry in book.entries for row in entry.rows]
    figures = (book.available, book.pending, book.held, book.debt)
    account = (*figures, book.entries_made, book.lots_made)
    person, nothing = (crowd.programme_id, "active", "Анна"), ("{}", "{}")
    return [
        _Sheet(
            "members",
            "id programme_id state first_name last_name attributes consents source created_at",
            lambda place, member: [(member, *person, f"Иванова {place}", *nothing, "bench", at)],
        ),
        _Sheet(
            "identities",
            "programme_id kind system value member_id verified created_at",
            lambda place, member: [
                (crowd.programme_id, *_phone_name(place), member, True, at),
            ],
        ),
        _Sheet("accounts", _ACCOUNT, lambda _, member: [(member, POINTS, *account)]),
        _Sheet("lots", _LOT, lambda _, member: [(member, POINTS, *lot) for lot in lots]),
        _Sheet("entries", _ENTRY, lambda _, member: [(member, POINTS, *one) for one in entries]),
        _Sheet("entry_lots", _ROW, lambda _, member: [(member, POINTS, *row) for row in rows]),
    ]


_ACCOUNT = "member_id currency available pending held debt entries lots"
_LOT = "member_id currency no amount free held expired owed active spendable_from expires_at"
_ENTRY = (
    "member_id currency seq kind amount d_available d_pending d_held d_debt key cause"
    " occurred_at booked_at"
)
_ROW = "member_id currency seq line lot instead_of d_free d_held d_expired d_owed"


def _phone_name(place: int) -> tuple[str, str, str]:
    key = phone_key(phone_of(place))
    return (key.kind, key.system, key.value)


def _lot(lot: Any) -> Fields:
    counts = (lot.free, lot.held, lot.expired, lot.owed)
    end = None if lot.expires_at is None else to_micros(lot.expires_at)
    return (lot.no, lot.amount, *counts, lot.active, to_micros(lot.spendable_from), end)


def _entry(entry: Any) -> Fields:
    changes = (entry.d_available, entry.d_pending, entry.d_held, entry.d_debt)
    times = (to_micros(entry.cause.occurred_at), to_micros(entry.cause.booked_at))
    return (entry.seq, str(entry.kind), entry.amount, *changes, entry.key, "{}", *times)


def _row(row: Any) -> Fields:
    changes = (row.d_free, row.d_held, row.d_expired, row.d_owed)
    return (row.seq, row.line, row.lot, row.instead_of, *changes)


def _portions(sheet: _Sheet, ids: range) -> Iterator[list[Fields]]:
    for first in range(0, len(ids), _PORTION):
        places = range(first, min(first + _PORTION, len(ids)))
        yield [row for place in places for row in sheet.rows_of(place, ids[place])]


def _insert(engine: Engine, sheets: Sequence[_Sheet], ids: range) -> None:
    """SQLite."""
    with write(engine) as connection:
        for sheet in sheets:
            columns = sheet.columns.split()
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {sheet.table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
            for rows in _portions(sheet, ids):
                connection.exec_driver_sql(statement, rows)
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")


# --- PostgreSQL -----------------------------------------------------------------------------


def _copy(raw: psycopg.Connection[Any], sheets: Sequence[_Sheet], ids: range, tell: Tell) -> None:
    """In one transaction, so that the rows lie there frozen; no vacuum rewrites them later."""
    raw.execute("SET maintenance_work_mem = '512MB'")
    raw.execute("TRUNCATE " + ", ".join(sheet.table for sheet in sheets))
    for sheet in sheets:
        began = time.perf_counter()
        again = _drop_indexes(raw, sheet.table)
        count = _copy_rows(raw, sheet, ids)
        copied = time.perf_counter()
        for statement in again:
            raw.execute(statement)
        built = time.perf_counter()
        if count >= _WORTH_TELLING:
            took = f"{copied - began:.0f} s, indexes {built - copied:.0f} s"
            tell(f"  {sheet.table:<12} {count:>12,} rows in {took}".replace(",", " "))
    raw.commit()
    raw.autocommit = True
    raw.execute("VACUUM ANALYZE")
    raw.execute("CHECKPOINT")
    raw.autocommit = False


_WORTH_TELLING = 100_000


def _copy_rows(raw: psycopg.Connection[Any], sheet: _Sheet, ids: range) -> int:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in sheet.columns.split())
    statement = sql.SQL("COPY {} ({}) FROM STDIN WITH (FREEZE)").format(
        sql.Identifier(sheet.table), columns
    )
    count = 0
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for rows in _portions(sheet, ids):
            copy.write("".join(map(_as_text, rows)))
            count += len(rows)
    return count


def _as_text(row: Fields) -> str:
    """A line in COPY's text form; nothing of ours holds a tab, a backslash or a line's end."""
    return "\t".join(["\\N" if field is None else str(field) for field in row]) + "\n"


_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = %s AND schemaname = current_schema()
"""


def _drop_indexes(raw: psycopg.Connection[Any], table: str) -> list[bytes]:
    """Drop primary key, unique keys and indexes; the statements that make them anew."""
    again: list[sql.Composed] = []
    name = sql.Identifier(table)
    for constraint, definition in raw.execute(_CONSTRAINTS, [table]).fetchall():
        words = (name, sql.Identifier(constraint))
        raw.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*words))
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(*words)
        again.append(add + sql.SQL(definition))
    for index, definition in raw.execute(_INDEXES, [table]).fetchall():
        raw.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
        again.append(sql.Composed([sql.SQL(definition)]))
    return [statement.as_bytes(raw) for statement in again]


def _prove(engine: Engine, ids: range) -> None:
    middle = max(0, len(ids) // 2 - _SAMPLE // 2)
    page = [(member, POINTS) for member in ids[middle : middle + _SAMPLE]]
    with read(engine) as connection:
        findings = verify_accounts(connection, page)
    if findings:
        raise BenchFailed(f"the loaded books do not agree: {findings[0]}")
