"""Who gets in, who does not, and how often one may try."""

import pytest
from flask import session
from sqlalchemy import Engine

from hub.app import create_app
from hub.passwords import hash_password, one_time_password, password_fits
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
        reset_password(connection, login="owner", password_hash=hash_password("another one"))

    assert owner.get("/admin/p/demo/").location.startswith("/admin/login")


def test_a_fragment_without_a_session_takes_the_whole_page_to_the_login(visitor):
    response = visitor().get("/admin/p/demo/", **{"HX-Request": "true"})

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/admin/login"


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(visitor):
    cookie = visitor().log_in().headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/admin" in cookie
    assert "Secure" not in cookie


def test_behind_https_the_cookie_is_secure(pages_engine: Engine, hub):
    app = create_app(make_hub(pages_engine, public_url="https://hub.example.ru"))
    response = app.test_client().get("/admin/login")

    assert "Secure" in response.headers["Set-Cookie"]


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
