"""Caches filled before the first measurement: a large database is measured warm."""

from __future__ import annotations

import psycopg
from psycopg import sql

from bench.ground import Place
from bench.measure import Tell
from bench.servers import conninfo

_RELATIONS = """
SELECT relname, relkind = 'r', pg_relation_size(oid) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
ORDER BY relkind DESC, pg_relation_size(oid) DESC
"""
_MIB = 2**20


def warm(place: Place, tell: Tell) -> int:
    """Read every table and index of the place; how many bytes they have.

    Into PostgreSQL's own cache where it has pg_prewarm, the indexes last; else into that of
    the system, where the indexes are from their making.
    """
    with psycopg.connect(conninfo(place.url), autocommit=True) as connection:
        relations = connection.execute(_RELATIONS).fetchall()
        prewarms = _can_prewarm(connection)
        for name, is_table, _ in relations:
            if prewarms:
                connection.execute("SELECT pg_prewarm(%s::regclass)", [name])
            elif is_table:
                count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
                connection.execute(count)
    total = sum(int(size) for *_, size in relations)
    tell(f"  {total / _MIB:.0f} MiB of rows and indexes, read once")
    return total


def _can_prewarm(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    except psycopg.Error:
        return False
    return True
