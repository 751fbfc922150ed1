"""The life of recorded orders: paid, completed, refunded in portions, cancelled.

The programme gives 5 % of the money for goods, rounded down to whole points.
"""

from __future__ import annotations

import pytest

from tests.connectors.wordpress.made import line
from tests.journeys.conftest import EVERYWHERE
from tests.support.woo import (
    IVAN,
    PETR,
    Bought,
    recorded,
    recorded_answer,
    recorded_order,
    refund_of_amount,
)

# Order 13: two mugs 3316.67 + 663.33 tax = 3980.00, three teas 833.33 + 166.66 = 999.99,
# delivery 250.00 + 50.00 = 300.00; together 5279.99.
# Goods 4979.99 x 5 % = 248.9995 -> 248.00 points.  By line, in hundredths of a point:
# mugs 24800 x 3980.00 / 4979.99 = 19820.12, teas 24800 x 999.99 / 4979.99 = 4979.88;
# the one hundredth left goes to the larger remainder: mugs 198.20, teas 49.80.
ORDER_13 = "5279.99"


@pytest.mark.parametrize("open_woo", EVERYWHERE, indirect=True)
def test_an_order_is_placed_paid_completed_and_refunded_in_portions(woo):
    woo.sells("order_created_pending__1__order_created")
    woo.receive("order_created_pending__1__order_created")
    woo.receive("order_created_pending__2__order_updated")
    woo.work()
    assert woo.bought(13) == Bought("open", ORDER_13)
    assert woo.balance(IVAN) == "0.00"

    woo.happens("order_paid_processing__1__order_updated")
    woo.receive("order_paid_processing__2__customer_updated")
    woo.work()
    assert woo.bought(13) == Bought("paid", ORDER_13, earned="248.00")
    assert woo.balance(IVAN) == "248.00"

    woo.happens("order_completed__1__order_updated")
    assert woo.bought(13) == Bought("paid", ORDER_13, earned="248.00")
    assert woo.balance(IVAN) == "248.00"

    # A mug of the two comes back, as 1990.01: half of the line, 198.20 / 2 = 99.10 points.
    woo.refunds_back(13, 14)
    woo.happens("partial_refund_line__1__order_updated")
    assert woo.bought(13) == Bought("paid", ORDER_13, earned="248.00", taken_back="99.10")
    assert woo.balance(IVAN) == "148.90"

    # 100.00 without lines is spread over what is still paid: mugs 3980.00 - 1990.01 = 1989.99,
    # teas 999.99, delivery 300.00, together 3289.98: 60.49 + 30.39 + 9.12.
    # Mugs 198.20 x (1/2 + 60.49 / 3980.00) = 102.1123, teas 49.80 x 30.39 / 999.99 = 1.5134:
    # 103.6258 -> 103.63 points in all.
    woo.refunds_back(13, 15)
    woo.happens("partial_refund_amount_only__1__order_updated")
    assert woo.bought(13) == Bought("paid", ORDER_13, earned="248.00", taken_back="103.63")
    assert woo.balance(IVAN) == "144.37"

    # The rest: 5279.99 - 1990.01 - 100.00 = 3189.98.  Everything is back, so are all points.
    woo.refunds_back(13, 16)
    woo.happens("full_refund_remaining__1__order_updated")
    assert woo.bought(13) == Bought("paid", ORDER_13, earned="248.00", taken_back="248.00")
    assert woo.balance(IVAN) == "0.00"
    assert woo.refunds() == {
        "14": ("booked", "1990.01"),
        "15": ("booked", "100.00"),
        "16": ("booked", "3189.98"),
    }
    # The customer's webhook is not for the hub; all others were worked off.
    assert woo.states() == ["done", "done", "done", "dropped", "done", "done", "done", "done"]


def test_lines_tell_what_they_earned_and_what_came_back_of_them(woo):
    woo.sells("order_completed__1__order_updated")
    woo.refunds_back(13, 14)
    woo.refunds_back(13, 15)
    woo.receive("order_completed__1__order_updated")
    woo.work()

    lines = {
        line["sku"] or line["kind"]: (line["paid"], line["earned"], line["returned"])
        for line in woo.purchase(13)["lines"]
    }

    # Returned money: mugs 1990.01 + 60.49, and what the 100.00 left for teas and delivery.
    assert lines == {
        "MUG-001": ("3980.00", "198.20", "2050.50"),
        "TEA-002": ("999.99", "49.80", "30.39"),
        "delivery": ("300.00", "0.00", "9.12"),
    }


# Order 22: a mug 1492.50 + 298.50 = 1791.00 and a tea 250.00 + 50.00 = 300.00 after the shop's
# own coupon, gift wrap 120.00; together 2211.00.  Goods 2091.00 x 5 % = 104.55 -> 104.00.


def test_three_updates_that_the_shop_merged_into_one_delivery(woo):
    woo.happens("order_with_coupon_and_fee__1__order_created")
    assert woo.bought(22) == Bought("open", "2211.00")

    # Three changes before the queue ran: the order is completed, and one delivery says so.
    woo.happens("three_updates_before_queue_run__1__order_updated")
    assert woo.bought(22) == Bought("paid", "2211.00", earned="104.00")
    assert woo.balance(IVAN) == "104.00"


def test_updates_that_change_nothing_of_the_purchase_change_nothing(woo):
    woo.happens("three_updates_before_queue_run__1__order_updated")
    before = woo.purchase(22)

    woo.happens("noop_update__1__order_updated")
    woo.happens("meta_only_update__1__order_updated")

    assert woo.states() == ["done"] * 3
    assert woo.deliveries()[-1].result["unchanged"] == 1
    assert woo.purchase(22) == before
    assert woo.balance(IVAN) == "104.00"


def test_two_orders_of_one_second_share_a_delivery_id_and_both_are_booked(woo):
    names = ("two_orders_same_second__1__order_updated", "two_orders_same_second__2__order_updated")
    ids = {recorded(name)[1]["X-WC-Webhook-Delivery-ID"] for name in names}
    assert len(ids) == 1

    # Order 17: 5000.00 x 5 % = 250.00, and refund 18 takes all of it back.
    for name in names:
        woo.sells(name)
    woo.refunds_back(17, 18)
    woo.receive(*names)
    woo.work()

    assert woo.states() == ["done", "done"]
    assert woo.bought(17) == Bought("paid", "5000.00", earned="250.00", taken_back="250.00")
    assert woo.bought(22) == Bought("paid", "2211.00", earned="104.00")
    assert woo.balance(IVAN) == "104.00"


def test_a_status_set_to_refunded_takes_all_points_back(woo):
    woo.happens("order_created_paid_at_once__1__order_created")
    woo.happens("order_created_paid_at_once__2__order_updated")
    assert woo.balance(IVAN) == "250.00"

    # WooCommerce makes a refund of its own for it: 5000.00, without lines.
    woo.refunds_back(17, 18)
    woo.happens("status_set_to_refunded__1__order_updated")

    assert woo.bought(17) == Bought("paid", "5000.00", earned="250.00", taken_back="250.00")
    assert woo.balance(IVAN) == "0.00"
    assert woo.refunds() == {"18": ("booked", "5000.00")}


def test_an_order_cancelled_before_it_was_paid_books_nothing(woo):
    woo.happens("order_with_coupon_and_fee__1__order_created")
    woo.happens("order_cancelled__1__order_updated")

    assert woo.bought(22) == Bought("cancelled", "2211.00")
    assert woo.balance(IVAN) == "0.00"


def test_a_paid_order_that_is_cancelled_gives_its_points_back_and_may_come_again(woo):
    woo.happens("order_paid_processing__1__order_updated")
    assert woo.balance(IVAN) == "248.00"

    woo.shop.change_order(13, status="cancelled")
    woo.deliver("order.updated", 13)
    woo.work()
    assert woo.bought(13).status == "cancelled"
    assert woo.balance(IVAN) == "0.00"

    woo.happens("order_completed__1__order_updated")
    assert woo.bought(13).status == "paid"
    assert woo.balance(IVAN) == "248.00"


def test_an_order_in_another_currency_waits_for_a_person_and_holds_up_nobody(woo):
    woo.sells("order_created_paid_at_once__1__order_created", currency="USD")
    woo.sells("three_updates_before_queue_run__1__order_updated")
    woo.receive(
        "order_created_paid_at_once__1__order_created",
        "three_updates_before_queue_run__1__order_updated",
    )
    woo.work()

    dead, done = woo.deliveries()
    assert (dead.state, dead.error_code) == ("dead", "wrong_currency")
    assert dead.error_text == (
        "Is in another currency than the programme's, so nothing is booked."
        " wrong_currency (currency=USD)"
    )
    assert done.state == "done"
    assert woo.bought(17) is None
    assert woo.balance(IVAN) == "104.00"
    assert woo.shown().state == "active"


def test_an_order_paid_with_points_and_refunded_whole(woo):
    # Order 28 as Petr's: 10000.00 x 5 % = 500.00 points.
    paid_with_points = recorded_answer("order_get_loyalty_classic")
    woo.happens(
        "partial_refund_qty__1__order_updated", customer_id=0, billing=paid_with_points["billing"]
    )
    assert woo.balance(PETR) == "500.00"

    # Order 49: a set for 5000.00, of which the coupon of points took 416.67 + 83.33 = 500.00.
    # The other 4500.00 earn 225.00.
    woo.shop.put_order(paid_with_points)
    woo.deliver("order.created", 49)
    woo.work()
    told = woo.purchase(49)
    assert told["totals"] == {
        "amount": "5300.00",
        "discount": "0.00",
        "spend": "500.00",
        "paid": "4800.00",
    }
    assert (told["points"]["spent"], told["points"]["earned"]) == ("500.00", "225.00")
    assert told["flags"] == ["spend_without_hold"]
    assert woo.balance(PETR) == "225.00"

    woo.shop.add_refund(49, refund_of_amount(50, "4800.00", "2026-11-22T06:45:00"))
    woo.shop.change_order(49, status="refunded")
    woo.deliver("order.updated", 49)
    woo.work()
    points = woo.purchase(49)["points"]
    assert (points["given_back"], points["clawed_back"]) == ("500.00", "225.00")
    assert woo.balance(PETR) == "500.00"


def test_a_shop_that_rounds_tax_for_the_whole_order_sells_for_what_the_buyer_paid(woo):
    """Seen on 10.5.2: five teas of 333.33 with 20 % of tax, of which all but 145.83 was taken off.

    121.525 + 24.305 = 145.83; rounded apart they would be 121.53 + 24.31 = 145.84.
    """
    teas = line(29, "121.525", total_tax="24.305", subtotal="1388.875", subtotal_tax="277.775")
    name = "order_created_paid_at_once__1__order_created"
    woo.happens(name, line_items=[teas], shipping_lines=[], total="145.83")
    number = recorded_order(name)["id"]
    assert woo.bought(number) == Bought("paid", "145.83", earned="7.00")

    # All of it comes back, and no kopeck more than there was.
    back = {**teas, "id": 51, "quantity": -1, "total": "-121.525", "total_tax": "-24.305"}
    back["meta_data"] = [{"id": 1, "key": "_refunded_item_id", "value": "29"}]
    refund = refund_of_amount(50, "145.83", "2026-11-22T06:45:00")
    woo.shop.add_refund(number, {**refund, "line_items": [back]})
    woo.deliver("order.updated", number)
    woo.work()
    assert woo.bought(number) == Bought("paid", "145.83", earned="7.00", taken_back="7.00")
    assert woo.purchase(number)["lines"][0]["returned"] == "145.83"
