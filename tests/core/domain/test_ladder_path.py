"""The path on the ladder, against a reference that goes day by day and knows no shortcut."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.ladder_path import TICK, Contribution, Terms, path_of
from loyalty_core.domain.tiering import Tiering

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
BEGIN = date(2026, 1, 1)


# --- the reference --------------------------------------------------------------------------


def quarter_or_so(day: date, window: str) -> tuple[int, int]:
    """A name for the calendar window that a day is in: they follow one another by number."""
    size = {"month": 1, "quarter": 3, "year": 12}[window]
    return size, (day.year * 12 + day.month - 1) // size


class Slow:
    """Walks through days; every question is answered by looking at all contributions again."""

    def __init__(self, terms: Terms, given: list[Contribution]) -> None:
        self.terms, self.given = terms, given

    def sum_of(self, at: datetime, counts: Any) -> int:
        return sum(
            one.amount
            for one in self.given
            if one.at <= at and counts(one.at.astimezone(self.terms.zone).date())
        )

    def reached(self, at: datetime) -> int:
        today, tiering = at.astimezone(self.terms.zone).date(), self.terms.tiering
        if tiering.window == "lifetime":
            return self.rank(self.sum_of(at, lambda _: True))
        if tiering.window == "days":
            return self.rank(self.sum_of(at, lambda day: 0 <= (today - day).days < tiering.days))
        _, number = quarter_or_so(today, tiering.window)
        return max(self.of_window(at, number), self.of_window(at, number - 1))

    def of_window(self, at: datetime, number: int) -> int:
        window = self.terms.tiering.window
        return self.rank(self.sum_of(at, lambda day: quarter_or_so(day, window)[1] == number))

    def rank(self, amount: int) -> int:
        return sum(1 for threshold in self.terms.thresholds if amount >= threshold)

    def walk(self, days: int) -> list[tuple[datetime, int]]:
        """The rank from each moment on at which anything could change."""
        tiering, zone = self.terms.tiering, self.terms.zone
        found, best_of_day = [], dict[date, int]()
        rank, free = self.rank(0), date.min
        for number in range(days):
            day = BEGIN + timedelta(days=number)
            moments = [datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)]
            moments += sorted(one.at for one in self.given if one.at.astimezone(zone).date() == day)
            for place, at in enumerate(moments):
                reached = self.seen(at, place)
                best_of_day[day] = max(best_of_day.get(day, 0), reached)
                kept = max(
                    (
                        best
                        for then, best in best_of_day.items()
                        if tiering.downgrade == "never" or (day - then).days <= tiering.grace_days
                    ),
                    default=reached,
                )
                if tiering.window == "lifetime":
                    kept = reached
                if kept > rank:
                    free = date.min
                if tiering.downgrade != "one_step" or kept >= rank:
                    rank = kept
                elif not place and day >= free:
                    rank, free = rank - 1, self.next_free(day)
                found.append((at, rank))
        return found

    def seen(self, at: datetime, place: int) -> int:
        """At the day's first moment nothing of the day counts yet."""
        if place:
            return self.reached(at)
        rest = Slow(self.terms, [one for one in self.given if one.at < at])
        return rest.reached(at)

    def next_free(self, day: date) -> date:
        tiering = self.terms.tiering
        if tiering.window == "days":
            return day + timedelta(days=tiering.days or 0)
        turn = day - timedelta(days=tiering.grace_days)
        size, number = quarter_or_so(turn, tiering.window)
        months = (number + 1) * size
        return date(months // 12, months % 12 + 1, 1) + timedelta(days=tiering.grace_days)


# --- properties -----------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[Terms, list[Contribution]]:
    window = draw(st.sampled_from(["lifetime", "days", "days", "month", "quarter"]))
    tiering = Tiering(
        window=window,
        days=draw(st.integers(1, 20)) if window == "days" else None,
        grace_days=draw(st.sampled_from([0, 0, 1, 5, 40])),
        downgrade=draw(st.sampled_from(["reached", "one_step", "never"])),
    )
    thresholds = sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=4)))
    terms = Terms(tuple(thresholds), tiering, draw(st.sampled_from([MOSCOW, BERLIN])))
    start = datetime(BEGIN.year, BEGIN.month, BEGIN.day, tzinfo=terms.zone).astimezone(UTC)
    minutes = st.one_of(st.integers(0, 120 * 1440), st.integers(0, 119).map(lambda day: day * 1440))
    given = draw(
        st.lists(
            st.builds(
                lambda minute, amount: Contribution(start + timedelta(minutes=minute), amount),
                minutes,
                st.integers(1, 6),
            ),
            max_size=12,
        )
    )
    return terms, given


def rank_after(terms: Terms, given: list[Contribution], moment: datetime) -> int:
    """What holds just after a moment."""
    rank = terms.rank(0)
    for step in path_of(terms, given):
        if step.after <= moment:
            rank = step.rank
    return rank


@given(cases())
def test_the_path_is_what_walking_day_by_day_finds(case):
    terms, contributions = case
    path = path_of(terms, contributions)

    rank, at = terms.rank(0), 0
    steps = [(step.after, step.rank) for step in path]
    walked = Slow(terms, contributions).walk(600)
    for index, (moment, expected) in enumerate(walked):
        begins_day = (
            not index
            or walked[index - 1][0].astimezone(terms.zone).date()
            != moment.astimezone(terms.zone).date()
        )
        while at < len(steps) and steps[at][0] <= (moment - TICK if begins_day else moment):
            rank, at = steps[at][1], at + 1
        assert rank == expected, moment


@given(cases(), st.randoms())
def test_the_order_of_arrival_means_nothing(case, random):
    terms, contributions = case
    mixed = list(contributions)
    random.shuffle(mixed)

    assert path_of(terms, mixed) == path_of(terms, contributions)


@given(cases())
def test_steps_rise_in_time_and_each_changes_something(case):
    terms, contributions = case
    ranks = [terms.rank(0)]
    path = path_of(terms, contributions)

    assert [step.after for step in path] == sorted({step.after for step in path})
    for step in path:
        assert step.rank != ranks[-1]
        ranks.append(step.rank)


@given(cases())
def test_whoever_has_nothing_has_the_lowest_tier(case):
    assert path_of(case[0], []) == ()


# --- by hand --------------------------------------------------------------------------------


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW).astimezone(UTC)


def told(bought: str, **tiering: Any) -> list[str]:
    """The path of "day amount, day amount" at noon, tiers from 10 and 30, read in Moscow."""
    terms = Terms((10, 30), Tiering(**tiering), MOSCOW)
    given = []
    for part in bought.split(","):
        day, amount = part.split()
        given.append(Contribution(moscow(f"2026-{day}T12:00"), int(amount)))
    return [
        f"{step.since.astimezone(MOSCOW).replace(microsecond=0):%m-%d %H:%M} {step.rank}"
        for step in path_of(terms, given)
    ]


@pytest.mark.parametrize(
    ("bought", "tiering", "path"),
    [
        pytest.param(
            "01-10 10, 03-01 20",
            {"window": "lifetime"},
            ["01-10 12:00 1", "03-01 12:00 2"],
            id="lifetime: nothing is lost by time",
        ),
        pytest.param(
            "01-10 10",
            {"window": "days", "days": 30},
            ["01-10 12:00 1", "02-09 00:00 0"],
            id="30 days with that of the purchase: 10 January to 8 February",
        ),
        pytest.param(
            "01-10 10, 01-20 20",
            {"window": "days", "days": 30},
            ["01-10 12:00 1", "01-20 12:00 2", "02-09 00:00 1", "02-19 00:00 0"],
            id="two falls, each when its purchase leaves",
        ),
        pytest.param(
            "01-10 10",
            {"window": "days", "days": 30, "grace_days": 5},
            ["01-10 12:00 1", "02-14 00:00 0"],
            id="grace begins where the tier was lost",
        ),
        pytest.param(
            "01-10 10, 02-11 10",
            {"window": "days", "days": 30, "grace_days": 5},
            ["01-10 12:00 1", "03-18 00:00 0"],
            id="reached again within the grace: 13 March and five days",
        ),
        pytest.param(
            "01-10 10, 01-10 20",
            {"window": "days", "days": 30, "downgrade": "one_step"},
            ["01-10 12:00 2", "02-09 00:00 1", "03-11 00:00 0"],
            id="one step, the next a window later",
        ),
        pytest.param(
            "01-10 30",
            {"window": "days", "days": 30, "downgrade": "never"},
            ["01-10 12:00 2"],
            id="never lost by time",
        ),
        pytest.param(
            "01-10 30",
            {"window": "month"},
            ["01-10 12:00 2", "03-01 00:00 0"],
            id="a month: reached in January, kept to the end of February",
        ),
        pytest.param(
            "01-10 30, 02-20 10",
            {"window": "month"},
            ["01-10 12:00 2", "03-01 00:00 1", "04-01 00:00 0"],
            id="February reached less, which holds in March",
        ),
        pytest.param(
            "01-10 30, 03-04 30",
            {"window": "month", "grace_days": 7},
            ["01-10 12:00 2", "05-08 00:00 0"],
            id="March reaches it within the grace of February",
        ),
        pytest.param(
            "01-10 30",
            {"window": "month", "grace_days": 7, "downgrade": "one_step"},
            ["01-10 12:00 2", "03-08 00:00 1", "04-08 00:00 0"],
            id="one step at each boundary and the grace",
        ),
        pytest.param(
            "02-10 10, 02-20 20",
            {"window": "quarter"},
            ["02-10 12:00 1", "02-20 12:00 2", "07-01 00:00 0"],
            id="a quarter",
        ),
    ],
)
def test_paths_by_hand(bought, tiering, path):
    assert told(bought, **tiering) == path


def test_a_year_is_the_calendars():
    terms = Terms((10,), Tiering(window="year"), MOSCOW)
    path = path_of(terms, [Contribution(moscow("2026-12-31T23:59"), 10)])

    assert [step.since for step in path][1:] == [moscow("2028-01-01T00:00")]


def test_a_fall_holds_from_midnight_itself_and_a_rise_from_after_its_purchase():
    terms = Terms((10,), Tiering(window="days", days=1), MOSCOW)
    bought = moscow("2026-01-10T12:00")
    given = [Contribution(bought, 10)]

    assert rank_after(terms, given, bought - TICK) == 0
    assert rank_after(terms, given, bought) == 1
    assert rank_after(terms, given, moscow("2026-01-11T00:00") - 2 * TICK) == 1
    assert rank_after(terms, given, moscow("2026-01-11T00:00") - TICK) == 0
