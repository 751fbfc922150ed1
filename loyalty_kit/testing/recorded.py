"""Recorded cases: one JSON file each, named after what is odd in it.

A webhook case:

    {"webhook": "receipt", "body": {...}, "expect": [...]}

`body` is an object or the exact text; `headers` are added to those that `sign` gives, and
`"signed": false` leaves the latter out; `query` is that of the address.  A fetch case:

    {"fetch": {"kind": "order", "id": "19"}, "document": {...}, "expect": [...]}

`received_at` and `revision` may be given in both.  `expect` holds canonical events in their
wire form with `"type": "purchase"` or `"refund"`, `{"type": "hint", "kind", "id"}`, and
`{"type": "products", "products": [...]}`, `{"type": "customer", "id", ...}`; instead of it
`"raises"` names the code of a connector error.  `"same_delivery_as"` names another case whose
delivery key it must have.  `total` is what the document itself says was paid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import load_event
from loyalty_kit.money import HUNDREDTHS, parse_decimal
from loyalty_kit.ports import CustomerRecord, Hint, Product, ProductsChanged, SmsAnswer, Translated

RECEIVED_AT = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
"""For cases that do not say when they were received."""

_KEYS = frozenset(
    {
        "webhook", "body", "headers", "query", "signed", "fetch", "document", "received_at",
        "revision", "expect", "raises", "same_delivery_as", "total", "note",
    }
)  # fmt: skip


class CaseInvalid(Exception):
    """A file is not a recorded case; the text names the file and what is wrong in it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded case; either `webhook` or `fetch` is set.  `total_minor` in kopecks."""

    name: str
    expect: Translated
    raises: str | None
    received_at: datetime
    revision: int
    webhook: str | None = None
    body: bytes = b""
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    signed: bool = True
    fetch: Hint | None = None
    document: Any = None
    same_delivery_as: str | None = None
    total_minor: int | None = None


class _ProductSchema(wire.FrozenSchema):
    builds: ClassVar[type] = Product

    sku = wire.Text(required=True, most=wire.MAX_ID)
    name = wire.Text(required=True, most=wire.MAX_NAME)
    external_id = wire.Text(allow_none=True)
    price_minor = wire.Hundredths(data_key="price", allow_none=True)
    categories = wire.codes("Codes.", load_default=())
    brand = wire.Text(allow_none=True)
    attributes = wire.codes("Marks.", load_default=())
    legal_class = wire.Text(data_key="class", allow_none=True)
    volume_ml = wire.Whole(least=1, most=wire.MAX_VOLUME_ML, allow_none=True)
    strength_bp = wire.Hundredths(data_key="strength", allow_none=True)


class _HintSchema(wire.FrozenSchema):
    builds: ClassVar[type] = Hint

    kind = fields.String(required=True)
    id = fields.String(required=True)
    by = fields.List(fields.Nested(lambda: _HintSchema()))


class _SmsAnswerSchema(wire.FrozenSchema):
    builds: ClassVar[type] = SmsAnswer

    id = fields.String(required=True)
    phone = fields.String(required=True)
    text = fields.String(required=True)


class _CustomerSchema(wire.FrozenSchema):
    builds: ClassVar[type] = CustomerRecord

    id = fields.String(required=True)
    phone = fields.String()
    email = fields.String()
    card = fields.String()
    first_name = fields.String()
    middle_name = fields.String()
    last_name = fields.String()
    birth_date = fields.String()
    gender = fields.String()
    vouched = fields.Boolean()


_PLAIN = {"hint": _HintSchema, "sms_answer": _SmsAnswerSchema, "customer": _CustomerSchema}


def read_cases(folder: Path) -> tuple[Case, ...]:
    """Every `*.json` directly in the folder, by name.

    Raises: CaseInvalid.
    """
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def _read(path: Path) -> Case:
    try:
        return _case(path.stem, json.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CaseInvalid(f"{path.name}: {error}") from error


def _case(name: str, data: Mapping[str, Any]) -> Case:
    unknown = set(data) - _KEYS
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    if ("webhook" in data) == ("fetch" in data) or ("expect" in data) == ("raises" in data):
        raise ValueError("a case has webhook or fetch, and expect or raises")
    received_at = data.get("received_at")
    total = data.get("total")
    return Case(
        name=name,
        expect=tuple(_expected(item) for item in data.get("expect", ())),
        raises=data.get("raises"),
        received_at=datetime.fromisoformat(received_at) if received_at else RECEIVED_AT,
        revision=data.get("revision", 1),
        webhook=data.get("webhook"),
        body=_bytes(data["body"]) if "webhook" in data else b"",
        headers={key.lower(): value for key, value in data.get("headers", {}).items()},
        query=data.get("query", {}),
        signed=data.get("signed", True),
        fetch=_HintSchema().load(data["fetch"]) if "fetch" in data else None,
        document=data["document"] if "fetch" in data else None,
        same_delivery_as=data.get("same_delivery_as"),
        total_minor=None if total is None else parse_decimal(total, HUNDREDTHS),
    )


def _bytes(body: Any) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text.encode()


def _expected(item: Mapping[str, Any]) -> Any:
    facts = dict(item)
    kind = facts.get("type")
    if kind == "products":
        return ProductsChanged(tuple(_ProductSchema().load(row) for row in facts["products"]))
    if kind in _PLAIN:
        del facts["type"]
        return _PLAIN[kind]().load(facts)
    return load_event(facts)
