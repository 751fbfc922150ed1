"""The programme that is measured: rules with three promotions, a catalogue, members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from loyalty_core.domain.members import phone_key
from loyalty_core.domain.points import Cause
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.service.catalogue import CategoryRow, upsert_categories, upsert_products
from loyalty_core.service.identify import name_row, new_member_row
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import is_sqlite, transact
from loyalty_core.store.ledger import open_books, write_books
from loyalty_core.store.tables import identities, members
from loyalty_kit.ports import Product

LINES = 10
POINTS = "points"
WELCOME_POINTS = 100_000_00
"""Enough that no spend of a bench runs dry, in hundredths."""
_PORTION = 1000
_CATEGORIES = ("tea", "coffee", "sweets", "grocery", "ware")
_PROMOTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("p_off", "percent_off_category", {"percent": "10", "categories": ["sweets"]}),
    ("p_double", "earn_multiplier", {"factor": "2", "categories": ["coffee"]}),
    ("p_half", "spend_share", {"percent": "50", "categories": ["tea"]}),
)


@dataclass(frozen=True, slots=True)
class BenchProgramme:
    """`members` are their numbers; the phone of the first is `phone_of(0)`."""

    id: int
    members: Sequence[int]
    key: str


def phone_of(place: int) -> str:
    return f"+7900{place:07d}"


def sku_of(line: int) -> str:
    return f"SKU-{line}"


def category_of(line: int) -> str:
    return _CATEGORIES[line % len(_CATEGORIES)]


def make_programme(engine: Engine, count: int, now: datetime) -> BenchProgramme:
    """A programme with so many members, each with points that came a day ago."""
    joined = now - timedelta(days=1)

    def begin(connection: Connection) -> tuple[int, str]:
        programme = create_programme(
            connection, code="bench", document=rules(), author="bench", now=joined
        )
        _fill_catalogue(connection, programme.id, joined)
        key = create_key(
            connection, programme_id=programme.id, name="till", scopes=["checkout"], now=joined
        )
        return programme.id, key.key

    programme_id, key = transact(engine, begin)
    numbers: list[int] = []
    for first in range(0, count, _PORTION):
        places = range(first, min(first + _PORTION, count))
        join = partial(_join, programme_id=programme_id, places=places, now=joined)
        numbers += transact(engine, join)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if is_sqlite(engine) else "VACUUM ANALYZE"))
    return BenchProgramme(programme_id, numbers, key)


def rules() -> dict[str, Any]:
    document = default_rules()
    document["promotions"] = [
        {"id": code, "name": code, "type": kind, "params": params}
        for code, kind, params in _PROMOTIONS
    ]
    return document


def _fill_catalogue(connection: Connection, programme_id: int, now: datetime) -> None:
    products = [
        Product(sku_of(line), f"Product {line}", categories=(category_of(line),))
        for line in range(LINES)
    ]
    rows = [CategoryRow(code, code.title(), None) for code in _CATEGORIES]
    upsert_categories(connection, programme_id, rows)
    upsert_products(connection, programme_id, products, now=now)


def _join(connection: Connection, programme_id: int, places: range, now: datetime) -> list[int]:
    """Members in sets, and their first points through the books, so that the ledger is whole."""
    people = [
        new_member_row(programme_id, now, source="bench", state="active")
        | {"first_name": "Анна", "last_name": f"Иванова {place}"}
        for place in places
    ]
    connection.execute(insert(members), people)
    connection.execute(
        insert(identities),
        [
            name_row(programme_id, phone_key(phone_of(place)), one["id"], verified=True, now=now)
            for place, one in zip(places, people, strict=True)
        ],
    )
    numbers = [one["id"] for one in people]
    books = open_books(connection, [(number, POINTS) for number in numbers])
    for book in books.values():
        book.earn(WELCOME_POINTS, Cause("welcome", now, now), spendable_from=now, expires_at=None)
    write_books(connection, books.values())
    return numbers
