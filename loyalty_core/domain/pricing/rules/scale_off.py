"""Percent off by a scale: of the basket's sum, or of what the member has spent so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import MONEY, choice, many, percent, record, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    from_minor: int = field(metadata=word("from", MONEY, en="From a sum of", ru="От суммы"))
    percent_bp: int = field(metadata=word("percent", percent(), en="Percent off", ru="Скидка, %"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    """Steps may stand in any order; the highest that is reached decides."""

    by: str = field(metadata=word("by", choice("receipt", "spend"), en="Scale of", ru="Шкала по"))
    steps: tuple[Step, ...] = field(
        metadata=word("steps", many(record(Step), least=1, most=1000), en="Steps", ru="Ступени")
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    """`receipt`: all goods at their amount, before our discounts; `spend`: what the member paid
    for goods so far, net of returns and without this basket."""
    lines = view.discountable(view.matching(params))
    if isinstance(lines, Refusal):
        return lines
    reached_minor = view.goods_minor if params.by == "receipt" else view.spent_minor
    if reached_minor is None:
        return Refusal("member_unknown")
    below = [step for step in params.steps if step.from_minor <= reached_minor]
    if not below:
        missing = min(step.from_minor for step in params.steps) - reached_minor
        return Refusal("below_first_step", {"missing": format_decimal(missing)}, missing)
    step = max(below, key=lambda step: step.from_minor)
    left_minor = sum(view.left_minor[position] for position in lines)
    return Off(left_minor * step.percent_bp // 100_00, lines)


RULE = RuleType(
    code="scale_off",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Percent off by a scale", "ru": "Скидка по шкале"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    reasons={
        "below_first_step": {
            "en": "The first step of the scale is {missing} away.",
            "ru": "До первой ступени шкалы не хватает {missing}.",
        },
        "member_unknown": {
            "en": "This discount is for members: the buyer is not known.",
            "ru": "Скидка для участников программы: покупатель не определён.",
        },
    },
)
