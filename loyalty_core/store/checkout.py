"""All that a quote must know of the buyer, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
)

from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.accounts import balance_of, due_sums, held_sum
from loyalty_core.store.database import Statement, compile_once, fetch
from loyalty_core.store.tables import (
    accounts,
    hold_claims,
    holds,
    identities,
    members,
    programmes,
    shops,
)
from loyalty_core.store.types import to_micros
from loyalty_kit.checkout import Balance

_CONNECTED = "installation:"
"""Begins the system of accounts that a connector told of (`service.source.Source.name`)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who and what a checkout asks about.  `hold` is (member, number)."""

    programme_id: int
    shop: str
    member_id: int | None
    names: Sequence[IdentityKey]
    cart: str | None
    order: str | None
    hold: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Account:
    """Figures as they are at the time asked about, whatever the jobs have not yet booked."""

    balance: Balance
    own_hold: int


@dataclass(frozen=True, slots=True)
class Facts:
    """`shop_id` None: no such shop.  `member_id` None: nobody is known by these names.

    `unproved`: the member is known by a shop's account, into which somebody typed the phone.
    """

    currency: str
    timezone: str
    rules_version: int
    shop_id: int | None
    member_id: int | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    tier: str | None = None
    spent_minor: int = 0
    unproved: bool = False
    accounts: tuple[Account, ...] = ()


class _Shape(NamedTuple):
    """Which of the things asked about are asked about: what the statement's text depends on.

    `account` is the place, among the names, of an account in another system.
    """

    by_id: bool
    names: int
    account: int | None
    cart: bool
    order: bool
    hold: bool


class _Row(NamedTuple):
    """The columns of the statement, in their order: one row an account, at least one in all."""

    currency: str
    timezone: str
    rules_version: int
    shop_id: int | None
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


def checkout_facts(connection: Connection, asked: Asked, now: datetime) -> Facts | None:
    """One statement, no lock, no write; None where the programme does not exist."""
    statement = _statement(connection.dialect, _shape(asked))
    rows = [_Row._make(row) for row in fetch(connection, statement, _values(asked, now))]
    if not rows:
        return None
    first = rows[0]
    return Facts(
        first.currency,
        first.timezone,
        first.rules_version,
        first.shop_id,
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
    )


def _shape(asked: Asked) -> _Shape:
    kinds = [name.kind for name in asked.names]
    return _Shape(
        asked.member_id is not None,
        len(kinds),
        kinds.index("external") if "external" in kinds else None,
        asked.cart is not None,
        asked.order is not None,
        asked.hold is not None,
    )


def _values(asked: Asked, now: datetime) -> dict[str, Any]:
    values = {
        "now": to_micros(now),
        "programme": asked.programme_id,
        "shop": asked.shop,
        "member": asked.member_id,
        "cart": asked.cart,
        "order": asked.order,
        "hold": None if asked.hold is None else asked.hold[1],
    }
    for place, name in enumerate(asked.names):
        values[f"kind_of_{place}"] = name.kind
        values[f"system_of_{place}"] = name.system
        values[f"value_of_{place}"] = name.value
    return values


@lru_cache(maxsize=1000)
def _statement(dialect: Dialect, shape: _Shape) -> Statement:
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
            buyer.c.id.label("member_id"),
            buyer.c.first_name,
            buyer.c.middle_name,
            buyer.c.last_name,
            buyer.c.tier,
            buyer.c.spent_minor,
            _unproved(buyer.c.id, shape).label("unproved"),
            accounts.c.currency.label("points"),
            accounts.c.available,
            accounts.c.pending,
            accounts.c.held,
            accounts.c.debt,
            *due_sums(now),
            _own_hold(shape, programme, now).label("own_hold"),
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


def _asked(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=String)


def _named_member(shape: _Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
    """The first name that is known wins (`ledger.md` 27); the hub's own id before all."""
    by_names = _member_of_names(shape, programme)
    if not shape.by_id:
        return by_names
    by_id = select(members.c.id).where(
        members.c.programme_id == programme,
        members.c.id == bindparam("member", type_=BigInteger),
    )
    return func.coalesce(by_id.scalar_subquery(), by_names)


def _member_of_names(shape: _Shape, programme: ColumnElement[Any]) -> ColumnElement[Any]:
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


def _unproved(member: ColumnElement[Any], shape: _Shape) -> ColumnElement[bool]:
    if shape.account is None:
        return false()
    return unproved_account(
        member, _asked(f"system_of_{shape.account}"), _asked(f"value_of_{shape.account}")
    )


def unproved_account(
    member: ColumnElement[Any], system: ColumnElement[Any], number: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a member is named by an account of a shop whose phone nobody has proved.

    A connector only saw the phone typed in: whoever is logged in there may have typed a
    stranger's, and what the stranger earns at tills is not theirs to spend (`ledger.md` 28).
    """
    mine = identities.alias("account")
    phone = identities.alias("phone")
    return and_(
        exists().where(
            mine.c.member_id == member,
            mine.c.kind == "external",
            mine.c.system == system,
            mine.c.value == number,
            mine.c.system.startswith(_CONNECTED),
        ),
        exists().where(phone.c.member_id == member, phone.c.kind == "phone", ~phone.c.verified),
    )


def is_unproved(connection: Connection, member_id: int, names: Sequence[IdentityKey]) -> bool:
    """Whether one of these names is such an account of the member."""
    account = next((name for name in names if name.kind == "external"), None)
    if account is None:
        return False
    system, number = literal(account.system), literal(account.value)
    return bool(connection.scalar(select(unproved_account(literal(member_id), system, number))))


def _own_hold(
    shape: _Shape, programme: ColumnElement[Any], now: ColumnElement[Any]
) -> ColumnElement[int]:
    """The hold of this very cart or order counts as available (`ledger.md` 8)."""
    claimed = [
        and_(hold_claims.c.kind == kind, hold_claims.c.ref == _asked(kind))
        for kind, given in (("cart", shape.cart), ("order", shape.order))
        if given
    ]
    conditions: list[ColumnElement[bool]] = []
    if shape.hold:
        conditions.append(holds.c.id == bindparam("hold", type_=BigInteger))
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
        conditions.append(holds.c.id.in_(own))
    if not conditions:
        return literal_column("0")
    return held_sum(and_(holds.c.expires_at > now, or_(*conditions)))
