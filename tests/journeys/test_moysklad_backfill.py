"""A back-fill of MoySklad's documents: killed in the middle, beside webhooks of the same documents.

The programme gives 5 % of what is paid, in whole points.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from connectors.moysklad.client import MoySklad
from hub.ingest import backfill
from hub.ingest.backfill import BackfillView
from hub.installations import installation_row
from hub.jobs.drain import drain
from loyalty_core.store.database import read
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.tables import purchases
from tests.journeys.test_moysklad_documents import position
from tests.stand_ins.moysklad import Json
from tests.stand_ins.moysklad_answers import Call
from tests.support.moysklad import AFTERNOON, TEA, MoySkladStage

SOLD = 130
"""More than a page lists."""
KILLED_AFTER = 1
"""Calls that read documents, 50 each."""
LAST_WEEK = "2026-03-07 12:00:00.000"


class Killed(BaseException):
    """The process is gone: nobody tidies up."""


def sale(number: int) -> str:
    return f"7777{number:04}-1fb1-11f1-0a80-0b6300000187"


def booked(stage: MoySkladStage) -> int:
    with read(stage.hub.engine) as connection:
        return connection.scalars(select(func.count()).select_from(purchases)).one()


def see_through(stage: MoySkladStage, row: InstallationRow) -> BackfillView:
    """Drain until the back-fill is over, and what it brought is booked."""
    while True:
        drain(stage.hub, stage.programme_id)
        now = backfill.progress(stage.hub, row)
        assert now is not None
        if now.is_over and not now.waiting:
            return now


def test_killed_in_the_middle_it_goes_on_beside_live_traffic(
    postgres_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stage = MoySkladStage(postgres_engine, tmp_path)
    for number in range(SOLD):
        one = position(TEA, 1, 10000.0)
        stage.saves("retaildemand", sale(number), one, moment=LAST_WEEK, updated=LAST_WEEK)
    row = installation_row(stage.hub, stage.installation.id)
    since = AFTERNOON - timedelta(days=14)
    reads, lock, rows_of = [0], threading.Lock(), MoySklad.rows

    def until_killed(client: MoySklad, path: str, params: dict[str, str]) -> list[Json]:
        with lock:
            reads[0] += params.get("filter", "").startswith("id=")
            if reads[0] > KILLED_AFTER:
                raise Killed
        return rows_of(client, path, params)

    def meanwhile(call: Call) -> Any:
        """The account tells of documents that the back-fill has read, and of some still ahead."""
        if call.query.get("filter", "").startswith("id="):
            for number in (len(stage.account.calls) % SOLD, SOLD - 1):
                assert stage.hears("retaildemand", sale(number)).status_code == 200

    stage.account.between_calls = meanwhile
    # A page at a time, so that some are still to be listed when it is killed.
    monkeypatch.setattr(backfill, "SPELL", timedelta())
    backfill.start(stage.hub, row, since, dry=False, author="test")
    monkeypatch.setattr(MoySklad, "rows", until_killed)
    with pytest.raises(Killed):
        see_through(stage, row)
    monkeypatch.undo()
    before = backfill.progress(stage.hub, row)
    assert before is not None
    assert (before.row.total, before.is_over, booked(stage) < SOLD) == (SOLD, False, True)

    # What the dead worker had taken is free again after a while.
    stage.clock.advance(minutes=6)
    stage.start()
    now = see_through(stage, row)
    stage.account.between_calls = None
    stage.work()

    assert (now.row.stage, now.done, now.percent, booked(stage)) == ("done", SOLD, 100, SOLD)
    assert stage.balance() == f"{5 * SOLD}.00"
    assert set(stage.states()) == {"done"}
    assert stage.states(), "live traffic there was"
    stage.close()
