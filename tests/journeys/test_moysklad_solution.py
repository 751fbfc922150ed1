"""MoySklad installs the owner's solution, and the till learns where to ask."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from hub.installations import check_installation
from loyalty_kit.errors import ConnectorError
from tests.journeys.conftest import OpenMoySklad
from tests.stand_ins.moysklad import ACCOUNT, APP, APP_UID
from tests.stand_ins.web_tokens import token_by
from tests.support.moysklad import HOOK, TILL, MoySkladStage

SECRET = "solution-secret-of-the-tests"
TOKEN = "fedcba9876543210fedcba9876543210fedcba98"
BASE = "api/moysklad/vendor/1.0/apps"
INSTALL = {
    "appUid": APP_UID,
    "accountName": "demoshop",
    "cause": "Install",
    "access": [{"resource": "https://api.moysklad.ru/api/remap/1.2", "access_token": TOKEN}],
    "subscription": {"tariffId": "cccc0000-1111-4222-8333-555555555555", "trial": True},
}


@pytest.fixture
def stage(open_moysklad: OpenMoySklad) -> MoySkladStage:
    return open_moysklad(app_id=APP, app_uid=APP_UID, app_secret=SECRET)


_names = iter(range(10_000))


def token(stage: MoySkladStage, secret: str = SECRET, **changes: Any) -> str:
    now = int(stage.clock.now().timestamp())
    claims = {"iat": now, "exp": now + 60, "jti": f"j-{next(_names)}", **changes}
    return token_by(secret, {name: value for name, value in claims.items() if value is not None})


def call(
    stage: MoySkladStage, method: str, path: str, bearer: str, body: Any = None
) -> TestResponse:
    return stage.app.test_client().open(
        f"/connect/{stage.installation.id}/{path}",
        method=method,
        json=body,
        headers={"Authorization": f"Bearer {bearer}"},
    )


def install(stage: MoySkladStage, **changes: Any) -> TestResponse:
    body = {**INSTALL, **changes}
    return call(stage, "PUT", f"{BASE}/{APP}/{ACCOUNT}", token(stage), body)


def test_a_solution_is_installed_tells_the_till_and_is_at_work(stage: MoySkladStage):
    answer = install(stage)
    assert (answer.status_code, answer.json) == (200, {"status": "SettingsRequired"})
    assert stage.shown().settings["account_id"] == ACCOUNT
    assert TOKEN not in str(stage.shown())

    stage.account.token, stage.account.installed = TOKEN, True
    address = f"https://hub.example.org{stage.installation.hooks['events']}"
    settings = {"hook_url": address, "vendor_url": stage.account.vendor_url}
    stage.set(**settings)
    check_installation(stage.hub, stage.installation.id)

    assert stage.account.loyalty == {
        "url": f"https://hub.example.org/connect/{stage.installation.id}",
        "token": TILL,
        "externalSearch": True,
    }
    assert stage.account.status == "Activated"
    assert {one["url"] for one in stage.account.webhooks.values()} == {f"{address}/{HOOK}"}
    # Once more changes nothing: the vendor's 409 is no fault.
    check_installation(stage.hub, stage.installation.id)
    assert len(stage.account.used) == 4


def test_later_causes_find_it_at_work(stage: MoySkladStage):
    install(stage)
    resumed = install(stage, cause="Resume")
    renewed = install(stage, cause="Autoprolongation", access=[])

    assert [one.json for one in (resumed, renewed)] == [{"status": "Activated"}] * 2
    gone = call(stage, "DELETE", f"{BASE}/{APP}/{ACCOUNT}", token(stage), {"cause": "Suspend"})
    never = call(stage, "DELETE", f"{BASE}/{APP}/{APP}", token(stage), {"cause": "Uninstall"})
    assert [(one.status_code, one.data) for one in (gone, never)] == [(200, b""), (204, b"")]


@pytest.mark.parametrize("path", [f"{BASE}/{APP}/{ACCOUNT}/event",
                                  f"api/vendor/1.0/apps/{APP}/{ACCOUNT}/event"])  # fmt: skip
def test_events_are_taken_at_both_addresses(stage: MoySkladStage, path: str):
    answer = call(stage, "PUT", path, token(stage), {"cause": "PermissionsChanged"})
    assert answer.status_code == 200


def test_another_account_does_not_take_the_connection_over(stage: MoySkladStage):
    install(stage)
    other = call(stage, "PUT", f"{BASE}/{APP}/{APP}", token(stage), INSTALL)

    assert other.status_code == 403
    assert stage.shown().settings["account_id"] == ACCOUNT


def test_only_a_fresh_token_of_the_solution_is_taken(stage: MoySkladStage):
    now = int(stage.clock.now().timestamp())
    path = f"{BASE}/{APP}/{ACCOUNT}"
    used = token(stage)
    assert call(stage, "PUT", path, used, INSTALL).status_code == 200
    head, body, mark = token(stage).split(".")
    refused = [
        "",
        "x",
        "a.b.c",
        used,
        token(stage, "another secret"),
        token(stage, ""),
        token(stage, exp=now),
        token(stage, exp=None),
        token(stage, iat=now + 3600, exp=now + 7200),
        token(stage, iat=now - 301, exp=now + 60),
        token(stage, jti=None),
        token(stage, jti=""),
        token(stage, exp=True),
        f"{head}.{body}.{mark[::-1]}",
        f"{head}.{body[:-2]}.{mark}",
    ]

    for one in refused:
        answer = call(stage, "PUT", path, one, INSTALL)
        assert (answer.status_code, answer.json["errors"][0]["code"]) == (401, 401), one
    elsewhere = call(stage, "PUT", f"{BASE}/{ACCOUNT}/{ACCOUNT}", token(stage), INSTALL)
    assert elsewhere.status_code == 401
    for rubbish in ([1], "x"):
        assert call(stage, "PUT", path, token(stage), rubbish).status_code == 400


def test_nobody_is_admitted_where_the_owner_has_no_solution(open_moysklad: OpenMoySklad):
    plain = open_moysklad()
    answer = call(plain, "PUT", f"{BASE}//{ACCOUNT}", token(plain, ""), INSTALL)
    assert answer.status_code in (401, 404)
    assert call(plain, "PUT", f"{BASE}/x/{ACCOUNT}", token(plain, ""), INSTALL).status_code == 401


def test_a_solution_that_is_not_there_is_shown_to_the_owner(stage: MoySkladStage):
    install(stage)
    stage.account.token = TOKEN
    address = f"https://hub.example.org{stage.installation.hooks['events']}"
    stage.set(hook_url=address, vendor_url=stage.account.vendor_url)

    with pytest.raises(ConnectorError) as refused:
        check_installation(stage.hub, stage.installation.id)
    assert refused.value.code == "remote_misconfigured"
    assert stage.account.loyalty == {}
