"""X13: what was said is asked for at the moment of sending; the policy; the way out.

The clock stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.installations import create_installation
from hub.outbox.dispatch import send_batch
from loyalty_core.service.channels import shipped_policy
from loyalty_core.store import outbox
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import outbox as outbox_rows
from loyalty_kit.testing.remote import Remote
from tests.connectors.email.test_conformance import form as mail_form
from tests.hub.api.bodies import ANNA, a_purchase
from tests.hub.api.client import code_of
from tests.stand_ins.gateways import SmsRu
from tests.stand_ins.mail import MailServer, mail_server
from tests.support.consents import HUB, link, no, publish_all, reason, said, stands, yes
from tests.support.hub import make_hub

BORIS = "+79162223344"
CHANNELS = "/programmes/shop/channels"


@pytest.fixture
def hub(engine, clock, tmp_path):
    return make_hub(engine, clock=clock, data_dir=tmp_path / "data", public_url=HUB)


@pytest.fixture
def texts(shop) -> None:
    """Version 1 of each text, in force for an hour."""
    publish_all(shop)


@pytest.fixture
def anna(shop, texts) -> str:
    return shop.post("/members", {"phone": ANNA, "email": "anna@example.com"}).get_json()["id"]


@pytest.fixture
def gateway(hub, programme_id) -> Iterator[Remote]:
    with Remote(SmsRu.accepts) as remote:
        settings = SmsRu.form(remote.base_url)
        create_installation(
            hub, programme_id=programme_id, connector="smsru", name="sms", settings=settings
        )
        yield remote


@pytest.fixture
def mailbox(hub, programme_id) -> Iterator[MailServer]:
    with mail_server() as server:
        create_installation(
            hub,
            programme_id=programme_id,
            connector="email",
            name="mail",
            settings=mail_form(server.base_url),
        )
        yield server


def enqueue(hub, programme_id, member: str, key: str, **told: Any) -> None:
    """An advertisement, unless it is told otherwise."""
    payload = {
        "channel": "sms",
        "text": f"text-{key}",
        "subject": key,
        "expires_at": (hub.clock.now() + timedelta(days=3)).isoformat(),
        **told,
    }
    number = from_wire("m", member)
    notice = outbox.Notice(programme_id, outbox.MESSAGE, key, payload, member_id=number)
    with write(hub.engine) as connection:
        outbox.announce(connection, [notice], now=hub.clock.now())


def drain(hub, programme_id) -> list[tuple[str, str | None]]:
    """What became of each message."""
    while send_batch(hub, programme_id):
        pass
    query = select(outbox_rows.c.state, outbox_rows.c.error_code).order_by(outbox_rows.c.id)
    query = query.where(outbox_rows.c.kind == outbox.MESSAGE)
    with read(hub.engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def arrived(gateway: Remote) -> list[str]:
    forms = [parse_qs(one.body.decode()) for one in gateway.asked if one.path == "/sms/send"]
    return [form["msg"][0] for form in forms]


# --- the gate -------------------------------------------------------------------------------


def test_x13_what_is_queued_before_an_opt_out_is_not_sent(
    shop, hub, programme_id, anna, gateway, app
):
    said(shop, anna, yes())
    enqueue(hub, programme_id, anna, "1")
    assert drain(hub, programme_id) == [("done", None)]
    assert arrived(gateway) == ["text-1"]

    enqueue(hub, programme_id, anna, "2")
    enqueue(hub, programme_id, anna, "3", message_class="service")
    said(shop, anna, no())

    ended = [("done", None), ("done", "opted_out"), ("done", None)]
    assert drain(hub, programme_id) == ended
    assert arrived(gateway) == ["text-1", "text-3"]
    metrics = app.test_client().get("/metrics").text
    assert 'hub_messages_withheld_total{reason="opted_out"} 1.0' in metrics
    assert 'hub_outbox_worked_total{outcome="dropped"} 1.0' in metrics
    messages = shop.get(f"/members/{anna}/export").get_json()["messages"]
    assert [one["reason"] for one in messages] == [None, "opted_out", None]


def test_x13_a_message_that_does_not_say_what_it_is_is_advertising(
    shop, hub, programme_id, anna, gateway
):
    enqueue(hub, programme_id, anna, "1")
    enqueue(hub, programme_id, anna, "2", message_class="news")
    enqueue(hub, programme_id, anna, "3", message_class="service")

    ended = [("done", "no_consent"), ("done", "no_consent"), ("done", None)]
    assert drain(hub, programme_id) == ended
    assert arrived(gateway) == ["text-3"]


def test_x13_who_was_enrolled_by_a_receipt_gets_codes_alone(
    shop, hub, programme_id, texts, gateway, clock
):
    """`ledger.md` 29: until the person speaks."""
    member = shop.post("/purchases", a_purchase()).get_json()["member"]
    enqueue(hub, programme_id, member, "1", message_class="service")
    body = {"member": {"phone": ANNA}, "purpose": "spend", "cart": "c-1"}
    assert shop.post("/confirmations", body).status_code == 202
    assert sorted(drain(hub, programme_id), key=str) == [
        ("done", "unconfirmed"),
        ("done", None),
    ]
    assert len(arrived(gateway)) == 1
    assert "код подтверждения" in arrived(gateway)[0]

    said(shop, member, yes("processing"))
    assert shop.get(f"/members/{member}").get_json()["state"] == "active"
    assert reason(hub, programme_id, member, message_class="service") is None
    assert reason(hub, programme_id, member) == "no_consent"


def test_x13_a_forbidden_channel_carries_no_codes_either(shop, hub, programme_id, anna, gateway):
    body = {"member": {"phone": ANNA}, "purpose": "spend", "cart": "c-1"}
    assert shop.post("/confirmations", body).status_code == 202
    shop.put(f"{CHANNELS}/sms", {"state": "forbidden"})

    assert code_of(shop.post("/confirmations", {**body, "cart": "c-2"})) == (422, "not_available")
    assert drain(hub, programme_id) == [("done", "channel_forbidden")]
    assert arrived(gateway) == []


def test_x13_withdrawing_processing_ends_all_advertising_at_once(
    shop, hub, programme_id, anna, clock
):
    said(shop, anna, yes("processing"), yes(), yes(channel="email"), yes("third_parties"))
    clock.advance(minutes=1)
    told = said(shop, anna, no("processing"))

    assert told["erase_by"] == "2026-04-13T12:01:00+00:00"
    assert stands(shop, anna) == dict.fromkeys(
        ("email", "sms", "processing", "third_parties"), False
    )
    by = {one["channel"]: one["proof"]["how"] for one in told["history"] if not one["given"]}
    assert by["sms"] == "with_processing"
    clock.advance(minutes=1)
    said(shop, anna, yes())
    assert reason(hub, programme_id, anna) == "opted_out"
    said(shop, anna, yes("processing"))
    assert reason(hub, programme_id, anna) is None
    assert reason(hub, programme_id, anna, "email") == "opted_out", "each is said anew"


def test_x13_the_policy_changes_at_its_midnight_in_moscow(shop, hub, programme_id, anna):
    """10 February 2026: access to Telegram is restricted, so no advertising from then on."""
    assert {*shipped_policy()} == {
        *("sms", "email", "push", "telegram", "whatsapp", "vk", "max", "viber")
    }
    said(shop, anna, yes(channel="telegram"))
    midnight = datetime(2026, 2, 9, 21, 0, tzinfo=UTC)

    def at(moment: datetime, message_class: str = "advertising") -> str | None:
        return reason(hub, programme_id, anna, "telegram", message_class, moment)

    assert at(midnight - timedelta(microseconds=1)) is None
    assert at(midnight) == "service_only"
    assert at(midnight, "service") is None
    assert reason(hub, programme_id, anna, "whatsapp", "code") == "channel_forbidden"
    assert reason(hub, programme_id, anna, "pigeon", "service") == "channel_forbidden"


def test_x13_an_owner_is_stricter_and_never_looser(shop, hub, programme_id, anna):
    said(shop, anna, yes())
    for state, expected in (
        ("service_only", [None, "service_only", None]),
        ("forbidden", ["channel_forbidden"] * 3),
        ("allowed", [None, None, None]),
    ):
        told = shop.put(f"{CHANNELS}/sms", {"state": state}).get_json()
        assert (told["state"], told["own"], told["shipped"]["state"]) == (state, state, "allowed")
        found = [
            reason(hub, programme_id, anna, "sms", one)
            for one in ("code", "advertising", "service")
        ]
        assert found == expected

    looser = shop.put(f"{CHANNELS}/viber", {"state": "allowed"})
    assert looser.get_json()["errors"] == {
        "state": ["Must not be looser than the policy that is shipped."]
    }
    assert code_of(shop.put(f"{CHANNELS}/pigeon", {"state": "forbidden"})) == (
        404,
        "channel_not_found",
    )
    assert code_of(shop.put(f"{CHANNELS}/sms", {"state": "loud"})) == (422, "validation_failed")
    items = {one["channel"]: one for one in shop.get(CHANNELS).get_json()["items"]}
    assert items["viber"]["state"] == "service_only"
    assert "38-FZ" in items["viber"]["shipped"]["source"]


# --- the way out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "title", "button"),
    [("ru", "Отказ от рекламы", "Отказаться"), ("en", "No more advertising", "<button>No more")],
)
def test_x13_a_page_asks_and_a_click_ends_it_in_both_languages(
    shop, hub, programme_id, anna, app, language, title, button
):
    said(shop, anna, yes())
    browser, path = app.test_client(), link(hub, anna)
    asked = browser.get(path, headers={"Accept-Language": language})
    assert (asked.status_code, asked.headers["Content-Language"]) == (200, language)
    assert title in asked.text
    assert button in asked.text
    assert "79161234567" not in asked.text
    assert stands(shop, anna) == {"sms": True}, "to look ends nothing"

    done = browser.post(f"{path}?lang={language}", headers={"Accept-Language": "de"})
    assert done.status_code == 200
    assert done.headers["Content-Language"] == language
    assert button not in done.text
    assert "Set-Cookie" not in done.headers
    assert browser.post(path).status_code == 200, "once more does no harm"
    assert stands(shop, anna) == {"sms": False}
    (last, _) = shop.get(f"/members/{anna}/consents").get_json()["history"]
    assert (last["proof"]["how"], last["recorded_by"]) == ("link", "link")
    assert reason(hub, programme_id, anna) == "opted_out"
    assert reason(hub, programme_id, anna, message_class="service") is None


def test_x13_mail_carries_the_way_out_and_one_click_uses_it(
    shop, hub, programme_id, anna, app, mailbox
):
    """RFC 8058: the mail program posts to the address of the header, and nothing else."""
    said(shop, anna, yes(channel="email"))
    enqueue(hub, programme_id, anna, "1", channel="email")
    enqueue(hub, programme_id, anna, "2", channel="email", message_class="service")
    assert drain(hub, programme_id) == [("done", None)] * 2
    advertising, service = mailbox.mails
    assert service["List-Unsubscribe"] is None
    assert advertising["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = advertising["List-Unsubscribe"].strip("<>")
    assert address == HUB + link(hub, anna, "email")

    enqueue(hub, programme_id, anna, "3", channel="email")
    form = {"List-Unsubscribe": "One-Click"}
    answer = app.test_client().post(
        address.removeprefix(HUB), data=form, content_type="multipart/form-data"
    )

    assert answer.status_code == 200
    assert drain(hub, programme_id)[-1] == ("done", "opted_out")
    assert len(mailbox.mails) == 2
    (last, _) = shop.get(f"/members/{anna}/consents").get_json()["history"]
    assert last["proof"]["how"] == "one_click"


def test_x13_advertising_mail_without_a_way_out_does_not_go(
    shop, hub, programme_id, anna, gateway, mailbox
):
    """Nobody told this hub the address under which people reach it."""
    nameless = replace(hub, config=replace(hub.config, public_url=None))
    said(shop, anna, yes(), yes(channel="email"))
    enqueue(hub, programme_id, anna, "1", channel="email")
    enqueue(hub, programme_id, anna, "2", channel="email", message_class="service")
    enqueue(hub, programme_id, anna, "3")

    assert drain(nameless, programme_id) == [("done", "no_way_out"), ("done", None), ("done", None)]
    assert [mail["Subject"] for mail in mailbox.mails] == ["2"]
    assert arrived(gateway) == ["text-3"]


def test_x13_a_forged_link_leads_nowhere(shop, hub, programme_id, anna, app, clock):
    said(shop, anna, yes(), yes(channel="email"))
    boris = shop.post("/members", {"phone": BORIS}).get_json()["id"]
    good, browser = link(hub, anna), app.test_client()
    head, _, mark = good.rpartition(".")
    forged = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good + "A",
        head,
        f"{head.replace('.sms', '.email')}.{mark}",
        f"/c/{boris.removeprefix('m_')}.sms.{mark}",
        "/c/x",
        "/c/%00.sms.AAAA",
        "/c/m.%D1%8F.AAAA",
    ]
    for path in forged:
        for method in ("GET", "POST"):
            answer = browser.open(path, method=method)
            assert answer.status_code == 404, path
    assert stands(shop, anna) == {"sms": True, "email": True}

    statuses = [browser.post("/c/x").status_code for _ in range(60)]
    assert statuses[-1] == 429
    assert browser.post(good).status_code == 200, "a right link is never told to wait"
    clock.advance(minutes=1)
    assert browser.get("/c/x").status_code == 404


def test_x13_old_links_outlive_a_new_key_of_the_vault(shop, hub, anna, app, engine, clock):
    old = link(hub, anna)
    keys = ("1" * 42 + "A=", *hub.config.secret_keys)
    newer = make_hub(engine, clock=clock, public_url=HUB, secret_keys=keys)
    assert link(newer, anna) != old

    for path in (old, link(newer, anna)):
        assert create_app(newer).test_client().get(path).status_code == 200
