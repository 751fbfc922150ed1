"""The OpenAPI document and the page for readers."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator

from hub.web import sentences
from hub.web.api import openapi_document
from loyalty_core.domain import errors as core
from tests.hub.api.bodies import ANNA, a_basket, a_purchase


@pytest.fixture(scope="module")
def document():
    return openapi_document()


def operations(document):
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method != "parameters":
                yield method, path, told


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": "#/components/([^"]+)"', json.dumps(document)))

    for reference in references:
        kind, name = reference.split("/")
        assert name in document["components"][kind]


def test_every_schema_is_one(document):
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_tells_what_it_is(document):
    names = [told["operationId"] for _, _, told in operations(document)]

    assert len(names) == len(set(names))
    for _, _, told in operations(document):
        assert told["summary"]
        assert told["x-scope"] in ("checkout", "events", "members", "admin")
        assert {"401", "403", "429", "503"} <= set(told["responses"])


def test_the_app_serves_the_same_document(app, document):
    answer = app.test_client().get("/api/v1/openapi.json")

    assert answer.status_code == 200
    assert answer.get_json() == document
    assert document["openapi"].startswith("3.1")


def test_what_is_sent_is_closed_and_what_is_answered_may_grow(document):
    schemas = document["components"]["schemas"]

    assert schemas["Purchase"]["additionalProperties"] is False
    assert schemas["BasketLine"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["Quote"]


@pytest.mark.parametrize(
    ("path", "body", "schema"),
    [
        ("/quotes", a_basket(member={"phone": ANNA, "verified": True}), "Quote"),
        ("/holds", a_basket(cart="c-1"), "Hold"),
        ("/purchases", a_purchase(), "Receipt"),
        ("/members", {"phone": ANNA}, "MemberCard"),
        ("/members", {"phone": "1"}, "Problem"),
    ],
)
def test_answers_are_as_described(shop, document, path, body, schema):
    answer = shop.post(path, body).get_json()
    described = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}

    Draft202012Validator(described).validate(answer)
    properties = document["components"]["schemas"][schema]["properties"]
    if schema != "Problem":
        assert set(answer) == set(properties)


def test_the_page_needs_nothing_from_elsewhere(app):
    answer = app.test_client().get("/api/docs", headers={"Accept-Language": "ru"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "style=" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "/api/v1/purchases" in page
    assert 'id="schema-QuoteRequest"' in page
    assert "Такой покупки нет." in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))


def test_every_code_of_the_core_has_its_sentences():
    raised = {
        kind.code
        for kind in vars(core).values()
        if isinstance(kind, type) and issubclass(kind, core.LoyaltyError)
    }

    assert raised - {"loyalty_error"} <= set(sentences.DETAILS)
    for english, russian in sentences.DETAILS.values():
        assert english != russian
