"""The programme that is measured: rules with three promotions, a small catalogue, members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from bench.measure import Tell
from bench.members import Crowd, settle_members
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.service.catalogue import CategoryRow, upsert_categories, upsert_products
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import transact
from loyalty_kit.ports import Product

LINES = 10
_AGO = timedelta(days=2)
_CATEGORIES = ("tea", "coffee", "sweets", "grocery", "ware")
_PROMOTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("p_off", "percent_off", {"percent": "10", "categories": ["sweets"]}),
    ("p_double", "earn_multiplier", {"factor": "2", "categories": ["coffee"]}),
    ("p_half", "spend_share", {"percent": "50", "categories": ["tea"]}),
)


@dataclass(frozen=True, slots=True)
class BenchProgramme:
    """`members` are their numbers; the phone of the first is `phone_of(0)`."""

    id: int
    members: Sequence[int]
    key: str


@dataclass(frozen=True, slots=True)
class Size:
    """How many members, and how many entries each of them has."""

    members: int
    entries: int = 1


def sku_of(line: int) -> str:
    return f"SKU-{line}"


def category_of(line: int) -> str:
    return _CATEGORIES[line % len(_CATEGORIES)]


def make_programme(engine: Engine, size: Size, now: datetime, tell: Tell) -> BenchProgramme:
    """A programme whose members joined two days ago."""
    joined = now - _AGO

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
    crowd = Crowd(programme_id, size.members, size.entries, joined)
    return BenchProgramme(programme_id, settle_members(engine, crowd, tell), key)


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
