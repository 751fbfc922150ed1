"""The programme that is measured: rules with three promotions, a small catalogue, members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from bench.measure import Tell
from bench.members import Crowd, settle_members
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.service.catalogue import CategoryRow, upsert_categories, upsert_products
from loyalty_core.service.programmes import create_programme, draft_rules, publish_rules
from loyalty_core.store.database import transact
from loyalty_kit.ports import Product

LINES = 10
_AGO = timedelta(days=2)
_WORTH: Sequence[tuple[str, dict[str, str]]] = (
    ("percent_off", {"percent": "10"}),
    ("earn_multiplier", {"factor": "2"}),
    ("spend_share", {"percent": "50"}),
)
_GOODS = ("categories", "skus", "brands", "attributes")
_NAMES = 5
_CATEGORIES = ("tea", "coffee", "sweets", "grocery", "ware")
Promotion = Mapping[str, Any]
"""As the rules document has it."""


def promotion(code: str, kind: str, **params: object) -> Promotion:
    return {"id": code, "name": code, "type": kind, "params": params}


PROMOTIONS: Sequence[Promotion] = (
    promotion("p_off", "percent_off", percent="10", categories=["sweets"]),
    promotion("p_double", "earn_multiplier", factor="2", categories=["coffee"]),
    promotion("p_half", "spend_share", percent="50", categories=["tea"]),
)
"""All of them apply to the basket of a quote."""


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


def rules(promotions: Iterable[Promotion] = PROMOTIONS) -> dict[str, Any]:
    document = default_rules()
    document["promotions"] = list(promotions)
    return document


def in_force(matching: Sequence[Promotion], count: int) -> Iterator[Promotion]:
    """So many promotions: these, and others of all types that name goods nobody buys."""
    yield from matching
    for number in range(count - len(matching)):
        kind, worth = _WORTH[number % len(_WORTH)]
        goods = _GOODS[number // len(_WORTH) % len(_GOODS)]
        named = [f"other-{number}-{one}" for one in range(_NAMES)]
        yield promotion(f"p_other_{number}", kind, **worth, **{goods: named})


def publish(engine: Engine, programme_id: int, document: Mapping[str, Any], now: datetime) -> None:
    """Put these rules in force."""

    def work(connection: Connection) -> None:
        draft = draft_rules(connection, programme_id, document, author="bench", now=now)
        publish_rules(connection, programme_id, draft, author="bench", now=now)

    transact(engine, work)


def _fill_catalogue(connection: Connection, programme_id: int, now: datetime) -> None:
    products = [
        Product(sku_of(line), f"Product {line}", categories=(category_of(line),))
        for line in range(LINES)
    ]
    rows = [CategoryRow(code, code.title(), None) for code in _CATEGORIES]
    upsert_categories(connection, programme_id, rows)
    upsert_products(connection, programme_id, products, now=now)
