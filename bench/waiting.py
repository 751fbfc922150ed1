"""What an inbox still holds, and waiting until it is worked off."""

from __future__ import annotations

import time

from sqlalchemy import Table, func, select

from bench.ground import Place
from bench.measure import BenchFailed
from loyalty_core.store.database import read
from loyalty_core.store.tables import deliveries, outbox

_LOOK_S = 0.1


def backlog(place: Place) -> int:
    """How many deliveries of the measured programme are due."""
    return _due(place, deliveries)


def wait_until_done(place: Place, within_s: float, at_most: int = 0) -> None:
    """Until no more deliveries are due than so many; with 0, no outbox row either.

    Raises: BenchFailed.
    """
    until = time.monotonic() + within_s
    while (left := backlog(place)) > at_most or (not at_most and _due(place, outbox)):
        if time.monotonic() > until:
            raise BenchFailed(f"{left} deliveries are still due after {within_s:.0f} s")
        time.sleep(_LOOK_S)


def _due(place: Place, table: Table) -> int:
    query = select(func.count()).where(
        table.c.programme_id == place.programme.id, table.c.state == "due"
    )
    with read(place.engine) as connection:
        return int(connection.scalar(query) or 0)
