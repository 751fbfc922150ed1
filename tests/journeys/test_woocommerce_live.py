"""The whole main job over real sockets: a shop's webhooks in, a checkout's answer out.

The worker runs beside the web all the time, and is rung for by the door alone.  The shop is
met over plain http, where WooCommerce takes no key but one signed by OAuth.
"""

from __future__ import annotations

import pytest
import requests

from hub.jobs import start_embedded
from loyalty_core.service.api_keys import create_key
from loyalty_core.store.database import write
from tests.journeys.conftest import EVERYWHERE
from tests.support.browser import served
from tests.support.waiting import wait_until
from tests.support.woo import IVAN, RECORDED, Bought


class Till:
    """A checkout that asks the hub over HTTP with a key of its own."""

    def __init__(self, address, woo):
        self.address = address
        scopes = ("checkout", "members")
        with write(woo.hub.engine) as connection:
            made = create_key(
                connection,
                programme_id=woo.programme_id,
                name="till",
                scopes=scopes,
                shops=None,
                now=woo.clock.now(),
            )
        self.headers = {"Authorization": f"Bearer {made.key}"}

    def balance(self):
        answer = requests.get(
            f"{self.address}/api/v1/members",
            params={"phone": IVAN},
            headers=self.headers,
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return [member["balance"]["available"] for member in answer.json()["items"]]

    def quote(self, amount):
        basket = {
            "member": {"phone": IVAN, "verified": True},
            "spend": "max",
            "lines": [{"id": "1", "sku": "TEA-002", "quantity": "1", "amount": amount}],
        }
        answer = requests.post(
            f"{self.address}/api/v1/quotes", json=basket, headers=self.headers, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def woo(open_woo):
    return open_woo(auth="oauth")


@pytest.mark.parametrize("open_woo", EVERYWHERE, indirect=True)
def test_from_a_webhook_to_the_answer_at_the_checkout(woo):
    worker = start_embedded(woo.hub)
    try:
        with served(woo.app) as address:
            shop_and_checkout(woo, address, Till(address, woo))
    finally:
        worker.stop()
    assert woo.findings() == []


def shop_and_checkout(woo, address, till):
    def call(name):
        hook = f"{address}{woo.hook}"
        return woo.shop.redeliver(RECORDED / f"deliveries/{name}.json", hook)

    assert call("webhook_ping_on_creation__1__ping").status_code == 200

    # 4979.99 of goods x 5 % = 248.9995 -> 248.00 points.
    woo.sells("order_paid_processing__1__order_updated")
    answer = call("order_paid_processing__1__order_updated")
    assert (answer.status_code, answer.content) == (200, b"")
    wait_until(lambda: till.balance() == ["248.00"])

    # 30 % of 500.00 may be paid with points; the other 350.00 earn 17.50 -> 17.00.
    quote = till.quote("500.00")
    assert quote["degraded"] is False
    assert quote["member"]["balance"]["available"] == "248.00"
    assert (quote["totals"]["spend"], quote["totals"]["payable"]) == ("150.00", "350.00")
    assert quote["points"]["earn"] == "17.00"

    # A mug comes back: 99.10 points go.  Of 1000.00 30 % would be 300.00, but 148.90 are there,
    # and points are spent in whole ones.
    woo.refunds_back(13, 14)
    woo.sells("partial_refund_line__1__order_updated")
    assert call("partial_refund_line__1__order_updated").status_code == 200
    wait_until(lambda: till.balance() == ["148.90"])
    quote = till.quote("1000.00")
    assert (quote["totals"]["spend"], quote["totals"]["payable"]) == ("148.00", "852.00")
    assert woo.bought(13) == Bought("paid", "5279.99", earned="248.00", taken_back="99.10")
