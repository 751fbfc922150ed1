"""Coupons that a receipt brings its member, told with a quote and issued with the purchase."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.earning import goods_of, own_goods, scene_of
from loyalty_core.domain.pricing.lanes import Offer, run_lanes
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import CouponGiven, Refusal, Stage, View
from loyalty_kit.checkout import Benefit
from loyalty_kit.events import LineKind, PurchaseLine


class Issues:
    """Promotions that give a coupon, in the order in which they run."""

    __slots__ = ("facts", "given", "plan", "view")

    def __init__(self, view: View, plan: Plan) -> None:
        self.view = view
        self.plan = plan
        self.given: list[tuple[str, str]] = []
        self.facts: dict[int, dict[str, str]] = {}

    def offer(self, compiled: Compiled) -> Offer[CouponGiven] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, CouponGiven)
        return Offer(0, grant)

    def take(self, compiled: Compiled, gift: CouponGiven) -> Sequence[int]:
        self.given.append((compiled.promotion.id, gift.series))
        self.facts[compiled.order] = {"coupon": self.plan.series[gift.series].name}
        return ()

    @property
    def benefits(self) -> list[Benefit]:
        return [
            Benefit(promotion, series, self.plan.series[series].name)
            for promotion, series in self.given
        ]


def issued_by(
    lines: Sequence[PurchaseLine], plan: Plan, facts: MemberFacts, at: datetime
) -> tuple[str, ...]:
    """Promotions by which a purchase brings coupons; its lines are facts, as `rate_purchase` sees
    them."""
    whole_minor = [line.paid_minor + (line.spend_minor or 0) for line in lines]
    view = View(lines, whole_minor, [True] * len(lines))
    view.known, view.used, view.personal = facts.known, facts.used, own_goods(facts)
    issues = Issues(view, plan)
    scene = scene_of(view, plan, facts, at)
    candidates = plan.index.matching(view).get(Stage.ISSUE, ())
    if facts.measured is not None:
        goods = goods_of(lines, [line.paid_minor for line in lines])
        scene.tier = plan.tier_reached(facts.tier, facts.measured, goods)
    run_lanes(candidates, issues, scene)
    return tuple(promotion for promotion, _ in issues.given)


def lines_for(
    compiled: Compiled,
    lines: Sequence[PurchaseLine],
    personal: Mapping[str, Mapping[str, Sequence[str]]],
) -> tuple[str, ...]:
    """Ids of the lines that a promotion with a coupon is about."""
    view = View(lines, [], [])
    view.personal = personal
    params = compiled.promotion.params
    assert isinstance(params, Offered)
    return tuple(lines[at].id for at in view.matching(params))


def still_earned(
    compiled: Compiled,
    lines: Sequence[PurchaseLine],
    about: Collection[str],
    share: Mapping[str, Fraction],
) -> bool:
    """Whether what is left of a purchase keeps the coupon: of the lines that the promotion is
    `about`, and its minimum of all goods."""
    params = compiled.promotion.params
    assert isinstance(params, Offered)
    left = [
        line.amount_minor * (1 - share.get(line.id, Fraction(0)))
        for line in lines
        if line.kind is LineKind.GOODS
    ]
    some_left = any(share.get(name, Fraction(0)) < 1 for name in about)
    return some_left and sum(left) >= params.total_min_minor
