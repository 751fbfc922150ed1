"""The console's page of messages: channels, letters, their texts, a trial."""

from __future__ import annotations

import re

import pytest

from hub.installations import create_installation, list_installations, set_state
from hub.outbox.dispatch import send_batch
from hub.registry import load_registry
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from loyalty_kit.testing.remote import Remote
from tests.hub.web.conftest import add_programme, hashed_password
from tests.stand_ins.gateways import SmsRu
from tests.support.clock import NOON
from tests.support.hub import make_hub

MESSAGES = "/admin/p/demo/messages/"
EARNED = f"{MESSAGES}points_earned/sms/ru"


@pytest.fixture
def hub(pages_engine):
    hub = make_hub(pages_engine, registry=load_registry(None))
    with write(pages_engine) as connection:
        add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    return hub


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.fixture
def gateway(hub, programme_id):
    with Remote(SmsRu.accepts) as remote:
        create_installation(
            hub,
            programme_id=programme_id,
            connector="smsru",
            name="sms gateway",
            settings=SmsRu.form(remote.base_url) | {"price": "4.50"},
        )
        yield remote


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_gateways_of_messages_are_no_shops(owner):
    first_run = words_of(owner.page("/admin/p/demo/first-run/connect"))
    assert ("MoySklad" in first_run, "SMS.RU" in first_run) == (True, False)

    shops, gateways = words_of(owner.page("/admin/p/demo/connections/new")).split(
        "Messages to members"
    )
    assert ("MoySklad" in shops, "SMS.RU" in shops, "SMS.RU" in gateways) == (True, False, True)
    assert ("Takes answers" in gateways, "order" in gateways) == (True, False)


def test_channels_show_connection_price_and_hours(owner, gateway):
    shown = words_of(owner.page(MESSAGES))

    assert "sms gateway" in shown
    assert "4.50" in shown
    assert "21:00–09:00" in shown
    assert "Not connected" in shown


def test_a_letter_is_switched_on_and_off(owner):
    owner.send(MESSAGES, f"{MESSAGES}birthday/switch", on="yes")
    on = owner.page(MESSAGES)
    owner.send(MESSAGES, f"{MESSAGES}birthday/switch", on="no")
    off = owner.page(MESSAGES)

    assert (on.count("Switch off"), off.count("Switch off")) == (1, 0)


def test_a_text_is_looked_at_and_saved(owner, gateway):
    looked = owner.send(EARNED, EARNED, text="ж" * 71, look="yes", base=0)
    before = words_of(owner.page(EARNED))
    saved = owner.send(EARNED, EARNED, text="Ура: {{ points }}", base=0)
    after = words_of(owner.page(EARNED))

    assert looked.status_code == 200
    assert "9.00" in words_of(looked.text)
    assert "Version the hub's own" in before
    assert saved.status_code == 302
    assert "Ура: 57" in after
    assert "Version 1" in after


def test_of_two_people_at_one_text_the_second_is_shown_what_the_first_wrote(owner, gateway):
    """Both have opened it while it was the hub's own."""
    owner.send(EARNED, EARNED, text="Ура: {{ points }}", base=0)
    late = owner.send(EARNED, EARNED, text="Баллы: {{ points }}", base=0)

    assert late.status_code == 409
    assert "owner has saved version 1 since you opened this page" in words_of(late.text)
    assert "Ура: {{ points }}" in words_of(late.text), "theirs"
    assert re.search(r"<textarea[^>]*>Баллы: {{ points }}</textarea>", late.text), "one's own"
    assert "Ура: 57" in words_of(owner.page(EARNED)), "is in force"
    assert re.search(r'name="base" value="(\d+)"', late.text)[1] == "1"
    assert owner.send(EARNED, EARNED, text="Баллы: {{ points }}", base=1).status_code == 302
    assert "Баллы: 57" in words_of(owner.page(EARNED))


def test_who_previews_goes_on_from_the_version_that_was_opened(owner, gateway):
    owner.send(EARNED, EARNED, text="Ура: {{ points }}", base=0)
    looked = owner.send(EARNED, EARNED, text="Баллы: {{ points }}", look="yes", base=0)
    assert re.search(r'name="base" value="(\d+)"', looked.text)[1] == "0"


def test_a_wrong_text_is_kept_in_the_form_with_the_reason(owner):
    answer = owner.send(EARNED, EARNED, text="{{ ponits }}", base=0)

    assert answer.status_code == 422
    assert "Unknown placeholder: ponits." in answer.text
    assert "{{ ponits }}" in answer.text
    assert "Version" not in words_of(answer.text)


@pytest.mark.parametrize("look", [{}, {"look": "yes"}])
def test_a_text_that_is_too_long_stays_in_the_form(owner, look):
    mail = f"{MESSAGES}points_earned/email/ru"
    typed = {"subject": "a", "text": "б" * 10_001, "html": "<p>в</p>"}
    answer = owner.send(mail, mail, **typed, **look, base=0)

    assert answer.status_code == 422
    assert re.search(r'id="wrong-text">([^<]*)', answer.text)[1] == "Too long."
    assert "б" * 10_001 in answer.text


def test_a_trial_goes_out_and_shows(owner, hub, programme_id, gateway):
    told = {"kind": "welcome", "channel": "sms", "locale": "ru"}
    owner.send(MESSAGES, f"{MESSAGES}test", to="+79990001122", **told)
    send_batch(hub, programme_id)
    shown = words_of(owner.page(MESSAGES))

    assert [one.path for one in gateway.asked] == ["/sms/send"]
    assert "Last messages" in shown
    assert "0001122" not in shown


def test_what_did_not_arrive_shows_why(owner, hub, programme_id, gateway):
    told = {"kind": "welcome", "channel": "sms", "locale": "ru", "to": "+79990001122"}
    owner.send(MESSAGES, f"{MESSAGES}test", **told)
    set_state(hub, list_installations(hub, programme_id)[0].id, "paused")
    send_batch(hub, programme_id)
    shown = words_of(owner.page(MESSAGES))

    assert "No address or no connection" in shown
    assert "sms gateway Paused" in shown


@pytest.mark.parametrize(
    ("to", "channel", "said"),
    [
        ("12", "sms", "There can be no such phone number."),
        ("owner@example.com", "email", "No connection sends by this channel."),
    ],
)
def test_a_trial_that_cannot_go_says_why_and_keeps_what_was_typed(
    owner, gateway, to, channel, said
):
    told = {"kind": "birthday", "channel": channel, "locale": "en"}
    answer = owner.send(MESSAGES, f"{MESSAGES}test", to=to, **told)

    assert answer.status_code == 422
    assert said in words_of(answer.text)
    assert f'name="to" value="{to}"' in answer.text
    chosen = re.findall(r'<option value="(\w+)" selected', answer.text)
    assert chosen == [channel, "birthday", "en"]


def test_the_pages_speak_russian(visitor, gateway):
    someone = visitor("ru")
    someone.log_in()

    assert "Письма участникам" in words_of(someone.page(MESSAGES))
    assert "Предпросмотр" in words_of(someone.page(EARNED))


@pytest.mark.parametrize("path", ["nothing/sms/ru", "welcome/pigeon/ru", "welcome/sms/fr"])
def test_there_are_no_other_texts(owner, path):
    assert owner.get(MESSAGES + path).status_code == 404
