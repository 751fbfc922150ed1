"""Batches that tell of receipts and of people lock both in one order (`ledger.md` 4).

On PostgreSQL alone: SQLite has one writer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event, select

from hub.ingest.lease import Lease
from hub.ingest.process import work_off
from loyalty_core.store.database import write
from loyalty_core.store.tables import accounts
from tests.support.ingest import Shopfloor
from tests.support.locks import wait_for_locks
from tests.support.shopfloor import receipt

PATIENCE_S = 20


@pytest.fixture
def shop(postgres_engine: Engine) -> Shopfloor:
    return Shopfloor(postgres_engine)


def test_two_batches_that_name_each_others_people_never_wait_for_each_other(shop: Shopfloor):
    """Each tells a receipt of one of two people and the record of the other; both have booked
    their receipt when they come to the records."""
    engine, refused = shop.hub.engine, list[str]()
    event.listen(
        engine, "handle_error", lambda context: refused.append(str(context.original_exception))
    )
    people = [{"external": {"id": f"c-{number}"}} for number in range(2)]
    for number, customer in enumerate(people):
        shop.deliver(event=receipt(f"first-{number}", customer=customer))
    shop.drain()
    leases = []
    for number, customer in enumerate(people):
        shop.deliver(event=receipt(f"next-{number}", customer=customer))
        shop.deliver(customer={"id": f"c-{1 - number}", "last_name": "Смирнова"})
        leases.append(Lease.take(shop.hub, shop.programme.id, 10))

    with ThreadPoolExecutor(2) as crew:
        with write(engine) as connection:
            connection.execute(select(accounts).with_for_update())
            both = [crew.submit(work_off, shop.hub, lease) for lease in leases]
            wait_for_locks(engine, 2)
        for one in both:
            one.result(timeout=PATIENCE_S)

    assert refused == []
    assert shop.states() == ["done"] * 6
    assert shop.deliveries()[-1].result["customers"][0]["what"] == "filled"
