"""What is said to a database's driver, whether SQLAlchemy says it or the store by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import Connection

from loyalty_core.store.database import is_sqlite

Said = tuple[str, Any]
"""A statement, and its parameters where the driver tells them."""


@contextmanager
def heard(connection: Connection) -> Iterator[list[Said]]:
    """The statements that are executed meanwhile."""
    said: list[Said] = []
    if not is_sqlite(connection):
        with heard_by_postgres(said):
            yield said
        return
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(lambda statement: said.append((statement, None)))
    try:
        yield said
    finally:
        driver.set_trace_callback(None)


@contextmanager
def heard_by_postgres(said: list[Said]) -> Iterator[None]:
    """Of every connection; of many executions of one statement, the first."""
    execute, many = psycopg.Cursor.execute, psycopg.Cursor.executemany

    def hear(cursor: Any, query: Any, params: Any = None, **how: Any) -> Any:
        said.append((query, params))
        return execute(cursor, query, params, **how)

    def hear_many(cursor: Any, query: Any, params_seq: Any, **how: Any) -> Any:
        rows = list(params_seq)
        said.append((query, rows[0]))
        return many(cursor, query, rows, **how)

    with (
        mock.patch.object(psycopg.Cursor, "execute", hear),
        mock.patch.object(psycopg.Cursor, "executemany", hear_many),
    ):
        yield


def explained(connection: Connection, explain: str, said: Said) -> list[Any]:
    """What PostgreSQL says of a statement that was heard: rows of one column."""
    statement, parameters = said
    # The store says what PostgreSQL knows, SQLAlchemy what psycopg puts into those words.
    kind = psycopg.RawCursor if "$1" in statement else psycopg.Cursor
    driver: Any = connection.connection.driver_connection
    found = kind(driver).execute(f"{explain} {statement}".encode(), parameters)
    return [told for (told,) in found]
