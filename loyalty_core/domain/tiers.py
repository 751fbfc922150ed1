"""The ladder of a programme: which tier a history gives, until when, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty_core.domain.ladder_path import TICK, Contribution, Step, Terms, path_of
from loyalty_core.domain.rules import RuleSet, Tier
from loyalty_core.domain.tiering import DAYS, POINTS, PURCHASES, THIS_RECEIPT, Tiering, threshold_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member stands now, and the steps that come if nothing more is contributed.

    `after`: the step to this rank was taken then; None: it is the one to begin with.
    """

    rank: int
    coming: tuple[Step, ...]
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is shown of a tier.  Amounts in the ladder's measure.

    `until`: when it falls to `then` (None: below all tiers); `keep`: what is missing to keep
    it; `missing`: to the tier above, `above`.
    """

    until: datetime | None = None
    then: Tier | None = None
    keep: int | None = None
    warning: bool = False
    above: Tier | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers of a rule set in rising order, and how they are reached and lost.

    `currency`: whose points count where tiers go by points.
    """

    tiers: tuple[Tier, ...]
    terms: Terms
    currency: str

    @classmethod
    def of(cls, rules: RuleSet, zone: ZoneInfo) -> Ladder:
        thresholds = tuple(threshold_of(tier) for tier in rules.tiers)
        return cls(rules.tiers, Terms(thresholds, rules.tiering, zone), rules.main.code)

    @property
    def tiering(self) -> Tiering:
        return self.terms.tiering

    def amount(self, spent_minor: int, points: int) -> int:
        """What a purchase counts for: kopecks left of its goods, or points left that it earned."""
        if self.tiering.by == POINTS:
            return max(0, points)
        counts = spent_minor > 0
        return int(counts) if self.tiering.by == PURCHASES else max(0, spent_minor)

    @property
    def asks_history(self) -> bool:
        """Whether more decides than a member's spend of all time."""
        return bool(self.tiers) and not self.tiering.by_all_spend

    @property
    def earns_at_once(self) -> bool:
        """Whether the receipt that reaches a tier earns by it (R5)."""
        return bool(self.tiers) and self.tiering.counts == THIS_RECEIPT

    def tier(self, rank: int) -> Tier | None:
        return self.tiers[rank - 1] if rank else None

    def code(self, rank: int) -> str | None:
        return self.tiers[rank - 1].code if rank else None

    def rank_of(self, code: str | None) -> int:
        """0 for a code that the ladder does not have."""
        return next((at for at, tier in enumerate(self.tiers, 1) if tier.code == code), 0)

    def reached(self, amount: int) -> str | None:
        """The code of the highest tier that an amount reaches at once."""
        return self.code(self.terms.rank(amount))

    def place(self, contributions: Collection[Contribution], now: datetime) -> Place:
        """What is contributed at this very moment counts; a fall counts from its moment on."""
        rank, after = self.terms.rank(0), None
        steps = path_of(self.terms, contributions)
        for index, step in enumerate(steps):
            if step.after > now or (step.after == now and step.rank < rank):
                return Place(rank, steps[index:], after)
            rank, after = step.rank, step.after
        return Place(rank, (), after)

    def measured(self, contributions: Collection[Contribution], now: datetime) -> int:
        """What was contributed up to now in the window that holds it."""
        first = self.terms.window_of(self.terms.day(now))
        since = None if first is None else self.terms.midnight(first)
        return sum(
            one.amount
            for one in contributions
            if one.at <= now and (since is None or since <= one.at)
        )

    def measured_before(
        self, contributions: Mapping[int, Contribution], moment: datetime, *, but: int
    ) -> int:
        """What was contributed before that time in the window that holds it, without one purchase;
        `contributions` by the numbers of what brought them."""
        others = [one for no, one in contributions.items() if no != but and one.at < moment]
        return self.measured(others, moment)

    def outlook(
        self, contributions: Collection[Contribution], place: Place, now: datetime
    ) -> Outlook:
        """What a member is told; `place` is that of these contributions now."""
        rank, told = place.rank, Outlook()
        fall = next((step for step in place.coming if step.rank < rank), None)
        if fall is not None:
            told = Outlook(
                until=fall.since,
                then=self.tier(fall.rank),
                keep=max(
                    0, self.terms.thresholds[rank - 1] - self._counted_at(fall, contributions, now)
                ),
                warning=now >= self.warns_at(fall.since),
            )
        if rank == len(self.tiers):
            return told
        missing = max(0, self.terms.thresholds[rank] - self.measured(contributions, now))
        return Outlook(told.until, told.then, told.keep, told.warning, self.tiers[rank], missing)

    def warns_at(self, falls_at: datetime) -> datetime:
        """From when on a member is warned of a fall."""
        return self.terms.later(falls_at - TICK, -self.tiering.warn_days) + TICK

    def _counted_at(
        self, fall: Step, contributions: Collection[Contribution], now: datetime
    ) -> int:
        """What counts already on the day that decides of a fall: what is bought until then
        comes on top."""
        terms = self.terms
        lost = terms.day(fall.since) - timedelta(days=self.tiering.grace_days)
        decides = lost if self.tiering.window == DAYS else lost - timedelta(days=1)
        day = max(decides, terms.day(now))
        first = terms.window_of(day)
        assert first is not None
        since = terms.midnight(first)
        return sum(one.amount for one in contributions if since <= one.at)
