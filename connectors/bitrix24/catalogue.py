"""Goods of the portal's catalogues, by the number that lines name them by."""

from __future__ import annotations

from connectors.bitrix24 import schemas
from connectors.bitrix24.client import PAGE, Portal
from connectors.bitrix24.schemas import load
from connectors.bitrix24.settings import listed
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import CataloguePage, Product

MAX_MARK = 100
FIELDS = ("id", "iblockId", "name", "xmlId", "code", "active", "iblockSectionId")

_GOODS = compile_load(schemas.Goods())


class Catalogue:
    """The cursor is `<catalogue>:<last id>`."""

    def page(self, client: Portal, cursor: str | None) -> CataloguePage:
        """Raises: PayloadInvalid, and what the client raises."""
        wanted = listed(client.settings["catalogues"])
        if not wanted:
            return CataloguePage((), (), None)
        block, last = _read(cursor, wanted)
        told = {
            "select": list(FIELDS),
            "filter": {"iblockId": int(block), ">id": last},
            "order": {"id": "asc"},
        }
        rows = client.rows("catalog.product.list", "products", told)
        goods = [load(_GOODS, row) for row in rows]
        products = tuple(
            Product(
                sku=f"b24-{one['id']}",
                name=one["name"],
                external_id=str(one["id"]),
                attributes=tuple(
                    mark for mark in (one["xml_id"], one["code"]) if mark and len(mark) <= MAX_MARK
                ),
            )
            for one in goods
            if one["active"] == "Y" and one["name"]
        )
        if len(rows) == PAGE:
            return CataloguePage(products, (), f"{block}:{goods[-1]['id']}")
        place = wanted.index(block) + 1
        return CataloguePage(products, (), f"{wanted[place]}:0" if place < len(wanted) else None)


def _read(cursor: str | None, wanted: tuple[str, ...]) -> tuple[str, int]:
    """Begins anew where the settings leave the catalogue out by now.  Raises: PayloadInvalid."""
    block, colon, last = (cursor or f"{wanted[0]}:0").partition(":")
    if not colon or not (last.isascii() and last.isdigit()):
        raise PayloadInvalid("the cursor of the catalogue is not one of ours")
    return (block, int(last)) if block in wanted else (wanted[0], 0)
