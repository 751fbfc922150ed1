"""Conditions on members: SQL says of every row what the closures say of the person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from loyalty_core.domain.clubs import Span
from loyalty_core.domain.conditions.fields import FIELDS, SEGMENT
from loyalty_core.domain.conditions.meet import compile_tree
from loyalty_core.domain.conditions.scene import Place, Scene
from loyalty_core.domain.conditions.segments import Segment, segments_of
from loyalty_core.domain.conditions.tree import read_tree
from loyalty_core.domain.pricing.declare import Misfit
from loyalty_core.domain.pricing.rule_type import View
from loyalty_core.domain.rewards import RewardForm, Rewards
from loyalty_core.store.clubs import clubs_at, write_clubs
from loyalty_core.store.conditions import MEMBER_FIELDS, AskedAt, members_where
from loyalty_core.store.database import read, write
from loyalty_core.store.members import person_of
from loyalty_core.store.tables import members
from tests.support.conditions import trees
from tests.support.databases import EVERY_ENGINE

MOSCOW = ZoneInfo("Europe/Moscow")
NEW_YORK = ZoneInfo("America/New_York")
PEOPLE = 150
DAY = timedelta(days=1)
Tree = dict[str, Any]
REWARDS = Rewards((RewardForm("Tea", "Чай"), RewardForm("2", "Два")), "tea")
SEGMENT_CODES = ("tea", "тверь", "female", "silver", "2", "true", "%_'\"\\")
"""All that random trees name, as they are compared."""
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
TIMES = st.sampled_from(
    [
        datetime(2026, 3, 14, 12, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
        datetime(2028, 2, 29, 3, 30, tzinfo=UTC),
        datetime(2026, 12, 31, 21, 0, tzinfo=UTC),
        datetime(2026, 3, 8, 7, 0, tzinfo=UTC),
    ]
)


def somebody(chance: Random, number: int) -> dict[str, Any]:
    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.8 else None

    attributes = {
        "dogs": chance.choice([2, "2", True, None, 2.5, [1], "tea", -3]),
        "vip": chance.choice([True, False, "true"]),
        "любимый чай": chance.choice(["tea", "Тверь", "%_'\"\\"]),
        "list": [1, 2],
    }
    born = date(1950, 1, 1) + DAY * chance.randrange(25_000)
    if chance.random() < 0.1:
        born = date(1992, 2, 29)
    joined = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(600_000))
    return {
        "id": 158_544_691_201_637_175 + number * chance.randrange(1, 10**9),
        "programme_id": 1,
        "state": "active",
        "gender": maybe(chance.choice(["female", "male", "Female"])),
        "city": maybe(chance.choice(["Тверь", "тверь", "tea", "%_'\"\\"])),
        "birth_date": maybe(born.isoformat()),
        "attributes": {name: one for name, one in attributes.items() if chance.random() < 0.8},
        "consents": {},
        "tier": maybe(chance.choice(["silver", "tea"])),
        "spent_minor": chance.randrange(200_000),
        "purchase_count": chance.randrange(120),
        "last_purchase_at": maybe(joined + timedelta(minutes=chance.randrange(300_000))),
        "created_at": joined,
        "reward": maybe(chance.choice(["tea", "2", "gone"])),
    }


def some_clubs(chance: Random) -> list[Span]:
    """Ended, running to the very moment asked about, without end, or still to come."""
    starts = datetime(2026, 2, 1, tzinfo=UTC)
    ends = [None, starts + DAY, datetime(2026, 3, 14, 12, tzinfo=UTC), starts + 600 * DAY]
    codes = chance.sample(SEGMENT_CODES, chance.randrange(4))
    return [Span(code, starts, chance.choice(ends), "shop") for code in codes]


@pytest.mark.parametrize("engine", EVERY_ENGINE, indirect=True)
def test_closures_and_sql_agree(engine: Engine):
    chance = Random(4)
    with write(engine) as connection:
        connection.execute(insert(members), [somebody(chance, no) for no in range(PEOPLE)])
    with read(engine) as connection:
        rows = connection.execute(select(members)).mappings().all()
    ids = [row["id"] for row in rows]
    found = {one: some_clubs(chance) for one in ids}
    with write(engine) as connection:
        write_clubs(connection, dict.fromkeys(ids, ()), found)
    fields = [FIELDS[name] for name in sorted(MEMBER_FIELDS)]
    plain = [field for field in fields if field.name != SEGMENT]

    @EXAMPLES
    @given(
        tree=trees(fields),
        named=st.fixed_dictionaries({code: trees(plain) for code in SEGMENT_CODES}),
        now=TIMES,
        zone=st.sampled_from([MOSCOW, NEW_YORK]),
    )
    def agree(tree: Tree, named: dict[str, Tree], now: datetime, zone: ZoneInfo) -> None:
        node = read_tree(tree)
        segments = segments_of(
            tuple(Segment(code, code, read_tree(one)) for code, one in named.items())
        )
        seen = {code: compile_tree(one) for code, one in segments.items()}
        meet = compile_tree(node, "salt")
        place = Place(zone=zone)
        view = View((), [], [])
        people = [
            (row["tier"], replace(person_of(row), clubs=clubs_at(found[row["id"]], now)))
            for row in rows
        ]
        expected = {
            person.id
            for tier, person in people
            if meet(
                Scene(
                    view,
                    now,
                    place,
                    known=True,
                    tier=tier,
                    person=person,
                    calendars={},
                    segments=seen,
                    rewards=REWARDS,
                )
            )
            is None
        }
        asked = AskedAt(now, zone, engine.dialect.name, segments, REWARDS)
        condition = members_where(node, asked, "salt")
        with read(engine) as connection:
            told = set(connection.scalars(select(members.c.id).where(condition)))
            others = set(connection.scalars(select(members.c.id).where(~condition)))
        assert told == expected
        assert len(told) + len(others) == PEOPLE

    agree()


def test_what_is_not_about_members_is_named_by_its_node():
    tree = {
        "all": [
            {"field": "member.age", "is": "is_known"},
            {"not": {"field": "basket.amount", "is": "at_least", "value": "1.00"}},
            {"field": "time.weekday", "is": "is", "value": 1},
        ]
    }

    with pytest.raises(Misfit) as refused:
        members_where(read_tree(tree), AskedAt(datetime(2026, 3, 14, tzinfo=UTC), MOSCOW, "sqlite"))

    assert refused.value.errors == {
        "all.1.not.field": ["is not about members"],
        "all.2.field": ["is not about members"],
    }
