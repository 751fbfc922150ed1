"""Confirmations: that a code was sent, for what, and how often it was tried.  No code is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, update

from loyalty_core.store.ids import first_id_at
from loyalty_core.store.tables import confirmations


@dataclass(frozen=True, slots=True)
class Confirmation:
    id: int
    programme_id: int
    shop_id: int
    member_id: int | None
    purpose: str
    cart: str | None
    channel: str
    address_hash: str
    attempts: int
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def _rows() -> Select[Any]:
    return select(*[confirmations.c[name] for name in Confirmation.__dataclass_fields__])


def add(connection: Connection, row: Confirmation) -> None:
    values = {name: getattr(row, name) for name in Confirmation.__dataclass_fields__}
    connection.execute(confirmations.insert().values(**values))


def lock(connection: Connection, number: int) -> Confirmation | None:
    """Held until the transaction ends, so that two attempts are two."""
    found = connection.execute(_rows().where(confirmations.c.id == number).with_for_update())
    row = found.first()
    return None if row is None else Confirmation(*row)


def newest(
    connection: Connection, *, shop_id: int, member_id: int | None, purpose: str, cart: str | None
) -> int | None:
    """The confirmation that counts: an older one for the same is over."""
    query = select(func.max(confirmations.c.id)).where(
        confirmations.c.shop_id == shop_id,
        confirmations.c.member_id == member_id,
        confirmations.c.purpose == purpose,
        confirmations.c.cart == cart,
    )
    number: int | None = connection.scalar(query)
    return number


def note_attempt(connection: Connection, number: int) -> None:
    connection.execute(
        update(confirmations)
        .where(confirmations.c.id == number)
        .values(attempts=confirmations.c.attempts + 1)
    )


def use(connection: Connection, number: int, *, now: datetime) -> None:
    connection.execute(
        update(confirmations).where(confirmations.c.id == number).values(used_at=now)
    )


def asked_since(
    connection: Connection, column: str, value: int | str, since: datetime, limit: int
) -> list[datetime]:
    """When codes were last asked for by this member, shop or address; the newest first."""
    query = (
        select(confirmations.c.created_at)
        .where(
            confirmations.c[column] == value,
            confirmations.c.id >= first_id_at(since),
            # Ids never go back, also where the clock did.
            confirmations.c.created_at >= since,
        )
        .order_by(confirmations.c.id.desc())
        .limit(limit)
    )
    return list(connection.scalars(query))


def of_members(connection: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What an export tells of them, the oldest first."""
    kept = ("purpose", "channel", "created_at", "used_at")
    query = select(*[confirmations.c[name] for name in kept]).where(
        confirmations.c.member_id.in_(ids)
    )
    rows = connection.execute(query.order_by(confirmations.c.id)).mappings()
    return [dict(row) for row in rows]


def move_member(connection: Connection, leaving: int, survivor: int) -> None:
    connection.execute(
        update(confirmations).where(confirmations.c.member_id == leaving).values(member_id=survivor)
    )


def forget_members(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(delete(confirmations).where(confirmations.c.member_id.in_(ids)))


def forget_old(connection: Connection, *, made_before: datetime, limit: int) -> int:
    """Delete what no counter looks at any more; how many."""
    old = (
        select(confirmations.c.id)
        .where(confirmations.c.created_at < made_before)
        .order_by(confirmations.c.id)
        .limit(limit)
    )
    gone = connection.execute(
        delete(confirmations).where(confirmations.c.id.in_(old.scalar_subquery()))
    )
    return gone.rowcount
