"""The owner opens the solution in MoySklad: a framed page of the hub, for that account alone."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from loyalty_core.store import installations
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_solution import SECRET
from tests.stand_ins.moysklad import ACCOUNT, APP, APP_UID
from tests.support.clock import NOON
from tests.support.moysklad import HOOK, STORE, TILL, MoySkladStage

KEY = "1c14e98cd272239c03bf3d9697f167699743292c"
NORTH = "5c1f0a52-0d1e-11ef-0a80-0b6300002222"


@pytest.fixture
def stage(open_moysklad_embedded: OpenMoySklad) -> MoySkladStage:
    made = open_moysklad_embedded(
        app_id=APP, app_uid=APP_UID, app_secret=SECRET, account_id=ACCOUNT, shops=f"{STORE}=main"
    )
    made.set(vendor_url=made.account.vendor_url)
    made.account.contexts[KEY] = ACCOUNT
    made.account.put("retailstore", {"id": STORE, "name": "Магазин на <Ленина>"})
    return made


def opens(stage: MoySkladStage, address: str = "127.0.0.1", **changes: str) -> TestResponse:
    query = {"contextKey": KEY, "appId": APP, "appUid": APP_UID, "userLocale": "ru_RU", **changes}
    return stage.app.test_client().get(
        f"/frames/{stage.installation.id}",
        query_string=query,
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_the_owner_sees_how_the_connection_stands(stage: MoySkladStage):
    page = opens(stage)
    text = page.get_data(as_text=True)

    assert page.status_code == 200
    assert "Магазин на &lt;Ленина&gt;" in text
    assert "«moysklad»: <strong>Работает</strong>" in text
    assert "Адрес вебхуков хаба" in text, "what to do next"
    assert "Свяжите точки продаж" not in text, "the only one is tied"
    assert f'href="/admin/p/demo/connections/{stage.installation.id}"' in text
    assert not [word for word in (HOOK, TILL, SECRET, stage.account.token) if word in text]

    stage.set(hook_url="https://hub.example.org/hooks/i_1/events")
    stage.account.put("retailstore", {"id": NORTH, "name": "Север"})
    number = from_wire("i", stage.installation.id)
    assert number is not None
    with write(stage.hub.engine) as connection:
        installations.mark_trouble(connection, number, "credentials_rejected", "...")
        installations.change(connection, number, last_delivery_at=NOON)
    english = opens(stage, userLocale="en_US").get_data(as_text=True)
    assert "Tie the retail points to shops" in english
    assert "Needs attention" in english
    assert "The shop does not accept the key" in english
    assert "Enter the hub" not in english
    assert "Last message: 14 Mar 2026, 15:00" in english, "by the clock of Moscow"


def test_only_moysklad_frames_this_page_and_nobody_frames_another(stage: MoySkladStage):
    page = opens(stage)
    assert "frame-ancestors https://*.moysklad.ru" in page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers

    console = stage.app.test_client().get("/admin/", follow_redirects=True)
    assert "frame-ancestors 'none'" in console.headers["Content-Security-Policy"]
    assert console.headers["X-Frame-Options"] == "DENY"


def test_nobody_else_sees_it(stage: MoySkladStage):
    stage.account.contexts["another-account-key-0001"] = APP
    calls = len(stage.account.calls)
    before_asking = [
        {"appId": ACCOUNT},
        {"appUid": "another.solution"},
        {"contextKey": ""},
        {"contextKey": "../apps/x/y/status?key=0001"},
    ]
    for changes in before_asking:
        page = opens(stage, **changes)
        assert page.status_code == 403, changes
        assert "Ленина" not in page.get_data(as_text=True)
    assert len(stage.account.calls) == calls, "MoySklad was not asked about these"
    for key in ("a-key-that-is-over-00001", "another-account-key-0001"):
        assert opens(stage, contextKey=key).status_code == 403

    stage.set(account_id="")
    assert opens(stage).status_code == 403
    gone = stage.app.test_client().get("/frames/i_1")
    assert gone.status_code == 404
    other = stage.connect("console")
    assert stage.app.test_client().get(f"/frames/{other.id}").status_code == 404


def test_what_moysklad_does_not_tell_now(stage: MoySkladStage):
    stage.account.fail_next("500")
    assert opens(stage).status_code == 503

    # It says who opens the page, and the token for the points of sale is dead.
    stage.account.token = "another"
    page = opens(stage)
    assert page.status_code == 200
    assert "Ленина" not in page.get_data(as_text=True)


def test_nobody_shuts_the_owner_out(stage: MoySkladStage):
    """Neither by pages of a wrong form, nor from an address of their own."""
    assert {opens(stage, contextKey="").status_code for _ in range(35)} == {403}
    calls = len(stage.account.calls)
    guesses = [opens(stage, contextKey=f"a-guessed-key-{n:010}").status_code for n in range(35)]
    assert guesses == [403] * 30 + [429] * 5
    assert len(stage.account.calls) == calls + 30, "MoySklad is asked no oftener"
    assert opens(stage).status_code == 429
    assert opens(stage, address="198.51.100.7").status_code == 200
