"""What anybody may read of the API: the OpenAPI document, schema and templates of rules, a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, render_template
from markupsafe import Markup, escape

from hub.clock import Clock
from hub.web import sentences
from hub.web.api.specification import SCHEMAS
from hub.web.errors import asked_language
from loyalty_core.domain.rules import rules_schema
from loyalty_core.domain.templates import templates

_CODE = re.compile("`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Field:
    """`of` names the schema that it holds, if it holds one."""

    name: str
    kind: str
    of: str | None
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation on the page."""

    method: str
    path: str
    summary: str
    about: str
    scope: str
    parameters: tuple[Field, ...]
    takes: str | None
    gives: tuple[tuple[str, str | None], ...]


def register(app: Flask, document_of: Callable[[], Mapping[str, Any]], clock: Clock) -> None:
    pages = Blueprint("api_pages", __name__)

    @pages.get("/api/v1/openapi.json")
    def openapi() -> Response:
        written = json.dumps(document_of(), ensure_ascii=False, indent=2)
        return Response(written, content_type="application/json")

    @pages.get("/api/v1/rules.schema.json")
    def rules() -> Response:
        schema = rules_schema(asked_language())
        return Response(
            json.dumps(schema, ensure_ascii=False), content_type="application/schema+json"
        )

    @pages.get("/api/v1/rules.templates.json")
    def rule_templates() -> Response:
        language = asked_language()
        items = [
            {
                "code": one.code,
                "title": one.title[language],
                "about": one.about[language],
                "part": one.part,
            }
            for one in templates(clock.now().date())
        ]
        return Response(
            json.dumps({"items": items}, ensure_ascii=False), content_type="application/json"
        )

    @pages.get("/api/docs")
    def docs() -> str:
        document = document_of()
        return render_template(
            "api/docs.html",
            info=document["info"],
            groups=_groups(document),
            schemas=_schemas(document),
            problems=_problems(asked_language()),
            language=asked_language(),
        )

    pages.add_app_template_filter(_codes, "codes")
    app.register_blueprint(pages)


def _codes(text: str) -> Markup:
    """Plain text in which `words` are code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # nosec B704 # noqa: S704 - escaped first


def _groups(document: Mapping[str, Any]) -> list[tuple[str, str, list[Entry]]]:
    """(tag, what it is about, its operations), in the document's order."""
    entries: dict[str, list[Entry]] = {}
    for path, methods in document["paths"].items():
        shared = methods.get("parameters", [])
        for method, operation in methods.items():
            if method != "parameters":
                entry = _entry(method.upper(), path, operation, shared)
                entries.setdefault(operation["tags"][0], []).append(entry)
    return [(tag["name"], tag["description"], entries[tag["name"]]) for tag in document["tags"]]


def _entry(
    method: str, path: str, operation: Mapping[str, Any], shared: list[Mapping[str, Any]]
) -> Entry:
    parameters = [*shared, *operation.get("parameters", [])]
    gives = operation["responses"].items()
    return Entry(
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        scope=operation["x-scope"],
        parameters=tuple(
            _field(told["name"], {**told, **told.get("schema", {})}, told.get("required", False))
            for told in parameters
        ),
        takes=_body(operation.get("requestBody")),
        gives=tuple((status, _body(told)) for status, told in gives if status < "300"),
    )


def _body(told: Mapping[str, Any] | None) -> str | None:
    if not told or "content" not in told:
        return None
    return _reference(told["content"]["application/json"]["schema"])


def _schemas(document: Mapping[str, Any]) -> list[tuple[str, str, list[Field]]]:
    """(name, what it is, its fields), by name."""
    found = sorted(document["components"]["schemas"].items())
    return [
        (
            name,
            schema.get("description", ""),
            [
                _field(field, told, field in schema.get("required", ()))
                for field, told in schema.get("properties", {}).items()
            ],
        )
        for name, schema in found
    ]


def _field(name: str, told: Mapping[str, Any], required: bool) -> Field:
    held = told.get("items", told)
    kinds = told.get("enum") or told.get("type", "object")
    kind = kinds if isinstance(kinds, str) else " | ".join(map(str, kinds))
    return Field(name, kind, _reference(held), required, told.get("description", ""))


def _reference(schema: Mapping[str, Any]) -> str | None:
    """The name behind a `$ref`, also one that may be null instead."""
    choices = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
    named = (choice["$ref"] for choice in choices if "$ref" in choice)
    return next((name.removeprefix(SCHEMAS) for name in named), None)


def _problems(language: str) -> list[tuple[str, str]]:
    return [(code, sentences.detail(code, language)) for code in sorted(sentences.DETAILS)]
