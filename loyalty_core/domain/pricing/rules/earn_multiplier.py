"""Points multiplied, for everything or for the lines of some categories."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import decimal, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Multiply, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    """`factor` in hundredths; it is above one, since a multiplier only adds points."""

    factor: int = field(
        metadata=word("factor", decimal(least=101, most=100_00), en="Times", ru="Во сколько раз")
    )


def evaluate(view: View, params: Params) -> Multiply | Refusal:
    lines = view.matching(params)
    return Multiply(params.factor, lines) if lines else Refusal("no_matching_lines")


RULE = RuleType(
    code="earn_multiplier",
    stage=Stage.EARN,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Multiplied points", "ru": "Умножение баллов"},
    applied={"en": "Extra points: {points}.", "ru": "Дополнительно баллов: {points}."},
    reasons={
        "nothing_earned": {
            "en": "These goods earn no points, so there is nothing to multiply.",
            "ru": "За эти товары баллы не начисляются, умножать нечего.",
        }
    },
    monotone=True,
)
