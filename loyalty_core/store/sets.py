"""Rows in sets: one statement for all rows of a batch, and one parameter for a list of keys.

PostgreSQL takes each column of the rows as one array; SQLite takes the rows one by one, but
without leaving the driver.  What a statement says is written down once for both, here.
"""

# ruff: noqa: S608 - the names in these statements are those of our own tables and columns

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from struct import Struct
from typing import Any

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    TypeDecorator,
    bindparam,
    false,
    func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import JSON, LargeBinary, NullType, String, TypeEngine

from loyalty_core.store.codec import json_text
from loyalty_core.store.database import change, is_sqlite
from loyalty_core.store.types import UtcTime, to_micros

Values = Sequence[Any]
_JSONB, _JSONB_ARRAY, _BYTEA, _BYTEA_ARRAY = 3802, 3807, 17, 1001
"""Kinds in `pg_type`, the same in every database."""
_ARRAY_HEAD, _LENGTH, _NULL = Struct("!iiIii"), Struct("!i"), Struct("!i").pack(-1)
_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_many(  # noqa: PLR0913 - what to insert, and what of rows that are there
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Values],
    *,
    unless: tuple[str, ...] = (),
    anew: tuple[str, ...] = (),
) -> int:
    """Insert rows, each with its values in the order of `columns`; they are stored in this order.

    `unless`: a row whose values of these columns are there already is left out; of `anew` it
    takes the new values.  Gives how many were written.
    """
    if not rows:
        return 0
    statement = _insert(table, columns, unless, anew, not is_sqlite(connection))
    return _send(connection, statement, rows)


def update_many(  # noqa: PLR0913 - what to change, and what may be changed
    connection: Connection,
    table: Table,
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    rows: Sequence[Values],
    *,
    only: str = "",
) -> int:
    """Set `columns` of the rows that `keys` name; each row has first the keys, then the values.

    Gives how many rows were there.  No key may come twice.  The caller has locked the rows, or
    `only`, a condition on the row as it was, whose columns have the table's name before them, says
    which may still be changed.
    """
    if not rows:
        return 0
    statement = _update(table, keys, columns, only, not is_sqlite(connection))
    return _send(connection, statement, rows)


class among(FunctionElement[Any]):  # noqa: N801 - reads as the operator that it is
    """Whether a value is one of the list that is bound to the parameter `name`.

    Other than `in_`, the statement is the same whatever the length of the list.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=_List(column.type), required=True))


@compiles(among, "postgresql")
def _among_on_postgres(element: among, compiler: Any, **kwargs: Any) -> str:
    column, values = (compiler.process(part, **kwargs) for part in element.clauses)
    kind = _type_of(next(iter(element.clauses)).type)
    return f"{column} = ANY (CAST({values} AS {kind}[]))"


@compiles(among, "sqlite")
def _among_on_sqlite(element: among, compiler: Any, **kwargs: Any) -> str:
    column, values = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # nosec B608 - a parameter


def and_then(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of rows that a key finds, those for which `condition` is true.

    Told so that no index over all such rows can serve.  PostgreSQL counts tables now and then, and
    where next to nothing was due or pending at that time, it would read all that is by now.
    """
    return func.coalesce(condition, false())


class among_found(FunctionElement[Any]):  # noqa: N801 - reads as the operator that it is
    """Whether a value is one of those that a query gives.

    The query is run once and first, so what it locks is what is found; and each value is looked
    up by an index.  Other than with `in_`, a plan that was made while the table was empty cannot
    compare all rows with all values.
    """

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], query: Select[Any]) -> None:
        super().__init__(column, query.correlate(None).scalar_subquery())


@compiles(among_found, "postgresql")
def _among_found_on_postgres(element: among_found, compiler: Any, **kwargs: Any) -> str:
    column, query = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"{column} = ANY (ARRAY{query})"


@compiles(among_found, "sqlite")
def _among_found_on_sqlite(element: among_found, compiler: Any, **kwargs: Any) -> str:
    column, query = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"{column} IN {query}"  # nosec B608 - a query of ours


def list_for(dialect: Dialect, column: Column[Any], values: Collection[Any]) -> str | bytes:
    """What `among` is given of a list, for statements that the driver runs (`database.fetch`)."""
    return _list(dialect, column.type, values)


class rows_as_json(FunctionElement[Any]):  # noqa: N801 - reads as the operator that it is
    """The rows of a query as one text: a JSON list of lists; NULL or empty where there are none."""

    inherit_cache = True


@compiles(rows_as_json, "postgresql")
def _rows_as_json_on_postgres(element: rows_as_json, compiler: Any, **kwargs: Any) -> str:
    columns = compiler.process(element.clauses, **kwargs)
    return f"CAST(json_agg(json_build_array({columns})) AS TEXT)"


@compiles(rows_as_json, "sqlite")
def _rows_as_json_on_sqlite(element: rows_as_json, compiler: Any, **kwargs: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kwargs)}))"


class _List(TypeDecorator[Any]):
    """Whole numbers or texts, as one parameter."""

    # Of a text SQLAlchemy would make `::VARCHAR`, and what is cast from that prunes no partition.
    impl = NullType
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | bytes:
        return _list(dialect, self.kind, value)


def _list(dialect: Dialect, kind: TypeEngine[Any], values: Collection[Any]) -> str | bytes:
    make = _array_for(kind) if dialect.name == "postgresql" else json_text
    given: str | bytes = make(list(values))
    return given


def _array_of_numbers(values: Collection[Any]) -> str:
    """A PostgreSQL array in the words of the server, which are JSON's but for the brackets;
    booleans are numbers too."""
    return "{" + json_text(values)[1:-1] + "}"


class _JsonArray(bytes):
    """A parameter in PostgreSQL's own binary form; so is the next."""


class _BytesArray(bytes):
    pass


class _BinaryDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


class _JsonArrayDumper(_BinaryDumper):
    oid = _JSONB_ARRAY


class _BytesArrayDumper(_BinaryDumper):
    oid = _BYTEA_ARRAY


adapters.register_dumper(_JsonArray, _JsonArrayDumper)
adapters.register_dumper(_BytesArray, _BytesArrayDumper)


def _array_of_json(values: Collection[str | None]) -> _JsonArray:
    """In binary form no quotation mark is quoted here, and none read there; JSON is full of them.

    The form of a value is that of `jsonb_recv` in PostgreSQL's sources (`jsonb.c`): the form's
    version, 1, then the text.
    """
    told = [None if value is None else b"\x01" + value.encode() for value in values]
    return _JsonArray(_binary_array(_JSONB, told))


def _array_of_bytes(values: Collection[bytes | None]) -> _BytesArray:
    """In text each byte would be two digits, written here and read there."""
    return _BytesArray(_binary_array(_BYTEA, values))


def _binary_array(kind: int, values: Collection[bytes | None]) -> bytes:
    """As `array_recv` takes it (`arrayfuncs.c`): dimensions, whether there are nulls, kind, length,
    first index; then each value with its length before it."""
    parts = [_ARRAY_HEAD.pack(1, None in values, kind, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (_LENGTH.pack(len(value)), value)
    return b"".join(parts)


def _array_of_texts(values: Collection[Any]) -> str:
    if values and None not in values:
        inside = '","'.join(values)
        if "\\" not in inside and inside.count('"') == 2 * (len(values) - 1):
            return f'{{"{inside}"}}'  # nothing to quote, as nearly always
    return "{" + ",".join(map(_quoted, values)) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- statements -----------------------------------------------------------------------------


class _Statement:
    """One statement and how the values of its rows are encoded, column by column."""

    def __init__(self, text: str, columns: Sequence[Column[Any]]) -> None:
        self.text = text
        self.encoders = [_encoder(column.type) for column in columns]
        self.arrays = [_array_for(column.type) for column in columns]


@cache
def _insert(
    table: Table,
    names: tuple[str, ...],
    unless: tuple[str, ...],
    anew: tuple[str, ...],
    is_postgres: bool,
) -> _Statement:
    columns = [table.c[name] for name in names]
    marks = ", ".join("?" for _ in columns)
    source = f"SELECT * FROM {_arrays(columns)}" if is_postgres else f"VALUES ({marks})"  # nosec B608 - names of ours
    conflict = f" ON CONFLICT ({_named(unless)}) {_instead(anew)}" if unless else ""
    text = f"INSERT INTO {table.name} ({_named(names)}) {source}{conflict}"
    return _Statement(text, columns)


def _instead(anew: tuple[str, ...]) -> str:
    if not anew:
        return "DO NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in anew)
    return f"DO UPDATE SET {changes}"  # nosec B608 - names of ours


@cache
def _update(
    table: Table, keys: tuple[str, ...], names: tuple[str, ...], only: str, is_postgres: bool
) -> _Statement:
    last = f" AND {only}" if only else ""
    columns = [table.c[name] for name in (*keys, *names)]
    if is_postgres:
        changes = ", ".join(f'"{name}" = new."{name}"' for name in names)
        same = " AND ".join(f'{table.name}."{key}" = new."{key}"' for key in keys)
        source = f"{_arrays(columns)} AS new ({_named((*keys, *names))})"
        update = f"UPDATE {table.name} SET {changes} FROM {source} WHERE {same}{last}"  # nosec B608 - the same
        return _Statement(update, columns)
    places = {name: f"?{number}" for number, name in enumerate((*keys, *names), 1)}
    changes = ", ".join(f'"{name}" = {places[name]}' for name in names)
    same = " AND ".join(f'"{key}" = {places[key]}' for key in keys)
    update = f"UPDATE {table.name} SET {changes} WHERE {same}{last}"  # nosec B608 - the same
    return _Statement(update, columns)


def _arrays(columns: Sequence[Column[Any]]) -> str:
    arrays = ", ".join(
        f"CAST(${number} AS {_type_of(column.type)}[])" for number, column in enumerate(columns, 1)
    )
    return f"unnest({arrays})"


def _named(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _type_of(kind: TypeEngine[Any]) -> str:
    return kind.compile(_POSTGRES)


def _array_for(kind: TypeEngine[Any]) -> Callable[[Collection[Any]], Any]:
    if isinstance(kind, JSON):
        return _array_of_json
    if isinstance(kind, LargeBinary):
        return _array_of_bytes
    return _array_of_texts if isinstance(kind, String) else _array_of_numbers


def _encoder(kind: TypeEngine[Any]) -> Callable[[Values], Values] | None:
    """For all values of one column at once; None: they go as they are."""
    if isinstance(kind, UtcTime):
        return lambda values: [None if value is None else to_micros(value) for value in values]
    if isinstance(kind, JSON):
        return lambda values: [None if value is None else json_text(value) for value in values]
    return None


def _send(connection: Connection, statement: _Statement, rows: Sequence[Values]) -> int:
    """How many rows it changed."""
    columns = [
        values if encode is None else encode(values)
        for encode, values in zip(statement.encoders, zip(*rows, strict=True), strict=True)
    ]
    if is_sqlite(connection):
        values = list(zip(*columns, strict=True))
        return connection.exec_driver_sql(statement.text, values).rowcount
    pairs = zip(statement.arrays, columns, strict=True)
    arrays = tuple(make(values) for make, values in pairs)
    return change(connection, statement.text, arrays)
