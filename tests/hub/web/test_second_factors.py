"""Second factors on the server: nobody exchanges one, codes count once, keys may change."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest

from hub import second_factor, vault
from hub.web.admin import account
from loyalty_core.service import admins, safety
from loyalty_core.service.safety import SecondFactorWrong, TooManyTries
from loyalty_core.store.database import read, transact, write
from tests.hub.web.conftest import PASSWORD, Visitor
from tests.support.clock import NOON
from tests.support.hub import make_hub

PATH = "/admin/account/second-factor"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
CALLERS = 32


def code_at(seconds: int) -> str:
    return pyotp.TOTP(SECRET).at(int(NOON.timestamp()) + seconds)


def enrolled(hub, login: str = "owner") -> list[str]:
    """The account has a factor of SECRET; its recovery codes."""

    def work(connection):
        admin = admins.find_admin(connection, login)
        return second_factor.enrol(hub, connection, admin, SECRET, code_at(0), NOON)

    return transact(hub.engine, work)


def tried(hub, code: str) -> bool:
    """Whether a code of the account `owner` was taken."""

    def work(connection):
        admin = admins.find_admin(connection, "owner")
        second_factor.check(hub, connection, admin, code, NOON)

    try:
        transact(hub.engine, work)
    except SecondFactorWrong:
        return False
    return True


def offered(visitor: Visitor) -> tuple[str, str]:
    """The secret that the page offers, and the token of its form."""
    page = visitor.page(PATH)
    secret = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert secret is not None
    assert token is not None
    return secret.group(1).replace(" ", ""), token.group(1)


def test_an_open_console_does_not_let_a_passer_by_put_another_factor_in_place(hub, owner):
    secret, token = offered(owner)
    enrolled(hub)
    code = pyotp.TOTP(secret).at(int(NOON.timestamp()))

    sent = owner.client.post(PATH, data={"csrf_token": token, "code": code, "password": PASSWORD})

    assert sent.location == "/admin/account/"
    assert owner.get(PATH).location == "/admin/account/", "no fresh secret is offered"
    assert tried(hub, code_at(30)), "the owner's own app goes on"


def test_who_was_in_by_the_password_alone_is_out_once_there_is_a_factor(owner, visitor):
    thief = visitor()
    thief.log_in()
    assert thief.get("/admin/account/").status_code == 200
    secret, token = offered(owner)
    code = pyotp.TOTP(secret).at(int(NOON.timestamp()))

    assert (
        owner.client.post(
            PATH, data={"csrf_token": token, "code": code, "password": PASSWORD}
        ).status_code
        == 200
    )

    assert thief.get("/admin/account/").status_code == 302
    assert owner.get("/admin/account/").status_code == 200


def test_who_finds_an_open_console_sets_up_no_factor_and_the_owner_is_told_of_one(hub, owner):
    secret, token = offered(owner)
    code = pyotp.TOTP(secret).at(int(NOON.timestamp()))
    form = {"csrf_token": token, "code": code, "password": "a guess"}
    refused = owner.client.post(PATH, data=form, headers=owner.headers)
    assert (refused.status_code, "The password is wrong." in refused.text) == (422, True)
    told = "Set up a second factor in the last week"
    assert told not in owner.page("/admin/p/demo/")

    owner.client.post(PATH, data={**form, "password": PASSWORD})

    assert told in owner.page("/admin/p/demo/")
    assert "Second factor since" in owner.page("/admin/p/demo/people/")


def test_of_many_passwords_at_once_in_an_open_console_ten_are_looked_at(app, owner, monkeypatch):
    looked_at = []

    def slowly(known, password):
        looked_at.append(password)
        time.sleep(0.05)
        return False

    monkeypatch.setattr(account, "password_fits", slowly)
    _, token = offered(owner)
    session = owner.client.get_cookie("loyalty_hub", path="/admin").value
    form = {"csrf_token": token, "code": "000000", "password": "a guess"}

    def guess(_):
        client = app.test_client()
        client.set_cookie("loyalty_hub", session, path="/admin")
        return client.post(PATH, data=form).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(40)))

    assert (len(looked_at), sorted(statuses)) == (10, [422] * 10 + [429] * 30)


def test_a_right_password_in_an_open_console_does_not_count(owner):
    for _ in range(12):
        secret, token = offered(owner)
        code = pyotp.TOTP(secret).at(int(NOON.timestamp()))
        form = {"csrf_token": token, "code": code, "password": PASSWORD}
        done = owner.client.post(PATH, data=form, headers=owner.headers)
        assert done.status_code == 200
        later = pyotp.TOTP(secret).at(int(NOON.timestamp()) + 30)
        owner.send("/admin/account/", f"{PATH}/drop", code=later)


def test_who_did_not_set_it_up_learns_of_it_where_the_code_is_asked_for(hub, visitor):
    enrolled(hub)
    person = visitor()
    person.log_in()

    assert "tell the owner at once" in person.page("/admin/login/code")


def test_a_factor_that_is_dropped_ends_other_sessions(hub, owner, visitor):
    other = visitor()
    other.log_in()
    enrolled(hub)

    owner.send("/admin/account/", f"{PATH}/drop", code=code_at(30))

    assert other.get("/admin/account/").status_code == 302
    assert owner.get("/admin/account/").status_code == 200
    enrolled(hub)
    with write(hub.engine) as connection:
        safety.drop_second_factor(connection, "owner", author="cli", now=NOON)
    assert owner.get("/admin/account/").status_code == 302


def test_recovery_codes_outlive_the_keys_that_they_were_made_under(sqlite_engine, tmp_path):
    old, new = vault.make_key(), vault.make_key()
    hub = make_hub(sqlite_engine, data_dir=tmp_path, secret_keys=(old,))
    with write(hub.engine) as connection:
        admins.create_admin(connection, login="owner", password_hash="hash", now=NOON)
    codes = enrolled(hub)

    vault.rotate(make_hub(sqlite_engine, data_dir=tmp_path, secret_keys=(new, old)))

    only_new = make_hub(sqlite_engine, data_dir=tmp_path, secret_keys=(new,))
    assert tried(only_new, code_at(30)), "the app's secret was sealed anew"
    assert tried(only_new, codes[0])
    assert not tried(only_new, codes[0]), "once"


@pytest.fixture
def crowded(postgres_engine):
    hub = make_hub(postgres_engine)
    with write(hub.engine) as connection:
        admins.create_admin(connection, login="owner", password_hash="hash", now=NOON)
    return hub


def test_a_code_that_many_send_at_once_opens_once(crowded):
    codes = enrolled(crowded)
    with ThreadPoolExecutor(CALLERS) as pool:
        for code in (code_at(30), codes[0]):
            assert sum(pool.map(lambda said: tried(crowded, said), [code] * CALLERS)) == 1
    with read(crowded.engine) as connection:
        admin = admins.find_admin(connection, "owner")
        assert safety.count_recovery_codes(connection, admin.id) == 9


def test_of_many_wrong_codes_at_once_five_are_looked_at(crowded):
    enrolled(crowded)
    with read(crowded.engine) as connection:
        admin = admins.find_admin(connection, "owner")

    def looked_at(now) -> bool:
        try:
            second_factor.count_try(crowded, admin, now)
        except TooManyTries:
            return False
        return not tried(crowded, "000000")

    later = NOON + timedelta(minutes=15)
    with ThreadPoolExecutor(CALLERS) as pool:
        for now in (NOON, later):
            assert sum(pool.map(looked_at, [now] * CALLERS)) == 5
    with pytest.raises(TooManyTries) as refused:
        second_factor.count_try(crowded, admin, later + timedelta(minutes=5))
    assert 590 < refused.value.retry_after_s <= 601


def test_of_many_who_enrol_at_once_one_is_taken(crowded):
    def enrol(_):
        try:
            return len(enrolled(crowded))
        except safety.SecondFactorSet:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(enrol, range(8))) == [0] * 7 + [10]
