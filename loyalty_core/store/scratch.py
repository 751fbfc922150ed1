"""Notes beside an import: kept in a file that ends with them, so that memory does not grow with
what is brought in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable

_CACHE_KIB = 32_768


class Scratch:
    """Whole numbers by whole numbers, on the disk of this process alone.

    SQLite keeps a database of no name in a temporary file that it has deleted already.
    """

    def __init__(self) -> None:
        self._notes = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            self._notes.execute(f"PRAGMA {pragma}")
        self._notes.execute("CREATE TABLE notes (key INTEGER PRIMARY KEY, value INTEGER NOT NULL)")

    def close(self) -> None:
        self._notes.close()

    def known(self, keys: Collection[int]) -> dict[int, int]:
        """What is noted of these keys, where there is anything."""
        found = self._notes.execute(
            "SELECT key, value FROM notes WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(keys)),),
        )
        return dict(found.fetchall())

    def note(self, pairs: Iterable[tuple[int, int]]) -> None:
        """What was noted of a key first stays."""
        self._many("INSERT INTO notes VALUES (?, ?) ON CONFLICT DO NOTHING", pairs)

    def add(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Add up what is noted of each key."""
        self._many(
            "INSERT INTO notes VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = value + excluded.value",
            pairs,
        )

    def _many(self, statement: str, pairs: Iterable[tuple[int, int]]) -> None:
        self._notes.execute("BEGIN")
        self._notes.executemany(statement, pairs)
        self._notes.execute("COMMIT")
