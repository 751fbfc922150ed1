"""Queries over the catalogue: products and the tree of their categories."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import categories, product_stock, products
from loyalty_kit.frozen import frozen

_KEPT_WHERE_NOT_SAID = (
    "external_id",
    "price_minor",
    "brand",
    "legal_class",
    "cost_minor",
    "volume_ml",
    "strength_bp",
)


@frozen
class ProductRow:
    """A product as it is stored; `categories` are its own codes, without their ancestors.

    `cost_minor` is what one unit costs the shop; `volume_ml` and `strength_bp` (hundredths of a
    percent) are those of a unit of drink.
    """

    sku: str
    name: str
    external_id: str | None
    price_minor: int | None
    categories: tuple[str, ...]
    brand: str | None
    attributes: tuple[str, ...]
    legal_class: str | None
    cost_minor: int | None = None
    volume_ml: int | None = None
    strength_bp: int | None = None


@dataclass(frozen=True, slots=True)
class StockRow:
    """How many units of a product, in thousandths, a shop had when it was asked."""

    sku: str
    shop: str
    quantity_milli: int
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class CategoryRow:
    code: str
    name: str
    parent: str | None


_PRODUCT = [products.c[name] for name in ProductRow.__dataclass_fields__]
_CATEGORY = [categories.c[name] for name in CategoryRow.__slots__]

_BY_SKU = Ready(
    select(*_PRODUCT).where(
        products.c.programme_id == bindparam("programme"), among(products.c.sku, "skus")
    )
)


def _above() -> Select[tuple[str, str | None]]:
    """A union drops what it has seen, so a circle of parents ends too."""
    tree = select(categories.c.code, categories.c.parent).where(
        categories.c.programme_id == bindparam("programme")
    )
    climbed = tree.where(among(categories.c.code, "codes")).cte("climbed", recursive=True)
    climbed = climbed.union(tree.join(climbed, categories.c.code == climbed.c.parent))
    return select(climbed.c.code, climbed.c.parent)


_ABOVE = Ready(_above())


def save_products(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite.  What a row does not say of optional fields stays as it is.

    Rows come sorted by sku, so that two imports at once cannot deadlock.
    """
    statement = _insert(connection, products)
    excluded = statement.excluded
    changes = {name: excluded[name] for name in ("name", "categories", "attributes", "updated_at")}
    kept = {name: func.coalesce(excluded[name], products.c[name]) for name in _KEPT_WHERE_NOT_SAID}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id", "sku"], set_={**changes, **kept}
        ),
        rows,
    )


def save_categories(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite; rows come sorted by code."""
    statement = _insert(connection, categories)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id", "code"],
            set_={"name": statement.excluded.name, "parent": statement.excluded.parent},
        ),
        rows,
    )


def replace_stock(
    connection: Connection,
    programme_id: int,
    skus: Collection[str],
    shops: Collection[str],
    rows: Sequence[StockRow],
) -> None:
    """What these shops had of these products is what `rows` say now.  A later count of the same
    products waits for this one."""
    bound = {"programme": programme_id, "skus": list(skus), "shops": list(shops)}
    connection.execute(_LOCK_COUNTED, bound)
    connection.execute(_FORGET_STOCK, bound)
    values = [(programme_id, row.sku, row.shop, row.quantity_milli, row.counted_at) for row in rows]
    insert_many(connection, product_stock, _STOCKED, values, unless=_STOCKED[:3])


def stock_of(connection: Connection, programme_id: int, skus: Collection[str]) -> list[StockRow]:
    """By product, and by shop."""
    bound = {"programme": programme_id, "skus": list(skus)}
    return [StockRow(*row) for row in connection.execute(_STOCK_BY_SKU, bound)]


_STOCKED = ("programme_id", "sku", "shop", "quantity_milli", "counted_at")
_STOCK_BY_SKU = (
    select(*[product_stock.c[name] for name in StockRow.__slots__])
    .where(
        product_stock.c.programme_id == bindparam("programme"), among(product_stock.c.sku, "skus")
    )
    .order_by(product_stock.c.sku, product_stock.c.shop)
)
_FORGET_STOCK = delete(product_stock).where(
    product_stock.c.programme_id == bindparam("programme"),
    among(product_stock.c.sku, "skus"),
    among(product_stock.c.shop, "shops"),
)
_LOCK_COUNTED = (
    select(products.c.sku)
    .where(products.c.programme_id == bindparam("programme"), among(products.c.sku, "skus"))
    .order_by(products.c.sku)
    .with_for_update()
)


def products_by_sku(
    connection: Connection, programme_id: int, skus: Collection[str]
) -> list[ProductRow]:
    found = _BY_SKU.rows(connection, {"programme": programme_id, "skus": set(skus)})
    return [_product(row) for row in found]


def products_after(
    connection: Connection,
    programme_id: int,
    after: str,
    limit: int,
    *,
    legal_class: str | None = None,
) -> list[ProductRow]:
    """A page in the order of sku, of all or of one class."""
    query = (
        select(*_PRODUCT)
        .where(products.c.programme_id == programme_id, products.c.sku > after)
        .order_by(products.c.sku)
        .limit(limit)
    )
    if legal_class is not None:
        query = query.where(products.c.legal_class == legal_class)
    rows = connection.execute(query)
    return [_product(row) for row in rows]


def legal_classes(connection: Connection, programme_id: int) -> list[str]:
    """Those that products of the programme have."""
    query = select(products.c.legal_class).where(
        products.c.programme_id == programme_id, products.c.legal_class.is_not(None)
    )
    return sorted(connection.scalars(query.distinct()))


def all_categories(connection: Connection, programme_id: int) -> list[CategoryRow]:
    rows = connection.execute(
        select(*_CATEGORY)
        .where(categories.c.programme_id == programme_id)
        .order_by(categories.c.code)
    )
    return [CategoryRow(*row) for row in rows]


def parents_above(
    connection: Connection, programme_id: int, codes: Collection[str]
) -> dict[str, str]:
    """Code to parent's code, for the categories given and all above them."""
    found = _ABOVE.rows(connection, {"programme": programme_id, "codes": set(codes)})
    return {code: parent for code, parent in found if parent is not None}


def count_products(connection: Connection, programme_id: int) -> int:
    statement = select(func.count()).where(products.c.programme_id == programme_id)
    return connection.execute(statement).scalar_one()


def _insert(connection: Connection, table: Any) -> Any:
    return sqlite_insert(table) if is_sqlite(connection) else postgresql_insert(table)


def _product(row: Iterable[Any]) -> ProductRow:
    """Of the columns `_PRODUCT`."""
    sku, name, external_id, price_minor, codes, brand, attributes, *others = row
    codes, attributes = tuple(codes), tuple(attributes)
    return ProductRow(sku, name, external_id, price_minor, codes, brand, attributes, *others)
