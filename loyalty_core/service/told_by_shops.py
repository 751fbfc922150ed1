"""Receipts of a file that the hub has already, since the shop has told them itself.

A fiscal sign says so for sure.  Without one nothing does: numbers begin anew, and two people buy
the same.  What agrees in shop, day and sum, and in the number or in the member and the minute, is
probably the same; that is told, and a person decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.store.past_sales import OwnSale, Period, own_sales
from loyalty_core.store.purchases import purchases_by_fiscal
from loyalty_kit.events import FiscalSign

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sale:
    """A receipt as a file tells it.  `bought_at` is midnight where it tells the day alone."""

    number: str
    shop_id: int
    member_id: int | None
    bought_at: datetime
    paid_minor: int
    sign: FiscalSign | None = None


class ToldByShops:
    """What shops have told of the time of some receipts."""

    def __init__(
        self, connection: Connection, programme_id: int, zone: ZoneInfo, sales: Sequence[Sale]
    ) -> None:
        self._zone = zone
        signs = {sale.sign for sale in sales if sale.sign is not None}
        self._signs: Collection[FiscalSign] = purchases_by_fiscal(connection, programme_id, signs)
        self._by_sum: dict[tuple[int, int], list[OwnSale]] = {}
        times = [sale.bought_at for sale in sales]
        if times:
            period = Period(min(times) - DAY, max(times) + DAY)
            numbers = {sale.number for sale in sales}
            buyers = {sale.member_id for sale in sales if sale.member_id is not None}
            for own in own_sales(connection, programme_id, period, numbers, buyers):
                self._by_sum.setdefault((own.shop_id, own.paid_minor), []).append(own)

    def surely(self, sale: Sale) -> bool:
        """Its fiscal sign is that of a receipt which a shop has told."""
        return sale.sign in self._signs

    def probably(self, sale: Sale) -> bool:
        """It agrees in all that a receipt without a sign can agree in."""
        alike = self._by_sum.get((sale.shop_id, sale.paid_minor), ())
        return any(are_same(sale, own, self._zone) for own in alike)


def are_same(sale: Sale, own: OwnSale, zone: ZoneInfo) -> bool:
    """Whether a receipt of a file and one that a shop has told probably are one."""
    told = sale.bought_at.astimezone(zone)
    if (sale.shop_id, sale.paid_minor) != (own.shop_id, own.paid_minor):
        return False
    if told.date() != own.bought_at.astimezone(zone).date():
        return False
    if sale.number in (own.order, own.external_id):
        return True
    if sale.member_id is None or sale.member_id != own.member_id:
        return False
    return told.time() == time() or _minute(told) == _minute(own.bought_at)


def _minute(at: datetime) -> float:
    return at.timestamp() // 60
