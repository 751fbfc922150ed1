"""What promotions of points have in common: a currency, a start and a life of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import CODE, optional, whole, word
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import Refusal, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonus(Offered):
    """None: the programme's main currency; the currency's own life and activation."""

    currency: str | None = field(
        default=None,
        metadata=word("currency", optional(CODE), en="Currency of points", ru="Валюта баллов"),
    )
    life_days: int | None = field(
        default=None,
        metadata=word(
            "life_days",
            optional(whole(least=1, most=36_500)),
            en="Days until these points expire",
            ru="Срок жизни этих баллов, дней",
        ),
    )
    activation_days: int | None = field(
        default=None,
        metadata=word(
            "activation_days",
            optional(whole(least=0, most=36_500)),
            en="Days until these points are spendable",
            ru="Дней до активации этих баллов",
        ),
    )

    def earning(self, view: View) -> list[int] | Refusal:
        """Positions of the goods that earn, or why there are none."""
        meant = self.meant(view)
        if isinstance(meant, Refusal):
            return meant
        earning = [at for at in meant if view.base_minor[at]]
        return view.not_taken(earning) if earning else Refusal("nothing_earned")
