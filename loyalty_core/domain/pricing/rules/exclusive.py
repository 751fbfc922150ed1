"""Rare goods: only those who meet the promotion's condition may buy them."""

from __future__ import annotations

from dataclasses import dataclass

from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Exclusive, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    pass


def evaluate(view: View, params: Params) -> Exclusive | Refusal:
    lines = view.matching(params)
    return Exclusive(lines) if lines else Refusal("no_matching_lines")


RULE = RuleType(
    code="exclusive",
    stage=Stage.ACCESS,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Goods for some alone", "ru": "Товары не для всех"},
    applied={
        "en": "These goods are for this buyer.",
        "ru": "Эти товары доступны покупателю.",
    },
    reasons={
        "exclusive": {
            "en": "These goods are not for this buyer: {condition}.",
            "ru": "Эти товары не для этого покупателя. Нужно: {condition}.",
        }
    },
)
