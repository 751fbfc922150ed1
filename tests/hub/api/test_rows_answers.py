"""X13: who answers an SMS with a word like СТОП gets no more advertising; what became of an SMS.

The clock stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from connectors.smsc.schemas import Settings
from hub.deliveries import replay_delivery
from hub.ingest.process import work_batch
from hub.ingest.pull import do_duty
from hub.installations import create_installation
from hub.jobs.drain import drain
from loyalty_core.domain.consents import STOP_WORDS, asks_to_stop
from loyalty_core.store.database import read
from loyalty_core.store.ids import to_wire
from loyalty_core.store.tables import deliveries
from loyalty_kit.settings import form_fields
from loyalty_kit.testing.remote import Remote
from tests.hub.api.bodies import ANNA
from tests.hub.api.test_rows_opt_out import drain as sent
from tests.hub.api.test_rows_opt_out import enqueue
from tests.stand_ins.gateways import Smsc, SmsRu, form_of, reply
from tests.support.consents import publish_all, said, stands, yes

DIGITS = ANNA.removeprefix("+")


class Gateway:
    """SMSC.  `answers`: what people sent to the account's number; `strange`: among them, answers
    as no page of the vendor's has them."""

    def __init__(self) -> None:
        self.answers: dict[int, tuple[str, str]] = {}
        self.strange: list[dict[str, object]] = []
        self.status: int | None = 0
        self.looked: list[dict[str, str]] = []

    def reply(self, asked):
        if asked.path == "/sys/get.php":
            told = Smsc.answered(form_of(asked), self.answers)
            return reply([*json.loads(told.body), *self.strange])
        if asked.path == "/sys/status.php":
            self.looked.append(form_of(asked))
            if self.status is None:
                return reply({"error": "message not found", "error_code": 3})
            return Smsc.state_of(self.status)
        return Smsc.accepts(asked)


def connect(hub, programme_id, code, form) -> None:
    create_installation(hub, programme_id=programme_id, connector=code, name="sms", settings=form)


@pytest.fixture
def gateway(hub, programme_id) -> Iterator[Gateway]:
    made = Gateway()
    with Remote(made.reply) as remote:
        connect(hub, programme_id, "smsc", Smsc.form(remote.base_url) | {"answers": "true"})
        yield made


@pytest.fixture
def anna(shop) -> str:
    """A member who agreed to advertising by SMS."""
    publish_all(shop)
    member = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    said(shop, member, yes())
    return member


def later(hub, programme_id, **by) -> None:
    hub.clock.advance(**(by or {"seconds": hub.config.pull_s}))
    drain(hub, programme_id)


def results(hub) -> list[dict[str, int]]:
    """What the console shows of each answer, in their order."""
    with read(hub.engine) as connection:
        rows = connection.scalars(select(deliveries.c.result).order_by(deliveries.c.id))
        return [row["answers"] for row in rows if "answers" in row]


def history(shop, member):
    told = shop.get(f"/members/{member}/consents").get_json()["history"]
    return [(one["given"], one["proof"]["how"], one["proof"]["ref"]) for one in told]


def test_x13_an_answer_ends_advertising_also_of_what_is_queued(
    shop, hub, programme_id, anna, gateway, caplog
):
    drain(hub, programme_id)
    gateway.answers = {
        7: (DIGITS, "  стоп! надоело"),
        5: (DIGITS, "Спасибо"),
        6: ("79990000000", "СТОП"),
        8: ("not a phone", "STOP"),
    }
    enqueue(hub, programme_id, anna, "1")
    hub.clock.advance(seconds=hub.config.pull_s)
    while do_duty(hub, programme_id):
        pass
    assert work_batch(hub, programme_id) == 4

    assert stands(shop, anna) == {"sms": False}
    assert history(shop, anna)[0] == (False, "reply", "smsc:7")
    assert results(hub) == [{"other": 1}, {"nobody": 1}, {"opted_out": 1}, {"nobody": 1}]
    assert sent(hub, programme_id) == [("done", "opted_out")]
    assert DIGITS not in caplog.text
    assert "надоело" not in caplog.text


def test_x13_the_same_answer_again_ends_nothing_that_was_agreed_to_since(
    shop, hub, programme_id, anna, gateway
):
    drain(hub, programme_id)
    gateway.answers = {5: (DIGITS, "STOP")}
    later(hub, programme_id)
    later(hub, programme_id)
    assert len(history(shop, anna)) == 2, "once"
    hub.clock.advance(hours=1)
    said(shop, anna, yes())
    with read(hub.engine) as connection:
        (number,) = connection.scalars(select(deliveries.c.id)).all()
    replay_delivery(hub, to_wire("d", number))
    later(hub, programme_id)

    assert stands(shop, anna) == {"sms": True}
    gateway.answers[6] = (DIGITS, "Отписаться")
    later(hub, programme_id)
    assert stands(shop, anna) == {"sms": False}


STRANGE = [
    {"phone": "79990000000", "message": "СТОП"},
    {"id": None, "phone": "79990000000", "message": "СТОП"},
    {"id": "x", "phone": "79990000000", "message": "СТОП"},
]


def test_x13_an_answer_without_a_number_holds_up_no_other(shop, hub, programme_id, anna, gateway):
    drain(hub, programme_id)
    gateway.strange = STRANGE
    gateway.answers = {7: (DIGITS, "СТОП"), 8: ("79990000000", "Спасибо")}
    later(hub, programme_id)

    assert stands(shop, anna) == {"sms": False}
    assert sorted(results(hub), key=str) == [{"opted_out": 1}, {"other": 1}]


def test_x13_answers_none_of_which_has_a_number_are_shown_to_the_owner(
    shop, hub, programme_id, anna, gateway
):
    drain(hub, programme_id)
    gateway.strange = STRANGE
    later(hub, programme_id)

    (home,) = shop.get("/installations").get_json()["items"]
    assert (home["state"], home["trouble"]) == ("attention", "payload_invalid")
    gateway.strange = []
    gateway.answers = {7: (DIGITS, "СТОП")}
    later(hub, programme_id, minutes=10)
    assert stands(shop, anna) == {"sms": False}


def test_x13_no_answers_are_asked_for_unless_the_owner_wants_them(hub, programme_id, shop, anna):
    made = Gateway()
    made.answers = {5: (DIGITS, "STOP")}
    with Remote(made.reply) as remote:
        connect(hub, programme_id, "smsc", Smsc.form(remote.base_url))
        drain(hub, programme_id)
        later(hub, programme_id)
        assert [one.path for one in remote.asked if one.path == "/sys/get.php"] == []
    assert stands(shop, anna) == {"sms": True}


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("СТОП", True),
        ("Стоп.", True),
        ("stop please", True),
        ("«Отписка»", True),
        ("отказ от рекламы", True),
        ("UNSUBSCRIBE", True),
        ("не стоп", False),
        ("стопка книг", False),
        ("когда откроетесь?", False),
        ("...", False),
        ("", False),
    ],
)
def test_an_answer_begins_with_a_word_to_stop(text, stops):
    assert asks_to_stop(text) is stops


def test_the_form_tells_the_words():
    (box,) = [one for one in form_fields(Settings) if one.name == "answers"]
    for words in box.help.values():
        assert all(word.upper() in words for word in STOP_WORDS)


@pytest.mark.parametrize(
    ("status", "state"),
    [(0, "sent"), (1, "delivered"), (20, "failed"), (3, "failed"), (-3, "sent"), (99, "sent")],
)
def test_smsc_is_asked_by_the_phone_of_its_member(
    shop, hub, programme_id, anna, gateway, status, state
):
    enqueue(hub, programme_id, anna, "1")
    drain(hub, programme_id)
    gateway.status = status
    later(hub, programme_id, minutes=1)

    (message,) = shop.get("/messages").get_json()["items"]
    assert (message["state"], message["reference"]) == (state, "1")
    (looked,) = gateway.looked
    assert (looked["phone"], looked["id"]) == (DIGITS, "1")
    later(hub, programme_id, minutes=1)
    assert len(gateway.looked) == (2 if state == "sent" and status != -3 else 1)


def test_a_message_that_smsc_does_not_know_is_asked_for_once_and_holds_up_no_report(
    shop, hub, programme_id, anna, gateway
):
    """As where the member's phone has changed since; of one who only asks, 3 says nothing of
    money."""
    for key in ("1", "2"):
        enqueue(hub, programme_id, anna, key)
    drain(hub, programme_id)
    gateway.status = None
    later(hub, programme_id, minutes=1)
    assert len(gateway.looked) == 2
    later(hub, programme_id, days=1)

    assert len(gateway.looked) == 2
    assert {one["state"] for one in shop.get("/messages").get_json()["items"]} == {"sent"}


@pytest.mark.parametrize(
    ("code", "state", "cost"),
    [
        (102, "sent", "0.50"),
        (103, "delivered", "0.50"),
        (104, "failed", "0.50"),
        (130, "failed", "0.50"),
        (-1, "sent", "3.50"),
        (777, "sent", "0.50"),
    ],
)
def test_sms_ru_is_asked_by_the_number_of_the_message(
    shop, hub, programme_id, anna, code, state, cost
):
    def reply(asked):
        if asked.path == "/sms/status":
            return SmsRu.state_of(form_of(asked)["sms_id"], code)
        return SmsRu.accepts(asked)

    with Remote(reply) as remote:
        connect(hub, programme_id, "smsru", SmsRu.form(remote.base_url))
        enqueue(hub, programme_id, anna, "1")
        drain(hub, programme_id)
        later(hub, programme_id, minutes=1)

    (message,) = shop.get("/messages").get_json()["items"]
    assert (message["state"], message["cost"]) == (state, cost)
