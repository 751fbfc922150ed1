"""The catalogue: products found and filtered, brought in from a file, written out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.uploads import PRODUCTS
from hub.web.admin import downloads, uploads, words
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from loyalty_core.service import catalogue as service
from loyalty_core.service.catalogue import ProductRow, Wanted
from loyalty_core.service.import_products import BETWEEN, WORDS
from loyalty_core.store.database import read
from loyalty_kit.money import format_decimal

_PAGE = 50
_DECIMALS = ("price", "cost", "strength")
pages = Blueprint("catalogue", __name__, url_prefix="/catalogue")


@pages.get("/")
def index() -> ResponseReturnValue:
    """Products by a part of their name or article, by category and class."""
    wanted, programme_id = _wanted(), the_programme().id
    with read(the_hub().engine) as connection:
        found, after = service.find_products(
            connection, programme_id, wanted, after=request.args.get("after", ""), limit=_PAGE
        )
        categories = service.list_categories(connection, programme_id)
        classes = service.legal_classes(connection, programme_id)
    more = after and url_for(
        ".index",
        q=wanted.text or None,
        category=wanted.category,
        legal_class=wanted.legal_class,
        after=after,
    )
    return render_template(
        "admin/catalogue.html",
        products=found,
        wanted=wanted,
        categories={one.code: one.name for one in categories},
        classes=classes,
        more=more,
        words=words,
    )


def _texts() -> dict[str, Any]:
    return {
        "title": gettext("Bring in products"),
        "back": (url_for(".index"), gettext("Catalogue")),
        "hint": gettext(
            "An article that is there already gets what the file says of it. Several categories"
            " or attributes stand in one cell, apart by |."
        ),
    }


uploads.Imports(PRODUCTS, _texts, lambda _: {}).add_to(pages)


@pages.post("/export")
def export() -> ResponseReturnValue:
    """All products, or those that the list was filtered by, as a file that comes in again."""
    wanted, programme_id = _wanted(), the_programme().id
    with read(the_hub().engine) as connection:
        count = sum(len(page) for page in service.product_pages(connection, programme_id, wanted))

    def rows(connection: Connection) -> Iterator[list[dict[str, Any]]]:
        for page in service.product_pages(connection, programme_id, wanted):
            yield [_row(one) for one in page]

    return downloads.table("catalogue", WORDS, rows, count=count, decimals=_DECIMALS)


def _row(one: ProductRow) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "name": one.name,
        "price": _decimal(one.price_minor),
        "cost": _decimal(one.cost_minor),
        "categories": BETWEEN.join(one.categories),
        "brand": one.brand,
        "attributes": BETWEEN.join(one.attributes),
        "class": one.legal_class,
        "volume_ml": one.volume_ml,
        "strength": _decimal(one.strength_bp),
    }


def _decimal(amount: int | None) -> str | None:
    return None if amount is None else format_decimal(amount)


def _wanted() -> Wanted:
    told = request.values
    return Wanted(
        told.get("q", "").strip(),
        told.get("category") or None,
        told.get("legal_class") or None,
    )
