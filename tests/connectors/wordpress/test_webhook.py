"""Every recorded delivery, byte by byte, through verify, delivery key and translate."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from connectors.wordpress.routes import EVENTS
from loyalty_kit.errors import (
    Acknowledged,
    ConnectorError,
    Gone,
    NeedsAttention,
    NotOurs,
    PayloadInvalid,
    SignatureInvalid,
    Unreadable,
)
from loyalty_kit.ports import Hint, InboundRequest, Product, ProductsChanged
from tests.connectors.wordpress.shared import DELIVERIES, context, inbound, request, settings
from tests.stand_ins.woocommerce import sign

RECHECK = Hint("recheck", "orders")


def order(number: int) -> Hint:
    return Hint("order", str(number))


TEA = ProductsChanged(
    (
        Product(
            sku="TEA-002",
            name="Чай чёрный, 100 г",
            external_id="11",
            price_minor=35000,
            categories=("uncategorized",),
        ),
    )
)

HINTS = {
    "action_force_delete__1__action_woocommerce_delete_order": order(44),
    "action_refund__1__order_updated": order(44),
    "action_refund__3__action_woocommerce_order_refunded": order(44),
    "classic_checkout_guest_cod__1__order_created": order(27),
    "classic_checkout_guest_cod__2__order_updated": order(27),
    "fail_1__1__order_updated": order(22),
    "fail_1__2__order_updated": order(22),
    "full_refund_remaining__1__order_updated": order(13),
    "guest_order_created__1__order_created": order(20),
    "guest_order_created__2__order_updated": order(20),
    "meta_only_update__1__order_updated": order(22),
    "noop_update__1__order_updated": order(22),
    "order_cancelled__1__order_updated": order(22),
    "order_completed__1__order_updated": order(13),
    "order_created_paid_at_once__1__order_created": order(17),
    "order_created_paid_at_once__2__order_updated": order(17),
    "order_created_pending__1__order_created": order(13),
    "order_created_pending__2__order_updated": order(13),
    "order_gone_before_delivery__1__order_updated": RECHECK,
    "order_negative_fee__1__order_created": order(23),
    "order_negative_fee__2__order_updated": order(23),
    "order_paid_processing__1__order_updated": order(13),
    "order_restored__1__order_restored": order(19),
    "order_trashed__1__order_deleted": order(19),
    "order_with_coupon_and_fee__1__order_created": order(22),
    "order_with_coupon_and_fee__2__order_updated": order(22),
    "partial_refund_amount_only__1__order_updated": order(13),
    "partial_refund_line__1__order_updated": order(13),
    "partial_refund_qty__1__order_updated": order(28),
    "product_updated__1__product_updated": TEA,
    "status_set_to_refunded__1__order_updated": order(17),
    "store_api_get_checkout_draft__1__order_updated": order(24),
    "store_api_guest_checkout_cod__1__order_updated": order(24),
    "store_api_guest_checkout_cod__2__order_created": order(24),
    "three_updates_before_queue_run__1__order_updated": order(22),
    "two_orders_same_second__1__order_updated": order(17),
    "two_orders_same_second__2__order_updated": order(22),
}
NOT_FOR_US = {
    "action_refund__2__action_woocommerce_refund_created": NotOurs,
    "coupon_created__1__coupon_created": NotOurs,
    "customer_created__1__customer_created": NotOurs,
    "customer_created__2__customer_updated": NotOurs,
    "customer_deleted__1__customer_deleted": NotOurs,
    "customer_updated__1__customer_updated": NotOurs,
    "order_paid_processing__2__customer_updated": NotOurs,
    "webhook_owner_lost_permission__1__order_updated": NeedsAttention,
}
PINGS = {
    "fail_1__3__ping",
    "webhook_ping_on_creation__1__ping",
    "webhook_ping_on_creation__2__ping",
}
SIGNED = sorted(HINTS.keys() | NOT_FOR_US.keys())


def test_the_tables_name_every_recorded_delivery():
    assert {path.stem for path in DELIVERIES.iterdir()} == {*SIGNED, *PINGS}


@pytest.mark.parametrize("name", SIGNED)
def test_recorded_signatures_are_accepted(name):
    EVENTS.verify(inbound(name), settings())


@pytest.mark.parametrize("name", sorted(HINTS))
def test_recorded_deliveries_hint_at_their_document(name):
    assert EVENTS.translate(inbound(name), context()) == (HINTS[name],)


@pytest.mark.parametrize("name", sorted(NOT_FOR_US))
def test_recorded_deliveries_that_are_no_document(name):
    with pytest.raises(NOT_FOR_US[name]):
        EVENTS.translate(inbound(name), context())


@pytest.mark.parametrize("name", sorted(PINGS))
def test_trap_1_an_unsigned_ping_is_acknowledged(name):
    with pytest.raises(Acknowledged):
        EVENTS.verify(inbound(name), settings())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"webhook_id=2\n", id="line end"),
        pytest.param(b"webhook_id=2&x=1", id="more"),
        pytest.param(b"webhook_id=", id="no id"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id":13}', id="an order"),
        pytest.param("webhook_id=٢".encode(), id="other digits"),
    ],
)
def test_nothing_else_passes_unsigned(body):
    with pytest.raises(SignatureInvalid):
        EVENTS.verify(request(body, {"X-WC-Webhook-Topic": "order.updated"}), settings())


def test_a_ping_with_a_wrong_signature_is_refused():
    forged = request(b"webhook_id=2", {"X-WC-Webhook-Signature": sign(b"webhook_id=2", "other")})
    with pytest.raises(SignatureInvalid):
        EVENTS.verify(forged, settings())


def test_all_recorded_deliveries_have_keys_of_their_own():
    keys = {EVENTS.delivery_key(inbound(name)) for name in SIGNED}

    assert len(keys) == len(SIGNED)
    assert keys == {EVENTS.delivery_key(inbound(name)) for name in SIGNED}


def test_trap_2_two_orders_share_a_delivery_id_and_not_a_key():
    first, second = (inbound(f"two_orders_same_second__{n}__order_updated") for n in (1, 2))

    assert first.headers["x-wc-webhook-delivery-id"] == second.headers["x-wc-webhook-delivery-id"]
    assert EVENTS.delivery_key(first) != EVENTS.delivery_key(second)


@pytest.mark.parametrize(
    "header", ["source", "id", "topic", "delivery-id"], ids=lambda name: f"another {name}"
)
def test_equal_bytes_have_another_key_under(header):
    delivery = inbound("noop_update__1__order_updated")
    other = replace(delivery, headers={**delivery.headers, f"x-wc-webhook-{header}": "other"})

    assert EVENTS.delivery_key(delivery) != EVENTS.delivery_key(other)


def test_without_the_vendors_headers_there_is_no_key():
    with pytest.raises(Unreadable):
        EVENTS.delivery_key(request(b'{"id":13}', {}))


def changed(delivery: InboundRequest, body: bytes) -> InboundRequest:
    return replace(delivery, body=body)


def test_trap_20_the_signature_covers_the_raw_bytes():
    delivery = inbound("order_completed__1__order_updated")
    assert b"\\u041a\\u0440\\u0443\\u0436\\u043a\\u0430" in delivery.body
    pretty = json.dumps(json.loads(delivery.body), ensure_ascii=False).encode()
    with pytest.raises(SignatureInvalid):
        EVENTS.verify(changed(delivery, pretty), settings())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(gzip.compress, id="compressed by a proxy"),
        pytest.param(lambda body: body.replace(b"\\/", b"/"), id="re-encoded by a proxy"),
        pytest.param(lambda body: body + b"\n", id="a line end more"),
        pytest.param(lambda body: body.replace(b'"completed"', b'"processing"'), id="forged"),
    ],
)
def test_trap_21_a_changed_body_under_an_old_signature_is_refused(spoil):
    delivery = inbound("order_completed__1__order_updated")
    with pytest.raises(SignatureInvalid):
        EVENTS.verify(changed(delivery, spoil(delivery.body)), settings())


def test_a_secret_is_used_with_its_entities_decoded_as_wordpress_does():
    body = b'{"id":13}'
    signed = request(body, {"X-WC-Webhook-Signature": sign(body, "a&b<c\"d'e&copy;")})
    EVENTS.verify(signed, settings(webhook_secret="a&amp;b&#060;c&#x22;d&#039;e&copy;"))


def delivery(topic: str, body: object) -> InboundRequest:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(encoded, {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-ID": "2"})


def error(code: str, data: object) -> dict[str, object]:
    return {"code": code, "message": "…", "data": data}


@pytest.mark.parametrize(
    ("topic", "body", "raised"),
    [
        pytest.param(
            "order.updated", error("woocommerce_rest_cannot_view", {"status": 401}),
            NeedsAttention, id="trap 5: 401",
        ),
        pytest.param(
            "product.updated", error("woocommerce_rest_cannot_view", {"status": 403}),
            NeedsAttention, id="trap 5: 403 of a product",
        ),
        pytest.param(
            "product.updated", error("woocommerce_rest_product_invalid_id", {"status": 404}),
            Gone, id="trap 5: 404 of a product",
        ),
        pytest.param("order.updated", {"status": "completed"}, PayloadInvalid, id="no id"),
        pytest.param("order.updated", {"id": "13; drop"}, PayloadInvalid, id="id is no number"),
        pytest.param("order.updated", {"id": True}, PayloadInvalid, id="id is a boolean"),
        pytest.param("order.updated", {"id": 0}, PayloadInvalid, id="id is 0"),
        pytest.param("order.updated", [], PayloadInvalid, id="a list"),
        pytest.param("order.updated", b"", PayloadInvalid, id="empty"),
        pytest.param("order.updated", b"\xff\xfe", PayloadInvalid, id="wrong encoding"),
        pytest.param("order.updated", b"[" * 100_000, PayloadInvalid, id="deep nesting"),
        pytest.param("order.updated", b'{"id":' + b"9" * 5000 + b"}", PayloadInvalid, id="huge"),
        pytest.param("order.cooked", {"id": 13}, NotOurs, id="unknown event"),
        pytest.param("subscription.created", {"id": 1}, NotOurs, id="unknown resource"),
        pytest.param("", {"id": 1}, NotOurs, id="no topic"),
        pytest.param("action.wc_other", {"action": "wc_other", "arg": [1]}, NotOurs, id="action"),
        pytest.param(
            "action.woocommerce_delete_order", {"action": "woocommerce_delete_order", "arg": {}},
            PayloadInvalid, id="action without an id",
        ),
    ],
)  # fmt: skip
def test_what_is_no_document(topic, body, raised):
    with pytest.raises(ConnectorError) as caught:
        EVENTS.translate(delivery(topic, body), context())
    assert type(caught.value) is raised


@pytest.mark.parametrize(
    ("topic", "body", "hint"),
    [
        pytest.param(
            "order.updated", error("woocommerce_rest_shop_order_invalid_id", {"status": 404}),
            RECHECK, id="trap 5: an order that is gone",
        ),
        pytest.param(
            "order.updated", error("internal_server_error", 500), RECHECK, id="bare status"
        ),
        pytest.param(
            "action.woocommerce_refund_deleted",
            {"action": "woocommerce_refund_deleted", "arg": 45}, RECHECK, id="refund deleted",
        ),
        pytest.param("order.deleted", {"id": "19"}, Hint("order", "19"), id="trap 6: id only"),
        pytest.param(
            "product.updated", {"id": 30, "name": "Футболка", "type": "variable"},
            Hint("product", "30"), id="variable product",
        ),
        pytest.param(
            "product.updated", {"id": 31, "name": "S", "type": "variation", "parent_id": 30},
            Hint("product", "30"), id="variation",
        ),
    ],
)  # fmt: skip
def test_what_is_looked_at_again(topic, body, hint):
    assert EVENTS.translate(delivery(topic, body), context()) == (hint,)


def test_what_was_refused_is_not_repeated_in_the_error():
    with pytest.raises(PayloadInvalid) as caught:
        EVENTS.translate(delivery("order.updated", {"id": "+7 900 000-00-01"}), context())
    assert "900" not in str(caught.value)
