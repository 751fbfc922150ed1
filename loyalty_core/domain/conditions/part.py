"""The part of a condition that is about members: who may meet it, whatever they buy."""

from __future__ import annotations

from loyalty_core.domain.conditions.tree import All, AnyOf, Leaf, Node, Not, leaves

_ALWAYS = All(())
_NEVER = Not(_ALWAYS)


def asks_members(node: Node) -> bool:
    """Whether a tree tells members apart."""
    return any(
        leaf.field.of_members and leaf.field.name != "member.known" for _, leaf in leaves(node)
    )


def members_part(node: Node, *, met: bool = True) -> Node:
    """The tree with all else taken as met (under `not`: as not met), so that whoever does not
    meet this cannot meet the tree with any basket, at any place and time."""
    if isinstance(node, Leaf):
        if node.field.of_members:
            return node
        return _ALWAYS if met else _NEVER
    if isinstance(node, Not):
        return Not(members_part(node.node, met=not met))
    nodes = tuple(members_part(one, met=met) for one in node.nodes)
    return All(nodes) if isinstance(node, All) else AnyOf(nodes)
