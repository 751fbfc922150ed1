"""A shop's login proves the shop's account, and nothing that was typed into it (28)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from loyalty_core.domain.errors import CodeRequired
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.hold_points import place_hold
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, write
from loyalty_kit.checkout import BasketLine, HoldRequest, QuoteRequest
from loyalty_kit.events import Customer, ExternalId, Purchase, PurchaseLine

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
PHONE = "+79161234567"
ACCOUNT = ExternalId("installation:7", "13")
BASKET = QuoteRequest(
    (BasketLine("1", 1000, 1000_00),),
    channel="online",
    cart="c-1",
    member=Customer(external=ACCOUNT, verified=True),
    spend="max",
)


@pytest.fixture
def plans():
    return PlanCache()


@pytest.fixture
def till(engine, plans):
    """Somebody logged in to the web shop typed a phone; its owner then bought at the till."""
    with write(engine) as connection:
        programme = create_programme(
            connection, code="demo", document=default_rules(), author="test", now=NOW
        )
    till = Source(programme.id, "key:till")
    shop = Source(programme.id, "installation:7", lenient=True)
    account = Customer(external=ExternalId(None, "13"), phone=PHONE, verified=True)
    receipts = [
        Incoming(shop, a_purchase("web-1", 100_00, account, "online")),
        Incoming(till, a_purchase("till-1", 10_000_00, Customer(phone=PHONE), "pos")),
    ]
    with write(engine) as connection:
        record_events(connection, plans, receipts, now=NOW)
    return till


def a_purchase(external_id: str, minor: int, customer: Customer, channel: str) -> Purchase:
    line = PurchaseLine("1", 1000, minor, minor)
    return Purchase(external_id, NOW, (line,), channel=channel, customer=customer)


def test_who_typed_a_phone_sees_and_spends_nothing_by_the_account(engine, plans, till):
    with read(engine) as connection:
        quote = quote_basket(connection, plans, till, BASKET, now=NOW)

    assert quote.member is not None
    assert quote.member.balance is None
    assert quote.points.spend_max == 0
    assert quote.points.code_required


def test_a_hold_by_the_account_needs_a_code(engine, plans, till):
    with write(engine) as connection, pytest.raises(CodeRequired):
        place_hold(connection, plans, till, HoldRequest(BASKET), now=NOW)


def test_the_phones_owner_spends_at_the_till(engine, plans, till):
    at_till = replace(BASKET, channel="pos", member=Customer(phone=PHONE))
    with read(engine) as connection:
        quote = quote_basket(connection, plans, till, at_till, now=NOW)

    assert quote.points.spend_max > 0
    assert quote.member is not None
    assert quote.member.balance is not None
