"""Every page and every door that is not the API, tried by who should not be there.

The table is written by hand, and a route that it does not name fails the first test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from hub.clock import SystemClock
from hub.web import connect
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.staff import set_post
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import installations, metadata
from tests.hub.api.bodies import a_line, a_purchase
from tests.hub.api.client import code_of
from tests.hub.web.conftest import Visitor
from tests.security.world import World, keep_cookie, steal
from tests.support.clock import NOON
from tests.support.shopfloor import SETTINGS, signed

LOOK = frozenset({"marketer", "support", "viewer"})
FIND = LOOK | {"cashier"}
CASHIER = frozenset({"cashier"})
SALE = {
    "key": "d" * 32,
    "shop": "main",
    "mode": "real",
    "do": "sell",
    "shown": "9900/0/9900",
    "name": "Tea",
    "sku": "",
    "quantity": "1",
    "price": "100",
    "sells": "",
}
SUPPORT, MARKETER = frozenset({"support"}), frozenset({"marketer"})
TILL = frozenset({"support", "cashier"})


@dataclass(frozen=True)
class Page:
    """What the owner gets, and what he gets where `demo` is exchanged for `other`; `roles`: who
    else may, of those who are something in the programme."""

    owner: int
    other: int | None = None
    form: dict[str, str] | None = None
    roles: frozenset[str] = frozenset()


DEMO = "/admin/p/<programme>"
DRAFT = "3"
"""The draft of `demo`; `other` has no version of this number."""
SECOND = "<second>"
"""In a form: the id of another member; so with other names of the world."""
PAGES = {
    "GET /admin/": Page(302),
    "GET /admin/<path:anything>": Page(404),
    "POST /admin/logout": Page(302),
    f"GET {DEMO}/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/connections/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/connections/new": Page(200, 200),
    f"GET {DEMO}/connections/new/<connector>": Page(200, 200),
    f"POST {DEMO}/connections/new/<connector>": Page(302, 302, {"_name": "Two", **SETTINGS}),
    # This world's connector has nothing for the shop's own side: `hub/web/test_pairing.py`.
    f"GET {DEMO}/companions/<connector>/file": Page(404, 404),
    f"POST {DEMO}/companions/<connector>/code": Page(404, 404),
    f"GET {DEMO}/connections/<installation_id>": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/connections/<installation_id>/last-deliveries": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/connections/<installation_id>/settings": Page(200, 404),
    f"POST {DEMO}/connections/<installation_id>/settings": Page(
        302, 404, {"_name": "Tea shop", **SETTINGS}
    ),
    f"POST {DEMO}/connections/<installation_id>/check": Page(200, 404),
    f"GET {DEMO}/connections/<installation_id>/health": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/connections/<installation_id>/health/shop": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/connections/<installation_id>/health/diagnostics": Page(200, 404),
    f"POST {DEMO}/connections/<installation_id>/health/webhooks": Page(302, 404),
    f"GET {DEMO}/connections/<installation_id>/backfill": Page(200, 404),
    f"GET {DEMO}/connections/<installation_id>/backfill/progress": Page(200, 404),
    # The connector of these tests cannot; nor does it show balances.
    f"POST {DEMO}/connections/<installation_id>/backfill": Page(422, 404, {"since": "2026-03-01"}),
    f"POST {DEMO}/connections/<installation_id>/backfill/stop": Page(302, 404),
    f"POST {DEMO}/connections/<installation_id>/balances": Page(400, 404, {"balances": "on"}),
    f"POST {DEMO}/connections/<installation_id>/state": Page(302, 404, {"state": "paused"}),
    f"GET {DEMO}/attention/": Page(200, 200, roles=LOOK),
    f"POST {DEMO}/attention/look": Page(
        302, 404, {"what": "<purchase>", "note": "All right"}, roles=SUPPORT
    ),
    f"POST {DEMO}/attention/put-back": Page(302, 404, {"what": "<purchase>"}, roles=SUPPORT),
    f"GET {DEMO}/seen-twice/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/seen-twice/part/<purchase_id>": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/seen-twice/part/<purchase_id>": Page(302, 404, roles=SUPPORT),
    # What is typed in is refused beside the form.
    f"GET {DEMO}/seen-twice/join": Page(422, 422, roles=SUPPORT),
    f"POST {DEMO}/seen-twice/join": Page(422, 422, {"one": "p_1", "other": "p_2"}, roles=SUPPORT),
    f"POST {DEMO}/seen-twice/declare": Page(422, 422, {"connection": "i_1"}),
    f"POST {DEMO}/seen-twice/take-back": Page(422, 422, {"connection": "i_1"}),
    f"GET {DEMO}/deliveries/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/deliveries/<delivery_id>": Page(200, 404, roles=LOOK),
    f"POST {DEMO}/deliveries/<delivery_id>/replay": Page(302, 404, roles=SUPPORT),
    f"GET {DEMO}/programme/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/programme/rules": Page(200, 200, roles=MARKETER),
    # A form with nothing in it is refused beside its fields.
    f"POST {DEMO}/programme/rules": Page(422, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/promotions/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/programme/promotions/new": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/programme/promotions/new": Page(422, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/promotions/<promotion>": Page(200, 404, roles=MARKETER),
    f"POST {DEMO}/programme/promotions/<promotion>": Page(
        422, 404, {"base": DRAFT}, roles=MARKETER
    ),
    f"POST {DEMO}/programme/promotions/<promotion>/remove": Page(
        302, 404, {"base": DRAFT}, roles=MARKETER
    ),
    f"POST {DEMO}/programme/promotions/look": Page(200, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/parts/<part>/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/programme/parts/<part>/new": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/programme/parts/<part>/new": Page(422, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/parts/<part>/of/<entry>": Page(200, 404, roles=MARKETER),
    f"POST {DEMO}/programme/parts/<part>/of/<entry>": Page(
        422, 404, {"base": DRAFT}, roles=MARKETER
    ),
    f"POST {DEMO}/programme/parts/<part>/of/<entry>/remove": Page(
        302, 404, {"base": DRAFT}, roles=MARKETER
    ),
    f"POST {DEMO}/programme/parts/<ordered_part>/of/<ordered_entry>/earlier": Page(
        302, 404, {"base": DRAFT}, roles=MARKETER
    ),
    f"GET {DEMO}/programme/reward-choice": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/programme/reward-choice": Page(302, 404, {"base": DRAFT}, roles=MARKETER),
    f"POST {DEMO}/programme/parts/<part>/look": Page(200, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/cards": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/programme/cards": Page(302, 404, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/versions/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/programme/versions/<int(max=2147483647):version>": Page(200, 404, roles=LOOK),
    f"POST {DEMO}/programme/versions/<int(max=2147483647):version>/publish": Page(302, 404),
    f"POST {DEMO}/programme/versions/<int(max=2147483647):version>/take-back": Page(302, 404),
    f"POST {DEMO}/programme/versions/drop": Page(302, 302, {"base": DRAFT}, roles=MARKETER),
    f"GET {DEMO}/programme/versions/<int(max=2147483647):version>/simulate": Page(
        200, 404, roles=MARKETER
    ),
    f"POST {DEMO}/programme/versions/<int(max=2147483647):version>/simulate": Page(
        302, 404, {"from": "2026-03-01", "to": "2026-03-31"}, roles=MARKETER
    ),
    f"GET {DEMO}/programme/simulation": Page(200, 200, roles=LOOK),
    f"POST {DEMO}/programme/simulation/stop": Page(302, 302, roles=MARKETER),
    f"GET {DEMO}/members/": Page(200, 200, roles=FIND),
    f"GET {DEMO}/members/<member_id>": Page(200, 404, roles=FIND),
    f"GET {DEMO}/members/<member_id>/notes/new": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/notes/new": Page(
        302, 404, {"text": "Likes green tea"}, roles=SUPPORT
    ),
    f"POST {DEMO}/members/<member_id>/notes/<note>/remove": Page(302, 404, roles=SUPPORT),
    f"GET {DEMO}/members/import": Page(200, 200),
    f"POST {DEMO}/members/import": Page(422, 422),
    f"GET {DEMO}/members/import/progress": Page(200, 404),
    f"POST {DEMO}/members/import/columns": Page(302, 404, {"upload": "<members_file>"}),
    f"POST {DEMO}/members/import/begin": Page(302, 404, {"upload": "<members_file>"}),
    f"POST {DEMO}/members/import/again": Page(302, 404, {"upload": "<members_file>"}),
    f"POST {DEMO}/members/import/stop": Page(302, 404, {"upload": "<members_file>"}),
    f"POST {DEMO}/members/import/refused": Page(
        200, 404, {"upload": "<members_file>", "format": "csv"}
    ),
    f"GET {DEMO}/members/balances/import": Page(200, 200),
    f"POST {DEMO}/members/balances/import": Page(422, 422),
    f"GET {DEMO}/members/balances/import/progress": Page(200, 404),
    f"POST {DEMO}/members/balances/import/columns": Page(302, 404, {"upload": "<balances_file>"}),
    f"POST {DEMO}/members/balances/import/begin": Page(302, 404, {"upload": "<balances_file>"}),
    f"POST {DEMO}/members/balances/import/again": Page(302, 404, {"upload": "<balances_file>"}),
    f"POST {DEMO}/members/balances/import/stop": Page(302, 404, {"upload": "<balances_file>"}),
    f"POST {DEMO}/members/balances/import/refused": Page(
        200, 404, {"upload": "<balances_file>", "format": "csv"}
    ),
    f"GET {DEMO}/members/receipts/import": Page(200, 200),
    f"POST {DEMO}/members/receipts/import": Page(422, 422),
    f"GET {DEMO}/members/receipts/import/progress": Page(200, 404),
    f"POST {DEMO}/members/receipts/import/columns": Page(302, 404, {"upload": "<purchases_file>"}),
    f"POST {DEMO}/members/receipts/import/begin": Page(302, 404, {"upload": "<purchases_file>"}),
    f"POST {DEMO}/members/receipts/import/again": Page(302, 404, {"upload": "<purchases_file>"}),
    f"POST {DEMO}/members/receipts/import/stop": Page(302, 404, {"upload": "<purchases_file>"}),
    f"POST {DEMO}/members/receipts/import/refused": Page(
        200, 404, {"upload": "<purchases_file>", "format": "csv"}
    ),
    f"GET {DEMO}/catalogue/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/catalogue/import": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/catalogue/import": Page(422, 422, roles=MARKETER),
    f"GET {DEMO}/catalogue/import/progress": Page(200, 404, roles=MARKETER),
    f"POST {DEMO}/catalogue/import/begin": Page(
        302, 404, {"upload": "<products_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/catalogue/import/again": Page(
        302, 404, {"upload": "<products_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/catalogue/import/stop": Page(
        302, 404, {"upload": "<products_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/catalogue/import/refused": Page(
        200, 404, {"upload": "<products_file>", "format": "csv"}, roles=MARKETER
    ),
    f"POST {DEMO}/catalogue/export": Page(200, 200, {"format": "csv"}, roles=MARKETER),
    f"GET {DEMO}/coupons/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/coupons/new": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/coupons/new": Page(
        302, 422, {"series": "spring", "count": "1", "lot": "new"}, roles=MARKETER
    ),
    f"GET {DEMO}/coupons/lots/<coupon_lot>": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/coupons/lots/<coupon_lot>/progress": Page(200, 404, roles=LOOK),
    f"POST {DEMO}/coupons/lots/<coupon_lot>/block": Page(
        302, 404, {"blocked": "yes"}, roles=SUPPORT | MARKETER
    ),
    f"POST {DEMO}/coupons/lots/<coupon_lot>/export": Page(
        200, 404, {"format": "csv"}, roles=MARKETER
    ),
    f"GET {DEMO}/coupons/import": Page(200, 200, roles=MARKETER),
    f"POST {DEMO}/coupons/import": Page(422, 422, roles=MARKETER),
    f"GET {DEMO}/coupons/import/progress": Page(200, 404, roles=MARKETER),
    f"POST {DEMO}/coupons/import/begin": Page(
        302, 404, {"upload": "<coupons_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/coupons/import/again": Page(
        302, 404, {"upload": "<coupons_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/coupons/import/stop": Page(
        302, 404, {"upload": "<coupons_file>"}, roles=MARKETER
    ),
    f"POST {DEMO}/coupons/import/refused": Page(
        200, 404, {"upload": "<coupons_file>", "format": "csv"}, roles=MARKETER
    ),
    f"POST {DEMO}/coupons/find": Page(200, 422, {"code": "<coupon>"}, roles=LOOK),
    f"POST {DEMO}/coupons/block": Page(
        200, 404, {"code": "<coupon>", "blocked": "yes"}, roles=SUPPORT | MARKETER
    ),
    f"GET {DEMO}/certificates/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/certificates/new": Page(200, 200),
    f"POST {DEMO}/certificates/new": Page(
        302, 422, {"series": "gift", "count": "1", "lot": "new", "nominal": "100"}
    ),
    f"GET {DEMO}/certificates/lots/<certificate_lot>": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/certificates/lots/<certificate_lot>/progress": Page(200, 404, roles=LOOK),
    f"POST {DEMO}/certificates/lots/<certificate_lot>/export": Page(200, 404, {"format": "csv"}),
    f"GET {DEMO}/certificates/import": Page(200, 200),
    f"POST {DEMO}/certificates/import": Page(422, 422),
    f"GET {DEMO}/certificates/import/progress": Page(200, 404),
    f"POST {DEMO}/certificates/import/begin": Page(302, 404, {"upload": "<certificates_file>"}),
    f"POST {DEMO}/certificates/import/again": Page(302, 404, {"upload": "<certificates_file>"}),
    f"POST {DEMO}/certificates/import/stop": Page(302, 404, {"upload": "<certificates_file>"}),
    f"POST {DEMO}/certificates/import/refused": Page(
        200, 404, {"upload": "<certificates_file>", "format": "csv"}
    ),
    f"POST {DEMO}/certificates/find": Page(302, 422, {"code": "<certificate>"}, roles=LOOK),
    f"GET {DEMO}/certificates/one/<certificate_id>": Page(200, 404, roles=LOOK),
    f"GET {DEMO}/certificates/one/<certificate_id>/print": Page(200, 404),
    f"POST {DEMO}/certificates/one/<certificate_id>/block": Page(
        302, 404, {"blocked": "yes"}, roles=SUPPORT | MARKETER
    ),
    f"POST {DEMO}/certificates/one/<certificate_id>/top-up": Page(
        302, 404, {"amount": "10", "key": "a" * 32}
    ),
    f"GET {DEMO}/rewards/": Page(200, 200, roles=LOOK),
    f"POST {DEMO}/rewards/<reward>/stock": Page(
        302, 404, {"way": "add", "pieces": "1", "was": "8"}, roles=MARKETER
    ),
    f"GET {DEMO}/rewards/orders": Page(200, 200, roles=LOOK),
    f"POST {DEMO}/rewards/orders/<order>/cancel": Page(302, 404, roles=SUPPORT),
    f"GET {DEMO}/rewards/hand-out": Page(200, 200, roles=TILL),
    f"POST {DEMO}/rewards/hand-out": Page(200, 422, {"code": "<order_code>"}, roles=TILL),
    f"GET {DEMO}/posters/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/messages/sent/": Page(200, 200, roles=LOOK),
    f"GET {DEMO}/messages/": Page(200, 200, roles=LOOK),
    # No gateway is connected.
    f"POST {DEMO}/messages/test": Page(
        422,
        422,
        {"kind": "welcome", "channel": "sms", "locale": "ru", "to": "+79990001122"},
        roles=MARKETER,
    ),
    f"POST {DEMO}/messages/<letter>/switch": Page(302, 302, {"on": "yes"}, roles=MARKETER),
    f"GET {DEMO}/messages/<letter>/<letter_channel>/<letter_locale>": Page(200, 200, roles=LOOK),
    f"POST {DEMO}/messages/<letter>/<letter_channel>/<letter_locale>": Page(
        302, 302, {"base": "0", "subject": "a", "text": "b", "html": ""}, roles=MARKETER
    ),
    f"GET {DEMO}/members/<member_id>/points": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/points": Page(
        302,
        404,
        {"amount": "5", "way": "give", "reason": "sorry", "key": "a" * 32},
        roles=SUPPORT,
    ),
    f"GET {DEMO}/members/<member_id>/reward": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/reward": Page(302, 404, {"reward": ""}, roles=SUPPORT),
    f"GET {DEMO}/members/<member_id>/lists/<own_list>/add": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/lists/<own_list>/add": Page(
        302, 404, {"kind": "sku", "name": "tea"}, roles=SUPPORT
    ),
    f"POST {DEMO}/members/<member_id>/lists/<own_list>/remove": Page(
        302, 404, {"kind": "sku", "name": "tea"}, roles=SUPPORT
    ),
    f"GET {DEMO}/members/<member_id>/merge": Page(200, 404, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/merge": Page(302, 404, {"from": SECOND}, roles=SUPPORT),
    f"POST {DEMO}/members/<member_id>/export": Page(200, 404),
    f"GET {DEMO}/members/<member_id>/erase": Page(200, 404),
    f"POST {DEMO}/members/<member_id>/erase": Page(200, 404, {"sure": "yes"}),
    f"GET {DEMO}/people/": Page(200, 200),
    f"POST {DEMO}/people/invite": Page(200, 200, {"login": "nina", "role": "viewer"}),
    f"POST {DEMO}/people/<login>/role": Page(302, 302, {"role": "support", "day_points": "5"}),
    f"POST {DEMO}/people/<login>/remove": Page(302, 404),
    f"POST {DEMO}/people/invitations/<invitation_id>/take-back": Page(302, 404),
    f"GET {DEMO}/keys/": Page(200, 200),
    f"POST {DEMO}/keys/": Page(200, 200, {"name": "till 2", "scopes": "checkout"}),
    f"POST {DEMO}/keys/<key_id>/revoke": Page(302, 404),
    f"GET {DEMO}/log/": Page(200, 200),
    f"POST {DEMO}/people/second-factor": Page(302, 302, {"roles": "viewer"}),
    "GET /admin/begin": Page(302),
    "POST /admin/begin": Page(302),
    f"GET {DEMO}/first-run/connect": Page(200, 200),
    f"GET {DEMO}/first-run/try": Page(200, 200),
    f"POST {DEMO}/first-run/try": Page(200, 200, {"amount": "1000"}),
    f"POST {DEMO}/first-run/finish": Page(302, 302),
    f"GET {DEMO}/till/": Page(200, 200, roles=CASHIER),
    f"POST {DEMO}/till/training": Page(302, 302, {"training": "on"}, roles=CASHIER),
    f"POST {DEMO}/till/find": Page(302, 200, {"q": "+79161234568"}, roles=CASHIER),
    f"POST {DEMO}/till/enrol": Page(302, 302, {"phone": "+79160000099"}, roles=CASHIER),
    f"GET {DEMO}/till/sale": Page(200, 200, roles=CASHIER),
    # In the other programme nothing is off, so the price shown is not that one.
    f"POST {DEMO}/till/sale": Page(302, 422, SALE, roles=CASHIER),
    f"GET {DEMO}/till/receipts/<till_receipt>": Page(200, 404, roles=CASHIER),
    f"GET {DEMO}/till/receipts/<till_receipt>/refund": Page(200, 404, roles=CASHIER),
    f"POST {DEMO}/till/receipts/<till_receipt>/refund": Page(
        302, 404, {"key": "c" * 32, "back-1": "1"}, roles=CASHIER
    ),
    "GET /admin/guide/<tongue>/<page>.md": Page(200),
    "GET /admin/guide/images/<picture>": Page(200),
    "GET /admin/account/": Page(200),
    "POST /admin/account/sessions/<session_id>/end": Page(404),
    "POST /admin/account/sessions/end-others": Page(302),
    "GET /admin/account/second-factor": Page(200),
    "GET /admin/account/second-factor/demanded": Page(302),
    "POST /admin/account/second-factor": Page(302),
    "POST /admin/account/second-factor/codes": Page(422, form={"code": "000000"}),
    "POST /admin/account/second-factor/drop": Page(422, form={"code": "000000"}),
}
"""Behind the login."""
ANYBODY = {
    "GET /": 302,
    "GET /admin/login": 200,
    "POST /admin/login": 401,
    "GET /admin/login/code": 302,
    "POST /admin/login/code": 302,
    "POST /admin/language": 302,
    "GET /admin/invitation/<token>": 404,
    "POST /admin/invitation/<token>": 404,
    "GET /api/docs": 200,
    "GET /api/v1/openapi.json": 200,
    "GET /api/v1/rules.schema.json": 200,
    "GET /api/v1/rules.templates.json": 200,
    "GET /c/<token>": 404,
    "POST /c/<token>": 404,
    # Whom the vendor vouches for sees it: `journeys/test_moysklad_frame.py`.
    "GET /frames/<installation>": 404,
    "GET /healthz": 200,
    "GET /readyz": 200,
    "GET /metrics": 200,
    "GET /static/<path:filename>": 200,
}
"""What is open on purpose, and its answer to who knows nothing.  It shows nothing personal."""
DOORS = {"POST /hooks/<installation>/<name>", "PUT /hooks/<installation>/<name>"}
BESIDE_DOORS = {
    "POST /hooks/<installation>/<name>/<secret>",
    "PUT /hooks/<installation>/<name>/<secret>",
    *(f"{method} /connect/<installation>/<path:path>" for method in connect.METHODS),
    "POST /pair",
}
"""The same door with a secret in its address; vendors' own protocols, whose connectors prove
who calls (`hub/web/test_connect.py`, `connectors/moysklad`); and pairing, which a code proves
(`hub/web/test_pairing.py`)."""


def test_the_tables_name_every_route_outside_the_api(still_world: World):
    routes = {
        f"{method} {rule.rule}"
        for rule in still_world.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith("/api/v1") or rule.endpoint.startswith("api_pages.")
    }

    assert routes == PAGES.keys() | ANYBODY.keys() | DOORS | BESIDE_DOORS


@pytest.mark.parametrize("route", PAGES)
def test_behind_the_login_nobody_sees_or_changes_anything(still_world: World, route: str):
    before = state_of(still_world)

    for someone in (
        still_world.nobody(),
        forged(still_world),
        expired(still_world),
        ended(still_world),
    ):
        answer = send(still_world, someone, route)
        if answer.status_code == 302:
            assert answer.location.startswith("/admin/login")
        else:
            assert answer.status_code == 400, "a form without its token"
            assert shows_nothing(still_world, answer.text)
        fragment = send(still_world, someone, route, **{"HX-Request": "true"})
        assert fragment.status_code in (204, 400)
        assert shows_nothing(still_world, fragment.text)
    assert state_of(still_world) == before


@pytest.mark.slow
@pytest.mark.parametrize("route", PAGES)
def test_the_owner_gets_in_and_things_of_one_programme_stay_in_it(world: World, route: str):
    page = PAGES[route]
    if page.other is not None:
        there = replace(world, names={**world.names, "programme": "other"})
        before = state_of(world)
        assert send_with_token(there, world.owner(), route).status_code == page.other
        written = route.startswith("POST") and page.other < 400
        assert written or state_of(world) == before
    assert send_with_token(world, world.owner(), route).status_code == page.owner


def test_no_role_gets_what_is_not_its_own_and_a_neighbour_gets_nothing(still_world: World):
    before = state_of(still_world)
    people = {role: still_world.person(role) for role in [*FIND, "neighbour"]}
    tokens = {role: token_of(someone) for role, someone in people.items()}

    for route, page in PAGES.items():
        if DEMO not in route:
            continue
        for role, someone in people.items():
            if role in page.roles:
                continue
            more = {"csrf_token": tokens[role]} if route.startswith("POST") else None
            answer = send(still_world, someone, route, more=more)
            assert answer.status_code == (404 if role == "neighbour" else 403), (role, route)
            assert shows_nothing(still_world, answer.text), (role, route)
    assert state_of(still_world) == before


@pytest.mark.slow
@pytest.mark.parametrize("route", [route for route, page in PAGES.items() if page.roles])
def test_a_role_gets_what_is_its_own(world: World, route: str):
    page = PAGES[route]
    for role in page.roles if route.startswith("GET") else [min(page.roles)]:
        assert send_with_token(world, world.person(role), route).status_code == page.owner, role


OF_ALL_SHOPS = ("/connections/", "/deliveries/", "/seen-twice/")
"""What somebody who is bound to shops does not see, whatever the role."""


@pytest.mark.parametrize("role", sorted(LOOK))
def test_whoever_is_bound_to_shops_sees_the_receipts_of_those_alone(world: World, role: str):
    """One member's receipts in two shops, both flagged; the person is bound to `south`."""
    for number, shop, sum_ in (("m-1", "main", "777.00"), ("s-1", "south", "333.00")):
        line = a_line(amount=sum_, discount="0.00", spend="0.00", paid=sum_)
        odd = a_purchase(external_id=number, shop=shop, lines=[line], points_spent="9999.00")
        made = world.all_scopes.post("/purchases", {**odd, "occurred_at": NOON.isoformat()})
        assert made.status_code == 201, made.get_json()
    names = {**world.names, "purchase": made.get_json()["id"]}
    bind(world, role, "south")
    someone = world.person(role)
    token = token_of(someone)

    for page in (
        "/admin/p/demo/",
        f"/admin/p/demo/members/{world.names['member_id']}?view=purchases",
        "/admin/p/demo/attention/",
    ):
        seen = someone.page(page)
        assert ("777.00" in seen, "333.00" in seen) == (False, True), page
        assert not any(f"/p/demo{part}" in seen for part in OF_ALL_SHOPS), page
    before = state_of(world)
    for route in PAGES:
        if DEMO in route and route.partition(DEMO)[2].startswith(OF_ALL_SHOPS):
            more = {"csrf_token": token} if route.startswith("POST") else None
            assert send(world, someone, route, more=more).status_code == 403, route
    assert state_of(world) == before
    if role == "support":
        look, more = f"POST {DEMO}/attention/look", {"csrf_token": token}
        assert send(world, someone, look, more=more).status_code == 404
        assert state_of(world) == before
        own = replace(world, names=names)
        assert send(own, someone, look, more=more).status_code == 302


def test_a_bound_cashier_sees_the_whole_balance_and_the_own_purchases(world: World):
    bind(world, "cashier", "south")
    path = f"/admin/p/demo/members/{world.names['member_id']}"
    owner, cashier = world.owner(), world.person("cashier")

    assert balance_of(cashier.page(path)) == balance_of(owner.page(path)) != "0"
    bought = f'id="{world.names["purchase_id"]}"'
    assert bought in owner.page(f"{path}?view=purchases")
    assert bought not in cashier.page(f"{path}?view=purchases")


def bind(world: World, role: str, shop: str) -> None:
    with write(world.hub.engine) as connection:
        demo = get_programme(connection, "demo").id
        grant = Grant(Role(role), shops=(shop,))
        set_post(connection, role, demo, grant, author="test", now=NOON)


def balance_of(page: str) -> str:
    found = re.search(r'data-figure="available">([^<]+)<', page)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("route", [route for route in PAGES if route.startswith("POST")])
def test_no_form_is_taken_without_its_token(still_world: World, route: str):
    owner, before = still_world.owner(), state_of(still_world)

    for token in ({}, {"csrf_token": ""}, {"csrf_token": token_of(still_world.owner())}):
        answer = send(still_world, owner, route, more=token)
        assert answer.status_code == 400
        assert "out of date" in answer.text
    assert state_of(still_world) == before
    assert owner.get("/admin/p/demo/").status_code == 200, "still logged in"


@pytest.mark.parametrize("route", ANYBODY)
def test_what_is_open_shows_nothing_of_anybody(world: World, route: str):
    nobody = world.nobody()
    form = {"login": "owner", "password": "a guess", "language": "en"}
    if route.startswith("POST"):
        answer = nobody.send("/admin/login", route.split()[1], **form)
    else:
        answer = nobody.get(route.split()[1].replace("<path:filename>", "img/logo.svg"))

    assert answer.status_code == ANYBODY[route]
    assert shows_nothing(world, answer.text)
    answer.close()


@pytest.mark.parametrize("route", sorted(DOORS))
def test_a_door_takes_what_is_signed_and_nothing_else(world: World, route: str):
    method, _, rule = route.partition(" ")
    client, path = world.app.test_client(), address(world, rule)
    body = b'{"no": "2", "hint": [["order", "2"]]}'
    before = state_of(world)
    forgeries: list[dict[str, str]] = [
        {},
        signed(body, "another secret"),
        signed(body, ""),
        signed(b'{"no": "3", "hint": [["order", "2"]]}'),
        {"Authorization": f"Bearer {world.all_scopes.key}"},
        {**dict.fromkeys(signed(body), "Ü")},
    ]

    for headers in forgeries:
        answer = client.open(path, method=method, data=body, headers=headers)
        assert code_of(answer) == (401, "signature_invalid")
    for elsewhere in ("/hooks/i_1/events", "/hooks/x/events", path.replace("/events", "/x")):
        answer = client.open(elsewhere, method=method, data=body, headers=signed(body))
        assert code_of(answer) == (404, "unknown_route")
    # All that is left of them is the note that the page of health tells.
    with write(world.hub.engine) as connection:
        noted = connection.execute(
            update(installations)
            .where(installations.c.refused_code == "signature_invalid")
            .values(refused_at=None, refused_code=None)
        )
        assert noted.rowcount == 1
    assert state_of(world) == before
    assert client.open(path, method=method, data=body, headers=signed(body)).status_code == 200


def test_a_key_opens_no_page_and_a_session_opens_no_api(still_world: World):
    bearer = {"Authorization": f"Bearer {still_world.all_scopes.key}"}
    assert still_world.nobody().get("/admin/p/demo/members/", **bearer).status_code == 302
    assert still_world.owner().get("/api/v1/programmes").status_code == 401


def test_a_session_ends_by_itself_after_twelve_hours_without_use(world: World):
    began = SystemClock().now()
    owners = [world.owner() for _ in range(2)]
    for owner, hours, status in zip(owners, (11.9, 12.1), (200, 302), strict=True):
        keep_cookie(owner)
        with time_machine.travel(began + timedelta(hours=hours)):
            assert owner.get("/admin/p/demo/").status_code == status


def test_a_cookie_that_was_copied_is_worth_nothing_after_the_logout(world: World):
    owner, thief = world.owner(), world.nobody()
    steal(owner, thief)
    assert thief.get("/admin/p/demo/").status_code == 200

    owner.send("/admin/", "/admin/logout")

    assert thief.get("/admin/p/demo/").status_code == 302


def test_a_cookie_that_was_planted_before_the_login_is_not_the_session(world: World):
    victim, attacker = world.nobody(), world.nobody()
    attacker.get("/admin/login")
    steal(attacker, victim)
    token = token_of(attacker)

    assert victim.log_in().status_code == 302
    assert attacker.get("/admin/p/demo/").status_code == 302
    answer = victim.client.post("/admin/logout", data={"csrf_token": token})
    assert answer.status_code == 400, "the token that the attacker knows is not the session's"


# Who tries


def forged(world: World) -> Visitor:
    """A cookie of the right form, signed by another key."""
    someone = world.nobody()
    someone.client.set_cookie("loyalty_hub", "eyJfdXNlcl9pZCI6IjEuMCJ9.aaaa.bbbb", path="/admin")
    return someone


def expired(world: World) -> Visitor:
    """A session that nobody used for longer than twelve hours."""
    with time_machine.travel(SystemClock().now() - timedelta(hours=12, seconds=2)):
        return world.owner()


def ended(world: World) -> Visitor:
    """A session that was good until the password changed."""
    return world.owner(epoch=7)


# How


def address(world: World, rule: str) -> str:
    for name, value in {**world.names, "path:anything": "nowhere"}.items():
        rule = rule.replace(f"<{name}>", value)
    assert "<" not in rule, rule
    return rule


def send(world: World, someone: Visitor, route: str, *, more: Any = None, **headers: str) -> Any:
    method, _, rule = route.partition(" ")
    form = {**(PAGES[route].form or {}), **(more or {})} if method == "POST" else None
    form = form and {name: told_in(world, value) for name, value in form.items()}
    return someone.client.open(
        address(world, rule), method=method, data=form, headers={**someone.headers, **headers}
    )


def told_in(world: World, value: str) -> str:
    return world.names.get(value[1:-1], value) if value.startswith("<") else value


def send_with_token(world: World, owner: Visitor, route: str) -> Any:
    more = {"csrf_token": token_of(owner)} if route.startswith("POST") else None
    return send(world, owner, route, more=more)


def token_of(someone: Visitor) -> str:
    page = someone.client.get("/admin/", headers=someone.headers, follow_redirects=True).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def shows_nothing(world: World, text: str) -> bool:
    """Neither a person, nor a secret, nor a name of a thing of the programme."""
    ids = [name for name in world.names.values() if "_" in name and name != "cf_1"]
    planted = ["9161234567", "916 123", "Tea shop", world.all_scopes.key, *world.secrets]
    return not any(one in text for one in [*planted, *ids])


def state_of(world: World) -> dict[str, list[str]]:
    """Every row of every table."""
    with read(world.hub.engine) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
        }
