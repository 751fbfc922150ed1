"""What a member sees and others may not: promotions that look at who is buying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from loyalty_core.domain.conditions.scene import Person, PersonalGoods, Scene
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_kit.checkout import Offer


def quoted_offers(plan: Plan, scene: Scene) -> tuple[Offer, ...]:
    """Goods that are for this member: exclusive ones, and the member's own."""
    return tuple(_offers(plan.for_members, scene))


def all_offers(plan: Plan, scene: Scene) -> tuple[Offer, ...]:
    """Everything in force that is bound to members and within this one's reach."""
    bound = [
        one
        for one in plan.promotions
        if one.promotion.enabled and (one.reach is not None or one.personal)
    ]
    return tuple(_offers(bound, scene))


def _offers(promotions: Iterable[Compiled], scene: Scene) -> Iterator[Offer]:
    for one in promotions:
        if one.standing(scene.now) is None and (one.reach is None or one.reach(scene) is None):
            goods = compiled_goods(one)
            own = sorted({named.personal for named in goods if named.personal is not None})
            if own and scene.person is not None:
                for code in own:
                    yield from _personal(one, code, scene.person, scene.now)
            elif not own:
                yield _offer(one, goods)


def compiled_goods(compiled: Compiled) -> Sequence[Goods]:
    found: Sequence[Goods] = compiled.rule.found_by(compiled.promotion.params)
    return found


def _personal(compiled: Compiled, code: str, person: Person, now: datetime) -> Iterator[Offer]:
    """The member's goods of a list, together by how long they are there."""
    promotion = compiled.promotion
    by_end: dict[datetime | None, list[PersonalGoods]] = {}
    for one in person.goods:
        if one.list == code and one.lasts(now):
            ends = [end for end in (one.until, promotion.ends_at) if end is not None]
            by_end.setdefault(min(ends, default=None), []).append(one)
    for end, some in by_end.items():
        yield Offer(
            "personal",
            promotion.id,
            promotion.name,
            ends_at=end,
            list=code,
            skus=tuple(one.name for one in some if one.kind == "sku"),
            categories=tuple(one.name for one in some if one.kind == "category"),
        )


def _offer(compiled: Compiled, goods: Sequence[Goods]) -> Offer:
    promotion = compiled.promotion
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
