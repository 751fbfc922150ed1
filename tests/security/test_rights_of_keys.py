"""Every address of the API, tried with every kind of key.  The table is written by hand.

A route that the table does not name fails the first test: whoever adds one says here who may
call it.  There is one role in the console, so keys are where rights differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from hub.web.api import PREFIX
from loyalty_core.service.api_keys import SCOPES
from tests.hub.api.bodies import a_basket, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of
from tests.security.world import World

OPEN = {
    f"GET {PREFIX}/openapi.json",
    f"GET {PREFIX}/rules.schema.json",
    f"GET {PREFIX}/rules.templates.json",
}
"""What anybody may read; `test_rights_of_people.py` tries it."""
SHOP_FORBIDDEN = (403, "shop_forbidden")
NO_MEMBER = (404, "member_not_found")
NO_PURCHASE = (404, "purchase_not_found")
NO_COUPON = (404, "coupon_not_found")
NO_ORDER = (404, "order_not_found")
NO_CERTIFICATE = (404, "certificate_not_found")
NO_INSTALLATION = (404, "installation_not_found")
UNTOLD = (422, "validation_failed")
NO_PROGRAMME = (404, "programme_not_found")


@dataclass(frozen=True)
class May:
    """`scope` opens it and answers `gives`; a key of another programme is told `stranger`, one
    bound to the shop `south` is told `elsewhere`.  A number alone is a success.
    """

    scope: str
    gives: Any
    stranger: Any
    elsewhere: Any
    body: Any = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


MAIN = {"shop": "main"}
"""`main` is a shop of every programme: a stranger who names it acts in his own programme."""
EMPTY = {"items": []}
ONCE = {"Idempotency-Key": "k-1"}
SAYS_NO = {"consents": [{"purpose": "advertising", "channel": "sms", "given": False}]}
NO_MESSENGER = (422, "not_available")
RECEIPT = "t=20260314T1200&s=10.00&fn=9999078900000001&i=10318&fp=1234567890&n=1"
NO_CODE = (404, "confirmation_not_found")

TABLE = {
    # A quote and a hold name no member of ours here; the books of the stranger answer.
    "POST /quotes": May("checkout", 200, 200, SHOP_FORBIDDEN, a_basket(**MAIN)),
    "POST /holds": May("checkout", 201, 201, SHOP_FORBIDDEN, a_basket(cart="c-2", **MAIN)),
    "GET /holds/<hold_id>": May("checkout", 200, (404, "hold_not_found"), SHOP_FORBIDDEN),
    "PATCH /holds/<hold_id>": May(
        "checkout", 200, (404, "hold_not_found"), SHOP_FORBIDDEN, {"order": "A-1"}
    ),
    "DELETE /holds/<hold_id>": May("checkout", 204, (404, "hold_not_found"), SHOP_FORBIDDEN),
    # No connection sends messages here; codes of others: `hub/api/test_rows_sending.py`.
    "POST /confirmations": May(
        "checkout",
        NO_MESSENGER,
        NO_MESSENGER,
        SHOP_FORBIDDEN,
        {"member": {"phone": "+79161234567"}, "purpose": "join", **MAIN},
    ),
    "POST /confirmations/<confirmation_id>/check": May(
        "checkout", NO_CODE, NO_CODE, NO_CODE, {"code": "123456"}
    ),
    "POST /purchases": May(
        "events", 201, 201, SHOP_FORBIDDEN, a_purchase(external_id="p-2", **MAIN)
    ),
    # The refund waits for its purchase: another key is another source (`ledger.md` 18).
    "POST /refunds": May("events", 202, 202, SHOP_FORBIDDEN, a_refund(**MAIN)),
    "GET /purchases": May("events", 200, EMPTY, SHOP_FORBIDDEN, query="?external_id=p-1"),
    "GET /purchases/<purchase_id>": May("events", 200, (404, "purchase_not_found"), SHOP_FORBIDDEN),
    "POST /events": May(
        "events",
        201,
        201,
        201,
        {"kind": "visit", "external_id": "v-1", "occurred_at": "2026-03-14T14:30:00+03:00"},
    ),
    # Members belong to the programme, not to a shop: a key bound to a shop may know them all.
    # Of their receipts it sees those of its own shops.
    "POST /members": May("members", 201, 201, 201, {"phone": "+79161234569"}),
    "GET /members": May("members", 200, EMPTY, 200, query="?phone=%2B79161234567"),
    "GET /members/<member_id>": May("members", 200, NO_MEMBER, 200),
    "PATCH /members/<member_id>": May("members", 200, NO_MEMBER, 200, {"city": "Омск"}),
    "GET /members/<member_id>/ledger": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/lots": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/purchases": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/offers": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/lists": May("members", 200, NO_MEMBER, 200),
    # The rules of the stranger's own programme are looked at first.
    "PUT /members/<member_id>/lists/<own_list>": May(
        "members", 200, (404, "list_not_found"), 200, {"items": []}
    ),
    "POST /members/<member_id>/clubs": May(
        "members", 201, (404, "club_not_found"), 201, {"club": "tea"}
    ),
    "DELETE /members/<member_id>/clubs/<club>": May("members", 204, (404, "club_not_found"), 204),
    "POST /members/<member_id>/events/<event>": May("members", 201, NO_MEMBER, 201),
    "DELETE /members/<member_id>/events/<event>": May("members", 204, NO_MEMBER, 204),
    "GET /members/<member_id>/consents": May("members", 200, NO_MEMBER, 200),
    "POST /members/<member_id>/consents": May("members", 200, NO_MEMBER, 200, SAYS_NO),
    "POST /members/<member_id>/card": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/card": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/card/qr": May("members", 200, NO_MEMBER, 200),
    "GET /members/<member_id>/card/barcode": May("members", 200, NO_MEMBER, 200),
    "DELETE /members/<member_id>/card": May("members", 204, NO_MEMBER, 204),
    "POST /members/<member_id>/receipts": May("members", 202, NO_MEMBER, 202, {"qr": RECEIPT}),
    # So do rules and goods: `admin` is of the whole programme.  Other shops stay closed.
    "POST /members/<member_id>/adjustments": May(
        "admin", 201, NO_MEMBER, 201, {"amount": "1.00", "reason": "sorry"}, headers=ONCE
    ),
    "POST /members/<member_id>/merge": May("admin", 200, NO_MEMBER, 200, {"from": "<second>"}),
    # It has receipts of all shops in it.
    "GET /members/<member_id>/export": May("admin", 200, NO_MEMBER, SHOP_FORBIDDEN),
    "DELETE /members/<member_id>": May("admin", 200, NO_MEMBER, 200),
    # Coupons are the programme's; a code of another programme is no code here.
    "POST /coupons/lots": May(
        "admin", 201, UNTOLD, 201, {"lot": "second", "series": "spring", "count": 1}
    ),
    "GET /coupons/<coupon>": May("checkout", 200, NO_COUPON, 200),
    "POST /coupons/<coupon>/block": May("admin", 200, NO_COUPON, 200, {"blocked": True}),
    "GET /members/<member_id>/coupons": May("members", EMPTY, NO_MEMBER, EMPTY),
    "POST /members/<member_id>/exchange": May(
        "members", 201, NO_MEMBER, 201, {"series": "spring"}, headers=ONCE
    ),
    # Rewards are the programme's, whichever shop hands them out.
    "GET /rewards": May("checkout", 200, EMPTY, 200),
    "POST /rewards/<reward>/stock": May(
        "admin", 200, (404, "reward_not_found"), 200, {"add": 1}, headers=ONCE
    ),
    "GET /members/<member_id>/rewards": May("members", 200, NO_MEMBER, 200),
    "POST /members/<member_id>/rewards": May(
        "members", 201, NO_MEMBER, 201, {"reward": "mug"}, headers=ONCE
    ),
    "GET /members/<member_id>/rewards/orders": May("members", 200, NO_MEMBER, 200),
    "GET /rewards/orders": May("members", 200, 200, 200),
    "GET /rewards/orders/<order>": May("members", 200, NO_ORDER, 200),
    "POST /rewards/orders/<order>/cancel": May("members", 200, NO_ORDER, 200),
    "POST /rewards/hand-out": May("checkout", 200, NO_ORDER, 200, {"code": "<order_code>"}),
    "GET /partners": May("admin", 200, EMPTY, 200),
    # A partner of this code is made in the stranger's own programme.
    "PUT /partners/<partner>": May("admin", 200, 200, SHOP_FORBIDDEN, {"shops": ["main"]}),
    "GET /partners/<partner>/settlement": May(
        "admin",
        200,
        (404, "partner_not_found"),
        200,
        query="?from=2026-03-14&until=2026-03-14",
    ),
    # Connections are the programme's; another's is nobody's here.
    "GET /installations": May("admin", 200, EMPTY, 200),
    "GET /installations/<installation_id>/health": May("admin", 200, NO_INSTALLATION, 200),
    # A key bound to shops reads of receipts what is of those; `hub/api/test_keys.py` has rows.
    "GET /attention/refunds": May("admin", 200, 200, 200),
    "GET /attention/conflicts": May("admin", 200, 200, 200),
    "GET /attention/erasures": May("admin", 200, 200, 200),
    "GET /attention/receipts": May("admin", 200, 200, 200),
    "GET /purchase-links": May("admin", 200, 200, 200),
    # It is not linked: nothing moves.
    "POST /purchases/<purchase_id>/part": May("admin", EMPTY, NO_PURCHASE, SHOP_FORBIDDEN, {}),
    "POST /purchases/<purchase_id>/join": May(
        "admin", NO_PURCHASE, NO_PURCHASE, NO_PURCHASE, {"other": "p_1"}
    ),
    "GET /connection-links": May("admin", EMPTY, EMPTY, EMPTY),
    "PUT /connection-links/<connection_id>/<seen_in>": May("admin", UNTOLD, UNTOLD, UNTOLD, {}),
    "DELETE /connection-links/<connection_id>/<seen_in>": May("admin", 204, UNTOLD, 204),
    # So are gift certificates; their codes stand in bodies.
    "POST /certificates/lots": May(
        "admin",
        201,
        UNTOLD,
        201,
        {"lot": "more gifts", "series": "gift", "count": 1, "nominal": "5.00"},
    ),
    "POST /certificates/check": May("checkout", 200, NO_CERTIFICATE, 200, "<certificate>"),
    "POST /certificates/top-up": May("events", 201, NO_CERTIFICATE, 201, "<top-up>", headers=ONCE),
    "POST /certificates/block": May("admin", 200, NO_CERTIFICATE, 200, "<certificate>"),
    "GET /certificates/<certificate_id>/moves": May("admin", 200, NO_CERTIFICATE, 200),
    "GET /members/<member_id>/certificates": May("members", EMPTY, NO_MEMBER, EMPTY),
    "GET /programmes": May("admin", 200, 200, 200),
    "GET /programmes/<code>/rules": May("admin", 200, NO_PROGRAMME, 200),
    "PUT /programmes/<code>/rules": May("admin", 201, NO_PROGRAMME, 201, "<rules>"),
    "POST /programmes/<code>/rules/check": May("admin", 200, NO_PROGRAMME, 200, {}),
    "POST /programmes/<code>/rules/publish": May(
        "admin", (404, "version_not_found"), NO_PROGRAMME, (404, "version_not_found"), {"draft": 99}
    ),
    "POST /programmes/<code>/rules/take-back": May("admin", 200, NO_PROGRAMME, 200, {"version": 1}),
    "GET /programmes/<code>/rules/diff": May("admin", 200, NO_PROGRAMME, 200),
    "POST /programmes/<code>/rules/simulate": May(
        "admin",
        200,
        NO_PROGRAMME,
        200,
        {"draft": 1, "from": "2026-03-14", "to": "2026-03-14"},
    ),
    "GET /programmes/<code>/rules/versions": May("admin", 200, NO_PROGRAMME, 200),
    "POST /programmes/<code>/members/count": May(
        "admin",
        200,
        NO_PROGRAMME,
        200,
        {"when": {"field": "member.age", "is": "is_known"}},
    ),
    # The text is shown to whoever is asked, so a till that enrols may read it.
    "GET /programmes/<code>/consent-texts": May("members", EMPTY, NO_PROGRAMME, EMPTY),
    "POST /programmes/<code>/consent-texts": May(
        "admin", 201, NO_PROGRAMME, 201, {"purpose": "processing", "texts": {"ru": "Да"}}
    ),
    "GET /programmes/<code>/consent-evidence": May(
        "admin", EMPTY, NO_PROGRAMME, EMPTY, query="?phone=%2B79161234567"
    ),
    "GET /programmes/<code>/channels": May("admin", 200, NO_PROGRAMME, 200),
    "PUT /programmes/<code>/channels/<channel>": May(
        "admin", 200, NO_PROGRAMME, 200, {"state": "forbidden"}
    ),
    "GET /programmes/<code>/shops": May("admin", 200, NO_PROGRAMME, 200),
    "POST /programmes/<code>/shops": May(
        "admin", 201, NO_PROGRAMME, SHOP_FORBIDDEN, {"code": "east"}
    ),
    "PATCH /programmes/<code>/shops/<shop>": May(
        "admin", 200, NO_PROGRAMME, SHOP_FORBIDDEN, {"name": "M"}
    ),
    "GET /programmes/<code>/products": May("admin", 200, NO_PROGRAMME, 200),
    "POST /programmes/<code>/products": May(
        "admin", 200, NO_PROGRAMME, 200, {"items": [{"sku": "T", "name": "T"}]}
    ),
    # What members are told is of the whole programme, also for a key bound to a shop.
    "GET /messages": May("admin", 200, 200, 200),
    "GET /messages/channels": May("admin", 200, 200, 200),
    "GET /messages/kinds": May("admin", 200, 200, 200),
    "PUT /messages/kinds/<letter>": May("admin", 200, 200, 200, {"on": True}),
    "GET /messages/kinds/<letter>/<letter_channel>/<letter_locale>": May("admin", 200, 200, 200),
    "PUT /messages/kinds/<letter>/<letter_channel>/<letter_locale>": May(
        "admin", 200, 200, 200, {"subject": "a", "text": "b"}
    ),
    "POST /messages/preview": May(
        "admin",
        200,
        NO_MEMBER,
        200,
        {"kind": "welcome", "channel": "sms", "member": "<member_id>"},
    ),
    "POST /messages/test": May(
        "admin",
        NO_MESSENGER,
        NO_MESSENGER,
        NO_MESSENGER,
        {"kind": "welcome", "channel": "sms", "to": "+79990001122"},
    ),
    "GET /programmes/<code>/categories": May("admin", EMPTY, NO_PROGRAMME, EMPTY),
    "POST /programmes/<code>/categories": May(
        "admin", 200, NO_PROGRAMME, 200, {"items": [{"code": "t", "name": "T"}]}
    ),
}


def test_the_table_names_every_route_of_the_api(still_world: World):
    routes = {
        f"{method} {rule.rule}"
        for rule in still_world.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1")
    }

    assert routes == {name.replace(" ", f" {PREFIX}", 1) for name in TABLE} | OPEN


@pytest.mark.parametrize("route", TABLE)
def test_no_key_and_each_wrong_scope_are_refused_and_change_nothing(still_world: World, route: str):
    before = seen(still_world)

    for key in ("", "lh_garbage", "lh_" + "A" * 43, still_world.revoked.key):
        assert call(still_world, Caller(still_world.app, key), route) == (401, "unauthorized")
    for scope in set(SCOPES) - {TABLE[route].scope}:
        assert call(still_world, still_world.by_scope[scope], route) == (403, "scope_missing"), (
            scope
        )
    assert seen(still_world) == before


@pytest.mark.slow
@pytest.mark.parametrize("route", TABLE)
def test_another_programme_and_another_shop(world: World, route: str):
    before = seen(world)

    assert call(world, world.stranger, route) == as_told(TABLE[route].stranger)
    assert seen(world) == before, "a stranger changed what is ours"
    assert call(world, world.elsewhere, route) == as_told(TABLE[route].elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("route", TABLE)
def test_the_right_scope_alone_is_enough(world: World, route: str):
    assert call(world, world.by_scope[TABLE[route].scope], route) == as_told(TABLE[route].gives)


@pytest.mark.parametrize("route", TABLE)
def test_head_is_guarded_as_get_is_and_options_tells_methods_only(still_world: World, route: str):
    nobody = Caller(still_world.app, "lh_garbage")
    method, _, rule = route.partition(" ")
    path = address(still_world, rule)

    if method == "GET":
        assert nobody.call("HEAD", path).status_code == 401
    told = nobody.call("OPTIONS", path)
    assert (told.status_code, told.data) == (200, b"")
    assert method in told.headers["Allow"]


def test_a_header_does_not_change_the_method(world: World):
    path = f"/members/{world.names['member_id']}"
    for header in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        answer = world.all_scopes.get(path + "?_method=DELETE", headers={header: "DELETE"})
        assert answer.status_code in (200, 422)
    assert world.all_scopes.get(path).json["state"] == "unconfirmed"


def call(world: World, caller: Caller, route: str) -> tuple[int, Any]:
    """Status, and the problem's code or the answer's `items` if it is but a list of them."""
    may = TABLE[route]
    method, _, rule = route.partition(" ")
    answer = caller.call(
        method, address(world, rule) + may.query, body_of(world, may), headers=may.headers
    )
    if answer.status_code >= 400:
        return code_of(answer)
    return answer.status_code, EMPTY if answer.data == b'{"items":[]}' else None


def as_told(told: Any) -> tuple[int, Any]:
    if told == EMPTY:
        return 200, EMPTY
    return told if isinstance(told, tuple) else (told, None)


def address(world: World, rule: str) -> str:
    for name, value in world.names.items():
        rule = rule.replace(f"<{name}>", value)
    assert "<" not in rule, rule
    return rule


def body_of(world: World, may: May) -> Any:
    if may.body == "<rules>":
        return world.all_scopes.get("/programmes/demo/rules").json
    if may.body in ("<certificate>", "<top-up>"):
        amount = {"amount": "1.00"} if may.body == "<top-up>" else {}
        return {"code": world.names["certificate"], **amount}
    if may.body == {"from": "<second>"}:
        return {"from": world.names["second"]}
    if may.body == {"code": "<order_code>"}:
        return {"code": world.names["order_code"]}
    if isinstance(may.body, dict) and may.body.get("member") == "<member_id>":
        return {**may.body, "member": world.names["member_id"]}
    return may.body


def seen(world: World) -> list[Any]:
    """What the programme's own key reads of its things."""
    paths = (
        f"/members/{world.names['member_id']}/export",
        f"/holds/{world.names['hold_id']}",
        f"/purchases/{world.names['purchase_id']}",
        f"/coupons/{world.names['coupon']}",
        f"/rewards/orders/{world.names['order']}",
        "/rewards",
        "/partners",
        f"/certificates/{world.names['certificate_id']}/moves",
        "/programmes/demo/rules",
        "/programmes/demo/shops",
        "/programmes/demo/products",
        "/programmes/demo/categories",
        "/messages/kinds",
    )
    return [world.all_scopes.get(path).json for path in paths]


def test_a_basket_shows_a_stranger_nobody_of_ours(world: World):
    named = {"id": world.names["member_id"], "phone": "+79161234567", "verified": True}
    ours = world.by_scope["checkout"].post("/quotes", a_basket(member=named)).json
    theirs = world.stranger.post("/quotes", a_basket(member=named)).json

    assert ours["member"]["id"] == world.names["member_id"]
    assert theirs["member"] is None
