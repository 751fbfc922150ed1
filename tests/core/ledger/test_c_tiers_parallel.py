"""A ladder that changes while receipts are being booked (`ledger.md` 25)."""

from __future__ import annotations

from copy import deepcopy

import pytest
from sqlalchemy import Engine, select

from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.rate_tiers import rate_tiers
from loyalty_core.store.database import read, transact
from loyalty_core.store.tables import members
from tests.support.ledger import open_programme, rules


def tier(code: str, spend_from: str) -> dict[str, str]:
    return {"code": code, "name": code.title(), "spend_from": spend_from}


def test_a_batch_that_began_before_a_publication_heeds_the_new_ladder(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """100.00 were spent.  Silver is from 50.00 on by rules that come, and whose job has rated
    everybody, between the beginning of a batch and its lock on the member."""
    before = rules() | {"tiers": [tier("silver", "1000.00")]}
    shop = open_programme(postgres_engine, before)
    shop.buy("P1", 100_00)
    after = deepcopy(before) | {"tiers": [tier("silver", "50.00")]}
    admit, seen = EventBatch.admit, []

    def admit_late(batch: EventBatch, events):
        if not seen:
            seen.append(shop.publish(after))
            work = lambda connection: rate_tiers(connection, shop.plans, now=shop.now)  # noqa: E731
            while transact(postgres_engine, work):
                pass
        return admit(batch, events)

    monkeypatch.setattr(EventBatch, "admit", admit_late)
    shop.buy("P2", 10_00)

    with read(postgres_engine) as connection:
        tiers = connection.scalars(select(members.c.tier)).all()
    assert (len(seen), tiers) == (1, ["silver"])
