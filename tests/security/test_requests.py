"""Requests that are made to be misread: hosts, methods, paths, headers, sizes and depths."""

from __future__ import annotations

import gzip
import io
import re

import pytest
from sqlalchemy import exc

from hub.app import create_app
from hub.web.admin import members
from tests.hub.api.bodies import a_basket
from tests.hub.api.client import code_of
from tests.hub.web.conftest import Visitor
from tests.support.hub import make_hub
from tests.support.shopfloor import signed

EVIL = "evil.example"
POISON = {"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "Forwarded": EVIL}
PAGES = ["/", "/admin", "/admin/", "/admin/p/demo", "/admin/p/demo/members", "/admin/login"]


@pytest.mark.parametrize("path", [*PAGES, "//evil.example/admin", "/admin//evil.example/"])
def test_a_made_up_host_comes_back_in_no_address(world, path: str):
    for someone in (world.nobody(), world.owner()):
        answer = someone.client.get(path, headers={**someone.headers, **POISON})

        assert re.match("$|/(?!/)", answer.headers.get("Location", "")), (
            "no host, not even in short"
        )
        assert f"//{EVIL}" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_address_for_the_shop_is_the_public_one_whatever_the_host(world):
    app = create_app(
        make_hub(
            world.hub.engine,
            registry=world.hub.registry,
            public_url="https://hub.example.ru",
            trusted_proxies=1,
        )
    )
    owner = Visitor(app.test_client(), "en")
    owner.client.get("/admin/login", base_url="https://hub.example.ru")
    path = f"/admin/p/demo/connections/{world.names['installation_id']}"
    cookie = world.owner().client.get_cookie("loyalty_hub", path="/admin")
    owner.client.set_cookie("loyalty_hub", cookie.value, path="/admin", domain=EVIL)

    page = owner.client.get(path, base_url=f"https://{EVIL}", headers=POISON).text

    assert f"https://hub.example.ru/hooks/{world.names['installation_id']}/events" in page
    assert EVIL not in page


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../hub/config.py",
        "/static/%2e%2e/%2e%2e/config.py",
        "/static/..%2f..%2fconfig.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\..\\config.py",
        "/static/img/",
        "/static/\x00",
        "/static/js/%00.js",
        "/hooks/../admin/",
        "/api/v1/../../admin/p/demo/",
        "/api/v1/members/..%2f..%2f..%2fadmin",
        "/api/v1/members/%00",
        "/api/v1/members/%F0%28%8C%28",
        "/api/v1/programmes/%27%20OR%201=1--/rules",
        "/admin/p/..%2f..%2fetc/",
    ],
)
def test_no_path_leads_out_of_its_room(world, path: str):
    with world.all_scopes.app.test_client().get(
        path, headers={"Authorization": f"Bearer {world.all_scopes.key}"}
    ) as answer:
        assert answer.status_code in (302, 308, 400, 404), answer.text
        assert b"root:" not in answer.data
        assert b"Config" not in answer.data


@pytest.mark.parametrize("name", ["Idempotency-Key", "Accept-Language", "X-Request-Id", "Cookie"])
def test_no_header_of_the_caller_comes_back_as_one_of_ours(world, name: str):
    sent = "en; x=a%0d%0aSet-Cookie: evil=1"
    answer = world.all_scopes.post("/quotes", a_basket(), headers={name: sent})

    assert "evil" not in str(answer.headers)
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_no_part_of_an_address_comes_back_in_a_header(world):
    for path in ("/admin/login?next=/admin/%0d%0aSet-Cookie:%20evil=1", "/admin/x%0d%0aevil:1"):
        someone = world.nobody()
        answer = someone.send("/admin/login", path, login="owner", password="wrong")
        assert "evil" not in [name.lower() for name, _ in answer.headers]
        assert "evil=1" not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/admin/",
        "/\\evil.example/admin/",
        "/admin/../../evil",
        "/admin/..//evil.example",
        "\t//evil.example/admin/",
        "/%2f/evil.example",
        "javascript:alert(1)",
        "/admin/\r\nLocation: https://evil.example",
    ],
)
def test_the_way_back_after_the_login_and_the_language_leads_to_the_console(world, wanted: str):
    for path, form, more in (
        ("/admin/login", {"login": "owner", "password": "correct horse battery"}, {}),
        ("/admin/language", {"language": "en", "next": wanted}, {}),
    ):
        someone = world.nobody()
        page = someone.page("/admin/login")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        answer = someone.client.post(
            path, query_string={"next": wanted}, data={"csrf_token": token[1], **form, **more}
        )
        assert answer.status_code == 302
        assert answer.location.startswith("/admin/")
        assert EVIL not in answer.location.replace("..//evil.example", "")


def test_a_body_that_is_packed_is_not_unpacked(world):
    bomb = gzip.compress(b" " * 50 * 1024 * 1024)
    packed = {"Content-Encoding": "gzip"}

    api = world.all_scopes.post("/quotes", raw=bomb, headers=packed)
    assert code_of(api) == (415, "unsupported_media_type")
    door = world.app.test_client().post(
        f"/hooks/{world.names['installation']}/events",
        data=bomb,
        headers={**packed, **signed(bomb)},
    )
    assert code_of(door) == (400, "unreadable"), "the connector reads the bytes as they came"


@pytest.mark.parametrize(
    ("path", "limit"), [("/api/v1/quotes", 1024 * 1024), ("/hooks/x/events", 5 * 1024 * 1024)]
)
def test_a_body_beyond_its_limit_is_not_read(world, path: str, limit: int):
    path = path.replace("/x/", f"/{world.names['installation']}/")
    headers = {
        "Authorization": f"Bearer {world.all_scopes.key}",
        "Content-Type": "application/json",
    }
    answer = world.app.test_client().post(path, data=b" " * (limit + 1), headers=headers)
    assert code_of(answer) == (413, "body_too_large")
    within = world.app.test_client().post(path, data=b" " * limit, headers=headers)
    assert within.status_code in (400, 401)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"lines": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"9" * 100_000,
        b'{"spend": 1e999999}',
        b'{"spend": ' + b"9" * 5000 + b"}",
        b'"\\ud800"',
        b"\xff\xfe{\x00}\x00",
        b'{"a": 1, "a": 2}',
        b"NaN",
    ],
    ids=range(10),
)
def test_json_that_is_made_to_hurt_is_refused(world, body: bytes):
    answer = world.all_scopes.post("/quotes", raw=body)

    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"


def test_a_form_of_very_many_fields_is_refused(world):
    owner = world.owner()
    many = {f"f{n}": "x" for n in range(2000)}
    answer = owner.client.post("/admin/login", data=many)
    parts = owner.client.post("/admin/login", data=many, content_type="multipart/form-data")

    assert answer.status_code in (400, 413)
    assert parts.status_code in (400, 413)


def test_no_page_looks_for_what_holds_a_nul(world):
    """PostgreSQL takes none in a text, and would be told to be away."""
    nobody, owner = world.nobody(), world.owner()
    form = {"login": "own\x00er", "password": "a guess"}
    refused = [
        nobody.send("/admin/login", "/admin/login", **form),
        nobody.send("/admin/login", "/admin/login", **{"log\x00in": "owner"}),
        nobody.get("/admin/invitation/a%00b"),
        owner.get("/admin/p/demo/members/?q=a%00b"),
        owner.get("/admin/p/demo/members/?q=a&q%00=b"),
        owner.get("/admin/p/de%00mo/members/"),
        owner.get("/admin/p/demo/members/m_1%00"),
        owner.send("/admin/", "/admin/p/demo/coupons/find", code="a\x00b"),
        owner.send(
            "/admin/",
            "/admin/p/demo/catalogue/import",
            file=(io.BytesIO(b"sku;name\n"), "a\x00.csv"),
        ),
    ]

    assert [answer.status_code for answer in refused] == [400] * len(refused)
    assert all("This cannot be done" in answer.text for answer in refused)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (exc.DataError("SELECT 1", {}, ValueError("secret")), 500, "Something broke"),
        (exc.IntegrityError("SELECT 1", {}, ValueError("secret")), 500, "Something broke"),
        (exc.OperationalError("SELECT 1", {}, ValueError("secret")), 503, "does not answer"),
        (exc.TimeoutError(), 503, "does not answer"),
    ],
)
def test_the_database_is_told_to_be_away_only_where_it_is(world, monkeypatch, error, status, said):
    def fails(*_args, **_kwargs):
        raise error

    owner = world.owner()
    monkeypatch.setattr(members, "read", fails)
    told = owner.get("/admin/p/demo/members/?q=anna")

    assert (told.status_code, said in told.text, "secret" in told.text) == (status, True, False)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
def test_methods_that_nobody_takes(world, method: str):
    for path in ("/admin/", "/api/v1/quotes", "/hooks/x/y", "/metrics", "/"):
        answer = world.app.test_client().open(path, method=method)
        assert answer.status_code == 405
        assert "Max-Forwards" not in answer.text
