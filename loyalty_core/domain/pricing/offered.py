"""What promotions for some goods have in common: a minimum total of the basket."""

from __future__ import annotations

from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import MONEY, word
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import Refusal, View
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered(Goods):
    """The minimum is held against all goods at their amount, before our discounts."""

    total_min_minor: int = field(
        default=0,
        metadata=word("total_min", MONEY, en="From a basket of", ru="При сумме корзины от"),
    )

    def missing(self, view: View) -> Refusal | None:
        """What the basket lacks, if it is below the minimum."""
        missing = self.total_min_minor - view.goods_minor
        if missing <= 0:
            return None
        return Refusal("total_below_minimum", {"missing": format_decimal(missing)}, missing)

    def meant(self, view: View) -> list[int] | Refusal:
        """Positions of the goods, or why they are not offered anything."""
        lines = view.matching(self)
        return self.missing(view) or lines if lines else Refusal("no_matching_lines")

    def discountable(self, view: View) -> list[int] | Refusal:
        """Positions of the goods that may be discounted, or why there are none."""
        lines = self.meant(view)
        return lines if isinstance(lines, Refusal) else view.discountable(lines)
