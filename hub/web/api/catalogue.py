"""The programme's catalogue: products with what shops have of them, and categories."""

from __future__ import annotations

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body
from hub.web.api import programme_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.api.programme import SCOPE
from hub.web.api.schemas import PageQuerySchema
from loyalty_core.service import catalogue

blueprint = Blueprint("catalogue", __name__, description="Products and categories.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/products",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.ProductPageSchema},
        refuses=(404,),
    ),
)
def list_products(call: Call, code: str) -> Answer:
    """The catalogue's products, in the order of sku, with what shops have of them."""
    asked = body.read_query(PageQuerySchema())

    def work(connection: Connection) -> Answer:
        programme_id = call.programme(connection, code).id
        rows, after = catalogue.list_products(
            connection, programme_id, after=asked.get("cursor"), limit=asked["limit"]
        )
        stock = catalogue.stock_of(connection, programme_id, [row.sku for row in rows])
        told, shelf = wire.ProductSchema(), wire.ShopStockSchema(many=True)
        items = [
            told.dump(row) | ({"stock": shelf.dump(stock[row.sku])} if row.sku in stock else {})
            for row in rows
        ]
        return answer({"items": items, "next_cursor": after})

    return call.read(work)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/products",
        scope=SCOPE,
        takes=wire.ProductsSchema,
        gives={200: wire.SavedSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def save_products(call: Call, code: str) -> Answer:
    """Add products, or change those that are known by sku; up to 500 at a time."""
    told = body.read_json()
    products = body.load(wire.ProductsSchema().load, told)["items"]

    def work(connection: Connection) -> Answer:
        programme_id = call.programme(connection, code).id
        saved = catalogue.upsert_products(connection, programme_id, products, now=call.now)
        return answer({"saved": saved})

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/categories",
        scope=SCOPE,
        gives={200: wire.CategoriesSchema},
        refuses=(404,),
    ),
)
def list_categories(call: Call, code: str) -> Answer:
    """The catalogue's categories, in the order of their codes."""
    rows = call.read(
        lambda connection: catalogue.list_categories(
            connection, call.programme(connection, code).id
        )
    )
    return answer(wire.CategoriesSchema().dump({"items": rows}))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/categories",
        scope=SCOPE,
        takes=wire.CategoriesSchema,
        gives={200: wire.SavedSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def save_categories(call: Call, code: str) -> Answer:
    """Add categories, or change those that are known by code; up to 500 at a time."""
    told = body.read_json()
    categories = body.load(wire.CategoriesSchema().load, told)["items"]

    def work(connection: Connection) -> Answer:
        programme_id = call.programme(connection, code).id
        saved = catalogue.upsert_categories(connection, programme_id, categories)
        return answer({"saved": saved})

    return call.write(work, told=told)
