"""The wire form of purchases and refunds, as the contract shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from marshmallow import ValidationError

from loyalty_kit.events import (
    CertificateSale,
    CertificateUse,
    Customer,
    FiscalSign,
    LineKind,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
    RefundLine,
)
from loyalty_kit.events_schema import (
    dump_purchase,
    load_purchase,
    load_refund,
)
from tests.support.contract import PURCHASE, REFUND

MOSCOW = timezone(timedelta(hours=3))


def test_the_contract_s_purchase() -> None:
    assert load_purchase(PURCHASE) == Purchase(
        external_id="77770000-1",
        occurred_at=datetime(2026, 3, 14, 18, 42, tzinfo=MOSCOW),
        lines=(
            PurchaseLine(
                id="1",
                quantity_milli=2000,
                amount_minor=39800,
                discount_minor=3980,
                spend_minor=10000,
                paid_minor=25820,
                kind=LineKind.GOODS,
                sku="TEA-1",
                name="Чай",
                price_minor=19900,
                categories=("tea",),
                legal_class="general",
            ),
        ),
        status=PurchaseStatus.PAID,
        order="A-1042",
        shop="main",
        channel="pos",
        customer=Customer(phone="+79000000001", verified=True),
        points_spent=10000,
        hold="h_1",
        coupons=("SPRING",),
        certificates=(CertificateUse("G-1", 0),),
        payments=(Payment("card", 25820),),
        fiscal=(FiscalSign("1", "2", "3"),),
        refunds=None,
        cashier="Ольга",
    )


def test_the_contract_s_refund() -> None:
    assert load_refund(REFUND) == Refund(
        external_id="88880000-1",
        occurred_at=datetime(2026, 3, 16, 11, 5, tzinfo=MOSCOW),
        amount_minor=12910,
        purchase="77770000-1",
        shop="main",
        lines=(RefundLine(id="1", sku="TEA-1", quantity_milli=1000, paid_back_minor=12910),),
        reason="return",
    )


def test_the_least_that_a_purchase_says() -> None:
    least = {
        "external_id": "1",
        "occurred_at": "2026-03-14T15:42:00Z",
        "lines": [{"id": "1", "quantity": 1, "amount": 10, "paid": 10}],
    }

    assert load_purchase(least) == Purchase(
        external_id="1",
        occurred_at=datetime(2026, 3, 14, 15, 42, tzinfo=UTC),
        lines=(PurchaseLine(id="1", quantity_milli=1000, amount_minor=1000, paid_minor=1000),),
    )


def test_a_reduction_stands_instead_of_discount_and_spend() -> None:
    line = {"id": "1", "quantity": "1", "amount": "100.00", "reduction": "30.00", "paid": "70.00"}

    (loaded,) = load_purchase({**PURCHASE, "lines": [line]}).lines

    assert (loaded.reduction_minor, loaded.discount_minor, loaded.spend_minor) == (3000, None, None)


def test_a_line_that_sells_a_certificate_is_of_that_kind() -> None:
    said = {"code": "G-1", "nominal": "1000.00"}
    line = {"id": "1", "quantity": "1", "amount": "900.00", "paid": "900.00", "certificate": said}

    (loaded,) = load_purchase({**PURCHASE, "lines": [line]}).lines

    assert (loaded.kind, loaded.certificate) == (
        LineKind.CERTIFICATE,
        CertificateSale("G-1", 100000),
    )
    (told,) = dump_purchase(load_purchase({**PURCHASE, "lines": [line]}))["lines"]
    assert (told["kind"], told["certificate"]) == ("certificate", said)


def test_said_none_and_not_said_are_told_apart() -> None:
    said = load_purchase({**PURCHASE, "refunds": []})
    not_said = load_purchase({key: val for key, val in PURCHASE.items() if key != "refunds"})

    assert said.refunds == ()
    assert not_said.refunds is None
    assert dump_purchase(said)["refunds"] == []
    assert "refunds" not in dump_purchase(not_said)


def test_a_blank_text_is_not_said() -> None:
    customer = {"phone": "+79000000001", "email": "", "card": "  "}

    assert load_purchase({**PURCHASE, "customer": customer}).customer == Customer(
        phone="+79000000001"
    )


def test_a_listed_refund_takes_the_currency_of_its_purchase() -> None:
    refund = {
        "external_id": "r",
        "occurred_at": "2026-03-16T11:05:00+03:00",
        "amount": "1.00",
    }

    loaded = load_purchase({**PURCHASE, "currency": "EUR", "refunds": [refund]})

    assert loaded.refunds is not None
    assert loaded.refunds[0].currency == "EUR"


LINE = PURCHASE["lines"][0]
NOT_MONEY = "Not a decimal with at most 2 digits after the point."
NOT_QUANTITY = "Not a decimal with at most 3 digits after the point."
NOT_TIME = "Not an ISO 8601 time with an offset."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        pytest.param({"colour": "red"}, {"colour": ["Unknown field."]}, id="unknown field"),
        pytest.param(
            {"occurred_at": "2026-03-14T18:42:00"}, {"occurred_at": [NOT_TIME]}, id="no offset"
        ),
        pytest.param({"occurred_at": "soon"}, {"occurred_at": [NOT_TIME]}, id="no time"),
        pytest.param({"occurred_at": 1773500000}, {"occurred_at": [NOT_TIME]}, id="seconds"),
        pytest.param(
            {"occurred_at": "0001-01-01T00:00:00+14:00"},
            {"occurred_at": ["Time out of range."]},
            id="a time that cannot be moved to UTC",
        ),
        pytest.param({"external_id": " "}, {"external_id": ["Must not be blank."]}, id="blank id"),
        pytest.param({"external_id": 17}, {"external_id": ["Not a text."]}, id="number as id"),
        pytest.param({"external_id": "x" * 256}, {"external_id": ["Too long."]}, id="long id"),
        pytest.param(
            {"external_id": "a\x00"},
            {"external_id": ["Holds a character that is not allowed."]},
            id="character that no database keeps",
        ),
        pytest.param({"revision": "2"}, {"revision": ["Not a whole number."]}, id="revision"),
        pytest.param(
            {"revision": 0}, {"revision": ["Must be from 1 to 9007199254740991."]}, id="revision 0"
        ),
        pytest.param(
            {"status": "sold"}, {"status": ["Must be one of: open, paid, cancelled."]}, id="status"
        ),
        pytest.param(
            {"currency": "rub"},
            {"currency": ["Not a currency code of three letters."]},
            id="currency",
        ),
        pytest.param(
            {"points_spent": "-1"}, {"points_spent": ["Must not be negative."]}, id="points"
        ),
        pytest.param(
            {"payments": [{"kind": "card", "amount": "1e3"}]},
            {"payments": {0: {"amount": [NOT_MONEY]}}},
            id="exponent",
        ),
        pytest.param(
            {"lines": [LINE, LINE]}, {"lines": {1: {"id": ["Given twice."]}}}, id="line id"
        ),
        pytest.param(
            {"lines": [{**LINE, "id": str(n)} for n in range(501)]},
            {"lines": ["Too many entries."]},
            id="501 lines",
        ),
        pytest.param(
            {"refunds": [REFUND, REFUND]},
            {"refunds": {1: {"external_id": ["Given twice."]}}},
            id="refund twice",
        ),
        pytest.param(
            {"refunds": [{**REFUND, "purchase": "other"}]},
            {
                "refunds": {
                    0: {"purchase": ["Names another purchase than the one it is listed in."]}
                }
            },
            id="refund of another purchase",
        ),
        pytest.param(
            {"customer": {"verified": "yes"}},
            {"customer": {"verified": ["Not true or false."]}},
            id="flag",
        ),
    ],
)
def test_a_purchase_is_refused(changes: dict[str, Any], errors: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        load_purchase({**PURCHASE, **changes})

    assert refused.value.messages == errors


ADD_UP = "Does not add up: amount - discount - spend must be paid."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        pytest.param({"paid": "258.19"}, {"paid": [ADD_UP]}, id="a kopeck too little"),
        pytest.param({"discount": "0"}, {"paid": [ADD_UP]}, id="discount forgotten"),
        pytest.param(
            {"reduction": "139.80"},
            {"reduction": ["A line has either reduction, or discount and spend."]},
            id="both ways",
        ),
        pytest.param(
            {"discount": None, "spend": None, "reduction": "139.00"},
            {"paid": ["Does not add up: amount - reduction must be paid."]},
            id="reduction",
        ),
        pytest.param({"quantity": "-1"}, {"quantity": ["Must not be negative."]}, id="negative"),
        pytest.param({"quantity": "1.0001"}, {"quantity": [NOT_QUANTITY]}, id="four digits"),
        pytest.param({"amount": 398.001}, {"amount": [NOT_MONEY]}, id="float of three digits"),
        pytest.param({"amount": float("nan")}, {"amount": [NOT_MONEY]}, id="NaN"),
        pytest.param({"amount": True}, {"amount": [NOT_MONEY]}, id="true"),
        pytest.param({"amount": None}, {"amount": ["Not a decimal."]}, id="null"),
        pytest.param(
            {"kind": "gift"},
            {"kind": ["Must be one of: goods, delivery, fee, certificate."]},
            id="kind",
        ),
        pytest.param({"categories": ["a"] * 101}, {"categories": ["Too many entries."]}, id="many"),
    ],
)
def test_a_line_is_refused(changes: dict[str, Any], errors: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        load_purchase({**PURCHASE, "lines": [{**LINE, **changes}]})

    assert refused.value.messages == {"lines": {0: errors}}


def test_a_float_counts_as_it_is_written() -> None:
    line = {"id": "1", "quantity": 0.35, "amount": 349.9, "paid": 349.90}

    (loaded,) = load_purchase({**PURCHASE, "lines": [line]}).lines

    assert (loaded.quantity_milli, loaded.amount_minor) == (350, 34990)


def test_an_error_never_repeats_what_was_sent() -> None:
    customer = {"phone": "+79000000001" * 10, "email": "anna@example.com" * 50}

    with pytest.raises(ValidationError) as refused:
        load_purchase({**PURCHASE, "customer": customer})

    assert "7900" not in str(refused.value.messages)
    assert "anna" not in str(refused.value.messages)
