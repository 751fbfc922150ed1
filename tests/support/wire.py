"""What a database's driver tells the database."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

ONE_PREPARED = ["Bind", "Describe", "Execute", "Sync"]
"""A statement that PostgreSQL has prepared before, and nothing else."""


def told_to(driver: Any) -> AbstractContextManager[list[str]]:
    """What is sent meanwhile: to SQLite its statements, to PostgreSQL kinds of messages."""
    if isinstance(driver, sqlite3.Connection):
        return _told_to_sqlite(driver)
    return _told_to_postgres(driver)


@contextmanager
def _told_to_postgres(driver: Any) -> Iterator[list[str]]:
    """The kinds of messages that the driver sends meanwhile, as libpq saw them on the wire."""
    sent: list[str] = []
    with tempfile.TemporaryFile("w+") as file:
        driver.pgconn.trace(file.fileno())
        try:
            yield sent
        finally:
            driver.pgconn.untrace()
        file.seek(0)
        # time, F for what the front end sends, length, kind, ...
        lines = [line.rstrip().split("\t") for line in file]
        sent += [words[3] for words in lines if words[1] == "F"]


@contextmanager
def _told_to_sqlite(driver: Any) -> Iterator[list[str]]:
    sent: list[str] = []
    driver.set_trace_callback(sent.append)
    try:
        yield sent
    finally:
        driver.set_trace_callback(None)
