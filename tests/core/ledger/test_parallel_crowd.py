"""Thousands of operations on a hundred members at once, in two processes; every lot is checked.

`python -m tests.torture.crowd` does a million of them (`make torture`).
"""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from loyalty_core.store.database import write
from tests.torture import crowd

OPERATIONS = 5_000
FEW = 300


@pytest.mark.slow
def test_every_lot_is_what_its_rows_come_to(partitioned_engine: Engine):
    told = crowd.crowd(partitioned_engine, OPERATIONS)

    assert told.findings == []
    assert told.operations == OPERATIONS
    kinds = {"earn", "spend", "hold", "capture", "release", "claw back", "adjust", "expire"}
    assert kinds <= set(told.done)
    assert told.lots > 1_000


def test_one_lot_that_is_wrong_is_noticed(postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """Two lots of a member are changed so that no sum over the member moves."""
    sound = crowd._check

    def spoilt(shop, told):
        with write(shop.engine) as connection:
            connection.execute(text(SPOIL))
        return sound(shop, told)

    monkeypatch.setattr(crowd, "_check", spoilt)
    told = crowd.crowd(postgres_engine, FEW, processes=1, threads=2)

    wrong = [finding for finding in told.findings if "is not what its rows come to" in finding]
    assert len(wrong) == 2


SPOIL = """
    WITH pair AS (
        SELECT poor.member_id, poor.currency, poor.no AS poor, rich.no AS rich
        FROM lots poor JOIN lots rich USING (member_id, currency)
        WHERE poor.active AND rich.active AND poor.no <> rich.no
          AND poor.amount > poor.free + poor.held + poor.expired
          AND poor.owed = 0 AND rich.free > 0
        LIMIT 1
    )
    UPDATE lots SET free = free + CASE WHEN no = poor THEN 1 ELSE -1 END
    FROM pair
    WHERE lots.member_id = pair.member_id AND lots.currency = pair.currency
      AND no IN (poor, rich)
"""
