"""The ledger family in hash partitions: made from a database with rows, and used through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, create_engine, inspect, text

from hub.doctor import diagnose
from loyalty_core.domain.members import IdentityKey
from loyalty_core.store import migrate, partitions
from loyalty_core.store.checkout import checkout_facts, checkout_facts_of_each
from loyalty_core.store.checkout_statement import Asked
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import LEDGER_FAMILY, metadata
from tests.support.books import assert_books_add_up
from tests.support.databases import PARTITIONS
from tests.support.heard import Said, explained, heard_by_postgres
from tests.support.hub import make_hub
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Shop, open_programme

PLAIN_ONLY = pytest.mark.skipif(PARTITIONS > 0, reason="every test database is partitioned")


@pytest.fixture
def shop(postgres_engine: Engine) -> Shop:
    """Two members with points, a spend, a refund and a live hold; not partitioned yet."""
    opened = open_programme(postgres_engine)
    opened.buy("P1", 100_00, at=NOW - DAY)
    opened.buy("P2", 50_00, spent=2_00)
    opened.bring_back("R1", 40_00, purchase="P1")
    opened.buy("P3", 70_00, by=BORIS)
    opened.hold(50_00, cart="c", spend=3_00)
    return opened


def structure(engine: Engine) -> dict[str, Any]:
    """Columns, keys, checks and indexes of the family, as the database tells them."""
    look = inspect(engine)
    return {
        table.name: {
            "columns": [
                (one["name"], str(one["type"]), one["nullable"], one["default"])
                for one in look.get_columns(table.name)
            ],
            "key": look.get_pk_constraint(table.name),
            "checks": sorted(
                (one["name"], one["sqltext"]) for one in look.get_check_constraints(table.name)
            ),
            "indexes": sorted(
                (
                    one["name"],
                    one["column_names"],
                    one["unique"],
                    one["dialect_options"].get("postgresql_where"),
                )
                for one in look.get_indexes(table.name)
            ),
        }
        for table in LEDGER_FAMILY
    }


@PLAIN_ONLY
def test_nothing_but_the_storage_changes(shop: Shop):
    rows, shape = shop.snapshot(), structure(shop.engine)

    with write(shop.engine) as connection:
        told = partitions.partition(connection, 5)

    assert shop.snapshot() == rows
    assert structure(shop.engine) == shape
    assert {one.table: one.rows for one in told} == {
        table.name: len(rows[table.name]) for table in LEDGER_FAMILY
    }
    with read(shop.engine) as connection:
        assert partitions.partitions(connection) == 5
    assert shop.rebuild() == 0
    assert_books_add_up(shop)


@PLAIN_ONLY
def test_the_books_go_on(shop: Shop):
    with write(shop.engine) as connection:
        partitions.partition(connection, 3)

    # 10.00 - 4.00 + 4.80 - 2.00 and 3.00 of that held, as if nothing had happened between.
    assert (shop.figures().available, shop.figures().held) == (5_80, 3_00)
    assert shop.buy("P2", 50_00, spent=2_00).created is False
    shop.buy("P4", 50_00, spent=3_00, cart="c")
    assert (shop.figures().available, shop.figures().held) == (5_80 + 4_70, 0)
    assert_books_add_up(shop)


@PLAIN_ONLY
def test_a_survey_copies_nothing(shop: Shop):
    with read(shop.engine) as connection:
        told = partitions.survey(connection)
        assert partitions.partitions(connection) == 0

    assert {one.table: one.rows for one in told}["accounts"] == 2
    assert all(one.size_bytes > 0 for one in told)


def test_twice_is_refused(partitioned_engine: Engine):
    with (
        write(partitioned_engine) as connection,
        pytest.raises(partitions.CannotPartition, match="already"),
    ):
        partitions.partition(connection, 4)


def test_sqlite_is_refused(sqlite_engine: Engine):
    with (
        write(sqlite_engine) as connection,
        pytest.raises(partitions.CannotPartition, match="PostgreSQL"),
    ):
        partitions.partition(connection, 4)


@PLAIN_ONLY
@pytest.mark.parametrize("count", [0, 1, partitions.MOST + 1])
def test_so_many_make_no_sense(shop: Shop, count: int):
    with write(shop.engine) as connection, pytest.raises(ValueError, match="from 2"):
        partitions.partition(connection, count)


@PLAIN_ONLY
def test_a_failure_leaves_everything_as_it_was(shop: Shop):
    rows = shop.snapshot()
    with write(shop.engine) as connection:
        partitions.partition(connection, 4)
        assert partitions.partitions(connection) == 4
        connection.rollback()

    assert shop.snapshot() == rows
    with read(shop.engine) as connection:
        assert partitions.partitions(connection) == 0


@PLAIN_ONLY
def test_rights_and_storage_settings_go_along(shop: Shop):
    with write(shop.engine) as connection:
        connection.execute(text("CREATE ROLE partition_reader"))
        connection.execute(text("GRANT SELECT ON accounts TO partition_reader"))
        connection.execute(text("ALTER TABLE accounts SET (fillfactor = 70)"))
        partitions.partition(connection, 2)
        may = text("SELECT has_table_privilege('partition_reader', 'accounts', 'SELECT')")
        assert connection.execute(may).scalar_one()
        kept = text(
            "SELECT reloptions FROM pg_class WHERE relname LIKE 'accounts_p%' AND relkind = 'r'"
        )
        assert list(connection.scalars(kept)) == [["fillfactor=70"]] * 2
        connection.execute(text("DROP OWNED BY partition_reader"))
        connection.execute(text("DROP ROLE partition_reader"))


def test_migrations_and_doctor_go_on(partitioned_engine: Engine, tmp_path):
    assert not migrate.pending(partitioned_engine)
    migrate.upgrade(partitioned_engine)
    told = {
        one.name: one.state for one in diagnose(make_hub(partitioned_engine, data_dir=tmp_path))
    }
    assert (told["database"], told["migrations"]) == ("ok", "ok")


def test_later_migrations_reach_every_partition(partitioned_engine: Engine):
    with write(partitioned_engine) as connection:
        op = Operations(MigrationContext.configure(connection))
        op.add_column("lots", sa.Column("colour", sa.Text(), nullable=True))
        op.create_check_constraint(op.f("ck_lots_colour_short"), "lots", "length(colour) < 9")
        op.create_index("ix_lots_colour", "lots", ["member_id", "colour"])
        op.alter_column("lots", "colour", new_column_name="hue")
    look = inspect(partitioned_engine)
    for name in look.get_table_names():
        if name.startswith("lots_p"):
            assert "hue" in {one["name"] for one in look.get_columns(name)}
            assert any("hue" in one["column_names"] for one in look.get_indexes(name))


# --- one member, one partition ----------------------------------------------------------------

MEMBERS = 20_000


@pytest.fixture
def crowded(partitioned_engine: Engine) -> Iterator[Shop]:
    """Enough accounts for PostgreSQL to look things up rather than read whole tables."""
    opened = open_programme(partitioned_engine)
    opened.buy("P1", 100_00)
    with write(partitioned_engine) as connection:
        connection.execute(
            text(
                "INSERT INTO accounts (member_id, currency, available, entries, lots)"
                " SELECT n, 'points', 100, 1, 1 FROM generate_series(1, :n) n"
            ),
            {"n": MEMBERS},
        )
        connection.execute(
            text(
                "INSERT INTO lots (member_id, currency, no, amount, free, active, spendable_from)"
                " SELECT n, 'points', 1, 100, 100, true, 0 FROM generate_series(1, :n) n"
            ),
            {"n": MEMBERS},
        )
        for table in metadata.sorted_tables:
            connection.execute(text(f'ANALYZE "{table.name}"'))
    return opened


class Watched:
    """The statements that a piece of work executes, with their parameters."""

    def __init__(self, engine: Engine) -> None:
        self.said: list[Said] = []
        self._engine = engine

    def __enter__(self) -> Watched:
        self._listening = heard_by_postgres(self.said)
        self._listening.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.__exit__(None, None, None)

    def partitions_of(self, statement: str, parameters: Any) -> dict[str, set[str]]:
        """By table of the family, the partitions that the statement looked into."""
        plain = create_engine(self._engine.url)
        names = {table.name for table in LEDGER_FAMILY}
        with plain.connect() as connection:
            said = statement, parameters
            (plan,) = explained(connection, "EXPLAIN (ANALYZE, FORMAT JSON)", said)
            connection.rollback()
        plain.dispose()
        found: dict[str, set[str]] = {}
        for node in _nodes(plan[0]["Plan"]):
            name, _, part = node.get("Relation Name", "").rpartition("_p")
            if name in names and node["Actual Loops"] > 0:
                found.setdefault(name, set()).add(part)
        return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def test_posting_looks_into_one_partition(crowded: Shop):
    """A purchase that takes points of one that was returned in part."""
    crowded.bring_back("R1", 40_00, purchase="P1")
    with Watched(crowded.engine) as watched:
        crowded.buy("P2", 50_00, spent=2_00)
        crowded.bring_back("R2", 10_00, purchase="P2")
        crowded.hold(10_00, cart="c", spend=1_00)
    looked = [
        (statement, watched.partitions_of(statement, parameters))
        for statement, parameters in watched.said
        if statement.startswith(("SELECT", "UPDATE", "WITH")) and "INSERT INTO" not in statement
    ]
    names = {name for _, found in looked for name in found}
    assert {"accounts", "lots", "entries", "entry_lots"} <= names
    for statement, found in looked:
        assert all(len(parts) == 1 for parts in found.values()), (statement, found)


@pytest.mark.parametrize("several", [False, True])
def test_a_quote_looks_into_one_partition(crowded: Shop, several: bool):
    asked = Asked(
        crowded.programme_id,
        "main",
        None,
        [IdentityKey("phone", "", ANNA)],
        cart="c",
        order=None,
        hold=None,
        person=True,
    )
    with Watched(crowded.engine) as watched, read(crowded.engine) as connection:
        if several:
            facts, _ = checkout_facts_of_each(connection, [asked, asked], NOW)
        else:
            facts = checkout_facts(connection, asked, NOW)
    assert facts is not None
    assert facts.accounts[0].balance.available == 10_00
    ((statement, parameters),) = [one for one in watched.said if "FROM programmes" in one[0]]
    found = watched.partitions_of(statement, parameters)

    assert {"accounts", "lots"} <= set(found)
    assert all(len(parts) == 1 for parts in found.values()), found
