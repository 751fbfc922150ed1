"""All that a quote must know of the buyer, asked in one statement (`checkout_statement`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.certificates import Certificate
from loyalty_core.domain.conditions.scene import Person, PersonalGoods
from loyalty_core.domain.pricing.coupons import Coupon
from loyalty_core.store.accounts import balance_of
from loyalty_core.store.certificates import goods_of, state_of
from loyalty_core.store.checkout_statement import (
    PERSON,
    Asked,
    Row,
    Shape,
    shape_of,
    statement_of,
    statement_of_each,
    values_of,
    values_of_each,
)
from loyalty_core.store.database import fetch
from loyalty_core.store.members import person_of
from loyalty_core.store.promotion_uses import UseKey
from loyalty_core.store.types import from_micros
from loyalty_kit.checkout import Balance
from loyalty_kit.frozen import frozen


@frozen
class Account:
    """Figures as they are at the time asked about, whatever the jobs have not yet booked."""

    balance: Balance
    own_hold: int


@frozen
class Facts:
    """`shop_id` None: no such shop.  `member_id` None: nobody is known by these names.

    `unproved`: the member is known by a shop's account, into which somebody typed the phone.
    """

    currency: str
    timezone: str
    rules_version: int
    shop_id: int | None
    shop_timezone: str | None = None
    member_id: int | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    tier: str | None = None
    spent_minor: int = 0
    unproved: bool = False
    accounts: tuple[Account, ...] = ()
    person: Person | None = None
    uses: tuple[tuple[UseKey, int], ...] = ()
    """Counters of this shop and buyer, the own hold's part not counted.  Of a period that has
    begun lately there may be the one before it, too."""
    coupons: tuple[Coupon, ...] = ()
    """Of the codes asked about, the use by the own hold not counted."""
    bought: tuple[tuple[datetime, int], ...] = ()
    """Purchases since the time asked about, and kopecks left of their goods."""
    certificates: tuple[Certificate, ...] = ()
    """Of the codes asked about, what the own hold has of them not counted as taken."""


def checkout_facts(connection: Connection, asked: Asked, now: datetime) -> Facts | None:
    """One statement, no lock, no write; None where the programme does not exist."""
    dialect = connection.dialect
    statement = statement_of(dialect, shape_of(asked))
    return _facts(asked, fetch(connection, statement, values_of(asked, now, dialect)))


def checkout_facts_of_each(
    connection: Connection, some: Sequence[Asked], now: datetime
) -> list[Facts | None]:
    """As `checkout_facts` of each, in one statement for all who ask the same things.

    PostgreSQL only.
    """
    by_shape: dict[Shape, list[int]] = {}
    for place, asked in enumerate(some):
        by_shape.setdefault(shape_of(asked), []).append(place)
    found: list[Facts | None] = [None] * len(some)
    for shape, places in by_shape.items():
        told = _told_of_each(connection, shape, [some[place] for place in places], now)
        for place, rows in zip(places, told, strict=True):
            found[place] = _facts(some[place], rows)
    return found


def _told_of_each(
    connection: Connection, shape: Shape, some: Sequence[Asked], now: datetime
) -> list[list[tuple[Any, ...]]]:
    dialect = connection.dialect
    statement, names = statement_of_each(dialect, shape)
    values = values_of_each(some, names, now, dialect)
    told: list[list[tuple[Any, ...]]] = [[] for _ in some]
    for place, *row in fetch(connection, statement, values):
        told[place - 1].append(tuple(row))
    return told


def _facts(asked: Asked, told: Sequence[tuple[Any, ...]]) -> Facts | None:
    if not told:
        return None
    width = len(Row._fields)
    rows = [Row._make(row[:width]) for row in told]
    first = rows[0]
    return Facts(
        first.currency,
        first.timezone,
        first.rules_version,
        first.shop_id,
        first.shop_timezone,
        first.member_id,
        first.first_name,
        first.middle_name,
        first.last_name,
        first.tier,
        first.spent_minor or 0,
        bool(first.unproved),
        tuple(
            Account(balance_of(row, row.points), row.own_hold)
            for row in rows
            if row.points is not None
        ),
        _person(first, told[0][width:]),
        _uses(asked.programme_id, first.uses),
        _coupons(first.coupons),
        tuple((from_micros(at), minor) for at, minor in _rows(first.bought)),
        _certificates(first.certificates),
    )


def _rows(told: str | None) -> list[Any]:
    """Rows that a column brings as JSON; None where they were not asked about, as mostly."""
    return [] if told is None else json.loads(told)


def _person(first: Row, values: tuple[Any, ...]) -> Person | None:
    """The driver's values: times are numbers, and JSON is a text on SQLite."""
    if first.member_id is None or not values:
        return None
    row = dict(zip(PERSON, values, strict=True))
    attributes, last = row["attributes"], row["last_purchase_at"]
    person = person_of(
        {
            **row,
            "id": first.member_id,
            "created_at": from_micros(row["created_at"]),
            "attributes": json.loads(attributes) if isinstance(attributes, str) else attributes,
            "last_purchase_at": None if last is None else from_micros(last),
        }
    )
    if first.goods:
        person = replace(person, goods=_goods(first.goods))
    if first.clubs:
        person = replace(person, clubs=frozenset(code for (code,) in json.loads(first.clubs)))
    return person


def _goods(told: str) -> tuple[PersonalGoods, ...]:
    return tuple(
        PersonalGoods(code, kind, key, name, None if until is None else from_micros(until))
        for code, kind, key, name, until in json.loads(told)
    )


def _uses(programme_id: int, told: str | None) -> tuple[tuple[UseKey, int], ...]:
    return tuple(
        (UseKey(programme_id, owner, promotion, per, period, of, from_micros(start)), used)
        for owner, promotion, per, period, of, start, used in _rows(told)
    )


def _coupons(told: str | None) -> tuple[Coupon, ...]:
    return tuple(
        Coupon(
            code,
            series,
            member,
            "blocked" if state == "active" and lot == "blocked" else state,
            left,
            None if starts is None else from_micros(starts),
            None if ends is None else from_micros(ends),
        )
        for code, series, member, state, lot, left, starts, ends in _rows(told)
    )


def _certificates(told: str | None) -> tuple[Certificate, ...]:
    return tuple(
        Certificate(
            code,
            state_of(bool(blocked), activated is not None, loaded),
            left,
            member,
            None if ends is None else from_micros(ends),
            *goods_of(json.loads(goods) if isinstance(goods, str) else goods),
        )
        for code, blocked, activated, loaded, left, member, ends, goods in _rows(told)
    )
