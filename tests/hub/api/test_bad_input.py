"""Bad input gets its clear answer, and nothing of it is stored."""

from __future__ import annotations

import json

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_purchase
from tests.hub.api.client import code_of, stored


@pytest.fixture(autouse=True)
def _nothing_stored(engine):
    yield
    assert stored(engine) == 0


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param(
            "/purchases",
            a_purchase(customer={"phone": "+7 000"}),
            "phone_impossible",
            id="impossible phone of a buyer",
        ),
        pytest.param("/members", {"phone": "12"}, "phone_impossible", id="of a new member"),
        pytest.param(
            "/purchases", a_purchase(currency="EUR"), "wrong_currency", id="wrong currency"
        ),
        pytest.param("/purchases", a_purchase(shop="nowhere"), "unknown_shop", id="unknown shop"),
        pytest.param("/quotes", a_basket(shop="nowhere"), "unknown_shop", id="of a basket"),
        pytest.param("/quotes", a_basket(currency="EUR"), "wrong_currency", id="of a basket too"),
        pytest.param(
            "/confirmations",
            {"purpose": "join", "member": {"phone": "+79161234567"}},
            "not_available",
            id="codes where nothing sends them",
        ),
    ],
)
def test_what_no_field_alone_can_know_has_its_code(shop, path, body, code):
    assert code_of(shop.post(path, body)) == (422, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nothing", 404, "unknown_route", id="no such address"),
        pytest.param("PUT", "/quotes", 405, "method_not_allowed", id="no such method"),
        pytest.param("GET", "/purchases/rubbish", 404, "purchase_not_found", id="no purchase"),
        pytest.param("GET", "/purchases/p_1", 404, "purchase_not_found", id="nor this one"),
        pytest.param("GET", "/holds/h_1", 404, "hold_not_found", id="no hold"),
        pytest.param("GET", "/members/m_1", 404, "member_not_found", id="no member"),
        pytest.param("GET", "/members/m_1/ledger", 404, "member_not_found", id="nor ledger"),
        pytest.param("GET", "/programmes/%00/rules", 404, "unknown_route", id="nor a NUL"),
        pytest.param("GET", "/purchases", 422, "validation_failed", id="asking for everything"),
        pytest.param("GET", "/members?fone=1", 422, "validation_failed", id="an unknown question"),
        pytest.param(
            "GET", "/members?phone=1&phone=2", 422, "validation_failed", id="two questions"
        ),
        pytest.param("GET", "/members?phone=12", 422, "phone_impossible", id="impossible phone"),
    ],
)
def test_what_is_not_there(shop, method, path, status, code):
    answer = shop.call(method, path)

    assert code_of(answer) == (status, code)
    if status == 405:
        assert "POST" in answer.headers["Allow"]


def test_a_byte_order_mark_is_let_pass(shop):
    told = b"\xef\xbb\xbf" + json.dumps(a_basket()).encode()

    assert shop.post("/quotes", raw=told).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/members?foo=1&dry_run=1", {"card": "anna"}),
        ("POST", "/purchases?foo=1&dry_run=", a_purchase()),
        ("POST", "/quotes?foo=1&dry_run=1", a_basket()),
        ("POST", "/holds?foo=1&dry_run=1", a_basket(cart="c-1")),
        ("GET", "/programmes?foo=1&dry_run=1", None),
        ("DELETE", "/holds/h_1?foo=1&dry_run=1", None),
    ],
)
def test_parts_of_a_query_that_a_call_does_not_know_are_named(shop, method, path, body):
    for _ in range(2):  # the second goes by a key that is known already
        answer = shop.call(method, path, body)
        assert code_of(answer) == (422, "validation_failed")
        assert answer.get_json()["errors"] == {
            "foo": ["Unknown field."],
            "dry_run": ["Unknown field."],
        }


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/purchases", a_purchase(shop="no-where"), "unknown_shop"),
        ("POST", "/quotes", a_basket(shop="no-where"), "unknown_shop"),
        ("POST", "/holds", a_basket(shop="no-where", cart="c-1"), "unknown_shop"),
        ("PATCH", "/programmes/shop/shops/no-where", {"name": "South"}, "shop_not_found"),
        ("POST", "/purchases", a_purchase(currency="XTS"), "wrong_currency"),
        ("POST", "/quotes", a_basket(currency="XTS"), "wrong_currency"),
        ("POST", "/holds", a_basket(currency="XTS", cart="c-1"), "wrong_currency"),
        ("GET", "/programmes/no-where/rules", None, "programme_not_found"),
    ],
)
def test_no_answer_repeats_a_value_that_was_refused(shop, method, path, body, code):
    answer = shop.call(method, path, body)

    assert code_of(answer)[1] == code
    assert "no-where" not in answer.text
    assert "XTS" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/members", {"phone": ANNA, "attributes": {"size": "?"}}, "attributes"),
        (
            "POST",
            "/events",
            {
                "kind": "visit",
                "external_id": "v-1",
                "occurred_at": "2026-03-14T14:30:00+03:00",
                "data": {"steps": [1, {"most": "?"}]},
            },
            "data",
        ),
        ("PATCH", "/programmes/shop/shops/main", {"vendor": {"till": "?"}}, "vendor"),
    ],
)
def test_a_number_beyond_all_numbers_is_refused_beside_its_field(shop, method, path, body, field):
    raw = json.dumps(body).replace('"?"', "-1e400").encode()

    answer = shop.call(method, path, raw=raw)

    assert code_of(answer) == (422, "validation_failed")
    assert answer.get_json()["errors"] == {field: ["Too large."]}
