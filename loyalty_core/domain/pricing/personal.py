"""Goods of each member's own: lists that promotions name, and how they are filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.domain.conditions.tree import Node, leaves
from loyalty_core.domain.pricing.declare import CODE, NAME, optional, record, whole, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.promotion import Promotion
from loyalty_core.domain.pricing.rules import RULE_TYPES


@dataclass(frozen=True, slots=True)
class Favourites:
    """What a member bought on the most receipts of the last `days`: up to `most` articles, each
    on `at_least` receipts."""

    days: int = field(
        default=90,
        metadata=word("days", whole(least=1, most=730), en="Of the last days", ru="За дней"),
    )
    most: int = field(
        default=3, metadata=word("most", whole(least=1, most=50), en="Articles", ru="Артикулов")
    )
    at_least: int = field(
        default=2,
        metadata=word(
            "at_least", whole(least=1, most=1000), en="Receipts at least", ru="Чеков не меньше"
        ),
    )


@dataclass(frozen=True, slots=True)
class PersonalList:
    """`auto` None: the shop fills it."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    auto: Favourites | None = field(
        default=None,
        metadata=word(
            "auto", optional(record(Favourites)), en="Filled by itself", ru="Заполняется сам"
        ),
    )


def by_list(goods: Sequence[PersonalGoods]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Names of the goods by list and kind, as `View.matching` asks for them."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in goods:
        found.setdefault(one.list, {}).setdefault(one.kind, []).append(one.key)
    return found


def lists_named(promotion: Promotion) -> Iterator[tuple[str, str]]:
    """Each list that a promotion names, with the path in it."""
    params = promotion.params
    for place, goods in enumerate(RULE_TYPES[promotion.type].found_by(params)):
        if goods.personal is not None:
            whole_type = isinstance(params, Goods)
            path = "params.personal" if whole_type else f"params.parts.{place}.personal"
            yield path, goods.personal
    if promotion.when is not None:
        yield from _in_conditions(promotion.when)


def _in_conditions(when: Node) -> Iterator[tuple[str, str]]:
    for path, leaf in leaves(when, "when"):
        goods = leaf.details.goods
        if goods is not None and goods.personal is not None:
            yield f"{path}.goods.personal", goods.personal
