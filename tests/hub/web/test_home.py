"""The first page: today beside last week, what needs a person; and the way back to the wizard."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from loyalty_core.domain.staff import Role
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from tests.core.store.test_overview import add as add_receipt
from tests.hub.api.bodies import ANNA, a_purchase, a_refund
from tests.hub.api.client import Caller, new_key
from tests.hub.web.test_people import add, programme_of
from tests.support.clock import NOON
from tests.support.shopfloor import SETTINGS

HERE = "/admin/p/demo"
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


@pytest.fixture
def caller(hub, app):
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    return Caller(app, new_key(hub, programme.id).key)


def figure(page: str, name: str) -> tuple[str, str]:
    """Now, and a week ago."""
    found = re.search(rf'data-figure="{name}">([^<]+)</span><br><small>a week ago: ([^<]+)<', page)
    assert found is not None, name
    return found.group(1).replace("\N{NO-BREAK SPACE}", " "), found.group(2).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_today_stands_beside_the_same_hours_of_last_week(owner, hub):
    """Receipts of 80.00 in money and 20.00 in points, that earned 4; it is 15:00 in Moscow."""
    of = programme_of(hub)
    moments = (NOON - HOUR, NOON - 2 * HOUR, NOON - WEEK - HOUR, NOON - WEEK + HOUR)
    with write(hub.engine) as connection:
        for number, at in enumerate(moments, 1):
            add_receipt(connection, number, at, at, programme_id=of)

    page = owner.page(f"{HERE}/")
    assert figure(page, "receipts") == ("2", "1")
    assert figure(page, "turnover") == ("160.00 ₽", "80.00 ₽")
    assert figure(page, "earned") == ("8", "4")
    assert figure(page, "spent") == ("40.00 ₽", "20.00 ₽")


def test_what_needs_a_person_leads_to_its_list(owner, hub, caller, visitor):
    assert "Needs a person" not in owner.page(f"{HERE}/")
    caller.post("/members", {"phone": "+79161234568", "card": "7700-1"})
    both = a_purchase(customer={"phone": ANNA, "card": "7700-1"})
    caller.post("/members", {"phone": ANNA})
    ahead = a_purchase(external_id="p-late", occurred_at="2026-03-20T12:00:00+03:00")
    for bought in (both, ahead):
        assert caller.post("/purchases", bought).status_code == 201
    assert caller.post("/refunds", a_refund(purchase="x-1")).json["status"] == "waiting"
    rules = caller.get("/programmes/demo/rules").json
    assert caller.put("/programmes/demo/rules", {**rules, "earning": {"percent": "6"}}).json

    page = html.unescape(owner.page(f"{HERE}/"))
    for text, path in (
        ("Draft 2 of the rules waits", "programme/versions/2"),
        ("1 receipt with a flag", "attention/?view=receipts"),
        ("1 refund without its purchase", "attention/?view=refunds"),
        ("1 pair of members may be one person", "attention/?view=conflicts"),
    ):
        assert re.search(rf'href="{re.escape(f"{HERE}/{path}")}"[^§]*?</svg>\s*{text}', page), text
        assert owner.get(f"{HERE}/{path}").status_code == 200

    add(hub, programme_of(hub), "vera", Role.VIEWER)
    vera = visitor()
    vera.log_in("vera")
    seen = vera.page(f"{HERE}/")
    assert "1 receipt with a flag" in seen
    assert "of the rules waits" not in seen, "she may not publish"
    assert "connections/new" not in seen, "nor connect"


def test_after_the_form_of_a_connector_the_wizard_goes_on(owner):
    chosen = f"{HERE}/connections/new/tablo?first_run=yes"
    assert f'href="{chosen}"' in owner.page(f"{HERE}/first-run/connect")
    wrong = owner.send(chosen, chosen, _name="")
    assert (wrong.status_code, f'href="{HERE}/first-run/connect"' in wrong.text) == (422, True)

    made = owner.send(chosen, chosen, _name="Tea shop", **SETTINGS)
    assert made.location == f"{HERE}/first-run/try"
    tried = owner.page(made.location)
    assert "are on its own page" in tried
    assert f'href="{HERE}/programme/rules"' in tried
