"""Rows of `docs/requirements.md` on letters to members, asked of the API as a shop would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from hub.installations import create_installation
from hub.outbox.dispatch import send_batch
from loyalty_kit.testing.remote import Remote
from tests.connectors.email.test_conformance import form as mail_form
from tests.hub.api.client import code_of
from tests.stand_ins.gateways import SmsRu
from tests.stand_ins.mail import MailServer, mail_server

PHONE = "+79161234567"
OWNER = "+79990001122"
"""The owner's own, which is no member's."""


@pytest.fixture
def gateway() -> Iterator[Remote]:
    with Remote(SmsRu.accepts) as remote:
        yield remote


@pytest.fixture
def sms(hub, programme_id, gateway) -> str:
    settings = SmsRu.form(gateway.base_url) | {"price": "4.50"}
    return create_installation(
        hub, programme_id=programme_id, connector="smsru", name="sms", settings=settings
    ).id


@pytest.fixture
def post() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def mail(hub, programme_id, post) -> str:
    settings = mail_form(post.base_url) | {"price": "0.10"}
    return create_installation(
        hub, programme_id=programme_id, connector="email", name="mail", settings=settings
    ).id


def send(hub, programme_id) -> None:
    while send_batch(hub, programme_id):
        pass


def texts(gateway: Remote) -> list[tuple[str, str]]:
    """(phone, text) of each SMS that the gateway was handed."""
    forms = [parse_qs(one.body.decode()) for one in gateway.asked if one.path == "/sms/send"]
    return [(form["to"][0], form["msg"][0]) for form in forms]


def preview(shop, kind="points_earned", channel="sms", **said: Any) -> Any:
    return shop.post("/messages/preview", {"kind": kind, "channel": channel, **said})


def put_text(shop, of: str, **words: Any) -> Any:
    return shop.put(f"/messages/kinds/{of}", words)


# --- texts ----------------------------------------------------------------------------------


def test_r59_a_mail_is_written_previewed_and_kept_by_version(shop, mail):
    of = "points_earned/email/ru"
    first = shop.get(f"/messages/kinds/{of}").get_json()
    made = put_text(shop, of, subject="Ура: {{ points }}", text="На счёте {{ balance }}")
    again = put_text(shop, of, subject="Ура: {{ points }}", text="На счёте {{ balance }}")
    second = put_text(shop, of, subject="Баллы", text="На счёте {{ balance }}")
    shown = preview(shop, channel="email").get_json()

    assert (first["version"], first["author"]) == (0, None)
    assert (made.status_code, made.get_json()["version"]) == (200, 1)
    assert (made.get_json()["author"], again.get_json()["version"]) == ("key:till", 1)
    assert second.get_json()["version"] == 2
    assert shop.get(f"/messages/kinds/{of}?version=1").get_json()["subject"] == "Ура: {{ points }}"
    assert shop.get(f"/messages/kinds/{of}?version=0").get_json()["html"] == first["html"]
    assert code_of(shop.get(f"/messages/kinds/{of}?version=9")) == (404, "version_not_found")
    assert (shown["subject"], shown["text"], shown["html"]) == ("Баллы", "На счёте 250", None)
    assert shown["segments"] is None
    assert shown["price"] == "0.10"


def test_r59_the_hubs_own_mail_has_its_style_at_the_elements(shop):
    shown = preview(shop, channel="email").get_json()

    assert shown["subject"] == "Начислено баллов: 57"
    assert 'style="font: 16px/1.5 Arial, sans-serif' in shown["html"]
    assert "<style>" not in shown["html"]
    assert "Анна, здравствуйте!" in shown["text"]


def test_r59_an_unknown_placeholder_is_named_and_nothing_is_kept(shop):
    of = "points_earned/email/ru"
    answer = put_text(shop, of, subject="a", text="{{ ponits }}")
    russian = shop.call(
        "PUT",
        f"/messages/kinds/{of}",
        {"subject": "a", "text": "{{ ponits }}"},
        headers={"Accept-Language": "ru"},
    )
    tried = preview(shop, channel="email", words={"subject": "a", "text": "{{ ponits }}"})

    assert code_of(answer) == (422, "validation_failed")
    assert answer.get_json()["errors"] == {"text": ["Unknown placeholder: ponits."]}
    assert russian.get_json()["errors"] == {"text": ["Неизвестная подстановка: ponits."]}
    assert tried.get_json()["errors"] == {"words.text": ["Unknown placeholder: ponits."]}
    assert shop.get(f"/messages/kinds/{of}").get_json()["version"] == 0


@pytest.mark.parametrize(
    "of", ["nothing/sms/ru", "welcome/pigeon/ru", "welcome/sms/fr"], ids="no {}".format
)
def test_r59_there_are_no_other_kinds_channels_and_languages(shop, of):
    assert code_of(shop.get(f"/messages/kinds/{of}")) == (404, "letter_not_found")
    assert code_of(put_text(shop, of, text="a")) == (404, "letter_not_found")


def test_r60_parts_of_an_sms_are_counted_and_priced(shop, sms):
    def shown(text: str) -> Any:
        return preview(shop, words={"text": text}).get_json()

    assert shown("ж" * 70)["segments"] == {"encoding": "ucs2", "units": 70, "parts": 1}
    assert shown("ж" * 70)["price"] == "4.50"
    assert shown("ж" * 71)["segments"] == {"encoding": "ucs2", "units": 71, "parts": 2}
    assert shown("ж" * 71)["price"] == "9.00"
    assert shown("a" * 161)["segments"] == {"encoding": "gsm7", "units": 161, "parts": 2}
    # Counted as it goes out, not as it is written.
    assert shown("a" * 158 + "{{ points }}")["segments"]["parts"] == 1


def test_r60_without_a_connection_there_is_no_price(shop):
    shown = preview(shop).get_json()

    assert shown["price"] is None
    assert shown["segments"]["parts"] == 1


def test_r15_the_balance_of_a_member_stands_in_a_text(shop):
    body = {"phone": PHONE, "first_name": "Анна", "last_name": "Петрова"}
    anna = shop.post("/members", body).get_json()["id"]
    once = {"Idempotency-Key": "a-1"}
    gift = {"amount": "12.50", "reason": "test"}
    assert shop.post(f"/members/{anna}/adjustments", gift, headers=once).status_code == 201
    words = {"text": "{{ first_name }}, {{ name }}: {{ balance }} ({{ pending }}) {{ tier }}."}

    assert preview(shop, member=anna, words=words).get_json()["text"] == (
        "Анна, Анна Петрова: 12,50 (0) ."
    )
    english = preview(shop, member=anna, words=words, locale="en").get_json()
    assert english["text"] == "Анна, Анна Петрова: 12.50 (0) ."
    assert code_of(preview(shop, member="m_1")) == (404, "member_not_found")


# --- channels -------------------------------------------------------------------------------


def test_r129_each_channel_with_its_connection_price_and_hours(shop, sms):
    by_channel = {one["channel"]: one for one in shop.get("/messages/channels").get_json()["items"]}

    assert by_channel["sms"] == {
        "channel": "sms",
        "policy": "allowed",
        "connection": sms,
        "name": "sms",
        "state": "active",
        "price": "4.50",
        "quiet_from": 21,
        "quiet_to": 9,
    }
    assert by_channel["email"]["connection"] is None
    shop.put("/programmes/shop/channels/sms", {"state": "service_only"})
    assert shop.get("/messages/channels").get_json()["items"][1]["policy"] == "service_only"


def trial(shop, to: str, channel: str = "sms", kind: str = "welcome", **said: Any) -> Any:
    return shop.post("/messages/test", {"kind": kind, "channel": channel, "to": to, **said})


def test_r129_a_test_message_by_each_channel(shop, hub, programme_id, sms, gateway, mail, post):
    by_sms = trial(shop, "8 (999) 000-11-22")
    by_mail = trial(shop, "owner@example.com", "email", locale="en")
    send(hub, programme_id)

    assert (by_sms.status_code, by_mail.status_code) == (202, 202)
    joined = "Чайная лавка: вы участник программы. Баллов на счёте: 250"
    assert texts(gateway) == [("79990001122", joined)]
    (letter,) = post.mails
    assert letter["Subject"] == "Welcome to Чайная лавка"
    kept = shop.get("/messages").get_json()["items"]
    assert [(one["id"], one["kind"], one["channel"], one["state"]) for one in kept] == [
        (by_mail.get_json()["id"], "test", "email", "sent"),
        (by_sms.get_json()["id"], "test", "sms", "sent"),
    ]
    # The gateway said what it costs; a mail server says nothing, so the price counts.
    assert [one["cost"] for one in kept] == ["0.10", "3.50"]
    assert OWNER not in str(kept)


def test_r129_a_test_message_goes_in_quiet_hours(shop, hub, programme_id, sms, gateway, clock):
    clock.advance(hours=8)
    trial(shop, OWNER)
    send(hub, programme_id)

    assert len(texts(gateway)) == 1


def test_r129_a_test_message_is_for_the_owner_and_not_for_a_member(shop, sms):
    shop.post("/members", {"phone": PHONE})
    answer = trial(shop, PHONE)

    assert code_of(answer) == (422, "validation_failed")
    assert answer.get_json()["errors"] == {
        "to": ["Belongs to a member: a trial goes to an address of your own."]
    }


@pytest.mark.parametrize(
    ("to", "channel", "expected"),
    [
        ("12", "sms", "phone_impossible"),
        ("no address", "email", "validation_failed"),
        (OWNER, "pigeon", "validation_failed"),
    ],
)
def test_r129_a_test_message_needs_an_address(shop, sms, mail, to, channel, expected):
    assert code_of(trial(shop, to, channel)) == (422, expected)


def test_r129_without_a_connection_there_is_no_test(shop):
    assert code_of(trial(shop, OWNER)) == (422, "not_available")


def test_r129_ten_tests_an_hour_also_at_once(shop, sms, engine, clock):
    with ThreadPoolExecutor(4 if engine.dialect.name == "sqlite" else 16) as pool:
        got = list(pool.map(lambda n: trial(shop, OWNER).status_code, range(16)))
    late = trial(shop, OWNER)

    assert (got.count(202), got.count(429)) == (10, 6)
    assert (code_of(late), late.headers["Retry-After"]) == ((429, "rate_limited"), "3600")
    clock.advance(hours=1, seconds=1)
    assert trial(shop, OWNER).status_code == 202


def test_r129_a_test_that_cannot_be_delivered_is_shown(shop, hub, programme_id):
    with Remote(lambda asked: SmsRu.of_number(202)) as remote:
        create_installation(
            hub,
            programme_id=programme_id,
            connector="smsru",
            name="sms",
            settings=SmsRu.form(remote.base_url),
        )
        trial(shop, OWNER)
        send(hub, programme_id)

    (kept,) = shop.get("/messages?state=failed").get_json()["items"]
    assert (kept["state"], kept["reason"]) == ("failed", "undeliverable")
    assert shop.get("/messages?state=sent").get_json()["items"] == []
