"""Money of orders and refunds, line by line, beyond what the recorded cases hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.wordpress.translate import translate_order
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import LineKind, RefundLine
from loyalty_kit.ports import Context, Hint
from tests.connectors.wordpress.made import coupon, line, money_line, order, purchase, translated
from tests.connectors.wordpress.shared import SEVEN, context, rest

COUPON = "order_get_loyalty_coupon"


# Lines


def test_trap_14_the_tax_of_a_line_is_total_tax_and_not_the_sum_of_taxes():
    tea = order()["line_items"][1]
    assert (tea["total"], tea["total_tax"], tea["taxes"][0]["total"]) == (
        "833.33",
        "166.66",
        "166.67",
    )
    assert purchase(order()).lines[1].paid_minor == 99999


@pytest.mark.parametrize(
    ("changes", "sku"),
    [
        pytest.param({"sku": "TEA-1"}, "TEA-1", id="its own"),
        pytest.param({"sku": ""}, "wc-7", id="empty"),
        pytest.param({"sku": None}, "wc-7", id="null"),
        pytest.param({"sku": 4600000}, "4600000", id="a number"),
        pytest.param({"sku": "", "variation_id": 8}, "wc-8", id="variation"),
        pytest.param({"sku": None, "product_id": 0}, None, id="product deleted"),
        pytest.param({"sku": None, "product_id": None}, None, id="product unknown"),
    ],
)
def test_trap_26_article_codes(changes, sku):
    found = purchase(order(line_items=[line(1, "100.00", **changes)]))
    assert found.lines[0].sku == sku


@pytest.mark.parametrize(
    ("total", "tax", "quantity", "paid_minor", "quantity_milli"),
    [
        pytest.param("1990", "0", 1, 199000, 1000, id="a shop without kopecks"),
        pytest.param("1658.3333", "331.6667", 1, 199000, 1000, id="four decimals"),
        pytest.param("100.004", "0.001", 1, 10001, 1000, id="rounded once, half up"),
        pytest.param(1990.5, 0, "0.350", 199050, 350, id="numbers, weighed goods"),
        pytest.param("0", "", 2, 0, 2000, id="a gift"),
    ],
)
def test_money_and_quantities(total, tax, quantity, paid_minor, quantity_milli):
    item = line(1, total, subtotal=None, total_tax=tax, quantity=quantity)
    found = purchase(order(line_items=[item], shipping_lines=[])).lines[0]

    assert (found.paid_minor, found.amount_minor) == (paid_minor, paid_minor)
    assert found.quantity_milli == quantity_milli


@pytest.mark.parametrize(
    "changes",
    [
        {"total": "many"},
        {"total": "NaN"},
        {"total": True},
        {"total": None},
        {"total": "1e30"},
        {"quantity": None},
        {"id": None},
    ],
)
def test_lines_that_cannot_be_read_are_refused(changes):
    with pytest.raises(PayloadInvalid):
        translated(order(line_items=[{**line(1, "100.00"), **changes}]))


@pytest.mark.parametrize("missing", ["id", "status", "currency", "total", "line_items"])
def test_an_order_that_lacks_what_we_need_is_refused(missing):
    document = order()
    del document[missing]
    with pytest.raises(PayloadInvalid) as caught:
        translate_order(Hint("order", "13"), {"order": document, "refunds": []}, context())
    assert missing in str(caught.value)


def test_trap_29_the_currency_is_passed_on_for_the_core_to_judge():
    assert purchase(order(currency="EUR")).currency == "EUR"
    with pytest.raises(PayloadInvalid):
        translated(order(currency="rubles"))


def test_trap_30_the_number_is_for_people_and_the_id_is_the_key():
    found = purchase(order(number="A-2026/13"))
    assert (found.external_id, found.order) == ("13", "A-2026/13")


def test_an_empty_shop_leaves_the_choice_to_the_hub():
    within = Context({**context().settings, "shop": ""}, SEVEN)
    assert purchase(order(), within=within).shop is None


def test_a_discount_of_the_shop_reaches_delivery_only_when_the_goods_are_used_up():
    document = order(
        line_items=[line(1, "100.00"), line(2, "50.00")],
        shipping_lines=[money_line(3, "300.00")],
        fee_lines=[money_line(4, "-200.00"), money_line(5, "20.00")],
    )
    found = purchase(document)

    assert [(each.id, each.kind, each.amount_minor) for each in found.lines] == [
        ("1", LineKind.GOODS, 0),
        ("2", LineKind.GOODS, 0),
        # 50.00 more to take, from 300.00 and 20.00: 46.875 and 3.125.
        ("3", LineKind.DELIVERY, 25312),
        ("5", LineKind.FEE, 1688),
    ]


def test_a_discount_larger_than_the_order_leaves_nothing_to_pay():
    document = order(
        line_items=[line(1, "100.00")], shipping_lines=[], fee_lines=[money_line(4, "-200.00")]
    )
    assert [each.paid_minor for each in purchase(document).lines] == [0]


# Coupons of the hub


def with_coupons(*coupons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """1000.00 became 700.00, and 500.00 became 400.00."""
    items = [line(1, "700.00", subtotal="1000.00"), line(2, "400.00", subtotal="500.00")]
    return order(line_items=items, shipping_lines=[], coupon_lines=list(coupons), **changes)


def splits(document: dict[str, Any]) -> list[tuple[int, int | None, int | None, int | None]]:
    return [
        (each.amount_minor, each.discount_minor, each.spend_minor, each.reduction_minor)
        for each in purchase(document).lines
    ]


@pytest.mark.parametrize(
    ("coupons", "wanted"),
    [
        pytest.param(
            [coupon("welcome10", "400.00")], [(70000, 0, 0, None), (40000, 0, 0, None)],
            id="the shop's own: its own discount",
        ),
        pytest.param(
            [coupon("loyalty-points", "400.00")],
            [(100000, 0, 30000, None), (50000, 0, 10000, None)], id="points",
        ),
        pytest.param(
            [coupon("loyalty-tier", "400.00")],
            [(100000, 30000, 0, None), (50000, 10000, 0, None)], id="tier",
        ),
        pytest.param(
            [coupon("loyalty-points", "300.00"), coupon("loyalty-tier", "100.00")],
            [(100000, None, None, 30000), (50000, None, None, 10000)], id="both",
        ),
        pytest.param(
            [coupon("loyalty-hub-7", "400.00")],
            [(100000, None, None, 30000), (50000, None, None, 10000)], id="both in one",
        ),
        pytest.param(
            # 200.00 of the 400.00 is ours: 150.00 and 50.00 by what each line lost.
            [coupon("loyalty-points", "200.00"), coupon("welcome10", "200.00")],
            [(85000, 0, 15000, None), (45000, 0, 5000, None)], id="with one of the shop",
        ),
        pytest.param(
            [coupon("loyalty-points", "999.00")],
            [(100000, 0, 30000, None), (50000, 0, 10000, None)], id="never more than was lost",
        ),
        pytest.param(
            [coupon("LOYALTY-Points", "400.00")],
            [(100000, 0, 30000, None), (50000, 0, 10000, None)], id="trap 19: another case",
        ),
    ],
)  # fmt: skip
def test_what_our_coupons_took_off(coupons, wanted):
    assert splits(with_coupons(*coupons)) == wanted


def test_trap_15_the_coupon_line_is_believed_and_not_the_orders_sum():
    document = rest(COUPON)
    assert (document["discount_total"], document["discount_tax"]) == ("416.68", "83.33")
    assert sum(each.spend_minor or 0 for each in purchase(document).lines) == 50000


def test_hold_and_points_come_from_the_plugins_meta():
    meta = [
        {"key": "_loyalty_hub_hold", "value": "h_1a2b"},
        {"key": "_loyalty_hub_points_spent", "value": "400.00"},
        {"key": "_loyalty_points_spent", "value": "1"},
    ]
    found = purchase(with_coupons(coupon("loyalty-hub", "400.00"), meta_data=meta))
    assert (found.hold, found.points_spent) == ("h_1a2b", 40000)


def test_points_whose_coupon_staff_took_off_are_not_spent():
    meta = [{"key": "_loyalty_hub_points_spent", "value": "400.00"}]
    for code, spent in (("loyalty-points", 40000), ("loyalty-tier", None)):
        found = purchase(with_coupons(coupon(code, "400.00"), meta_data=meta))
        assert found.points_spent == spent, code


def paid_with_points(*spent: str, lost: str | None = None, whole: str = "700.00") -> int | None:
    """Points of an order whose lines of 1000.00 were paid with 700 points for 700.00 in all."""
    items = [
        line(number, str(1000 - Decimal(lost or one)), subtotal="1000.00", meta_data=[
            {"key": "_loyalty_hub_spend", "value": one}
        ])
        for number, one in enumerate(spent, start=1)
    ]  # fmt: skip
    meta = [
        {"key": "_loyalty_hub_points_spent", "value": "700.00"},
        {"key": "_loyalty_hub_spend", "value": whole},
    ]
    points = coupon("loyalty-points", "700.00")
    return purchase(order(line_items=items, coupon_lines=[points], meta_data=meta)).points_spent


def test_points_of_lines_that_staff_took_off_are_not_spent():
    # 551.11 and 148.89 paid 700.00; without the second line 551.11 of them are left.
    assert paid_with_points("551.11", "148.89") == 70000
    assert paid_with_points("551.11") == 55111
    # A line that staff gave back to its price was not paid with points, whatever its note says.
    assert paid_with_points("551.11", lost="0.00") == 0
    # A point may be worth two roubles: 551.11 of 1400.00 is 275.555 of 700 points.
    assert paid_with_points("551.11", whole="1400.00") == 27556


@pytest.mark.parametrize("value", ["many", "1e3", "", None, [1]])
def test_points_that_cannot_be_read_are_left_to_the_lines(value):
    meta = [{"key": "_loyalty_hub_points_spent", "value": value}]
    found = purchase(with_coupons(coupon("loyalty-points", "400.00"), meta_data=meta))
    assert found.points_spent is None


def test_points_without_a_coupon_of_ours_are_no_spend():
    meta = [{"key": "_loyalty_points_spent", "value": "150"}]
    assert (
        purchase(with_coupons(coupon("welcome10", "400.00"), meta_data=meta)).points_spent is None
    )


def test_codes_that_people_typed_are_kept_and_ours_are_not():
    document = with_coupons(coupon("loyalty-points", "100.00"), coupon("welcome10", "300.00"))
    assert purchase(document).coupons == ("welcome10",)


# Refunds


def refund(number: int, amount: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given = {"id": number, "amount": amount, "date_created_gmt": "2026-11-22T06:40:00"}
    return {**given, "reason": "", "line_items": list(lines), **changes}


def back(of: int, total: str, quantity: int = -1, **changes: Any) -> dict[str, Any]:
    meta = [{"key": "_refunded_item_id", "value": str(of)}]
    return line(900 + of, total, quantity=quantity, meta_data=meta, **changes)


def test_refunds_are_listed_oldest_first_whatever_the_shops_order():
    found = purchase(order(), [refund(16, "3.00"), refund(14, "1.00"), refund(15, "2.00")])
    assert found.refunds is not None
    assert [each.external_id for each in found.refunds] == ["14", "15", "16"]


def test_no_refunds_is_said_and_not_left_open():
    assert purchase(order()).refunds == ()


def test_refunds_that_move_nothing_are_left_out():
    found = purchase(order(), [refund(14, "0.00"), refund(15, "0.00", back(1, "0.00", 0))])
    assert found.refunds == ()


def test_goods_paid_with_points_alone_come_back_without_money():
    found = purchase(order(), [refund(14, "0.00", back(1, "0.00", -2))])
    assert found.refunds is not None
    assert found.refunds[0].lines == (
        RefundLine(id="1", paid_back_minor=0, quantity_milli=2000, sku="HONEY"),
    )


def test_delivery_and_fees_come_back_by_their_own_lines():
    meta = [{"key": "_refunded_item_id", "value": "3"}]
    shipping = {**money_line(60, "-250.00"), "total_tax": "-50.00", "meta_data": meta}
    found = purchase(order(), [refund(14, "300.00", shipping_lines=[shipping])])
    assert found.refunds is not None
    assert found.refunds[0].lines == (RefundLine(id="3", paid_back_minor=30000),)


def test_a_negative_fee_that_comes_back_lessens_what_was_paid_back():
    found = purchase(
        order(),
        [
            refund(
                14, "75.00", back(1, "-60.00"), back(2, "-40.00"),
                fee_lines=[money_line(61, "25.00")],
            )
        ],
    )  # fmt: skip
    assert found.refunds is not None
    # 25.00 by 60 and 40: 15.00 and 10.00.
    assert [each.paid_back_minor for each in found.refunds[0].lines] == [4500, 3000]


def test_a_refund_is_as_new_as_the_reading_that_brought_it():
    found = purchase(order(), [refund(14, "1.00")], within=context(revision=9))
    assert found.refunds is not None
    assert (found.revision, found.refunds[0].revision) == (9, 9)


def test_texts_that_could_not_be_stored_are_cleaned():
    document = order(line_items=[line(1, "1.00", name="Чай\x00\ud800" + "я" * 600)])
    name = purchase(document).lines[0].name
    assert name is not None
    assert name.startswith("Чай я")
    assert len(name) == 500
