"""A named benefit that is no money: free delivery, a longer guarantee, a personal manager."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import CODE, NAME, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import BenefitGiven, Refusal, RuleType, Stage, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))


def evaluate(view: View, params: Params) -> BenefitGiven | Refusal:
    lines = params.meant(view)
    return lines if isinstance(lines, Refusal) else BenefitGiven(params.code, params.name)


RULE = RuleType(
    code="benefit",
    stage=Stage.EXTRA,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Named benefit", "ru": "Привилегия"},
    applied={"en": "A benefit: {benefit}.", "ru": "Привилегия: {benefit}."},
)
