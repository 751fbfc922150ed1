"""Percent off the lines of some categories, from a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import MONEY, categories, percent, word
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True)
class Params:
    percent_bp: int = field(
        metadata=word("percent", percent(least=1), en="Percent off", ru="Скидка, %")
    )
    categories: tuple[str, ...] = field(
        metadata=word(
            "categories",
            categories(least=1),
            en="Categories of goods",
            ru="Категории товаров",
        )
    )
    total_min_minor: int = field(
        default=0,
        metadata=word("total_min", MONEY, en="From a basket of", ru="При сумме корзины от"),
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    """The minimum is held against all goods at their amount, before our discounts."""
    matching = view.matching(params.categories)
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
    code="percent_off_category",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    categories=lambda params: params.categories,
    titles={"en": "Percent off a category", "ru": "Скидка на категорию"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
)
