"""Evotor's doors: set-up, data and hooks, each with no, wrong, another's and old secrets."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.journeys.conftest import OpenEvotor
from tests.support.evotor import (
    APP,
    APP_TOKEN,
    MERCHANT,
    STORE,
    TEA,
    USER_TOKEN,
    EvotorStage,
    Goods,
    document,
    uuid_of,
)

OTHER_APP, OTHER_USER = "application-word-of-another-7", "user-word-of-another-0007"
SOMEBODY = "01-000000000000999"
SALE = uuid_of("c", 187)
BY_APPLICATION = (
    ("POST", "user/create"),
    ("POST", "user/verify"),
    ("POST", "user/token"),
)
BY_EITHER = (("POST", "installation/event"), ("POST", "subscription/event"))
BY_USER = (
    ("PUT", "documents"),
    ("PUT", f"stores/{STORE}/documents"),
    ("POST", "receipts"),
    ("POST", f"stores/{STORE}/products"),
    ("PUT", "stores"),
    ("PUT", "devices"),
    ("PUT", "employees"),
)
INSTALLED = {
    "id": uuid_of("a", 1),
    "timestamp": 1773500000123,
    "version": 2,
    "type": "ApplicationInstalled",
    "data": {"productId": APP, "userId": MERCHANT},
}


def refusal(answer: Any) -> tuple[int, int]:
    (error,) = answer.json["errors"]
    return answer.status_code, error["code"]


@pytest.fixture
def fresh(open_evotor: OpenEvotor) -> EvotorStage:
    """An account that nobody has installed yet, with a log-in."""
    return open_evotor(user_id="", cloud_token="", login="shop@example.org", password="s3cret-word")


def test_every_door_is_shut_to_who_does_not_prove_it(merchant: EvotorStage):
    other = merchant.connect("evotor", "other", app_token=OTHER_APP, user_token=OTHER_USER)
    doors = [*((door, (APP_TOKEN,)) for door in BY_APPLICATION),
             *((door, (APP_TOKEN, USER_TOKEN)) for door in BY_EITHER),
             *((door, (USER_TOKEN,)) for door in BY_USER)]  # fmt: skip
    everybody = {None, "", "wrong", "Ü", APP_TOKEN, USER_TOKEN, OTHER_APP, OTHER_USER}
    for (method, path), good in doors:
        for token in everybody - set(good):
            answer = merchant.says(method, path, {"userId": MERCHANT}, token=token)
            assert refusal(answer) in ((401, 1001), (401, 1002)), (path, token)
        elsewhere = merchant.says(method, path, {}, token=good[0], installation=other.id)
        assert refusal(elsewhere)[0] == 401, path
    for name, path in merchant.installation.hooks.items():
        if name == "connect":
            continue
        for token in everybody - {USER_TOKEN}:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            answer = merchant.app.test_client().post(path, data=b"{}", headers=headers)
            assert answer.status_code == 401, (name, token)
    assert merchant.deliveries() == []


def test_a_call_for_another_merchant_is_refused_whatever_its_token(merchant: EvotorStage):
    for method, path in BY_USER:
        answer = merchant.says(method, path, {}, **{"X-Evotor-User-Id": SOMEBODY})
        assert refusal(answer) == (401, 1002)
    told = document(SALE, Goods(TEA, "1", "100"), user_id=SOMEBODY)
    merchant.hears(told)
    merchant.work()
    assert [(one.state, one.error_code) for one in merchant.deliveries()] == [
        ("dropped", "not_ours")
    ]


def test_what_is_sent_again_is_one_delivery_and_an_old_token_is_refused_within_five_seconds(
    merchant: EvotorStage,
):
    told = merchant.sells(SALE, Goods(TEA, "1", "100"))
    for scheme in ("Bearer ", "bearer ", ""):
        assert merchant.says("PUT", "documents", told, scheme=scheme).status_code == 200
    assert len(merchant.deliveries()) == 1

    merchant.set(user_token="another-word-of-the-tests-42")
    merchant.clock.advance(seconds=5)
    assert refusal(merchant.says("PUT", "documents", told)) == (401, 1002)
    later = merchant.says("PUT", "documents", told, token="another-word-of-the-tests-42")
    assert later.status_code == 200


def test_rubbish_is_refused_in_evotor_s_words(merchant: EvotorStage):
    for body in (b"", b"{", b"\xff", b"[" * 100_000):
        for method, path in (*BY_USER, *BY_EITHER):
            assert refusal(merchant.says(method, path, body)) == (400, 2001), path
    for body in ([1], "x"):
        for method, path in BY_APPLICATION:
            assert refusal(merchant.says(method, path, body, token=APP_TOKEN))[0] in (400, 401)
    assert merchant.deliveries() == []


def test_an_installation_in_whatever_order_its_parts_come(fresh: EvotorStage):
    def by_app(path: str, body: Any) -> Any:
        return fresh.says("POST", path, body, token=APP_TOKEN)

    token = {"userId": MERCHANT, "token": fresh.cloud.token}
    assert by_app("user/token", token).json == {}
    assert by_app("installation/event", INSTALLED).json == {}
    login = {"userId": MERCHANT, "username": "shop@example.org", "password": "s3cret-word"}
    expected = {"userId": MERCHANT, "hasBilling": False, "token": USER_TOKEN}
    for body in (login, {**login, "login": login["username"]}):
        assert by_app("user/verify", body).json == expected
    assert by_app("user/create", {"userId": MERCHANT}).json == {
        "userId": MERCHANT,
        "token": USER_TOKEN,
    }
    assert fresh.shown().settings["user_id"] == MERCHANT
    assert fresh.cloud.token not in str(fresh.shown())

    # Another merchant does not take the connection over.
    for path, code in (("user/create", 2005), ("user/token", 2004), ("user/verify", 2004)):
        answer = by_app(path, {**login, "userId": SOMEBODY, "token": "x"})
        assert refusal(answer) == (409, code)
    gone = {**INSTALLED, "type": "ApplicationUninstalled"}
    assert by_app("installation/event", gone).status_code == 200
    foreign = {**INSTALLED, "data": {"productId": uuid_of("9", 9), "userId": MERCHANT}}
    assert refusal(by_app("installation/event", foreign)) == (400, 2003)

    # It now works: what was sold meanwhile is found.
    fresh.sells(SALE, Goods(TEA, "1", "100"))
    fresh.work_after(minutes=11)
    assert fresh.balance() == "5.00"


def test_a_log_in_that_is_wrong_or_not_wanted_gives_no_token(fresh: EvotorStage):
    wrong = (
        {"userId": MERCHANT, "username": "shop@example.org", "password": "wrong"},
        {"userId": MERCHANT, "username": "other@example.org", "password": "s3cret-word"},
        {"userId": MERCHANT, "username": "", "password": ""},
        {"userId": MERCHANT, "username": None, "password": 1},
        {"userId": MERCHANT},
    )
    for body in wrong:
        answer = fresh.says("POST", "user/verify", body, token=APP_TOKEN)
        assert refusal(answer) == (401, 1006)
        assert USER_TOKEN not in answer.text
    for user in (None, 1, "01-1", "x"):
        answer = fresh.says("POST", "user/create", {"userId": user}, token=APP_TOKEN)
        assert refusal(answer)[0] == 400
    assert fresh.shown().settings["user_id"] == ""


def test_login_and_password_of_the_application_where_the_portal_says_so(fresh: EvotorStage):
    fresh.set(app_login="hub")
    fresh.clock.advance(seconds=5)
    good = base64.b64encode(f"hub:{APP_TOKEN}".encode()).decode()
    for scheme, token, status in (
        ("Basic ", good, 200),
        ("Basic ", base64.b64encode(b"hub:wrong").decode(), 401),
        ("Bearer ", APP_TOKEN, 401),
    ):
        body = {"userId": MERCHANT}
        answer = fresh.says("POST", "user/create", body, token=token, scheme=scheme)
        assert answer.status_code == status


def test_the_latest_word_of_a_subscription_is_shown(merchant: EvotorStage):
    def hear(number: Any, kind: str, name: str = uuid_of("a", 2)) -> int:
        body = {"subscriptionId": name, "productId": APP, "userId": MERCHANT,
                "sequenceNumber": number, "type": kind}  # fmt: skip
        merchant.clock.advance(seconds=5)
        return merchant.says("POST", "subscription/event", body).status_code

    told = ((1, "SubscriptionCreated"), (3, "SubscriptionRenewed"), (2, "SubscriptionActivated"))
    assert [hear(*one) for one in told] == [200] * 3
    stands = merchant.shown().settings["subscription"]
    assert stands == f"{uuid_of('a', 2)} 3 SubscriptionRenewed"
    # After a new installation numbers begin anew.
    assert hear(1, "SubscriptionCreated", uuid_of("a", 3)) == 200
    assert merchant.shown().settings["subscription"].endswith("1 SubscriptionCreated")
    assert [hear("x", "SubscriptionCreated"), hear(4, "no words\n")] == [400, 400]
