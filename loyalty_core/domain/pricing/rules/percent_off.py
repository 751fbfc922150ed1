"""Percent off some goods, from a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import MONEY, percent, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    percent_bp: int = field(
        metadata=word("percent", percent(least=1), en="Percent off", ru="Скидка, %")
    )
    total_min_minor: int = field(
        default=0,
        metadata=word("total_min", MONEY, en="From a basket of", ru="При сумме корзины от"),
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    """The minimum is held against all goods at their amount, before our discounts."""
    matching = view.matching(params)
    if not matching:
        return Refusal("no_matching_lines")
    missing = params.total_min_minor - view.goods_minor
    if missing > 0:
        return Refusal("total_below_minimum", {"missing": format_decimal(missing)}, missing)
    lines = [position for position in matching if view.open[position]]
    if not lines:
        return Refusal("not_discountable")
    left_minor = sum(view.left_minor[position] for position in lines)
    # Rounded down: the part of a kopeck stays with the shop.
    return Off(left_minor * params.percent_bp // 100_00, lines)


RULE = RuleType(
    code="percent_off",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Percent off", "ru": "Скидка в процентах"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
)
