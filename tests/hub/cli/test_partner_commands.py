"""`partners`: terms are put, and a period is settled."""

from __future__ import annotations

import pytest

from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import make_engine, write
from loyalty_kit.testing.builders import a_purchase
from tests.support.clock import NOON

DAYS = ("--from", "2026-03-14", "--until", "2026-03-14")


@pytest.fixture
def shared(demo, data_dir):
    """A shop `bakery-1`, where somebody bought for 1000.00 and earned 50.00 points."""
    assert demo("shops", "create", "bakery-1").code == 0
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    with write(engine) as connection:
        source = Source(get_programme(connection, "demo").id, "till")
        sale = a_purchase(paid="1000.00", shop="bakery-1", occurred_at=NOON)
        record_events(connection, PlanCache(), [Incoming(source, sale)], now=NOON)
    engine.dispose()
    return demo


def test_r38_terms_are_put_and_a_period_is_settled(shared):
    assert shared("partners", "list").err == "No partners.\n"
    words = ("--name", "Пекарня", "--shop", "bakery-1", "--price", "points=0.55")
    put = shared("partners", "set", "bakery", *words, "--json")
    assert put.json == {
        "code": "bakery",
        "name": "Пекарня",
        "shops": ["bakery-1"],
        "prices": [{"currency": "points", "price": "0.55"}],
    }
    assert shared("partners", "list", "--json").json == [put.json]
    assert "points=0.55" in shared("partners", "list").out

    found = shared("partners", "settlement", "bakery", *DAYS, "--json").json
    assert found["points"] == [
        {"currency": "points", "earned": "50.00", "spent": "0.00", "owed": "27.50"}
    ]
    assert (found["partner_owes"], found["programme_owes"]) == ("27.50", "0.00")
    told = shared("partners", "settlement", "bakery", *DAYS)
    assert "Пекарня, 2026-03-14 to 2026-03-14, in RUB." in told.out
    assert "The partner owes 27.50." in told.out
    assert "No rewards were handed out." in told.err


def test_bad_terms_and_periods_are_told_in_one_line(shared):
    for words, said in (
        (("set", "bakery", "--price", "points"), "is not a price like points=0.50"),
        (("set", "bakery", "--price", "points=-1"), "is not a price like points=0.50"),
        (("set", "bakery", "--shop", "nowhere"), "shops: No such shop."),
        (("settlement", "nobody", *DAYS), "There is no such partner."),
        (("settlement", "nobody", "--from", "2026-13-01", "--until", "x"), "does not match"),
    ):
        done = shared("partners", *words)
        assert done.code != 0
        assert said in done.err
