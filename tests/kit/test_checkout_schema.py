"""The wire form of quotes and holds, as the contract shows it."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from loyalty_kit.checkout import (
    Balance,
    BasketLine,
    CodeAnswer,
    Explanation,
    LineDiscount,
    MemberView,
    PointsOffer,
    PricedLine,
    Quote,
    QuoteRequest,
    TierView,
    Totals,
)
from loyalty_kit.checkout_schema import (
    HoldRequest,
    HoldRequestSchema,
    QuoteRequestSchema,
    QuoteSchema,
    dump_quote,
    dump_quote_request,
    load_hold_request,
    load_quote_request,
)
from loyalty_kit.events import Customer

LINE: dict[str, Any] = {
    "id": "1",
    "kind": "goods",
    "sku": "TEA-1",
    "name": "Чай",
    "quantity": "2",
    "price": "199.00",
    "amount": "398.00",
    "categories": ["tea"],
    "brand": "Gold",
    "attributes": ["new"],
    "class": "general",
    "discountable": True,
    "min_price": "0.00",
}
QUOTE: dict[str, Any] = {
    "shop": "main",
    "channel": "online",
    "currency": "RUB",
    "cart": "c-77",
    "order": None,
    "member": {"phone": "+79000000001", "verified": True},
    "lines": [LINE],
    "coupons": ["SPRING"],
    "certificates": [],
    "spend": "100.00",
    "line_prices": "total",
    "locale": "ru",
    "explain": "short",
}
LOADED = QuoteRequest(
    shop="main",
    channel="online",
    cart="c-77",
    member=Customer(phone="+79000000001", verified=True),
    lines=(
        BasketLine(
            id="1",
            quantity_milli=2000,
            amount_minor=39800,
            sku="TEA-1",
            name="Чай",
            price_minor=19900,
            categories=("tea",),
            brand="Gold",
            attributes=("new",),
            legal_class="general",
        ),
    ),
    coupons=("SPRING",),
    spend=10000,
)


def test_the_contract_s_quote() -> None:
    assert load_quote_request(QUOTE) == LOADED
    assert load_quote_request(dump_quote_request(LOADED)) == LOADED


@pytest.mark.parametrize(
    ("line", "amount_minor"),
    [
        pytest.param({"quantity": "2", "price": "199.00"}, 39800, id="pieces"),
        pytest.param({"quantity": "0.350", "price": "999.70"}, 34990, id="349.895 goes up"),
        pytest.param({"quantity": "0.125", "price": "0.04"}, 1, id="half a kopeck goes up"),
        pytest.param({"quantity": "0.124", "price": "0.04"}, 0, id="less than half goes down"),
        pytest.param({"quantity": "2", "price": "1", "amount": "1.50"}, 150, id="amount is given"),
        pytest.param({"quantity": "3", "amount": 5}, 500, id="no price"),
    ],
)
def test_an_amount_left_out_is_price_times_quantity(
    line: dict[str, Any], amount_minor: int
) -> None:
    loaded = load_quote_request({"lines": [{"id": "1", **line}]})

    assert loaded.lines[0].amount_minor == amount_minor


@pytest.mark.parametrize(
    ("spend", "loaded"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param("max", "max", id="as much as may be"),
        pytest.param("12.5", 1250, id="points"),
        pytest.param(12, 1200, id="whole points"),
    ],
)
def test_spend(spend: Any, loaded: Any) -> None:
    assert load_quote_request({**QUOTE, "spend": spend}).spend == loaded


NOT_MONEY = "Not a decimal with at most 2 digits after the point."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        pytest.param({"colour": 1}, {"colour": ["Unknown field."]}, id="unknown field"),
        pytest.param({"lines": []}, {"lines": ["Give a line."]}, id="no lines"),
        pytest.param({"lines": None}, {"lines": ["Field may not be null."]}, id="null lines"),
        pytest.param(
            {"lines": [{**LINE, "id": str(n)} for n in range(501)]},
            {"lines": ["Too many entries."]},
            id="501 lines",
        ),
        pytest.param({"lines": [LINE, LINE]}, {"lines": {1: {"id": ["Given twice."]}}}, id="twice"),
        pytest.param(
            {"lines": [{"id": "1", "quantity": "1"}]},
            {"lines": {0: {"amount": ["Give amount, or price."]}}},
            id="neither amount nor price",
        ),
        pytest.param(
            {"lines": [{**LINE, "quantity": "0"}]},
            {"lines": {0: {"quantity": ["Must be more than zero."]}}},
            id="nothing of it",
        ),
        pytest.param(
            {"lines": [{"id": "1", "quantity": "999999999", "price": "999999999"}]},
            {"lines": {0: {"price": ["Price times quantity is too large."]}}},
            id="too dear",
        ),
        pytest.param({"spend": "all"}, {"spend": [NOT_MONEY]}, id="spend"),
        pytest.param({"spend": "-1"}, {"spend": ["Must not be negative."]}, id="negative spend"),
        pytest.param(
            {"member": {"verified": True}},
            {
                "member": {
                    "_schema": [
                        "Give id, code, external, card, phone or email; "
                        "or null instead of the member."
                    ]
                }
            },
            id="nobody",
        ),
        pytest.param(
            {"member": {"first_name": "Анна", "phone": "1"}},
            {"member": {"first_name": ["Unknown field."]}},
            id="a name is not a way to find",
        ),
        pytest.param(
            {"explain": "most"}, {"explain": ["Must be one of: short, all, full."]}, id="e"
        ),
    ],
)
def test_a_quote_is_refused(changes: dict[str, Any], errors: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        load_quote_request({**QUOTE, **changes})

    assert refused.value.messages == errors


def test_a_hold_is_a_quote_and_what_the_buyer_was_shown() -> None:
    hold = {**QUOTE, "ttl_s": 60, "code": "1234", "expect": {"payable": "258.20", "spend": "100"}}

    assert load_hold_request(hold) == HoldRequest(
        request=LOADED,
        ttl_s=60,
        code="1234",
        expect_payable_minor=25820,
        expect_spend_points=10000,
    )
    assert load_hold_request(QUOTE) == HoldRequest(request=LOADED, ttl_s=1800)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        pytest.param({"cart": None}, {"cart": ["Give cart or order."]}, id="belongs nowhere"),
        pytest.param({"ttl_s": 59}, {"ttl_s": ["Must be from 60 to 86400."]}, id="too short"),
        pytest.param({"ttl_s": 86401}, {"ttl_s": ["Must be from 60 to 86400."]}, id="too long"),
        pytest.param({"ttl_s": "60"}, {"ttl_s": ["Not a whole number."]}, id="text"),
        pytest.param(
            {"expect": {"total": "1"}}, {"expect": {"total": ["Unknown field."]}}, id="expectation"
        ),
    ],
)
def test_a_hold_is_refused(changes: dict[str, Any], errors: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        load_hold_request({**QUOTE, **changes})

    assert refused.value.messages == errors


PRICED = Quote(
    id="q_1",
    rules_version=17,
    valid_until=datetime(2026, 3, 14, 15, 57, tzinfo=timezone(timedelta(hours=3))),
    member=MemberView(
        id="m_1",
        name="Анна",
        verified=True,
        tier=TierView("silver", "Серебро"),
        balance=Balance("points", available=50000, pending=2000),
        balances=(Balance("stars", available=100),),
    ),
    lines=(
        PricedLine(
            id="1",
            amount_minor=39800,
            discount_minor=3980,
            spend_minor=10000,
            payable_minor=25820,
            unit_price_minor=12910,
            earn_points=1200,
            discounts=(LineDiscount("p_1", "Чай -10%", 3980),),
        ),
    ),
    totals=Totals(39800, 3980, 10000, 25820, certificates_minor=820),
    points=PointsOffer(earn=1200, spend=10000, spend_max=17900),
    coupons=(CodeAnswer("SPRING", "applied"),),
    explanation=(
        Explanation("p_2", "От 1000", False, "total_below_minimum", {"missing": "602.00"}, "Мало"),
    ),
)
ANSWER: dict[str, Any] = {
    "id": "q_1",
    "rules_version": 17,
    "degraded": False,
    "valid_until": "2026-03-14T15:57:00+03:00",
    "member": {
        "id": "m_1",
        "name": "Анна",
        "verified": True,
        "tier": {"code": "silver", "name": "Серебро"},
        "balance": {"available": "500.00", "pending": "20.00", "held": "0.00", "debt": "0.00"},
        "balances": [
            {
                "currency": "stars",
                "available": "1.00",
                "pending": "0.00",
                "held": "0.00",
                "debt": "0.00",
            }
        ],
    },
    "lines": [
        {
            "id": "1",
            "amount": "398.00",
            "discount": "39.80",
            "spend": "100.00",
            "payable": "258.20",
            "unit_price": "129.10",
            "earn": "12.00",
            "discounts": [{"promotion": "p_1", "name": "Чай -10%", "amount": "39.80"}],
        }
    ],
    "totals": {
        "amount": "398.00",
        "discount": "39.80",
        "spend": "100.00",
        "payable": "258.20",
        "certificates": "8.20",
        "to_pay": "250.00",
    },
    "points": {
        "earn": "12.00",
        "spend": "100.00",
        "spend_min": "0.00",
        "spend_max": "179.00",
        "spend_step": "1.00",
        "code_required": False,
        "others": [],
    },
    "coupons": [{"code": "SPRING", "status": "applied", "reason": None, "text": None}],
    "certificates": [],
    "benefits": [],
    "gifts": [],
    "offers": [],
    "explanation": [
        {
            "promotion": "p_2",
            "name": "От 1000",
            "applied": False,
            "reason": "total_below_minimum",
            "facts": {"missing": "602.00"},
            "text": "Мало",
        }
    ],
}


def test_the_contract_s_answer() -> None:
    assert dump_quote(PRICED) == ANSWER


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    spec = APISpec("t", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    for name, schema in (
        ("QuoteRequest", QuoteRequestSchema),
        ("HoldRequest", HoldRequestSchema),
        ("Quote", QuoteSchema),
    ):
        spec.components.schema(name, schema=schema)
    return spec.to_dict()


@pytest.mark.parametrize(
    ("name", "document"),
    [
        pytest.param("QuoteRequest", QUOTE, id="quote"),
        pytest.param("HoldRequest", {**QUOTE, "expect": None, "ttl_s": 60}, id="hold"),
        pytest.param("Quote", ANSWER, id="answer"),
    ],
)
def test_the_description_of_the_api_fits_the_contract(
    described: dict[str, Any], name: str, document: dict[str, Any]
) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", **described}

    assert list(Draft202012Validator(schema).iter_errors(document)) == []


RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data(), RUBBISH)
def test_rubbish_raises_only_a_validation_error(data: st.DataObject, rubbish: Any) -> None:
    spoiled = copy.deepcopy(QUOTE)
    target = data.draw(st.sampled_from([spoiled, spoiled["lines"][0], spoiled["member"]]))
    target[data.draw(st.sampled_from(sorted(target)))] = rubbish

    for load, given_data in ((load_quote_request, spoiled), (load_hold_request, rubbish)):
        with suppress(ValidationError):
            load(given_data)
