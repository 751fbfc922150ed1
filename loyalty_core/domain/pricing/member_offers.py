"""What a member sees and others may not: promotions that look at who is buying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_kit.checkout import Offer


def quoted_offers(plan: Plan, scene: Scene) -> tuple[Offer, ...]:
    """Goods that are for this member: exclusive ones."""
    return tuple(_offers(plan.for_members, scene))


def all_offers(plan: Plan, scene: Scene) -> tuple[Offer, ...]:
    """Everything in force that is bound to members and within this one's reach."""
    bound = [one for one in plan.promotions if one.promotion.enabled and one.reach is not None]
    return tuple(_offers(bound, scene))


def _offers(promotions: Iterable[Compiled], scene: Scene) -> Iterator[Offer]:
    for one in promotions:
        if one.standing(scene.now) is None and (one.reach is None or one.reach(scene) is None):
            yield _offer(one)


def _offer(compiled: Compiled) -> Offer:
    promotion = compiled.promotion
    goods: Iterable[Goods] = compiled.rule.found_by(promotion.params)
    return Offer(
        "exclusive" if compiled.rule.stage is Stage.ACCESS else "promotion",
        promotion.id,
        promotion.name,
        ends_at=promotion.ends_at,
        skus=_once(name for one in goods for name in one.skus),
        categories=_once(name for one in goods for name in one.categories),
        brands=_once(name for one in goods for name in one.brands),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
