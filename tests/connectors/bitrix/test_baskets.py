"""500 random baskets: what the shop charges is what the hub books, to the kopeck.

One PHP process runs the module's real rule over each basket, asks the real hub, and orders it; the
purchase of its snapshot is held against the prices that the basket had.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from loyalty_core.store.database import read
from loyalty_core.store.tables import purchase_lines, purchases
from tests.support.bitrix import ACCOUNT, BitrixStage

BASKETS = 500
AT = "2026-03-14T14:31:02+03:00"
HALF_OFF = {"percent": "7.5", "skus": ["P1", "P2", "P3", "P4"]}
PROMOTIONS = [
    {"id": "p_some", "name": "Часть полок", "type": "percent_off", "params": HALF_OFF},
]
QUANTITIES = (1, 2, 3, 7, 0.35, 1.236, 12)


@pytest.fixture
def stage(sqlite_engine, tmp_path: Path) -> Iterator[BitrixStage]:
    opened = BitrixStage(sqlite_engine, tmp_path, PROMOTIONS)
    opened.shop.do("user", id=ACCOUNT)
    opened.member("9000000.00")
    yield opened
    opened.close()


def basket(chance: random.Random) -> list[list[Any]]:
    return [
        [
            number,
            chance.randint(1, 300_000) / chance.choice((1, 100)),
            chance.choice(QUANTITIES),
            {
                "PRODUCT_XML_ID": f"P{chance.randint(1, 9)}",
                "CUSTOM_PRICE": chance.choice("NNNNY"),
            },
        ]
        for number in range(1, chance.randint(2, 7))
    ]


def kopecks(price: float, quantity: float) -> int:
    exact = Decimal(str(price)) * Decimal(str(quantity)) * 100
    return int(exact.to_integral_value(ROUND_HALF_UP))


@pytest.mark.slow
def test_the_shop_charges_what_the_hub_books_in_500_random_baskets(stage):
    chance = random.Random(19)
    charged: dict[str, dict[str, int]] = {}
    for number in range(1, BASKETS + 1):
        lines, delivery = basket(chance), chance.choice((0, 300, 199.9))
        if chance.random() < 0.6:
            stage.shop.do("points", typed=chance.choice(("max", "10", "33.33")))
        priced = stage.shop.do("basket", lines=lines, delivery=delivery)
        for line, item in zip(lines, priced, strict=True):
            assert item["PRICE"] == line[1] or line[3]["CUSTOM_PRICE"] == "N"
            law = round(item["PRICE"] + item["DISCOUNT_PRICE"], 2)
            assert law == round(item["BASE_PRICE"], 2)
        stage.shop.do("place", id=number, at=AT, delivery=delivery)
        stage.shop.do("pay", id=number, at=AT)
        charged[str(number)] = {
            str(item["ID"]): kopecks(item["PRICE"], item["QUANTITY"]) for item in priced
        } | ({"delivery": kopecks(delivery, 1)} if delivery else {})
        # A page waits for the hub for so long only: each order is one of its own.
        stage.shop.do("end_page")
        if number % 50 == 0:
            stage.work()

    booked, flags, lowered = books(stage)
    assert booked == charged
    assert flags == set()
    assert min(lowered) > 500


def books(stage: BitrixStage) -> tuple[dict[str, dict[str, int]], set[str], tuple[int, int]]:
    """Paid by purchase and line, all flags, and how many lines had a discount, and a spend."""
    paid: dict[str, dict[str, int]] = {}
    flags: set[str] = set()
    lines = []
    with read(stage.hub.engine) as connection:
        for row in connection.execute(select(purchases)):
            flags |= set(row.flags)
        query = select(purchases.c.external_id, purchase_lines).join(
            purchase_lines, purchase_lines.c.purchase_id == purchases.c.id
        )
        lines = connection.execute(query).all()
    for line in lines:
        paid.setdefault(line.external_id, {})[line.id] = line.paid_minor
    lowered = [(line.discount_minor > 0, line.spend_minor > 0) for line in lines]
    return paid, flags, (sum(one for one, _ in lowered), sum(other for _, other in lowered))
