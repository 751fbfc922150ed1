"""The last step: what the lines earn.  A promised basket and a booked purchase share it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.basket import Award, MemberFacts
from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.lanes import Offer, run_lanes
from loyalty_core.domain.pricing.limits import cut_points
from loyalty_core.domain.pricing.personal import by_list
from loyalty_core.domain.pricing.plan import Candidates, Compiled, Plan
from loyalty_core.domain.pricing.promotion import BASE
from loyalty_core.domain.pricing.regulated import tables_for
from loyalty_core.domain.pricing.rule_type import (
    Barred,
    Multiply,
    Points,
    Refusal,
    Stage,
    View,
)
from loyalty_core.domain.rules import PointCurrency
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind, PurchaseLine
from loyalty_kit.frozen import frozen
from loyalty_kit.money import POINT, prorate, round_points

ONCE = 100
"""The factor of a line that is not multiplied, in the hundredths of `Multiply.factor`."""

WHOLE_BP = 100_00
_NOTHING: Mapping[str, int] = MappingProxyType({})


@frozen
class Earned:
    """`by_line` in hundredths of the main currency; `awards` of all currencies."""

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
        coupons=facts.coupons,
        segments=plan.segments,
        rewards=plan.rules.rewards,
    )


def own_goods(facts: MemberFacts) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The buyer's own goods, as lines are asked for them."""
    return by_list(facts.person.goods) if facts.person is not None and facts.person.goods else {}


class Bars:
    """Lines that a promotion keeps from earning."""

    __slots__ = ("view",)

    def __init__(self, view: View) -> None:
        self.view = view

    def offer(self, compiled: Compiled) -> Offer[Barred] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, Barred)
        return Offer(0, grant)

    def take(self, compiled: Compiled, gift: Barred) -> Sequence[int]:
        for position in gift.lines:
            self.view.base_minor[position] = 0
        return gift.lines


class Bonuses:
    """Extra parts of each line's own earning, and points of promotions' own.

    Multipliers add up: x2 and x3 make x4.  Lines in `promised` have their points already, those
    of `had` by source.
    """

    __slots__ = ("extras", "given", "had", "own_bp", "own_minor", "plan", "view")

    def __init__(
        self,
        view: View,
        plan: Plan,
        own_bp: int,
        promised: Collection[int],
        had: Mapping[str, int],
    ) -> None:
        self.view = view
        self.plan = plan
        self.own_bp = own_bp
        self.had = had
        self.own_minor = [
            0 if position in promised else base for position, base in enumerate(view.base_minor)
        ]
        self.extras: list[tuple[Compiled, Multiply]] = []
        self.given: list[tuple[Compiled, Points]] = []

    def offer(self, compiled: Compiled) -> Offer[Multiply | Points] | Refusal:
        """Worth is in kopecks, so that all currencies and multipliers compare."""
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        if isinstance(grant, Points):
            value_minor = currency_of(compiled, self.plan).value_minor
            return Offer(grant.points * value_minor * WHOLE_BP * ONCE, grant)
        assert isinstance(grant, Multiply)
        earning = [position for position in grant.lines if self.own_minor[position]]
        if not earning:
            return Refusal("nothing_earned")
        lines = self.view.not_taken(earning)
        if isinstance(lines, Refusal):
            return lines
        base_minor = sum(self.own_minor[position] for position in lines)
        worth = base_minor * (grant.factor - ONCE) * self.own_bp * POINT
        return Offer(worth, Multiply(grant.factor, lines))

    def take(self, compiled: Compiled, gift: Multiply | Points) -> Sequence[int]:
        if isinstance(gift, Points):
            self.given.append((compiled, gift))
        else:
            self.extras.append((compiled, gift))
        return gift.lines


def currency_of(compiled: Compiled, plan: Plan) -> PointCurrency:
    """The currency of points that a promotion gives."""
    params = compiled.promotion.params
    named = params.currency if isinstance(params, Bonus) else None
    return next((one for one in plan.rules.currencies if one.code == named), plan.main)


def earn(  # noqa: PLR0913 - the receipt, the rules and the moment, each by its own name
    view: View,
    base_minor: Sequence[int],
    plan: Plan,
    scene: Scene,
    candidates: Candidates,
    promised: Collection[int] = (),
    had: Mapping[str, int] = _NOTHING,
) -> Earned:
    """What lines earn of `base_minor` (kopecks by line) in the scene that conditions look at.

    All shares of money are rounded once, on the receipt, as the currency says; then they are
    split over lines and sources by largest remainder, in hundredths.  Points that promotions
    name are given as they are.  What the law bars then earns nothing.  Positions in
    `promised` count towards sums and minimums, and earn nothing here: what a promotion names for
    the receipt is less by what they have of it (`had`, hundredths by source).
    """
    view.base_minor = list(base_minor)
    for position, tables in tables_for(view, plan.law, scene.now).items():
        if not all(table.earn for table in tables):
            view.base_minor[position] = 0
    came = run_lanes(candidates.get(Stage.BAR, ()), Bars(view), scene)
    own_bp = plan.base_bp(scene)
    step = Bonuses(view, plan, own_bp, promised, had)
    came |= run_lanes(candidates.get(Stage.EARN, ()), step, scene)
    cells = [base * own_bp * ONCE for base in step.own_minor]
    for _, gift in step.extras:
        over = (gift.factor - ONCE) * own_bp
        cells += [step.own_minor[position] * over for position in gift.lines]
    # A share of money, in basis points of kopecks and hundredths of a factor, as points.
    denominator = WHOLE_BP * ONCE * plan.main.value_minor
    points = round_points(sum(cells) * POINT, denominator, plan.main.rounding)
    parts = prorate(points, cells)
    by_line = parts[: len(view.lines)]
    awards = _shares(parts, by_line, step, came)
    awards += _given(by_line, step, promised)
    return Earned(tuple(award for award in awards if award.points), by_line, came)


def _shares(
    parts: list[int],
    by_line: list[int],
    step: Bonuses,
    came: dict[int, tuple[Compiled, Refusal | None]],
) -> list[Award]:
    """The programme's own part, which `by_line` begins with, and that of the multipliers."""
    start = len(by_line)
    awards = [_award(None, range(start), by_line, step)]
    for compiled, gift in step.extras:
        own = parts[start : start + len(gift.lines)]
        start += len(gift.lines)
        if limits := compiled.promotion.limits:
            own = cut_points(compiled.promotion.id, limits, own, step.view)
        awards.append(_award(compiled, gift.lines, own, step))
        if not awards[-1].points:
            came[compiled.order] = (compiled, Refusal("nothing_earned"))
        for position, part in zip(gift.lines, own, strict=True):
            by_line[position] += part
    return awards


def _given(by_line: list[int], step: Bonuses, promised: Collection[int]) -> list[Award]:
    awards = []
    for compiled, gift in step.given:
        whole = prorate(gift.points, gift.weights)
        if limits := compiled.promotion.limits:
            whole = cut_points(compiled.promotion.id, limits, whole, step.view)
        split = dict(zip(gift.lines, whole, strict=True))
        fresh = [position for position in gift.lines if position not in promised]
        own = [split[position] for position in fresh]
        left = max(0, gift.points - step.had.get(compiled.promotion.id, 0))
        if sum(own) > left:
            own = prorate(left, own)
        award = _award(compiled, fresh, own, step)
        awards.append(award)
        if award.currency == step.plan.main.code:
            for position, part in zip(fresh, own, strict=True):
                by_line[position] += part
    return awards


def _award(
    compiled: Compiled | None, lines: Sequence[int], parts: Sequence[int], step: Bonuses
) -> Award:
    """Points of one source by line; None: the programme itself."""
    currency = step.plan.main if compiled is None else currency_of(compiled, step.plan)
    life, activation = currency.life_days, currency.activation_days
    params = None if compiled is None else compiled.promotion.params
    if isinstance(params, Bonus):
        life = life if params.life_days is None else params.life_days
        activation = activation if params.activation_days is None else params.activation_days
    return Award(
        currency=currency.code,
        points=sum(parts),
        by_line=tuple(
            [
                (step.view.lines[position].id, part)
                for position, part in zip(lines, parts, strict=True)
                if part
            ]
        ),
        source=BASE if compiled is None else compiled.promotion.id,
        life_days=life,
        activation_days=activation,
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


def goods_of(lines: Sequence[BasketLine | PurchaseLine], paid_minor: Sequence[int]) -> int:
    """Kopecks paid for goods, which is what counts for tiers."""
    return sum(
        paid for line, paid in zip(lines, paid_minor, strict=True) if line.kind is LineKind.GOODS
    )


def rate_purchase(  # noqa: PLR0913 - the receipt, the rules and the moment, each by its own name
    lines: Sequence[PurchaseLine],
    plan: Plan,
    facts: MemberFacts,
    at: datetime,
    points_spent: int,
    promised: Collection[str] = (),
    had: Mapping[str, int] = _NOTHING,
) -> tuple[Award, ...]:
    """What a purchase earns; its lines are facts and stand as they are.

    `lines` have their discount and spend resolved (no `reduction`) and their categories filled
    in; `facts` are those known for `at`.  `points_spent` is what the whole receipt was paid
    with, in hundredths.  Lines in `promised` (ids) earn what a hold promised them: they
    count towards sums and minimums, and earn nothing here; `had`: what they earn, in hundredths
    by source.  A basket priced and bought as priced earns what was promised.
    """
    spend_minor = [line.spend_minor or 0 for line in lines]
    paid_minor = [line.paid_minor for line in lines]
    view = View(lines, paid_minor, [True] * len(lines))
    view.known, view.used, view.personal = facts.known, facts.used, own_goods(facts)
    spent = points_spent > 0 or any(spend_minor)
    base_minor = bases(view, paid_minor, spend_minor, plan, spent=spent)
    whole_minor = [paid + spend for paid, spend in zip(paid_minor, spend_minor, strict=True)]
    seen = View(lines, whole_minor, view.open)
    seen.personal = view.personal
    done = {position for position, line in enumerate(lines) if line.id in promised}
    scene = scene_of(seen, plan, facts, at)
    candidates = plan.index.matching(view, scene)
    if facts.measured is not None:
        goods = goods_of(lines, paid_minor)
        scene.tier = plan.tier_reached(facts.tier, facts.measured, goods)
    return earn(view, base_minor, plan, scene, candidates, done, had).awards
