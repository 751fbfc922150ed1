"""A shop's own side pairs by one code that the owner takes in the console."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, select

from connectors.wordpress import CONNECTOR
from hub.app import create_app
from hub.installations import get_installation, list_installations
from hub.registry import registry_of
from hub.web.pair import TRIES
from hub.wiring import Hub
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import pairing_codes
from tests.hub.web.conftest import add_programme, hashed_password
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub
from tests.support.shopfloor import tablo

P = "/admin/p/demo"
NEW = f"{P}/connections/new/wordpress"
SETTINGS = {
    "base_url": "https://shop.example",
    "consumer_key": "ck_" + "a" * 40,
    "consumer_secret": "cs_" + "b" * 40,
    "webhook_secret": "s" * 40,
}


@pytest.fixture
def pages_engine(request: pytest.FixtureRequest) -> Engine:
    """SQLite, unless a test names another."""
    engine: Engine = request.getfixturevalue(getattr(request, "param", "sqlite_engine"))
    return engine


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def hub(pages_engine: Engine, remote, clock) -> Hub:
    hub = make_hub(pages_engine, clock=clock, registry=registry_of([CONNECTOR, tablo(remote)]))
    with write(pages_engine) as connection:
        add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    return hub


def take_code(owner, installation: str | None = None) -> str:
    page = NEW if installation is None else f"{P}/connections/{installation}"
    fields = {} if installation is None else {"installation": installation}
    shown = owner.send(page, f"{P}/companions/wordpress/code", **fields)
    assert shown.status_code == 200
    found = re.search(r'id="pairing-code"[^>]* value="([^"]+)"', shown.text)
    assert found is not None
    return found[1]


def pair(app, code: str, name: str = "shop.example", **settings: str):
    body = {"code": code, "name": name, "settings": {**SETTINGS, **settings}}
    return app.test_client().post("/pair", json=body)


def quote(app, key: str, shop: str | None = None):
    body = {
        "shop": shop,
        "currency": "RUB",
        "lines": [{"id": "1", "quantity": "1", "amount": "10.00"}],
    }
    headers = {"Authorization": f"Bearer {key}"}
    return app.test_client().post("/api/v1/quotes", json=body, headers=headers)


def test_one_code_makes_the_connection_and_its_key(owner, app, hub):
    answer = pair(app, take_code(owner).lower().replace("-", " "))

    assert answer.status_code == 201
    told = answer.json
    (made,) = list_installations(hub)
    assert told["connection"] == made.id
    assert told["hooks"] == {"events": f"/hooks/{made.id}/events"}
    assert (made.name, made.connector, made.state) == ("shop.example", "wordpress", "active")
    assert made.settings["base_url"] == "https://shop.example"
    assert quote(app, told["key"]).status_code == 200
    # The key is bound to the shop of the settings.
    assert quote(app, told["key"], shop="second").json["code"] in ("shop_forbidden", "unknown_shop")


def test_a_code_is_used_once_and_its_text_is_nowhere(owner, app, hub):
    code = take_code(owner)
    assert pair(app, code).status_code == 201
    again = pair(app, code, name="another")
    assert (again.status_code, again.json["code"]) == (422, "pairing_code_wrong")
    with read(hub.engine) as connection:
        kept = [str(row) for row in connection.execute(select(pairing_codes))]
    assert len(kept) == 1
    assert code not in kept[0]
    assert code.replace("-", "") not in kept[0]


def test_codes_that_are_no_good(owner, app, clock, hub):
    first = take_code(owner)
    second = take_code(owner)
    assert pair(app, first).json["code"] == "pairing_code_wrong", "a newer one ended it"
    clock.advance(minutes=15)
    assert pair(app, second).json["code"] == "pairing_code_wrong", "it lives a quarter of an hour"
    assert pair(app, "").status_code == 422
    assert pair(app, "ZZZZZ-ZZZZZ-ZZZZZ").json["code"] == "pairing_code_wrong"
    assert list_installations(hub) == []


def test_a_call_that_is_refused_leaves_the_code_good(owner, app, hub):
    code = take_code(owner)
    wrong = pair(app, code, base_url="nowhere")
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["settings.base_url"])
    assert pair(app, code, shop="nowhere").json["code"] == "unknown_shop"
    assert list_installations(hub) == []
    assert pair(app, code).status_code == 201

    taken = pair(app, take_code(owner))
    assert (taken.status_code, list(taken.json["errors"])) == (422, ["name"])


def test_a_connection_paired_anew_keeps_its_id_and_gets_another_key(owner, app, hub):
    first = pair(app, take_code(owner)).json
    second = pair(app, take_code(owner, first["connection"]), base_url="https://new.example").json

    assert second["connection"] == first["connection"]
    now = get_installation(hub, first["connection"])
    assert (now.name, now.settings["base_url"]) == ("shop.example", "https://new.example")
    assert quote(create_app(hub), first["key"]).status_code == 401
    assert quote(app, second["key"]).status_code == 200


def test_a_connection_paired_anew_stays_with_its_shop(owner, app, hub):
    with write(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        create_shop(connection, programme.id, NewShop("second"), now=NOON)
    made = pair(app, take_code(owner), shop="second").json["connection"]
    again = pair(app, take_code(owner, made)).json

    assert get_installation(hub, made).settings["shop"] == "second"
    assert quote(app, again["key"], shop="second").status_code == 200
    assert quote(app, again["key"]).status_code == 200, "the plugin, whose owner typed no shop"
    assert quote(app, again["key"], shop="main").json["code"] == "shop_forbidden"


def test_one_address_tries_but_a_few(app, clock):
    most = int(TRIES.partition("/")[0])
    answers = [pair(app, "ZZZZZ-ZZZZZ-ZZZZZ").status_code for _ in range(most + 1)]
    assert answers == [422] * most + [429]
    clock.advance(hours=1)
    assert pair(app, "ZZZZZ-ZZZZZ-ZZZZZ").status_code == 422


def test_what_is_no_pairing_is_told_so(app):
    client = app.test_client()
    assert client.post("/pair", data="x").status_code == 415
    assert client.post("/pair", json={"code": "x"}).json["code"] == "validation_failed"
    assert client.get("/pair").status_code == 405


@pytest.mark.parametrize("pages_engine", ["postgres_engine"], indirect=True)
def test_of_many_who_use_a_code_at_once_one_gets_it(owner, app, hub):
    code = take_code(owner)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda number: pair(app, code, name=f"n{number}"), range(8)))
    assert sorted(one.status_code for one in answers) == [201] + [422] * 7
    assert len(list_installations(hub)) == 1


def test_the_console_offers_the_plugin(owner):
    page = owner.page(NEW)
    assert f'href="{P}/companions/wordpress/file"' in page
    got = owner.get(f"{P}/companions/wordpress/file")
    assert got.headers["Content-Disposition"].startswith("attachment; filename=loyalty-hub-")
    assert "loyalty-hub/loyalty-hub.php" in ZipFile(BytesIO(got.data)).namelist()


def test_a_connector_without_a_companion_offers_nothing(owner, visitor):
    assert "companions" not in owner.page(f"{P}/connections/new/tablo")
    assert owner.get(f"{P}/companions/tablo/file").status_code == 404
    assert owner.get(f"{P}/companions/nobody/file").status_code == 404
    assert owner.send(NEW, f"{P}/companions/tablo/code").status_code == 404
    assert visitor().get(f"{P}/companions/wordpress/file").status_code == 302


def test_a_code_is_not_taken_for_another_programme_s_connection(owner, app, hub):
    with write(hub.engine) as connection:
        add_programme(connection, "other", "Другая")
    made = pair(app, take_code(owner)).json["connection"]
    other = "/admin/p/other"
    answer = owner.send(
        f"{other}/connections/new/wordpress", f"{other}/companions/wordpress/code",
        installation=made,
    )  # fmt: skip
    assert answer.status_code == 404
