"""`ledger partition`: told first, then done, on PostgreSQL alone."""

from __future__ import annotations

import pytest

from loyalty_core.store import partitions
from loyalty_core.store.database import read
from tests.support.databases import PARTITIONS

FAMILY = ["accounts", "lots", "entries", "entry_lots", "holds"]

on_postgres = pytest.mark.skipif(PARTITIONS > 0, reason="every test database is partitioned")


@pytest.fixture
def database(postgres_engine, settings):
    """The commands work on this empty PostgreSQL database."""
    settings["HUB_DATABASE_URL"] = postgres_engine.url.render_as_string(hide_password=False)
    return postgres_engine


def count(engine) -> int:
    with read(engine) as connection:
        return partitions.partitions(connection)


@on_postgres
def test_without_apply_it_only_tells(cli, database):
    told = cli("ledger", "partition", "--json").json

    assert (told["applied"], told["partitions"]) == (False, 16)
    assert [(one["table"], one["rows"]) for one in told["tables"]] == [(n, 0) for n in FAMILY]
    assert "--apply does it" in cli("ledger", "partition").out
    assert count(database) == 0


@on_postgres
def test_with_apply_it_is_done_and_the_other_commands_go_on(cli, database):
    done = cli("ledger", "partition", "--parts", "4", "--apply")

    assert done.out.endswith("Each table has 4 partitions now.\n")
    assert count(database) == 4
    assert cli("migrate").out == "The database is at the newest schema.\n"
    assert cli("programmes", "create", "demo").code == 0
    assert cli("ledger", "verify").out == "The books agree.\n"
    again = cli("ledger", "partition", "--parts", "8", "--apply")
    assert (again.code, again.err) == (1, "Error: The ledger has 4 partitions already.\n")


def test_sqlite_has_none(cli):
    refused = cli("ledger", "partition", "--apply")

    assert refused.code == 1
    assert refused.err == "Error: SQLite has no partitions; they need PostgreSQL.\n"


@pytest.mark.parametrize("parts", ["1", "0", "1025", "many"])
def test_a_number_that_makes_no_sense_is_refused(cli, parts):
    assert cli("ledger", "partition", "--parts", parts).code == 2
