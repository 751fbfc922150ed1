"""Balances beside the shop's accounts, where themes, letters and other plugins may show them."""

from __future__ import annotations

from connectors.wordpress.client import WooClient
from loyalty_kit.checkout import Balance
from loyalty_kit.money import format_decimal

PREFIX = "loyalty_hub_"
FIGURES = ("available", "pending")


class Balances:
    """As meta of the customer: `loyalty_hub_available`, `loyalty_hub_pending`, in points."""

    def push(
        self, client: WooClient, member_external_id: str, balance: Balance, *, key: str
    ) -> None:
        """The account's balance is this.  What is sent says all, so `key` need not be told.

        Raises: Gone (no such account), NotOurs (one that the key may not change), and what the
        client raises.
        """
        values = {name: format_decimal(getattr(balance, name)) for name in FIGURES}
        named = {f"{PREFIX}{name}": value for name, value in values.items()}
        client.write_customer_meta(member_external_id, named)
