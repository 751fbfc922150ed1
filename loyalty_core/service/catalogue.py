"""The catalogue: products and categories come in bulk; checkouts look products up by sku."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from loyalty_core.store import catalogue as store
from loyalty_core.store.catalogue import CategoryRow, ProductRow, StockRow
from loyalty_core.store.programmes import fold
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import PurchaseLine
from loyalty_kit.frozen import frozen

__all__ = [
    "CatalogueProduct",
    "CategoryRow",
    "ProductRow",
    "StockRow",
    "Wanted",
    "basket_line_filled_in",
    "count_stock",
    "filled_in",
    "find_products",
    "legal_classes",
    "list_categories",
    "list_products",
    "product_names",
    "product_pages",
    "products_for",
    "stock_of",
    "upsert_categories",
    "upsert_products",
]


_SCANNED = 1000


class ProductLike(Protocol):
    """What a connector's or the API's product has; None leaves what is known alone."""

    @property
    def sku(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def external_id(self) -> str | None: ...
    @property
    def price_minor(self) -> int | None: ...
    @property
    def categories(self) -> Sequence[str]: ...
    @property
    def brand(self) -> str | None: ...
    @property
    def attributes(self) -> Sequence[str]: ...
    @property
    def legal_class(self) -> str | None: ...
    @property
    def cost_minor(self) -> int | None: ...
    @property
    def volume_ml(self) -> int | None: ...
    @property
    def strength_bp(self) -> int | None: ...


class CategoryLike(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str | None: ...


class InStockLike(Protocol):
    @property
    def sku(self) -> str: ...
    @property
    def shop(self) -> str: ...
    @property
    def quantity_milli(self) -> int: ...


@frozen
class CatalogueProduct:
    """What the catalogue knows of a product; `categories` with all above them.

    `cost_minor` is what one unit costs the shop; `volume_ml` and `strength_bp` (hundredths of a
    percent) are those of a unit of drink.
    """

    sku: str
    name: str
    categories: tuple[str, ...]
    brand: str | None
    attributes: tuple[str, ...]
    legal_class: str | None
    cost_minor: int | None = None
    volume_ml: int | None = None
    strength_bp: int | None = None
    price_minor: int | None = None


def upsert_products(
    connection: Connection, programme_id: int, products: Sequence[ProductLike], *, now: datetime
) -> int:
    """How many different products were saved; of one sku given twice the last counts."""
    rows = {
        product.sku: {
            "programme_id": programme_id,
            "sku": product.sku,
            "name": product.name,
            "external_id": product.external_id,
            "price_minor": product.price_minor,
            "categories": list(dict.fromkeys(fold(code) for code in product.categories)),
            "brand": product.brand,
            "attributes": list(product.attributes),
            "legal_class": product.legal_class,
            "cost_minor": product.cost_minor,
            "volume_ml": product.volume_ml,
            "strength_bp": product.strength_bp,
            "updated_at": now,
        }
        for product in products
    }
    if rows:
        store.save_products(connection, [rows[sku] for sku in sorted(rows)])
    return len(rows)


def upsert_categories(
    connection: Connection, programme_id: int, categories: Sequence[CategoryLike]
) -> int:
    """How many different categories were saved; a parent may come later than its children."""
    rows = {
        fold(category.code): {
            "programme_id": programme_id,
            "code": fold(category.code),
            "name": category.name,
            "parent": None if category.parent is None else fold(category.parent),
        }
        for category in categories
    }
    if rows:
        store.save_categories(connection, [rows[code] for code in sorted(rows)])
    return len(rows)


def count_stock(  # noqa: PLR0913 - what was counted, where, and what was found
    connection: Connection,
    programme_id: int,
    skus: Collection[str],
    shops: Collection[str],
    found: Sequence[InStockLike],
    *,
    now: datetime,
) -> None:
    """What these shops have of these products; of what is not found they have none.

    Told to whoever reads the catalogue; nothing is priced or refused by it.
    """
    rows = [
        StockRow(one.sku, one.shop, one.quantity_milli, now)
        for one in found
        if one.sku in skus and one.shop in shops
    ]
    store.replace_stock(connection, programme_id, skus, shops, rows)


def stock_of(
    connection: Connection, programme_id: int, skus: Collection[str]
) -> dict[str, list[StockRow]]:
    """Of each product that has any: what shops had when they were asked last."""
    found: dict[str, list[StockRow]] = {}
    for row in store.stock_of(connection, programme_id, skus):
        found.setdefault(row.sku, []).append(row)
    return found


def products_for(
    connection: Connection, programme_id: int, skus: Collection[str]
) -> dict[str, CatalogueProduct]:
    """The known ones of these products, in at most two statements."""
    found = store.products_by_sku(connection, programme_id, skus) if skus else []
    own = {code for product in found for code in product.categories}
    parents = store.parents_above(connection, programme_id, own) if own else {}
    return {product.sku: _with_ancestors(product, parents) for product in found}


def basket_line_filled_in(line: BasketLine, product: CatalogueProduct) -> BasketLine:
    """What a line leaves out, the catalogue knows."""
    # By their places, as in `_with_product`.
    return BasketLine(
        line.id,
        line.quantity_milli,
        line.amount_minor,
        line.kind,
        line.sku,
        line.name,
        line.price_minor,
        product.categories if line.categories is None else line.categories,
        line.brand or product.brand,
        product.attributes if line.attributes is None else line.attributes,
        line.legal_class or product.legal_class,
        line.discountable,
        line.min_price_minor,
        product.volume_ml if line.volume_ml is None else line.volume_ml,
        product.strength_bp if line.strength_bp is None else line.strength_bp,
    )


def product_names(
    connection: Connection, programme_id: int, skus: Collection[str]
) -> dict[str, str]:
    """What those of these articles are called that there are."""
    found = store.products_by_sku(connection, programme_id, skus) if skus else []
    return {product.sku: product.name for product in found}


def filled_in(
    lines: Sequence[PurchaseLine], products: Mapping[str, CatalogueProduct]
) -> tuple[PurchaseLine, ...]:
    """What a line leaves out, the catalogue knows."""
    return tuple(
        _with_product(line, product)
        if (product := products.get(line.sku or "")) is not None
        else line
        for line in lines
    )


def _with_product(line: PurchaseLine, product: CatalogueProduct) -> PurchaseLine:
    # In the order of its fields: by their names it takes twice the time, of each line ever sold.
    return PurchaseLine(
        line.id,
        line.quantity_milli,
        line.amount_minor,
        line.paid_minor,
        line.kind,
        line.sku,
        line.name,
        line.price_minor,
        line.discount_minor,
        line.spend_minor,
        line.reduction_minor,
        product.categories if line.categories is None else line.categories,
        line.brand or product.brand,
        product.attributes if line.attributes is None else line.attributes,
        line.legal_class or product.legal_class,
        line.certificate,
    )


def list_products(
    connection: Connection, programme_id: int, *, after: str | None = None, limit: int = 100
) -> tuple[list[ProductRow], str | None]:
    """A page in the order of sku, and `after` of the next page (None: this was the last)."""
    rows = store.products_after(connection, programme_id, after or "", limit + 1)
    page = rows[:limit]
    return page, page[-1].sku if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which products: a part of the name or article, a category with all below it, a class."""

    text: str = ""
    category: str | None = None
    legal_class: str | None = None


def find_products(
    connection: Connection,
    programme_id: int,
    wanted: Wanted,
    *,
    after: str = "",
    limit: int = 50,
) -> tuple[list[ProductRow], str | None]:
    """A page in the order of sku, and `after` of the next page (None: this was the last).

    Names are compared as people write them, which not every database can: what stands before the
    last one found is read through in portions.
    """
    below = _below(connection, programme_id, wanted.category)
    text, found = fold(wanted.text), list[ProductRow]()
    while len(found) <= limit:
        rows = store.products_after(
            connection, programme_id, after, _SCANNED, legal_class=wanted.legal_class
        )
        found += [one for one in rows if _fits(one, text, below)]
        if len(rows) < _SCANNED:
            break
        after = rows[-1].sku
    page = found[:limit]
    return page, page[-1].sku if len(found) > limit else None


def product_pages(
    connection: Connection, programme_id: int, wanted: Wanted
) -> Iterator[list[ProductRow]]:
    """All of them, page by page."""
    after: str | None = ""
    while after is not None:
        page, after = find_products(connection, programme_id, wanted, after=after, limit=_SCANNED)
        yield page


def legal_classes(connection: Connection, programme_id: int) -> list[str]:
    """Those that products have."""
    return store.legal_classes(connection, programme_id)


def _fits(product: ProductRow, text: str, below: frozenset[str] | None) -> bool:
    if below is not None and below.isdisjoint(product.categories):
        return False
    return text in fold(product.name) or text in fold(product.sku)


def _below(connection: Connection, programme_id: int, code: str | None) -> frozenset[str] | None:
    """A category and all that stand below it; None: whichever."""
    if code is None:
        return None
    children: dict[str, list[str]] = {}
    for one in store.all_categories(connection, programme_id):
        children.setdefault(one.parent or "", []).append(one.code)
    found, fresh = set[str](), [fold(code)]
    while fresh:
        found |= set(fresh)
        fresh = [one for parent in fresh for one in children.get(parent, ()) if one not in found]
    return frozenset(found)


def list_categories(connection: Connection, programme_id: int) -> list[CategoryRow]:
    return store.all_categories(connection, programme_id)


def _with_ancestors(product: ProductRow, parents: Mapping[str, str]) -> CatalogueProduct:
    codes = dict.fromkeys(product.categories)
    for code in product.categories:
        above = parents.get(code)
        while above is not None and above not in codes:
            codes[above] = None
            above = parents.get(above)
    return CatalogueProduct(
        product.sku,
        product.name,
        tuple(codes),
        product.brand,
        product.attributes,
        product.legal_class,
        product.cost_minor,
        product.volume_ml,
        product.strength_bp,
        product.price_minor,
    )
