"""The ledger family in hash partitions by the member (`ledger.md` 31); PostgreSQL only.

A table cannot be turned into a partitioned one, so each is made anew beside the old one, filled
from it and put in its place, with its columns, checks, keys, indexes, rights and storage
settings as the database has them.  Migrations and queries go on naming the tables as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import LEDGER_FAMILY

MOST = 1024
"""Every query that names no member looks into all of them."""

_NAMES = tuple(table.name for table in LEDGER_FAMILY)


class CannotPartition(Exception):
    """This database's ledger cannot be partitioned; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of the family: how many rows are copied, and their bytes with indexes."""

    table: str
    rows: int
    size_bytes: int


def survey(connection: Connection) -> list[Part]:
    """What `partition` would copy.

    Raises: CannotPartition (SQLite, or partitioned already).
    """
    if is_sqlite(connection):
        raise CannotPartition("SQLite has no partitions; they need PostgreSQL.")
    if (count := partitions(connection)) > 0:
        raise CannotPartition(f"The ledger has {count} partitions already.")
    return [
        Part(
            table.name,
            connection.execute(select(func.count()).select_from(table)).scalar_one(),
            _value(connection, _SIZE, table.name),
        )
        for table in LEDGER_FAMILY
    ]


def partitions(connection: Connection) -> int:
    """How many partitions each table of the family has; 0 where it is not partitioned."""
    found: int = _value(
        connection,
        "SELECT count(*) FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)",
        _NAMES[0],
    )
    return found


def partition(connection: Connection, count: int) -> list[Part]:
    """Put every table of the family into so many partitions, in the caller's transaction.

    Nobody else reads or writes the ledger until it ends.

    Raises: CannotPartition, ValueError (fewer than two, or too many).
    """
    if not 2 <= count <= MOST:
        raise ValueError(f"from 2 to {MOST} partitions")
    if not is_sqlite(connection):
        connection.execute(text(f"LOCK TABLE {', '.join(_NAMES)} IN ACCESS EXCLUSIVE MODE"))
    copied = survey(connection)
    for name in _NAMES:
        _partition(connection, name, count)
    return copied


def _partition(connection: Connection, name: str, count: int) -> None:
    was = _Shape(connection, name)
    for statement in (
        f"CREATE TABLE new_{name} (LIKE {name} INCLUDING ALL EXCLUDING INDEXES)"
        " PARTITION BY HASH (member_id)",
        *(
            f"CREATE TABLE {name}_p{number:04} PARTITION OF new_{name}"
            f" FOR VALUES WITH (MODULUS {count}, REMAINDER {number}){was.storage}"
            for number in range(count)
        ),
        f"INSERT INTO new_{name} TABLE {name}",
        f"DROP TABLE {name}",
        f"ALTER TABLE new_{name} RENAME TO {name}",
        *was.keys_and_indexes,
        *was.rights,
        f"ANALYZE {name}",
    ):
        # As it stands: a `%` in a check or an index is no parameter.
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


class _Shape:
    """What `CREATE TABLE (LIKE ...)` does not take along, as statements to say again."""

    def __init__(self, connection: Connection, name: str) -> None:
        keys = _column(connection, _KEYS, name)
        self.keys_and_indexes = [*keys, *_column(connection, _INDEXES, name)]
        self.rights = _column(connection, _RIGHTS, name)
        options = ", ".join(_column(connection, _OPTIONS, name))
        self.storage = f" WITH ({options})" if options else ""


_SIZE = "SELECT pg_total_relation_size(CAST(:table AS regclass))"
_KEYS = """
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s',
                  conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE conrelid = CAST(:table AS regclass) AND contype IN ('p', 'u')
    ORDER BY contype, conname
"""
_INDEXES = """
    SELECT pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = CAST(:table AS regclass)
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY indexrelid
"""
_RIGHTS = """
    SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = CAST(:table AS regclass)
    UNION ALL
    SELECT format('GRANT %s ON %s TO %s', privilege_type, oid::regclass,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
    FROM pg_class, aclexplode(relacl) WHERE oid = CAST(:table AS regclass)
"""
_OPTIONS = """
    SELECT unnest(reloptions) FROM pg_class WHERE oid = CAST(:table AS regclass)
"""


def _value(connection: Connection, query: str, table: str) -> Any:
    return connection.execute(text(query), {"table": table}).scalar_one()


def _column(connection: Connection, query: str, table: str) -> list[str]:
    return list(connection.scalars(text(query), {"table": table}))
