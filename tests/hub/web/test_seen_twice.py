"""Purchases that two systems told of: by API and on their page (`ledger.md` 24)."""

from __future__ import annotations

import html
import re

import pytest

from hub.app import create_app
from hub.installations import create_installation
from hub.registry import registry_of
from loyalty_core.service.admins import create_admin
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import audit_log
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import Visitor, add_programme, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub
from tests.support.shopfloor import SETTINGS, Remote, tablo

PAGE = "/admin/p/demo/seen-twice/"
SIGN = [{"fn": "9960440300000001", "fd": "1042", "fp": "2890456789"}]


@pytest.fixture
def hub(sqlite_engine):
    return make_hub(sqlite_engine, registry=registry_of([tablo(Remote())]))


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


class Sale:
    """One receipt that the site and a till told of, and who asks about it."""

    def __init__(self, hub):
        with write(hub.engine) as connection:
            programme = add_programme(connection, "demo", "Tea shop")
            create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
        app = create_app(hub)
        self.hub = hub
        self.site = Caller(app, new_key(hub, programme.id, name="site").key)
        till = Caller(app, new_key(hub, programme.id, name="other").key)
        self.first = self.site.post("/purchases", a_purchase(fiscal=SIGN)).json
        told = a_purchase(external_id="t-1", fiscal=SIGN)
        self.second = till.post("/purchases", told).json
        self.owner = Visitor(app.test_client(), "en")
        assert self.owner.log_in().status_code == 302

    def balance(self):
        return self.site.get(f"/members/{self.first['member']}").json["balance"]["available"]

    def decisions(self):
        with read(self.hub.engine) as connection:
            log = connection.execute(audit_log.select().order_by(audit_log.c.id)).mappings().all()
        return [(row["action"], row["author"]) for row in log if "purchases_" in row["action"]]


def test_links_are_listed_and_parted_by_api(hub):
    sale = Sale(hub)
    first, second, one = sale.first["id"], sale.second["id"], sale.balance()
    assert sale.second["flags"] == ["linked"]
    (link,) = sale.site.get("/purchase-links").json["items"]
    assert (link["counts"]["id"], link["purchase"]["id"]) == (first, second)
    assert (link["by"], link["word"], link["purchase"]["paid"]) == ("fiscal", first, "1000.00")
    assert sale.site.get("/purchase-links?cursor=nonsense").status_code == 422

    path = f"/purchases/{second}/part"
    seen = sale.site.post(path, {"preview": True}).json["items"]
    assert (seen[0]["before"]["available"], sale.balance()) == (one, one)
    assert sale.site.post(path, {}).json["items"] == seen
    assert sale.balance() == seen[0]["after"]["available"]
    assert float(sale.balance()) == 2 * float(one)
    assert sale.site.post(path, {}).json["items"] == []
    assert sale.site.get("/purchase-links").json["items"] == []
    assert sale.site.post(f"/purchases/{first}/join", {"other": "p_x"}).status_code == 404
    assert sale.decisions() == [("purchases_parted", "key:site")]


def test_a_person_parts_and_joins_on_the_page(hub):
    sale = Sale(hub)
    first, second, one = sale.first["id"], sale.second["id"], sale.balance()
    part = f"{PAGE}part/{second}"
    of_member = sale.owner.page(f"/admin/p/demo/members/{sale.first['member']}?view=purchases")
    assert "Seen again as t-1" in words(of_member)
    assert f'href="{part}"' in of_member
    assert "Afterwards" in sale.owner.page(part)
    assert sale.balance() == one
    assert sale.owner.send(part, part).status_code == 302
    assert float(sale.balance()) == 2 * float(one)

    chosen = f"{PAGE}join?one={first}&other={second}"
    assert "Afterwards" in sale.owner.page(chosen)
    told = {"one": first, "other": second}
    assert sale.owner.send(chosen, f"{PAGE}join", **told).status_code == 302
    assert sale.balance() == one
    page = words(sale.owner.page(PAGE))
    assert "t-1" in page
    assert "A person" in page
    assert "It takes two connections" in page
    assert sale.owner.get(f"{PAGE}join?one=p_x&other=p_y").status_code == 422
    assert [action for action, _ in sale.decisions()] == ["purchases_parted", "purchases_joined"]


def test_connections_that_see_the_same_orders_are_declared(hub):
    with write(hub.engine) as connection:
        programme = add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    site, till = (
        create_installation(
            hub, programme_id=programme.id, connector="tablo", name=name, settings=SETTINGS
        ).id
        for name in ("Сайт", "Касса")
    )
    app = create_app(hub)
    caller = Caller(app, new_key(hub, programme.id).key)
    path = f"/connection-links/{site}/{till}"
    link = {"connection": site, "seen_in": till, "field": "order", "truth": till}
    assert caller.put(path, {"field": "order", "truth": till}).json == link
    for wrong in ({"field": "name"}, {"truth": "i_x"}):
        assert caller.put(path, wrong).status_code == 422
    assert caller.put(f"/connection-links/{site}/{site}", {}).status_code == 422
    assert caller.get("/connection-links").json == {"items": [link]}

    owner = Visitor(app.test_client(), "ru")
    assert owner.log_in().status_code == 302
    assert "Сайт Касса Как номер заказа Касса" in words(owner.page(PAGE))
    wrong = {"connection": till, "seen_in": till, "field": "external_id", "truth": "seen_in"}
    refused = owner.send(PAGE, f"{PAGE}declare", **wrong)
    assert refused.status_code == 422
    kept = re.findall(r'<option value="([^"]*)" selected>', refused.text)
    assert kept == [till, till, "external_id", "seen_in"], "what was typed"
    form = {"connection": till, "seen_in": site, "field": "external_id", "truth": ""}
    assert owner.send(PAGE, f"{PAGE}declare", **form).status_code == 302
    assert len(caller.get("/connection-links").json["items"]) == 2
    pair = {"connection": till, "seen_in": site}
    assert owner.send(PAGE, f"{PAGE}take-back", **pair).status_code == 302
    assert caller.delete(path).status_code == 204
    assert caller.get("/connection-links").json == {"items": []}
