"""What a migration does to a table that is in use, without holding up those who use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op


def add_column(table: str, column: sa.Column[Any]) -> None:
    """A column that the rows of before do not have; their table is not written anew.

    May be run again, since an index that is built in the same migration commits it.
    """
    again = op.get_context().dialect.name != "sqlite"
    op.add_column(table, column, if_not_exists=True if again else None)


def drop_index(name: str, table: str) -> None:
    """An index goes while its table is read and written; it may have gone already."""
    if op.get_context().dialect.name == "sqlite":
        op.drop_index(name, table, if_exists=True)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


def create_index(
    name: str,
    table: str,
    columns: Sequence[str | sa.TextClause],
    *,
    where: str | None = None,
    ops: Mapping[str, str] | None = None,
) -> None:
    """An index that is built while the table is read and written; `ops`: PostgreSQL's operator
    classes, by column.

    Whatever a try that was broken off left of it goes first, so it may be run again.  What
    stands before it in its migration is committed, and must bear being run again as well.
    """
    condition = None if where is None else sa.text(where)
    if op.get_context().dialect.name == "sqlite":
        op.create_index(name, table, list(columns), sqlite_where=condition)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            list(columns),
            postgresql_where=condition,
            postgresql_ops=dict(ops or {}),
            postgresql_concurrently=True,
        )


def widen_check(table: str, name: str, was: str, becomes: str) -> None:
    """A CHECK of a table of few rows lets more pass; no row is looked at.

    SQLite cannot change a constraint; of its two ways to do without, this is the one for what
    moves no data: the text of the table is written anew (lang_altertable.html, section 7, "If
    some future version").  Each other connection reads it when the schema's number rises, so a
    column is to be added after it in the same migration.
    """
    if op.get_context().dialect.name == "sqlite":
        found = f"type = 'table' AND name = '{table}'"
        written = f"replace(sql, '{_quoted(was)}', '{_quoted(becomes)}')"
        op.execute("PRAGMA writable_schema = ON")
        op.execute(f"UPDATE sqlite_master SET sql = {written} WHERE {found}")  # noqa: S608  # nosec B608 - a migration's own words
        op.execute("PRAGMA writable_schema = RESET")
        return
    op.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name},"
        f" ADD CONSTRAINT {name} CHECK ({becomes}) NOT VALID"
    )
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def count_what(expression: str, table: str, *, name: str) -> None:
    """PostgreSQL's planner learns how the values of an expression are spread, and of a table as
    it is now, at once: otherwise it takes half of one percent of the rows to have any one value,
    and passes by an index over the few with a rare one.  Nobody is held up.

    PostgreSQL 13 does not know such statistics (14's manual, CREATE STATISTICS) and goes without.
    """
    if op.get_context().dialect.name == "sqlite":
        return
    made = f"CREATE STATISTICS IF NOT EXISTS {name} ON ({expression}) FROM {table}"
    op.execute(
        "DO $$ BEGIN IF current_setting('server_version_num')::int >= 140000 "
        f"THEN EXECUTE '{made}'; END IF; END $$"
    )
    op.execute(f"ANALYZE {table}")


def fill_new(statement: str) -> None:
    """Rows of a table that is new, from tables of few rows; may be run again."""
    op.execute(statement)


def only_added_to(table: str) -> None:
    """From now on the database refuses to change a row of this new table, or to take one out,
    whoever asks; who owns the table can take the trigger away, and no program of ours does."""
    said = f"the table {table} is only added to"
    if op.get_context().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{what.lower()} BEFORE {what} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
            )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN RAISE EXCEPTION '{said}'; END $$"
    )
    op.execute(f"DROP TRIGGER IF EXISTS {table}_only_added_to ON {table}")
    op.execute(
        f"CREATE TRIGGER {table}_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
