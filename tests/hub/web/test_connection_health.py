"""The health of a connection: on its page, as a file, by API and by command."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from email.utils import format_datetime
from importlib import import_module

import pytest

from hub.app import create_app
from hub.connections import advice
from hub.installations import create_installation, set_state, show_balances
from hub.jobs.drain import drain
from hub.registry import registry_of
from hub.web.admin import words as admin_words
from loyalty_core.service.admins import create_admin
from loyalty_core.store.audit import notes
from loyalty_core.store.database import read, write
from loyalty_kit.errors import ConnectorError
from loyalty_kit.testing.remote import Remote, Reply, json_reply
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import Visitor, add_programme, hashed_password
from tests.support import acmepos
from tests.support.browser import chromium, served
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub

BUYER = "buyer-of-the-tests-77"
PAGE = {"ids": [], "cursor": "x", "more": False}


class Acme:
    """An Acme cloud on a real socket: its clock, its limits and its webhooks."""

    def __init__(self):
        self.ahead = timedelta()
        self.limits = {"X-RateLimit-Limit": "45", "X-RateLimit-Remaining": "40"}
        self.webhooks = {"receipt.closed": True, "receipt.returned": True}
        self.refuses = None
        self.hides_webhooks = False

    def __call__(self, asked):
        if self.refuses is not None:
            return self._told({}, status=self.refuses)
        if asked.path == "/webhooks":
            if self.hides_webhooks:
                return self._told({}, status=403)
            if asked.method == "POST":
                told = json.loads(asked.body)
                assert told["to"].startswith("https://hub.example/hooks/")
                self.webhooks[told["event"]] = told["on"]
            rows = [{"event": one, "on": on} for one, on in self.webhooks.items()]
            return self._told({"items": rows})
        if asked.path.startswith("/buyers/"):
            return json_reply(status=404)
        return self._told(PAGE)

    def _told(self, body, status=200):
        date = format_datetime(NOON + self.ahead, usegmt=True)
        headers = {"Content-Type": "application/json", **self.limits}
        return Reply(status, json.dumps(body).encode(), headers | {"Date": date})


class Scene:
    def __init__(self, hub, programme, home, web):
        self.hub, self.programme, self.home, self.web = hub, programme, home, web
        self.path = f"/admin/p/demo/connections/{home.id}/health"

    def deliver(self, number="1", event="receipt.closed"):
        body = json.dumps(
            {
                "delivery": number,
                "event": event,
                "id": f"r-{number}",
                "closed_at": "2026-03-14T12:00:00+03:00",
                "buyer": BUYER,
                "lines": [{"n": "1", "qty": "1", "sum": "100.00"}],
            }
        ).encode()
        path, headers = self.home.hooks["receipt"], acmepos.sign("receipt", body)
        assert self.web.post(path, data=body, headers=headers).status_code == 200

    def drain(self):
        drain(self.hub, self.programme.id)


@pytest.fixture
def acme():
    acme = Acme()
    with Remote(acme) as remote:
        acme.address = remote.base_url
        yield acme


@pytest.fixture
def scene(sqlite_engine, acme):
    hub = make_hub(
        sqlite_engine,
        clock=FixedClock(),
        registry=registry_of([acmepos.CONNECTOR]),
        public_url="https://hub.example",
    )
    with write(sqlite_engine) as connection:
        programme = add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    home = create_installation(
        hub,
        programme_id=programme.id,
        connector="acmepos",
        name="Лавка Анны",
        settings=acmepos.form(acme.address),
    )
    return Scene(hub, programme, home, create_app(hub).test_client())


@pytest.fixture
def owner(scene):
    someone = Visitor(create_app(scene.hub).test_client(), "en")
    assert someone.log_in().status_code == 302
    return someone


@pytest.fixture
def caller(scene):
    return Caller(create_app(scene.hub), new_key(scene.hub, scene.programme.id).key)


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def asked(caller, scene, query="?shop=true"):
    answer = caller.get(f"/installations/{scene.home.id}/health{query}")
    assert answer.status_code == 200, answer.json
    return answer.json


def noted(scene, action):
    with read(scene.hub.engine) as connection:
        found = notes(connection, scene.programme.id, {"action": action}, limit=9)
    assert {note.subject for note in found} == {scene.home.id}
    return [note.author for note in found]


def codes(told):
    return [one["code"] for one in told["advice"]]


def test_what_is_wrong_is_told_with_what_to_do(scene, acme, caller):
    """One connection through its troubles, one after the other."""
    scene.drain()
    assert codes(asked(caller, scene)) == ["never_heard"]

    show_balances(scene.hub, scene.home.id, False)
    scene.deliver()
    scene.hub.clock.advance(seconds=3)
    acme.ahead += timedelta(seconds=3)
    scene.drain()
    fine = asked(caller, scene)
    assert codes(fine) == ["fine"]
    assert fine["last_delivery_at"] == "2026-03-14T12:00:00+00:00"
    assert fine["lag_s"] == 3.0
    assert fine["waiting"] == {"late": 0, "since": None, "later": 0, "dead": 0}
    assert fine["balances"]["on"] is False
    assert fine["shop"] == {
        "looked_at": "2026-03-14T12:00:03+00:00",
        "error": None,
        "clock_ahead_s": 0,
        "calls_left": 40,
        "calls_limit": 45,
        "webhooks": [
            {"name": "receipt.closed", "state": "working"},
            {"name": "receipt.returned", "state": "working"},
        ],
    }

    acme.ahead += timedelta(seconds=-300)
    acme.limits["X-RateLimit-Remaining"] = "4"
    acme.webhooks = {"receipt.closed": False}
    odd = asked(caller, scene)
    assert codes(odd) == ["webhooks_off", "clock_skew", "budget_low"]
    assert odd["shop"]["clock_ahead_s"] == -300
    assert [one["state"] for one in odd["shop"]["webhooks"]] == ["disabled", "missing"]

    show_balances(scene.hub, scene.home.id, True)
    scene.drain()
    acme.refuses = 401
    scene.deliver("2", event="receipt.stolen")
    scene.drain()
    scene.hub.clock.advance(minutes=11)
    acme.ahead = scene.hub.clock.now() - NOON
    acme.limits["X-RateLimit-Remaining"] = "40"
    scene.drain()
    refused = asked(caller, scene)
    assert refused["state"] == "attention"
    assert refused["shop"]["error"] == "credentials_rejected"
    assert codes(refused) == ["credentials_rejected", "balances_failed"]
    assert refused["balances"] | {"told_at": None} == {
        "on": True,
        "waiting": 0,
        "failed": 1,
        "told_at": None,
        "errors": {"gone": 1},
    }

    set_state(scene.hub, scene.home.id, "paused")
    assert codes(asked(caller, scene, ""))[0] == "resume"
    assert asked(caller, scene, "")["shop"] is None


def test_deliveries_that_nobody_works_on_and_those_that_failed(scene, caller):
    scene.deliver()
    scene.hub.clock.advance(minutes=11)
    late = asked(caller, scene, "")
    assert late["waiting"]["late"] == 1
    assert late["waiting"]["since"] == "2026-03-14T12:00:00+00:00"
    assert codes(late) == ["late"]

    body = b'{"delivery": "9", "event": "receipt.closed"}'
    headers = acmepos.sign("receipt", body)
    scene.web.post(scene.home.hooks["receipt"], data=body, headers=headers)
    scene.drain()
    failed = asked(caller, scene, "")
    assert failed["waiting"]["dead"] == 1
    assert failed["errors"] == {"payload_invalid": 1}
    assert codes(failed)[:2] == ["trouble", "dead_deliveries"]


def test_another_programmes_connection_is_nobodys(scene, caller):
    with write(scene.hub.engine) as connection:
        other = add_programme(connection, "other", "Другая")
    stranger = Caller(caller.app, new_key(scene.hub, other.id).key)

    assert stranger.get("/installations").json == {"items": []}
    assert stranger.get(f"/installations/{scene.home.id}/health").status_code == 404
    assert [one["name"] for one in caller.get("/installations").json["items"]] == ["Лавка Анны"]
    assert caller.get(f"/installations/{scene.home.id}/health?shop=perhaps").status_code == 422


def test_the_button_mends_the_shops_webhooks(scene, acme, owner):
    acme.webhooks = {"receipt.closed": False}
    assert "Make the missing ones" in owner.page(f"{scene.path}/shop")

    answer = owner.send(scene.path, f"{scene.path}/webhooks")

    assert answer.location == scene.path
    assert acme.webhooks == {"receipt.closed": True, "receipt.returned": True}
    assert "The shop's webhooks are there and on." in words(owner.page(scene.path))
    assert "Make the missing ones" not in owner.page(f"{scene.path}/shop")

    acme.refuses = 401
    owner.send(scene.path, f"{scene.path}/webhooks")
    assert "The webhooks were not mended." in words(owner.page(scene.path))
    assert "Make the missing ones" not in owner.page(f"{scene.path}/shop"), "its key comes first"
    assert noted(scene, "webhooks_mended") == ["admin:owner"]


def test_webhooks_that_the_shop_switched_off_are_on_again_within_the_hour(scene, acme):
    """Shops switch them off after failures, and never on again."""
    scene.drain()
    acme.webhooks = {"receipt.closed": False}
    scene.hub.clock.advance(minutes=59)
    scene.drain()
    assert acme.webhooks == {"receipt.closed": False}

    scene.hub.clock.advance(minutes=1)
    scene.drain()
    assert acme.webhooks == {"receipt.closed": True, "receipt.returned": True}
    assert noted(scene, "webhooks_mended") == ["hub"]


def test_webhooks_that_never_were_or_cannot_be_seen_are_left_alone(scene, acme, caller):
    """Whoever lives by polling did not ask for any, and whose key may not see them earns on."""
    acme.webhooks = {}
    scene.hub.clock.advance(hours=1)
    scene.drain()
    assert acme.webhooks == {}

    acme.webhooks = {"receipt.closed": False}
    acme.hides_webhooks = True
    scene.hub.clock.advance(hours=1)
    scene.drain()
    assert acme.webhooks == {"receipt.closed": False}
    assert asked(caller, scene, "")["state"] == "active"

    acme.hides_webhooks = False
    scene.hub.clock.advance(hours=1)
    scene.drain()
    assert acme.webhooks["receipt.closed"] is True


def test_calls_that_prove_nothing_are_shown_until_right_ones_come(scene, caller, owner):
    """What a secret that is typed wrong looks like from the hub."""
    show_balances(scene.hub, scene.home.id, False)
    scene.deliver()
    scene.drain()
    scene.hub.clock.advance(minutes=5)
    body = b'{"delivery": "9", "event": "receipt.closed"}'
    wrong = {"X-Acme-Signature": "0" * 64}
    assert scene.web.post(scene.home.hooks["receipt"], data=body, headers=wrong).status_code == 401

    refused = asked(caller, scene, "")
    assert refused["refused"] == {"at": "2026-03-14T12:05:00+00:00", "error": "signature_invalid"}
    assert codes(refused) == ["calls_refused"]
    page = words(owner.page(scene.path))
    assert "Last refused 14 Mar 2026, 15:05 The call does not prove where it comes from" in page

    scene.hub.clock.advance(minutes=5)
    scene.deliver("2")
    scene.drain()
    right = asked(caller, scene, "")
    assert (right["refused"]["error"], codes(right)) == ("signature_invalid", ["fine"])

    scene.hub.clock.advance(minutes=5)
    headers = acmepos.sign("receipt", b"{")
    assert (
        scene.web.post(scene.home.hooks["receipt"], data=b"{", headers=headers).status_code == 400
    )
    assert asked(caller, scene, "")["refused"]["error"] == "unreadable"


def test_the_file_holds_no_name_no_address_and_no_secret(scene, acme, owner):
    scene.deliver()
    scene.drain()
    answer = owner.get(f"{scene.path}/diagnostics")
    told = answer.json

    assert answer.headers["Content-Disposition"].startswith("attachment; filename=connection-acme")
    given = dict.fromkeys(("base_url", "api_token", "webhook_secret"), "given")
    assert told["settings"] == given | {"backfill_days": 7}
    assert told["health"]["shop"]["calls_left"] == 40
    assert [one["state"] for one in told["deliveries"]] == ["done"]
    for private in (acmepos.API_TOKEN, acmepos.WEBHOOK_SECRET, BUYER, "Анны", acme.address, "r-1"):
        assert private not in answer.text


def test_the_switch_of_balances_stands_on_the_connections_page(scene, owner):
    page = f"/admin/p/demo/connections/{scene.home.id}"
    assert "Show no balances" in owner.page(page)

    owner.send(page, f"{page}/balances", balances="off")
    assert "Show balances" in words(owner.page(page))
    assert owner.send(page, f"{page}/balances", balances="perhaps").status_code == 400


def test_every_advice_is_there_in_both_languages():
    assert {len(texts) for texts in advice.WORDS.values()} == {2}
    assert all(text.strip() for texts in advice.WORDS.values() for text in texts)
    assert set(advice.WORDS) > advice.OF_TROUBLE


def test_what_is_wrong_at_the_shop_stands_in_the_language_of_the_page(scene, acme):
    acme.refuses = 401
    shown = {}
    for language in ("en", "ru"):
        someone = Visitor(create_app(scene.hub).test_client(), language)
        someone.log_in()
        shown[language] = someone.page(f"{scene.path}/shop")

    said = "The shop does not accept the key 127.0.0.1 answered 401"
    assert f"Answer {said}" in words(shown["en"])
    russian = words(re.sub(r'<[^>]+ lang="en">[^<]+<', "<", shown["ru"]))
    assert "Ответ Магазин не принимает ключ Подробности по-английски" in russian
    answer = russian.partition("Ответ")[2].partition("Часы")[0]
    assert not re.search("[A-Za-z]", answer)


def kinds_of(error=ConnectorError):
    """The kit's own; others are no answers of a shop."""
    below = [kind for one in error.__subclasses__() for kind in kinds_of(one)]
    return [one for one in (error, *below) if one.__module__.startswith("loyalty_kit.")]


def test_every_error_of_the_kit_has_words_of_the_page():
    for room in ("addresses", "soap"):
        import_module(f"loyalty_kit.{room}")
    assert {one.code for one in kinds_of()} <= admin_words.TROUBLE.keys()


def test_in_a_browser_the_shops_side_comes_by_itself_and_fits_a_phone(scene, acme):
    acme.webhooks = {"receipt.closed": False}
    with served(create_app(scene.hub)) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 740}, locale="ru")
        page.goto(f"{address}/admin/login")
        page.fill("input[name=login]", "owner")
        page.fill("input[name=password]", "correct horse battery")
        page.click("form [type=submit], form button.btn-primary")
        page.goto(f"{address}{scene.path}")
        page.wait_for_selector("text=receipt.returned")
        seen = page.inner_text("#shop-side")
        wide = page.evaluate("document.documentElement.scrollWidth")

    assert "В магазине не хватает вебхуков" in seen
    assert "Выключен" in seen
    assert wide <= 360


def test_a_back_fill_is_begun_from_its_page_and_watched_there(scene, owner):
    page = f"/admin/p/demo/connections/{scene.home.id}/backfill"
    for since, told in (
        ("", "Give the day"),
        ("0001-01-01", "Give the day"),
        ("2027-01-01", "must be in the past"),
    ):
        refused = owner.send(page, page, since=since, dry="yes")
        assert (refused.status_code, told in refused.text) == (422, True)

    assert owner.send(page, page, since="2026-01-01", dry="no").location == page
    assert "Counting" in words(owner.page(page))
    other = owner.send(page, page, since="2026-02-01", dry="no")
    assert "One is underway already" in other.text
    scene.drain()
    seen = words(owner.page(f"{page}/progress"))
    assert "Since 1 Jan 2026 Done" in seen.replace("\xa0", " ")

    owner.send(page, page, since="2026-01-01", dry="no")
    owner.send(page, f"{page}/stop")
    assert "Stopped. What was found by then is booked." in words(owner.page(page))
    assert noted(scene, "backfill_started") == ["admin:owner"] * 2
    assert noted(scene, "backfill_stopped") == ["admin:owner"]
