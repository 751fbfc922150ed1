"""Tables are counted when they have grown."""

from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from sqlalchemy import Connection, Engine, text

from loyalty_core.store import inbox, outbox
from loyalty_core.store.database import is_sqlite, transact
from loyalty_core.store.sets import insert_many
from loyalty_core.store.statistics import count_grown_tables
from loyalty_core.store.tables import products
from tests.support.heard import Said, explained, heard

COLUMNS = ("programme_id", "sku", "name", "categories", "attributes", "updated_at")
PAGE = 8192
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def fill(engine: Engine, first: int, rows: int) -> None:
    """A row is a quarter of a page of PostgreSQL."""
    name = "S" * (PAGE // 4)
    new = [(1, f"{number}", name, [], {}, NOW) for number in range(first, first + rows)]
    with engine.begin() as connection:
        if not is_sqlite(engine):
            # What is kept beside the table, or pressed, would not make it grow.
            connection.execute(text("ALTER TABLE products ALTER COLUMN name SET STORAGE PLAIN"))
        insert_many(connection, products, COLUMNS, new)


def counted(engine: Engine) -> bool:
    return "products" in transact(engine, count_grown_tables)


def test_a_table_is_counted_at_eight_pages_and_when_it_has_grown_fourfold(engine: Engine):
    if is_sqlite(engine):
        fill(engine, 0, 100)
        assert transact(engine, count_grown_tables) == []
        return
    found = []
    for first, rows in ((0, 20), (20, 20), (40, 40), (80, 80)):
        fill(engine, first, rows)
        found.append((counted(engine), counted(engine)))

    # Three rows a page: 7, 14, 27 and 54 pages.
    assert found == [(False, False), (True, False), (False, False), (False, False)]

    fill(engine, 160, 40)

    assert counted(engine), "67 pages, more than four times 14"


@pytest.mark.parametrize("room", [inbox, outbox], ids=["inbox", "outbox"])
def test_no_plan_of_a_claim_compares_all_rows_with_all_found(room: ModuleType, engine: Engine):
    """Nothing is known of an empty table, and its plan is kept until somebody counts it."""
    until = NOW + timedelta(minutes=1)
    with engine.begin() as connection:
        with heard(connection) as sent:
            room.claim(connection, 1, now=NOW, until=until, limit=100)
        claims = [told for told in sent if told[0].startswith("UPDATE")]
        plans = [plan_of(connection, told) for told in claims]

    assert claims
    for (statement, _), plan in zip(claims, plans, strict=True):
        assert "state = 'due'" in statement, "an index over what is due serves any parameters"
        assert "Join" not in plan.partition("InitPlan")[0]


def plan_of(connection: Connection, told: Said) -> str:
    return "" if is_sqlite(connection) else "\n".join(explained(connection, "EXPLAIN", told))
