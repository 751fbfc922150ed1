"""Beside the money: gifts and named benefits.  They do not compete in a lane."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_core.domain.pricing.lanes import Offer
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rule_type import BenefitGiven, GiftGiven, Refusal, View
from loyalty_kit.checkout import Benefit, Gift


class Extras:
    """What the receipt brings beside its price, in the order in which promotions run."""

    __slots__ = ("benefits", "facts", "gifts", "given", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self.given: list[str] = []
        self.gifts: list[Gift] = []
        self.benefits: list[Benefit] = []
        self.facts: dict[int, dict[str, str]] = {}

    def offer(self, compiled: Compiled) -> Offer[GiftGiven | BenefitGiven] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, GiftGiven | BenefitGiven)
        return Offer(0, grant)

    def take(self, compiled: Compiled, gift: GiftGiven | BenefitGiven) -> Sequence[int]:
        name = compiled.promotion.id
        self.given.append(name)
        if isinstance(gift, GiftGiven):
            self.gifts.append(Gift(name, gift.sku, gift.name, gift.quantity_milli))
            self.facts[compiled.order] = {"gift": gift.name}
        else:
            self.benefits.append(Benefit(name, gift.code, gift.name))
            self.facts[compiled.order] = {"benefit": gift.name}
        return ()
