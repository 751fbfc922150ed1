"""Whose a coupon is in a shop: it follows its member to another address, whoever changes it."""

from __future__ import annotations

import pytest

from loyalty_core.service.enter_member import enter_member
from loyalty_core.service.learn_customers import learn_customers
from loyalty_core.service.members import NewMember, enrol_member, update_member
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.source import Source
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.installations import source_of
from loyalty_kit.events import ExternalId
from loyalty_kit.ports import CustomerRecord
from tests.hub.outbox.test_coupons import Shop, source

PHONE = "+79000000001"
OLD, NEW = "old@example.com", "new@example.com"


def source_of_home(shop):
    return source_of(from_wire("i", shop.home.id))


def _learn(connection, shop, name, record):
    told = [(Source(shop.programme.id, name, lenient=True), record)]
    learn_customers(connection, shop.hub.plans, told, keys=(b"k" * 32,), now=shop.clock.now())


def _by_the_api(connection, shop, member):
    changes = {"email": "new@example.com"}
    update_member(connection, shop.hub.plans, source(shop), member, changes, now=shop.clock.now())


def _by_a_cashier(connection, shop, member):
    told = NewMember(phone=PHONE, email="new@example.com")
    enter_member(connection, shop.hub.plans, source(shop), told, now=shop.clock.now())


def _by_a_merge(connection, shop, member):
    now = shop.clock.now()
    other = enrol_member(
        connection, shop.hub.plans, source(shop), NewMember(email="new@example.com"), now=now
    ).id
    merge_members(
        connection,
        shop.hub.plans,
        shop.programme.id,
        into=member,
        from_=other,
        author="test",
        now=now,
    )


def _by_a_record_of_staff(connection, shop, member):
    """Of another system, whose owner says that staff keep it."""
    record = CustomerRecord(id="c-1", phone=PHONE, email="new@example.com", vouched=True)
    known = NewMember(phone=PHONE, external=ExternalId("installation:7", "c-1"))
    enter_member(connection, shop.hub.plans, source(shop), known, now=shop.clock.now())
    _learn(connection, shop, "installation:7", record)


def _by_the_accounts_record(connection, shop, member):
    """The account is this member's; what stands in it is the shop's to say."""
    shop.woo.emails[5] = "new@example.com"
    _learn(connection, shop, source_of_home(shop), CustomerRecord(id="5", email="new@example.com"))


def _by_an_account(connection, shop, member):
    """The shop's account is known to be this member's."""
    shop.woo.emails[6] = "new@example.com"
    known = NewMember(phone=PHONE, external=ExternalId(source_of_home(shop), "6"))
    enter_member(connection, shop.hub.plans, source(shop), known, now=shop.clock.now())


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (_by_the_api, ["account@example.com", NEW]),
        (_by_a_cashier, ["account@example.com", NEW, OLD]),
        (_by_a_merge, ["account@example.com", NEW, OLD]),
        (_by_a_record_of_staff, ["account@example.com", NEW, OLD]),
        (_by_the_accounts_record, [NEW, OLD]),
        (_by_an_account, ["account@example.com", NEW, OLD]),
    ],
)
def test_a_coupon_follows_its_member_to_another_address(sqlite_engine, woo, change, then):
    shop = Shop(sqlite_engine, woo)
    woo.emails[5] = "account@example.com"
    account = ExternalId(source_of_home(shop), "5")
    new = NewMember(email=OLD, phone=PHONE, external=account)
    with write(shop.hub.engine) as connection:
        member = enrol_member(
            connection, shop.hub.plans, source(shop), new, now=shop.clock.now()
        ).id
    shop.lot("a", member=member)
    shop.drain()
    (made,) = woo.coupons.values()
    assert made["email_restrictions"] == ["account@example.com", OLD]

    with write(shop.hub.engine) as connection:
        change(connection, shop, member)
    shop.drain()
    (made,) = woo.coupons.values()
    assert made["email_restrictions"] == then
    assert (shop.health().coupons.made, shop.health().coupons.waiting) == (1, 0)
