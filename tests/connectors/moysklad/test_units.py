"""MoySklad counts alike things in different units: one field class for each."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from marshmallow import Schema, ValidationError

from connectors.moysklad import schemas
from connectors.moysklad.lines import parts_of_document, parts_of_till, purchase_lines
from connectors.moysklad.people import customer_of, email_of, new_buyer, phone_of
from connectors.moysklad.schemas import ref_id, uuid_of
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import ExternalId
from tests.connectors.moysklad.shared import ANNA, CHEESE, settings

PRODUCT = {"meta": {"href": f"https://moysklad.example/entity/product/{CHEESE}"}}


@pytest.mark.parametrize(
    ("field", "wire", "inside"),
    [
        (schemas.Roubles(), 690.0, 69000),
        (schemas.Roubles(), 690, 69000),
        (schemas.Roubles(), 0, 0),
        (schemas.Roubles(), 10**12 - 1, 10**14 - 100),
        (schemas.Roubles(), 899.9, 89990),
        (schemas.Roubles(), "0.1", 10),
        (schemas.Roubles(), 0.005, 1),
        (schemas.Kopecks(), 69000.0, 69000),
        (schemas.Kopecks(), 33333.5, 33334),
        (schemas.Kopecks(), 100000, 100000),
        (schemas.Points(), 270, 27000),
        (schemas.Points(), 103.5, 10350),
        (schemas.Quantity(), 1.236, 1236),
        (schemas.Quantity(), 2, 2000),
        (schemas.Number(), 33.333, Decimal("33.333")),
        (schemas.Number(), -10, Decimal(-10)),
    ],
)
def test_numbers_by_their_units(field, wire, inside):
    assert field.deserialize(wire) == inside
    assert compiled(field)({"it": wire}) == {"it": inside}


@pytest.mark.parametrize("wire", [True, "x", "NaN", float("inf"), 1e300, [], {}, -1, 10**12])
def test_what_is_no_count_is_refused(wire):
    for field in (schemas.Roubles(), schemas.Kopecks(), schemas.Points(), schemas.Quantity()):
        with pytest.raises(ValidationError):
            field.deserialize(wire)
        with pytest.raises(ValidationError):
            compiled(field)({"it": wire})


def compiled(field):
    """As documents are read: a field may be read without being called."""
    return compile_load(Schema.from_dict({"it": field})())


@pytest.mark.parametrize(
    ("wire", "inside"),
    [
        ("2026-03-14 18:42:00", datetime(2026, 3, 14, 18, 42, tzinfo=UTC)),
        ("2026-03-14 18:42:31.020", datetime(2026, 3, 14, 18, 42, 31, 20_000, tzinfo=UTC)),
    ],
)
def test_times_have_no_zone(wire, inside):
    found = schemas.LocalTime().deserialize(wire)
    assert (found.tzinfo, found.replace(tzinfo=UTC)) == (None, inside)


@pytest.mark.parametrize("wire", ["", "yesterday", 5, "2026-03-14T18:42:00+03:00", "0001-01-01"])
def test_what_is_no_time_is_refused(wire):
    with pytest.raises(ValidationError):
        schemas.LocalTime().deserialize(wire)


@pytest.mark.parametrize(
    "value",
    [
        {"meta": {"href": f"https://moysklad.example/entity/counterparty/{ANNA}", "id": ANNA}},
        {"meta": {"href": f"https://moysklad.example/entity/counterparty/{ANNA}?expand=x"}},
        {"href": "", "id": ANNA.upper()},
        {"href": f"https://moysklad.example/entity/counterparty/{ANNA}/"},
        {"id": ANNA, "name": "Анна"},
        {"meta": {"href": f"https://moysklad.example/api/posap/1.0/entity/x/syncid/{ANNA}"}},
    ],
)
def test_a_reference_in_every_form_it_comes_in(value):
    assert ref_id(value) == ANNA


@pytest.mark.parametrize("value", [{}, {"meta": {"href": "", "id": ""}}, {"meta": None}, {"id": 5}])
def test_a_reference_to_nothing(value):
    assert ref_id(value) is None
    assert uuid_of(None) is None


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("+7 900 000-12-34", "+79000001234"),
        ("8 (900) 000-12-34", "+79000001234"),
        ("9000001234", "+79000001234"),
        ("79000001234", "+79000001234"),
        ("+375 29 000-00-00", "+375290000000"),
        ("12-34", None),
        ("позвонить", None),
        ("", None),
        (None, None),
    ],
)
def test_phones_as_cashiers_type_them(typed, phone):
    assert phone_of(typed) == phone


def agent(**told):
    return schemas.Agent().load({"id": ANNA, **told})


def test_a_buyer_is_known_by_all_that_is_told():
    told = agent(
        name="Смирнова Анна Олеговна",
        phone="8 900 000-12-34",
        email="Anna@Example.org",
        discountCardNumber="LC-000481",
        birthDate="1990-05-17 00:00:00",
        sex="FEMALE",
    )

    customer, new = customer_of(told, settings()), new_buyer(told)

    assert customer is not None
    assert customer.external == ExternalId(None, ANNA)
    assert (customer.phone, customer.card) == ("+79000001234", "LC-000481")
    assert customer.email == "anna@example.org"
    assert (new.first_name, new.last_name) == ("Смирнова Анна Олеговна", None)
    assert (new.birth_date, new.gender) == ("1990-05-17", "female")


def test_parts_of_a_name_count_before_the_whole():
    new = new_buyer(agent(name="Смирнова А. О.", legalLastName="Смирнова", birthDate="soon"))
    assert (new.first_name, new.last_name, new.birth_date) == (None, "Смирнова", None)


def test_technical_buyers_and_empty_ones_are_nobody():
    assert customer_of(agent(), settings(anonymous=f" {ANNA.upper()} ")) is None
    assert customer_of(schemas.Agent().load({"name": "Покупатель"}), settings()) is None
    assert customer_of(None, settings()) is None
    assert email_of("no mail") is None


def positions(schema, *rows):
    return [schema().load(row) for row in rows]


def test_a_reduction_is_one_whatever_it_was_paid_with():
    told = positions(
        schemas.SoldPosition,
        {"assortment": PRODUCT, "quantity": 1.236, "price": 899.90, "discountedPrice": 800.05},
    )
    (line,) = purchase_lines(parts_of_till(told))
    # 1.236 x 899.90 = 1112.2764, 1.236 x 800.05 = 988.8618.
    assert (line.amount_minor, line.paid_minor, line.reduction_minor) == (111228, 98886, 12342)
    assert (line.discount_minor, line.spend_minor) == (None, None)
    assert line.sku == CHEESE


def test_free_lines_and_whole_discounts_are_sales_too():
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 1, "price": 0, "discount": 0},
        {"assortment": PRODUCT, "quantity": 1, "price": 5000, "discount": 100},
        {"assortment": PRODUCT, "quantity": 1, "price": 5000, "discount": 150},
    )
    assert [part.paid_minor for part in parts_of_document(told, 0)] == [0, 0, 0]


def test_a_sum_that_differs_goes_to_the_dearest_line():
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 1, "price": 1000},
        {"assortment": PRODUCT, "quantity": 1, "price": 5000},
    )
    assert [part.paid_minor for part in parts_of_document(told, 6001)] == [1000, 5001]
    assert [part.amount_minor for part in parts_of_document(told, 6001)] == [1000, 5001]
    assert [part.paid_minor for part in parts_of_document(told, None)] == [1000, 5000]


def test_vat_on_top_of_prices_is_on_the_lines_that_have_it():
    """100.00 at 20 % and 300.00 at 10 % with a tenth off, 50.00 without VAT: 120 + 297 + 50."""
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 1, "price": 10000, "vat": 20, "vatEnabled": True},
        {"assortment": PRODUCT, "quantity": 2, "price": 15000, "discount": 10, "vat": 10},
        {"assortment": PRODUCT, "quantity": 1, "price": 5000, "vat": 20, "vatEnabled": False},
    )
    raised = parts_of_document(told, 46700, vat_on_top=True)
    assert [part.paid_minor for part in raised] == [12000, 29700, 5000]
    assert [part.price_minor for part in raised] == [12000, 16500, 5000]
    assert [part.amount_minor for part in raised] == [12000, 33000, 5000]
    # A kopeck that MoySklad rounded otherwise.
    near = parts_of_document(told, 46699, vat_on_top=True)
    assert [part.paid_minor for part in near] == [12000, 29699, 5000]


@pytest.mark.parametrize("total", [42000, 42010, None])
def test_prices_are_not_raised_where_the_document_s_sum_does_not_say_so(total):
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 1, "price": 10000, "vat": 20},
        {"assortment": PRODUCT, "quantity": 1, "price": 32000, "vat": 20},
    )
    parts = parts_of_document(told, total, vat_on_top=True)
    assert [part.price_minor for part in parts] == [10000, 32000]
    assert parts == parts_of_document(told, total)


def test_prices_of_documents_keep_their_parts_of_a_kopeck():
    """MoySklad's kopecks are floating numbers: a screw at 0.125, and tea beside it."""
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 1000, "price": 12.5},
        {"assortment": PRODUCT, "quantity": 1, "price": 69000},
        {"assortment": PRODUCT, "quantity": 3, "price": 3333.33, "discount": 10},
    )
    parts = parts_of_document(told, 90500)
    assert [part.paid_minor for part in parts] == [12500, 69000, 9000]
    assert [part.amount_minor for part in parts] == [12500, 69000, 10000]
    assert [part.price_minor for part in parts] == [13, 69000, 3333]


def test_vat_is_raised_on_a_price_with_parts_of_a_kopeck():
    row = {"assortment": PRODUCT, "quantity": 1000, "price": 12.5, "vat": 20}
    (part,) = parts_of_document(positions(schemas.Position, row), 15000, vat_on_top=True)
    assert (part.price_minor, part.amount_minor, part.paid_minor) == (15, 15000, 15000)


def test_a_position_that_cannot_be():
    row = {"assortment": PRODUCT, "quantity": 10**11, "price": 10**11}
    with pytest.raises(PayloadInvalid):
        parts_of_document(positions(schemas.Position, row), None)


def test_a_position_of_nothing_is_passed_over_and_one_without_an_article_is_not():
    told = positions(
        schemas.Position,
        {"assortment": PRODUCT, "quantity": 0, "price": 1000},
        {"assortment": {}, "quantity": 1, "price": 1000},
    )
    (part,) = parts_of_document(told, 1000)
    assert (part.sku, part.paid_minor) == (None, 1000)
