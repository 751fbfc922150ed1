"""Fetch: a hinted order or product as it stands now, and what that means."""

from __future__ import annotations

from typing import Any

from connectors.wordpress import lines
from connectors.wordpress.catalogue import translate_product
from connectors.wordpress.client import CouponsOff, WooClient
from connectors.wordpress.coupons import is_ours
from connectors.wordpress.translate import translate_order
from loyalty_kit.errors import Gone, NeedsAttention, NotOurs, RemoteUnavailable
from loyalty_kit.ports import Context, Hint, Translated

ORDER = "order"
PRODUCT = "product"


class Documents:
    """Documents: {"order", "refunds", "hub_coupons"}, {"gone", "currency"},
    {"product", "variations"}."""

    def read(self, client: WooClient, hint: Hint) -> Any:
        """Raises: NotOurs, Gone (products only), and what the client raises."""
        if hint.kind == ORDER:
            return _order(client, hint.id)
        if hint.kind == PRODUCT:
            product = client.product(hint.id)
            variable = product.get("type") == "variable"
            return {
                "product": product,
                "variations": client.variations(hint.id) if variable else [],
            }
        raise NotOurs(f"documents of kind {hint.kind!r}")

    def read_many(self, client: WooClient, hints: tuple[Hint, ...]) -> dict[Hint, Any]:
        """Orders without refunds, a hundred a call; those with some name only their sums here,
        and coupons that somebody typed may be the hub's.

        The list leaves out orders in the trash.  Raises: what the client raises.
        """
        orders = {hint.id: hint for hint in hints if hint.kind == ORDER}
        if not orders:
            return {}
        rows = client.orders({"include": ",".join(orders), "status": "any"})
        return {
            orders[str(row["id"])]: {"order": row, "refunds": []}
            for row in rows
            if str(row.get("id")) in orders
            and row.get("refunds") == []
            and not _maybe_ours(client, row)
        }

    def translate(self, hint: Hint, document: Any, context: Context) -> Translated:
        """Raises: NotOurs, PayloadInvalid."""
        if hint.kind == ORDER:
            return translate_order(hint, document, context)
        if hint.kind == PRODUCT:
            return translate_product(document)
        raise NotOurs(f"documents of kind {hint.kind!r}")


def _order(client: WooClient, order_id: str) -> dict[str, Any]:
    """The order first: a refund made in between is in the list, and brings its own hint."""
    try:
        order = client.order(order_id)
    except Gone:
        return {"gone": True, "currency": _currency(client)}
    try:
        refunds = client.refunds(order_id)
    except Gone:
        raise RemoteUnavailable("the order was deleted while it was being read") from None
    made = [code for code in _maybe_ours(client, order) if _is_ours(client, code)]
    return {"order": order, "refunds": refunds, **({"hub_coupons": made} if made else {})}


def _maybe_ours(client: WooClient, order: dict[str, Any]) -> list[str]:
    """Typed codes of an order, where the hub makes coupons in this shop: nothing on the order
    tells those from the shop's own."""
    if not client.settings["coupons"]:
        return []
    typed = order.get("coupon_lines")
    codes = [line.get("code") for line in typed or () if isinstance(line, dict)]
    return [code for code in codes if isinstance(code, str) and code and not lines.is_ours(code)]


def _is_ours(client: WooClient, code: str) -> bool:
    """A shop that has its coupons switched off tells of none; its orders do not wait for that."""
    try:
        known = client.coupon(code)
    except CouponsOff:
        return False
    return known is not None and is_ours(known)


def _currency(client: WooClient) -> str | None:
    """An order that is gone does not say its currency; a key may lack the right to ask for it."""
    try:
        return client.currency() or None
    except NeedsAttention:
        return None
