"""Promotions that do not stand beside each other: what of it a document may ask."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_core.domain.pricing.promotion import Promotion
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.pricing.rules import RULE_TYPES


def odd_neighbours(promotions: Sequence[Promotion]) -> dict[str, list[str]]:
    """Errors by path of the `never_with` that name nothing, or that could not be kept.

    A purchase is rated without its quote, so what it earns cannot depend on which discounts
    applied: promotions of points stand apart only from one another.
    """
    step = {promotion.id: _step_of(promotion) for promotion in promotions}
    errors: dict[str, list[str]] = {}
    for index, promotion in enumerate(promotions):
        for place, other in enumerate(promotion.never_with):
            path = f"promotions.{index}.never_with.{place}"
            if other not in step:
                errors[path] = ["no such promotion"]
            elif other == promotion.id:
                errors[path] = ["must be another promotion"]
            elif step[other] is not step[promotion.id]:
                errors[path] = ["must be of the same step"]
    return errors


def _step_of(promotion: Promotion) -> Stage:
    """Gifts and benefits stand beside discounts; every other step is by itself."""
    stage = RULE_TYPES[promotion.type].stage
    return Stage.DISCOUNT if stage is Stage.EXTRA else stage
