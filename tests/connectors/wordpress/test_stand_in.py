"""The stand-in shop behaves as the recorded one, so that what is proved on it means something."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from connectors.wordpress.routes import EVENTS
from loyalty_kit.errors import Acknowledged, NeedsAttention
from loyalty_kit.ports import Hint
from loyalty_kit.testing.remote import Remote, always, json_reply
from tests.connectors.wordpress.shared import (
    DELIVERIES,
    context,
    inbound,
    request,
    rest,
    settings,
)
from tests.stand_ins.woocommerce import WooShop, wordpress_json

COMPLETED = "order_completed__1__order_updated"


@pytest.fixture
def hub():
    with Remote(always(json_reply(b""))) as listening:
        yield listening


@pytest.fixture
def shop():
    with WooShop() as running:
        running.put_order(rest("order_get"))
        yield running


def received(hub: Remote) -> Any:
    asked = hub.asked[-1]
    return request(asked.body, dict(asked.headers))


def get(shop: WooShop, path: str, **query: str) -> requests.Response:
    key = (shop.consumer_key, shop.consumer_secret)
    address = f"{shop.base_url}/wp-json/wc/v3{path}"
    return requests.get(address, params=query, auth=key, timeout=10)


def test_it_writes_json_as_the_recorded_shop_did():
    body = inbound(COMPLETED).body
    assert wordpress_json(json.loads(body)) == body


def test_a_recorded_delivery_arrives_with_its_exact_bytes_and_headers(shop, hub):
    shop.redeliver(DELIVERIES / f"{COMPLETED}.json", f"{hub.base_url}/hooks/1/events")

    assert received(hub).body == inbound(COMPLETED).body
    EVENTS.verify(received(hub), settings())
    assert EVENTS.delivery_key(received(hub)) == EVENTS.delivery_key(inbound(COMPLETED))


def test_a_delivery_holds_todays_state_under_a_good_signature(shop, hub):
    shop.change_order(13, status="cancelled")
    shop.deliver("order.created", 13, hub.base_url)

    EVENTS.verify(received(hub), settings())
    assert json.loads(received(hub).body)["status"] == "cancelled"
    assert EVENTS.translate(received(hub), context()) == (Hint("order", "13"),)


def test_what_is_gone_or_unreadable_is_delivered_as_a_signed_error(shop, hub):
    shop.deliver("order.updated", 99, hub.base_url)
    EVENTS.verify(received(hub), settings())
    assert EVENTS.translate(received(hub), context()) == (Hint("recheck", "orders"),)

    shop.owner_may_read = False
    shop.deliver("order.updated", 13, hub.base_url)
    with pytest.raises(NeedsAttention):
        EVENTS.translate(received(hub), context())


def test_it_pings(shop, hub):
    shop.ping(hub.base_url)
    with pytest.raises(Acknowledged):
        EVENTS.verify(received(hub), settings())


def test_trap_24_a_suffix_beside_the_flag_finds_nothing(shop):
    for after, flag, found in [
        ("2020-01-01T00:00:00", "true", 1),
        ("2020-01-01T00:00:00Z", "true", 0),
        ("2020-01-01T00:00:00Z", "false", 1),
    ]:
        answer = get(shop, "/orders", modified_after=after, dates_are_gmt=flag)
        assert len(answer.json()) == found


def test_the_trash_is_a_list_of_its_own(shop):
    shop.trash(13)

    assert get(shop, "/orders", status="any").json() == []
    assert len(get(shop, "/orders", status="trash").json()) == 1
    assert get(shop, "/orders/13").json()["status"] == "trash"


def test_a_deleted_refund_leaves_no_trace(shop):
    shop.add_refund(13, rest("order_refunds_list")[0])
    before = get(shop, "/orders/13").json()
    shop.delete_refund(13, 15)
    after = get(shop, "/orders/13").json()

    assert before["date_modified_gmt"] == after["date_modified_gmt"]
    assert (len(before["refunds"]), len(after["refunds"])) == (1, 0)


def test_a_wrong_key_is_refused_with_the_recorded_codes(shop):
    address = f"{shop.base_url}/wp-json/wc/v3/orders"
    nobody = requests.get(address, timeout=10)
    wrong = requests.get(address, auth=(shop.consumer_key, "cs_x"), timeout=10)

    assert (nobody.status_code, nobody.json()["code"]) == (401, "woocommerce_rest_cannot_view")
    assert (wrong.status_code, wrong.json()["code"]) == (
        401,
        "woocommerce_rest_authentication_error",
    )
