"""The one statement by which a quote is told of its buyer, written for what is asked.

A row an account, at least one in all; what there may be many of comes as JSON in a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    String,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.accounts import due_sums, held_sum
from loyalty_core.store.database import PARAMETER, Statement, compile_once
from loyalty_core.store.promotion_uses import UseKey
from loyalty_core.store.sets import among, list_for, rows_as_json
from loyalty_core.store.tables import (
    accounts,
    certificate_lots,
    certificate_moves,
    certificates,
    coupon_lots,
    coupon_uses,
    coupons,
    hold_claims,
    holds,
    identities,
    member_goods,
    members,
    memberships,
    programmes,
    promotion_use_parts,
    promotion_uses,
    purchases,
    shops,
)
from loyalty_core.store.tiers import tier_as_of
from loyalty_core.store.types import to_micros
from loyalty_core.store.unproved import unproved_account
from loyalty_kit.frozen import frozen


@frozen
class Asked:
    """Who and what a checkout asks about.  `hold` is (member, number); `person`: also what
    conditions may ask of the member."""

    programme_id: int
    shop: str
    member_id: int | None
    names: Sequence[IdentityKey]
    cart: str | None
    order: str | None
    hold: tuple[int, int] | None
    person: bool
    limited: Sequence[str] = ()
    """Promotions of whose limits it is to be told what has been used."""
    coupons: Sequence[str] = ()
    """Codes in normal form."""
    bought_since: datetime | None = None
    """From when on it is to be told what the member bought; None: not at all."""
    lists: Sequence[str] = ()
    """Lists of which it is to be told what the member has in them."""
    clubs: bool = False
    """Also which clubs the member is in."""
    certificates: Sequence[str] = ()
    """Codes in normal form."""


class Shape(NamedTuple):
    """Which of the things asked about are asked about: what the statement's text depends on.

    `account` is the place, among the names, of an account in another system.
    """

    by_id: bool
    names: int
    account: int | None
    cart: bool
    order: bool
    hold: bool
    person: bool
    limited: bool
    coupons: bool
    bought: bool
    lists: bool
    clubs: bool
    certificates: bool


class Row(NamedTuple):
    """The columns of the statement, in their order: one row an account, at least one in all."""

    currency: str
    timezone: str
    rules_version: int
    shop_id: int | None
    shop_timezone: str | None
    member_id: int | None
    first_name: str | None
    middle_name: str | None
    last_name: str | None
    tier: str | None
    spent_minor: int | None
    unproved: bool
    points: str | None
    available: int
    pending: int
    held: int
    debt: int
    matured: int
    lapsed: int
    lapsed_pending: int
    ended: int
    own_hold: int
    uses: str | None
    coupons: str | None
    bought: str | None
    goods: str | None
    clubs: str | None
    certificates: str | None


PERSON = (
    "created_at",
    "gender",
    "city",
    "birth_date",
    "attributes",
    "purchase_count",
    "spent_minor",
    "last_purchase_at",
    "reward",
)
"""Columns that follow those of `Row` where they are asked for."""


def shape_of(asked: Asked) -> Shape:
    """Which statement it takes to answer this."""
    kinds = [name.kind for name in asked.names]
    return Shape(
        asked.member_id is not None,
        len(kinds),
        kinds.index("external") if "external" in kinds else None,
        asked.cart is not None,
        asked.order is not None,
        asked.hold is not None,
        asked.person,
        bool(asked.limited),
        bool(asked.coupons),
        asked.bought_since is not None,
        bool(asked.lists),
        asked.clubs,
        bool(asked.certificates),
    )


def values_of(asked: Asked, now: datetime, dialect: Dialect) -> dict[str, Any]:
    """What the statement of one is given."""
    values = {
        "now": to_micros(now),
        "programme": asked.programme_id,
        "shop": asked.shop,
        "member": asked.member_id,
        "cart": asked.cart,
        "order": asked.order,
        "hold": None if asked.hold is None else asked.hold[1],
    }
    if asked.limited:
        column = promotion_uses.c.promotion
        values["limited"] = list_for(dialect, column, asked.limited)
    if asked.coupons:
        values["coupons"] = list_for(dialect, coupons.c.code, asked.coupons)
    if asked.certificates:
        values["certificates"] = list_for(dialect, certificates.c.code, asked.certificates)
    if asked.bought_since is not None:
        values["bought_since"] = to_micros(asked.bought_since)
    if asked.lists:
        values["lists"] = list_for(dialect, member_goods.c.list, asked.lists)
    for place, name in enumerate(asked.names):
        values[f"kind_of_{place}"] = name.kind
        values[f"system_of_{place}"] = name.system
        values[f"value_of_{place}"] = name.value
    return values


@lru_cache(maxsize=1000)
def statement_of(dialect: Dialect, shape: Shape) -> Statement:
    """Written once for each shape: to make it anew costs more than to run it."""
    now = bindparam("now", type_=BigInteger)
    programme = bindparam("programme", type_=BigInteger)
    who = (
        select(func.coalesce(members.c.merged_into, members.c.id).label("member_id"))
        .where(members.c.id == _named_member(shape, programme))
        .cte("who")
    )
    buyer = members.alias("buyer")
    live: list[ColumnElement[str]] = [
        literal_column(f"'{state}'") for state in ("active", "unconfirmed")
    ]
    query = (
        select(
            programmes.c.currency,
            programmes.c.timezone,
            programmes.c.rules_version,
            shops.c.id.label("shop_id"),
            shops.c.timezone.label("shop_timezone"),
            buyer.c.id.label("member_id"),
            buyer.c.first_name,
            buyer.c.middle_name,
            buyer.c.last_name,
            tier_as_of(buyer, now),
            buyer.c.spent_minor,
            _unproved(buyer.c.id, shape).label("unproved"),
            accounts.c.currency.label("points"),
            accounts.c.available,
            accounts.c.pending,
            accounts.c.held,
            accounts.c.debt,
            *due_sums(now),
            _own_hold(shape, programme, now).label("own_hold"),
            _used(shape, programme, shops.c.id, buyer.c.id, now).label("uses"),
            _asked_coupons(shape, programme).label("coupons"),
            _bought(shape, buyer.c.id, now).label("bought"),
            _own_goods(shape, buyer.c.id, now).label("goods"),
            _own_clubs(shape, buyer.c.id, now).label("clubs"),
            _asked_certificates(shape, programme).label("certificates"),
            *(buyer.c[name] for name in (PERSON if shape.person else ())),
        )
        .select_from(
            programmes.outerjoin(
                shops, and_(shops.c.programme_id == programmes.c.id, shops.c.code == _asked("shop"))
            )
            .outerjoin(who, true())
            .outerjoin(
                buyer,
                and_(
                    buyer.c.id == who.c.member_id,
                    buyer.c.programme_id == programmes.c.id,
                    buyer.c.state.in_(live),
                ),
            )
            .outerjoin(accounts, accounts.c.member_id == buyer.c.id)
        )
        .where(programmes.c.id == programme)
        .order_by(accounts.c.currency)
    )
    return compile_once(query, dialect)


_LIST = "each_"
"""Before the name of a parameter: its values for each of several."""
_NUMBERS = frozenset({"programme", "member", "hold", "bought_since"})


def _like(name: str) -> Column[Any]:
    """A column of the kind of a parameter; lists are texts, in the words of the server."""
    return programmes.c.id if name in _NUMBERS else shops.c.code


@lru_cache(maxsize=1000)
def statement_of_each(dialect: Dialect, shape: Shape) -> tuple[Statement, tuple[str, ...]]:
    """That of one, run for each row of what several ask; and the names of the rows' columns.

    `OFFSET 0` keeps the planner from joining everybody's rows before it looks anybody up.
    """
    one = statement_of(dialect, shape)
    shared = {*one.fixed, "now"}
    names = tuple(dict.fromkeys(n for n in PARAMETER.findall(one.sql) if n not in shared))

    def own(found: re.Match[str]) -> str:
        return found[0] if found[1] in shared else f'asked."{found[1]}"'

    arrays = ", ".join(
        f"CAST(%({_LIST}{name})s AS {'BIGINT' if name in _NUMBERS else 'TEXT'}[])" for name in names
    )
    columns = ", ".join(f'"{name}"' for name in names)
    sql = f"""
        SELECT asked.place, facts.*
        FROM unnest({arrays}) WITH ORDINALITY AS asked ({columns}, place)
        CROSS JOIN LATERAL ({PARAMETER.sub(own, one.sql)} OFFSET 0) AS facts
        ORDER BY asked.place, facts.points
    """  # noqa: S608  # nosec B608 - names of ours
    return Statement(sql, one.fixed), names


def values_of_each(
    some: Sequence[Asked], names: Sequence[str], now: datetime, dialect: Dialect
) -> dict[str, Any]:
    """What `statement_of_each` is given, whose names these are."""
    given = [values_of(asked, now, dialect) for asked in some]
    lists = {
        _LIST + name: list_for(dialect, _like(name), [values[name] for values in given])
        for name in names
    }
    return {**lists, "now": given[0]["now"]}


def _asked(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=String)


def _named_member(shape: Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
    """The first name that is known wins (`ledger.md` 27); the hub's own id before all."""
    by_names = _member_of_names(shape, programme)
    if not shape.by_id:
        return by_names
    by_id = select(members.c.id).where(
        members.c.programme_id == programme,
        members.c.id == bindparam("member", type_=BigInteger),
    )
    return func.coalesce(by_id.scalar_subquery(), by_names)


def _member_of_names(shape: Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
    if not shape.names:
        return cast(null(), BigInteger)
    named = [
        and_(
            identities.c.kind == _asked(f"kind_of_{place}"),
            identities.c.system == _asked(f"system_of_{place}"),
            identities.c.value == _asked(f"value_of_{place}"),
        )
        for place in range(shape.names)
    ]
    found = select(identities.c.member_id).where(
        identities.c.programme_id == programme, or_(*named)
    )
    if shape.names > 1:
        found = found.order_by(case(*((one, place) for place, one in enumerate(named)))).limit(1)
    return found.scalar_subquery()


def _unproved(member: ColumnElement[Any], shape: Shape) -> ColumnElement[bool]:
    if shape.account is None:
        return false()
    return unproved_account(
        member, _asked(f"system_of_{shape.account}"), _asked(f"value_of_{shape.account}")
    )


_DAY = 86_400_000_000
_LONGEST = {"day": 25 * _DAY // 24, "week": 8 * _DAY, "month": 32 * _DAY, "year": 367 * _DAY}
"""Microseconds ago within which the period of now began, in whatever zone."""


def _used(
    shape: Shape,
    programme: ColumnElement[Any],
    shop: ColumnElement[Any],
    member: ColumnElement[Any],
    now: ColumnElement[Any],
) -> ColumnElement[Any]:
    """Counters of some promotions as JSON; the zone of their periods is told by the statement."""
    if not shape.limited:
        return null()
    own, part = promotion_uses, promotion_use_parts
    key = [own.c[name] for name in UseKey._fields[1:]]
    used: ColumnElement[Any] = own.c.used
    holds_own = _is_own_hold(shape, programme, part.c.ref)
    if holds_own is not None:
        mine = select(func.sum(part.c.amount)).where(
            part.c.kind == literal_column("'hold'"),
            holds_own,
            *(part.c[column.name] == column for column in own.primary_key),
        )
        taken = mine.correlate(own, shops).scalar_subquery()
        used = used - cast(func.coalesce(taken, literal_column("0")), BigInteger)
    longest = [(own.c.period == literal_column(f"'{name}'"), ago) for name, ago in _LONGEST.items()]
    starts = type_coerce(own.c.starts_at, BigInteger)
    return (
        select(rows_as_json(*key, used))
        .where(
            own.c.programme_id == programme,
            own.c.owner.in_([literal_column("0"), shop, member]),
            among(own.c.promotion, "limited"),
            starts <= now,
            or_(
                own.c.period == literal_column("'ever'"),
                starts > now - case(*longest, else_=literal_column("0")),
            ),
        )
        .correlate(shops, member.table)
        .scalar_subquery()
    )


def _asked_coupons(shape: Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
    """Coupons by their codes, as JSON."""
    if not shape.coupons:
        return null()
    own, use = coupons, coupon_uses
    left: ColumnElement[Any] = own.c.most - own.c.uses - own.c.over
    holds_own = _is_own_hold(shape, programme, use.c.ref)
    if holds_own is not None:
        mine = select(func.count()).where(
            use.c.kind == literal_column("'hold'"),
            use.c.programme_id == own.c.programme_id,
            use.c.code == own.c.code,
            holds_own,
        )
        left = left + mine.correlate(own).scalar_subquery()
    times = [type_coerce(one, BigInteger) for one in (own.c.starts_at, own.c.ends_at)]
    return (
        select(
            rows_as_json(
                own.c.code,
                own.c.series,
                own.c.member_id,
                own.c.state,
                coupon_lots.c.state,
                left,
                *times,
            )
        )
        .select_from(own.outerjoin(coupon_lots, coupon_lots.c.id == own.c.lot_id))
        .where(own.c.programme_id == programme, among(own.c.code, "coupons"))
        .scalar_subquery()
    )


def _asked_certificates(shape: Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
    """Certificates by their codes, as JSON."""
    if not shape.certificates:
        return null()
    own, move, lot = certificates, certificate_moves, certificate_lots
    left: ColumnElement[Any] = own.c.balance_minor - own.c.reserved_minor
    holds_own = _is_own_hold(shape, programme, move.c.hold_id)
    if holds_own is not None:
        mine = select(func.sum(move.c.d_reserved_minor)).where(
            move.c.certificate_id == own.c.id, holds_own
        )
        taken = mine.correlate(own).scalar_subquery()
        left = left + cast(func.coalesce(taken, literal_column("0")), BigInteger)
    return (
        select(
            rows_as_json(
                own.c.code,
                own.c.blocked,
                type_coerce(own.c.activated_at, BigInteger),
                own.c.loaded_minor,
                left,
                own.c.member_id,
                type_coerce(own.c.expires_at, BigInteger),
                lot.c.goods,
            )
        )
        .select_from(own.join(lot, lot.c.id == own.c.lot_id))
        .where(own.c.programme_id == programme, among(own.c.code, "certificates"))
        .scalar_subquery()
    )


def _bought(
    shape: Shape, member: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[Any]:
    """What counts for tiers of the member's purchases, those merged into it too, as JSON."""
    if not shape.bought:
        return null()
    own, known = purchases, members.alias("known")
    named = select(known.c.id).where(or_(known.c.id == member, known.c.merged_into == member))
    at = type_coerce(own.c.occurred_at, BigInteger)
    return (
        select(rows_as_json(at, own.c.qualifying_minor))
        .where(
            own.c.member_id.in_(named.correlate(member.table)),
            own.c.qualifying_minor > literal_column("0"),
            at >= bindparam("bought_since", type_=BigInteger),
            at <= now,
        )
        .correlate(member.table)
        .scalar_subquery()
    )


def _own_goods(
    shape: Shape, member: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[Any]:
    """What the member has in some lists, as JSON."""
    if not shape.lists:
        return null()
    own = member_goods.c
    return (
        select(rows_as_json(own.list, own.kind, own.key, own.name, own.until))
        .where(
            own.member_id == member,
            among(own.list, "lists"),
            or_(own.until.is_(None), type_coerce(own.until, BigInteger) > now),
        )
        .correlate(member.table)
        .scalar_subquery()
    )


def _own_clubs(
    shape: Shape, member: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The clubs that the member is in, as JSON."""
    if not shape.clubs:
        return null()
    own = memberships.c
    return (
        select(rows_as_json(own.club))
        .where(
            own.member_id == member,
            type_coerce(own.starts_at, BigInteger) <= now,
            or_(own.until.is_(None), type_coerce(own.until, BigInteger) > now),
        )
        .correlate(member.table)
        .scalar_subquery()
    )


def _own_hold(
    shape: Shape, programme: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[int]:
    """The hold of this very cart or order counts as available (`ledger.md` 8)."""
    own = _is_own_hold(shape, programme, holds.c.id)
    return literal_column("0") if own is None else held_sum(and_(holds.c.expires_at > now, own))


def _is_own_hold(
    shape: Shape, programme: ColumnElement[Any], number: ColumnElement[Any]
) -> ColumnElement[bool] | None:
    """Whether it is the number of this cart's or order's hold; None: none is asked about."""
    claimed = [
        and_(hold_claims.c.kind == kind, hold_claims.c.ref == _asked(kind))
        for kind, given in (("cart", shape.cart), ("order", shape.order))
        if given
    ]
    conditions: list[ColumnElement[bool]] = []
    if shape.hold:
        conditions.append(number == bindparam("hold", type_=BigInteger))
    if claimed:
        own = (
            select(hold_claims.c.hold_id)
            .join(shops, shops.c.id == hold_claims.c.shop_id)
            .where(
                hold_claims.c.programme_id == programme,
                shops.c.code == _asked("shop"),
                or_(*claimed),
            )
        )
        conditions.append(number.in_(own))
    return or_(*conditions) if conditions else None
