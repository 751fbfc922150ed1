"""A cart's last hold once more: its points are set aside from now on (`ledger.md` 8, 13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.service.hold_points import PlacedHold, place_hold
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.promise import promised_quote
from loyalty_core.service.source import Source, shop_for
from loyalty_core.store.codec import from_json
from loyalty_core.store.holds import (
    NOBODY,
    Claim,
    KeptHold,
    claimed_holds,
    holds_by_key,
    lock_claims,
)
from loyalty_core.store.ids import to_wire
from loyalty_kit.checkout import HoldRequest, QuoteRequest
from loyalty_kit.events import Customer


def renew_cart(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    source: Source,
    cart: str,
    shop: str | None,
    *,
    ttl_s: int,
    now: datetime,
) -> PlacedHold | None:
    """Promise again what the last hold of a cart promised, and set its points aside.

    The caller vouches for the buyer, who has been asked for a code.  None where there is nothing
    to renew: no hold, one that was let go, or one that a sale has taken up.

    Raises: as `place_hold`; PriceChanged where it would not be the same promise.
    """
    claim = Claim(source.programme_id, shop_for(connection, source, shop).id, "cart", cart)
    lock_claims(connection, [claim])
    key = claimed_holds(connection, [claim]).get(claim)
    last = None if key is None else holds_by_key(connection, [key]).get(key)
    if last is None or not (last.state == "live" or last.ran_out):
        return None
    promised = promised_quote(last)
    wanted = HoldRequest(
        replace(from_json(QuoteRequest, last.request), member=_buyer_of(last)),
        ttl_s=ttl_s,
        expect_payable_minor=promised.totals.payable_minor,
        expect_spend_points=promised.points.spend,
    )
    return place_hold(connection, plans, source, wanted, now=now)


def _buyer_of(last: KeptHold) -> Customer | None:
    if last.member_id == NOBODY:
        return None
    return Customer(id=to_wire("m", last.member_id), verified=True)
