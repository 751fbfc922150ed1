"""What became of messages: the vendor who reports is asked, and what it says is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.jobs.scheduler import sweep
from hub.outbox.reports import look_batch
from loyalty_core.store import outbox
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import sent_messages
from loyalty_kit.testing.remote import Remote, json_reply
from tests.hub.api.client import new_programme
from tests.stand_ins.gateways import SmsAero, reply
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

NOON = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


class Gateway:
    """SMS Aero; `status` is what it says of a message."""

    def __init__(self):
        self.status = 0
        self.said = None
        self.takes = timedelta(0)
        self.asked_at = []

    def answer(self, asked):
        if asked.path != "/v2/sms/status":
            return SmsAero.accepts(asked)
        self.asked_at.append(self.clock.now() - NOON)
        self.clock.advance(seconds=self.takes.total_seconds())
        if self.status is None:
            return json_reply(status=502)
        return self.said or SmsAero.taken(self.status)


@pytest.fixture
def clock():
    return FixedClock(NOON)


@pytest.fixture
def hub(engine, clock):
    return make_hub(engine, clock=clock)


@pytest.fixture
def programme(hub):
    return new_programme(hub, "shop")


@pytest.fixture
def gateway(hub, programme, clock):
    made = Gateway()
    made.clock = clock
    with Remote(made.answer) as remote:
        create_installation(
            hub,
            programme_id=programme,
            connector="smsaero",
            name="sms",
            settings=SmsAero.form(remote.base_url),
        )
        yield made


@pytest.fixture
def sent(hub, programme, gateway):
    put(hub, programme)


def put(hub, programme, *keys):
    """Trials, which need no member, sent."""
    payload = {
        "letter": "welcome",
        "channel": "sms",
        "locale": "ru",
        "to": "+79001234567",
        "facts": {},
        "expires_at": (NOON + timedelta(days=1)).isoformat(),
    }
    with write(hub.engine) as connection:
        notices = [outbox.Notice(programme, outbox.MESSAGE, key, payload) for key in keys or ("1",)]
        outbox.announce(connection, notices, now=NOON)
    drain(hub, programme)


def kept(hub):
    with read(hub.engine) as connection:
        (row,) = connection.execute(select(sent_messages)).all()
    return row


def later(hub, programme, clock, **by):
    clock.advance(**by)
    drain(hub, programme)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [(1, "delivered", None), (2, "failed", "not_delivered"), (6, "failed", "not_delivered")],
)
def test_what_the_vendor_says_is_kept_and_not_asked_again(
    hub, programme, gateway, sent, clock, status, state, reason
):
    before = kept(hub)
    gateway.status = status
    later(hub, programme, clock, minutes=1)
    after = kept(hub)
    later(hub, programme, clock, days=1)

    assert (before.state, before.reference, before.cost_minor) == ("sent", "1", 549)
    assert (after.state, after.reason) == (state, reason)
    assert after.ended_at == NOON + timedelta(minutes=1)
    assert gateway.asked_at == [timedelta(minutes=1)]


@pytest.mark.parametrize("cost", [-5.49, 1e40])
def test_a_cost_that_cannot_be_keeps_no_report_from_being_kept(
    hub, programme, gateway, sent, clock, cost
):
    gateway.said = reply({"success": True, "data": {"id": 1, "status": 1, "cost": cost}})
    later(hub, programme, clock, minutes=1)

    assert (kept(hub).state, kept(hub).cost_minor) == ("delivered", 549)


def test_a_message_underway_is_asked_for_ever_more_rarely_and_then_no_more(
    hub, programme, gateway, sent, clock
):
    for _ in range(7 * 24 * 60 // 10):
        later(hub, programme, clock, minutes=10)

    waits = [one.total_seconds() / 60 for one in gateway.asked_at]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120]
    assert (kept(hub).state, kept(hub).look_at) == ("sent", None)


def test_a_vendor_who_is_down_is_asked_again(hub, programme, gateway, sent, clock):
    gateway.status = None
    later(hub, programme, clock, minutes=1)
    gateway.status = 1
    later(hub, programme, clock, minutes=1)

    assert kept(hub).state == "delivered"


def test_of_a_gateway_that_is_down_one_message_is_asked_for_and_the_others_wait(
    hub, programme, gateway, sent, clock
):
    """More than one batch of them: each would take a time-out of the drain's time."""
    put(hub, programme, *map(str, range(2, 26)))
    gateway.status = None
    later(hub, programme, clock, minutes=2)
    assert len(gateway.asked_at) == 1

    gateway.status = 1
    later(hub, programme, clock, minutes=5)
    with read(hub.engine) as connection:
        states = list(connection.scalars(select(sent_messages.c.state)))
    assert states == ["delivered"] * 25


def test_a_gateway_that_dawdles_makes_room_after_fifteen_seconds(
    hub, programme, gateway, sent, clock
):
    """Ten seconds an answer: two are asked for, and the third next time."""
    put(hub, programme, "2", "3")
    gateway.status, gateway.takes = 1, timedelta(seconds=10)
    clock.advance(minutes=1)

    assert [look_batch(hub, programme) for _ in range(3)] == [3, 1, 0]
    assert len(gateway.asked_at) == 3


def test_a_message_that_the_vendor_does_not_know_is_asked_for_no_more(hub, programme, clock):
    def answer(asked):
        if asked.path == "/v2/sms/status":
            return reply({"success": False, "data": None, "message": "Not found"}, 404)
        return SmsAero.accepts(asked)

    with Remote(answer) as remote:
        create_installation(
            hub,
            programme_id=programme,
            connector="smsaero",
            name="sms",
            settings=SmsAero.form(remote.base_url),
        )
        put(hub, programme)
        later(hub, programme, clock, minutes=1)

    assert (kept(hub).state, kept(hub).look_at) == ("sent", None)


def test_the_sweep_rings_for_messages_that_are_to_be_asked_for(
    hub, programme, gateway, sent, clock
):
    while hub.bell.wait(0) is not None:
        pass
    clock.advance(minutes=1)
    sweep(hub)

    assert hub.bell.wait(0) == programme
