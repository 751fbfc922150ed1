"""Products, variations and the tree of categories, over a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.wordpress import CONNECTOR
from connectors.wordpress.catalogue import products_of
from connectors.wordpress.translate import translate_order
from loyalty_kit.errors import Gone, PayloadInvalid
from loyalty_kit.ports import CataloguePage, Category, ClientContext, Hint, Product, ProductsChanged
from tests.connectors.wordpress.shared import context, order_of, rest, settings
from tests.stand_ins.woocommerce import WooShop

TEES = {
    "id": 30,
    "name": "Футболка",
    "type": "variable",
    "status": "publish",
    "sku": "TEE",
    "price": "900.00",
    "categories": [{"id": 5, "name": "Футболки", "slug": "tees"}],
    "tags": [{"id": 8, "name": "Новинки", "slug": "%d0%bd%d0%be%d0%b2%d0%be%d0%b5"}],
    "brands": [{"id": 9, "name": "Север", "slug": "sever"}],
    "variations": [31, 32, 33],
}
VARIATIONS = [
    {"id": 31, "sku": "TEE-S", "price": "900.00", "attributes": [{"option": "S"}]},
    {"id": 32, "sku": "", "price": "950.50", "attributes": [{"option": "M"}, {"option": "синий"}]},
    {"id": 33, "sku": "TEE", "price": "", "attributes": []},
]
TEE = Product(
    sku="TEE",
    name="Футболка",
    external_id="30",
    price_minor=90000,
    categories=("tees",),
    brand="Север",
    attributes=("новое",),
)


@pytest.fixture
def shop():
    with WooShop() as running:
        yield running


def pages(shop: WooShop) -> list[CataloguePage]:
    assert CONNECTOR.make_client is not None
    assert CONNECTOR.catalogue is not None
    client = CONNECTOR.make_client(ClientContext(settings(shop.base_url), True, "i_1"))
    found = [CONNECTOR.catalogue.page(client, None)]
    while (cursor := found[-1].next_cursor) is not None:
        found.append(CONNECTOR.catalogue.page(client, cursor))
    return found


def test_a_variable_product_gives_a_row_for_each_of_its_variations(shop):
    shop.put_product(TEES)
    for variation in VARIATIONS:
        shop.put_variation(30, variation)

    assert pages(shop)[1].products == (
        TEE,
        Product(
            sku="TEE-S",
            name="Футболка, S",
            external_id="31",
            price_minor=90000,
            categories=("tees",),
            brand="Север",
            attributes=("новое",),
        ),
        Product(
            sku="wc-32",
            name="Футболка, M, синий",
            external_id="32",
            price_minor=95050,
            categories=("tees",),
            brand="Север",
            attributes=("новое",),
        ),
        # Variation 33 has its parent's SKU, as WooCommerce gives it: one row for both.
    )


def test_a_recorded_product():
    assert products_of({"product": rest("product_get")}) == (
        Product(
            sku="MUG-001",
            name='Кружка "Лоялти" 0,5 л',
            external_id="10",
            price_minor=199000,
            categories=("uncategorized",),
        ),
    )


def test_categories_come_first_with_their_parents_wherever_they_stand(shop):
    shop.put_category(1, "Чёрный чай", "%d1%87%d1%91%d1%80%d0%bd%d1%8b%d0%b9", parent=500)
    for number in range(2, 130):
        shop.put_category(number, f"Раздел {number}", f"section-{number}")
    shop.put_category(500, "Чай", "tea")

    categories = {row.code: row for row in pages(shop)[0].categories}

    assert len(categories) == 130
    assert categories["чёрный"] == Category("чёрный", "Чёрный чай", "tea")
    assert categories["tea"] == Category("tea", "Чай", None)


def test_products_come_by_the_hundred(shop):
    for number in range(1, 202):
        shop.put_product({"id": number, "name": f"Товар {number}", "status": "publish"})

    found = pages(shop)

    assert [len(page.products) for page in found] == [0, 100, 100, 1]
    assert found[3].products[0].sku == "wc-201"


@pytest.mark.parametrize("status", ["draft", "trash", "pending"])
def test_what_is_not_sold_is_no_row(shop, status):
    shop.put_product(TEES, status=status)
    assert pages(shop)[1].products == ()
    assert all("variations" not in call.path for call in shop.calls)


def test_a_line_of_an_order_meets_its_row_whether_it_has_an_sku_or_not():
    order = order_of("order_completed__1__order_updated")
    for sku in ("TEE-1", ""):
        order["line_items"] = [
            {**order["line_items"][0], "sku": sku, "product_id": 30, "variation_id": 31}
        ]
        document = {"order": order, "refunds": []}
        (purchase,) = translate_order(Hint("order", "13"), document, context())
        rows = products_of(
            {"product": TEES, "variations": [{"id": 31, "sku": sku, "attributes": []}]}
        )
        assert purchase.lines[0].sku == rows[1].sku  # type: ignore[union-attr]


def fetched(shop: WooShop, number: str) -> Any:
    assert CONNECTOR.make_client is not None
    assert CONNECTOR.fetch is not None
    client = CONNECTOR.make_client(ClientContext(settings(shop.base_url), True, "i_1"))
    hint = Hint("product", number)
    return CONNECTOR.fetch.translate(hint, CONNECTOR.fetch.read(client, hint), context())


def test_a_hinted_product_is_read_with_its_variations(shop):
    shop.put_product(TEES)
    shop.put_variation(30, VARIATIONS[0])

    (changed,) = fetched(shop, "30")

    assert isinstance(changed, ProductsChanged)
    assert [product.sku for product in changed.products] == ["TEE", "TEE-S"]


def test_a_hinted_product_that_is_gone_is_dropped(shop):
    with pytest.raises(Gone):
        fetched(shop, "30")


@pytest.mark.parametrize(
    ("price", "kept"),
    [("1990.00", 199000), ("1990", 199000), ("0.5", 50), ("", None), (None, None), ("-1", None),
     ("много", None), ("NaN", None)],
)  # fmt: skip
def test_trap_26_prices(price, kept):
    assert products_of({"product": {**TEES, "price": price}})[0].price_minor == kept


@pytest.mark.parametrize(
    ("slug", "code"), [("tea", "tea"), ("", "wc-5"), (None, "wc-5"), ("x" * 300, "wc-5")]
)
def test_codes_of_categories(slug, code):
    product = {**TEES, "categories": [{"id": 5, "name": "x", "slug": slug}]}
    assert products_of({"product": product})[0].categories == (code,)


def test_a_product_without_its_name_is_refused():
    with pytest.raises(PayloadInvalid):
        products_of({"product": {"id": 1}})


@pytest.mark.parametrize("cursor", ["", "x", "-1", "{}"])
def test_a_cursor_that_is_not_ours_is_refused(shop, cursor):
    assert CONNECTOR.make_client is not None
    assert CONNECTOR.catalogue is not None
    client = CONNECTOR.make_client(ClientContext(settings(shop.base_url), True, "i_1"))
    with pytest.raises(PayloadInvalid):
        CONNECTOR.catalogue.page(client, cursor)
