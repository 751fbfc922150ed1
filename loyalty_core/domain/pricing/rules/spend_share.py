"""Points payable up to a share of some lines: raised or lowered against the programme's."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import percent, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Refusal, RuleType, Share, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Goods):
    percent_bp: int = field(
        metadata=word(
            "percent", percent(), en="Payable with points, %", ru="Можно оплатить баллами, %"
        )
    )


def evaluate(view: View, params: Params) -> Share | Refusal:
    lines = view.matching(params)
    return Share(params.percent_bp, lines) if lines else Refusal("no_matching_lines")


RULE = RuleType(
    code="spend_share",
    stage=Stage.SPEND,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Share payable with points", "ru": "Доля оплаты баллами"},
    applied={
        "en": "Up to {percent} % of these goods may be paid with points.",
        "ru": "Баллами можно оплатить до {percent} % этих товаров.",
    },
    reasons={
        "line_taken": {
            "en": "Another rule has set the share for these goods: {by}.",
            "ru": "Долю для этих товаров уже задало другое правило: {by}.",
        },
        "not_payable_with_points": {
            "en": "These goods are not payable with points.",
            "ru": "Эти товары нельзя оплатить баллами.",
        },
        "may_not_spend": {
            "en": "Points cannot be spent here: the member is not known or not confirmed.",
            "ru": "Списать баллы нельзя: участник не определён или не подтверждён.",
        },
    },
)
