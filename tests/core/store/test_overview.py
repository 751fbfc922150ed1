"""Figures of a day: what counts in them, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, text, update

from loyalty_core.service.upkeep import count_members
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import first_id_at
from loyalty_core.store.odd_receipts import flagged
from loyalty_core.store.overview import DayRow, member_count, stretch
from loyalty_core.store.tables import members, programmes, purchase_lines, purchases
from tests.support.heard import Said, explained, heard_by_postgres

MIDNIGHT = datetime(2026, 3, 14, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def add(connection: Connection, number: int, at: datetime, came: datetime, **more: object) -> None:
    """A receipt of 100.00, 20.00 of it paid with points, which earned 4."""
    row = {
        "id": first_id_at(came) + number,
        "programme_id": 1,
        "source": "till",
        "external_id": str(number),
        "revision": 1,
        "content_hash": "",
        "status": "paid",
        "shop_id": 1,
        "occurred_at": at,
        "received_at": came,
        "paid_minor": 80_00,
        "spend_minor": 20_00,
        "document": {},
        "booking": {},
        "flags": [],
        **more,
    }
    connection.execute(insert(purchases).values(**row))
    line = {"purchase_id": row["id"], "id": "1", "kind": "goods", "quantity_milli": 1000}
    connection.execute(insert(purchase_lines).values(**line, earned_points=4_00))


def test_a_stretch_counts_what_was_paid_in_it_and_came_within_a_day(sqlite_engine: Engine):
    begin, end = MIDNIGHT, MIDNIGHT + 12 * HOUR
    with write(sqlite_engine) as connection:
        add(connection, 1, begin, begin, member_id=7)
        add(connection, 2, end, end + 20 * HOUR)
        add(connection, 3, begin - HOUR, begin)
        add(connection, 4, end + HOUR, end + HOUR)
        add(connection, 5, begin, end + 2 * DAY)
        add(connection, 6, begin, begin, status="cancelled")
        add(connection, 7, begin, begin, linked_to=1)
        add(connection, 8, begin, begin, programme_id=2)

    with read(sqlite_engine) as connection:
        a_week_later = stretch(connection, 1, begin, end, MIDNIGHT + 7 * DAY)
        nothing = stretch(connection, 1, begin - 7 * DAY, end - 7 * DAY, end)
    assert a_week_later == DayRow(2, 1, 160_00, 40_00, 8_00, 0)
    assert nothing == DayRow(0, 0, 0, 0, 0, 0)


def test_what_a_receipt_earned_is_read_of_it_and_of_old_ones_from_their_lines(
    sqlite_engine: Engine,
):
    with write(sqlite_engine) as connection:
        add(connection, 1, MIDNIGHT, MIDNIGHT, earned_points=7_00)
        add(connection, 2, MIDNIGHT, MIDNIGHT, earned_points=None)
    with read(sqlite_engine) as connection:
        assert stretch(connection, 1, MIDNIGHT, MIDNIGHT + HOUR, MIDNIGHT).earned_points == 11_00


def join(connection: Connection, number: int, at: datetime, programme_id: int = 1) -> int:
    found = connection.execute(
        insert(members).values(
            id=first_id_at(at) + number,
            programme_id=programme_id,
            state="active",
            attributes={},
            consents={},
            created_at=at,
        )
    ).inserted_primary_key
    assert found is not None
    return int(found[0])


def count_in_turns(engine: Engine, now: datetime) -> int:
    """How many programmes were counted, one in a transaction."""
    turns = 0
    while True:
        with write(engine) as connection:
            if not count_members(connection, now=now):
                return turns
        turns += 1


@pytest.fixture
def two_programmes(sqlite_engine: Engine) -> Engine:
    with write(sqlite_engine) as connection:
        for number in (1, 2):
            connection.execute(
                insert(programmes).values(
                    id=number,
                    code=f"p{number}",
                    name="",
                    currency="RUB",
                    timezone="Europe/Moscow",
                    rules_version=1,
                    created_at=MIDNIGHT,
                )
            )
        join(connection, 9, MIDNIGHT, programme_id=2)
    return sqlite_engine


def test_members_are_counted_once_a_day_and_the_figure_is_true_at_any_moment(
    two_programmes: Engine,
):
    engine = two_programmes

    def told() -> list[int]:
        with read(engine) as connection:
            return [member_count(connection, number) for number in (1, 2)]

    with write(engine) as connection:
        old, other = join(connection, 1, MIDNIGHT), join(connection, 2, MIDNIGHT)
        join(connection, 3, MIDNIGHT + 2 * DAY - HOUR)
    assert told() == [3, 1], "nobody has counted yet"
    assert count_in_turns(engine, MIDNIGHT + 2 * DAY) == 2
    assert told() == [3, 1]

    with write(engine) as connection:
        late = join(connection, 4, MIDNIGHT + DAY + HOUR)
        for one, values in (
            (old, {"state": "erased"}),
            (other, {"state": "merged", "merged_into": late}),
        ):
            connection.execute(update(members).where(members.c.id == one).values(values))
    assert told() == [2, 1], "one came, one was erased, one was merged since"
    assert count_in_turns(engine, MIDNIGHT + 2 * DAY + 23 * HOUR) == 0, "a day is not over"
    assert count_in_turns(engine, MIDNIGHT + 3 * DAY + HOUR) == 2
    assert told() == [2, 1]


_MANY = """
INSERT INTO purchases (id, programme_id, source, external_id, revision, content_hash, status,
    shop_id, occurred_at, received_at, document, booking, flags)
SELECT n, 1, 'till', n, 1, '', 'paid', 1, 0, 0,
    jsonb_build_object('as_told', repeat('x', 1500)), '{}',
    CASE WHEN n = 1 THEN '["no_match"]' ELSE '[]' END::jsonb
FROM generate_series(1, 5000) AS n
"""


def test_receipts_with_flags_are_found_without_reading_those_that_have_none(
    postgres_engine: Engine,
):
    """The one with a flag is the oldest of 5000."""
    said: list[Said] = []
    with write(postgres_engine) as connection:
        connection.execute(text("INSERT INTO shops VALUES (1, 1, 'main', '', NULL, '{}')"))
        connection.execute(text(_MANY))
        for table in ("purchases", "shops"):
            connection.execute(text(f"ANALYZE {table}"))
        with heard_by_postgres(said):
            found = flagged(connection, 1, seen=False, before=None, limit=50)
        (of_purchases,) = [one for one in said if "FROM purchases JOIN" in one[0]]
        steps = "\n".join(explained(connection, "EXPLAIN", of_purchases))
    assert [one.id for one in found] == [1]
    assert "ix_purchases_flagged" in steps, steps
