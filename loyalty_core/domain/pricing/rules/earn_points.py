"""So many points for a receipt with some goods, from a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.declare import decimal, word
from loyalty_core.domain.pricing.rule_type import Points, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Bonus):
    points: int = field(metadata=word("points", decimal(least=1), en="Points", ru="Баллов"))


def evaluate(view: View, params: Params) -> Points | Refusal:
    lines = params.earning(view)
    if isinstance(lines, Refusal):
        return lines
    return Points(params.points, lines, [view.base_minor[position] for position in lines])


RULE = RuleType(
    code="earn_points",
    stage=Stage.EARN,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Points for a purchase", "ru": "Баллы за покупку"},
    applied={"en": "{currency}: +{points}.", "ru": "{currency}: +{points}."},
    monotone=True,
)
