"""A delivery whose body is no longer kept: shown as such, and not replayed."""

import pytest

from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import deliveries
from tests.support.clock import NOON


@pytest.fixture
def emptied(demo, data_dir):
    """`d_1`, long done."""
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    row = {
        "id": 1,
        "installation_id": 1,
        "programme_id": 1,
        "hook": "h",
        "key": "k",
        "headers": {},
        "body": b"",
        "received_at": NOON,
        "due_at": NOON,
        "state": "done",
        "done_at": NOON,
        "emptied_at": NOON,
    }
    with write(engine) as connection:
        connection.execute(deliveries.insert().values(row))
    engine.dispose()
    return demo


def test_it_is_shown_without_what_came(emptied):
    told = emptied("deliveries", "show", "d_1")

    assert told.code == 0
    assert "no longer kept" in told.out
    as_json = emptied("deliveries", "show", "d_1", "--json").json
    assert (as_json["body"], as_json["emptied_at"]) == ("", "2026-03-14T12:00:00+00:00")


def test_it_is_not_replayed(emptied):
    refused = emptied("deliveries", "replay", "d_1")

    assert refused.code == 1
    assert "no longer kept" in refused.err
    assert emptied("deliveries", "show", "d_1", "--json").json["state"] == "done"
