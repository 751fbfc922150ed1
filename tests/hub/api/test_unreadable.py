"""What the door itself refuses, field by field; no database is asked, so one kind will do."""

from __future__ import annotations

import json

import pytest

from tests.hub.api.bodies import a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import code_of, stored


@pytest.fixture
def engine(sqlite_engine):
    return sqlite_engine


@pytest.fixture(autouse=True)
def _nothing_stored(engine):
    yield
    assert stored(engine) == 0


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param("/purchases", a_purchase(colour="red"), "colour", id="unknown field"),
        pytest.param(
            "/purchases",
            a_purchase(lines=[a_line(paid="1000.00", weight="1")]),
            "lines.0.weight",
            id="unknown field of a line",
        ),
        pytest.param(
            "/purchases",
            a_purchase(lines=[a_line(paid="1000.00", quantity="-1")]),
            "lines.0.quantity",
            id="negative quantity",
        ),
        pytest.param(
            "/purchases",
            a_purchase(lines=[a_line(paid="999.99")]),
            "lines.0.paid",
            id="lines that do not add up",
        ),
        pytest.param(
            "/purchases",
            a_purchase(occurred_at="2026-03-14T14:30:00"),
            "occurred_at",
            id="a time without an offset",
        ),
        pytest.param(
            "/purchases",
            a_purchase(lines=[a_line(amount=1000.001, paid=1000.00)]),
            "lines.0.amount",
            id="a float with three digits",
        ),
        pytest.param("/purchases", a_purchase(lines="tea"), "lines", id="lines that are no list"),
        pytest.param("/purchases", [1, 2], "", id="a body that is no object"),
        pytest.param("/quotes", {}, "lines", id="an empty body"),
        pytest.param(
            "/purchases",
            a_purchase(lines=[a_line(id=str(no), paid="1000.00") for no in range(501)]),
            "lines",
            id="501 lines",
        ),
        pytest.param("/refunds", a_refund(amount="-1.00"), "amount", id="a negative refund"),
        pytest.param("/quotes", a_basket(spend="all"), "spend", id="a spend that is no number"),
        pytest.param("/quotes", {"lines": []}, "lines", id="an empty basket"),
        pytest.param("/quotes", a_basket(member={}), "member", id="a member without a name"),
        pytest.param("/holds", a_basket(), "cart", id="a hold of nothing"),
        pytest.param(
            "/members",
            {"attributes": {"a": [[[[[[[[[]]]]]]]]]}},
            "attributes",
            id="deep attributes",
        ),
        pytest.param("/members", {"birth_date": "31.12.1990"}, "birth_date", id="a foreign date"),
        pytest.param("/members", {"first_name": "\ud800"}, "first_name", id="half a character"),
        pytest.param(
            "/events",
            {"kind": "Visit!", "external_id": "1", "occurred_at": "2026-03-14T12:00:00Z"},
            "kind",
            id="a kind that is no word",
        ),
    ],
)
def test_a_wrong_field_is_named(shop, path, body, field):
    answer = shop.post(path, body)

    assert code_of(answer) == (422, "validation_failed")
    assert list(answer.get_json()["errors"]) == [field]


def test_every_unknown_field_is_named(shop):
    answer = shop.post("/purchases", a_purchase(colour="red", smell="sweet"))

    assert answer.get_json()["errors"] == {
        "colour": ["Unknown field."],
        "smell": ["Unknown field."],
    }


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        pytest.param(b"{", {}, 400, "malformed_json", id="half of a document"),
        pytest.param(b"", {}, 400, "malformed_json", id="nothing"),
        pytest.param(b"\x00\xff\xfe rubbish", {}, 400, "malformed_json", id="rubbish"),
        pytest.param(b'{"a": NaN}', {}, 400, "malformed_json", id="not a number"),
        pytest.param(b'{"a": 1, "a": 2}', {}, 400, "malformed_json", id="a field named twice"),
        pytest.param(b"[" * 100_000, {}, 400, "malformed_json", id="deep nesting"),
        pytest.param(
            b'{"a":' * 5000 + b"1" + b"}" * 5000, {}, 400, "malformed_json", id="deep objects"
        ),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", {}, 400, "malformed_json", id="a long number"),
        pytest.param(
            json.dumps(a_purchase(cashier="Анна"), ensure_ascii=False).encode("cp1251"),
            {},
            400,
            "malformed_json",
            id="the encoding of old Windows",
        ),
        pytest.param(
            json.dumps(a_purchase()).encode("utf-16"), {}, 400, "malformed_json", id="UTF-16"
        ),
        pytest.param(b" " * (2 * 1024 * 1024), {}, 413, "body_too_large", id="2 MB"),
        pytest.param(
            b"a=1",
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "unsupported_media_type",
            id="a form",
        ),
        pytest.param(
            b"{}",
            {"Content-Type": "application/json; charset=windows-1251"},
            415,
            "unsupported_media_type",
            id="another charset by name",
        ),
        pytest.param(
            b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported_media_type", id="packed"
        ),
    ],
)
def test_a_body_that_cannot_be_read(shop, raw, headers, status, code):
    answer = shop.post("/purchases", raw=raw, headers=headers)

    assert code_of(answer) == (status, code)
    assert answer.headers["X-Request-Id"]


def test_sentences_are_in_the_asked_language(shop):
    wrong = a_purchase(colour="red", lines=[a_line(paid="1", amount="x")])
    english = shop.post("/purchases", wrong, headers={"Accept-Language": "en-GB"}).get_json()
    russian = shop.post("/purchases", wrong, headers={"Accept-Language": "ru-RU,en;q=0.5"})

    assert english["detail"] == "Some fields are wrong; `errors` names each."
    assert english["errors"]["colour"] == ["Unknown field."]
    assert russian.headers["Content-Language"] == "ru"
    assert russian.get_json()["detail"] == "Некоторые поля неверны; все они названы в `errors`."
    assert russian.get_json()["errors"] == {
        "colour": ["Неизвестное поле."],
        "lines.0.amount": ["Нужно десятичное число, не больше 2 знаков после точки."],
    }
