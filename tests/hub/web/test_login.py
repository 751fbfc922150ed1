"""Who gets in, who does not, and how often one may try."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import session
from sqlalchemy import Engine

from hub.app import create_app
from hub.passwords import hash_password, one_time_password, password_fits
from hub.web.admin import login
from hub.web.admin.links import inside
from loyalty_core.service.admins import create_admin, reset_password
from loyalty_core.store.database import write
from tests.hub.web.conftest import Visitor, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub


def test_nothing_is_shown_without_a_login(visitor):
    response = visitor().get("/admin/p/demo/members/")

    assert response.status_code == 302
    assert response.location == "/admin/login?next=/admin/p/demo/members/"


def test_the_right_password_opens_the_console(visitor):
    owner = visitor()

    assert owner.log_in().location == "/admin/"
    assert "Чайная лавка" in owner.page("/admin/")


def test_with_no_programme_the_page_says_how_to_make_one(sqlite_engine: Engine):
    with write(sqlite_engine) as connection:
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    owner = Visitor(create_app(make_hub(sqlite_engine)).test_client(), "en")
    owner.log_in()

    assert "loyalty-hub programmes create main" in owner.page("/admin/")


def test_a_login_is_compared_without_case_and_spaces(visitor):
    assert visitor().log_in(login=" Owner ").location == "/admin/"


def test_after_the_login_one_is_where_one_wanted_to_be(visitor):
    someone = visitor()
    wanted = someone.get("/admin/p/demo/members/?q=anna").location
    response = someone.send(wanted, wanted, login="owner", password="correct horse battery")

    assert response.location == "/admin/p/demo/members/?q=anna"


def test_wrong_password_and_unknown_login_are_told_alike(visitor):
    wrong = visitor().log_in(password="wrong horse")
    unknown = visitor().log_in(login="nobody", password="wrong horse")

    assert wrong.status_code == unknown.status_code == 401
    assert "Login and password do not match." in wrong.text
    assert "Login and password do not match." in unknown.text


def test_the_password_that_was_typed_is_not_shown_again(visitor):
    assert "wrong horse" not in visitor().log_in(password="wrong horse").text


def test_a_form_without_its_token_changes_nothing(visitor):
    someone = visitor()
    response = someone.client.post(
        "/admin/login", data={"login": "owner", "password": "correct horse battery"}
    )

    assert response.status_code == 400
    assert "out of date" in response.text
    assert someone.get("/admin/").status_code == 302


def test_guessing_is_limited_and_the_page_says_when_to_try_again(visitor):
    guesser = visitor()
    for _ in range(10):
        assert guesser.log_in(password="a guess").status_code == 401

    stopped = guesser.log_in(password="correct horse battery")
    assert stopped.status_code == 429
    assert "Too many attempts. Try again in " in stopped.text
    assert int(stopped.headers["Retry-After"]) >= 60


def test_guessing_at_one_login_does_not_lock_another(visitor):
    guesser = visitor()
    for _ in range(10):
        guesser.log_in(login="somebody", password="a guess")

    assert guesser.log_in().status_code == 302


def test_a_right_password_does_not_count_as_an_attempt(visitor):
    for _ in range(12):
        assert visitor().log_in().status_code == 302


def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_by_one(app, hub, monkeypatch):
    looked_at = []

    def slowly(known, password):
        looked_at.append(password)
        time.sleep(0.05)
        return password_fits(known, password)

    monkeypatch.setattr(login, "password_fits", slowly)
    guessers = [Visitor(app.test_client(), "en") for _ in range(40)]
    tokens = []
    for number, guesser in enumerate(guessers):
        guesser.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        found = re.search(r'name="csrf_token" value="([^"]+)"', guesser.page("/admin/login"))
        tokens.append(found.group(1))

    def guess(number):
        form = {"csrf_token": tokens[number], "login": "owner", "password": f"guess {number}"}
        return guessers[number].client.post("/admin/login", data=form).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(40)))

    assert (len(looked_at), sorted(statuses)) == (10, [401] * 10 + [429] * 30)


def test_an_address_that_has_guessed_too_often_locks_no_login(visitor):
    for number in range(30):
        visitor().log_in(login=f"login-{number}", password="a guess")
    for _ in range(11):
        assert visitor().log_in(password="a guess").status_code == 429

    owner = visitor()
    owner.client.environ_base["REMOTE_ADDR"] = "198.51.100.1"
    assert owner.log_in().status_code == 302


def test_a_login_that_is_locked_locks_no_address(visitor):
    for _ in range(10):
        visitor().log_in(login="somebody", password="a guess")
    for _ in range(30):
        assert visitor().log_in(login="somebody", password="a guess").status_code == 429

    assert visitor().log_in().status_code == 302


def test_whoever_guesses_does_not_lock_the_owner_out_of_a_browser_that_is_known(visitor):
    owner, guesser = visitor(), visitor()
    assert owner.log_in().status_code == 302
    owner.send("/admin/", "/admin/logout")
    for _ in range(10):
        guesser.log_in(password="a guess")
    assert visitor().log_in().status_code == 429, "an unknown browser waits"

    assert owner.log_in().status_code == 302


def test_a_known_browser_may_guess_no_oftener_than_others_and_only_for_its_own_login(visitor):
    owner = visitor()
    owner.log_in()
    owner.send("/admin/", "/admin/logout")
    statuses = [owner.log_in(password="a guess").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert visitor().log_in().status_code == 302, "on its own count"

    statuses = [owner.log_in(login="other", password="a guess").status_code for _ in range(10)]
    assert statuses == [401] * 10
    assert visitor().log_in(login="other", password="a guess").status_code == 429


@pytest.mark.parametrize("cookie", ["", "x", "WyJvd25lciIsICJhIl0.aaaa.bbbb", "null", "a.b.c.d"])
def test_a_browser_that_says_it_is_known_is_not_believed(visitor, cookie):
    guesser = visitor()
    for _ in range(10):
        guesser.client.set_cookie("loyalty_hub_known", cookie, path="/admin/login")
        guesser.log_in(password="a guess")

    assert guesser.log_in().status_code == 429


def test_an_address_may_guess_thirty_times_whatever_the_login_and_the_forwarded_address(visitor):
    statuses = []
    for number in range(31):
        someone = visitor()
        someone.headers |= {
            "X-Forwarded-For": f"203.0.113.{number}",
            "X-Real-IP": f"203.0.113.{number}",
            "Forwarded": f"for=203.0.113.{number}",
        }
        answer = someone.log_in(login=f"login-{number}", password="a guess")
        statuses.append(answer.status_code)

    assert statuses == [401] * 30 + [429]


def test_the_addresses_of_one_ipv6_network_are_one_caller(visitor):
    statuses = []
    for number in range(31):
        someone = visitor()
        someone.client.environ_base["REMOTE_ADDR"] = f"2001:db8:1:2:{number:x}::1"
        answer = someone.log_in(login=f"login-{number}", password="a guess")
        statuses.append(answer.status_code)
    assert statuses == [401] * 30 + [429]

    neighbour = visitor()
    neighbour.client.environ_base["REMOTE_ADDR"] = "2001:db8:1:3::1"
    assert neighbour.log_in().status_code == 302


def test_behind_a_proxy_that_is_trusted_its_callers_are_counted_apart(pages_engine: Engine, hub):
    app = create_app(make_hub(pages_engine, trusted_proxies=1))
    for number in range(31):
        someone = Visitor(app.test_client(), "en")
        # What the caller made up stands to the left of what the proxy adds.
        someone.headers["X-Forwarded-For"] = f"198.51.100.{number}, 203.0.113.7"
        status = someone.log_in(login=f"login-{number}", password="a guess").status_code
    assert status == 429

    someone = Visitor(app.test_client(), "en")
    someone.headers["X-Forwarded-For"] = "203.0.113.7, 203.0.113.8"
    assert someone.log_in().status_code == 302


def test_guesses_are_counted_together_by_all_processes_that_share_a_redis(
    pages_engine: Engine, hub, redis_url: str
):
    here, there = (
        Visitor(create_app(make_hub(pages_engine, redis_url=redis_url)).test_client(), "en")
        for _ in range(2)
    )
    for _ in range(10):
        here.log_in(password="a guess")

    assert there.log_in().status_code == 429


def test_logging_out_ends_the_session(owner):
    assert owner.send("/admin/", "/admin/logout").location == "/admin/login"
    assert owner.get("/admin/p/demo/").status_code == 302


def test_a_new_password_ends_every_open_session(owner, hub):
    with write(hub.engine) as connection:
        reset_password(
            connection, login="owner", password_hash=hash_password("another one"), now=NOON
        )

    assert owner.get("/admin/p/demo/").location.startswith("/admin/login")


def test_a_fragment_without_a_session_takes_the_whole_page_to_the_login(visitor):
    response = visitor().get("/admin/p/demo/", **{"HX-Request": "true"})

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/admin/login"


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(visitor):
    session_, known = sorted(
        visitor().log_in().headers.getlist("Set-Cookie"),
        key=lambda cookie: cookie.partition("=")[0],
    )

    for cookie, path, site in ((session_, "/admin", "Lax"), (known, "/admin/login", "Strict")):
        parts = cookie.split("; ")
        assert "HttpOnly" in parts
        assert f"SameSite={site}" in parts
        assert f"Path={path}" in parts
        assert "Secure" not in parts


def test_behind_https_the_cookie_is_secure(pages_engine: Engine, hub):
    app = create_app(make_hub(pages_engine, public_url="https://hub.example.ru"))
    response = Visitor(app.test_client(), "en").log_in()

    cookies = response.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("Secure" in cookie.split("; ") for cookie in cookies)


def test_a_session_begins_anew_at_the_login(app):
    with app.test_client() as client:
        client.get("/admin/login")
        before = session["csrf_token"]
        Visitor(client, "en").log_in()
        client.get("/admin/p/demo/")
        assert session["csrf_token"] != before


@pytest.mark.parametrize(
    ("address", "led_to"),
    [
        pytest.param("/admin/p/demo/?a=b", "/admin/p/demo/?a=b", id="a page of ours"),
        pytest.param(None, None, id="nothing"),
        pytest.param("https://evil.example/admin/", None, id="another host"),
        pytest.param("//evil.example/admin/", None, id="another host in short"),
        pytest.param("/admin/\\evil.example", None, id="a backslash that browsers turn round"),
        pytest.param("/admin/\nx", None, id="a line break"),
        pytest.param("/api/v1/quotes", None, id="not a page"),
    ],
)
def test_the_way_back_leads_to_the_console_only(address, led_to):
    assert inside(address) == led_to


def test_passwords_are_hashed_with_argon2_and_a_salt():
    first, second = hash_password("a long password"), hash_password("a long password")

    assert first.startswith("$argon2id$")
    assert first != second
    assert password_fits(first, "a long password")
    assert not password_fits(first, "a long passwort")
    assert not password_fits(None, "a long password")
    assert not password_fits("no hash at all", "a long password")


def test_a_short_password_is_refused():
    with pytest.raises(ValueError, match="8 characters"):
        hash_password("seven77")


def test_a_one_time_password_is_four_groups_and_never_the_same():
    made = {one_time_password() for _ in range(50)}

    assert len(made) == 50
    assert all([len(group) for group in one.split("-")] == [4, 4, 4, 4] for one in made)
