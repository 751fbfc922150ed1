"""All that a quote must know of the buyer, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
)

from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.accounts import balance_of, due_sums, held_sum
from loyalty_core.store.tables import (
    accounts,
    hold_claims,
    holds,
    identities,
    members,
    programmes,
    shops,
)
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
    unproved: bool = False
    accounts: tuple[Account, ...] = ()


def checkout_facts(connection: Connection, asked: Asked, now: datetime) -> Facts | None:
    """One statement, no lock, no write; None where the programme does not exist."""
    rows = connection.execute(_statement(asked, now)).all()
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
        bool(first.unproved),
        tuple(
            Account(balance_of(row, row.points), row.own_hold)
            for row in rows
            if row.points is not None
        ),
    )


def _statement(asked: Asked, now: datetime) -> Any:
    who = (
        select(func.coalesce(members.c.merged_into, members.c.id).label("member_id"))
        .where(members.c.id == _named_member(asked))
        .cte("who")
    )
    buyer = members.alias("buyer")
    return (
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
            unproved_account(buyer.c.id, asked.names).label("unproved"),
            accounts.c.currency.label("points"),
            accounts.c.available,
            accounts.c.pending,
            accounts.c.held,
            accounts.c.debt,
            *due_sums(now),
            held_sum(and_(holds.c.expires_at > now, _own_hold(asked))).label("own_hold"),
        )
        .select_from(
            programmes.outerjoin(
                shops, and_(shops.c.programme_id == programmes.c.id, shops.c.code == asked.shop)
            )
            .outerjoin(who, literal(value=True))
            .outerjoin(
                buyer,
                and_(
                    buyer.c.id == who.c.member_id,
                    buyer.c.programme_id == programmes.c.id,
                    buyer.c.state.in_(("active", "unconfirmed")),
                ),
            )
            .outerjoin(accounts, accounts.c.member_id == buyer.c.id)
        )
        .where(programmes.c.id == asked.programme_id)
        .order_by(accounts.c.currency)
    )


def _named_member(asked: Asked) -> ColumnElement[Any]:
    """The first name that is known wins (`ledger.md` 27); the hub's own id before all."""
    by_names = _member_of_names(asked)
    if asked.member_id is None:
        return by_names
    by_id = select(members.c.id).where(
        members.c.programme_id == asked.programme_id, members.c.id == asked.member_id
    )
    return func.coalesce(by_id.scalar_subquery(), by_names)


def _member_of_names(asked: Asked) -> ColumnElement[Any]:
    if not asked.names:
        return cast(null(), BigInteger)
    named = [
        and_(
            identities.c.kind == name.kind,
            identities.c.system == name.system,
            identities.c.value == name.value,
        )
        for name in asked.names
    ]
    rank = case(*((condition, place) for place, condition in enumerate(named)))
    found: ScalarSelect[Any] = (
        select(identities.c.member_id)
        .where(identities.c.programme_id == asked.programme_id, or_(*named))
        .order_by(rank)
        .limit(1)
        .scalar_subquery()
    )
    return found


def unproved_account(
    member: ColumnElement[Any], names: Sequence[IdentityKey]
) -> ColumnElement[bool]:
    """Whether a member is named by an account of a shop whose phone nobody has proved.

    A connector only saw the phone typed in: whoever is logged in there may have typed a
    stranger's, and what the stranger earns at tills is not theirs to spend (`ledger.md` 28).
    """
    name = next((one for one in names if one.kind == "external"), None)
    if name is None:
        return false()
    mine = identities.alias("account")
    phone = identities.alias("phone")
    return and_(
        exists().where(
            mine.c.member_id == member,
            mine.c.kind == name.kind,
            mine.c.system == name.system,
            mine.c.value == name.value,
            mine.c.system.startswith(_CONNECTED),
        ),
        exists().where(phone.c.member_id == member, phone.c.kind == "phone", ~phone.c.verified),
    )


def is_unproved(connection: Connection, member_id: int, names: Sequence[IdentityKey]) -> bool:
    return bool(connection.scalar(select(unproved_account(literal(member_id), names))))


def _own_hold(asked: Asked) -> ColumnElement[bool]:
    """The hold of this very cart or order counts as available (`ledger.md` 8)."""
    claimed = [
        and_(hold_claims.c.kind == kind, hold_claims.c.ref == ref)
        for kind, ref in (("cart", asked.cart), ("order", asked.order))
        if ref is not None
    ]
    conditions: list[ColumnElement[bool]] = []
    if asked.hold is not None:
        conditions.append(holds.c.id == asked.hold[1])
    if claimed:
        own = (
            select(hold_claims.c.hold_id)
            .join(shops, shops.c.id == hold_claims.c.shop_id)
            .where(
                hold_claims.c.programme_id == asked.programme_id,
                shops.c.code == asked.shop,
                or_(*claimed),
            )
        )
        conditions.append(holds.c.id.in_(own))
    return or_(false(), *conditions)
