"""Where and how somebody buys, as conditions see it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from loyalty_core.domain.conditions.scene import Place
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.service.source import Source
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.events import Purchase

OPEN_CHANNELS = frozenset({"pos", "online"})
"""What a key that proves nothing may say of itself."""


def place_of(source: Source, shop: str, zone: ZoneInfo, told: QuoteRequest | Purchase) -> Place:
    """`shop` is the code of the shop that the message means, `zone` its own.

    The channel is known where the key proves it; other words than the usual two are not taken
    from whoever says them.
    """
    channel = fold(told.channel)
    payment = told.payment if isinstance(told, QuoteRequest) else paid_with(told)
    return Place(
        shop,
        channel if channel in (source.channels or OPEN_CHANNELS) else None,
        None if payment is None else fold(payment),
        frozenset(map(fold, told.coupons)),
        zone,
    )


def paid_with(purchase: Purchase) -> str | None:
    """The kind of payment, folded, where there was one."""
    kinds = {fold(payment.kind) for payment in purchase.payments}
    return kinds.pop() if len(kinds) == 1 else None
