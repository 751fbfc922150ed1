"""Queries over partners, their prices and shops, and what is booked of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from loyalty_core.domain.points import Kind
from loyalty_core.store.database import insert_or
from loyalty_core.store.ids import new_id
from loyalty_core.store.past_sales import Period
from loyalty_core.store.programmes import fold
from loyalty_core.store.reward_orders import HANDED_OUT
from loyalty_core.store.tables import (
    entries,
    partner_prices,
    partners,
    purchases,
    reward_orders,
    shops,
)

MOVES = (Kind.EARN, Kind.CLAW_BACK, Kind.SPEND, Kind.CAPTURE, Kind.GIVE_BACK)
"""Kinds of entries that a purchase earns and spends by."""


@dataclass(frozen=True, slots=True)
class Partner:
    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Price:
    """Kopecks for a whole point of purchases that came `since` then."""

    since: datetime
    price_minor: int


@dataclass(frozen=True, slots=True)
class HandedOut:
    """Rewards of one code: how many, points paid for them, and what the partner is owed."""

    reward: str
    currency: str
    pieces: int
    points: int
    compensation_minor: int


_PARTNER = select(partners.c.id, partners.c.code, partners.c.name)


def partner_by_code(
    connection: Connection, programme_id: int, code: str, *, lock: bool = False
) -> Partner | None:
    """`lock`: held until the transaction ends."""
    query = _PARTNER.where(partners.c.programme_id == programme_id, partners.c.code == fold(code))
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Partner(*row)


def all_partners(connection: Connection, programme_id: int) -> list[Partner]:
    """In the order of their codes."""
    query = _PARTNER.where(partners.c.programme_id == programme_id).order_by(partners.c.code)
    return [Partner(*row) for row in connection.execute(query)]


def put_partner(
    connection: Connection, programme_id: int, code: str, name: str, *, now: datetime
) -> Partner:
    """The partner of this code under this name, made if there is none; locked."""
    row = {
        "id": new_id(now),
        "programme_id": programme_id,
        "code": fold(code),
        "name": name,
        "created_at": now,
    }
    connection.execute(insert_or(connection, partners).on_conflict_do_nothing(), row)
    partner = partner_by_code(connection, programme_id, code, lock=True)
    assert partner is not None
    connection.execute(update(partners).where(partners.c.id == partner.id).values(name=name))
    return Partner(partner.id, partner.code, name)


def prices_of(
    connection: Connection, partner_ids: Collection[int]
) -> dict[int, dict[str, list[Price]]]:
    """By partner and currency of points, in the order of time."""
    query = (
        select(partner_prices)
        .where(partner_prices.c.partner_id.in_(partner_ids))
        .order_by(partner_prices.c.since)
    )
    found: dict[int, dict[str, list[Price]]] = {one: defaultdict(list) for one in partner_ids}
    for row in connection.execute(query):
        found[row.partner_id][row.currency].append(Price(row.since, row.price_minor))
    return found


def add_prices(
    connection: Connection, partner_id: int, prices: Mapping[str, int], *, since: datetime
) -> None:
    """Prices by currency; the partner is locked."""
    for currency, price_minor in sorted(prices.items()):
        new = insert_or(connection, partner_prices).values(
            partner_id=partner_id, currency=currency, since=since, price_minor=price_minor
        )
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["partner_id", "currency", "since"],
                set_={"price_minor": price_minor},
            )
        )


def shops_of(connection: Connection, partner_ids: Collection[int]) -> dict[int, list[str]]:
    """Codes of the shops of each partner."""
    query = select(shops.c.partner_id, shops.c.code).where(shops.c.partner_id.in_(partner_ids))
    found: dict[int, list[str]] = {one: [] for one in partner_ids}
    for partner, code in connection.execute(query.order_by(shops.c.code)):
        found[partner].append(code)
    return found


def owners_of(connection: Connection, shop_ids: Collection[int]) -> dict[int, int | None]:
    """Which partner's each of these shops is, locked in the order of their ids."""
    query = select(shops.c.id, shops.c.partner_id).where(shops.c.id.in_(shop_ids))
    return dict(connection.execute(query.order_by(shops.c.id).with_for_update()).all())


def set_shops(connection: Connection, partner_id: int, shop_ids: Sequence[int]) -> None:
    """These shops, and no others, are the partner's."""
    gone = (shops.c.partner_id == partner_id, shops.c.id.not_in(shop_ids))
    connection.execute(update(shops).where(*gone).values(partner_id=None))
    mine = shops.c.id.in_(shop_ids)
    connection.execute(update(shops).where(mine).values(partner_id=partner_id))


# --- what is booked ---------------------------------------------------------------------------


def points_moved(
    connection: Connection, programme_id: int, partner_id: int, booked: Period, came: Period
) -> dict[tuple[str, str], int]:
    """Points by currency and kind of entry, booked in a period for purchases at the partner's
    shops that came in another."""
    query = (
        select(entries.c.currency, entries.c.kind, func.sum(entries.c.amount))
        .join(purchases, purchases.c.id == entries.c.purchase_id)
        .join(shops, shops.c.id == purchases.c.shop_id)
        .where(
            shops.c.programme_id == programme_id,
            shops.c.partner_id == partner_id,
            entries.c.kind.in_([one.value for one in MOVES]),
            entries.c.booked_at >= booked.since,
            entries.c.booked_at < booked.until,
            purchases.c.received_at >= came.since,
            purchases.c.received_at < came.until,
        )
        .group_by(entries.c.currency, entries.c.kind)
    )
    return {(code, kind): int(points) for code, kind, points in connection.execute(query)}


def handed_out(
    connection: Connection, programme_id: int, partner: str, period: Period
) -> list[HandedOut]:
    """The partner's rewards that were handed out in a period, by reward and currency."""
    kind = (reward_orders.c.reward, reward_orders.c.currency)
    query = (
        select(
            *kind,
            func.count(),
            func.sum(reward_orders.c.points),
            func.sum(reward_orders.c.compensation_minor),
        )
        .where(
            reward_orders.c.programme_id == programme_id,
            reward_orders.c.partner == partner,
            reward_orders.c.state == HANDED_OUT,
            reward_orders.c.ended_at >= period.since,
            reward_orders.c.ended_at < period.until,
        )
        .group_by(*kind)
        .order_by(*kind)
    )
    return [
        HandedOut(reward, currency, pieces, int(points), int(owed))
        for reward, currency, pieces, points, owed in connection.execute(query)
    ]
