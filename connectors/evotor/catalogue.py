"""Groups and products of every shop, so that rules on categories meet lines of receipts; and
before them the terminals and who works at them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.evotor import schemas
from connectors.evotor.client import Evotor
from connectors.evotor.counters import cashiers_of, terminals_of
from connectors.evotor.lines import MAX_NAME, legal_class_of
from connectors.evotor.schemas import id_of, load
from connectors.evotor.settings import CLOUD, listed
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import CataloguePage, Category, Product, Settings

Wire = Mapping[str, Any]

GROUPS, PRODUCTS = "product-groups", "products"
MAX_MARK = 100

_PRODUCT, _GROUP = compile_load(schemas.Product()), compile_load(schemas.Group())


class Catalogue:
    """Of each shop its groups, then its products.  The cursor is JSON: the shops that are left,
    what of the first of them is being read, and the cloud's own cursor."""

    def page(self, client: Evotor, cursor: str | None) -> CataloguePage:
        """Raises: PayloadInvalid, and what the client raises."""
        if not client.settings["cloud_token"] and client.settings["feed"] != CLOUD:
            return CataloguePage((), (), None)
        if cursor is None:
            stores = sorted({str(one["id"]) for one in client.stores() if id_of(one.get("id"))})
            first = _written(stores, GROUPS, None) if stores else None
            # Only where documents are polled is it known which terminals tell of any.
            polled = client.settings["feed"] == CLOUD
            return CataloguePage(
                (),
                (),
                first,
                terminals=terminals_of(client) if polled else None,
                cashiers=cashiers_of(client),
            )
        stores, kind, place = _read(cursor)
        rows, following = client.goods(stores[0], kind, place)
        if following is not None and following != place:
            after: str | None = _written(stores, kind, following)
        elif kind == GROUPS:
            after = _written(stores, PRODUCTS, None)
        else:
            after = _written(stores[1:], GROUPS, None) if stores[1:] else None
        if kind == GROUPS:
            return CataloguePage((), categories_of(rows), after)
        return CataloguePage(products_of(rows, client.settings), (), after)


def products_of(rows: list[Any], settings: Settings) -> tuple[Product, ...]:
    """Raises: PayloadInvalid."""
    tobacco = listed(settings["tobacco_types"])
    told = [load(_PRODUCT, row) for row in rows]
    return tuple(_product(one, tobacco) for one in told if one["is_group"] is not True)


def _product(told: Wire, tobacco: frozenset[str]) -> Product:
    marks = (told["code"], told["article"], told["type"])
    return Product(
        sku=told["id"],
        name=(told["name"] or told["code"] or told["id"])[:MAX_NAME],
        external_id=told["id"],
        price_minor=told["price"],
        categories=() if told["parent"] is None else (told["parent"],),
        attributes=tuple(dict.fromkeys(mark for mark in marks if mark and len(mark) <= MAX_MARK)),
        legal_class=legal_class_of(told["type"], tobacco),
    )


def categories_of(rows: list[Any]) -> tuple[Category, ...]:
    """Raises: PayloadInvalid."""
    told = [load(_GROUP, row) for row in rows]
    return tuple(
        Category(one["id"], (one["name"] or one["id"])[:MAX_NAME], one["parent"]) for one in told
    )


def _written(stores: list[str], kind: str, place: str | None) -> str:
    return json.dumps({"stores": stores, "kind": kind, "place": place})


def _read(cursor: str) -> tuple[list[str], str, str | None]:
    try:
        kept = json.loads(cursor)
        stores, kind, place = kept["stores"], kept["kind"], kept["place"]
        known = kind in (GROUPS, PRODUCTS) and all(id_of(one) is not None for one in stores)
        if stores and known and (place is None or isinstance(place, str)):
            return list(stores), kind, place
    except (ValueError, TypeError, KeyError):
        pass
    raise PayloadInvalid("the cursor of the catalogue is not one of ours")
