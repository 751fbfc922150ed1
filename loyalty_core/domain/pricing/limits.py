"""Limits of promotions: how often, for how much money or how many points, for whom and how long.

A limit is counted by what a promotion really did: an `Effect`.  Counting exactly, under lock, is
the service's; here is what a limit says, and what it leaves of a grant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from fractions import Fraction

from loyalty_core.domain.pricing.declare import (
    Kind,
    Misfit,
    choice,
    decimal,
    record,
    told_decimal,
    word,
)
from loyalty_core.domain.pricing.rule_type import Grant, Off, Refusal, Stage, View
from loyalty_core.domain.receipt import WHOLE, points_back
from loyalty_kit.frozen import frozen
from loyalty_kit.money import prorate

LimitName = tuple[str, str, str, str]
"""Promotion, per, period, of: what is counted together for one shop or member."""

ONCE = 100
"""A use, in the hundredths in which documents are read."""

_COUNTED_AT = {"money": Stage.DISCOUNT, "points": Stage.EARN}


@frozen
class Limit:
    """`most` in whole uses, kopecks or hundredths of a point, as `of` says."""

    per: str = field(
        metadata=word(
            "per", choice("promotion", "shop", "member"), en="Counted for", ru="На кого лимит"
        )
    )
    period: str = field(
        metadata=word(
            "period",
            choice("ever", "day", "week", "month", "year"),
            en="Counted over",
            ru="За какой срок",
        )
    )
    of: str = field(
        metadata=word(
            "of", choice("uses", "money", "points"), en="What is counted", ru="Что считать"
        )
    )
    most: int = field(metadata=word("most", decimal(least=1), en="No more than", ru="Не больше"))

    def name(self, promotion: str) -> LimitName:
        return (promotion, self.per, self.period, self.of)


_RECORD = record(Limit)


def _read_limit(value: object) -> Limit:
    limit = _RECORD.read(value)
    if limit.of != "uses":
        return limit
    if limit.most % ONCE:
        raise Misfit({"most": ["must be a whole number of uses"]})
    return replace(limit, most=limit.most // ONCE)


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "uses": "uses",
        "money": "money off",
        "points": "points",
        "promotion": "for everybody",
        "shop": "for each shop",
        "member": "for each member",
        "ever": "for ever",
        "day": "in a day",
        "week": "in a week",
        "month": "in a month",
        "year": "in a year",
    },
    "ru": {
        "uses": "применений",
        "money": "скидок на сумму",
        "points": "баллов",
        "promotion": "на всех",
        "shop": "на магазин",
        "member": "на участника",
        "ever": "за всё время",
        "day": "за день",
        "week": "за неделю",
        "month": "за месяц",
        "year": "за год",
    },
}


def _tell(limit: Limit, locale: str) -> str:
    """`uses: 1 for everybody in a day`."""
    words = _WORDS[locale]
    most = str(limit.most) if limit.of == "uses" else told_decimal(limit.most, locale)
    return f"{words[limit.of]}: {most} {words[limit.per]} {words[limit.period]}"


LIMIT: Kind[Limit] = Kind(_read_limit, _RECORD.schema, _tell, Limit)


def check_limits(limits: Sequence[Limit], stage: Stage) -> None:
    """Raises: Misfit, where two count the same, or count what the rule type never gives."""
    errors: dict[str, list[str]] = {}
    if limits and stage in (Stage.BAR, Stage.ACCESS):
        errors["limits"] = ["this type gives nothing that could be counted"]
    for index, limit in enumerate(limits):
        at = _COUNTED_AT.get(limit.of, stage)
        if at is not stage:
            errors[f"limits.{index}.of"] = [f"this type gives no {limit.of}"]
        elif limit.name("") in [other.name("") for other in limits[:index]]:
            errors[f"limits.{index}"] = ["must not repeat"]
    if errors:
        raise Misfit(errors)


def within(
    promotion: str,
    limits: Sequence[Limit],
    evaluate: Callable[[View], Grant | Refusal],
    view: View,
) -> Grant | Refusal:
    """What a promotion gives as far as its limits go.

    Used up, it is refused; a sum of money is cut to what is left.  Points are known only when
    the receipt is rounded: there `cut_points` cuts them.
    """
    for limit in limits:
        if limit.per == "member" and not view.known:
            return Refusal("member_required")
        if not _left(promotion, limit, view):
            facts = {"per": limit.per, "period": limit.period, "of": limit.of, "left": "0"}
            return Refusal("limit_reached", facts)
    grant = evaluate(view)
    if isinstance(grant, Off):
        left = _least(promotion, limits, "money", view)
        if left is not None and left < grant.total_minor:
            return replace(grant, total_minor=left)
    return grant


def cut_points(
    promotion: str, limits: Sequence[Limit], parts: Sequence[int], view: View
) -> list[int]:
    """The promotion's points by line, no more together than its limits leave."""
    left = _least(promotion, limits, "points", view)
    if left is None or sum(parts) <= left:
        return list(parts)
    return prorate(left, parts)


def _least(promotion: str, limits: Sequence[Limit], of: str, view: View) -> int | None:
    return min((_left(promotion, limit, view) for limit in limits if limit.of == of), default=None)


def _left(promotion: str, limit: Limit, view: View) -> int:
    return max(0, limit.most - view.used.get(limit.name(promotion), 0))


# --- what was really given -------------------------------------------------------------------


@frozen
class Effect:
    """What a promotion did to the lines of a receipt; `by_line` holds only what is not 0.

    `of`: "money" off, "points" earned, "spend": money that points paid under its share, or
    "given": a gift or benefit, which is there as long as any line of the receipt is.
    """

    promotion: str
    of: str
    by_line: tuple[tuple[str, int], ...]

    def left(self, share: Mapping[str, Fraction]) -> int:
        """What stands of it when such shares of the lines came back."""
        if self.of == "given":
            return int(any(share.get(name, 0) < WHOLE for name, _ in self.by_line))
        by_line = dict(self.by_line)
        return sum(by_line.values()) - points_back(by_line, share)


def uses_of(limits: Sequence[Limit], amount: int) -> Iterator[tuple[Limit, int]]:
    """What an effect of this amount consumes of each limit: one use, or its amount."""
    if amount:
        for limit in limits:
            yield limit, 1 if limit.of == "uses" else amount


def gathered(parts: Sequence[tuple[str, str, str, int]]) -> tuple[Effect, ...]:
    """Effects of parts, each of a promotion, of a kind, on a line."""
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for promotion, of, line, amount in parts:
        if amount:
            found.setdefault((promotion, of), []).append((line, amount))
    return tuple(Effect(*key, tuple(by_line)) for key, by_line in found.items())


Used = Mapping[LimitName, int]
"""What others have consumed of the limits of some promotions, for one buyer in one shop."""
