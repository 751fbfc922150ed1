"""Goods that earn no points, whatever else promises some."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Barred, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    pass


def evaluate(view: View, params: Params) -> Barred | Refusal:
    lines = view.matching(params)
    return Barred(lines) if lines else Refusal("no_matching_lines")


RULE = RuleType(
    code="no_earn",
    stage=Stage.BAR,
    params=Params,
    evaluate=evaluate,
    titles={"en": "No points for goods", "ru": "Без начисления баллов"},
    applied={
        "en": "These goods earn no points.",
        "ru": "За эти товары баллы не начисляются.",
    },
    monotone=True,
)
