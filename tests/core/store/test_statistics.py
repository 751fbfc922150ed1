"""Tables that are new are counted once."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from loyalty_core.store.database import is_sqlite, transact
from loyalty_core.store.sets import insert_many
from loyalty_core.store.statistics import count_new_tables
from loyalty_core.store.tables import products

COLUMNS = ("programme_id", "sku", "name", "categories", "attributes", "updated_at")


def test_a_table_is_counted_when_it_has_rows_and_never_was(engine: Engine):
    before = transact(engine, count_new_tables)
    row = (1, "s", "S", [], {}, datetime(2026, 3, 14, tzinfo=UTC))
    transact(engine, lambda c: insert_many(c, products, COLUMNS, [row]))

    found = transact(engine, count_new_tables)

    assert "products" not in before
    assert ("products" in found) is not is_sqlite(engine)
    assert transact(engine, count_new_tables) == []
