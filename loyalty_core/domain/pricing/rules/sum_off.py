"""A sum of money off some goods: once, or for each unit."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import choice, decimal, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_kit.money import UNIT_MILLI


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    sum_minor: int = field(metadata=word("sum", decimal(least=1), en="Money off", ru="Скидка"))
    per: str = field(
        default="receipt",
        metadata=word("per", choice("receipt", "unit"), en="On each", ru="На каждый"),
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    lines = params.discountable(view)
    if isinstance(lines, Refusal):
        return lines
    if params.per == "receipt":
        return Off(params.sum_minor, lines)
    parts = [
        min(
            view.left_minor[position],
            params.sum_minor * view.lines[position].quantity_milli // UNIT_MILLI,
        )
        for position in lines
    ]
    return Off(sum(parts), lines, parts)


RULE = RuleType(
    code="sum_off",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Sum off", "ru": "Скидка суммой"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    monotone=True,
)
