"""Whose balance a shop is told: of nobody whom it may mistake, and of all whom it knows."""

from __future__ import annotations

from dataclasses import replace

from loyalty_core.service.enter_member import enter_member
from loyalty_core.service.members import NewMember, update_member
from loyalty_core.service.source import Source
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_kit.events import ExternalId
from tests.hub.outbox.test_balances import Street
from tests.support import acmepos

PHONE = "+79000000001"


def enter(street, till=None, buyer=None):
    """Staff enter a person with this phone, and with what the shop calls them where it is told."""
    system = till and f"installation:{from_wire('i', till.home.id)}"
    name = ExternalId(system, buyer) if till else None
    with write(street.hub.engine) as connection:
        source = Source(street.programme.id, "key:desk")
        new = NewMember(phone=PHONE, external=name)
        return enter_member(connection, street.hub.plans, source, new, now=street.clock.now()).id


def has_typed_a_phone(street, member):
    with write(street.hub.engine) as connection:
        source = Source(street.programme.id, "key:desk")
        update_member(
            connection,
            street.hub.plans,
            source,
            member,
            {"phone": PHONE},
            now=street.clock.now(),
        )


def test_a_customer_with_a_phone_that_nobody_proved_is_shown_no_balance(sqlite_engine):
    street = Street(sqlite_engine)
    with street.shop("a") as till:
        member = enter(street, till, "b-1")
        street.adjust(member, 700, "of a stranger, perhaps")
        street.drain()
        assert till.shown() == []
        assert street.rows() == []


def test_what_such_a_customer_was_shown_before_is_taken_back(sqlite_engine):
    street = Street(sqlite_engine)
    with street.shop("a") as till:
        street.sell(till, "b-1", "200.00")
        street.drain()
        member = street.member(till, "b-1")
        has_typed_a_phone(street, member)
        for number in range(2):
            street.adjust(member, 700, f"k{number}")
            street.drain()
        assert till.shown() == [("b-1", "10.00"), ("b-1", "0.00")]


def test_staff_are_shown_the_balance_of_everybody(sqlite_engine):
    street = Street(sqlite_engine, replace(acmepos.CONNECTOR, balances_for_staff=True))
    with street.shop("a") as till:
        street.adjust(enter(street, till, "b-1"), 700, "k")
        street.drain()
        assert till.shown() == [("b-1", "7.00")]


def test_a_shop_that_comes_to_know_a_member_is_told_without_a_movement(sqlite_engine):
    street = Street(sqlite_engine, replace(acmepos.CONNECTOR, balances_for_staff=True))
    with street.shop("a") as till:
        street.adjust(enter(street), 700, "k")
        street.drain()
        assert till.shown() == []

        enter(street, till, "b-1")
        street.drain()
        assert till.shown() == [("b-1", "7.00")]
        enter(street, till, "b-1")
        street.drain()
        assert till.shown() == [("b-1", "7.00")]
