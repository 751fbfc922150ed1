"""The door of a connected shop: what is kept, what is refused, what asks for the owner."""

from __future__ import annotations

import json

from tests.support.woo import IVAN, Bought, recorded, recorded_order

COMPLETED = "order_completed__1__order_updated"
LOST_RIGHTS = "webhook_owner_lost_permission__1__order_updated"


def test_a_ping_is_unsigned_answered_and_forgotten(woo):
    for name in ("webhook_ping_on_creation__1__ping", "fail_1__3__ping"):
        body, headers = recorded(name)
        assert "X-WC-Webhook-Signature" not in headers

        answer = woo.post(body, headers)

        # WooCommerce takes nothing but exactly 200 for a ping.
        assert (answer.status_code, answer.data) == (200, b"")
    assert woo.deliveries() == []


def test_exact_bytes_are_kept_under_their_signature(woo):
    body, headers = recorded(COMPLETED)

    woo.receive(COMPLETED)

    ((kept, kept_headers),) = woo.kept()
    assert kept == body
    assert kept_headers["x-wc-webhook-topic"] == headers["X-WC-Webhook-Topic"]


def test_a_wrong_signature_is_refused_and_nothing_is_stored(woo):
    woo.sells(COMPLETED)
    body, headers = recorded(COMPLETED)
    _, of_another = recorded("order_paid_processing__1__order_updated")
    wrong = of_another["X-WC-Webhook-Signature"]

    refused = [
        woo.post(body, {**headers, "X-WC-Webhook-Signature": wrong}),
        woo.post(body, {**headers, "X-WC-Webhook-Signature": ""}),
        woo.post(body, {k: v for k, v in headers.items() if k != "X-WC-Webhook-Signature"}),
        woo.post(body, woo.shop.delivery_headers("order.updated", body, secret="guessed")),
    ]
    woo.work()

    assert [answer.status_code for answer in refused] == [401] * 4
    assert {answer.get_json()["code"] for answer in refused} == {"signature_invalid"}
    assert woo.deliveries() == []
    assert woo.bought(13) is None


def test_a_changed_body_under_an_old_signature_is_refused(woo):
    woo.sells(COMPLETED)
    body, headers = recorded(COMPLETED)
    changed = [
        body.replace(b'"total":"5279.99"', b'"total":"9279.99"'),
        body + b"\n",
        # The same JSON, written anew by a proxy.
        body.replace(b"\\/", b"/"),
        json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8"),
    ]
    assert all(other != body for other in changed)

    answers = [woo.post(other, headers) for other in changed]
    woo.work()

    assert [answer.status_code for answer in answers] == [401] * 4
    assert woo.deliveries() == []
    assert woo.balance(IVAN) is None


def test_the_same_bytes_delivered_again_change_nothing(woo):
    woo.happens(COMPLETED)
    before = woo.purchase(13)
    calls = len(woo.shop.calls)

    woo.receive(COMPLETED, COMPLETED)
    woo.work()

    assert woo.states() == ["done"]
    assert len(woo.shop.calls) == calls
    assert woo.purchase(13) == before
    assert woo.balance(IVAN) == "248.00"


def test_no_signed_body_is_believed_the_shop_is_asked(woo):
    """A captured delivery may be replayed for ever; only what the shop says now counts."""
    woo.sells(COMPLETED, status="cancelled")

    woo.receive(COMPLETED)
    woo.work()

    assert recorded_order(COMPLETED)["status"] == "completed"
    assert woo.bought(13) == Bought("cancelled", "5279.99")


def test_an_owner_who_lost_the_right_to_read_is_told_and_nothing_is_booked(woo):
    woo.sells(COMPLETED)
    woo.receive(LOST_RIGHTS)
    woo.work()

    shown = woo.shown()
    assert (shown.state, shown.trouble_code) == ("attention", "webhook_trouble")
    assert "lost the right to read orders" in shown.trouble_text
    assert woo.states() == ["dead"]
    assert woo.bought(13) is None
    assert woo.balance(IVAN) is None

    # What comes through all the same is still booked: 248.9995 -> 248.00.
    woo.receive(COMPLETED)
    woo.work()
    assert woo.balance(IVAN) == "248.00"
    assert woo.shown().state == "attention"


def test_a_key_that_lost_its_rights_makes_deliveries_wait_for_the_owner(woo):
    woo.shop.key_may_read = False
    woo.sells(COMPLETED)
    woo.receive(COMPLETED)
    woo.work()
    assert (woo.shown().state, woo.shown().trouble_code) == ("attention", "credentials_rejected")
    assert woo.states() == ["due"]
    assert woo.bought(13) is None

    woo.shop.key_may_read = True
    woo.work_after(minutes=11)

    assert woo.shown().state == "active"
    assert woo.states() == ["done"]
    assert woo.balance(IVAN) == "248.00"


def test_webhooks_of_products_customers_and_coupons_book_no_purchase(woo):
    woo.receive(
        "product_updated__1__product_updated",
        "customer_created__1__customer_created",
        "customer_deleted__1__customer_deleted",
        "coupon_created__1__coupon_created",
    )
    woo.work()

    assert woo.states() == ["done", "dropped", "dropped", "dropped"]
    assert woo.balance(IVAN) is None
    assert woo.shown().state == "active"
