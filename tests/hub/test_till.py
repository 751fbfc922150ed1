"""Two doors that sell one gift certificate at the same moment: PostgreSQL, two connections."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from hub.till import Till
from hub.till_words import Booked, Sale, Shown
from loyalty_core.domain.errors import CertificateClosed
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import read, write
from loyalty_core.store.programmes import programme_by_id
from loyalty_core.store.tables import certificates
from loyalty_kit.checkout import BasketLine
from tests.core.ledger.test_f_certificates import gift, sale
from tests.support.hub import make_hub
from tests.support.ledger import Shop, open_programme, rules
from tests.support.locks import wait_for_locks

PATIENCE_S = 20


@pytest.fixture
def shop(postgres_engine: Engine) -> Shop:
    return open_programme(postgres_engine, rules() | {"certificates": [gift(top_up=True)]})


@pytest.fixture
def till(shop: Shop) -> Till:
    hub = make_hub(shop.engine)
    with read(shop.engine) as connection:
        programme = programme_by_id(connection, shop.programme_id)
    cashier = Admin(1, "vera", "", "", 0)
    return Till(hub, programme, cashier, Grant(Role.OWNER), training=False, now=shop.now)


def sells(key: str, code: str) -> Sale:
    line = BasketLine("1", 1000, 80_00)
    return Sale(key * 32, "main", (line,), shown=Shown(80_00, 0, 80_00), gifts={"1": code})


def told(future: Future[Booked]) -> str:
    try:
        return "sold" if not future.result(timeout=PATIENCE_S).again else "again"
    except CertificateClosed as refused:
        return refused.facts["state"]


def test_of_two_tills_that_sell_one_certificate_at_once_one_sells(shop: Shop, till: Till):
    """Both have found it unsold; its row is held until both are about to book."""
    (code,) = shop.make_certificates(80_00, loaded=False)
    with ThreadPoolExecutor(2) as pool:
        with write(shop.engine) as connection:
            connection.execute(select(certificates).with_for_update())
            both = [pool.submit(till.sell, sells(key, code)) for key in "ab"]
            wait_for_locks(shop.engine, 2)
        assert sorted(map(told, both)) == ["active", "sold"]

    assert shop.money(code) == "active 80.00"
    assert len(shop.kept_purchases()) == 1


def test_a_till_refuses_what_another_system_has_just_sold(shop: Shop, till: Till):
    (code,) = shop.make_certificates(80_00, loaded=False)
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            connection.execute(select(certificates).with_for_update())
            late = pool.submit(till.sell, sells("a", code))
            wait_for_locks(shop.engine, 1)
            sold = shop.purchase("P1", lines=(sale(code, 80_00),))
            incoming = [Incoming(shop.told_by(), sold)]
            record_events(connection, shop.plans, incoming, now=shop.now)
        assert told(late) == "active"

    assert shop.money(code) == "active 80.00"
    assert [one["external_id"] for one in shop.kept_purchases()] == ["P1"]
