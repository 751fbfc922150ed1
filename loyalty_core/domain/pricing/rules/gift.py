"""A gift with the purchase of some goods, from a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import NAME, text, whole, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import GiftGiven, Refusal, RuleType, Stage, View
from loyalty_kit.money import UNIT_MILLI


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    sku: str = field(metadata=word("sku", text(longest=255), en="Article", ru="Артикул подарка"))
    name: str = field(metadata=word("name", NAME, en="Name of the gift", ru="Название подарка"))
    quantity: int = field(
        default=1,
        metadata=word("quantity", whole(least=1, most=1000), en="Units", ru="Штук"),
    )


def evaluate(view: View, params: Params) -> GiftGiven | Refusal:
    lines = params.meant(view)
    if isinstance(lines, Refusal):
        return lines
    return GiftGiven(params.sku, params.name, params.quantity * UNIT_MILLI)


RULE = RuleType(
    code="gift",
    stage=Stage.EXTRA,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Gift", "ru": "Подарок"},
    applied={"en": "A gift: {gift}.", "ru": "Подарок: {gift}."},
)
