"""Lists for a person: what the hub could not settle by itself, by API and on its page."""

from __future__ import annotations

import html
import json
import re

import pytest

from hub.app import create_app
from hub.installations import create_installation
from hub.jobs.drain import drain
from hub.registry import registry_of
from hub.web.admin import flag_words
from loyalty_core.service import (
    booking,
    count_limits,
    event_certificates,
    event_coupons,
    identify,
    record_purchase,
    record_refund,
)
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from tests.hub.api.bodies import ANNA, a_purchase, a_refund
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import Visitor, add_programme, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, receipt, signed, tablo

BORIS = "+79161234568"
PAGE = "/admin/p/demo/attention/"


@pytest.fixture
def pages_engine(engine):
    return engine


@pytest.fixture
def caller(hub, app):
    with write(hub.engine) as connection:
        other = add_programme(connection, "other", "Другая")
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    caller = Caller(app, new_key(hub, programme.id).key)
    return caller, Caller(app, new_key(hub, other.id).key)


def pages_of(caller, path, limit=1):
    """All that a list has, a page at a time."""
    found, cursor = [], ""
    while True:
        answer = caller.get(f"/attention/{path}?limit={limit}{cursor}")
        assert answer.status_code == 200, answer.json
        found += answer.json["items"]
        if answer.json["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer.json['next_cursor']}"


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_each_list_has_what_the_hub_could_not_settle(caller, owner):
    caller, stranger = caller
    for path in ("receipts", "refunds", "conflicts"):
        assert pages_of(caller, path) == []
    assert "Nothing to look at" in owner.page(PAGE)

    anna = caller.post("/purchases", a_purchase()).json["member"]
    boris = caller.post("/members", {"phone": BORIS, "card": "7700-1"}).json["id"]
    late = a_purchase(external_id="p-late", occurred_at="2026-03-20T12:00:00+03:00")
    assert caller.post("/purchases", late).json["flags"] == ["time_ahead"]
    too_much = a_refund(external_id="r-much", amount="5000.00", lines=[])
    assert caller.post("/refunds", too_much).json["flags"] == ["over_refund"]
    for number in ("x-1", "x-2"):
        lost = a_refund(external_id=f"r-{number}", purchase=number)
        assert caller.post("/refunds", lost).json["status"] == "waiting"
    lone = a_refund(external_id="r-lone", purchase=None, lines=[])
    assert caller.post("/refunds", lone).json["flags"] == ["no_match"]
    both = a_purchase(external_id="p-both", customer={"phone": ANNA, "card": "7700-1"})
    assert caller.post("/purchases", both).json["member"] == boris

    receipts = pages_of(caller, "receipts")
    assert [(one["kind"], one["external_id"], one["flags"]) for one in receipts] == [
        ("refund", "r-lone", ["no_match"]),
        ("refund", "r-much", ["over_refund"]),
        ("purchase", "p-late", ["time_ahead"]),
    ]
    assert receipts[2] | {"id": "p", "source": "", "received_at": "", "occurred_at": ""} == {
        "id": "p",
        "kind": "purchase",
        "external_id": "p-late",
        "source": "",
        "shop": "main",
        "member": anna,
        "sum": "1000.00",
        "occurred_at": "",
        "received_at": "",
        "flags": ["time_ahead"],
    }
    refunds = pages_of(caller, "refunds")
    assert [(one["external_id"], one["purchase"], one["state"]) for one in refunds] == [
        ("r-lone", None, "listed"),
        ("r-x-2", "x-2", "waiting"),
        ("r-x-1", "x-1", "waiting"),
    ]
    (conflict,) = pages_of(caller, "conflicts")
    assert (conflict["member"], conflict["other"], conflict["kind"]) == (boris, anna, "phone")
    for path in ("receipts", "refunds", "conflicts"):
        assert pages_of(stranger, path) == []
        assert caller.get(f"/attention/{path}?cursor=nonsense").status_code == 422

    seen = words(owner.page(PAGE))
    assert "Its time lies in the future" in seen
    assert "More came back than was bought" in seen
    assert ("· Чайная лавка" in seen, "· main" in seen) == (True, False)
    assert "Purchase x-2 Waits for its purchase" in words(owner.page(f"{PAGE}?view=refunds"))
    assert "a phone" in words(owner.page(f"{PAGE}?view=conflicts"))

    found = caller.post("/purchases", a_purchase(external_id="x-1", customer=None))
    assert found.status_code == 201
    assert [one["external_id"] for one in pages_of(caller, "refunds")] == ["r-lone", "r-x-2"]
    assert caller.post(f"/members/{boris}/merge", {"from": anna}).status_code == 200
    assert pages_of(caller, "conflicts") == []


def test_who_is_to_be_erased_stands_there_until_that_is_done(caller, owner):
    """Whoever told of the wish: a form of the site, the shop's plugin, a person at the counter."""
    caller, stranger = caller
    made = [caller.post("/members", {"phone": phone}).json["id"] for phone in (ANNA, BORIS)]
    anna, boris = made
    days = {anna: "2026-03-12T12:00:00+00:00", boris: "2026-03-10T12:00:00+00:00"}
    for member, at in days.items():
        no = {"consents": [{"purpose": "processing", "given": False, "at": at, "place": "site"}]}
        assert caller.post(f"/members/{member}/consents", no).status_code == 200

    assert pages_of(caller, "erasures") == [
        {"member": boris, "withdrawn_at": days[boris], "erase_by": "2026-04-09T12:00:00+00:00"},
        {"member": anna, "withdrawn_at": days[anna], "erase_by": "2026-04-11T12:00:00+00:00"},
    ]
    assert pages_of(stranger, "erasures") == []
    assert caller.get("/attention/erasures?cursor=nonsense").status_code == 422
    assert "9 Apr 2026" in words(owner.page(f"{PAGE}?view=erasures"))
    assert owner.get(f"{PAGE}?view=erasures&seen=yes").status_code == 200

    assert caller.delete(f"/members/{boris}").status_code == 200
    assert [one["member"] for one in pages_of(caller, "erasures")] == [anna]
    other = caller.post("/members", {"card": "7700-2"}).json["id"]
    assert caller.post(f"/members/{other}/merge", {"from": anna}).status_code == 200
    assert [one["member"] for one in pages_of(caller, "erasures")] == [other]


def test_in_russian_and_with_a_connection_by_its_name(sqlite_engine):
    hub = make_hub(sqlite_engine, registry=registry_of([tablo(Remote())]))
    with write(sqlite_engine) as connection:
        programme = add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    home = create_installation(
        hub, programme_id=programme.id, connector="tablo", name="Лавка", settings=SETTINGS
    )
    late = receipt("77", occurred_at="2026-03-25T12:00:00+03:00")
    body = json.dumps({"no": 1, "event": late}).encode()
    app = create_app(hub)
    posted = app.test_client().post(home.hooks["events"], data=body, headers=signed(body))
    assert posted.status_code == 200
    drain(hub, programme.id)
    owner = Visitor(app.test_client(), "ru")
    assert owner.log_in().status_code == 302

    page = owner.page(PAGE)

    assert "Покупка 77 Лавка · Чайная лавка" in words(page)
    assert "Время чека в будущем" in page
    assert "Разбирать нечего" in owner.page(f"{PAGE}?view=conflicts")


def test_every_flag_of_a_receipt_has_its_words():
    modules = (
        booking,
        count_limits,
        event_certificates,
        event_coupons,
        identify,
        record_purchase,
        record_refund,
    )
    flags = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }

    assert flags - set(flag_words.FLAGS) <= {"external", "main", "balance_changed", "fiscal"}
    assert flag_words.flag("from_another_time") == "from_another_time"
