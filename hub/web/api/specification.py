"""The OpenAPI 3.1 document, made from the schemas that the API really reads with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_smorest import Api

from hub.web.api.operations import PROBLEM, problem_response
from hub.web.api.schemas import ProblemSchema

TITLE = "Loyalty hub"
VERSION = "1"
OPENAPI = "3.1.0"
SCHEMAS = "#/components/schemas/"
LINKS = (
    ("hold", "201", "hold_id", ("show_hold", "name_hold_order", "drop_hold")),
    ("purchase", "201", "purchase_id", ("show_purchase",)),
    (
        "enrol",
        "201",
        "member_id",
        (
            "show_member",
            "change_member",
            "member_ledger",
            "member_lots",
            "member_purchases",
            "adjust",
            "export",
            "erase",
        ),
    ),
)
"""What an answer opens: operation, status, whose `id` it tells, and where that id is taken."""
ABOUT = """\
Points, prices and receipts of one loyalty programme for many shops and tills.

Money and points are decimal strings with two digits, times carry an offset, unknown fields of
a request are refused and unknown fields of an answer are to be ignored.  `code` of a problem is
stable.  Every answer carries `X-Request-Id`.
"""


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    """Errors are answered by `hub.web.errors`, for the whole app alike."""

    DEFAULT_ERROR_RESPONSE_NAME = PROBLEM

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        self.spec.components.response(PROBLEM, problem_response(ProblemSchema))

    def _register_etag_headers(self) -> None:
        pass

    def _register_pagination_header(self) -> None:
        pass


def describe(app: Flask) -> Any:
    """An empty document that blueprints can be registered with."""
    app.config.update(API_TITLE=TITLE, API_VERSION=VERSION, OPENAPI_VERSION=OPENAPI)
    api = _Api(
        app,
        spec_kwargs={
            "info": {"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
        },
    )
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    return api


def finish(document: dict[str, Any]) -> dict[str, Any]:
    """Only what callers send is closed to other fields; answers may grow."""
    schemas = document["components"]["schemas"]
    operations = [told for path in document["paths"].values() for told in path.values()]
    _link({told["operationId"]: told for told in operations if "operationId" in told})
    bodies = [told["requestBody"] for told in operations if "requestBody" in told]
    sent = _reachable(bodies, schemas, set())
    for name in schemas.keys() - sent:
        schemas[name].pop("additionalProperties", None)
    return document


def _link(operations: Mapping[str, dict[str, Any]]) -> None:
    for maker, status, name, takers in LINKS:
        told = {"parameters": {name: "$response.body#/id"}}
        operations[maker]["responses"][status]["links"] = {
            taker: {"operationId": taker, **told} for taker in takers
        }


def _reachable(part: Any, schemas: dict[str, Any], found: set[str]) -> set[str]:
    """Names of the schemas that `part` refers to, directly or not."""
    if isinstance(part, list):
        for below in part:
            _reachable(below, schemas, found)
    elif isinstance(part, dict):
        name = str(part.get("$ref", "")).removeprefix(SCHEMAS)
        if name in schemas and name not in found:
            found.add(name)
            _reachable(schemas[name], schemas, found)
        _reachable(list(part.values()), schemas, found)
    return found
