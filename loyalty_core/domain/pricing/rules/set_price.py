"""One price for a set of goods, as many sets as there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import MONEY, many, record, whole, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_core.domain.pricing.units import by_price, units_of, with_units, worth_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Goods):
    quantity: int = field(
        default=1,
        metadata=word("quantity", whole(least=1, most=1000), en="Units", ru="Штук"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    parts: tuple[Part, ...] = field(
        metadata=word("parts", many(record(Part), least=1, most=20), en="Parts", ru="Состав")
    )
    price_minor: int = field(metadata=word("price", MONEY, en="Price of a set", ru="Цена набора"))


def evaluate(view: View, params: Params) -> Off | Refusal:
    """Each set is made of the dearest units that are left, so the buyer gains most by it.

    A unit belongs to the first part that needs it, in the order of the parts.
    """
    meant = [view.matching(part) for part in params.parts]
    if not all(meant):
        return Refusal("set_not_whole" if any(meant) else "no_matching_lines")
    ranked: list[list[int]] = []
    for own in meant:
        lines = view.discountable(own)
        if isinstance(lines, Refusal):
            return lines
        ranked.append(by_price(view, with_units(view, lines))[::-1])
    used, sets = _sets(view, params, ranked)
    if not used:
        return Refusal("cheaper_already" if sets else "set_not_whole")
    lines = sorted(used)
    worth = [worth_of(view, position, used[position]) for position in lines]
    return Off(max(0, sum(worth) - sets * params.price_minor), lines, worth)


def _sets(view: View, params: Params, ranked: list[list[int]]) -> tuple[dict[int, int], int]:
    """Units by position that go into sets, and how many sets; one that gains nothing is none.

    ({}, 1): a set is there, and is no dearer by itself.
    """
    left = {position: units_of(view, position) for lines in ranked for position in lines}
    used: dict[int, int] = {}
    sets = 0
    while one := _one_set(params, ranked, left):
        cost = sum(worth_of(view, position, units) for position, units in one.items())
        if cost <= params.price_minor:
            return used, sets or 1
        times = min(left[position] // units for position, units in one.items())
        for position, units in one.items():
            left[position] -= units * times
            used[position] = used.get(position, 0) + units * times
        sets += times
    return used, sets


def _one_set(
    params: Params, ranked: list[list[int]], left: Mapping[int, int]
) -> dict[int, int] | None:
    one: dict[int, int] = {}
    for part, lines in zip(params.parts, ranked, strict=True):
        needed = part.quantity
        for position in lines:
            units = min(needed, left[position] - one.get(position, 0))
            if units:
                one[position] = one.get(position, 0) + units
                needed -= units
        if needed:
            return None
    return one


RULE = RuleType(
    code="set_price",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Price of a set", "ru": "Цена набора"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    reasons={
        "set_not_whole": {
            "en": "The set is not whole.",
            "ru": "Набор собран не полностью.",
        },
        "cheaper_already": {
            "en": "The set costs no more than that already.",
            "ru": "Набор уже стоит не дороже.",
        },
    },
    found_by=lambda params: params.parts,
)
