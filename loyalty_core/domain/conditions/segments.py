"""Segments: conditions about members that others call by a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from loyalty_core.domain.conditions.fields import SEGMENT
from loyalty_core.domain.conditions.tell import tell
from loyalty_core.domain.conditions.tree import TREE, All, AnyOf, Leaf, Node, Not, leaves
from loyalty_core.domain.pricing.declare import CODE, NAME, Kind, Misfit, word
from loyalty_core.domain.pricing.goods import fold

Segments = Mapping[str, Node]
"""What each segment asks, by its folded code."""


def _read_own(value: object) -> Node:
    node = TREE.read(value)
    check_about_members(node)
    return node


def _read(value: object) -> Node:
    node = _read_own(value)
    errors = {
        f"{path}.field" if path else "field": ["a segment must not name segments"]
        for path, leaf in leaves(node)
        if leaf.field.name == SEGMENT
    }
    if errors:
        raise Misfit(errors)
    return node


ABOUT_MEMBERS: Kind[Node] = Kind(_read, TREE.schema, lambda node, locale: tell(node, "", locale))
"""A tree about members alone, without segments."""
OF_MEMBERS: Kind[Node] = replace(ABOUT_MEMBERS, read=_read_own)
"""A tree about members alone, which may name segments."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Members who meet a condition, by a name."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    when: Node = field(metadata=word("when", ABOUT_MEMBERS, en="Condition", ru="Условие"))


def check_about_members(node: Node) -> None:
    """Raises: Misfit, naming each leaf that asks for what no member has by itself."""
    strangers = {
        f"{path}.field" if path else "field": ["is not about members"]
        for path, leaf in leaves(node)
        if not leaf.field.of_members
    }
    if strangers:
        raise Misfit(strangers)


def segments_of(segments: tuple[Segment, ...]) -> Segments:
    """The trees by code.  A leaf that spreads members is salted by its segment, so a segment
    has the same members wherever it is named."""
    return {fold(one.code): _salted(one.when, fold(one.code)) for one in segments}


def _salted(node: Node, salt: str) -> Node:
    if isinstance(node, Leaf):
        if node.field.detail != "salt" or node.details.salt:
            return node
        return replace(node, details=replace(node.details, salt=salt))
    if isinstance(node, Not):
        return Not(_salted(node.node, salt))
    nodes = tuple(_salted(one, salt) for one in node.nodes)
    return All(nodes) if isinstance(node, All) else AnyOf(nodes)


def named_segments(node: Node) -> frozenset[str]:
    """Folded codes of the segments that a tree names."""
    return frozenset(
        code
        for _, leaf in leaves(node)
        if leaf.field.name == SEGMENT and leaf.value is not None
        for code in leaf.value
    )
