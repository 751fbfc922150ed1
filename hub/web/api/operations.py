"""Operations put on a blueprint: guarded by `admit`, and described for the OpenAPI file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from hub.refusal import Refusal
from hub.web.api import body
from hub.web.api.call import Call, Operation, admit
from hub.web.api.once import HEADER, LONGEST_KEY, Answer
from hub.web.errors import CONTENT_TYPE

View = Callable[..., Answer]
PROBLEM = "Problem"
"""Name of the answer that every refusal has, among the document's components."""
_ALWAYS = (401, 403, 422, 429, 503)
_WITH_BODY = (400, 413, 415)
_NO_QUERY = Schema()


def operation(blueprint: Blueprint, described: Operation) -> Callable[[View], View]:
    """The view gets a `Call` and the parts of the address; its docstring is the description."""

    def put(view: View) -> View:
        @wraps(view)
        def guarded(**address: str) -> Response:
            call: Call = admit(described)
            if any("\x00" in part for part in address.values()):
                # No name of ours holds it, and PostgreSQL could not even look for it.
                raise Refusal(404, "unknown_route")
            if described.query is None:
                body.read_query(_NO_QUERY)
            answer = view(call, **address)
            return Response(answer.body, answer.status, content_type=answer.content_type)

        blueprint.add_url_rule(
            described.rule,
            endpoint=view.__name__,
            view_func=blueprint.doc(**_document(view.__name__, described))(guarded),
            methods=[described.method],
        )
        return view

    return put


def _document(name: str, described: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": name,
        "security": [{"key": []}],
        "x-scope": described.scope,
        "responses": _responses(described),
    }
    if described.takes is not None:
        document["requestBody"] = {"required": True, "content": _json(described.takes)}
    parameters: list[dict[str, Any]] = []
    if described.query is not None:
        parameters.append({"in": "query", "schema": described.query})
    if described.idempotency_key != "no":
        parameters.append(
            {
                "in": "header",
                "name": HEADER,
                "required": described.idempotency_key == "required",
                "description": "Kept 24 hours; the same key and body get the first answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            }
        )
    if parameters:
        document["parameters"] = parameters
    return document


def _responses(described: Operation) -> dict[str, Any]:
    given = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            **({} if schema is None else {"content": _json(schema)}),
        }
        for status, schema in described.gives.items()
    }
    refused = {*_ALWAYS, *described.refuses}
    if described.takes is not None:
        refused |= set(_WITH_BODY)
    if described.idempotency_key != "no":
        refused |= {400, 409}
    return given | {str(status): PROBLEM for status in sorted(refused)}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def problem_response(schema: Any) -> dict[str, Any]:
    """The component that `PROBLEM` names."""
    return {"description": "What went wrong.", "content": {CONTENT_TYPE: {"schema": schema}}}
