"""A tree compiled once to closures: does a scene meet it, and if not, where does it fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.conditions.tree import All, Leaf, Node, Not
from loyalty_core.domain.conditions.values import CLOCK, LISTED, MONEY_VALUE, OF_SETS
from loyalty_core.domain.pricing.rule_type import Refusal
from loyalty_kit.money import format_decimal

Meet = Callable[[Scene], Refusal | None]
"""None: met.  Else `condition_not_met` with the first node that is not."""

_OF_LISTS = frozenset({*LISTED, *OF_SETS})
_TESTS: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "is": lambda wanted: lambda value: bool(value == wanted),
    "is_not": lambda wanted: lambda value: bool(value != wanted),
    "in": lambda wanted: wanted.__contains__,
    "not_in": lambda wanted: lambda value: value not in wanted,
    "at_least": lambda wanted: lambda value: bool(value >= wanted),
    "at_most": lambda wanted: lambda value: bool(value <= wanted),
    "more_than": lambda wanted: lambda value: bool(value > wanted),
    "less_than": lambda wanted: lambda value: bool(value < wanted),
    "between": lambda wanted: lambda value: bool(wanted[0] <= value <= wanted[1]),
    "has_any": lambda wanted: lambda value: not value.isdisjoint(wanted),
    "has_all": lambda wanted: lambda value: value.issuperset(wanted),
    "has_none": lambda wanted: lambda value: value.isdisjoint(wanted),
}


def compile_tree(node: Node, salt: str = "") -> Meet:
    """`salt` spreads members over buckets where a leaf names no salt of its own."""
    if isinstance(node, Leaf):
        return _leaf(node, salt)
    if isinstance(node, Not):
        return _not(node, compile_tree(node.node, salt))
    meets = tuple(compile_tree(one, salt) for one in node.nodes)
    return _all(meets) if isinstance(node, All) else _any(meets)


def test_of(leaf: Leaf) -> Callable[[Any], bool]:
    """What a leaf asks of a value that is known."""
    if leaf.operator == "between" and leaf.field.kind is CLOCK:
        return _hours(*leaf.value)
    wanted = frozenset(leaf.value) if leaf.operator in _OF_LISTS else leaf.value
    return _TESTS[leaf.operator](wanted)


def unmet(leaf: Leaf) -> Refusal:
    """What is said where a leaf alone is not met."""
    return Refusal("condition_not_met", {"field": leaf.field.name}, unmet=leaf)


def _hours(start: int, end: int) -> Callable[[int], bool]:
    """From `start` to just before `end`, over midnight where the end is the earlier one."""
    if start <= end:
        return lambda value: start <= value < end
    return lambda value: value >= start or value < end


def _leaf(leaf: Leaf, salt: str) -> Meet:
    details = leaf.details
    if leaf.field.detail == "salt" and not details.salt:
        details = replace(details, salt=salt)
    read = leaf.field.reader(details)
    refusal = unmet(leaf)
    if leaf.operator == "is_known":
        return lambda scene: refusal if read(scene) is None else None
    if leaf.operator == "is_unknown":
        return lambda scene: None if read(scene) is None else refusal
    test = test_of(leaf)
    if leaf.field.kind is MONEY_VALUE and leaf.operator in ("at_least", "more_than"):
        return _from_a_sum(leaf, read, test)

    def meet(scene: Scene) -> Refusal | None:
        value = read(scene)
        return None if value is not None and test(value) else refusal

    return meet


def _from_a_sum(leaf: Leaf, read: Callable[[Scene], Any], test: Callable[[Any], bool]) -> Meet:
    """Says how much is missing."""
    enough = leaf.value + (leaf.operator == "more_than")
    field = leaf.field.name
    in_basket = leaf.field.knows == "basket"
    unknown = unmet(leaf)

    def meet(scene: Scene) -> Refusal | None:
        value = read(scene)
        if value is None:
            return unknown
        if test(value):
            return None
        missing = enough - value
        facts = {"field": field, "missing": format_decimal(missing)}
        return Refusal("condition_not_met", facts, missing if in_basket else None, unmet=leaf)

    return meet


def _not(node: Not, inner: Meet) -> Meet:
    refusal = Refusal("condition_not_met", {}, unmet=node)
    return lambda scene: None if inner(scene) is not None else refusal


def _all(meets: tuple[Meet, ...]) -> Meet:
    def meet(scene: Scene) -> Refusal | None:
        for one in meets:
            refusal = one(scene)
            if refusal is not None:
                return refusal
        return None

    return meet


def _any(meets: tuple[Meet, ...]) -> Meet:
    def meet(scene: Scene) -> Refusal | None:
        first: Refusal | None = None
        for one in meets:
            refusal = one(scene)
            if refusal is None:
                return None
            first = first or refusal
        return first

    return meet
