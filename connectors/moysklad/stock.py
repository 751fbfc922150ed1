"""What retail points have of articles: the stock of the store that each of them sells from.

JSON API, reports, stock: the short report by stores, which needs no right of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from connectors.moysklad import schemas
from connectors.moysklad.client import MoySklad
from connectors.moysklad.schemas import load
from connectors.moysklad.translate import shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.money import UNIT_MILLI
from loyalty_kit.ports import InStock, Product, StockCount

PORTION = 100
"""Addresses have 8 KB with the headers: a hundred ids fill half of it."""

_POINT, _LEFT = compile_load(schemas.RetailPoint()), compile_load(schemas.Left())


def counted(client: MoySklad, products: Sequence[Product]) -> StockCount:
    """By shop: points of one shop that sell from several stores have the sum of these.

    Raises: PayloadInvalid, and what the client raises.
    """
    stores = _stores(client)
    skus = [product.sku for product in products]
    left: dict[tuple[str, str], int] = defaultdict(int)
    for start in range(0, len(skus), PORTION):
        for row in client.stock(skus[start : start + PORTION]):
            told = load(_LEFT, row)
            for shop in stores.get(told["store"] or "", ()):
                left[told["article"], shop] += _milli(told["units"])
    shops = sorted({shop for own in stores.values() for shop in own})
    found = tuple(InStock(sku, shop, milli) for (sku, shop), milli in sorted(left.items()))
    return StockCount(tuple(shops), found)


def _milli(units: Decimal) -> int:
    return int((units * UNIT_MILLI).to_integral_value(ROUND_HALF_UP))


def _stores(client: MoySklad) -> dict[str, frozenset[str]]:
    """The shops of each store, by the retail points that sell from it."""
    stores: dict[str, set[str]] = defaultdict(set)
    for row in client.all("/entity/retailstore"):
        point = load(_POINT, row)
        shop = shop_of(point["id"], client.settings)
        if point["store"] is not None and shop is not None:
            stores[point["store"]].add(shop)
    return {store: frozenset(shops) for store, shops in stores.items()}
