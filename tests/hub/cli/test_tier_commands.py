"""`tiers recount`: all members by the ladder in force."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import members, programmes
from loyalty_kit.events import Customer
from loyalty_kit.testing.builders import a_purchase
from tests.support.clock import NOON


@pytest.fixture
def engine(demo, data_dir):
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def sold(demo, engine):
    """Three bought for 500, 1000 and 1500; then silver came in force, from 1000 on."""
    sales = [
        a_purchase(
            paid=paid,
            occurred_at=NOON,
            external_id=f"p-{number}",
            customer=Customer(phone=f"+7916000000{number}"),
        )
        for number, paid in enumerate(("500.00", "1000.00", "1500.00"))
    ]
    with write(engine) as connection:
        source = Source(get_programme(connection, "demo").id, "till")
        record_events(connection, PlanCache(), [Incoming(source, one) for one in sales], now=NOON)
    document = demo("rules", "show").json
    document["tiers"] = [{"code": "silver", "name": "Silver", "spend_from": "1000.00"}]
    assert demo("rules", "publish", "-", stdin=json.dumps(document)).code == 0
    return demo


def booked(engine):
    with engine.connect() as connection:
        return list(connection.scalars(select(members.c.tier).order_by(members.c.spent_minor)))


def test_a_dry_run_tells_who_would_move_and_writes_nothing(sold, engine):
    told = sold("tiers", "recount", "--dry-run", "--json").json

    assert told == {"members": 3, "moves": [{"from": None, "to": "silver", "members": 2}]}
    assert booked(engine) == [None, None, None]


def test_all_are_rated_and_once_more_changes_nothing(sold, engine):
    assert sold("tiers", "recount").out == "3 members rated.\n"
    assert booked(engine) == [None, "silver", "silver"]

    assert sold("tiers", "recount", "--json").json == {"members": 3}
    assert booked(engine) == [None, "silver", "silver"]
    assert sold("tiers", "recount", "--dry-run").err == "Nobody would move.\n"
    with engine.connect() as connection:
        assert connection.scalar(select(programmes.c.tiers_cursor)) is None
