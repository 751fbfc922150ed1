"""A query that is written out once gives what SQLAlchemy gives, on both databases."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Engine, bindparam, literal_column, select, update
from sqlalchemy.exc import DBAPIError

from loyalty_core.store.database import Statement, fetch, transact
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import lots, products

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
COLUMNS = ("programme_id", "sku", "name", "categories", "attributes", "price_minor", "updated_at")
ROWS = [
    (1, "A", "Чай", ["tea", "green"], {"grade": 1, "bio": True}, 150_00, NOW),
    (1, "B", "Кофе", [], {"n": 10**30, "of": 'Уцзи \\ "'}, None, NOW.replace(microsecond=0)),
    (2, "A", "of another programme", [], {}, None, NOW),
]
LOT = ("member_id", "currency", "no", "amount", "active", "spendable_from", "expires_at")
NAMES = [products.c[name] for name in COLUMNS]


@pytest.fixture
def connection(engine: Engine):
    with engine.begin() as connection:
        insert_many(connection, products, COLUMNS, ROWS)
        insert_many(connection, lots, LOT, [(7, "points", 1, 10_00, False, NOW, None)])
        yield connection


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_values_are_those_that_were_written(connection, again):
    """Texts, numbers, times, JSON, and nothing."""
    query = Ready(
        select(*NAMES)
        .where(products.c.programme_id == bindparam("programme"), among(products.c.sku, "skus"))
        .order_by(products.c.sku)
    )
    values = {"programme": 1, "skus": {"A", "B", "no such"}}
    if again:
        query.rows(connection, {"programme": 2, "skus": []})

    assert query.rows(connection, values) == ROWS[:2]
    assert query.named(connection, values) == [
        dict(zip(COLUMNS, row, strict=True)) for row in ROWS[:2]
    ]


def test_times_are_asked_for_as_times_and_truths_are_truths(connection):
    query = Ready(
        select(lots.c.no, lots.c.active, lots.c.spendable_from, lots.c.expires_at).where(
            lots.c.spendable_from == bindparam("since", type_=lots.c.spendable_from.type),
            lots.c.active == bindparam("active"),
        )
    )

    assert query.rows(connection, {"since": NOW, "active": False}) == [(1, False, NOW, None)]
    assert query.rows(connection, {"since": NOW, "active": True}) == []


def test_what_changes_rows_gives_them_as_they_are_then(connection):
    query = Ready(
        update(products)
        .where(products.c.sku == bindparam("wanted"), products.c.name == literal_column("'Чай'"))
        .values(name="Чай чёрный", updated_at=bindparam("now"))
        .returning(products.c.sku, products.c.name, products.c.updated_at)
    )
    later = NOW.replace(hour=10)

    assert query.rows(connection, {"wanted": "A", "now": later}) == [("A", "Чай чёрный", later)]


def test_a_value_of_the_statement_itself_is_given_as_it_must_be(connection):
    """A path into JSON is another thing to each database."""
    grade = products.c.attributes[("grade",)].as_integer()
    query = Ready(select(products.c.sku).where(grade == 1))

    assert query.rows(connection, {}) == [("A",)]


def test_a_list_in_the_statement_itself_is_refused(connection):
    query = Ready(select(products.c.sku).where(products.c.sku.in_(["A", "B"])))

    with pytest.raises(AssertionError, match="no fixed length"):
        query.rows(connection, {})


def test_what_the_database_refuses_is_told_as_sqlalchemy_tells_it(engine: Engine):
    query = Ready(select(products.c.sku).where(products.c.sku == bindparam("sku")))

    with pytest.raises(DBAPIError):
        transact(engine, lambda connection: query.rows(connection, {"sku": object()}))


_LONG = "x" * 5000
"""Beyond what psycopg's own cache of statements takes."""


def test_a_statement_of_any_length_is_not_taken_apart_for_each_run(postgres_engine, monkeypatch):
    statement = Statement(
        f"SELECT %(a)s::text || %(b)s::text || %(a)s::text, '100%%', length('{_LONG}')", {"b": "-"}
    )
    with postgres_engine.begin() as connection:
        assert fetch(connection, statement, {"a": "1"}) == [("1-1", "100%", 5000)]
        monkeypatch.setattr(psycopg._queries, "_split_query", None)
        assert fetch(connection, statement, {"a": "%s"}) == [("%s-%s", "100%", 5000)]
