"""What a programme or a connection has one of is not begun anew while it is underway."""

from __future__ import annotations

from sqlalchemy import Engine

from loyalty_core.store import backfills, simulations
from loyalty_core.store.backfills import BackfillRow
from loyalty_core.store.database import transact
from loyalty_core.store.simulations import SimulationRow
from tests.support.clock import NOON

DAYS = ("2026-03-01", "2026-03-02")


def test_a_simulation_underway_is_told_and_stays(engine: Engine):
    first, second = (SimulationRow(1, draft, *DAYS, 5, NOON, NOON, "test") for draft in (2, 3))

    assert transact(engine, lambda connection: simulations.begin(connection, first))
    assert not transact(engine, lambda connection: simulations.begin(connection, second))
    assert transact(engine, lambda connection: simulations.get(connection, 1)) == first
    assert transact(engine, lambda connection: simulations.stop(connection, 1, now=NOON))
    assert transact(engine, lambda connection: simulations.begin(connection, second))


def test_a_backfill_underway_is_told_and_stays(engine: Engine):
    first, second = (
        BackfillRow(1, 1, NOON, dry, "counting", None, 0, 0, NOON, NOON, "test")
        for dry in (False, True)
    )

    assert transact(engine, lambda connection: backfills.begin(connection, first))
    assert not transact(engine, lambda connection: backfills.begin(connection, second))
    assert transact(engine, lambda connection: backfills.get(connection, 1)) == first
    assert transact(engine, lambda connection: backfills.stop(connection, 1, now=NOON))
    assert transact(engine, lambda connection: backfills.begin(connection, second))
