"""Coupons of the programme as coupons of the shop: all that buyers can be given at its checkout
without a plugin.

What a coupon may say is told by WooCommerce's REST documents (Coupons, `wc/v3`), and which of its
counters move when by its source: `wc_update_coupon_usage_counts` counts an order once it is
placed, and takes the use back when the order is cancelled, not when it is refunded.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from connectors.wordpress.client import ParametersRefused, WooClient
from loyalty_kit.checkout import ShopCoupon
from loyalty_kit.errors import CodeTaken, Gone, NotPossible
from loyalty_kit.money import format_decimal

MARK = "_loyalty_hub_coupon"
"""Meta by which the hub knows its own coupons; what has none is never touched."""
_OVER = {"date_expires": "2000-01-01T00:00:00Z", "email_restrictions": []}


class Coupons:
    setting = "coupons"

    def push(self, client: WooClient, coupon: ShopCoupon, *, key: str) -> None:
        """Looked up by its code first, so that a repeat makes no second one.

        Raises: CodeTaken, NotPossible, CouponsOff, Gone (deleted between two calls: the next try
        makes it anew), and what the client raises.
        """
        fields = _fields(client, coupon)
        known = client.coupon(coupon.code)
        if known is not None and not is_ours(known):
            raise CodeTaken("the shop has a coupon of its own under this code")
        try:
            if known is None:
                mark = [{"key": MARK, "value": "1"}]
                client.make_coupon({"code": coupon.code, **fields, "meta_data": mark})
            else:
                client.change_coupon(str(known["id"]), fields)
        except ParametersRefused as error:
            raise NotPossible(str(error)) from None

    def take_back(self, client: WooClient, code: str, *, key: str) -> None:
        """Deleted, so that the shop's list stays short; one that orders have used ends instead,
        for they are told from the shop's own by it, and names nobody any more.

        Raises: CouponsOff, and what the client raises.
        """
        known = client.coupon(code)
        if known is None or not is_ours(known):
            return
        number = str(known["id"])
        try:
            if known.get("usage_count"):
                client.change_coupon(number, _OVER)
            else:
                client.delete_coupon(number)
        except Gone:
            return


def is_ours(coupon: dict[str, Any]) -> bool:
    """Whether the hub made it."""
    return any(one.get("key") == MARK for one in coupon.get("meta_data") or ())


def _fields(client: WooClient, coupon: ShopCoupon) -> dict[str, Any]:
    """Raises: NotPossible."""
    if coupon.sum_minor is not None:
        if client.adds_tax:
            raise NotPossible("the shop adds tax to its prices: a sum would take off more")
        kind, amount = "fixed_cart", coupon.sum_minor
    else:
        kind, amount = "percent", coupon.percent_bp or 0
    ends_at = coupon.ends_at
    return {
        "discount_type": kind,
        "amount": format_decimal(amount),
        "minimum_amount": format_decimal(coupon.least_minor),
        # With `Z` it is no time of the site's own zone (`WC_Data::set_date_prop`).
        "date_expires": ends_at and f"{ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "usage_limit": coupon.uses,
        "individual_use": True,
        "email_restrictions": _emails(client, coupon),
    }


def _emails(client: WooClient, coupon: ShopCoupon) -> list[str]:
    """An account can be named by its e-mail alone.

    Raises: NotPossible (there was somebody to name, and is no e-mail).
    """
    found = set(coupon.emails)
    for account in coupon.accounts:
        try:
            email = client.account(account).get("email")
        except Gone:
            continue
        if email:
            found.add(str(email).lower())
    if not found and coupon.accounts:
        raise NotPossible("the account has no e-mail, by which alone a coupon can be personal")
    return sorted(found)
