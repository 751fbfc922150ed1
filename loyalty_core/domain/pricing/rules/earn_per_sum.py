"""A points for each whole B roubles that the goods earn on."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.declare import decimal, word
from loyalty_core.domain.pricing.rule_type import Points, Refusal, RuleType, Stage, View
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Bonus):
    points: int = field(metadata=word("points", decimal(least=1), en="Points", ru="Баллов"))
    per_minor: int = field(
        metadata=word("per", decimal(least=1), en="For each whole sum of", ru="За каждые полные")
    )


def evaluate(view: View, params: Params) -> Points | Refusal:
    lines = params.earning(view)
    if isinstance(lines, Refusal):
        return lines
    weights = [view.base_minor[position] for position in lines]
    times = sum(weights) // params.per_minor
    if not times:
        missing = params.per_minor - sum(weights)
        return Refusal("below_one_sum", {"missing": format_decimal(missing)}, missing)
    return Points(times * params.points, lines, weights)


RULE = RuleType(
    code="earn_per_sum",
    stage=Stage.EARN,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Points for each sum", "ru": "Баллы за каждую сумму"},
    applied={"en": "{currency}: +{points}.", "ru": "{currency}: +{points}."},
    reasons={
        "below_one_sum": {
            "en": "For points {missing} more must be paid for these goods.",
            "ru": "До баллов за эти товары не хватает оплаты на {missing}.",
        }
    },
    monotone=True,
)
