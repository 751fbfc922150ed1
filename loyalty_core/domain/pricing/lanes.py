"""How promotions of one stage take turns: by lane; in a lane all of them, or the best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rule_type import Refusal, View
from loyalty_kit.frozen import frozen

G = TypeVar("G")


@frozen
class Offer(Generic[G]):
    """What a promotion would give now; `worth` compares offers of one stage."""

    worth: int
    gift: G


class Step(Protocol[G]):
    """One stage of pricing: what a promotion would give, and the giving of it.

    `take` tells on which lines it was given.
    """

    view: View

    def offer(self, compiled: Compiled) -> Offer[G] | Refusal: ...

    def take(self, compiled: Compiled, gift: G) -> Sequence[int]: ...


class Exclusions:
    """Which promotions have applied, as far as others do not stand beside them."""

    __slots__ = ("by_group", "by_id")

    def __init__(self) -> None:
        self.by_group: dict[str, Compiled] = {}
        self.by_id: dict[str, Compiled] = {}

    def against(self, compiled: Compiled) -> Refusal | None:
        """Why a promotion may not apply beside those that did."""
        group = compiled.promotion.group
        if group is not None and group in self.by_group:
            return Refusal("group_taken", {"by": self.by_group[group].promotion.name})
        if compiled.never_with:
            beside = [self.by_id[one] for one in compiled.never_with if one in self.by_id]
            if beside:
                first = min(beside, key=lambda one: one.order)
                return Refusal("never_with", {"by": first.promotion.name})
        return None

    def note(self, compiled: Compiled) -> None:
        if compiled.promotion.group is not None:
            self.by_group[compiled.promotion.group] = compiled
        if compiled.never_with:
            self.by_id[compiled.promotion.id] = compiled


def run_lanes(
    candidates: Sequence[Compiled],
    step: Step[G],
    scene: Scene,
    exclusions: Exclusions | None = None,
) -> dict[int, tuple[Compiled, Refusal | None]]:
    """Let the candidates (in order) apply; what came of each, by its place in the order.

    `exclusions`: what has applied in stages before that stands against them; None: no stage has
    a say in this one.
    """
    came: dict[int, tuple[Compiled, Refusal | None]] = {}
    if not candidates:
        return came
    exclusions = exclusions or Exclusions()
    for (_, best_only), lane in groupby(candidates, lambda c: (c.promotion.lane, c.best_only)):
        step.view.taken.clear()
        offers: list[tuple[Compiled, Offer[G]]] = []
        for compiled in lane:
            offer = compiled.closed(scene) or exclusions.against(compiled) or step.offer(compiled)
            if isinstance(offer, Refusal):
                came[compiled.order] = (compiled, offer)
            elif best_only:
                offers.append((compiled, offer))
            else:
                _take(compiled, offer, step, exclusions)
                came[compiled.order] = (compiled, None)
        if offers:
            came |= _take_best(offers, step, exclusions)
    step.view.taken.clear()
    return came


def _take(compiled: Compiled, offer: Offer[G], step: Step[G], exclusions: Exclusions) -> None:
    lines = step.take(compiled, offer.gift)
    exclusions.note(compiled)
    if compiled.once_per_line:
        step.view.taken.update(dict.fromkeys(lines, compiled.promotion.name))


def _take_best(
    offers: list[tuple[Compiled, Offer[G]]], step: Step[G], exclusions: Exclusions
) -> dict[int, tuple[Compiled, Refusal | None]]:
    # max() keeps the first of equals, which is the one earlier by priority and id.
    winner, best = max(offers, key=lambda pair: pair[1].worth)
    _take(winner, best, step, exclusions)
    beaten = Refusal("beaten_in_lane", {"by": winner.promotion.name})
    return {
        compiled.order: (compiled, None if compiled is winner else beaten) for compiled, _ in offers
    }
