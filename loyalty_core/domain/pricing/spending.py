"""The second step: how much of what is left points may pay, and the writing off."""

from __future__ import annotations

from collections.abc import Sequence

from loyalty_core.domain.pricing.allot import allot, money_of, points_within
from loyalty_core.domain.pricing.lanes import Offer
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import Refusal, Share, View
from loyalty_core.domain.rules import Spending
from loyalty_kit.checkout import Spend
from loyalty_kit.frozen import frozen
from loyalty_kit.money import prorate

WHOLE_BP = 100_00


class Shares:
    """Which lines have a share of their own: the first promotion that names a line decides."""

    __slots__ = ("by_line", "payable", "view")

    def __init__(self, view: View, payable: Sequence[bool]) -> None:
        self.view = view
        self.payable = payable
        self.by_line: dict[int, tuple[Compiled, int]] = {}

    def offer(self, compiled: Compiled) -> Offer[Share] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, Share)
        lines = [position for position in grant.lines if self.payable[position]]
        if not lines:
            return Refusal("not_payable_with_points")
        free = [position for position in lines if position not in self.by_line]
        if not free:
            by = self.by_line[lines[0]][0].promotion.name
            return Refusal("line_taken", {"by": by})
        worth = sum(self.view.left_minor[position] * grant.share_bp for position in free)
        return Offer(worth, Share(grant.share_bp, free))

    def take(self, compiled: Compiled, gift: Share) -> Sequence[int]:
        for position in gift.lines:
            self.by_line[position] = (compiled, gift.share_bp)
        return gift.lines


@frozen
class Limits:
    """Kopecks that points may pay: by each line with a share of its own, and by the others
    together (`pool`), which are held to the programme's or tier's limit as one receipt."""

    own: Sequence[tuple[int, int]]
    pool: Sequence[int]
    pool_minor: int

    @property
    def total_minor(self) -> int:
        return self.pool_minor + sum(cap for _, cap in self.own)


def payable_with_points(view: View, spending: Spending, may_pay: Sequence[bool]) -> list[bool]:
    return [
        may and line.kind in spending.kinds for line, may in zip(view.lines, may_pay, strict=True)
    ]


def limits_of(shares: Shares, room_minor: Sequence[int], limit_bp: int) -> Limits:
    """Limits on what is left after discounts; no line may fall below its floor."""
    left = shares.view.left_minor
    own = [
        (position, min(room_minor[position], left[position] * share_bp // WHOLE_BP))
        for position, (_, share_bp) in shares.by_line.items()
    ]
    pool = [
        position
        for position, payable in enumerate(shares.payable)
        if payable and position not in shares.by_line
    ]
    share_minor = sum([left[position] for position in pool]) * limit_bp // WHOLE_BP
    room = sum([room_minor[position] for position in pool])
    return Limits(own, pool, min(share_minor, room))


def spend_bounds(limits: Limits, plan: Plan, available_points: int) -> tuple[int, int]:
    """Least and most points that may be spent, in whole steps; (least, 0): none may."""
    spending = plan.rules.spending
    step = spending.step_points
    least = -(-spending.min_points // step) * step
    most = min(points_within(limits.total_minor, plan.main.value_minor), available_points)
    most = max(0, most) // step * step
    return least, most if most >= least else 0


def wanted_points(asked: Spend, bounds: tuple[int, int], step: int) -> int:
    """The points to spend: what was asked, within the bounds, lowered to whole steps."""
    least, most = bounds
    if asked is None:
        return 0
    points = most if asked == "max" else min(max(asked, 0), most) // step * step
    return points if points >= least else 0


def write_off(
    points: int, limits: Limits, view: View, room_minor: Sequence[int], value_minor: int
) -> list[int]:
    """Kopecks paid with points, by line: in proportion to what each line may be paid."""
    by_line = [0] * len(view.lines)
    spend_minor = money_of(points, value_minor)
    caps = [limits.pool_minor, *(cap for _, cap in limits.own)]
    pool_minor, *own = prorate(spend_minor, caps)
    for (position, _), part in zip(limits.own, own, strict=True):
        by_line[position] = part
    parts = allot(
        pool_minor,
        [view.left_minor[position] for position in limits.pool],
        [room_minor[position] for position in limits.pool],
    )
    for position, part in zip(limits.pool, parts, strict=True):
        by_line[position] = part
    return by_line
