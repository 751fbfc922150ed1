"""What of the lists for a person somebody has looked at, and what they wrote beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import looked_at, purchases, refunds

PURCHASE = "purchase"
REFUND = "refund"
CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Looked:
    """`kind` with its number; of a conflict the two members, the smaller first."""

    programme_id: int
    kind: str
    number: int
    other: int
    note: str
    author: str
    at: datetime


Key = tuple[str, int, int]
_OWN = looked_at.c


def look(connection: Connection, one: Looked) -> None:
    """Who looks again says it anew."""
    values = {name: getattr(one, name) for name in Looked.__slots__}
    statement = insert_or(connection, looked_at).values(**values)
    changed = {name: values[name] for name in ("note", "author", "at")}
    key = ("programme_id", "kind", "number", "other")
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def look_away(connection: Connection, programme_id: int, key: Key) -> bool:
    """Put it back on the list; whether it was off it."""
    kind, number, other = key
    mine = (_OWN.programme_id == programme_id, _OWN.kind == kind)
    gone = delete(looked_at).where(*mine, _OWN.number == number, _OWN.other == other)
    return connection.execute(gone).rowcount > 0


def looked_of(
    connection: Connection, programme_id: int, keys: Collection[Key]
) -> dict[Key, Looked]:
    """Those of these that were looked at."""
    if not keys:
        return {}
    numbers = {number for _, number, _ in keys}
    query = select(*(_OWN[name] for name in Looked.__slots__)).where(
        _OWN.programme_id == programme_id, _OWN.number.in_(numbers)
    )
    found = [Looked(*row) for row in connection.execute(query)]
    told = {(one.kind, one.number, one.other): one for one in found}
    return {key: told[key] for key in keys if key in told}


def was_looked_at(
    programme_id: int,
    kind: str,
    number: ColumnElement[int],
    other: ColumnElement[int] | None = None,
) -> ColumnElement[bool]:
    """The condition on a row of a list."""
    mine = (_OWN.programme_id == programme_id, _OWN.kind == kind, _OWN.number == number)
    return exists().where(*mine, _OWN.other == (0 if other is None else other))


def forget_people(connection: Connection, programme_id: int, ids: Collection[int]) -> None:
    """What was written beside receipts of these members, or beside the members, goes."""
    bought = select(purchases.c.id).where(purchases.c.member_id.in_(ids))
    returned = select(refunds.c.id).where(refunds.c.purchase_id.in_(bought))
    connection.execute(
        update(looked_at)
        .where(
            _OWN.programme_id == programme_id,
            or_(
                and_(_OWN.kind == PURCHASE, _OWN.number.in_(bought)),
                and_(_OWN.kind == REFUND, _OWN.number.in_(returned)),
                and_(_OWN.kind == CONFLICT, or_(_OWN.number.in_(ids), _OWN.other.in_(ids))),
            ),
        )
        .values(note="")
    )
