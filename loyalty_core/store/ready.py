"""Queries that every batch asks: written out once, and run by the driver.

SQLAlchemy's own way to run a statement costs twice what the driver does, and a batch of few
receipts asks more than it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Select, Update

from loyalty_core.store.database import Statement, Value, compile_once, fetch


@dataclass(frozen=True, slots=True)
class _Written:
    """For one kind of database; `taken`: of those columns alone whose values need it."""

    statement: Statement
    taken: tuple[tuple[int, Value], ...]


class Ready:
    """A query whose parameters have names of their own, each a `bindparam` or an `among`."""

    def __init__(self, query: Select[Any] | Update) -> None:
        self._query = query
        self._names = [str(column.key) for column in query.exported_columns]
        self._written: dict[str, _Written] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """The same values as SQLAlchemy gives.  Raises: DBAPIError, as it would."""
        written = self._written.get(connection.dialect.name)
        if written is None:
            written = self._written[connection.dialect.name] = self._write(connection.dialect)
        statement = written.statement
        made = {name: make(values[name]) for name, make in statement.given.items()}
        found = fetch(connection, statement, {**values, **made})
        return [_read(row, written.taken) for row in found] if written.taken else found

    def named(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """As `rows`, by the names of the columns."""
        found = self.rows(connection, values)
        return [dict(zip(self._names, row, strict=True)) for row in found]

    def _write(self, dialect: Dialect) -> _Written:
        statement = compile_once(self._query, dialect)
        taken = [
            (place, make)
            for place, column in enumerate(self._query.exported_columns)
            if (make := column.type.dialect_impl(dialect).result_processor(dialect, None))
            is not None
        ]
        return _Written(statement, tuple(taken))


def _read(row: tuple[Any, ...], taken: tuple[tuple[int, Value], ...]) -> tuple[Any, ...]:
    values = list(row)
    for place, make in taken:
        values[place] = make(values[place])
    return tuple(values)
