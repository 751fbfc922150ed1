"""Orders as the plugin leaves them, from the carts of `vectors.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.connectors.wordpress.made import order

CARTS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))["carts"]


def meta(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"id": 1, "key": key, "value": value} for key, value in pairs]


def order_of_cart(cart: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The order that a cart became, with the notes on its lines."""
    kept = cart["order"]
    return order(
        line_items=[_noted(item, cart["told"]) for item in kept["line_items"]],
        shipping_lines=[_noted(item, {}) for item in kept["shipping_lines"]],
        fee_lines=[],
        coupon_lines=[{**one, "meta_data": []} for one in kept["coupon_lines"]],
        refunds=[],
        **changes,
    )


def _noted(item: dict[str, Any], told: dict[str, list[str]]) -> dict[str, Any]:
    notes = [("_loyalty_hub_line", item["line"])]
    if item["line"] in told:
        discount, spend = told[item["line"]]
        notes += [("_loyalty_hub_discount", discount), ("_loyalty_hub_spend", spend)]
    return {**item, "meta_data": meta(*notes)}
