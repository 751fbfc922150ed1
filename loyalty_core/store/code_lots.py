"""Lots of coupons and certificates: which are not whole yet, and how their codes stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, literal, select, union

from loyalty_core.store.coupons import ACTIVE, BLOCKED
from loyalty_core.store.coupons import KeptLot as CouponLot
from loyalty_core.store.tables import certificate_lots, certificates, coupon_lots, coupons


def unfilled(connection: Connection, programme_id: int) -> tuple[list[str], list[str]]:
    """Names of the lots of coupons, and of certificates, of which codes are still to be made;
    the oldest first."""
    names = []
    for lots in (coupon_lots, certificate_lots):
        own = (lots.c.programme_id == programme_id, lots.c.made < lots.c.size)
        query = select(lots.c.name).where(*own).order_by(lots.c.id)
        names.append(list(connection.scalars(query)))
    return names[0], names[1]


def programmes_due(connection: Connection, now: datetime) -> Sequence[int]:
    """Those with codes still to be made of a lot that was opened by now."""
    due = [
        select(lots.c.programme_id).where(lots.c.made < lots.c.size, lots.c.created_at <= now)
        for lots in (coupon_lots, certificate_lots)
    ]
    return list(connection.scalars(union(*due)))


def coupon_states(connection: Connection, lot: CouponLot, now: datetime) -> dict[str, int]:
    """How many coupons of a lot are in each state, as `service.coupons` tells them."""
    by_itself = case(
        (coupons.c.state != ACTIVE, coupons.c.state),
        (literal(lot.state) == BLOCKED, BLOCKED),
        (coupons.c.uses >= coupons.c.most, "used"),
        (coupons.c.ends_at <= now, "expired"),
        else_=ACTIVE,
    ).label("standing")
    of_each = select(by_itself).where(coupons.c.lot_id == lot.id).subquery()
    query = select(of_each.c.standing, func.count()).group_by(of_each.c.standing)
    return dict(connection.execute(query).all())


def certificate_states(
    connection: Connection, lot_id: int, now: datetime
) -> dict[str, tuple[int, int]]:
    """How many of a lot are in each state, as `service.certificates` tells them, and the money
    on them."""
    own = certificates.c
    standing = case(
        (own.blocked, "blocked"),
        (own.activated_at.is_(None), "issued"),
        (own.loaded_minor == 0, "void"),
        (own.expires_at <= now, "expired"),
        (own.balance_minor == 0, "spent"),
        else_="active",
    ).label("standing")
    of_each = select(standing, own.balance_minor).where(own.lot_id == lot_id).subquery()
    query = select(of_each.c.standing, func.count(), func.sum(of_each.c.balance_minor))
    found = connection.execute(query.group_by(of_each.c.standing))
    return {state: (count, int(money)) for state, count, money in found}
