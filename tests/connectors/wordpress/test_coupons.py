"""Coupons of the programme in the shop: made once, changed, taken back, and known on an order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.wordpress import CONNECTOR
from loyalty_kit.checkout import ShopCoupon
from loyalty_kit.errors import CodeTaken, CredentialsRejected, NotPossible, RemoteMisconfigured
from loyalty_kit.ports import Context, Hint
from loyalty_kit.settings import load_settings
from tests.connectors.wordpress.made import line, order
from tests.connectors.wordpress.test_client import client
from tests.connectors.wordpress.test_conformance import form
from tests.stand_ins.woocommerce import WooShop

CODE = "ACEFH-JKMNP-RTWXY"
END = datetime(2026, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=3)))
TEN = ShopCoupon(CODE, 1000, None, 0, None, 1)
OF_HUB = [{"key": "_loyalty_hub_coupon", "value": "1"}]


def push(shop: WooShop, coupon: ShopCoupon) -> None:
    assert CONNECTOR.push_discounts is not None
    CONNECTOR.push_discounts.push(client(shop), coupon, key="k")


def take_back(shop: WooShop, code: str = CODE) -> None:
    assert CONNECTOR.push_discounts is not None
    CONNECTOR.push_discounts.take_back(client(shop), code, key="k")


@pytest.mark.parametrize("auth", ["basic", "oauth"])
def test_a_coupon_is_made_once_changed_and_taken_back(auth):
    with WooShop(auth=auth) as shop:
        push(shop, TEN)
        push(shop, TEN)
        (made,) = shop.coupons.values()
        assert made == {
            "id": 501, "code": CODE.lower(), "discount_type": "percent", "amount": "10.00",
            "minimum_amount": "0.00", "date_expires": None, "usage_limit": 1, "usage_count": 0,
            "individual_use": True, "email_restrictions": [], "meta_data": OF_HUB,
        }  # fmt: skip
        push(shop, replace(TEN, percent_bp=750, least_minor=100000, ends_at=END, uses=3))
        assert made["amount"] == "7.50"
        assert made["minimum_amount"] == "1000.00"
        assert made["date_expires"] == "2026-12-31T20:59:59Z"
        assert made["usage_limit"] == 3
        take_back(shop)
        take_back(shop)
        assert shop.coupons == {}


def test_what_orders_have_used_ends_and_is_not_deleted():
    with WooShop() as shop:
        push(shop, replace(TEN, emails=("ivan@example.com",)))
        shop.coupons[501]["usage_count"] = 1
        take_back(shop)
        over = shop.coupons[501]
        assert (over["date_expires"], over["email_restrictions"]) == ("2000-01-01T00:00:00Z", [])


def test_a_coupon_of_the_shops_own_is_left_alone():
    with WooShop() as shop:
        own = {"id": 7, "code": CODE.lower(), "amount": "99.00", "meta_data": []}
        shop.coupons[7] = dict(own)
        with pytest.raises(CodeTaken):
            push(shop, TEN)
        take_back(shop)
        assert shop.coupons == {7: own}


def test_a_coupon_of_a_person_is_bound_to_e_mails():
    with WooShop() as shop:
        shop.emails[2] = "Ivan@Example.com"
        push(shop, replace(TEN, accounts=("2", "3"), emails=("other@example.com",)))
        (made,) = shop.coupons.values()
        assert made["email_restrictions"] == ["ivan@example.com", "other@example.com"]
        with pytest.raises(NotPossible, match="e-mail"):
            push(shop, replace(TEN, accounts=("3",)))


def test_a_sum_is_no_coupon_where_taxes_come_on_top():
    off = replace(TEN, percent_bp=None, sum_minor=50000)
    with WooShop() as shop:
        push(shop, off)
        (made,) = shop.coupons.values()
        assert (made["discount_type"], made["amount"]) == ("fixed_cart", "500.00")
        shop.taxes = "on top"
        with pytest.raises(NotPossible, match="tax"):
            push(shop, off)
        shop.taxes = ""
        push(shop, off)


def test_a_key_that_may_not_write():
    with WooShop() as shop:
        shop.key_may_write = False
        with pytest.raises(CredentialsRejected, match="may the key write"):
            push(shop, TEN)
        assert shop.coupons == {}


def test_a_shop_whose_coupons_are_off_is_not_told_that_its_key_is_wrong():
    with WooShop() as shop:
        push(shop, TEN)
        shop.coupons_on = False
        for call in (lambda: push(shop, TEN), lambda: take_back(shop)):
            with pytest.raises(RemoteMisconfigured, match="coupons are switched off"):
                call()
        shop.key_may_read = False
        with pytest.raises(CredentialsRejected):
            push(shop, TEN)


def test_the_shops_taxes_are_asked_for_once_a_turn():
    off = replace(TEN, percent_bp=None, sum_minor=50000)
    with WooShop() as shop:
        assert CONNECTOR.push_discounts is not None
        one_turn = client(shop)
        for code in ("ACEFH-JKMNP-RTWX1", "ACEFH-JKMNP-RTWX2"):
            CONNECTOR.push_discounts.push(one_turn, replace(off, code=code), key="k")
        assert sum("/settings/" in call.path for call in shop.calls) == 2


def read(shop: WooShop, **settings: str) -> tuple[int, int | None, tuple[str, ...]]:
    """Amount, discount and codes of order 9, in which 1000.00 became 850.00 by a coupon of 150.00
    with tax."""
    given = load_settings(CONNECTOR.manifest.settings_schema, {**form(shop.base_url), **settings})
    assert CONNECTOR.fetch is not None
    hint = Hint("order", "9")
    document = CONNECTOR.fetch.read(client(shop, coupons=given["coupons"]), hint)
    context = Context(given, datetime(2026, 11, 22, tzinfo=UTC))
    (purchase,) = CONNECTOR.fetch.translate(hint, document, context)
    (bought,) = purchase.lines  # type: ignore[union-attr]
    return bought.amount_minor, bought.discount_minor, purchase.coupons  # type: ignore[union-attr]


def test_on_an_order_the_hubs_own_coupon_is_a_discount_of_ours():
    typed = {"code": CODE.lower(), "discount": "125.00", "discount_tax": "25.00"}
    tax = {"total_tax": "141.67", "subtotal_tax": "166.67"}
    goods = line(1, "708.33", subtotal="833.33", **tax)
    bare = {"shipping_lines": [], "fee_lines": []}
    with WooShop() as shop:
        shop.put_order(
            order(id=9, line_items=[goods], coupon_lines=[typed], total="850.00", **bare)
        )
        assert read(shop, coupons="true") == (85000, 0, (CODE.lower(),))
        push(shop, TEN)
        assert read(shop, coupons="true") == (100000, 15000, (CODE.lower(),))
        # While the shop's coupons are off nobody can tell whose it was, and the order is booked.
        shop.coupons_on = False
        assert read(shop, coupons="true") == (85000, 0, (CODE.lower(),))
        shop.coupons_on = True
        # Without the setting nothing is asked for: the discount is taken for the shop's own.
        assert read(shop) == (85000, 0, (CODE.lower(),))
