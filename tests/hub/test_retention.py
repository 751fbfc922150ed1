"""Bodies of deliveries go when their time is over; their keys, results and books stay."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select, update

from hub.deliveries import DeliveryNotKept, list_deliveries, replay_delivery, show_delivery
from hub.jobs.scheduler import look_after
from loyalty_core.store import ids
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import deliveries, idempotency, outbox
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt, signed


@pytest.fixture(autouse=True)
def _ids_of_the_tests_own_time(monkeypatch):
    """Ids of a process never go back, and other tests have been in the future."""
    monkeypatch.setattr(ids, "_last", 0)


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)


def bodies(shop):
    """Whether each delivery has its body still, the oldest first."""
    with read(shop.hub.engine) as connection:
        kept = connection.scalars(select(deliveries.c.body).order_by(deliveries.c.id))
        return [body != b"" for body in kept]


def after(shop, **passed):
    shop.clock.advance(**passed)
    look_after(shop.hub)


def test_a_body_goes_ninety_days_after_its_end(shop):
    shop.deliver(event=receipt("1"))
    shop.drain()

    after(shop, days=90)
    assert bodies(shop) == [True]
    after(shop, seconds=1)
    assert bodies(shop) == [False]

    (view,) = shop.deliveries()
    detail = show_delivery(shop.hub, view.id)
    assert (detail.body, dict(detail.headers)) == ("", {})
    assert detail.emptied_at == shop.clock.now()
    assert view.state == "done"
    assert view.result["receipts"][0]["external_id"] == "1"


def test_what_waits_or_is_dead_is_kept_longer(shop):
    """Nothing of the first can be booked yet; the second waits a year for a person."""
    shop.deliver(event=receipt("2", shop="nowhere"))
    shop.drain()
    shop.deliver(event=receipt("1"))

    after(shop, days=200)
    assert bodies(shop) == [True, True]
    after(shop, days=166)
    assert bodies(shop) == [False, True]
    assert shop.states() == ["dead", "due"]


@pytest.mark.parametrize(("days", "kept"), [(0, True), (10, False)])
def test_how_long_is_a_setting_and_0_is_for_ever(engine, days, kept):
    shop = Shopfloor(engine, keep_deliveries_days=days)
    shop.deliver(event=receipt("1"))
    shop.drain()

    after(shop, days=300 if days == 0 else 11)

    assert bodies(shop) == [kept]


def test_a_very_late_duplicate_is_still_known(shop):
    body = json.dumps({"no": 77, "event": receipt("1")}).encode()
    shop.post(body, signed(body))
    shop.drain()
    after(shop, days=100)

    again = shop.post(body, signed(body))

    assert again.status_code == 200
    assert len(shop.deliveries()) == 1
    assert shop.states() == ["done"]


def test_the_row_goes_when_nobody_can_send_it_again(shop):
    shop.deliver(event=receipt("1"))
    shop.drain()
    after(shop, days=100)

    after(shop, days=299)
    assert len(shop.deliveries()) == 1
    after(shop, days=2)
    assert shop.deliveries() == []
    assert shop.booked() == {"1": 100_00}


def test_a_replay_of_what_is_not_kept_is_refused(shop):
    shop.deliver(event=receipt("1"))
    shop.drain()
    after(shop, days=100)
    (view,) = shop.deliveries()

    with pytest.raises(DeliveryNotKept):
        replay_delivery(shop.hub, view.id)

    assert shop.states() == ["done"]


def test_sent_notices_and_old_answers_go_too(shop):
    shop.deliver(event=receipt("1"))
    shop.drain()
    with write(shop.hub.engine) as connection:
        made = shop.clock.now()
        row = {"key_id": 1, "route": "r", "key": "k", "request_hash": "h", "created_at": made}
        connection.execute(idempotency.insert().values(**row))
    assert rows(shop, outbox) == 1

    after(shop, days=89)
    assert (rows(shop, outbox), rows(shop, idempotency)) == (1, 0)
    after(shop, days=2)
    assert rows(shop, outbox) == 0


def rows(shop, table):
    with read(shop.hub.engine) as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_what_somebody_holds_is_left_for_the_next_time(postgres_engine):
    """A batch waits for nobody: it takes what is free."""
    shop = Shopfloor(postgres_engine)
    for number in ("1", "2"):
        shop.deliver(event=receipt(number))
        shop.clock.advance(seconds=1)
    shop.drain()
    first = list_deliveries(shop.hub, programme_id=shop.programme.id).items[-1]
    with write(postgres_engine) as connection:
        is_first = deliveries.c.received_at == first.received_at
        connection.execute(update(deliveries).where(is_first).values(attempts=1))
        after(shop, days=100)
        held = bodies(shop)
    after(shop, minutes=1)

    assert held == [True, False]
    assert bodies(shop) == [False, False]
