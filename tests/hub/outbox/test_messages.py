"""Messages: urgent first, at their hours, tried again, never twice by our own doing, never lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hub.installations import create_installation, set_state
from hub.outbox import dispatch
from hub.outbox.dispatch import send_batch
from hub.outbox.messages import TEXTS, send_message
from loyalty_core.domain.members import phone_key
from loyalty_core.service.members import NewMember, enrol_member
from loyalty_core.service.source import Source
from loyalty_core.store import members, outbox, sent_messages
from loyalty_core.store.database import read, write
from loyalty_kit.messages import segments
from loyalty_kit.testing.remote import DROP, Remote, Reply, always, json_reply
from tests.hub.api.client import new_programme
from tests.stand_ins.gateways import SmsAero, Smsc, SmsRu, reply
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

ANNA = phone_key("+79001234567")
NOON = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
"""In Moscow."""


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
def gateway():
    with Remote(SmsRu.accepts) as remote:
        yield remote


def connect(hub, programme, base_url, connector="smsru", form=SmsRu.form, **settings):
    return create_installation(
        hub,
        programme_id=programme,
        connector=connector,
        name="sms",
        settings=form(base_url) | settings,
    ).id


def put(hub, programme, key="1", *, urgent=False, lives=timedelta(days=3), **said):
    payload = {
        "channel": "sms",
        "message_class": "service",
        "text": f"text-{key}",
        "expires_at": (hub.clock.now() + lives).isoformat(),
        **said,
    }
    with write(hub.engine) as connection:
        member = anna(connection, hub, programme)
        notice = outbox.Notice(
            programme, outbox.MESSAGE, key, payload, member_id=member, urgent=urgent
        )
        outbox.announce(connection, [notice], now=hub.clock.now())


def anna(connection, hub, programme):
    """The number of a member, who is enrolled when she is first written to."""
    owners = members.owners(connection, programme, [ANNA])
    if not owners:
        source = Source(programme, "key:test")
        new = NewMember(phone=ANNA.value)
        enrol_member(connection, hub.plans, source, new, now=hub.clock.now())
    return members.owners(connection, programme, [ANNA])[ANNA]


def texts(gateway):
    return [
        part.removeprefix("msg=")
        for one in gateway.asked
        for part in one.body.decode().split("&")
        if part.startswith("msg=")
    ]


def rows(hub):
    table = outbox.outbox
    query = select(table.c.state, table.c.error_code, table.c.attempts).order_by(table.c.id)
    with read(hub.engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_message_written_twice_in_its_cause_is_sent_once(hub, programme, gateway):
    connect(hub, programme, gateway.base_url)
    for _ in range(2):
        put(hub, programme)
        send_batch(hub, programme)

    assert texts(gateway) == ["text-1"]
    assert rows(hub) == [("done", None, 1)]


def test_what_a_cause_took_back_is_not_sent(hub, programme, gateway):
    connect(hub, programme, gateway.base_url)
    notice = outbox.Notice(programme, outbox.MESSAGE, "1", {})

    def fails():
        with write(hub.engine) as connection:
            outbox.announce(connection, [notice], now=hub.clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    send_batch(hub, programme)

    assert texts(gateway) == []


def test_urgent_messages_pass_the_others(hub, programme, gateway):
    connect(hub, programme, gateway.base_url)
    for key in ("1", "2"):
        put(hub, programme, key)
    put(hub, programme, "3", urgent=True)
    while send_batch(hub, programme):
        pass

    assert texts(gateway) == ["text-3", "text-1", "text-2"]


def test_quiet_hours_delay_and_lose_nothing(hub, programme, gateway, clock):
    """Nine in the evening to nine in the morning, in Moscow."""
    connect(hub, programme, gateway.base_url)
    clock.advance(hours=9, minutes=30)
    put(hub, programme)
    put(hub, programme, "2", urgent=True)
    while send_batch(hub, programme):
        pass
    assert texts(gateway) == ["text-2"]

    clock.advance(hours=11, minutes=29)
    assert send_batch(hub, programme) == 0
    clock.advance(minutes=1)
    send_batch(hub, programme)
    assert texts(gateway) == ["text-2", "text-1"]
    assert rows(hub) == [("done", None, 1), ("done", None, 1)]


def test_the_same_hour_twice_is_no_quiet_hour(hub, programme, gateway, clock):
    connect(hub, programme, gateway.base_url, quiet_from="0", quiet_to="0")
    clock.advance(hours=12)
    put(hub, programme)
    send_batch(hub, programme)

    assert texts(gateway) == ["text-1"]


def test_a_gateway_that_is_down_is_tried_again_and_then_the_message_is_listed(
    hub, programme, clock
):
    with Remote(lambda asked: json_reply(status=502)) as gateway:
        connect(hub, programme, gateway.base_url, quiet_from="0", quiet_to="0")
        put(hub, programme, lives=timedelta(days=30))
        pauses = []
        while rows(hub)[0][0] == "due":
            before = clock.now()
            while not send_batch(hub, programme):
                clock.advance(seconds=10)
            pauses.append((clock.now() - before).total_seconds())

    assert pauses == [0, 10, 30, 120, 600, 3600, 21600, 86400]
    assert rows(hub) == [("dead", "remote_unavailable", 8)]


RATE_LIMITED = json_reply(status=429)
CODED = {"Content-Encoding": "gzip"}
UNCLEAR = {
    "an answer that is lost": ("smsru", SmsRu.form, DROP),
    "a proxy that waited in vain": ("smsc", Smsc.form, json_reply(status=504)),
    "no JSON": ("smsru", SmsRu.form, json_reply(b"<br />Warning: {")),
    "a coding that it is not": ("smsc", Smsc.form, Reply(200, b"{}", CODED)),
    "a number": ("smsc", Smsc.form, json_reply(b"1")),
    "SMS.RU in a list": ("smsru", SmsRu.form, json_reply(b"[100]")),
    "SMS.RU with a code that is none": ("smsru", SmsRu.form, reply({"status_code": "OK"})),
    "SMS Aero in a text": ("smsaero", SmsAero.form, json_reply(b'"accepted"')),
    "SMS Aero without a word": ("smsaero", SmsAero.form, reply({"data": {"id": 1}})),
    "SMS.RU without a code": ("smsru", SmsRu.form, reply({"status": "OK"})),
    "SMS.RU without the message": ("smsru", SmsRu.form, reply({"status_code": 100})),
    "SMSC without a number": ("smsc", Smsc.form, reply({"cnt": 1, "cost": "4.20"})),
    "SMS Aero without a number": ("smsaero", SmsAero.form, reply({"success": True})),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_a_gateway_may_have_taken_is_handed_over_once_more_and_then_listed(
    hub, programme, clock, case
):
    """Each time may be one more SMS to the same person, and one more that is paid for."""
    connector, form, answer = UNCLEAR[case]
    with Remote(always(answer)) as gateway:
        connect(hub, programme, gateway.base_url, connector, form, quiet_from="0", quiet_to="0")
        put(hub, programme)
        for _ in range(3 * 24):
            send_batch(hub, programme)
            clock.advance(hours=1)

    assert len(gateway.asked) == 2
    assert rows(hub)[0][:2] == ("dead", "not_answered")


STRANGE = {
    "less than nothing": {"id": 1, "cost": "-4.20"},
    "more than there is": {"id": 1, "cost": "1e40"},
    "no number of parts": {"id": 1, "cnt": 10**12},
    "less than a part": {"id": 1, "cnt": -1},
    "what no text holds": {"id": "\x00"},
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_a_vendor_says_of_a_message_that_it_took_brings_no_second_one(
    hub, programme, clock, case
):
    with Remote(always(reply(STRANGE[case]))) as gateway:
        connect(hub, programme, gateway.base_url, "smsc", Smsc.form, price="3.50")
        put(hub, programme)
        send_batch(hub, programme)
        clock.advance(hours=1)
        send_batch(hub, programme)

    assert len(gateway.asked) == 1
    assert rows(hub) == [("done", None, 1)]
    with read(hub.engine) as connection:
        (kept,) = sent_messages.page(connection, programme, {}, before=None, limit=9)
    assert (kept.state, kept.parts, kept.cost_minor) == ("sent", 1, 350)


def answering(*first):
    """What the gateway answers at first; then it takes what it is handed."""
    answers = iter(first)
    return lambda asked: next(answers, None) or SmsRu.accepts(asked)


def test_a_gateway_that_answers_the_second_time_has_the_message_once(hub, programme, clock):
    with Remote(answering(DROP, json_reply(status=503))) as gateway:
        connect(hub, programme, gateway.base_url)
        put(hub, programme)
        for _ in range(4):
            send_batch(hub, programme)
            clock.advance(minutes=2)

    assert len(gateway.asked) == 3
    assert rows(hub)[0][:2] == ("done", None)


def test_what_may_have_been_taken_stays_so_while_the_gateway_is_down(hub, programme, clock):
    """It would go out a third time, and at a gateway that falters a fourth and a fifth."""
    down = json_reply(status=503)
    with Remote(answering(DROP, down, RATE_LIMITED, DROP)) as gateway:
        connect(hub, programme, gateway.base_url)
        put(hub, programme)
        for _ in range(8):
            send_batch(hub, programme)
            clock.advance(minutes=3)

    assert len(gateway.asked) == 4
    assert rows(hub)[0][:2] == ("dead", "not_answered")


def test_what_may_have_been_taken_stays_so_over_the_night(hub, programme, clock):
    with Remote(answering(DROP, DROP)) as gateway:
        connect(hub, programme, gateway.base_url)
        clock.advance(hours=8, minutes=59, seconds=55)  # nine in the evening is near
        put(hub, programme)
        for _ in range(3):
            send_batch(hub, programme)
            clock.advance(seconds=30)
        assert len(gateway.asked) == 1
        for _ in range(3):
            clock.advance(hours=12)
            send_batch(hub, programme)

    assert len(gateway.asked) == 2
    assert rows(hub)[0][:2] == ("dead", "not_answered")


def test_what_may_have_been_taken_stays_so_while_the_connection_is_paused(hub, programme, clock):
    with Remote(answering(DROP, DROP)) as gateway:
        number = connect(hub, programme, gateway.base_url)
        put(hub, programme)
        send_batch(hub, programme)
        set_state(hub, number, "paused")
        clock.advance(minutes=1)
        send_batch(hub, programme)
        set_state(hub, number, "active")
        for _ in range(3):
            clock.advance(minutes=30)
            send_batch(hub, programme)

    assert len(gateway.asked) == 2
    assert rows(hub)[0][:2] == ("dead", "not_answered")


def test_what_is_over_before_it_could_be_sent_is_listed_and_not_sent(
    hub, programme, gateway, clock
):
    connect(hub, programme, gateway.base_url)
    put(hub, programme, urgent=True, lives=timedelta(minutes=3))
    clock.advance(minutes=3)
    send_batch(hub, programme)

    assert texts(gateway) == []
    assert rows(hub) == [("dead", "message_late", 1)]


def test_a_number_that_does_not_exist_is_listed_and_stops_nothing(hub, programme):
    with Remote(lambda asked: SmsRu.of_number(202)) as gateway:
        connect(hub, programme, gateway.base_url)
        put(hub, programme)
        send_batch(hub, programme)

    assert rows(hub) == [("dead", "undeliverable", 1)]


def test_without_a_connection_a_message_is_listed_with_the_reason(hub, programme):
    put(hub, programme)
    send_batch(hub, programme)

    assert rows(hub) == [("dead", "no_way", 1)]


def test_a_paused_connection_keeps_its_messages_but_what_somebody_waits_for(
    hub, programme, gateway
):
    number = connect(hub, programme, gateway.base_url)
    set_state(hub, number, "paused")
    put(hub, programme)
    put(hub, programme, "2", urgent=True)
    while send_batch(hub, programme):
        pass
    assert rows(hub) == [("due", "paused", 0), ("dead", "no_way", 1)]

    set_state(hub, number, "active")
    send_batch(hub, programme)
    assert texts(gateway) == ["text-1"]
    assert rows(hub)[0] == ("done", None, 1)


def test_going_on_twice_sends_what_has_waited_once(hub, programme, gateway):
    """The button is pressed twice, and the first message is on its way."""

    def on_its_way(hub, row):
        set_state(hub, number, "active")
        assert send_batch(hub, programme) == 0, "another worker has nothing to send"
        return send_message(hub, row)

    number = connect(hub, programme, gateway.base_url)
    set_state(hub, number, "paused")
    put(hub, programme)
    send_batch(hub, programme)
    set_state(hub, number, "active")
    send_batch(hub, programme, {"message": on_its_way})

    assert texts(gateway) == ["text-1"]
    assert rows(hub) == [("done", None, 1)]


def test_a_worker_killed_after_the_vendor_took_it_sends_it_again(hub, programme, gateway, clock):
    """At least once: nobody can know whether the mark or the message was lost."""

    class Killed(BaseException):
        pass

    def dies(hub, row):
        send_message(hub, row)
        raise Killed

    connect(hub, programme, gateway.base_url)
    put(hub, programme)
    with pytest.raises(Killed):
        send_batch(hub, programme, {outbox.MESSAGE: dies})
    clock.advance(minutes=4)
    assert send_batch(hub, programme) == 0
    clock.advance(minutes=1)
    send_batch(hub, programme)

    assert texts(gateway) == ["text-1", "text-1"]
    assert rows(hub) == [("done", None, 2)]


def test_what_a_slow_gateway_is_at_is_not_sent_by_another_worker(hub, programme, gateway, clock):
    others = []

    def dawdles(hub, row):
        clock.advance(minutes=4)
        others.append(send_batch(hub, programme))
        send_message(hub, row)

    connect(hub, programme, gateway.base_url)
    put(hub, programme)
    send_batch(hub, programme, {outbox.MESSAGE: dawdles})

    assert (others, texts(gateway)) == ([0], ["text-1"])


def test_a_slow_gateway_makes_room_for_what_is_urgent(hub, programme, gateway, clock):
    def slow(hub, row):
        send_message(hub, row)
        clock.advance(seconds=10)

    connect(hub, programme, gateway.base_url)
    for key in ("1", "2", "3"):
        put(hub, programme, key)
    send_batch(hub, programme, {outbox.MESSAGE: slow})
    put(hub, programme, "4", urgent=True)
    while send_batch(hub, programme):
        pass

    assert texts(gateway) == ["text-1", "text-2", "text-4", "text-3"]
    assert {attempts for _, _, attempts in rows(hub)} == {1}
    assert dispatch.SHIFT < dispatch.LEASE


def test_a_message_that_is_over_keeps_neither_address_nor_text(hub, programme, gateway):
    connect(hub, programme, gateway.base_url)
    put(hub, programme)
    send_batch(hub, programme)

    with read(hub.engine) as connection:
        assert connection.scalar(select(outbox.outbox.c.payload)) == {"channel": "sms"}


@pytest.mark.parametrize("locale", ["ru", "en"])
def test_a_code_is_one_sms(locale):
    """A gateway takes its price for each part."""
    assert segments(TEXTS[locale].format(code="123456")).parts == 1
