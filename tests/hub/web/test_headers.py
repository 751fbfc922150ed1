"""The headers that keep a browser from doing what no page of ours needs."""

import re

import pytest
from sqlalchemy import Engine

from hub.app import create_app
from tests.support.hub import make_hub

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(
    "path", ["/admin/login", "/admin/p/demo/", "/admin/nowhere", "/healthz", "/api/v1/members/x"]
)
def test_every_answer_carries_the_policy(owner, path):
    headers = owner.get(path).headers

    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers
    assert "Strict-Transport-Security" not in headers


def test_by_https_the_browser_is_told_to_stay_there(app):
    response = app.test_client().get("/admin/login", base_url="https://hub.example.ru")

    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_caller_does_not_say_himself_that_he_came_by_https(app):
    claims = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "Forwarded": "proto=https"}
    response = app.test_client().get("/admin/login", headers=claims)

    assert "Strict-Transport-Security" not in response.headers
    assert "Secure" not in response.headers["Set-Cookie"]


def test_files_of_our_own_are_kept_by_the_browser(owner):
    with owner.get("/static/img/logo.svg") as response:
        assert response.headers["Cache-Control"] != "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_behind_a_proxy_with_https_too(pages_engine: Engine, hub):
    app = create_app(make_hub(pages_engine, public_url="https://hub.example.ru"))

    assert "Strict-Transport-Security" in app.test_client().get("/admin/login").headers


def test_pages_with_personal_data_are_not_kept_by_the_browser(owner):
    assert owner.get("/admin/p/demo/members/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/p/demo/",
        "/admin/p/demo/connections/",
        "/admin/p/demo/connections/new",
        "/admin/p/demo/connections/new/tablo",
        "/admin/p/demo/deliveries/",
        "/admin/p/demo/members/",
        "/api/docs",
    ],
)
def test_pages_hold_no_inline_script_and_no_inline_style(owner, path):
    page = owner.page(path)

    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", page)
    assert not re.search(r'(src|href|action)="(https?:)?//', page)


def test_what_pages_load_is_there_under_an_address_of_its_own(owner):
    page = owner.page("/admin/p/demo/")
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)

    assert len(files) >= 7
    for file in files:
        assert re.search(r"\?v=[0-9a-f]{12}$", file)
        with owner.get(file) as response:
            assert response.status_code == 200
