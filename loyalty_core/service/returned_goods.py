"""Whether what a refund brings back may be of a purchase (`ledger.md` 22)."""

from __future__ import annotations

from collections import Counter

from loyalty_core.domain.receipt import returned
from loyalty_core.service.booking import standing_refunds
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Refund


def has_goods(purchase: KeptPurchase, refund: Refund) -> bool:
    """Whether what it brings back by article is still there in quantity and sum, whatever lines
    have it; parts without an article say nothing."""
    back = returned(purchase.lines, standing_refunds(purchase))
    quantity, money = Counter[str](), Counter[str]()
    for line in purchase.lines:
        if line.sku is not None:
            quantity[line.sku] += line.quantity_milli - back.quantity_milli.get(line.id, 0)
            money[line.sku] += line.paid_minor - back.money_minor.get(line.id, 0)
    for part in refund.lines:
        if part.sku is None:
            continue
        if part.sku not in quantity:
            return False
        quantity[part.sku] -= part.quantity_milli or 0
        money[part.sku] -= part.paid_back_minor
    return min((*quantity.values(), *money.values()), default=0) >= 0


def has_money(purchase: KeptPurchase, refund: Refund) -> bool:
    """Whether so much of what was paid for it is not back yet."""
    back = returned(purchase.lines, standing_refunds(purchase))
    paid = sum(line.paid_minor for line in purchase.lines)
    return refund.amount_minor <= paid - sum(back.money_minor.values())
