"""Products, variations and categories, so that rules on categories meet order lines.

Lines of an order carry an SKU and no category.  One rule makes the code of a line and of a
catalogue row (`lines.sku`): the shop's SKU, else `wc-<id of the variation or product>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from connectors.wordpress import schemas
from connectors.wordpress.client import PER_PAGE, WooClient
from connectors.wordpress.lines import MAX_CODE, MAX_NAME, cut, minor, sku
from connectors.wordpress.schemas import MAX_SIZE
from connectors.wordpress.translate import load
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import CataloguePage, Category, Product, ProductsChanged, Translated

Wire = Mapping[str, Any]

SOLD = frozenset({"publish", "private"})
"""Drafts and trash are nobody's goods."""
MAX_CODES = 100

_PRODUCT = compile_load(schemas.ProductDocument())
_CATEGORY = compile_load(schemas.CategoryRow())


class Catalogue:
    """All categories first, since a parent may stand on any page; then products by the page.

    The cursor is the number of the next page of products.
    """

    def page(self, client: WooClient, cursor: str | None) -> CataloguePage:
        """Raises: PayloadInvalid, and what the client raises."""
        if cursor is None:
            return CataloguePage((), categories_of(client.categories()), "1")
        if not cursor.isascii() or not cursor.isdigit():
            raise PayloadInvalid("the cursor of the catalogue is not one of ours")
        rows = client.products(int(cursor))
        found = _unique(
            product
            for row in rows
            for product in products_of({"product": row, "variations": _variations(client, row)})
        )
        following = str(int(cursor) + 1) if len(rows) == PER_PAGE else None
        return CataloguePage(found, (), following)


def _variations(client: WooClient, product: Wire) -> list[dict[str, Any]]:
    if product.get("type") != "variable" or product.get("status") not in SOLD:
        return []
    return client.variations(str(product["id"]))


def translate_product(document: Any) -> Translated:
    """A product's document as catalogue rows; nothing for what is not sold.

    Raises: PayloadInvalid.
    """
    found = _unique(products_of(document))
    return (ProductsChanged(found),) if found else ()


def products_of(document: Any) -> tuple[Product, ...]:
    """The product itself, then its variations, which inherit all but SKU and price.

    Raises: PayloadInvalid.
    """
    data = load(_PRODUCT, document)
    product = data["product"]
    if product["status"] not in SOLD:
        return ()
    parent = Product(
        sku=sku(product["sku"], product["id"]) or "",
        name=cut(product["name"]) or "",
        external_id=str(product["id"]),
        price_minor=_price(product["price"]),
        categories=codes_of(product["categories"]),
        brand=_brand(product["brands"]),
        attributes=codes_of(product["tags"]),
    )
    return (parent, *(_variation(row, parent) for row in data["variations"]))


def _variation(row: Wire, parent: Product) -> Product:
    options = ", ".join(option for each in row["attributes"] if (option := each["option"]))
    name = f"{parent.name}, {options}" if options else parent.name
    return Product(
        sku=sku(row["sku"], row["id"]) or "",
        name=name[:MAX_NAME],
        external_id=str(row["id"]),
        price_minor=_price(row["price"]),
        categories=parent.categories,
        brand=parent.brand,
        attributes=parent.attributes,
    )


def _unique(products: Iterable[Product]) -> tuple[Product, ...]:
    """A variation without an SKU of its own is given its parent's: one row for both."""
    found: dict[str, Product] = {}
    for product in products:
        found.setdefault(product.sku, product)
    return tuple(found.values())


def categories_of(rows: Sequence[Wire]) -> tuple[Category, ...]:
    """The whole tree, by codes; WooCommerce names parents by id.

    Raises: PayloadInvalid.
    """
    loaded = [load(_CATEGORY, row) for row in rows]
    codes = {row["id"]: code_of(row) for row in loaded}
    return tuple(
        Category(
            code=codes[row["id"]],
            name=cut(row["name"]) or codes[row["id"]],
            parent=codes.get(row["parent"]),
        )
        for row in loaded
    )


def codes_of(terms: Iterable[Wire]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code_of(term) for term in terms))[:MAX_CODES]


def code_of(term: Wire) -> str:
    """The slug, readable: WordPress keeps Russian ones percent-encoded; else `wc-<id>`."""
    slug = unquote(term["slug"] or "").strip()
    return slug if 0 < len(slug) <= MAX_CODE else f"wc-{term['id']}"


def _brand(brands: Sequence[Wire]) -> str | None:
    return cut(brands[0]["name"], MAX_CODE) if brands else None


def _price(text: str | None) -> int | None:
    """The price as entered, in kopecks; "" where it is not sold by itself."""
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return minor(amount) if amount.is_finite() and 0 <= amount < MAX_SIZE else None
