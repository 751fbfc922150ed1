"""Rows written in sets, and lists of keys, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from loyalty_core.store.database import is_away, read, transact, write
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import accounts, happenings, products, upload_parts

KEY = ("programme_id", "sku")
COLUMNS = (*KEY, "name", "categories", "attributes", "brand", "price_minor", "updated_at")
NOW = datetime(2026, 3, 14, 9, 0, 0, 123456, tzinfo=UTC)
ODD = [
    'a "quoted" word',
    "back\\slash and \\",
    "{braces}, commas, NULL",
    "NULL",
    "None",
    "line\nbreak\tand tab",
    "кириллица 🙂",
    "' -- %s %(x)s ?1 :y",
    "",
]


@pytest.fixture
def rows() -> list[tuple]:
    return [
        (1, sku, f"<{sku}>", [sku, None], {sku: sku}, sku if number % 2 else None, None, NOW)
        for number, sku in enumerate(ODD)
    ]


def kept(engine: Engine, table=products, columns=COLUMNS, order="sku") -> list[tuple]:
    query = select(*(table.c[name] for name in columns)).order_by(table.c[order])
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_what_is_inserted_is_there_to_the_letter(engine: Engine, rows: list[tuple]):
    transact(engine, lambda c: insert_many(c, products, COLUMNS, rows))

    assert sorted(kept(engine)) == sorted(rows)


def test_no_rows_are_no_statement(engine: Engine):
    transact(engine, lambda c: insert_many(c, products, COLUMNS, []))
    transact(engine, lambda c: update_many(c, products, KEY, ("name",), []))

    assert kept(engine) == []


def test_update_changes_the_named_rows_and_no_other(engine: Engine, rows: list[tuple]):
    transact(engine, lambda c: insert_many(c, products, COLUMNS, rows))
    changes = [(1, sku, None if number else "x", number) for number, sku in enumerate(ODD[:4])]
    transact(engine, lambda c: update_many(c, products, KEY, ("brand", "price_minor"), changes))

    by_sku = {row[1]: row for row in kept(engine)}
    for number, (_, sku, brand, price) in enumerate(changes):
        assert by_sku[sku] == (*rows[number][:5], brand, price, NOW)
    assert [by_sku[sku] for sku in ODD[4:]] == rows[4:]


def test_a_key_that_is_there_is_an_error_unless_it_may_be(engine: Engine):
    key = ("member_id", "currency")
    transact(engine, lambda c: insert_many(c, accounts, (*key, "debt"), [(1, "points", 7)]))
    with pytest.raises(IntegrityError):
        transact(engine, lambda c: insert_many(c, accounts, key, [(1, "points")]))
    again = [(1, "points", 0), (2, "points", 0), (1, "miles", 0)]
    transact(engine, lambda c: insert_many(c, accounts, (*key, "debt"), again, unless=key))

    found = kept(engine, accounts, (*key, "debt"), "member_id")
    assert sorted(found) == [(1, "miles", 0), (1, "points", 7), (2, "points", 0)]


def test_a_row_that_is_there_takes_new_values_of_the_columns_named(engine: Engine):
    key, columns = ("member_id", "currency"), ("member_id", "currency", "debt", "held")
    transact(engine, lambda c: insert_many(c, accounts, columns, [(1, "points", 7, 3)]))
    again = [(1, "points", 5, 9), (2, "points", 4, 8)]
    transact(engine, lambda c: insert_many(c, accounts, columns, again, unless=key, anew=("debt",)))

    found = kept(engine, accounts, columns, "member_id")
    assert found == [(1, "points", 5, 3), (2, "points", 4, 8)]


def test_bytes_are_kept_as_they_are(engine: Engine):
    """Whatever a shop sends: nothing, zeros, what is no text, and more than a page of it."""
    bodies = [b"", b"\x00", b'\\x41 "{}" \xff\xfe', bytes(range(256)) * 300]
    parts = [(1, number, body) for number, body in enumerate(bodies)]
    columns = ("upload_id", "number", "body")
    transact(engine, lambda c: insert_many(c, upload_parts, columns, parts))

    assert kept(engine, upload_parts, columns, "number") == parts


def test_only_the_named_key_may_be_there(engine: Engine):
    columns = (
        *("id", "programme_id", "source", "kind", "external_id"),
        *("occurred_at", "content_hash", "data"),
    )
    first = (1, 1, "s", "k", "x", NOW, "", {})
    same_id = (1, 1, "s", "k", "y", NOW, "", {})
    transact(engine, lambda c: insert_many(c, happenings, columns, [first]))

    unless = ("programme_id", "source", "kind", "external_id")
    with write(engine) as connection, pytest.raises(IntegrityError):
        insert_many(connection, happenings, columns, [same_id], unless=unless)


def test_a_server_that_ends_a_connection_is_away(postgres_engine: Engine):
    def cut_off(connection: Connection) -> None:
        server = {"server": connection.scalar(text("SELECT pg_backend_pid()"))}
        with read(postgres_engine) as other:
            other.execute(text("SELECT pg_terminate_backend(:server, 10000)"), server)
        insert_many(connection, accounts, ("member_id", "currency"), [(1, "points")])

    with pytest.raises(OperationalError) as caught:
        transact(postgres_engine, cut_off)

    assert is_away(caught.value)


def test_among_finds_by_words_and_by_numbers(engine: Engine, rows: list[tuple]):
    transact(engine, lambda c: insert_many(c, products, COLUMNS, rows))
    by_word = select(products.c.sku).where(among(products.c.sku, "skus"))
    by_number = select(products.c.sku).where(among(products.c.programme_id, "ids"))
    with engine.connect() as connection:
        for some in (ODD, ODD[:1], ["nothing"], []):
            found = connection.scalars(by_word, {"skus": some})
            assert sorted(found) == sorted(set(some) & set(ODD))
        assert connection.scalars(by_number, {"ids": {2}}).all() == []
        assert len(connection.scalars(by_number, {"ids": range(1, 4)}).all()) == len(ODD)
