"""Percent off some goods, from a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import choice, percent, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    percent_bp: int = field(
        metadata=word("percent", percent(least=1), en="Percent off", ru="Скидка, %")
    )
    of: str = field(
        default="left",
        metadata=word(
            "of",
            choice("left", "amount"),
            en="Of what is left, or of the amount",
            ru="От остатка или от исходной суммы",
        ),
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    lines = params.discountable(view)
    if isinstance(lines, Refusal):
        return lines
    # Rounded down: the part of a kopeck stays with the shop.
    if params.of == "left":
        left_minor = sum([view.left_minor[position] for position in lines])
        return Off(left_minor * params.percent_bp // 100_00, lines)
    amounts = [view.lines[position].amount_minor for position in lines]
    return Off(sum(amounts) * params.percent_bp // 100_00, lines, amounts)


RULE = RuleType(
    code="percent_off",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Percent off", "ru": "Скидка в процентах"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    monotone=True,
)
