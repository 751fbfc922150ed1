"""Two writers of one thing who do not name it alike, stopped at the worst moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.domain.fiscal_qr import read_qr
from loyalty_core.service.enter_member import enter_member
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.members import NewMember, update_member
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.record_happening import Happening, record_happening
from loyalty_core.service.register_receipt import register_receipt
from loyalty_core.service.upkeep import end_holds, list_lost_refunds
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import identities, receipt_claims
from loyalty_kit.events import Customer, Event, PurchaseStatus
from tests.support.ledger import ANNA, Figures, Shop, open_programme
from tests.support.waiting import wait_until

Work = Callable[[Connection], Any]


@pytest.fixture
def shop(postgres_engine: Engine) -> Shop:
    return open_programme(postgres_engine)


@contextmanager
def meanwhile(shop: Shop, first: Work, second: Work) -> Iterator[Future[Any]]:
    """`first` has done its work; `second` has begun and waits for it to commit."""
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            first(connection)
            waiting = pool.submit(shop.do, second)
            wait_until(lambda: _somebody_waits(shop.engine))
        yield waiting


def _somebody_waits(engine: Engine) -> bool:
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with engine.connect() as connection:
        return bool(connection.scalar(query))


def telling(shop: Shop, event: Event) -> Work:
    incoming = [Incoming(shop.told_by(), event)]
    return lambda connection: record_events(connection, shop.plans, incoming, now=shop.now)


def test_two_refunds_name_one_purchase_in_two_ways(shop: Shop):
    shop.buy("P1", 100_00, order="1042")
    by_order = shop.refund("R1", 30_00, order="1042")
    by_number = shop.refund("R2", 50_00, purchase="P1")

    with meanwhile(shop, telling(shop, by_order), telling(shop, by_number)) as second:
        (receipt,) = second.result(timeout=30)

    assert receipt.points["clawed_back"] == 5_00
    assert shop.figures() == Figures(available=2_00)
    again = shop.bring_back("R3", 20_00, purchase="P1")
    assert again.points["clawed_back"] == 2_00


def test_a_refund_is_listed_while_its_purchase_comes(shop: Shop):
    shop.bring_back("R1", 100_00, purchase="P1")
    shop.advance(days=8)

    def listing(connection: Connection) -> int:
        return list_lost_refunds(connection, shop.plans, now=shop.now)

    with meanwhile(shop, telling(shop, shop.purchase("P1", 100_00)), listing) as second:
        assert second.result(timeout=30) == 0

    assert [one["state"] for one in shop.kept_refunds()] == ["booked"]


def test_a_hold_is_kept_for_an_order_while_its_time_is_up(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00, ttl_s=60)
    placed = shop.purchase("P2", 100_00, spent=10_00, cart="c", status=PurchaseStatus.OPEN)
    began = shop.now
    shop.advance(minutes=2)
    late = shop.now
    shop.now = began  # the order was taken in a moment before

    with meanwhile(
        shop, telling(shop, placed), lambda connection: end_holds(connection, now=late)
    ) as second:
        assert second.result(timeout=30) == 0

    assert shop.see(hold).state == "live"


def _erased(shop: Shop, wire: str) -> Work:
    def work(connection: Connection) -> None:
        erase_member(
            connection, shop.programme_id, wire, author="owner", evidence_key=b"key", now=shop.now
        )

    return work


def _buys(shop: Shop, wire: str) -> Work:
    """Under a name that is known, and one that is new."""
    named = Customer(phone=ANNA, email="anna@example.com", verified=True)
    return telling(shop, shop.purchase("P2", 10_00, customer=named))


def _changes(shop: Shop, wire: str) -> Work:
    changes = {"card": "777", "email": "anna@example.com"}
    return lambda connection: update_member(
        connection, shop.plans, shop.told_by(), wire, changes, now=shop.now
    )


def _registers(shop: Shop, wire: str) -> Work:
    code = read_qr("t=20260314T1130&s=1.00&fn=9999078900000001&i=1&fp=2&n=1")
    return lambda connection: register_receipt(
        connection, shop.plans, shop.programme_id, wire, code, now=shop.now
    )


def _visits(shop: Shop, wire: str) -> Work:
    named = Customer(phone=ANNA, email="anna@example.com", verified=True)
    visit = Happening("visit", "V1", shop.now, named, {})
    return lambda connection: record_happening(
        connection, shop.plans, shop.told_by(), visit, now=shop.now
    )


def _is_entered(shop: Shop, wire: str) -> Work:
    new = NewMember(phone=ANNA, email="anna@example.com")
    return lambda connection: enter_member(
        connection, shop.plans, shop.told_by(), new, now=shop.now
    )


COMING = [_buys, _changes, _registers, _visits, _is_entered]


def _left(shop: Shop, wire: str) -> list[Any]:
    """What still names the member, whether or not anybody else is called so by now."""
    number = from_wire("m", wire)
    with read(shop.engine) as connection:
        return [
            row
            for table in (identities, receipt_claims)
            for row in connection.execute(select(table).where(table.c.member_id == number))
        ]


@pytest.mark.parametrize("what", COMING)
def test_an_erasure_waits_for_what_is_under_way_and_takes_it_along(shop: Shop, what):
    shop.buy("P1", 100_00)
    wire = shop.wire(ANNA)

    with meanwhile(shop, what(shop, wire), _erased(shop, wire)) as erasure:
        erasure.result(timeout=30)

    assert _left(shop, wire) == []


@pytest.mark.parametrize("what", COMING)
def test_what_comes_while_somebody_is_erased_leaves_no_name(shop: Shop, what):
    shop.buy("P1", 100_00)
    wire = shop.wire(ANNA)

    with meanwhile(shop, _erased(shop, wire), what(shop, wire)) as second, suppress(MemberNotFound):
        second.result(timeout=30)

    assert _left(shop, wire) == []
    again = shop.buy("P3", 10_00, customer=Customer(phone=ANNA, email="anna@example.com"))
    assert again.member not in (None, wire)
