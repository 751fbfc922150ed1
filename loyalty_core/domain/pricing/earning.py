"""The last step: what the lines earn.  A promised basket and a booked purchase share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.basket import Award, MemberFacts
from loyalty_core.domain.pricing.lanes import Offer, run_lanes
from loyalty_core.domain.pricing.limits import cut_points
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.promotion import BASE
from loyalty_core.domain.pricing.rule_type import Multiply, Refusal, Stage, View
from loyalty_kit.events import PurchaseLine
from loyalty_kit.money import POINT, prorate, round_points

ONCE = 100
"""The factor of a line that is not multiplied, in the hundredths of `Multiply.factor`."""

WHOLE_BP = 100_00


@dataclass(frozen=True, slots=True)
class Earned:
    awards: tuple[Award, ...]
    by_line: Sequence[int]
    came: Mapping[int, tuple[Compiled, Refusal | None]]
    """Promotions that matched, by their place in the order; applied where no refusal."""

    @property
    def points(self) -> int:
        return sum(self.by_line)


def scene_of(view: View, plan: Plan, facts: MemberFacts, at: datetime) -> Scene:
    """What conditions of the plan look at."""
    return Scene(
        view,
        at,
        facts.place,
        known=facts.known,
        verified=facts.verified,
        tier=facts.tier,
        person=facts.person,
        calendars=plan.calendars,
    )


class Multipliers:
    """Extra parts of each line's own earning.  Multipliers add up: x2 and x3 make x4."""

    __slots__ = ("base_minor", "extras", "view")

    def __init__(self, view: View, base_minor: Sequence[int]) -> None:
        self.view = view
        self.base_minor = base_minor
        self.extras: list[tuple[Compiled, Multiply]] = []

    def offer(self, compiled: Compiled) -> Offer[Multiply] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, Multiply)
        lines = [position for position in grant.lines if self.base_minor[position]]
        if not lines:
            return Refusal("nothing_earned")
        worth = sum(self.base_minor[position] for position in lines) * (grant.factor - ONCE)
        return Offer(worth, Multiply(grant.factor, lines))

    def take(self, compiled: Compiled, gift: Multiply) -> None:
        self.extras.append((compiled, gift))


def earn(view: View, base_minor: Sequence[int], plan: Plan, scene: Scene) -> Earned:
    """What lines earn of `base_minor` (kopecks by line) in the scene that conditions look at.

    The whole receipt is rounded once, as the currency says; then its points are split over
    lines and sources by largest remainder, in hundredths.
    """
    step = Multipliers(view, base_minor)
    came = run_lanes(plan.stages[Stage.EARN].matching(view), step, scene)
    own_bp = plan.earn_bp(scene.tier)
    cells = [base * own_bp * ONCE for base in base_minor]
    for _, gift in step.extras:
        over = (gift.factor - ONCE) * own_bp
        cells += [base_minor[position] * over for position in gift.lines]
    # A share of money, in basis points of kopecks and hundredths of a factor, as points.
    denominator = WHOLE_BP * ONCE * plan.rules.main.value_minor
    points = round_points(sum(cells) * POINT, denominator, plan.rules.main.rounding)
    parts = prorate(points, cells)
    return _awards(parts, step, came, plan)


def _awards(
    parts: list[int],
    step: Multipliers,
    came: dict[int, tuple[Compiled, Refusal | None]],
    plan: Plan,
) -> Earned:
    count = len(step.base_minor)
    by_line = parts[:count]
    awards = [_award(BASE, range(count), by_line, step.view, plan)]
    start = count
    for compiled, gift in step.extras:
        own = parts[start : start + len(gift.lines)]
        start += len(gift.lines)
        if limits := compiled.promotion.limits:
            own = cut_points(compiled.promotion.id, limits, own, step.view)
        awards.append(_award(compiled.promotion.id, gift.lines, own, step.view, plan))
        if not awards[-1].points:
            came[compiled.order] = (compiled, Refusal("nothing_earned"))
        for position, part in zip(gift.lines, own, strict=True):
            by_line[position] += part
    return Earned(tuple(award for award in awards if award.points), by_line, came)


def _award(
    source: str, lines: Sequence[int], parts: Sequence[int], view: View, plan: Plan
) -> Award:
    currency = plan.rules.main
    return Award(
        currency=currency.code,
        points=sum(parts),
        by_line=tuple(
            (view.lines[position].id, part)
            for position, part in zip(lines, parts, strict=True)
            if part
        ),
        source=source,
        life_days=currency.life_days,
        activation_days=currency.activation_days,
    )


def bases(
    view: View, paid_minor: Sequence[int], spend_minor: Sequence[int], plan: Plan, *, spent: bool
) -> list[int]:
    """Kopecks that each line earns on, as the programme says (`Earning.base`)."""
    earning = plan.rules.earning
    if earning.base == "paid_unless_spent" and spent:
        return [0] * len(paid_minor)
    before = earning.base == "amount"
    return [
        (paid + spend if before else paid) if line.kind in earning.kinds else 0
        for line, paid, spend in zip(view.lines, paid_minor, spend_minor, strict=True)
    ]


def rate_purchase(  # noqa: PLR0913 - each is a word of its own to the caller
    lines: Sequence[PurchaseLine],
    plan: Plan,
    facts: MemberFacts,
    at: datetime,
    points_spent: int,
    *,
    receipt: Sequence[PurchaseLine] | None = None,
) -> tuple[Award, ...]:
    """What a purchase earns; its lines are facts and stand as they are.

    `lines` have their discount and spend resolved (no `reduction`) and their categories filled
    in; `facts` are those known for `at`.  `points_spent` is what the whole receipt was paid
    with, in hundredths; `receipt` are all its lines, which conditions look at, where `lines`
    are but some of them.  A basket priced and bought as priced earns what was promised.
    """
    spend_minor = [line.spend_minor or 0 for line in lines]
    paid_minor = [line.paid_minor for line in lines]
    view = View(lines, paid_minor, [True] * len(lines))
    view.known, view.used = facts.known, facts.used
    spent = points_spent > 0 or any(spend_minor)
    base_minor = bases(view, paid_minor, spend_minor, plan, spent=spent)
    whole = lines if receipt is None else receipt
    left_minor = [line.paid_minor + (line.spend_minor or 0) for line in whole]
    seen = View(whole, left_minor, [True] * len(whole))
    return earn(view, base_minor, plan, scene_of(seen, plan, facts, at)).awards
