"""API keys and the catalogue of a programme, on both databases."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from loyalty_core.domain.errors import InvalidInput, NotFound, UnknownShop
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key, find_key, list_keys, revoke_key
from loyalty_core.service.catalogue import (
    CatalogueProduct,
    basket_line_filled_in,
    filled_in,
    list_categories,
    list_products,
    products_for,
    upsert_categories,
    upsert_products,
)
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from loyalty_core.store.tables import api_keys
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import CertificateSale, LineKind, PurchaseLine
from loyalty_kit.ports import Category, Product

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.fixture
def connection(engine):
    with write(engine) as connection:
        yield connection


@pytest.fixture
def programme_id(connection):
    made = create_programme(
        connection, code="demo", document=default_rules(), author="owner", now=NOON
    )
    return made.id


def key(connection, programme_id, **changes):
    options = {"name": "till", "scopes": ["events", "checkout"], "now": NOON}
    return create_key(connection, programme_id=programme_id, **{**options, **changes})


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_found_by_its_text_alone(connection, programme_id):
    made = key(connection, programme_id, shops=["MAIN"])

    found = find_key(connection, made.key)

    assert made.key.startswith("lh_")
    assert len(made.key) > 40
    assert found.id == made.id
    assert (found.programme_id, found.name) == (programme_id, "till")
    assert found.scopes == {"checkout", "events"}
    assert found.shops == {"main"}
    assert found.revoked_at is None
    assert find_key(connection, made.key.upper()) is None
    assert find_key(connection, "") is None


def test_the_text_of_a_key_is_stored_nowhere(connection, programme_id):
    made = key(connection, programme_id)

    stored = connection.execute(select(api_keys)).one()

    assert not any(made.key in str(value) for value in stored)


def test_a_key_bound_to_no_shop_knows_all(connection, programme_id):
    made = key(connection, programme_id)

    assert find_key(connection, made.key).shops is None


def test_a_revoked_key_stays_revoked_and_listed(connection, programme_id):
    made = key(connection, programme_id)
    successor = key(connection, programme_id)

    revoke_key(connection, programme_id, made.id, now=NOON)
    again = revoke_key(connection, programme_id, made.id, now=NOON + timedelta(days=1))

    assert again.revoked_at == NOON
    assert [(each.id, each.revoked_at) for each in list_keys(connection, programme_id)] == [
        (made.id, NOON),
        (successor.id, None),
    ]


def test_a_key_of_another_programme_cannot_be_revoked(connection, programme_id):
    other = create_programme(
        connection, code="other", document=default_rules(), author="owner", now=NOON
    )
    made = key(connection, programme_id)

    with pytest.raises(NotFound):
        revoke_key(connection, other.id, made.id, now=NOON)

    assert find_key(connection, made.key).revoked_at is None


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"name": " "}, "name", id="no name"),
        pytest.param({"name": "n" * 101}, "name", id="a long name"),
        pytest.param({"scopes": []}, "scopes", id="no scope"),
        pytest.param({"scopes": ["events", "all"]}, "scopes", id="an unknown scope"),
    ],
)
def test_what_a_key_may_not_be(connection, programme_id, options, field):
    with pytest.raises(InvalidInput) as refused:
        key(connection, programme_id, **options)

    assert list(refused.value.errors) == [field]


def test_a_key_cannot_be_bound_to_a_shop_that_is_not_there(connection, programme_id):
    with pytest.raises(UnknownShop) as refused:
        key(connection, programme_id, shops=["main", "moon"])

    assert refused.value.facts == {"shop": "moon"}


# --- catalogue ------------------------------------------------------------------------------


def test_a_product_brings_the_categories_above_its_own(connection, programme_id):
    upsert_categories(
        connection,
        programme_id,
        [
            Category("Drinks", "Напитки"),
            Category("tea", "Чай", parent="DRINKS"),
            Category("green", "Зелёный", parent="Tea"),
            Category("gifts", "Подарки"),
        ],
    )
    upsert_products(
        connection,
        programme_id,
        [
            Product("SEN", "Сенча", categories=("Green", "gifts"), brand="Gold"),
            Product("CUP", "Чашка"),
        ],
        now=NOON,
    )

    found = products_for(connection, programme_id, ["SEN", "CUP", "NONE"])

    assert set(found) == {"SEN", "CUP"}
    assert set(found["SEN"].categories) == {"green", "tea", "drinks", "gifts"}
    assert (found["SEN"].brand, found["SEN"].name) == ("Gold", "Сенча")
    assert found["CUP"].categories == ()
    assert products_for(connection, programme_id, []) == {}


TOLD = BasketLine(
    id="7",
    quantity_milli=2000,
    amount_minor=300_00,
    kind=LineKind.FEE,
    sku="SEN",
    name="as the till has it",
    price_minor=150_00,
    categories=("own",),
    brand="Own",
    attributes=("own",),
    legal_class="beer",
    discountable=False,
    min_price_minor=99_00,
    volume_ml=330,
    strength_bp=4_50,
)
LEFT_OUT = replace(
    TOLD,
    categories=None,
    brand=None,
    attributes=None,
    legal_class=None,
    volume_ml=None,
    strength_bp=None,
)
KNOWN = CatalogueProduct(
    sku="SEN",
    name="Сенча",
    categories=("green", "tea"),
    brand="Gold",
    attributes=("new",),
    legal_class="wine",
    volume_ml=500,
    strength_bp=12_00,
)


def test_a_line_is_told_what_it_leaves_out_and_nothing_else():
    """Also by a field that lines come to have later."""
    assert all(getattr(TOLD, field.name) != field.default for field in fields(TOLD))
    assert basket_line_filled_in(TOLD, KNOWN) == TOLD
    assert basket_line_filled_in(replace(TOLD, categories=(), attributes=()), KNOWN) == replace(
        TOLD, categories=(), attributes=()
    )
    assert basket_line_filled_in(LEFT_OUT, KNOWN) == replace(
        TOLD,
        categories=("green", "tea"),
        brand="Gold",
        attributes=("new",),
        legal_class="wine",
        volume_ml=500,
        strength_bp=12_00,
    )


SOLD = PurchaseLine(
    id="7",
    quantity_milli=2000,
    amount_minor=300_00,
    paid_minor=270_00,
    kind=LineKind.CERTIFICATE,
    sku="SEN",
    name="as the till has it",
    price_minor=150_00,
    discount_minor=20_00,
    spend_minor=10_00,
    reduction_minor=30_00,
    categories=("own",),
    brand="Own",
    attributes=("own",),
    legal_class="beer",
    certificate=CertificateSale("GIFT-1"),
)


def test_a_line_that_was_sold_is_told_what_it_leaves_out_and_nothing_else():
    assert all(getattr(SOLD, field.name) != field.default for field in fields(SOLD))
    bare = replace(SOLD, categories=None, brand=None, attributes=None, legal_class=None)
    told = replace(
        SOLD,
        categories=("green", "tea"),
        brand="Gold",
        attributes=("new",),
        legal_class="wine",
    )
    other = replace(SOLD, sku="CUP")

    assert filled_in((SOLD, bare, other), {"SEN": KNOWN}) == (SOLD, told, other)


def test_a_product_is_given_back_as_it_was_told(connection, programme_id):
    """Column by column, with none in the place of another."""
    told = Product(
        "SEN",
        "Сенча",
        external_id="x-1",
        price_minor=150_00,
        categories=("green",),
        brand="Gold",
        attributes=("new", "bio"),
        legal_class="tea",
        cost_minor=90_00,
        volume_ml=500,
        strength_bp=12_00,
    )
    upsert_products(connection, programme_id, [told], now=NOON)

    (listed,), _ = list_products(connection, programme_id)
    found = products_for(connection, programme_id, ["SEN"])["SEN"]

    for one in (listed, found):
        assert (one.sku, one.name, one.categories, one.brand) == (
            "SEN",
            "Сенча",
            ("green",),
            "Gold",
        )
        assert (one.attributes, one.legal_class) == (("new", "bio"), "tea")
        assert (one.price_minor, one.cost_minor) == (150_00, 90_00)
        assert (one.volume_ml, one.strength_bp) == (500, 12_00)
    assert listed.external_id == "x-1"


def test_a_circle_of_categories_ends(connection, programme_id):
    upsert_categories(
        connection,
        programme_id,
        [Category("a", "A", parent="b"), Category("b", "B", parent="a")],
    )
    upsert_products(connection, programme_id, [Product("X", "X", categories=("a",))], now=NOON)

    assert set(products_for(connection, programme_id, ["X"])["X"].categories) == {"a", "b"}


def test_a_second_import_overwrites_what_it_says_and_keeps_the_rest(connection, programme_id):
    first = Product(
        "SEN", "Сенча", external_id="7", price_minor=30000, brand="Gold", legal_class="general"
    )
    upsert_products(connection, programme_id, [first], now=NOON)

    saved = upsert_products(
        connection,
        programme_id,
        [Product("SEN", "Old"), Product("SEN", "Сенча 100 г", categories=("tea",))],
        now=NOON,
    )

    (product,), after = list_products(connection, programme_id)
    assert saved == 1
    assert after is None
    assert (product.name, product.categories) == ("Сенча 100 г", ("tea",))
    assert (product.external_id, product.price_minor, product.brand, product.legal_class) == (
        "7",
        30000,
        "Gold",
        "general",
    )


def test_products_come_in_pages(connection, programme_id):
    upsert_products(connection, programme_id, [Product(sku, sku) for sku in "CABED"], now=NOON)

    first, after = list_products(connection, programme_id, limit=2)
    second, after_second = list_products(connection, programme_id, after=after, limit=3)

    assert [product.sku for product in first] == ["A", "B"]
    assert [product.sku for product in second] == ["C", "D", "E"]
    assert after_second is None


def test_a_category_can_move(connection, programme_id):
    upsert_categories(connection, programme_id, [Category("a", "A", parent="b")])
    upsert_categories(connection, programme_id, [Category("A", "Новая")])

    (category,) = list_categories(connection, programme_id)
    assert (category.code, category.name, category.parent) == ("a", "Новая", None)
