"""What PostgreSQL knows of how large our tables are."""

from __future__ import annotations

from sqlalchemy import Connection, text

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import metadata

_GROWN = text(
    """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ANY (:names)
        AND pg_relation_size(oid) / current_setting('block_size')::integer
            BETWEEN greatest(:least, :growth * relpages) AND :most
    ORDER BY relname
    """
)
"""`relpages` is what the last ANALYZE or VACUUM found (manual of PostgreSQL, 53.11, pg_class)."""
_LEAST, _GROWTH, _MOST = 8, 4, 8192
"""Pages.  A larger table is read by its indexes whatever is known of it."""


def count_grown_tables(connection: Connection) -> list[str]:
    """Analyze tables that have grown fourfold since it was last done; gives which.

    Autovacuum does that too, but within a minute, and until then plans are those of empty tables,
    which read all of a table for each row: a back-fill into a new hub takes twice as long by them.
    On SQLite there is nothing to do.
    """
    if is_sqlite(connection):
        return []
    names = [table.name for table in metadata.sorted_tables]
    bounds = {"least": _LEAST, "growth": _GROWTH, "most": _MOST}
    grown = list(connection.scalars(_GROWN, {"names": names, **bounds}))
    if grown:
        connection.execute(text(f"ANALYZE {', '.join(grown)}"))
    return grown
