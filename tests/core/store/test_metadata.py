"""Rules of the schema: keys for scale (`ledger.md` 31), and migrations that equal the tables."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, PrimaryKeyConstraint, Table, UniqueConstraint

from loyalty_core.store.database import write
from loyalty_core.store.migrate import pending
from loyalty_core.store.tables import LEDGER_FAMILY, metadata
from tests.support.databases import EVERY_ENGINE

OTHER_TABLES = [table for table in metadata.sorted_tables if table not in LEDGER_FAMILY]
ON_EVERY_ENGINE = pytest.mark.parametrize("engine", EVERY_ENGINE, indirect=True)
FAMILIES = ("identities", "purchases", "refunds", "deliveries", "outbox")


def test_ledger_31_the_family_is_what_the_page_names():
    assert {table.name for table in LEDGER_FAMILY} == {
        "accounts",
        "lots",
        "entries",
        "entry_lots",
        "holds",
    }


@pytest.mark.parametrize("table", LEDGER_FAMILY, ids=lambda table: table.name)
def test_ledger_31_every_key_of_the_family_begins_with_the_member(table: Table):
    keys = [
        [column.name for column in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    ]
    keys += [[column.name for column in index.columns] for index in table.indexes if index.unique]

    assert next(iter(table.primary_key.columns)).name == "member_id"
    assert all(key[0] == "member_id" for key in keys), keys
    assert not table.c.member_id.nullable


@pytest.mark.parametrize("table", LEDGER_FAMILY, ids=lambda table: table.name)
def test_ledger_31_no_foreign_key_leaves_the_family(table: Table):
    assert not table.foreign_keys


@pytest.mark.parametrize("table", OTHER_TABLES, ids=lambda table: table.name)
def test_ledger_31_no_foreign_key_enters_the_family(table: Table):
    names = {one.name for one in LEDGER_FAMILY}

    assert not [key for key in table.foreign_keys if key.target_fullname.split(".")[0] in names]


@pytest.mark.parametrize("name", FAMILIES)
def test_ledger_31_the_other_families_are_there(name: str):
    assert name in metadata.tables


@pytest.mark.parametrize("name", ["purchases", "refunds", "happenings"])
def test_ledger_31_events_are_unique_outside_the_family(name: str):
    unique = [
        {column.name for column in constraint.columns}
        for constraint in metadata.tables[name].constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    assert {"programme_id", "source", "external_id"} | (
        {"kind"} if name == "happenings" else set()
    ) in unique


@ON_EVERY_ENGINE
def test_migrations_lead_to_the_tables_as_they_are_declared(engine: Engine):
    options = {"compare_type": True, "include_name": _is_no_partition}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    assert not pending(engine)


def _is_no_partition(name: str | None, kind: str, _parents: Any) -> bool:
    """Partitions are the storage of the tables that are declared."""
    table, _, part = (name or "").rpartition("_p")
    family = {one.name for one in LEDGER_FAMILY}
    return not (kind == "table" and table in family and part.isdecimal())


@ON_EVERY_ENGINE
def test_checks_are_in_the_database(engine: Engine):
    """What autogenerate does not compare."""
    declared = {
        constraint.name
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    with engine.connect() as connection:
        found = {
            one["name"]
            for table in metadata.sorted_tables
            for one in connection.dialect.get_check_constraints(connection, table.name)
        }
    assert declared == found


INDEXES = {
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
}


def _indexes(connection: Connection) -> dict[str, str]:
    found = connection.exec_driver_sql(INDEXES[connection.dialect.name])
    own = "alembic_version_pkc"  # no table of ours
    return {name: " ".join(words.split()) for name, words in found if name != own}


def test_indexes_are_in_the_database_word_for_word(engine: Engine):
    """Conditions and expressions too: a database that `create_all` made has the same."""
    with engine.connect() as connection:
        migrated = _indexes(connection)
    with write(engine) as connection:
        for name in ("alembic_version", *metadata.tables):
            connection.exec_driver_sql(f'DROP TABLE "{name}"')
        metadata.create_all(connection)
        made = _indexes(connection)
    assert migrated == made
