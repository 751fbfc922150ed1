"""Events over HTTP: booked once, told again, waiting, in conflict."""

from __future__ import annotations

from sqlalchemy import update

from loyalty_core.store.codec import content_hash
from loyalty_core.store.database import write
from loyalty_core.store.tables import happenings
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
    boris = {**visit, "member": {"phone": "+79161234568"}}
    assert code_of(shop.post("/events", boris)) == (409, "event_conflict")
    assert shop.post("/events", {**boris, "revision": 2}).status_code in (200, 201)
    in_utc = {**boris, "revision": 2, "occurred_at": "2026-03-14T09:00:00+00:00"}
    assert shop.post("/events", in_utc).status_code == 200


def test_an_event_that_an_older_version_took_is_known_when_it_is_told_again(shop, engine):
    said = {"occurred_at": "2026-03-14T12:00:00+03:00", "data": {"page": "/tea"}}
    visit = {"kind": "visit", "external_id": "v-1", "member": {"phone": ANNA}, **said}
    first = shop.post("/events", visit).get_json()
    hashed = content_hash([said["occurred_at"], said["data"]])
    with write(engine) as connection:
        connection.execute(update(happenings).values(content_hash=hashed))

    again = shop.post("/events", visit)

    assert (again.status_code, again.get_json()) == (200, first)
