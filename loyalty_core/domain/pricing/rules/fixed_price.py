"""A price for each unit of some goods, where it is below what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.allot import line_at
from loyalty_core.domain.pricing.declare import MONEY, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    price_minor: int = field(
        metadata=word("price", MONEY, en="Price of a unit", ru="Цена за единицу")
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    """A line that costs less already stays; what a floor refuses moves to no other line."""
    lines = params.discountable(view)
    if isinstance(lines, Refusal):
        return lines
    parts = [
        max(
            0,
            view.left_minor[position]
            - line_at(params.price_minor, view.lines[position].quantity_milli),
        )
        for position in lines
    ]
    return Off(sum(parts), lines, parts) if any(parts) else Refusal("cheaper_already")


RULE = RuleType(
    code="fixed_price",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Fixed price", "ru": "Фиксированная цена"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    reasons={
        "cheaper_already": {
            "en": "These goods cost no more than that already.",
            "ru": "Эти товары уже стоят не дороже.",
        }
    },
    monotone=True,
)
