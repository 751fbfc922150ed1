"""A portal connected as a local application: installed, heard, its tokens renewed and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, select, text

from connectors.bitrix24 import client as calls
from connectors.bitrix24 import oauth
from hub.installations import check_installation, get_installation
from hub.live import enliven
from hub.wiring import Hub
from loyalty_core.store import installations
from loyalty_core.store.database import make_engine, read
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import deliveries
from loyalty_kit.errors import CredentialsRejected, InstallAgain, RemoteMisconfigured, Retry
from loyalty_kit.ports import ClientContext
from tests.connectors.bitrix24.shared import HOOK
from tests.stand_ins.bitrix24 import CLIENT, Account
from tests.support.bitrix24 import PortalStage
from tests.support.hub import make_hub
from tests.support.waiting import wait_until

FORM = {
    "portal": "", "webhook_user": "", "webhook_secret": "", "application_tokens": "",
    "client_id": CLIENT, "client_secret": "shh", "write_balance": "false",
    "connect_url": "https://hub.example/connect/i_1",
}  # fmt: skip


@pytest.fixture
def account(monkeypatch) -> Iterator[Account]:
    monkeypatch.setattr(calls, "PER_S", 1000.0)
    with Account() as opened:
        # The vendor's host is the stand-in; any other stays unknown.
        monkeypatch.setattr(oauth, "HOSTS", {"oauth.bitrix24.tech": opened.base_url})
        yield opened


@pytest.fixture
def stage(sqlite_engine, tmp_path: Path, account: Account) -> PortalStage:
    return PortalStage(sqlite_engine, tmp_path, account, **FORM)


def installs(stage: PortalStage, body: bytes | None = None, secret: str = HOOK) -> int:
    path = f"/connect/{stage.installation.id}/install/{secret}"
    return stage.web.post(path, data=body or stage.account.installing()).status_code


def client(stage: PortalStage, hub: Hub | None = None) -> Any:
    """As a job of this hub makes one, from what is stored now."""
    number = from_wire("i", stage.installation.id)
    assert number is not None
    with read(stage.hub.engine) as connection:
        row = installations.get(connection, number)
    assert row is not None
    return enliven(hub or stage.hub, row).client()


def asks(portal: Any) -> Any:
    return portal.rows("sale.order.list", "orders", {"filter": {}})


def test_it_is_installed_subscribed_and_hears_of_orders(stage, account):
    with pytest.raises(CredentialsRejected):
        client(stage)
    assert installs(stage) == 200
    check_installation(stage.hub, stage.installation.id)
    check_installation(stage.hub, stage.installation.id)
    address = f"https://hub.example/connect/i_1/events/{HOOK}"
    assert [one["event"] for one in account.bound] == [
        "ONSALEORDERSAVED", "ONSALEBEFOREORDERDELETE", "ONORDERDELETED",
    ]  # fmt: skip
    assert {one["handler"] for one in account.bound} == {address}

    stage.order(240)
    body = (
        account.event("ONSALEORDERSAVED", 240)
        + b"&"
        + urlencode({"auth[access_token]": "of-an-employee"}).encode()
    )
    path = f"/connect/{stage.installation.id}/events"
    assert stage.web.post(f"{path}/{HOOK}", data=body).status_code == 200
    stage.work()
    assert stage.points("order:240") == ("paid", "50.00", "0.00")
    with read(stage.hub.engine) as connection:
        kept = connection.execute(select(deliveries)).all()
    assert "of-an-employee" not in repr(kept)

    tried = [
        stage.web.post(f"{path}/guessed", data=body).status_code,
        stage.web.post(f"{path}/{HOOK}", data=b"event=ONSALEORDERSAVED").status_code,
        stage.web.post(f"{path}/{HOOK}", data=b"\xff").status_code,
    ]
    assert tried == [401, 401, 401]


def test_tokens_that_ran_out_are_renewed_once_and_kept(stage, account):
    installs(stage)
    one, other = client(stage), client(stage)
    account.token = "another"
    assert asks(one) == []
    # The other worker still has the old token; it finds the new one where it is stored.
    assert asks(other) == []
    assert asks(client(stage)) == []
    assert account.renewals == 1
    account.token = "another again"
    assert asks(one) == []
    assert account.renewals == 2


def test_two_workers_that_find_the_token_run_out_at_once_renew_it_once(request, tmp_path, account):
    stage = PortalStage(request.getfixturevalue("postgres_engine"), tmp_path, account, **FORM)
    # A process of its own has an engine of its own: no lock of the process is between the two.
    other = make_hub(make_engine(url_of(stage.hub.engine)), data_dir=tmp_path)
    installs(stage)
    account.token = "another"
    account.may_answer.clear()
    portals = [client(stage), client(stage, other)]
    with ThreadPoolExecutor(2) as workers:
        first = workers.submit(asks, portals[0])
        wait_until(lambda: account.renewals == 1)
        second = workers.submit(asks, portals[1])
        wait_until(lambda: second.done() or waits_for_a_name(stage.hub.engine))
        account.may_answer.set()
        assert (first.result(20), second.result(20)) == ([], [])
    assert account.renewals == 1
    assert asks(client(stage)) == []
    other.engine.dispose()


def test_tokens_are_stored_also_where_the_database_is_away_for_a_moment(stage, account):
    """The refresh token is used up by then, so what is not stored is lost for good."""
    installs(stage)
    with read(stage.hub.engine) as connection:
        row = installations.get(connection, from_wire("i", stage.installation.id))
    live = enliven(stage.hub, row)
    failing = [Retry("away"), Retry("away")]

    def save(given: Mapping[str, str]) -> None:
        if failing:
            raise failing.pop()
        live.keep.save(given)

    away = ClientContext(live.settings, True, "i_1", replace(live.keep, save=save))
    account.token = "another"
    assert asks(calls.make_client(away)) == []
    assert (failing, account.renewals) == ([], 1)
    assert asks(client(stage)) == []
    assert account.renewals == 1


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def waits_for_a_name(engine: Engine) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with engine.connect() as connection:
        return bool(connection.scalar(text(waiting)))


def test_a_renewal_that_is_refused_asks_for_the_owner(stage, account):
    installs(stage)
    portal = client(stage)
    account.token, account.renewal = "another", "another"
    with pytest.raises(InstallAgain, match="install the application again"):
        asks(portal)

    with pytest.raises(InstallAgain):
        check_installation(stage.hub, stage.installation.id)
    shown = get_installation(stage.hub, stage.installation.id)
    assert (shown.state, shown.trouble_code) == ("attention", "install_again")
    assert installs(stage) == 200, "the one click that mends it"
    check_installation(stage.hub, stage.installation.id)
    assert get_installation(stage.hub, stage.installation.id).state == "active"


def test_the_applications_secret_goes_to_the_vendors_hosts_alone(stage, account):
    assert set(oauth.HOSTS) == {"oauth.bitrix24.tech"}
    body = account.installing(server_endpoint=f"{account.base_url}/rest/")
    assert installs(stage, body) == 200
    portal = client(stage)
    account.token = "another"
    with pytest.raises(RemoteMisconfigured, match="not the vendor's"):
        asks(portal)
    assert account.renewals == 0


def test_the_vendors_hosts_are_two():
    assert oauth.HOSTS == {
        "oauth.bitrix.info": "https://oauth.bitrix.info",
        "oauth.bitrix24.tech": "https://oauth.bitrix24.tech",
    }


def test_nobody_installs_with_a_wrong_secret_or_from_another_portal(stage, account):
    assert installs(stage, secret="guessed") == 401
    for wrong in (b"", b"event=ONAPPINSTALL", account.installing(refresh_token="")):
        assert installs(stage, wrong or b"x") == 400
    assert installs(stage) == 200
    assert installs(stage, account.installing(member_id="another", access_token="x")) == 403
    account.token = "access-9"
    # Installed again, as after its refresh token has run out.
    assert installs(stage) == 200
    assert asks(client(stage)) == []
