"""How members climb the ladder of tiers and fall from it: words of the rules document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loyalty_core.domain.pricing.declare import choice, many, optional, text, whole, word

if TYPE_CHECKING:
    from loyalty_core.domain.rules import Tier

SPENT, POINTS, PURCHASES, ACTIONS = "spent", "points", "purchases", "actions"
LIFETIME, DAYS = "lifetime", "days"
NEXT_RECEIPT, THIS_RECEIPT = "next_receipt", "this_receipt"
THRESHOLDS = {
    SPENT: "spend_from",
    POINTS: "points_from",
    PURCHASES: "count_from",
    ACTIONS: "count_from",
}
"""The word of a tier's threshold, by what the ladder counts."""
_SLOTS = {
    "spend_from": "spend_from_minor",
    "points_from": "points_from",
    "count_from": "count_from",
}


@dataclass(frozen=True, slots=True)
class Tiering:
    """`docs/pricing.md`, "Tiers", tells what each setting does to a member's tier."""

    by: str = field(
        default=SPENT,
        metadata=word("by", choice(*THRESHOLDS), en="Tiers by", ru="Уровни по"),
    )
    actions: tuple[str, ...] = field(
        default=(),
        metadata=word(
            "actions",
            many(text(longest=64, pattern="[a-z][a-z0-9_.-]*"), most=100),
            en="Actions that count",
            ru="Какие действия считать",
        ),
    )
    window: str = field(
        default=LIFETIME,
        metadata=word(
            "window",
            choice(LIFETIME, DAYS, "month", "quarter", "year"),
            en="Counted over",
            ru="За какой срок",
        ),
    )
    days: int | None = field(
        default=None,
        metadata=word(
            "days",
            optional(whole(least=1, most=3_660)),
            en="Days of the rolling window",
            ru="Дней скользящего окна",
        ),
    )
    grace_days: int = field(
        default=0,
        metadata=word(
            "grace_days",
            whole(least=0, most=3_660),
            en="Days a tier is kept when it is no longer reached",
            ru="Дней отсрочки понижения",
        ),
    )
    downgrade: str = field(
        default="reached",
        metadata=word(
            "downgrade",
            choice("reached", "one_step", "never"),
            en="How members fall",
            ru="Понижение уровня",
        ),
    )
    warn_days: int = field(
        default=14,
        metadata=word(
            "warn_days",
            whole(least=0, most=366),
            en="Days of warning before a fall",
            ru="Предупреждать о понижении за, дней",
        ),
    )
    counts: str = field(
        default=NEXT_RECEIPT,
        metadata=word(
            "counts",
            choice(NEXT_RECEIPT, THIS_RECEIPT),
            en="A new tier earns from",
            ru="Новый уровень начисляет",
        ),
    )

    @property
    def by_all_spend(self) -> bool:
        """What a member's row knows by itself decides; no receipt is asked."""
        return (self.by, self.window, self.counts) == (SPENT, LIFETIME, NEXT_RECEIPT)


def oddities(tiering: Tiering, tiers: tuple[Tier, ...]) -> dict[str, list[str]]:
    """What does not fit together, by path in the document."""
    errors = dict(_own_oddities(tiering))
    wanted = THRESHOLDS[tiering.by]
    for index, tier in enumerate(tiers):
        for name, slot in _SLOTS.items():
            given = getattr(tier, slot) is not None
            if name == wanted and not given:
                errors[f"tiers.{index}.{name}"] = [f"is required where tiers go by {tiering.by}"]
            elif given and name != wanted:
                errors[f"tiers.{index}.{name}"] = [f"does not fit tiers that go by {tiering.by}"]
    return errors


def threshold_of(tier: Tier) -> int:
    """From how much on the tier is reached: kopecks, hundredths of points, or a number."""
    said = (tier.spend_from_minor, tier.points_from, tier.count_from)
    return next((value for value in said if value is not None), 0)


def _own_oddities(tiering: Tiering) -> Iterator[tuple[str, list[str]]]:
    if tiering.window == DAYS and tiering.days is None:
        yield "tiering.days", ["is required where the window is days"]
    if tiering.window != DAYS and tiering.days is not None:
        yield "tiering.days", ["fits the window days alone"]
    if tiering.by == ACTIONS and not tiering.actions:
        yield "tiering.actions", ["is required where tiers go by actions"]
    if tiering.by != ACTIONS and tiering.actions:
        yield "tiering.actions", ["fits tiers by actions alone"]
    if tiering.counts == THIS_RECEIPT and tiering.by not in (SPENT, PURCHASES):
        yield "tiering.counts", ["this_receipt fits tiers by spent or purchases alone"]
