"""A console over a test's own database, and a browser without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from hub.app import create_app
from hub.passwords import hash_password
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import Programme, create_programme
from loyalty_core.store.database import write
from tests.support.clock import NOON
from tests.support.hub import make_hub
from tests.support.shopfloor import Remote, tablo

PASSWORD = "correct horse battery"
RULES = default_rules(
    earn_percent="5",
    spend_limit_percent="30",
    rounding="down",
    activation_days=0,
    point_life_days=365,
    negative_balance="clamp",
)


class Visitor:
    """Follows links and sends forms as a browser does, the CSRF token of the page with them."""

    def __init__(self, client: FlaskClient, language: str) -> None:
        self.client = client
        self.headers = {"Accept-Language": language}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**self.headers, **headers})

    def page(self, path: str) -> str:
        """The text of a page that must be there, redirects followed."""
        response = self.client.get(path, headers=self.headers, follow_redirects=True)
        assert response.status_code == 200, response.text
        return response.text

    def send(self, form: str, path: str, *, hx: bool = False, **fields: object) -> TestResponse:
        """Send fields to `path` with the token of the page `form`."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page(form))
        assert token is not None
        headers = {**self.headers, **({"HX-Request": "true"} if hx else {})}
        data = {"csrf_token": token.group(1), **fields}
        return self.client.post(path, data=data, headers=headers)

    def log_in(self, login: str = "owner", password: str = PASSWORD) -> TestResponse:
        return self.send("/admin/login", "/admin/login", login=login, password=password)


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def pages_engine(sqlite_engine: Engine) -> Engine:
    """What is about pages alone runs on SQLite; tests of what queries show take `engine`."""
    return sqlite_engine


@pytest.fixture
def hub(pages_engine: Engine, remote: Remote) -> Hub:
    """A hub with the programme `demo` and the account `owner`."""
    hub = make_hub(pages_engine, registry=registry_of([tablo(remote)]))
    with write(pages_engine) as connection:
        add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    return hub


@cache
def hashed_password() -> str:
    """Hashing is slow on purpose, so all tests share one."""
    return hash_password(PASSWORD)


def add_programme(connection, code: str, name: str) -> Programme:
    return create_programme(
        connection, code=code, name=name, document=RULES, author="test", now=NOON
    )


@pytest.fixture
def app(hub: Hub) -> Flask:
    return create_app(hub)


@pytest.fixture
def visitor(app: Flask) -> Callable[..., Visitor]:
    """A fresh browser; `visitor("ru")` asks for Russian pages."""

    def visit(language: str = "en") -> Visitor:
        return Visitor(app.test_client(), language)

    return visit


@pytest.fixture
def owner(visitor: Callable[..., Visitor]) -> Visitor:
    """The owner, logged in, in English."""
    someone = visitor()
    assert someone.log_in().status_code == 302
    return someone
