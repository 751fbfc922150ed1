"""Events over HTTP: booked once, told again, waiting, in conflict."""

from __future__ import annotations

from tests.hub.api.bodies import ANNA, a_line, a_purchase, a_refund
from tests.hub.api.client import code_of


def test_a_purchase_is_booked_once(shop):
    first = shop.post("/purchases", a_purchase())
    again = shop.post("/purchases", a_purchase())

    assert first.status_code == 201
    told = first.get_json()
    assert told["status"] == "booked"
    assert told["points"]["earned"] == "50.00"
    assert told["flags"] == []
    assert told["member"].startswith("m_")
    assert again.status_code == 200
    assert again.get_json() == told


def test_another_content_of_the_same_revision_is_a_conflict(shop):
    shop.post("/purchases", a_purchase())

    answer = shop.post("/purchases", a_purchase(lines=[a_line(amount="1.00", paid="1.00")]))

    assert code_of(answer) == (409, "event_conflict")


def test_an_older_revision_is_superseded(shop):
    shop.post("/purchases", a_purchase(revision=2))

    answer = shop.post("/purchases", a_purchase(revision=1))

    assert answer.status_code == 200
    assert answer.get_json()["status"] == "superseded"


def test_a_purchase_is_found_again(shop):
    told = shop.post("/purchases", a_purchase(order="A-1")).get_json()

    one = shop.get(f"/purchases/{told['id']}").get_json()
    by_id = shop.get("/purchases?external_id=p-1").get_json()["items"]
    by_order = shop.get("/purchases?order=A-1").get_json()["items"]

    assert one["id"] == told["id"]
    assert one["external_id"] == "p-1"
    assert by_id == by_order == [one]


def test_a_purchase_paid_with_a_certificate_is_a_fact(shop):
    answer = shop.post(
        "/purchases", a_purchase(certificates=[{"code": "GIFT-1", "amount": "500.00"}])
    )

    assert answer.status_code == 201
    assert answer.get_json()["flags"] == ["certificate_unknown"]


def test_a_refund_waits_for_its_purchase(shop):
    waiting = shop.post("/refunds", a_refund())
    assert waiting.status_code == 202
    assert waiting.get_json()["status"] == "waiting"

    shop.post("/purchases", a_purchase())

    booked = shop.post("/refunds", a_refund())
    assert booked.status_code == 200
    assert booked.get_json()["status"] == "booked"
    assert booked.get_json()["points"]["clawed_back"] == "50.00"


def test_a_refund_of_a_known_purchase(shop):
    shop.post("/purchases", a_purchase())

    answer = shop.post("/refunds", a_refund())

    assert answer.status_code == 201
    assert answer.get_json()["points"]["clawed_back"] == "50.00"


def test_an_open_purchase_books_nothing(shop):
    answer = shop.post("/purchases", a_purchase(status="open"))

    assert answer.get_json()["status"] == "open"
    assert set(answer.get_json()["points"].values()) <= {"0.00"}


def test_what_is_not_a_purchase(shop):
    visit = {
        "kind": "visit",
        "external_id": "v-1",
        "occurred_at": "2026-03-14T12:00:00+03:00",
        "member": {"phone": ANNA},
        "data": {"page": "/tea"},
    }

    assert shop.post("/events", visit).status_code == 201
    assert shop.post("/events", visit).status_code == 200
    assert code_of(shop.post("/events", {**visit, "data": {}})) == (409, "event_conflict")
