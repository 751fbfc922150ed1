"""`rules simulate`: a draft against past receipts, for people and for programs."""

from __future__ import annotations

import json
import os
import signal

import pytest

from hub.cli import simulation
from loyalty_core.service import simulate
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import make_engine, write
from loyalty_kit.testing.builders import a_purchase
from tests.support.clock import NOON

DAYS = ("--from", "2026-03-14", "--to", "2026-03-14")


@pytest.fixture
def sold(demo, data_dir):
    """Anna bought for 1000, somebody else for 500; 5 % comes back, by the draft 2 it is 7 %."""
    engine = make_engine(f"sqlite:///{data_dir / 'hub.db'}")
    anna = a_purchase(paid="1000.00", occurred_at=NOON)
    stranger = a_purchase(paid="500.00", occurred_at=NOON, external_id="p-2", customer=None)
    with write(engine) as connection:
        source = Source(get_programme(connection, "demo").id, "till")
        events = [Incoming(source, event) for event in (anna, stranger)]
        record_events(connection, PlanCache(), events, now=NOON)
    engine.dispose()
    document = demo("rules", "show").json
    document["earning"]["percent"] = "7"
    assert demo("rules", "draft", "-", stdin=json.dumps(document)).code == 0
    return demo


def test_for_programs(sold):
    found = sold("rules", "simulate", "--draft", "2", *DAYS, "--json").json

    assert (found["receipts"], found["receipts_of_members"]) == (2, 1)
    assert found["amount"] == "1500.00"
    assert (found["was"]["points_earned"], found["now"]["points_earned"]) == ("50.00", "70.00")
    assert found["winners"]["sum"] == "20.00"
    assert len(sold("rules", "versions", "--json").json) == 2


def test_for_people(sold):
    told = sold("rules", "simulate", "--draft", "2", *DAYS)

    assert told.code == 0
    assert "2 receipts for 1500.00, 1 of them by members." in told.out
    assert "points earned     50.00    70.00    20.00" in told.out
    assert "base       1 → 1 (0)  0.00 → 0.00 (0.00)  50.00 → 70.00 (20.00)" in told.out
    assert "1 members get more: 20.00 in all." in told.out
    assert "0 members get less: 0.00 in all." in told.out


def test_several_processes_find_the_same(sold, monkeypatch):
    monkeypatch.setattr(simulate, "SPAN", 1)
    words = ("rules", "simulate", "--draft", "2", *DAYS, "--json")

    assert sold(*words, "--processes", "2").json == sold(*words).json


def die(*_args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_told_and_not_traced(sold, monkeypatch):
    monkeypatch.setattr(simulation, "_begin", die)

    told = sold("rules", "simulate", "--draft", "2", *DAYS, "--processes", "2")

    assert (told.code, "try fewer --processes" in told.err) == (1, True)


def test_what_is_refused(sold):
    assert sold("rules", "simulate", "--draft", "9", *DAYS).code == 1
    assert sold("rules", "simulate", "--draft", "2", "--from", "x", "--to", "y").code == 2
    backwards = sold("rules", "simulate", "--draft", "2", "--from", "2026-03-15", *DAYS[2:])
    assert (backwards.code, "before" in backwards.err) == (1, True)
