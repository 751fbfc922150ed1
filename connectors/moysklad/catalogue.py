"""Folders and articles, so that rules on categories meet lines of sales.

A line names its article by the id at MoySklad alone, so that id is the article code; the owner's
own code and article number are marks of the product, by which rules may name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.moysklad import schemas
from connectors.moysklad.client import MOST, PAGE, MoySklad
from connectors.moysklad.people import MAX_NAME
from connectors.moysklad.schemas import load
from connectors.moysklad.stock import counted
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import CataloguePage, Category, Product, ProductsChanged, Translated

Wire = Mapping[str, Any]

GOODS = {"product": "", "service": "", "bundle": "", "variant": "product"}
"""Kinds of articles, and what is read with them: a variant has its product's folder."""
ORDER = tuple(GOODS)
NO_DISCOUNT = "no_discount"
"""The mark of goods whose card forbids discounts."""
LEAST_PRICE = "least_price:"
"""Begins the mark that tells the least price of a unit, in kopecks."""
TOBACCO = frozenset({"TOBACCO", "OTP", "NCP"})
MAX_MARK = 100

_GOODS, _FOLDER = compile_load(schemas.Goods()), compile_load(schemas.Folder())


class Catalogue:
    """Folders first, since a parent may stand on any page; then kind by kind, by the thousand, or
    by the hundred where something is expanded.

    The cursor is `<kind>:<offset>`.
    """

    def page(self, client: MoySklad, cursor: str | None) -> CataloguePage:
        """Raises: PayloadInvalid, and what the client raises."""
        if cursor is None:
            folders = client.all("/entity/productfolder")
            return CataloguePage((), categories_of(folders), f"{ORDER[0]}:0")
        kind, _, offset = cursor.partition(":")
        if kind not in GOODS or not offset.isascii() or not offset.isdigit():
            raise PayloadInvalid("the cursor of the catalogue is not one of ours")
        size = PAGE if GOODS[kind] else MOST
        params = {"limit": str(size), "offset": offset, "order": "id,asc"}
        if GOODS[kind]:
            params["expand"] = GOODS[kind]
        rows = client.rows(f"/entity/{kind}", params)
        products = tuple(product for row in rows for product in products_of(row))
        after = int(offset) + len(rows) if len(rows) == size else None
        stock = counted(client, products) if client.settings["stock"] and products else None
        return CataloguePage(products, (), _following(kind, after), stock)


def _following(kind: str, after: int | None) -> str | None:
    """`after`: where its next page begins; None after the last one."""
    if after is not None:
        return f"{kind}:{after}"
    place = ORDER.index(kind) + 1
    return f"{ORDER[place]}:0" if place < len(ORDER) else None


def translate_goods(document: Any) -> Translated:
    """An article as a catalogue row; nothing for what is archived.

    Raises: PayloadInvalid.
    """
    found = products_of(document)
    return (ProductsChanged(found),) if found else ()


def products_of(document: Any) -> tuple[Product, ...]:
    """Raises: PayloadInvalid."""
    told = load(_GOODS, document)
    if told["archived"]:
        return ()
    cards = [told] if told["product"] is None else [told, told["product"]]
    folder = next((card["folder"] for card in cards if card["folder"]), None)
    prices = [price["value"] for price in told["prices"] if price["value"]]
    tobacco = any(card["tracking"] in TOBACCO for card in cards)
    return (
        Product(
            sku=told["id"],
            name=told["name"][:MAX_NAME],
            external_id=told["id"],
            price_minor=prices[0] if prices else None,
            categories=() if folder is None else (folder,),
            attributes=_marks(told, barred=any(card["no_discount"] for card in cards)),
            legal_class="tobacco" if tobacco else None,
        ),
    )


def _marks(told: Wire, *, barred: bool) -> tuple[str, ...]:
    marks = [told["article"], told["code"]]
    if barred:
        marks.append(NO_DISCOUNT)
    if told["least"] is not None and told["least"]["value"]:
        marks.append(f"{LEAST_PRICE}{told['least']['value']}")
    return tuple(dict.fromkeys(mark for mark in marks if mark and len(mark) <= MAX_MARK))


def least_price_of(marks: Iterable[str]) -> int:
    """Kopecks of one unit; 0 where the card tells none."""
    told = (mark.removeprefix(LEAST_PRICE) for mark in marks if mark.startswith(LEAST_PRICE))
    return max((int(text) for text in told if text.isascii() and text.isdigit()), default=0)


def categories_of(rows: Sequence[Wire]) -> tuple[Category, ...]:
    """Raises: PayloadInvalid."""
    loaded = [load(_FOLDER, row) for row in rows]
    return tuple(
        Category(code=row["id"], name=row["name"][:MAX_NAME], parent=row["parent"])
        for row in loaded
    )
