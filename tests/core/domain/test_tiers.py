"""The ladder of tiers: what is reached, until when, and what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.ladder_path import Contribution
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_core.domain.tiers import Ladder

MOSCOW = ZoneInfo("Europe/Moscow")
GOLD = {"code": "gold", "name": "Золото", "spend_from": "50000.00", "earn_percent": "10"}
SILVER = {"code": "silver", "name": "Серебро", "spend_from": "10000.00", "earn_percent": "7"}


def ladder_of(*tiers: dict[str, Any], **tiering: Any) -> Ladder:
    document = default_rules() | {"tiers": list(tiers), "tiering": tiering}
    return Ladder.of(parse_rules(document), MOSCOW)


LADDER = ladder_of(GOLD, SILVER)


def test_the_ladder_ascends_whatever_the_document_says():
    assert [tier.code for tier in LADDER.tiers] == ["silver", "gold"]


@pytest.mark.parametrize(
    ("spent", "tier", "following", "missing"),
    [
        pytest.param(0, None, "silver", 10_000_00, id="nothing spent"),
        pytest.param(9_999_99, None, "silver", 1, id="a kopeck short"),
        pytest.param(10_000_00, "silver", "gold", 40_000_00, id="on the threshold"),
        pytest.param(50_000_00, "gold", None, 0, id="at the top"),
    ],
)
def test_tier_by_spend(spent, tier, following, missing):
    bought = [Contribution(at("2026-01-10"), spent)]
    told = LADDER.outlook(bought, LADDER.place(bought, at("2026-03-01")), at("2026-03-01"))

    assert LADDER.reached(spent) == tier
    assert (told.above.code if told.above else None) == following
    assert told.missing == missing


def test_a_first_tier_from_nothing_belongs_to_everybody():
    assert ladder_of({"code": "start", "name": "Старт", "spend_from": 0}).reached(0) == "start"


def test_no_tiers():
    assert ladder_of().reached(10**9) is None


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=MOSCOW).astimezone(UTC)


@pytest.mark.parametrize(
    ("tiering", "now", "until", "keep"),
    [
        pytest.param(
            {"window": "days", "days": 30},
            "2026-01-25",
            "2026-02-09",
            4_000_00,
            id="on 9 February the 6000 of 20 January still count",
        ),
        pytest.param(
            {"window": "days", "days": 30, "grace_days": 5},
            "2026-02-10",
            "2026-02-14",
            4_000_00,
            id="within the grace: by what counts today",
        ),
        pytest.param(
            {"window": "month"},
            "2026-01-25",
            "2026-03-01",
            10_000_00,
            id="reached in January: all of February decides",
        ),
        pytest.param(
            {"window": "month"}, "2026-02-25", "2026-03-01", 10_000_00, id="nothing in February"
        ),
    ],
)
def test_until_when_and_what_keeps_it(tiering, now, until, keep):
    """7000 on 10 January, 6000 on the 20th, silver from 10000."""
    ladder = ladder_of(SILVER, **tiering)
    bought = [
        Contribution(at("2026-01-10"), 7_000_00),
        Contribution(at("2026-01-20"), 6_000_00),
    ]
    told = ladder.outlook(bought, ladder.place(bought, at(now)), at(now))

    assert told.until is not None
    assert told.until.astimezone(MOSCOW).isoformat()[:16] == f"{until}T00:00"
    assert (told.then, told.keep) == (None, keep)


def test_what_is_missing_to_the_next_tier_is_counted_in_the_window():
    ladder = ladder_of(SILVER, GOLD, window="days", days=30)
    bought = [
        Contribution(at("2026-01-10"), 7_000_00),
        Contribution(at("2026-01-20"), 6_000_00),
    ]
    now = at("2026-02-10")
    told = ladder.outlook(bought, ladder.place(bought, now), now)

    assert told.above is not None
    assert (told.above.code, told.missing) == ("silver", 4_000_00)


def test_the_warning_begins_so_many_days_before_the_midnight_of_the_fall():
    ladder = ladder_of(SILVER, window="month", warn_days=3)
    bought = [Contribution(at("2026-01-10"), 10_000_00)]
    begins = datetime(2026, 2, 26, tzinfo=MOSCOW).astimezone(UTC)
    warned = [
        ladder.outlook(bought, ladder.place(bought, now), now).warning
        for now in (begins - timedelta(microseconds=1), begins)
    ]

    assert warned == [False, True]


@pytest.mark.parametrize(
    ("tiers", "tiering", "path"),
    [
        pytest.param([SILVER], {"by": "points"}, "tiers.0.points_from", id="no points_from"),
        pytest.param([SILVER], {"by": "points"}, "tiers.0.spend_from", id="a spend by points"),
        pytest.param(
            [{"code": "a", "name": "A", "count_from": 1}], {}, "tiers.0.count_from", id="a count"
        ),
        pytest.param([{"code": "a", "name": "A"}], {}, "tiers.0.spend_from", id="no threshold"),
        pytest.param([], {"window": "days"}, "tiering.days", id="no days"),
        pytest.param([], {"window": "month", "days": 5}, "tiering.days", id="days of a month"),
        pytest.param([], {"by": "actions"}, "tiering.actions", id="no actions"),
        pytest.param([], {"actions": ["visit"]}, "tiering.actions", id="actions of spend"),
        pytest.param(
            [], {"by": "points", "counts": "this_receipt"}, "tiering.counts", id="R5 by points"
        ),
        pytest.param([], {"by": "luck"}, "tiering.by", id="unknown measure"),
    ],
)
def test_what_a_document_must_not_say(tiers, tiering, path):
    with pytest.raises(RulesInvalid) as refused:
        parse_rules(default_rules() | {"tiers": tiers, "tiering": tiering})

    assert path in refused.value.errors
