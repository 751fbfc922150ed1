"""Two at the very same moment, one held where the other overtakes it.

On PostgreSQL alone: SQLite has one writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from loyalty_core.domain.errors import NotEnoughPoints
from loyalty_core.domain.members import IdentityKey, email_key, phone_key
from loyalty_core.service.hold_points import PlacedHold, end_holds_of
from loyalty_core.service.identify import lock_names
from loyalty_core.service.learn_customers import learn_customers
from loyalty_core.service.members import NewMember, enrol_member
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.record_happening import Happening, record_happening
from loyalty_core.service.renew_hold import renew_cart
from loyalty_core.store.database import transact, write
from loyalty_core.store.holds import hold_from_wire
from loyalty_core.store.tables import identities
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.ports import CustomerRecord
from tests.core.ledger.test_f_promotion_limits import limit, off
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Figures, Shop, rules
from tests.support.lines import line
from tests.support.locks import sessions_waiting, wait_for_locks
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
PATIENCE_S = 20
EMAIL = "anna@example.com"
CLARA = "+79161234503"
NEW_PHONE = "+79165550177"
ANNA_HERSELF = Customer(phone=ANNA, email=EMAIL, verified=True)


@contextmanager
def held_up(shop: Shop, key: IdentityKey, job: Callable[[], Any]) -> Iterator[Future[Any]]:
    """`job` is under way and waits for a name, which it needs before it holds any member."""
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            lock_names(connection, shop.programme_id, [key])
            future = pool.submit(job)
            wait_for_locks(shop.engine)
            yield future
        future.exception(timeout=PATIENCE_S)


def others(shop: Shop, job: Callable[[], Any], pool: ThreadPoolExecutor) -> Future[Any]:
    """`job` has ended, or waits for whoever is held up."""
    future = pool.submit(job)
    wait_until(lambda: future.done() or sessions_waiting(shop.engine) > 1)
    return future


def hold_number(placed: PlacedHold) -> int:
    key = hold_from_wire(placed.id)
    assert key is not None
    return key[1]


def pays(shop: Shop) -> Any:
    return shop.buy("P1", 20_00, spent=6_00, cart="c", by=None, customer=ANNA_HERSELF)


def test_a_hold_replaced_while_its_purchase_is_booked(shop: Shop):
    """The buyer looks at the cart once more while the shop tells that it is paid."""
    shop.buy("P0", 100_00)
    first = shop.hold(20_00, cart="c", spend=6_00)
    with ThreadPoolExecutor(1) as pool:
        with held_up(shop, email_key(EMAIL), lambda: pays(shop)) as paying:
            again = others(shop, lambda: shop.hold(20_00, cart="c", spend=6_00), pool)
        refused = again.exception(timeout=PATIENCE_S)

    receipt = paying.result()
    assert (receipt.flags, receipt.points["spent"]) == ((), 6_00)
    assert shop.see(first).state == "captured"
    assert isinstance(refused, NotEnoughPoints), "they are spent"
    assert shop.figures() == Figures(available=4_00 + 1_40)
    assert_books_add_up(shop)


def test_a_hold_renewed_while_its_purchase_is_booked(shop: Shop):
    shop.buy("P0", 100_00)
    first = shop.hold(20_00, cart="c", spend=2_00)

    def renew() -> Any:
        told = shop.told_by()
        return shop.do(
            lambda c: renew_cart(c, shop.plans, told, "c", None, ttl_s=600, now=shop.now)
        )

    def pay() -> Any:
        return shop.buy("P1", 20_00, spent=2_00, cart="c", by=None, customer=ANNA_HERSELF)

    with ThreadPoolExecutor(1) as pool:
        with held_up(shop, email_key(EMAIL), pay) as paying:
            renewed = others(shop, renew, pool)
        nothing = renewed.result(timeout=PATIENCE_S)

    assert nothing is None, "a sale has taken it up"
    assert paying.result().flags == ()
    assert shop.see(first).state == "captured"
    assert shop.figures() == Figures(available=8_00 + 1_80)


def test_a_cart_that_another_takes_while_whoever_held_it_is_merged(shop: Shop):
    for name, by in (("P0", ANNA), ("P2", BORIS), ("P3", CLARA)):
        shop.buy(name, 100_00, by=by)
    shop.hold(20_00, by=ANNA, cart="c", spend=6_00)
    people = {"from_": shop.wire(ANNA), "into": shop.wire(BORIS), "author": "owner"}
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            merge_members(connection, shop.plans, shop.programme_id, **people, now=shop.now)
            taking = pool.submit(lambda: shop.hold(20_00, by=CLARA, cart="c", spend=6_00))
            wait_for_locks(shop.engine)
        taken = taking.result(timeout=PATIENCE_S)

    assert [one["id"] for one in shop.holds() if one["state"] == "live"] == [hold_number(taken)]
    assert shop.figures(BORIS) == Figures(available=20_00)
    assert shop.figures(CLARA) == Figures(available=4_00, held=6_00)
    assert_books_add_up(shop)


def test_a_hold_that_ends_while_its_purchase_is_booked_is_counted_once(shop: Shop):
    shop.buy("P0", 100_00)
    shop.publish(rules() | {"promotions": [off(limit(most="10"))]})
    held = shop.hold(100_00, cart="c")
    key = (shop.member(ANNA), hold_number(held))
    assert shop.used() == 1
    shop.advance(days=1)
    sale = shop.purchase("P1", lines=(line("1", 100_00, discount=10_00),), hold=held.id)
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            assert end_holds_of(connection, [key], why="expired", now=shop.now) == 1
            paying = pool.submit(shop.tell, sale)
            wait_for_locks(shop.engine)
        (receipt,) = paying.result(timeout=PATIENCE_S)

    assert "hold_expired" in receipt.flags
    assert shop.used() == 1, "what the hold had, and what the purchase has now"
    assert_books_add_up(shop)


# --- people ---------------------------------------------------------------------------------


def names(shop: Shop) -> dict[str, int]:
    query = select(identities.c.value, identities.c.member_id)
    own = query.where(identities.c.programme_id == shop.programme_id)
    with shop.engine.connect() as connection:
        return dict(connection.execute(own).all())


def learn(shop: Shop) -> Any:
    """The shop's own record of Anna, by its number for her, brings another phone."""
    record = CustomerRecord("17", phone=NEW_PHONE, vouched=True)
    told = [(shop.told_by(), record)]
    return transact(
        shop.engine,
        lambda c: learn_customers(c, shop.plans, told, keys=(b"key",), now=shop.now),
    )


KNOWN_AS_17 = Customer(phone=ANNA, external=ExternalId(None, "17"), verified=True)


def test_a_record_learnt_while_its_person_is_erased_leaves_no_name(shop: Shop):
    shop.buy("P0", 100_00, by=None, customer=KNOWN_AS_17)
    with held_up(shop, phone_key(NEW_PHONE), lambda: learn(shop)) as learning:
        shop.erase()

    assert [one.what for one in learning.result()] == ["unknown"]
    assert names(shop) == {}
    new = NewMember(phone=NEW_PHONE)
    shop.do(lambda c: enrol_member(c, shop.plans, shop.told_by(), new, now=shop.now))


@pytest.mark.parametrize("way", ["record", "purchase", "review"])
def test_a_name_told_while_its_member_is_merged_is_the_survivors(shop: Shop, way: str):
    """So shops and letters reach whoever the member is by now."""
    shop.buy("P0", 100_00, by=None, customer=KNOWN_AS_17)
    shop.buy("P2", 100_00, by=BORIS)
    customer = replace(KNOWN_AS_17, email=EMAIL)
    review = Happening("review", "E1", shop.now, customer, {})
    key, job = {
        "record": (phone_key(NEW_PHONE), lambda: learn(shop)),
        "purchase": (
            email_key(EMAIL),
            lambda: shop.buy("P1", 20_00, by=None, customer=customer),
        ),
        "review": (
            email_key(EMAIL),
            lambda: shop.do(
                lambda c: record_happening(c, shop.plans, shop.told_by(), review, now=shop.now)
            ),
        ),
    }[way]
    with held_up(shop, key, job) as telling:
        shop.merge(ANNA, into=BORIS)

    telling.result()
    assert set(names(shop).values()) == {shop.member(BORIS)}
    assert key.value in names(shop)
    assert_books_add_up(shop)
