"""Vendors' own protocols: which route answers, what its desk gives, and what a defect costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update

from hub.app import create_app
from hub.installations import create_installation, get_installation, set_state
from hub.registry import registry_of
from hub.web.hooks import BODY_LIMIT
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import installations
from loyalty_kit.checkout import BasketLine, HoldRequest, QuoteRequest
from loyalty_kit.desk import Declined, Desk, NewBuyer
from loyalty_kit.errors import SignatureInvalid
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.manifest import Capability
from loyalty_kit.ports import (
    SECRET_HEADER,
    InboundRequest,
    ProtocolReply,
    ProtocolRoute,
    Settings,
    Webhook,
)
from loyalty_kit.signing import check_token
from tests.support.clock import FixedClock
from tests.support.hub import make_hub
from tests.support.ingest import make_programme
from tests.support.shopfloor import SECRET, SETTINGS, Remote, signed, tablo

PHONE = "+79000000001"
LINE = BasketLine("1", 1000, 100_00)


def address_is_right(request: InboundRequest, settings: Settings) -> None:
    check_token(settings["webhook_secret"], request.headers.get(SECRET_HEADER))


def steps_of(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    return ProtocolReply(200, {}, json.dumps(request.steps).encode())


class Till:
    """A hub with one connector whose only route does what the test says."""

    def __init__(self, engine: Engine, **settings: str) -> None:
        self.work: Callable[[InboundRequest, Desk], Any] = lambda request, desk: None
        self.clock = FixedClock()
        made = tablo(Remote())
        manifest = replace(
            made.manifest,
            capabilities=made.manifest.capabilities | {Capability.PROTOCOL},
        )
        quiet = Webhook(
            "quiet", address_is_right, made.webhooks[0].delivery_key, made.webhooks[0].translate
        )
        connector = replace(
            made,
            manifest=manifest,
            webhooks=(*made.webhooks, quiet),
            protocol=(
                ProtocolRoute("POST", "till/ask", self._answer),
                ProtocolRoute("PUT", "apps/<app>/<account>", steps_of),
            ),
        )
        self.hub = make_hub(
            engine, clock=self.clock, registry=registry_of([connector]), quote_deadline_ms=20_000
        )
        self.programme = make_programme(self.hub)
        self.installation = create_installation(
            self.hub,
            programme_id=self.programme.id,
            connector="tablo",
            name="till",
            settings={**SETTINGS, **settings},
        )
        self.app = create_app(self.hub)
        self.web = self.app.test_client()

    def _answer(self, request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            told = self.work(request, desk)
        except Declined as declined:
            told = ["declined", declined.code]
        return ProtocolReply(200, {"X-Till": "yes"}, json.dumps(told, default=str).encode())

    def ask(self, work: Callable[[InboundRequest, Desk], Any] | None = None) -> Any:
        if work is not None:
            self.work = work
        answer = self.web.post(f"/connect/{self.installation.id}/till/ask", data=b"{}")
        assert (answer.status_code, answer.headers["X-Till"]) == (200, "yes")
        return json.loads(answer.data)


@pytest.fixture
def till(engine: Engine) -> Till:
    return Till(engine)


def test_a_route_is_known_by_method_and_path(till: Till):
    path = f"/connect/{till.installation.id}/till/ask"
    assert till.ask(lambda request, desk: request.body.decode()) == "{}"
    for method, elsewhere in (
        ("GET", path),
        ("POST", f"{path}/more"),
        ("POST", "/connect/i_1/till/ask"),
        ("POST", "/connect/x/till/ask"),
    ):
        answer = till.web.open(elsewhere, method=method)
        assert (answer.status_code, answer.json["code"]) == (404, "unknown_route")


def test_a_defect_of_a_connector_is_told_without_its_text(till: Till):
    def fail(request: InboundRequest, desk: Desk) -> None:
        raise ZeroDivisionError(PHONE)

    till.work = fail
    answer = till.web.post(f"/connect/{till.installation.id}/till/ask")

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert PHONE not in answer.text


def test_a_body_beyond_the_limit_is_no_defect_of_the_connector(till: Till, caplog):
    answer = till.web.post(
        f"/connect/{till.installation.id}/till/ask", data=b" " * (BODY_LIMIT + 1)
    )

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
    assert "protocol_defect" not in caplog.text


def test_a_buyer_is_entered_once_and_known_by_each_name(till: Till):
    def enter(request: InboundRequest, desk: Desk) -> Any:
        first = desk.enrol(NewBuyer(phone="8 900 000-00-01", first_name="Анна"))
        again = desk.enrol(NewBuyer(external="c-1", phone=PHONE, card="LC-1", last_name="С."))
        found = desk.buyer(Customer(external=ExternalId(None, "c-1")))
        searched = desk.search("lc-1", limit=5)
        return [first.id == again.id, again == found, searched == (found,), again.external,
                again.card, again.last_name, desk.buyer(Customer(phone="+79000000009")),
                desk.search(" ", limit=5)]  # fmt: skip

    assert till.ask(enter) == [True, True, True, "c-1", "lc1", None, None, []]


def test_nobody_at_all_and_impossible_phones_are_declined(till: Till):
    assert till.ask(lambda _, desk: desk.enrol(NewBuyer())) == ["declined", "validation_failed"]
    refused = till.ask(lambda _, desk: desk.enrol(NewBuyer(phone="12")))
    assert refused == ["declined", "phone_impossible"]
    unknown = QuoteRequest((LINE,), shop="nowhere")
    assert till.ask(lambda _, desk: desk.quote(unknown)) == ["declined", "unknown_shop"]


def test_a_basket_is_priced_and_held(till: Till):
    request = QuoteRequest((LINE,), channel="pos", cart="c", member=Customer(phone=PHONE))

    def hold(_: InboundRequest, desk: Desk) -> Any:
        desk.enrol(NewBuyer(phone=PHONE))
        quote, held = desk.quote(request), desk.hold(HoldRequest(request))
        return [quote.totals.payable_minor, held.totals.payable_minor, held.points.earn]

    assert till.ask(hold) == [100_00, 100_00, 5_00]
    short = replace(request, spend=50_00)
    assert till.ask(lambda _, desk: desk.hold(HoldRequest(short))) == [
        "declined",
        "not_enough_points",
    ]


def test_no_code_is_sent_where_nothing_sends_messages(till: Till):
    till.ask(lambda _, desk: desk.enrol(NewBuyer(phone=PHONE)))
    refused = till.ask(lambda _, desk: desk.send_code(Customer(phone=PHONE), "join"))
    assert refused == ["declined", "not_available"]


def test_a_call_is_kept_as_if_it_had_come_to_the_webhook(till: Till):
    body = b'{"no": "7", "hint": [["order", "1"]]}'
    inbound = InboundRequest(signed(body), body, {})

    assert till.ask(lambda _, desk: desk.keep("events", inbound)) is None
    assert till.ask(lambda _, desk: desk.keep("events", inbound)) is None
    assert till.ask(lambda _, desk: desk.keep("nowhere", inbound)) == ["declined", "try_again"]

    def forge(_: InboundRequest, desk: Desk) -> str:
        try:
            desk.keep("events", replace(inbound, headers={}))
        except SignatureInvalid as refusal:
            return refusal.code
        return "kept"

    assert till.ask(forge) == "signature_invalid"


def test_a_secret_address_is_a_proof_and_is_kept_nowhere(till: Till):
    path = till.installation.hooks["quiet"]
    body = b'{"no": "8", "hint": [["order", "1"]]}'

    for wrong in (path, f"{path}/wrong", f"{path}/{SECRET}/more"):
        assert till.web.post(wrong, data=body).status_code in (401, 404)
    assert till.web.post(f"{path}/{SECRET}", data=body).status_code == 200
    assert till.web.post(path, data=body, headers={SECRET_HEADER: SECRET}).status_code == 200


def test_a_name_is_new_once_and_settings_are_changed_as_in_the_form(till: Till):
    def use(_: InboundRequest, desk: Desk) -> Any:
        desk.save({"shop": "north"})
        return [desk.first_time("a"), desk.first_time("a"), desk.first_time("b")]

    assert till.ask(use) == [True, False, True]
    shown = get_installation(till.hub, till.installation.id)
    assert (shown.settings["shop"], shown.hooks["connect"]) == (
        "north",
        f"/connect/{till.installation.id}",
    )
    assert till.ask(lambda _, desk: desk.save({"nonsense": "1"})) == [
        "declined",
        "validation_failed",
    ]


def test_while_it_is_paused_only_what_has_happened_is_kept(till: Till):
    set_state(till.hub, till.installation.id, "paused")
    request = QuoteRequest((LINE,), cart="c")
    buyer = Customer(phone=PHONE)
    for work in (
        lambda desk: desk.quote(request),
        lambda desk: desk.hold(HoldRequest(request)),
        lambda desk: desk.release("c"),
        lambda desk: desk.buyer(buyer),
        lambda desk: desk.search(PHONE, limit=5),
        lambda desk: desk.enrol(NewBuyer(phone=PHONE)),
        lambda desk: desk.send_code(buyer, "join"),
        lambda desk: desk.terms(),
        lambda desk: desk.booked("17"),
        lambda desk: desk.marks(["tea"]),
        lambda desk: desk.gift_card("1"),
    ):
        assert till.ask(lambda _, desk, work=work: work(desk)) == ["declined", "paused"]
    body = b'{"no": "9", "hint": [["order", "1"]]}'

    def keep(_: InboundRequest, desk: Desk) -> Any:
        desk.keep("events", InboundRequest(signed(body), body, {}))
        desk.save({"shop": "north"})
        return desk.first_time("a")

    assert till.ask(keep) is True


def test_settings_that_cannot_be_saved_now_are_declined(sqlite_engine: Engine):
    """In the four seconds in which the hub remembers what the connection was."""
    till = Till(sqlite_engine)
    own = installations.c.id == from_wire("i", till.installation.id)
    for ruin in (update(installations).where(own).values(connector="gone"),
                 delete(installations).where(own)):  # fmt: skip

        def save(_: InboundRequest, desk: Desk) -> None:
            with write(sqlite_engine) as connection:
                connection.execute(ruin)  # noqa: B023
            desk.save({"shop": "north"})

        assert till.ask(save) == ["declined", "try_again"]


def test_a_path_may_have_names(till: Till):
    path = f"/connect/{till.installation.id}/apps"
    answer = till.web.put(f"{path}/one/two")
    assert json.loads(answer.data) == {"app": "one", "account": "two"}
    for elsewhere in ("one", "one/two/three", "one/two/"):
        assert till.web.put(f"{path}/{elsewhere}").status_code == 404


def test_many_tills_that_enter_one_person_at_once_enter_one_member(postgres_engine: Engine):
    till = Till(postgres_engine)
    till.work = lambda _, desk: desk.enrol(NewBuyer(external="c-1", phone=PHONE)).id
    path = f"/connect/{till.installation.id}/till/ask"
    start = Barrier(16)

    def enter(_: int) -> Any:
        start.wait()
        return json.loads(till.app.test_client().post(path).data)

    with ThreadPoolExecutor(16) as pool:
        entered = list(pool.map(enter, range(16)))

    assert len(set(entered)) == 1
