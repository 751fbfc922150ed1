"""From the schema of each release, with the data of its code, to the newest one."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, inspect, select, text

from hub.app import create_app
from hub.jobs.drain import drain
from hub.registry import registry_of
from loyalty_core.service.programmes import list_programmes
from loyalty_core.service.verify_ledger import count_accounts, verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.migrate import Standing, revision, standing, upgrade
from loyalty_core.store.tables import accounts, deliveries
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub
from tests.support.shopfloor import Remote, tablo
from tests.upgrade.dump import DUMPS, load

RELEASES = sorted(DUMPS.glob("*.json"))


@pytest.fixture
def empty(engine):
    """A database without any schema."""
    with write(engine) as connection:
        names = inspect(connection).get_table_names()
        for name in names:
            connection.execute(text(f'DROP TABLE "{name}"'))
    return engine


@pytest.fixture(params=RELEASES, ids=lambda path: path.stem)
def upgraded(request, empty):
    """(engine, API key): a release's database after the migration."""
    told = json.loads(request.param.read_text("utf-8"))
    upgrade(empty, to=request.param.stem)
    assert revision(empty) == request.param.stem
    with write(empty) as connection:
        load(connection, told["tables"])
    upgrade(empty)
    return empty, told["key"]


def test_there_is_a_release_to_come_from():
    assert "0001" in {path.stem for path in RELEASES}


def test_the_books_agree_after_the_migration(upgraded):
    engine, _ = upgraded

    assert standing(engine) is Standing.CURRENT
    with read(engine) as connection:
        assert count_accounts(connection) == 2
        assert verify_ledger(connection) == []


def test_life_goes_on_after_the_migration(upgraded):
    """Anna bought for 1000.00 and 200.00 (60.00 points), lost 5.00 with a refund, and has
    set aside 10.00 for a cart, whose time is up a day later.

    She buys for 200.00 more (10.00 points), then brings back 900.00 of the old purchase.
    """
    engine, key = upgraded
    shop = Resumed(engine, key)
    assert shop.points() == {"available": 4500, "held": 1000}

    quote = shop.till.post("/quotes", a_basket(member={"phone": ANNA, "verified": True}))
    bought = shop.till.post(
        "/purchases", a_purchase(external_id="p-2", lines=[a_line(amount="200.00", paid="200.00")])
    )
    back = [{"id": "1", "quantity": "0.9", "paid_back": "900.00"}]
    returned = shop.till.post("/refunds", a_refund(external_id="r-2", amount="900.00", lines=back))

    assert quote.status_code == 200
    assert quote.json["member"]["balance"]["available"] == "55.00"
    assert (bought.status_code, bought.json["points"]["earned"]) == (201, "10.00")
    assert (returned.status_code, returned.json["points"]["clawed_back"]) == (201, "45.00")
    with read(engine) as connection:
        assert verify_ledger(connection) == []


def test_what_was_waiting_is_worked_off_after_the_migration(upgraded):
    engine, key = upgraded
    shop = Resumed(engine, key)

    shop.drain()

    with read(engine) as connection:
        states = dict(
            connection.execute(
                select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
            ).all()
        )
    assert states == {"dead": 1, "done": 3}


class Resumed:
    """The hub of a dump at work again, and its till."""

    def __init__(self, engine, key):
        self.clock = FixedClock(NOON + timedelta(days=21))
        registry = registry_of([tablo(Remote())])
        self.hub = make_hub(engine, clock=self.clock, registry=registry, quote_deadline_ms=20_000)
        self.till = Caller(create_app(self.hub), key)

    def points(self):
        with read(self.hub.engine) as connection:
            held = select(accounts.c.available, accounts.c.held).where(accounts.c.held > 0)
            return dict(connection.execute(held).mappings().one())

    def drain(self):
        with read(self.hub.engine) as connection:
            (programme,) = list_programmes(connection)
        drain(self.hub, programme.id)
