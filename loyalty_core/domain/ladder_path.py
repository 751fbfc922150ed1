"""The path of a member on the ladder: which rank was reached when, kept, and lost (`pricing.md`).

Pure, and the same whatever the order in which the contributions are given.  A rank is the
number of tiers reached; 0 is none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import groupby
from zoneinfo import ZoneInfo

from loyalty_core.domain.tiering import DAYS, LIFETIME, Tiering

TICK = timedelta(microseconds=1)
"""The least that times are told apart by: a step holds from the tick after its `after`."""
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, order=True)
class Contribution:
    """What brought a member forward, and by how much (kopecks, hundredths of points, pieces)."""

    at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Step:
    """The rank from the moment after `after` on."""

    after: datetime
    rank: int

    @property
    def since(self) -> datetime:
        """The first moment at which it holds."""
        return self.after + TICK


@dataclass(frozen=True, slots=True)
class Terms:
    """Thresholds in rising order, and how a programme counts, keeps and takes tiers."""

    thresholds: tuple[int, ...]
    tiering: Tiering
    zone: ZoneInfo

    def rank(self, amount: int) -> int:
        return bisect_right(self.thresholds, amount)

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def before(self, day: date) -> datetime:
        """The last moment before a day."""
        return self.midnight(day) - TICK

    def window_of(self, day: date) -> date | None:
        """The first day of the window that ends with, or holds, a day; None: all days count."""
        if self.tiering.window == LIFETIME:
            return None
        if self.tiering.window == DAYS:
            return day - timedelta(days=(self.tiering.days or 1) - 1)
        months = _MONTHS[self.tiering.window]
        return date(day.year, (day.month - 1) // months * months + 1, 1)

    def window_after(self, day: date) -> date:
        """The first day that is a whole window later; of a calendar: of the next window."""
        if self.tiering.window == DAYS:
            return day + timedelta(days=self.tiering.days or 1)
        start = self.window_of(day)
        assert start is not None
        months = start.year * 12 + start.month - 1 + _MONTHS[self.tiering.window]
        return date(months // 12, months % 12 + 1, 1)

    def later(self, after: datetime, days: int) -> datetime:
        """The last moment before the day that begins so many days after the one at hand does."""
        return self.before(self.day(after + TICK) + timedelta(days=days))


def path_of(terms: Terms, contributions: Iterable[Contribution]) -> tuple[Step, ...]:
    """All steps of a member, past and to come if nothing more is contributed.

    Before the first step the member has the rank of nothing contributed.
    """
    ordered = sorted(contributions)
    tiering = terms.tiering
    if tiering.window == LIFETIME:
        return tuple(_Steps(terms).all(_by_lifetime(terms, ordered)))
    found = _rolling if tiering.window == DAYS else _by_calendar
    reached = _Steps(terms).all(found(terms, ordered))
    if tiering.downgrade == "never":
        return tuple(_Steps(terms).all(_never_lost(terms, reached)))
    kept = _Steps(terms).all(_kept(terms, reached)) if tiering.grace_days else reached
    if tiering.downgrade == "one_step":
        return tuple(_Steps(terms).all(_one_by_one(terms, kept)))
    return tuple(kept)


class _Steps:
    """Gathers steps; one that changes nothing is left out, of two at a moment the later holds."""

    def __init__(self, terms: Terms) -> None:
        self._base = terms.rank(0)

    def all(self, found: Iterable[tuple[datetime, int]]) -> list[Step]:
        steps: list[Step] = []
        for after, rank in found:
            if steps and steps[-1].after == after:
                steps.pop()
            if rank != (steps[-1].rank if steps else self._base):
                steps.append(Step(after, rank))
        return steps


# --- what is reached ------------------------------------------------------------------------


def _by_lifetime(terms: Terms, ordered: Sequence[Contribution]) -> Iterator[tuple[datetime, int]]:
    total = 0
    for one in ordered:
        total += one.amount
        yield one.at, terms.rank(total)


def _rolling(terms: Terms, ordered: Sequence[Contribution]) -> Iterator[tuple[datetime, int]]:
    """A day's sum goes with the midnight at which the day leaves the window."""
    changes = [(one.at, 0, one.amount) for one in ordered]
    for day, own in groupby(ordered, key=lambda one: terms.day(one.at)):
        leaves = terms.before(terms.window_after(day))
        changes.append((leaves, 1, -sum(one.amount for one in own)))
    total = 0
    for after, _, amount in sorted(changes):
        total += amount
        yield after, terms.rank(total)


def _by_calendar(terms: Terms, ordered: Sequence[Contribution]) -> Iterator[tuple[datetime, int]]:
    """What a window reached holds to the end of the next one; more may be reached in that."""
    base = terms.rank(0)
    carried, awaited = base, None
    for start, own in groupby(ordered, key=lambda one: terms.window_of(terms.day(one.at))):
        assert start is not None
        if awaited is not None and awaited != start:
            yield terms.before(terms.window_after(awaited)), base
            carried = base
        total = 0
        for one in own:
            total += one.amount
            yield one.at, max(carried, terms.rank(total))
        carried, awaited = terms.rank(total), terms.window_after(start)
        yield terms.before(awaited), carried
    if awaited is not None:
        yield terms.before(terms.window_after(awaited)), base


# --- what is kept ---------------------------------------------------------------------------


def _never_lost(_: Terms, reached: Sequence[Step]) -> Iterator[tuple[datetime, int]]:
    highest = 0
    for step in reached:
        highest = max(highest, step.rank)
        yield step.after, highest


def _kept(terms: Terms, reached: Sequence[Step]) -> Iterator[tuple[datetime, int]]:
    """Each rank is kept for the days of grace after the midnight at which it was lost."""
    base, grace = terms.rank(0), terms.tiering.grace_days
    spans: list[tuple[datetime, datetime | None, int]] = []
    for step, following in zip(reached, (*reached[1:], None), strict=False):
        end = None if following is None else following.after
        if following is not None and following.rank < step.rank:
            end = terms.later(following.after, grace)
        spans.append((step.after, end, step.rank))
    marks = sorted({span[0] for span in spans} | {span[1] for span in spans if span[1]})
    waiting, held = iter((*spans, None)), list[tuple[int, int, datetime | None]]()
    coming = next(waiting)
    for number, mark in enumerate(marks):
        while coming is not None and coming[0] <= mark:
            heappush(held, (-coming[2], number, coming[1]))
            coming = next(waiting)
        while held and held[0][2] is not None and held[0][2] <= mark:
            heappop(held)
        yield mark, max(base, -held[0][0]) if held else base


def _one_by_one(terms: Terms, kept: Sequence[Step]) -> Iterator[tuple[datetime, int]]:
    """Down one step at a time, the next one no earlier than a window later."""
    rank, free = terms.rank(0), None
    for step, following in zip(kept, (*kept[1:], None), strict=False):
        if step.rank >= rank:
            free = None if step.rank > rank else free
            rank = step.rank
            yield step.after, rank
            continue
        after = step.after if free is None else max(step.after, free)
        while rank > step.rank and (following is None or after < following.after):
            rank -= 1
            yield after, rank
            after = free = _next_fall(terms, after)


def _next_fall(terms: Terms, after: datetime) -> datetime:
    """A window later; falls of a calendar come at its boundaries and the days of grace."""
    day = terms.day(after + TICK)
    if terms.tiering.window == DAYS:
        return terms.before(terms.window_after(day))
    grace = timedelta(days=terms.tiering.grace_days)
    return terms.before(terms.window_after(day - grace) + grace)
