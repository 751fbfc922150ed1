"""The first step: money off lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty_core.domain.pricing.allot import allot
from loyalty_core.domain.pricing.lanes import Offer
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rule_type import Off, Refusal, View
from loyalty_kit.checkout import LineDiscount


@dataclass(slots=True)
class Taken:
    """One promotion's part of one line; rounding to unit prices may lower it."""

    compiled: Compiled
    amount_minor: int


class Discounts:
    """Money taken off, by line, each promotion on what the earlier ones left.

    `room_minor` is how far each line may still fall before it reaches its floor.
    """

    __slots__ = ("by_line", "room_minor", "view")

    def __init__(self, view: View, room_minor: list[int]) -> None:
        self.view = view
        self.room_minor = room_minor
        self.by_line: list[list[Taken]] = [[] for _ in room_minor]

    def offer(self, compiled: Compiled) -> Offer[list[tuple[int, int]]] | Refusal:
        grant = compiled.evaluate(self.view)
        if isinstance(grant, Refusal):
            return grant
        assert isinstance(grant, Off)
        rooms = [self.room_minor[position] for position in grant.lines]
        if not any(rooms):
            return Refusal("nothing_left")
        weights = grant.weights
        if weights is None:
            weights = [self.view.left_minor[position] for position in grant.lines]
        else:
            rooms = [min(room, weight) for room, weight in zip(rooms, weights, strict=True)]
        parts = allot(grant.total_minor, weights, rooms)
        off_minor = sum(parts)
        if not off_minor:
            return Refusal("rounded_away")
        gift = [(at, part) for at, part in zip(grant.lines, parts, strict=True) if part]
        return Offer(off_minor, gift)

    def take(self, compiled: Compiled, gift: list[tuple[int, int]]) -> Sequence[int]:
        for position, part in gift:
            self.view.left_minor[position] -= part
            self.room_minor[position] -= part
            self.by_line[position].append(Taken(compiled, part))
        return [position for position, _ in gift]

    def give_up(self, position: int, amount_minor: int) -> None:
        """Lower the discounts of a line, the last one first."""
        taken = self.by_line[position]
        while amount_minor:
            lowered = min(amount_minor, taken[-1].amount_minor)
            taken[-1].amount_minor -= lowered
            amount_minor -= lowered
            if not taken[-1].amount_minor:
                taken.pop()

    def told(self, position: int) -> tuple[LineDiscount, ...]:
        """What each promotion took off a line, in the order of their turns."""
        taken = self.by_line[position]
        if not taken:
            return ()
        return tuple(
            [
                LineDiscount(
                    part.compiled.promotion.id, part.compiled.promotion.name, part.amount_minor
                )
                for part in taken
            ]
        )

    def totals(self) -> dict[int, int]:
        """Kopecks off by promotion, as they stand."""
        found: dict[int, int] = {}
        for taken in self.by_line:
            for part in taken:
                order = part.compiled.order
                found[order] = found.get(order, 0) + part.amount_minor
        return found
