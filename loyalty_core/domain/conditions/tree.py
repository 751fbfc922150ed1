"""The tree as the document tells it, read with errors that point at the node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty_core.domain.conditions.fields import FIELDS, Details, Field
from loyalty_core.domain.conditions.values import CLOCK, OF_THE_UNKNOWN, WITH_LISTS
from loyalty_core.domain.pricing.declare import (
    JsonSchema,
    Kind,
    Misfit,
    many,
    misfit,
    nested,
    read_record,
    record_schema,
    text,
)
from loyalty_core.domain.pricing.goods import Goods

MOST_DEPTH = 10
MOST_NODES = 200
MOST_VALUES = 1000
"""In all the lists of a tree."""
_BRANCHES = ("all", "any", "not")
_LEAF = ("field", "is", "value")
_DETAIL: Mapping[str, Kind[Any]] = {
    "name": text(longest=64, pattern=r'[^"\\\x00-\x1f\ud800-\udfff]+'),
    "salt": text(longest=64),
    "goods": Kind(lambda value: read_record(Goods, value), lambda at: record_schema(Goods, at)),
}


@dataclass(frozen=True, slots=True)
class All:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class Leaf:
    """`value` is as the field's kind reads it: a tuple where the operator takes a list."""

    field: Field
    operator: str
    value: Any
    details: Details


Node = All | AnyOf | Not | Leaf


def read_tree(value: object) -> Node:
    """The tree of a JSON value.

    Raises: Misfit, naming every wrong node by its path.
    """
    return _Reader().read(value, 1)


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Each leaf with its path in the document."""
    if isinstance(node, Leaf):
        yield path, node
        return
    start = f"{path}." if path else ""
    if isinstance(node, Not):
        yield from leaves(node.node, f"{start}not")
        return
    word = "all" if isinstance(node, All) else "any"
    for index, one in enumerate(node.nodes):
        yield from leaves(one, f"{start}{word}.{index}")


def codes_of(node: Node) -> frozenset[str]:
    """The codes of coupons that a tree wants entered."""
    if isinstance(node, Leaf):
        wants = node.field.name == "basket.coupons" and node.operator != "has_none"
        return frozenset(node.value) if wants else frozenset()
    if isinstance(node, Not):
        return frozenset()
    return frozenset().union(*map(codes_of, node.nodes))


def gate_of(node: Node) -> Leaf | None:
    """The leaf by which a tree cannot be met unless one of some codes is entered, if it says so
    at its top; nothing is lost where a deeper one is not found."""
    if isinstance(node, All):
        return next((one for one in node.nodes if isinstance(one, Leaf) and _is_gate(one)), None)
    return node if isinstance(node, Leaf) and _is_gate(node) else None


def _is_gate(leaf: Leaf) -> bool:
    return leaf.field.name == "basket.coupons" and leaf.operator in ("has_any", "has_all")


class _Reader:
    """Counts nodes and listed values over the whole tree while it is read."""

    def __init__(self) -> None:
        self._nodes = 0
        self._values = 0

    def read(self, value: object, depth: int) -> Node:
        self._nodes += 1
        if depth > MOST_DEPTH:
            raise misfit(f"must not be nested deeper than {MOST_DEPTH}")
        if self._nodes > MOST_NODES:
            raise misfit(f"must have at most {MOST_NODES} nodes in all")
        if not isinstance(value, Mapping):
            raise misfit("must be an object")
        branch = next((word for word in _BRANCHES if word in value), None)
        if branch is None:
            return self._counted(_read_leaf(value))
        if len(value) > 1:
            raise Misfit({str(key): ["unknown field"] for key in value if key != branch})
        try:
            if branch == "not":
                return Not(self.read(value["not"], depth + 1))
            nodes = many(Kind(lambda one: self.read(one, depth + 1), _anything), least=1).read(
                value[branch]
            )
        except Misfit as wrong:
            raise Misfit(nested(branch, wrong.errors)) from None
        return All(nodes) if branch == "all" else AnyOf(nodes)

    def _counted(self, leaf: Leaf) -> Leaf:
        self._values += len(leaf.value) if leaf.operator in WITH_LISTS else 0
        if self._values > MOST_VALUES:
            raise Misfit({"value": [f"must have at most {MOST_VALUES} values in the whole tree"]})
        return leaf


def _anything(_: str) -> JsonSchema:
    return {}


def _read_leaf(value: Mapping[Any, Any]) -> Leaf:
    name = value.get("field")
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        raise Misfit({"field": ["no such field" if "field" in value else "is required"]})
    operator = value.get("is")
    if not isinstance(operator, str) or operator not in field.operators:
        raise Misfit({"is": [f"must be one of: {', '.join(field.operators)}"]})
    errors = {str(key): ["unknown field"] for key in value if key not in (*_LEAF, field.detail)}
    details, wanted = Details(), None
    try:
        details = _read_details(field, value)
    except Misfit as wrong:
        errors |= wrong.errors
    try:
        wanted = _read_value(field, operator, value)
    except Misfit as wrong:
        errors |= wrong.errors
    if errors:
        raise Misfit(errors)
    return Leaf(field, operator, wanted, details)


def _read_details(field: Field, value: Mapping[Any, Any]) -> Details:
    word = field.detail
    if word is None or word not in value:
        if word == "name":
            raise Misfit({"name": ["is required"]})
        return Details()
    try:
        return Details(**{word: _DETAIL[word].read(value[word])})
    except Misfit as wrong:
        raise Misfit(nested(word, wrong.errors)) from None


def _read_value(field: Field, operator: str, value: Mapping[Any, Any]) -> Any:
    if operator in OF_THE_UNKNOWN:
        if "value" in value:
            raise Misfit({"value": [f"must not be given with {operator}"]})
        return None
    if "value" not in value:
        raise Misfit({"value": ["is required"]})
    try:
        return _operand(field, operator).read(value["value"])
    except Misfit as wrong:
        raise Misfit(nested("value", wrong.errors)) from None


def _operand(field: Field, operator: str) -> Kind[Any]:
    if operator not in WITH_LISTS:
        return field.kind.one
    if operator != "between":
        return many(field.kind.one, least=1, most=field.kind.most)
    pair = many(field.kind.one, least=2, most=2)

    def read(value: object) -> tuple[Any, ...]:
        low, high = pair.read(value)
        # Hours may run over midnight.
        if low > high and field.kind is not CLOCK:
            raise misfit("must begin with the smaller value")
        return low, high

    return Kind(read, pair.schema)


# --- its schema -----------------------------------------------------------------------------

REFERENCE: JsonSchema = {"$ref": "#/$defs/condition"}


def tree_schema(locale: str) -> JsonSchema:
    """JSON Schema of a tree, to stand under `$defs` as `condition`."""
    branches = [
        _object({word: {"type": "array", "items": REFERENCE, "minItems": 1}}, [word])
        for word in ("all", "any")
    ]
    return {
        "anyOf": [
            *branches,
            _object({"not": REFERENCE}, ["not"]),
            *(_leaf_schema(field, locale) for field in FIELDS.values()),
        ]
    }


def _leaf_schema(field: Field, locale: str) -> JsonSchema:
    one = field.kind.one.schema(locale)
    words: JsonSchema = {
        "field": {"const": field.name},
        "is": {"enum": list(field.operators)},
        "value": {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]},
    }
    required = ["field", "is"]
    if field.detail is not None:
        words[field.detail] = _DETAIL[field.detail].schema(locale)
    if field.detail == "name":
        required.append("name")
    return {"title": field.titles[locale], **_object(words, required)}


def _object(words: JsonSchema, required: list[str]) -> JsonSchema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": words,
    }


TREE: Kind[Node] = Kind(read_tree, lambda _: dict(REFERENCE))
