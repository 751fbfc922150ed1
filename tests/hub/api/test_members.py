"""Members over HTTP."""

from __future__ import annotations

from sqlalchemy import event

from tests.hub.api.bodies import ANNA, a_line, a_purchase
from tests.hub.api.client import Caller, code_of, new_key

NOBODYS_BALANCE = {"available": "0.00", "pending": "0.00", "held": "0.00", "debt": "0.00"}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_a_new_member(shop):
    answer = shop.post(
        "/members",
        {
            "phone": "8 (916) 123-45-67",
            "email": "anna@example.com",
            "card": "400017",
            "external": {"system": "crm", "id": "17"},
            "first_name": "Анна",
            "birth_date": "1990-12-31",
            "attributes": {"coffee": True},
        },
    )

    assert answer.status_code == 201
    card = answer.get_json()
    assert card["phone"] == ANNA
    assert card["email"] == "anna@example.com"
    assert card["cards"] == ["400017"]
    assert card["externals"] == [{"system": "crm", "id": "17"}]
    assert card["birth_date"] == "1990-12-31"
    assert card["attributes"] == {"coffee": True}
    assert card["balance"] == NOBODYS_BALANCE
    assert shop.get(f"/members/{card['id']}").get_json() == card
    for question in ("phone=9161234567", "email=anna@example.com", "card=400017"):
        assert shop.get(f"/members?{question}").get_json() == {"items": [card]}


def test_the_same_phone_again_names_the_member_who_has_it(shop):
    known = shop.post("/members", {"phone": ANNA}).get_json()

    answer = shop.post("/members", {"phone": "8 916 123-45-67"})

    assert code_of(answer) == (409, "member_exists")
    assert answer.get_json()["id"] == known["id"]


def test_only_what_is_told_changes(shop):
    card = shop.post("/members", {"phone": ANNA, "first_name": "Ann", "city": "Perm"}).get_json()

    changed = shop.patch(f"/members/{card['id']}", {"first_name": "Анна", "city": None}).get_json()

    assert changed == {**card, "first_name": "Анна", "city": None, "name": changed["name"]}


def test_a_phone_that_is_taken_does_not_move(shop):
    shop.post("/members", {"phone": ANNA})
    other = shop.post("/members", {"phone": "+79160000001"}).get_json()

    answer = shop.patch(f"/members/{other['id']}", {"phone": ANNA})

    assert answer.status_code == 409
    assert shop.get(f"/members/{other['id']}").get_json()["phone"] == "+79160000001"


def test_ledger_lots_and_purchases(shop):
    for no in range(3):
        told = shop.post("/purchases", a_purchase(external_id=f"p-{no}")).get_json()
    member = told["member"]

    first = shop.get(f"/members/{member}/ledger?limit=2").get_json()
    second = shop.get(f"/members/{member}/ledger?limit=2&cursor={first['next_cursor']}").get_json()
    entries = first["items"] + second["items"]

    assert [entry["kind"] for entry in entries] == ["earn"] * 3
    assert {entry["amount"] for entry in entries} == {"50.00"}
    assert second["next_cursor"] is None
    assert len(shop.get(f"/members/{member}/lots").get_json()["items"]) == 3
    assert len(shop.get(f"/members/{member}/purchases").get_json()["items"]) == 3
    assert shop.get(f"/members/{member}").get_json()["balance"]["available"] == "150.00"
    assert shop.get(f"/members/{member}/ledger?limit=0").status_code == 422
    assert shop.get(f"/members/{member}/ledger?cursor=rubbish").status_code == 422


def test_an_adjustment_needs_its_key(shop):
    member = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    gift = {"amount": "10.50", "reason": "apology"}

    assert code_of(shop.post(f"/members/{member}/adjustments", gift)) == (
        400,
        "idempotency_key_required",
    )
    for _ in range(2):
        given = shop.post(f"/members/{member}/adjustments", gift, headers=keyed("a"))
        assert given.status_code == 201
    assert shop.get(f"/members/{member}").get_json()["balance"]["available"] == "10.50"

    taken = {"amount": "-0.50", "reason": "typing error", "currency": "points"}
    assert shop.post(f"/members/{member}/adjustments", taken, headers=keyed("b")).status_code == 201
    assert shop.get(f"/members/{member}").get_json()["balance"]["available"] == "10.00"
    nothing = {"amount": "0.00", "reason": "none"}
    assert shop.post(f"/members/{member}/adjustments", nothing, headers=keyed("c")).get_json()[
        "errors"
    ] == {"amount": ["Must not be zero."]}


def test_a_merge_brings_points_and_names_together(shop):
    anna = shop.post("/purchases", a_purchase()).get_json()["member"]
    other = shop.post(
        "/purchases",
        a_purchase(
            external_id="p-2",
            customer={"phone": "+79160000001"},
            lines=[a_line(amount="200.00", paid="200.00")],
        ),
    ).get_json()["member"]

    merged = shop.post(f"/members/{anna}/merge", {"from": other})

    assert merged.status_code == 200
    assert merged.get_json()["balance"]["available"] == "60.00"
    assert shop.get("/members?phone=%2B79160000001").get_json()["items"][0]["id"] == anna


def test_an_export_is_of_one_moment(shop, engine):
    """A purchase is booked between the reading of the ledger and of the purchases."""
    told = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    shop.post("/purchases", a_purchase())
    asked = []

    @event.listens_for(engine, "after_cursor_execute")
    def book_one_more(_connection, _cursor, statement, *_):
        if "FROM entries" in statement and not asked:
            asked.append(statement)
            shop.post("/purchases", a_purchase(external_id="p-2"))

    export = shop.get(f"/members/{told}/export").get_json()
    event.remove(engine, "after_cursor_execute", book_one_more)

    assert asked
    assert [len(export[part]) for part in ("ledger", "lots", "purchases")] == [1, 1, 1]
    assert len(shop.get(f"/members/{told}/export").get_json()["purchases"]) == 2


def test_an_export_and_an_erasure(shop):
    told = shop.post("/purchases", a_purchase()).get_json()["member"]
    shop.patch(f"/members/{told}", {"first_name": "Анна"})

    assert "Анна" in shop.get(f"/members/{told}/export").get_data(as_text=True)
    assert shop.delete(f"/members/{told}").status_code == 200
    assert shop.get("/members?phone=%2B79161234567").get_json() == {"items": []}
    left = shop.get(f"/members/{told}")
    assert left.status_code == 404 or left.get_json()["first_name"] is None


def test_what_is_done_by_hand_needs_the_scope_admin(hub, app, programme_id, shop):
    clerk = Caller(app, new_key(hub, programme_id, scopes=["members"]).key)
    member = clerk.post("/members", {"phone": ANNA}).get_json()["id"]

    for method, path in (
        ("POST", "adjustments"),
        ("POST", "merge"),
        ("GET", "export"),
    ):
        refused = clerk.call(method, f"/members/{member}/{path}", {} if method == "POST" else None)
        assert code_of(refused) == (403, "scope_missing")
    assert code_of(clerk.delete(f"/members/{member}")) == (403, "scope_missing")
