"""Receipts that a shop reports after a file has brought them in.

No file says for sure that a shop's receipt is its own, and nothing is guessed: one that agrees in
all that a receipt without a sign can agree in (`told_by_shops`) is booked and flagged, and a
person joins the two or leaves them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.import_columns import PURCHASES
from loyalty_core.service.told_by_shops import DAY, Sale, are_same
from loyalty_core.store import members
from loyalty_core.store.imports import last_begun
from loyalty_core.store.past_sales import OwnSale, Period, sales_brought_in

FLAG = "perhaps_brought_in"
FRESH = timedelta(minutes=1)
"""No file has a receipt of the last minute, so tills that report at once cost no question."""


class BroughtIn:
    """What files have told of the time of some receipts of shops."""

    def __init__(
        self,
        connection: Connection,
        programme_id: int,
        zone: ZoneInfo,
        told: Sequence[OwnSale],
        now: datetime,
    ) -> None:
        self._zone = zone
        self.sales: list[Sale] = []
        times = [one.bought_at for one in told if one.bought_at < now - FRESH]
        begun = last_begun(connection, programme_id, PURCHASES) if times else None
        if begun is None or min(times) > begun:
            return
        period = Period(min(times) - DAY, min(max(times), begun) + DAY)
        numbers = {number for one in told for number in (one.order, one.external_id) if number}
        buyers = {one.member_id for one in told if one.member_id is not None}
        now_of = {one: one for one in buyers}
        for member, aliases in members.aliases_of(connection, buyers).items() if buyers else ():
            now_of |= dict.fromkeys(aliases, member)
        found = sales_brought_in(connection, programme_id, period, numbers, set(now_of))
        self.sales = [
            _as_told(replace(one, member_id=now_of.get(one.member_id or 0))) for one in found
        ]

    def probably(self, own: OwnSale) -> bool:
        """Whether one of them agrees in all that a receipt without a sign can agree in."""
        return any(are_same(sale, own, self._zone) for sale in self.sales)


def _as_told(kept: OwnSale) -> Sale:
    """A receipt of a file stands under its number as under an order's."""
    number = kept.order or kept.external_id
    return Sale(number, kept.shop_id, kept.member_id, kept.bought_at, kept.paid_minor)
