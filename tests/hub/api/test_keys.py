"""Who may call: keys, scopes, shops, and how soon a revoked key is refused."""

from __future__ import annotations

import pytest

from hub.app import create_app
from loyalty_core.service.api_keys import revoke_key
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store.database import transact, write
from tests.hub.api.bodies import ANNA, a_basket, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.support.hub import make_hub


@pytest.mark.parametrize(
    "sent",
    ["", "Bearer", "Bearer ", "Bearer lh_unknown", "Basic bGhfYQ==", "Bearer " + "a" * 5000],
)
def test_no_valid_key(shop, sent):
    answer = shop.post("/quotes", a_basket(), headers={"Authorization": sent})

    assert code_of(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_without_the_scope(hub, app, programme_id):
    till = Caller(app, new_key(hub, programme_id, scopes=["checkout"]).key)

    assert till.post("/quotes", a_basket()).status_code == 200
    answer = till.post("/purchases", a_purchase())
    assert code_of(answer) == (403, "scope_missing")
    assert answer.get_json()["scope"] == "events"


def test_a_key_bound_to_a_shop_reaches_no_hold_or_receipt_of_another(hub, app, programme_id, shop):
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north", "North"), now=hub.clock.now())
    bought = shop.post("/purchases", a_purchase()).json["id"]
    held = shop.post("/holds", a_basket(cart="c-1")).json["id"]
    till = Caller(app, new_key(hub, programme_id, shops=["north"]).key)

    for answer in (
        till.get(f"/holds/{held}"),
        till.patch(f"/holds/{held}", {"order": "A-1"}),
        till.delete(f"/holds/{held}"),
        till.get(f"/purchases/{bought}"),
    ):
        assert code_of(answer) == (403, "shop_forbidden")
    assert shop.get(f"/holds/{held}").json["state"] == "live"


def test_a_key_bound_to_a_shop_takes_up_no_hold_of_another_by_naming_it(
    hub, app, programme_id, shop
):
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north", "North"), now=hub.clock.now())
    anna = shop.post("/purchases", a_purchase()).json["member"]
    asked = a_basket(cart="c-1", member={"id": anna, "verified": True}, spend="20.00")
    held = shop.post("/holds", asked).json
    till = Caller(app, new_key(hub, programme_id, shops=["north"], name="north").key)

    sold = a_purchase(external_id="p-2", hold=held["id"], customer=None, points_spent="20.00")
    told = till.post("/purchases", sold).json

    assert (told["member"], told["flags"]) == (None, ["hold_unknown", "spend_without_member"])
    stands = shop.get(f"/holds/{held['id']}").json
    assert (stands["state"], stands["points"]) == ("live", "20.00")
    paid = shop.post("/purchases", sold | {"external_id": "p-3"}).json
    assert (paid["member"], paid["points"]["spent"]) == (anna, "20.00")


def test_a_key_bound_to_a_shop_sees_a_members_receipts_of_that_shop_alone(
    hub, app, programme_id, shop
):
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north", "North"), now=hub.clock.now())
    till = Caller(app, new_key(hub, programme_id, shops=["north"], name="north").key)
    own = []
    for number in range(3):
        anna = shop.post("/purchases", a_purchase(external_id=f"main-{number}")).json["member"]
        own.append(till.post("/purchases", a_purchase(external_id=f"north-{number}")).json["id"])
    path = f"/members/{anna}/purchases"

    first = till.get(f"{path}?limit=2").json
    rest = till.get(f"{path}?limit=2&cursor={first['next_cursor']}").json

    assert [one["id"] for one in first["items"] + rest["items"]] == own[::-1]
    assert rest["next_cursor"] is None
    assert len(shop.get(path).json["items"]) == 6


def test_a_key_bound_to_a_shop_finds_its_own_receipts_among_those_of_others(
    hub, app, programme_id, shop
):
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north"), now=hub.clock.now())
    keys = [new_key(hub, programme_id, shops=[one], name=one) for one in ("main", "north")]
    main, north = (Caller(app, key.key) for key in keys)
    for caller in (main, north):
        sent = a_purchase(order="1042", customer={"phone": "+79161234567"})
        assert caller.post("/purchases", sent).status_code == 201
    assert main.post("/purchases", a_purchase(external_id="p-2", order="7")).status_code == 201

    def found(caller, query):
        return [one["source"] for one in caller.get(f"/purchases?{query}").json["items"]]

    for query in ("order=1042", "external_id=p-1", "external_id=p-1&order=1042"):
        assert found(shop, query) == ["key:main", "key:north"]
        assert found(main, query) == ["key:main"]
        assert found(north, query) == ["key:north"]
    assert code_of(north.get("/purchases?order=7")) == (403, "shop_forbidden")
    assert code_of(north.get("/purchases?external_id=p-2")) == (403, "shop_forbidden")
    assert found(shop, "external_id=p-2&order=1042") == []
    assert found(north, "external_id=p-2&order=1042") == []


@pytest.mark.parametrize("revoked", [False, True])
def test_a_key_bound_to_a_shop_takes_nothing_back_of_what_another_sold(
    hub, app, clock, programme_id, shop, revoked
):
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north"), now=hub.clock.now())
    made = new_key(hub, programme_id, shops=["north"], name="north")
    north = Caller(app, made.key)
    assert shop.post("/purchases", a_purchase(order="1042")).json["points"]["earned"] == "50.00"

    by_order = a_refund(purchase=None, order="1042")
    nameless = a_refund(external_id="r-2", purchase=None, customer={"phone": ANNA})
    nameless["lines"] = [{"sku": "TEA-1", "quantity": "1", "paid_back": "1000.00"}]
    waits = a_refund(external_id="r-3", purchase=None, order="1043")
    told = [north.post("/refunds", one).json for one in (by_order, nameless, waits)]

    assert [one["status"] for one in told] == ["waiting"] * 3
    if revoked:
        transact(
            hub.engine,
            lambda connection: revoke_key(connection, programme_id, made.id, now=clock.now()),
        )
    later = a_purchase(external_id="p-2", order="1043")
    sold = shop.post("/purchases", later).json
    balance = shop.get(f"/members/{sold['member']}").json["balance"]
    assert (sold["points"]["clawed_back"], balance["available"]) == ("0.00", "100.00")
    assert shop.post("/refunds", by_order).json["status"] == "booked", "by a key of all shops"


SIGN = [{"fn": "9960440300000001", "fd": "1042", "fp": "2890456789"}]
SIGN_2 = [{"fn": "9960440300000001", "fd": "1043", "fp": "2890456790"}]


def test_a_key_bound_to_a_shop_reads_of_odd_receipts_and_links_its_own_alone(
    hub, app, programme_id, shop
):
    """`main` and `north` each have a refund that waits, one that a stranger sent for them, a flag
    and a receipt that was seen twice; one more was seen in both."""
    with write(hub.engine) as connection:
        create_shop(connection, programme_id, NewShop("north"), now=hub.clock.now())
    north = Caller(app, new_key(hub, programme_id, shops=["north"], name="north").key)
    ahead = "2035-01-01T12:00:00+03:00"
    for caller, sign in ((shop, SIGN), (north, SIGN_2)):
        caller.post("/refunds", a_refund(purchase="never"))
        caller.post("/purchases", a_purchase(external_id="odd", occurred_at=ahead))
        caller.post("/purchases", a_purchase(fiscal=sign))
    shop.post("/refunds", a_refund(external_id="r-2", purchase="never", shop="north"))
    for number, (there, sign) in enumerate((("main", SIGN), ("north", SIGN_2), ("north", SIGN))):
        other = Caller(app, new_key(hub, programme_id, name=f"cloud-{number}").key)
        other.post("/purchases", a_purchase(external_id="seen", shop=there, fiscal=sign))

    def listed(caller, path):
        return [one["source"] for one in caller.get(path).json["items"]]

    assert listed(north, "/attention/refunds") == ["key:till", "key:north"]
    assert len(listed(shop, "/attention/refunds")) == 3
    odd = north.get("/attention/receipts").json["items"]
    assert {one["shop"] for one in odd} == {"north"}
    assert {one["shop"] for one in shop.get("/attention/receipts").json["items"]} == {
        "main",
        "north",
    }
    (link,) = north.get("/purchase-links").json["items"]
    assert (link["purchase"]["source"], link["counts"]["source"]) == ("key:cloud-1", "key:north")
    assert len(shop.get("/purchase-links").json["items"]) == 3


def test_a_key_bound_to_shops(hub, app, programme_id):
    for code in ("north", "south"):
        transact(
            hub.engine,
            lambda connection, code=code: create_shop(
                connection, programme_id, NewShop(code), now=hub.clock.now()
            ),
        )
    till = Caller(app, new_key(hub, programme_id, shops=["north"]).key)

    assert code_of(till.post("/quotes", a_basket(shop="south"))) == (403, "shop_forbidden")
    assert code_of(till.post("/purchases", a_purchase(shop="south"))) == (403, "shop_forbidden")
    assert till.post("/quotes", a_basket(shop="north")).status_code == 200
    assert till.post("/purchases", a_purchase()).status_code == 201, "left out: the key's own shop"


def test_a_revoked_key_is_refused_within_five_seconds(hub, app, clock, programme_id):
    made = new_key(hub, programme_id)
    till = Caller(app, made.key)
    assert till.post("/quotes", a_basket()).status_code == 200

    transact(
        hub.engine,
        lambda connection: revoke_key(connection, programme_id, made.id, now=clock.now()),
    )
    clock.advance(seconds=5)

    assert code_of(till.post("/quotes", a_basket())) == (401, "unauthorized")


def test_another_programmes_things_are_not_there(shop, stranger):
    bought = shop.post("/purchases", a_purchase()).get_json()
    held = shop.post("/holds", a_basket(cart="c-1")).get_json()

    for path in (f"/purchases/{bought['id']}", f"/members/{bought['member']}"):
        assert stranger.get(path).status_code == 404
    assert code_of(stranger.get(f"/holds/{held['id']}")) == (404, "hold_not_found")
    assert code_of(stranger.delete(f"/holds/{held['id']}")) == (404, "hold_not_found")
    assert code_of(stranger.get("/programmes/shop/rules")) == (404, "programme_not_found")
    assert code_of(stranger.put("/programmes/shop/rules", {})) == (404, "programme_not_found")
    assert stranger.get("/purchases?external_id=p-1").get_json() == {"items": []}
    assert stranger.get("/members?phone=%2B79161234567").get_json() == {"items": []}


def test_the_same_event_of_two_programmes_is_two_events(shop, stranger):
    assert shop.post("/purchases", a_purchase()).status_code == 201
    assert stranger.post("/purchases", a_purchase()).status_code == 201


def test_too_many_calls(engine, clock, tmp_path):
    hub = make_hub(engine, clock=clock, data_dir=tmp_path, rate_limit="3/minute")
    app = create_app(hub)
    unknown = Caller(app, "lh_unknown")

    for _ in range(3):
        assert code_of(unknown.post("/quotes", a_basket())) == (401, "unauthorized")
    answer = unknown.post("/members", {})
    assert code_of(answer) == (429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_each_key_has_its_own_limit(engine, clock, tmp_path):
    hub = make_hub(engine, clock=clock, data_dir=tmp_path, rate_limit="3/minute")
    app = create_app(hub)
    programme_id = new_programme(hub, "shop")
    tills = [Caller(app, new_key(hub, programme_id, name=name).key) for name in ("a", "b")]

    # A key that was not met yet counts on its address once.
    statuses = [[till.get("/programmes").status_code for _ in range(5)] for till in tills]

    assert statuses == [[200, 200, 200, 200, 429], [200, 200, 200, 200, 429]]


def test_the_limit_is_shared_by_the_processes_with_redis(engine, clock, tmp_path, redis_url):
    hub = make_hub(
        engine, clock=clock, data_dir=tmp_path, rate_limit="3/minute", redis_url=redis_url
    )
    key = new_key(hub, new_programme(hub, "shop")).key
    callers = [Caller(create_app(hub), key) for _ in range(2)]

    statuses = [caller.get("/programmes").status_code for caller in callers * 4]

    assert statuses.count(200) == 5, "two first calls on the address, three on the key"
    assert statuses[-1] == 429
