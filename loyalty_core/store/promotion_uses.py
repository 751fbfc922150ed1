"""Counters of limits, and the parts of holds and purchases in them.

A counter is the sum of its parts; both are written in one transaction, the counter locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)

from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import holds
from loyalty_core.store.tables import promotion_use_parts as parts
from loyalty_core.store.tables import promotion_uses as uses
from loyalty_core.store.types import to_micros

Ref = tuple[str, int]
""""hold" or "purchase", and its id."""


class UseKey(NamedTuple):
    """One counter.  `owner`: 0, or the id of the shop or member that it counts for."""

    programme_id: int
    owner: int
    promotion: str
    per: str
    period: str
    of: str
    starts_at: datetime


_KEY = UseKey._fields
_LISTED = ("programme_id", "owner", "promotion", "starts_at")
_LOCKED = (
    select(*(uses.c[name] for name in _KEY), uses.c.used)
    .where(*(among(uses.c[name], name) for name in _LISTED))
    .order_by(*(uses.c[name] for name in _KEY))
    .with_for_update()
)
_READ = select(*(uses.c[name] for name in _KEY), uses.c.used).where(
    *(among(uses.c[name], name) for name in _LISTED)
)
_PARTS_OF = select(parts).where(parts.c.kind == bindparam("kind"), among(parts.c.ref, "refs"))
_DELETE_PARTS = delete(parts).where(parts.c.kind == bindparam("kind"), among(parts.c.ref, "refs"))


def lock_uses(connection: Connection, keys: Collection[UseKey]) -> dict[UseKey, int]:
    """What these counters stand at, held until the transaction ends; new ones begin at 0."""
    if not keys:
        return {}
    insert_many(connection, uses, _KEY, sorted(keys), unless=_KEY)
    values: dict[str, Any] = {name: {getattr(key, name) for key in keys} for name in _LISTED}
    values["starts_at"] = {to_micros(at) for at in values["starts_at"]}
    found = connection.execute(_LOCKED, values)
    standing = {UseKey(*row[:-1]): row[-1] for row in found}
    return {key: standing[key] for key in keys}


def read_uses(connection: Connection, keys: Collection[UseKey]) -> dict[UseKey, int]:
    """What these counters stand at, read without a lock; those that never counted are left out."""
    if not keys:
        return {}
    values: dict[str, Any] = {name: {getattr(key, name) for key in keys} for name in _LISTED}
    values["starts_at"] = {to_micros(at) for at in values["starts_at"]}
    found = {UseKey(*row[:-1]): row[-1] for row in connection.execute(_READ, values)}
    wanted = set(keys)
    return {key: used for key, used in found.items() if key in wanted}


def parts_of(connection: Connection, refs: Iterable[Ref]) -> dict[Ref, dict[UseKey, int]]:
    """What each of these has consumed, where it has."""
    found: dict[Ref, dict[UseKey, int]] = defaultdict(dict)
    for kind, ids in _by_kind(refs).items():
        for row in connection.execute(_PARTS_OF, {"kind": kind, "refs": ids}).mappings():
            key = UseKey(*(row[name] for name in _KEY))
            found[(kind, row["ref"])][key] = row["amount"]
    return dict(found)


def write_uses(
    connection: Connection,
    counters: Mapping[UseKey, int],
    consumed: Mapping[Ref, Mapping[UseKey, int]],
) -> None:
    """Set these counters (they are locked), and all the parts of these holds and purchases."""
    rows = [(*key, used) for key, used in sorted(counters.items())]
    update_many(connection, uses, _KEY, ("used",), rows)
    for kind, ids in _by_kind(consumed).items():
        connection.execute(_DELETE_PARTS, {"kind": kind, "refs": ids})
    fresh = [(*ref, *key, amount) for ref, own in consumed.items() for key, amount in own.items()]
    insert_many(connection, parts, ("kind", "ref", *_KEY, "amount"), fresh)


def move_member(connection: Connection, programme_id: int, old: int, new: int) -> None:
    """What one member has consumed is another's: they turned out to be one."""
    theirs = and_(uses.c.programme_id == programme_id, uses.c.per == "member", uses.c.owner == old)
    found = connection.execute(select(*(uses.c[name] for name in _KEY)).where(theirs)).all()
    before = [UseKey(*row) for row in found]
    if not before:
        return
    after = [key._replace(owner=new) for key in before]
    standing = lock_uses(connection, [*before, *after])
    moved = dict.fromkeys(before, 0)
    moved |= {
        own: standing[own] + standing[other] for own, other in zip(after, before, strict=True)
    }
    write_uses(connection, moved, {})
    connection.execute(
        update(parts)
        .where(parts.c.programme_id == programme_id, parts.c.per == "member", parts.c.owner == old)
        .values(owner=new)
    )


def _by_kind(refs: Iterable[Ref]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for kind, number in refs:
        found[kind].add(number)
    return found


# --- proof ----------------------------------------------------------------------------------


def rebuild(connection: Connection, programme_id: int | None) -> int:
    """Make counters the sums of their parts again; how many were not."""
    locked = lock_uses(connection, [key for key, _, _ in differing(connection, programme_id)])
    if not locked:
        return 0
    # Summed anew now that nobody else counts in them.
    found = {key: n for key, _, n in differing(connection, programme_id) if key in locked}
    write_uses(connection, found, {})
    return len(found)


def kept_for_ended(connection: Connection, programme_id: int | None) -> list[int]:
    """Holds that have ended and still keep a part of a limit."""
    query = (
        select(parts.c.ref)
        .join(holds, and_(holds.c.id == parts.c.ref, parts.c.kind == "hold"))
        .where(holds.c.state != "live")
        .distinct()
    )
    if programme_id is not None:
        query = query.where(parts.c.programme_id == programme_id)
    return sorted(connection.scalars(query))


def differing(connection: Connection, programme_id: int | None) -> list[tuple[UseKey, int, int]]:
    """Counters that are not the sum of their parts: what they say, and the sum."""
    own = [] if programme_id is None else [parts.c.programme_id == programme_id]
    names = [parts.c[name] for name in _KEY]
    sums = (
        select(*names, func.sum(parts.c.amount).label("consumed"))
        .where(*own)
        .group_by(*names)
        .subquery()
    )
    same = and_(*(uses.c[name] == sums.c[name] for name in _KEY))
    consumed = func.coalesce(sums.c.consumed, 0)
    counted: Select[Any] = (
        select(*(uses.c[name] for name in _KEY), uses.c.used, consumed)
        .select_from(uses.outerjoin(sums, same))
        .where(uses.c.used != consumed)
    )
    if programme_id is not None:
        counted = counted.where(uses.c.programme_id == programme_id)
    missing = (
        select(*(sums.c[name] for name in _KEY), sums.c.consumed)
        .select_from(sums.outerjoin(uses, same))
        .where(uses.c.used.is_(None))
    )
    found = [(UseKey(*row[:-2]), int(row[-2]), int(row[-1])) for row in connection.execute(counted)]
    found += [(UseKey(*row[:-1]), 0, int(row[-1])) for row in connection.execute(missing)]
    return sorted(found)
