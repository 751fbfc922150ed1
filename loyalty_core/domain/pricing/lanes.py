"""How promotions of one stage take turns: by lane; in a lane all of them, or the best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rule_type import Refusal

G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Offer(Generic[G]):
    """What a promotion would give now; `worth` compares offers of one stage."""

    worth: int
    gift: G


class Step(Protocol[G]):
    """One stage of pricing: what a promotion would give, and the giving of it."""

    def offer(self, compiled: Compiled) -> Offer[G] | Refusal: ...

    def take(self, compiled: Compiled, gift: G) -> None: ...


def run_lanes(
    candidates: Iterable[Compiled], step: Step[G], scene: Scene
) -> dict[int, tuple[Compiled, Refusal | None]]:
    """Let the candidates (in order) apply; what came of each, by its place in the order."""
    came: dict[int, tuple[Compiled, Refusal | None]] = {}
    for (_, best_only), lane in groupby(candidates, lambda c: (c.promotion.lane, c.best_only)):
        offers: list[tuple[Compiled, Offer[G]]] = []
        for compiled in lane:
            offer = compiled.closed(scene) or step.offer(compiled)
            if isinstance(offer, Refusal):
                came[compiled.order] = (compiled, offer)
            elif best_only:
                offers.append((compiled, offer))
            else:
                step.take(compiled, offer.gift)
                came[compiled.order] = (compiled, None)
        if offers:
            _take_best(offers, step, came)
    return came


def _take_best(
    offers: list[tuple[Compiled, Offer[G]]],
    step: Step[G],
    came: dict[int, tuple[Compiled, Refusal | None]],
) -> None:
    # max() keeps the first of equals, which is the one earlier by priority and id.
    winner, best = max(offers, key=lambda pair: pair[1].worth)
    for compiled, _ in offers:
        came[compiled.order] = (
            compiled,
            Refusal("beaten_in_lane", {"by": winner.promotion.name}),
        )
    step.take(winner, best.gift)
    came[winner.order] = (winner, None)
