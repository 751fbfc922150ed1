"""So many points for each unit of some goods; weighed goods give their part."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.declare import decimal, word
from loyalty_core.domain.pricing.rule_type import Points, Refusal, RuleType, Stage, View
from loyalty_kit.money import UNIT_MILLI


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Bonus):
    points: int = field(
        metadata=word("points", decimal(least=1), en="Points a unit", ru="Баллов за единицу")
    )


def evaluate(view: View, params: Params) -> Points | Refusal:
    lines = params.earning(view)
    if isinstance(lines, Refusal):
        return lines
    parts = [
        params.points * view.lines[position].quantity_milli // UNIT_MILLI for position in lines
    ]
    return Points(sum(parts), lines, parts) if any(parts) else Refusal("nothing_earned")


RULE = RuleType(
    code="earn_per_unit",
    stage=Stage.EARN,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Points for each unit", "ru": "Баллы за каждую единицу"},
    applied={"en": "{currency}: +{points}.", "ru": "{currency}: +{points}."},
    monotone=True,
)
