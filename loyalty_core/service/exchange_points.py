"""A member gives points for a coupon of a series that has a price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import (
    InvalidInput,
    KeyReused,
    MemberNotFound,
    ProgrammeNotFound,
)
from loyalty_core.domain.points import Cause
from loyalty_core.service.adjust_points import entry_told
from loyalty_core.service.coupons import coupon_view, own_coupon, series_of
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.members import member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import coupons as store
from loyalty_core.store import ledger, members, programmes
from loyalty_core.store.coupons import KeptCoupon


@dataclass(frozen=True, slots=True)
class Exchange:
    """`key` names the exchange: the same key again gives the same coupon for nothing more."""

    series: str
    key: str
    author: str


def exchange_points(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    wanted: Exchange,
    *,
    now: datetime,
) -> dict[str, Any]:
    """The coupon, the entry that paid for it, and the balance after it, wire-ready.

    Raises: MemberNotFound, InvalidInput (series, or it has no price), NotEnoughPoints,
    KeyReused.
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    number = member_row(connection, programme_id, member_id)["id"]
    member = members.lock_survivors(connection, programme_id, [number])[number]
    if member is None:
        raise MemberNotFound
    main = plans.get(connection, programme_id, programme.rules_version).rules.main
    account, entry_key = (member, main.code), f"exchange/{wanted.key}"
    book = ledger.open_books(connection, [account])[account]
    known = store.issued(connection, programme_id, entry_key)
    if known is not None:
        return _again(connection, known, wanted, account, now)
    series = series_of(connection, plans, programme_id, wanted.series)
    if series.price_points is None:
        raise InvalidInput({"series": ["Is not to be had for points."]})
    book.settle(now)
    facts = {"reason": "exchange", "series": series.code, "by": wanted.author}
    book.withdraw(series.price_points, Cause(entry_key, now, now, None, facts))
    book.settle(now)
    coupon = own_coupon(
        programme_id,
        series,
        member,
        since=now,
        zone=ZoneInfo(programme.timezone),
        issued_for=entry_key,
    )
    store.issue_coupons(connection, [coupon])
    ledger.write_books(connection, [book])
    announce_balances(connection, programme_id, [book], now)
    return _answer(connection, coupon, account, now)


def _again(
    connection: Connection,
    known: KeptCoupon,
    wanted: Exchange,
    account: ledger.AccountKey,
    now: datetime,
) -> dict[str, Any]:
    if (known.series, known.member_id) != (wanted.series, account[0]):
        raise KeyReused
    return _answer(connection, known, account, now)


def _answer(
    connection: Connection, coupon: KeptCoupon, account: ledger.AccountKey, now: datetime
) -> dict[str, Any]:
    """Of who was merged since, the entry stands where it was booked, and the points here."""
    member, currency = account
    assert coupon.issued_for is not None
    booked = (
        ledger.find_entry(connection, (one, currency), coupon.issued_for)
        for one in members.known_as(connection, member)
    )
    entry = next((one for one in booked if one is not None), None)
    if entry is None:
        raise KeyReused
    return {
        "coupon": coupon_view(coupon, now),
        **entry_told(connection, entry, now, owner=member),
    }
