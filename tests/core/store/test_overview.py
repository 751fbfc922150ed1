"""Figures of a day: what counts in them, and what does not."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, insert

from loyalty_core.store.database import read, write
from loyalty_core.store.ids import first_id_at
from loyalty_core.store.overview import DayRow, stretch
from loyalty_core.store.tables import purchase_lines, purchases

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
