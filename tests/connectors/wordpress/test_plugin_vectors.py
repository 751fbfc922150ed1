"""What the plugin writes on orders is read back to the kopeck (`vectors.json`, shared with PHP)."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty_kit.events import PurchaseLine
from loyalty_kit.money import format_decimal
from tests.connectors.wordpress.made import line, money_line, order, purchase
from tests.connectors.wordpress.plugin_orders import CARTS, meta, order_of_cart


def shown(one: PurchaseLine) -> dict[str, Any]:
    assert one.reduction_minor is None
    return {
        "id": one.id,
        "sku": one.sku,
        "amount": format_decimal(one.amount_minor),
        "discount": format_decimal(one.discount_minor or 0),
        "spend": format_decimal(one.spend_minor or 0),
        "paid": format_decimal(one.paid_minor),
    }


@pytest.mark.parametrize("cart", CARTS, ids=lambda cart: cart["title"])
def test_an_order_of_the_plugin_is_the_purchase_that_was_quoted(cart):
    assert [shown(one) for one in purchase(order_of_cart(cart)).lines] == cart["bought"]


@pytest.mark.parametrize("cart", CARTS, ids=lambda cart: cart["title"])
def test_the_vectors_themselves_add_up(cart):
    asked = {one["id"]: one for one in cart["lines"]}
    for answered in cart["answer"]["lines"]:
        parts = [float(answered[name]) for name in ("discount", "spend", "payable")]
        assert round(sum(parts), 2) == float(asked[answered["id"]]["amount"])


def told_line(number: int, named: str, discount: str, **changes: Any) -> dict[str, Any]:
    """1000.00 that became 900.00."""
    notes = meta(("_loyalty_hub_line", named), ("_loyalty_hub_discount", discount))
    return line(number, "900.00", subtotal="1000.00", meta_data=notes, **changes)


def with_coupon(*items: dict[str, Any], discount: str, code: str = "loyalty-tier") -> Any:
    coupon = {"id": 9, "code": code, "discount": discount, "discount_tax": "0", "meta_data": []}
    document = order(line_items=list(items), shipping_lines=[], coupon_lines=[coupon])
    return [(each.id, each.amount_minor, each.discount_minor) for each in purchase(document).lines]


def test_notes_that_fit_the_money_no_more_give_way_to_the_coupons():
    # Staff took half of the discount back: the coupon says 50.00 where the note says 100.00.
    assert with_coupon(told_line(1, "a1", "100.00"), discount="50.00") == [("a1", 95000, 5000)]
    # The line lost 100.00, so a note of 150.00 is none of it.
    assert with_coupon(told_line(1, "a1", "150.00"), discount="150.00") == [("a1", 100000, 10000)]


@pytest.mark.parametrize("note", ["many", "-100.00", "1e2", ""])
def test_a_note_that_cannot_be_read_gives_way_to_the_coupons(note):
    assert with_coupon(told_line(1, "a1", note), discount="100.00") == [("a1", 100000, 10000)]


def test_notes_without_a_coupon_of_ours_give_nothing():
    assert with_coupon(told_line(1, "a1", "100.00"), discount="100.00", code="welcome10") == [
        ("a1", 90000, 0)
    ]


def test_a_line_that_staff_doubled_has_its_number_alone():
    items = (told_line(1, "a1", "100.00"), told_line(2, "a1", "100.00"))
    assert with_coupon(*items, discount="200.00") == [("a1", 100000, 10000), ("2", 100000, 10000)]


def test_returned_lines_are_named_as_the_purchase_names_them():
    shipping = {**money_line(3, "300.00"), "meta_data": meta(("_loyalty_hub_line", "shipping-0"))}
    goods = [told_line(1, "a1", "100.00"), line(2, "5.00")]
    document = order(line_items=goods, shipping_lines=[shipping])
    refund = {
        "id": 14, "amount": "1205.00", "date_created_gmt": "2026-11-22T06:40:00", "reason": "",
        "line_items": [
            line(901, "-900.00", quantity=-1, meta_data=meta(("_refunded_item_id", "1"))),
            line(902, "-5.00", quantity=-1, meta_data=meta(("_refunded_item_id", "2"))),
        ],
        "shipping_lines": [
            {**money_line(903, "-300.00"), "meta_data": meta(("_refunded_item_id", "3"))}
        ],
    }  # fmt: skip
    (back,) = purchase(document, [refund]).refunds or ()
    assert [one.id for one in back.lines] == ["a1", "2", "shipping-0"]
