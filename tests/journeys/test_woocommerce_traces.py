"""Orders and refunds that go: to the trash and back, for ever, announced or without a trace."""

from __future__ import annotations

from tests.support.woo import IVAN, Bought

# Orders 17 and 19: a set for 4166.67 + 833.33 tax = 5000.00; 5 % = 250.00 points.
WHOLE = Bought("paid", "5000.00", earned="250.00")
TAKEN_BACK = Bought("cancelled", "5000.00", earned="250.00", taken_back="250.00")


def test_an_order_goes_to_the_trash_and_is_restored(woo):
    woo.sells("order_restored__1__order_restored")
    woo.deliver("order.updated", 19)
    woo.work()
    assert woo.balance(IVAN) == "250.00"

    woo.shop.trash(19)
    woo.receive("order_trashed__1__order_deleted")
    woo.work()
    assert woo.bought(19) == TAKEN_BACK
    assert woo.balance(IVAN) == "0.00"

    woo.shop.restore(19)
    woo.receive("order_restored__1__order_restored")
    woo.work()
    assert woo.bought(19) == WHOLE
    assert woo.balance(IVAN) == "250.00"


def test_an_order_deleted_for_ever_that_a_custom_topic_announces(woo):
    # Order 44: two sets, 10000.00, 5 % = 500.00; refund 45 of 10.00 takes
    # 500.00 x 10.00 / 10000.00 = 0.50 back.
    woo.sells("action_refund__1__order_updated")
    woo.refunds_back(44, 45)
    woo.receive("action_refund__1__order_updated")
    woo.receive("action_refund__2__action_woocommerce_refund_created")
    woo.receive("action_refund__3__action_woocommerce_order_refunded")
    woo.work()
    assert woo.states() == ["done", "dropped", "done"]
    assert woo.bought(44) == Bought("open", "10000.00")

    woo.shop.change_order(44, status="completed")
    woo.deliver("order.updated", 44)
    woo.work()
    assert woo.bought(44) == Bought("paid", "10000.00", earned="500.00", taken_back="0.50")
    assert woo.balance(IVAN) == "499.50"

    woo.shop.force_delete(44)
    woo.receive("action_force_delete__1__action_woocommerce_delete_order")
    woo.work()
    assert woo.bought(44).status == "cancelled"
    assert woo.balance(IVAN) == "0.00"


def test_an_order_that_was_gone_before_its_delivery_was_sent(woo):
    """The body is an error object that does not name the order, so all known ones are read."""
    woo.happens("order_created_paid_at_once__1__order_created")
    woo.happens("three_updates_before_queue_run__1__order_updated")
    assert woo.balance(IVAN) == "354.00"

    woo.shop.force_delete(17)
    woo.receive("order_gone_before_delivery__1__order_updated")
    woo.work()

    # 250.00 of order 17 go, 104.00 of order 22 stay.
    assert woo.bought(17) == TAKEN_BACK
    assert woo.balance(IVAN) == "104.00"
    assert woo.shown().state == "active"


def test_an_order_that_nobody_knew_and_that_is_gone_books_nothing(woo):
    woo.receive("action_force_delete__1__action_woocommerce_delete_order")
    woo.receive("order_gone_before_delivery__1__order_updated")
    woo.work()

    assert woo.states() == ["done", "done"]
    assert woo.balance(IVAN) is None
    assert woo.shown().state == "active"


def test_an_order_deleted_without_a_trace_is_found_within_a_day(woo):
    woo.happens("order_created_paid_at_once__1__order_created")
    woo.shop.force_delete(17)
    woo.work_after(minutes=20)
    assert woo.balance(IVAN) == "250.00"

    woo.work_after(days=1)

    assert woo.bought(17) == TAKEN_BACK
    assert woo.balance(IVAN) == "0.00"


def test_a_refund_that_vanishes_gives_its_points_back(woo):
    # Order 28: two sets, 10000.00, 500.00 points; refund 29 is one of the two: 250.00.
    woo.sells("partial_refund_qty__1__order_updated")
    woo.refunds_back(28, 29)
    woo.receive("partial_refund_qty__1__order_updated")
    woo.work()
    assert woo.bought(28) == Bought("paid", "10000.00", earned="500.00", taken_back="250.00")
    woo.work_after(minutes=20)  # the poll has seen the order as well
    assert woo.balance(IVAN) == "250.00"

    # Nothing tells of it, not even the order's date, so the next poll does not see it.
    woo.shop.delete_refund(28, 29)
    woo.work_after(minutes=20)
    assert woo.balance(IVAN) == "250.00"

    woo.work_after(days=1)
    assert woo.refunds() == {"29": ("withdrawn", "5000.00")}
    assert woo.bought(28) == Bought("paid", "10000.00", earned="500.00")
    assert woo.balance(IVAN) == "500.00"


def test_a_refund_that_vanishes_and_comes_anew_is_booked_once(woo):
    woo.sells("partial_refund_qty__1__order_updated")
    for _ in range(3):
        woo.refunds_back(28, 29)
        woo.deliver("order.updated", 28)
        woo.work()
        assert woo.balance(IVAN) == "250.00"
        woo.shop.delete_refund(28, 29)
        woo.deliver("order.updated", 28)
        woo.work()
        assert woo.balance(IVAN) == "500.00"
