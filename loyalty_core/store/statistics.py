"""What PostgreSQL knows of how large our tables are."""

from __future__ import annotations

from sqlalchemy import Connection, text

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import metadata

_UNKNOWN = text(
    """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        AND reltuples < 0 AND pg_relation_size(oid) > 0 AND relname = ANY (:names)
    ORDER BY relname
    """
)
"""`reltuples` is -1 until a table is analyzed for the first time (manual of PostgreSQL 14 and
later, 53.11, pg_class)."""


def count_new_tables(connection: Connection) -> list[str]:
    """Analyze tables that have rows and never were; gives which.

    Autovacuum does that too, but within a minute, and until then plans are those of empty tables:
    a back-fill into a new hub takes a third longer by them.  On SQLite there is nothing to do.
    """
    if is_sqlite(connection):
        return []
    names = sorted(table.name for table in metadata.sorted_tables)
    unknown = list(connection.scalars(_UNKNOWN, {"names": names}))
    if unknown:
        connection.execute(text(f"ANALYZE {', '.join(unknown)}"))
    return unknown
