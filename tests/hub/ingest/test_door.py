"""The door: genuine deliveries are kept once and answered 200, whatever they mean."""

import json

import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.installations import set_state
from loyalty_core.store.database import read
from loyalty_core.store.tables import deliveries
from tests.support.hub import make_hub
from tests.support.shopfloor import signed

BODY = b'{"no": 1, "hint": [["order", "17"]]}'


def kept(shop):
    with read(shop.hub.engine) as connection:
        return connection.execute(select(deliveries)).mappings().all()


def test_a_delivery_is_kept_and_answered_before_anything_is_booked(shop):
    answer = shop.post(BODY, signed(BODY))

    assert (answer.status_code, answer.data) == (200, b"")
    (row,) = kept(shop)
    assert (row["state"], row["body"], row["hook"]) == ("due", BODY, "events")
    assert shop.remote.reads == []


def test_put_is_taken_as_well(shop):
    answer = shop.web.put(shop.installation.hooks["events"], data=BODY, headers=signed(BODY))

    assert answer.status_code == 200
    assert len(kept(shop)) == 1


def test_the_same_delivery_again_is_kept_once_and_answered_the_same(shop):
    answers = [shop.post(BODY, signed(BODY)).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert len(kept(shop)) == 1


def test_the_same_key_of_two_installations_is_two_deliveries(shop):
    other = shop.connect("shop2")

    shop.post(BODY, signed(BODY))
    shop.post(BODY, signed(BODY), to=other.hooks["events"])

    assert len(kept(shop)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no signature"),
        pytest.param(signed(BODY, "another secret"), id="another secret"),
        pytest.param(signed(BODY + b" "), id="another body"),
    ],
)
def test_a_forged_one_is_refused_and_not_kept(shop, headers):
    answer = shop.post(BODY, headers)

    assert answer.status_code == 401
    assert answer.json["code"] == "signature_invalid"
    assert kept(shop) == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100, b'{"hint": []}', b"webhook_id=7"])
def test_a_genuine_one_that_cannot_be_read_is_refused(shop, body):
    answer = shop.post(body, signed(body))

    assert answer.status_code == 400
    assert answer.json["code"] == "unreadable"
    assert kept(shop) == []


@pytest.mark.parametrize(
    ("body", "query"),
    [
        pytest.param(BODY, "?shop=a%00b", id="in a parameter"),
        pytest.param(BODY, "?sh%00op=a", id="in the name of one"),
        pytest.param(rb'{"no": "a\u0000b"}', "", id="in the key"),
        pytest.param(rb'{"no": "\ud800"}', "", id="half a character in the key"),
    ],
)
def test_what_no_database_can_hold_is_refused_and_not_tried_again(shop, body, query):
    door = shop.installation.hooks["events"] + query

    answer = shop.post(body, signed(body), to=door)

    assert (answer.status_code, answer.json["code"]) == (400, "unreadable")
    assert kept(shop) == []


def test_a_key_of_a_delivery_is_as_long_as_an_index_takes(shop):
    """Beyond that PostgreSQL could never keep it, and the shop would try for ever."""
    fits, beyond = (json.dumps({"no": "k" * length, "hint": []}).encode() for length in (255, 256))

    assert shop.post(fits, signed(fits)).status_code == 200
    answer = shop.post(beyond, signed(beyond))

    assert (answer.status_code, answer.json["code"]) == (400, "unreadable")
    assert len(kept(shop)) == 1


def test_a_ping_is_answered_and_not_kept(shop):
    answer = shop.post(b'{"ping": true}', signed(b'{"ping": true}'))

    assert answer.status_code == 200
    assert kept(shop) == []


@pytest.mark.parametrize(
    "path",
    ["/hooks/i_zzzz/events", "/hooks/rubbish/events", "/hooks/{installation}/other"],
)
def test_there_is_nothing_behind_other_doors(shop, path):
    address = path.format(installation=shop.installation.id)

    assert shop.post(BODY, signed(BODY), to=address).status_code == 404


def test_five_mebibytes_pass_and_more_do_not(shop):
    head = b'{"no": 1, "hint": [], "pad": "'
    fits = head + b"x" * (5 * 1024 * 1024 - len(head) - 2) + b'"}'
    too_much = fits + b" "

    assert shop.post(fits, signed(fits)).status_code == 200
    assert shop.post(too_much, signed(too_much)).status_code == 413
    assert len(kept(shop)) == 1


def test_of_a_paused_installation_deliveries_are_kept_and_wait(shop):
    shop.remote.put("order", "17")
    set_state(shop.hub, shop.installation.id, "paused")

    answer = shop.post(BODY, signed(BODY))
    shop.drain()

    assert answer.status_code == 200
    assert shop.states() == ["due"]
    set_state(shop.hub, shop.installation.id, "active")
    shop.drain()
    assert shop.states() == ["done"]


def test_what_is_secret_or_personal_is_not_kept_of_the_headers(shop):
    headers = {
        **signed(BODY),
        "Authorization": "Bearer s3cr3t",
        "Cookie": "a=s3cr3t",
        "X-Forwarded-For": "203.0.113.7",
        "X-Tablo-Topic": "order",
        "Content-Type": "application/json",
    }

    shop.web.post(
        shop.installation.hooks["events"] + "?token=s3cr3t&batch=9", data=BODY, headers=headers
    )

    (row,) = kept(shop)
    assert row["headers"] == {
        "content-type": "application/json",
        "x-tablo-topic": "order",
        "?batch": "9",
    }


def test_when_the_shop_last_called_is_known(shop):
    assert shop.shown().last_delivery_at is None

    shop.post(BODY, signed(BODY))

    assert shop.shown().last_delivery_at == shop.clock.now()


def test_settings_that_no_key_opens_are_not_the_shops_fault(shop):
    other = make_hub(
        shop.hub.engine,
        registry=shop.hub.registry,
        secret_keys=("1" * 42 + "A=",),
    )
    answer = (
        create_app(other)
        .test_client()
        .post(shop.installation.hooks["events"], data=BODY, headers=signed(BODY))
    )

    assert answer.status_code == 503
    assert json.loads(answer.data)["code"] == "try_again"
