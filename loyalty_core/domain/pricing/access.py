"""The first step: goods that not everybody may buy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.earning import own_goods, scene_of
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import Exclusive, Refusal, Stage, View
from loyalty_kit.checkout import PricedLine
from loyalty_kit.events import PurchaseLine

EXCLUSIVE = "exclusive"


def keep_from(
    candidates: Sequence[Compiled], view: View, scene: Scene
) -> tuple[dict[int, tuple[Compiled, Refusal | None]], set[int]]:
    """What came of the promotions that keep goods for some, and positions that are barred."""
    came: dict[int, tuple[Compiled, Refusal | None]] = {}
    barred: set[int] = set()
    for compiled in candidates:
        refusal = compiled.standing(scene.now)
        if refusal is None:
            grant = compiled.evaluate(view)
            refusal = grant if isinstance(grant, Refusal) else None
            unmet = None if compiled.meet is None else compiled.meet(scene)
            if isinstance(grant, Exclusive) and unmet is not None:
                refusal = replace(unmet, reason=EXCLUSIVE, missing_minor=None)
                barred.update(grant.lines)
        came[compiled.order] = (compiled, refusal)
    return came, barred


def marked(lines: Sequence[PricedLine], barred: set[int]) -> tuple[PricedLine, ...]:
    return tuple(
        replace(line, barred=EXCLUSIVE) if at in barred else line for at, line in enumerate(lines)
    )


def was_barred(lines: Sequence[PurchaseLine], plan: Plan, facts: MemberFacts, at: datetime) -> bool:
    """Whether a purchase has goods that its buyer might not have bought."""
    view = View(lines, [line.paid_minor for line in lines], [True] * len(lines))
    view.known, view.personal = facts.known, own_goods(facts)
    candidates = plan.index.matching(view).get(Stage.ACCESS, ())
    return bool(keep_from(candidates, view, scene_of(view, plan, facts, at))[1])
