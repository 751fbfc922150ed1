"""A whole recorded morning, in whatever order and by whatever way the hub hears of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from hub.jobs.drain import drain
from tests.journeys.conftest import TWO_WAYS
from tests.support.woo import IVAN, MARIA, OLGA, PETR, Bought, WooStage

# Goods x 5 %, rounded down.  Order 13 with refunds 14 and 15: test_woocommerce_order.py.
#   17: 5000.00 -> 250.00, refunded whole              19: 5000.00 -> 250.00, trashed and restored
#   20: 1990.00 -> 99.50 -> 99.00                      22: 2091.00 -> 104.55 -> 104.00
#   23: 1990.00 - 240.00 of a negative fee, not paid   27: 5000.00 -> 250.00
#   24: 3582.00 + 300.00 = 3882.00 -> 194.10 -> 194.00
#   28: 10000.00 -> 500.00, one of two sets refunded: 250.00
PURCHASES = {
    13: Bought("paid", "5279.99", earned="248.00", taken_back="103.63"),
    17: Bought("paid", "5000.00", earned="250.00", taken_back="250.00"),
    19: Bought("paid", "5000.00", earned="250.00"),
    20: Bought("paid", "1990.00", earned="99.00"),
    22: Bought("paid", "2211.00", earned="104.00"),
    23: Bought("open", "1750.00"),
    24: Bought("paid", "4182.00", earned="194.00"),
    27: Bought("paid", "5300.00", earned="250.00"),
    28: Bought("paid", "10000.00", earned="500.00", taken_back="250.00"),
}
# Ivan: 144.37 + 0.00 + 250.00 + 104.00 + 250.00.
BALANCES = {IVAN: "748.37", MARIA: "99.00", OLGA: "194.00", PETR: "250.00"}


@dataclass(frozen=True, slots=True)
class Change:
    """What happened at the shop: an order saved as a delivery tells it, a refund, the trash."""

    order: int
    deliveries: tuple[str, ...]
    refund: int | None = None
    how: str = "saved"
    saved_as: str | None = None

    def happen(self, woo: WooStage) -> None:
        if self.how == "trashed":
            woo.shop.trash(self.order)
        elif self.how == "restored":
            woo.shop.restore(self.order)
        else:
            woo.sells(self.saved_as or self.deliveries[0])
        if self.refund is not None:
            woo.refunds_back(self.order, self.refund)


MORNING_AT_THE_SHOP = (
    Change(
        13, ("order_created_pending__1__order_created", "order_created_pending__2__order_updated")
    ),
    Change(13, ("order_paid_processing__1__order_updated",)),
    Change(13, ("order_completed__1__order_updated",)),
    Change(13, ("partial_refund_line__1__order_updated",), refund=14),
    Change(13, ("partial_refund_amount_only__1__order_updated",), refund=15),
    Change(
        17,
        (
            "order_created_paid_at_once__1__order_created",
            "order_created_paid_at_once__2__order_updated",
        ),
    ),
    Change(17, ("status_set_to_refunded__1__order_updated",), refund=18),
    # Nothing was recorded of order 19 before it went to the trash.
    Change(19, (), saved_as="order_restored__1__order_restored"),
    Change(19, ("order_trashed__1__order_deleted",), how="trashed"),
    Change(19, ("order_restored__1__order_restored",), how="restored"),
    Change(20, ("guest_order_created__1__order_created", "guest_order_created__2__order_updated")),
    Change(
        22,
        (
            "order_with_coupon_and_fee__1__order_created",
            "order_with_coupon_and_fee__2__order_updated",
        ),
    ),
    Change(23, ("order_negative_fee__1__order_created", "order_negative_fee__2__order_updated")),
    Change(22, ("order_cancelled__1__order_updated",)),
    Change(22, ("three_updates_before_queue_run__1__order_updated",)),
    Change(22, ("meta_only_update__1__order_updated", "noop_update__1__order_updated")),
    Change(24, ("store_api_get_checkout_draft__1__order_updated",)),
    Change(
        24,
        (
            "store_api_guest_checkout_cod__1__order_updated",
            "store_api_guest_checkout_cod__2__order_created",
        ),
    ),
    Change(
        27,
        (
            "classic_checkout_guest_cod__1__order_created",
            "classic_checkout_guest_cod__2__order_updated",
        ),
    ),
    Change(22, ("fail_1__1__order_updated", "fail_1__2__order_updated")),
    Change(17, ("two_orders_same_second__1__order_updated",)),
    Change(22, ("two_orders_same_second__2__order_updated",)),
    Change(28, ("partial_refund_qty__1__order_updated",), refund=29),
)


def assert_the_morning_is_booked(woo: WooStage) -> None:
    assert {order: woo.bought(order) for order in PURCHASES} == PURCHASES
    assert {phone: woo.balance(phone) for phone in BALANCES} == BALANCES
    assert {name: state for name, (state, _) in woo.refunds().items()} == dict.fromkeys(
        ("14", "15", "18", "29"), "booked"
    )


def test_the_morning_as_it_came(woo):
    for number, change in enumerate(MORNING_AT_THE_SHOP):
        change.happen(woo)
        woo.receive(*change.deliveries)
        if number % 3 == 0:
            woo.work()
    woo.work()

    assert_the_morning_is_booked(woo)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_morning_with_deliveries_late_and_shuffled(woo, seed):
    """The shop goes on, and its calls come when they come; the hub works now and then."""
    chance = random.Random(seed)
    under_way: list[str] = []
    for change in MORNING_AT_THE_SHOP:
        change.happen(woo)
        under_way += change.deliveries
        chance.shuffle(under_way)
        while under_way and chance.random() < 0.6:
            woo.receive(under_way.pop())
        if chance.random() < 0.3:
            woo.work()
    chance.shuffle(under_way)
    woo.receive(*under_way)
    woo.work()

    assert_the_morning_is_booked(woo)
    assert set(woo.states()) == {"done"}


def test_polling_alone_books_the_same_as_webhooks(woo):
    for change in MORNING_AT_THE_SHOP:
        change.happen(woo)

    woo.work_after(minutes=10)

    assert woo.deliveries() == []
    assert_the_morning_is_booked(woo)


def test_polling_follows_an_order_through_its_changes(woo):
    """Three rounds, an hour apart: paid, half of it refunded, in the trash."""
    woo.sells("order_completed__1__order_updated")
    woo.work_after(hours=1)
    assert woo.balance(IVAN) == "248.00"

    woo.refunds_back(13, 14)
    woo.work_after(hours=1)
    assert woo.balance(IVAN) == "148.90"

    woo.shop.trash(13)
    woo.work_after(hours=1)
    assert woo.bought(13).status == "cancelled"
    assert woo.balance(IVAN) == "0.00"
    assert woo.deliveries() == []


def test_polling_covers_an_outage_of_the_shop(woo):
    woo.shop.fail_always("502")
    woo.sells("order_completed__1__order_updated")
    woo.receive("order_completed__1__order_updated")
    woo.work_after(minutes=10)
    assert woo.bought(13) is None

    woo.shop.fail_always(None)
    woo.work_after(minutes=10)

    assert woo.balance(IVAN) == "248.00"
    assert woo.states() == ["done"]


def test_an_update_that_comes_before_its_creation(woo):
    # Order 24 of the block checkout: 3582.00 + 300.00 of goods, 194.10 -> 194.00 points.
    woo.sells("store_api_guest_checkout_cod__1__order_updated")
    woo.receive("store_api_guest_checkout_cod__1__order_updated")
    woo.work()
    assert woo.balance(OLGA) == "194.00"

    woo.receive("store_api_guest_checkout_cod__2__order_created")
    woo.work()
    assert woo.bought(24) == PURCHASES[24]
    assert woo.balance(OLGA) == "194.00"


def test_a_cart_that_nobody_has_bought_books_nothing_until_it_is(woo):
    woo.happens("store_api_get_checkout_draft__1__order_updated")
    assert woo.states() == ["done"]
    assert woo.bought(24) is None

    woo.happens("store_api_guest_checkout_cod__1__order_updated")
    assert woo.bought(24) == PURCHASES[24]
    assert woo.balance(OLGA) == "194.00"


def test_of_two_workers_the_one_that_asked_later_wins(woo):
    """The first reads an order without its refund, and books after the second read it with."""
    seen_by_the_second = []

    def while_the_answer_is_on_its_way(call):
        if not call.path.endswith("/orders/13/refunds"):
            return
        woo.shop.between_calls = None
        woo.refunds_back(13, 14)
        woo.receive("partial_refund_line__1__order_updated")
        drain(woo.hub, woo.programme_id)
        seen_by_the_second.append(woo.balance(IVAN))

    woo.sells("order_completed__1__order_updated")
    woo.shop.between_calls = while_the_answer_is_on_its_way
    woo.receive("order_completed__1__order_updated")
    woo.work()

    assert seen_by_the_second == ["148.90"]
    assert woo.states() == ["done", "done"]
    assert woo.bought(13) == Bought("paid", "5279.99", earned="248.00", taken_back="99.10")
    assert woo.balance(IVAN) == "148.90"


@pytest.mark.parametrize("open_woo", TWO_WAYS[:1], indirect=True)
def test_an_order_that_is_heard_of_three_days_late_is_booked_by_its_own_time(woo):
    woo.clock.advance(days=3)
    woo.happens("order_completed__1__order_updated")

    assert woo.purchase(13)["occurred_at"] == "2026-11-22T06:28:22+00:00"
    assert woo.balance(IVAN) == "248.00"
