"""Coupons with their counters, and which hold or purchase has used which.

A counter (`uses`, and `over` for what was used past the most) is the number of the coupon's
uses; both are written in one transaction, the coupon locked.  In the same transaction the shops
that make coupons of their own of these are asked to be told (`coupon_pushes`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

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

from loyalty_core.store import coupon_pushes
from loyalty_core.store.promotion_uses import Ref
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import coupon_lots, coupon_uses, coupons, holds, purchases

CouponKey = tuple[int, str]
"""Programme, and the normal form of a code."""

ACTIVE = "active"
BLOCKED = "blocked"
WITHDRAWN = "withdrawn"


@dataclass(slots=True)
class KeptCoupon:
    """A coupon as it is kept; `issued_for` names what it was issued for, once and for all."""

    programme_id: int
    code: str
    series: str
    lot_id: int | None
    member_id: int | None
    state: str
    most: int
    uses: int
    over: int
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    issued_for: str | None = None
    lot_state: str | None = None

    @property
    def key(self) -> CouponKey:
        return (self.programme_id, self.code)

    @property
    def total(self) -> int:
        """Times that it was used, those past its most among them."""
        return self.uses + self.over

    @property
    def standing(self) -> str:
        """Its state, or that of its lot, which holds for all of it."""
        return BLOCKED if self.state == ACTIVE and self.lot_state == BLOCKED else self.state


@dataclass(frozen=True, slots=True)
class KeptLot:
    """Coupons that were made or brought in together, by their name."""

    id: int
    programme_id: int
    name: str
    series: str
    size: int
    made: int
    state: str
    member_id: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    author: str
    created_at: datetime


_COLUMNS = tuple(column.name for column in coupons.c)
_LOT_COLUMNS = tuple(one.name for one in fields(KeptLot))
_WITH_LOTS = select(*coupons.c, coupon_lots.c.state.label("lot_state")).select_from(
    coupons.outerjoin(coupon_lots, coupon_lots.c.id == coupons.c.lot_id)
)
_KNOWN = _WITH_LOTS.where(
    among(coupons.c.programme_id, "programmes"), among(coupons.c.code, "codes")
).order_by(coupons.c.programme_id, coupons.c.code)
_LOCKED = _KNOWN.with_for_update(of=coupons)
_OWN = (coupon_uses.c.kind == bindparam("kind"), among(coupon_uses.c.ref, "refs"))
_USES_OF = select(coupon_uses).where(*_OWN)
_DELETE_USES = delete(coupon_uses).where(*_OWN)


# --- counted under lock -----------------------------------------------------------------------


def lock_coupons(
    connection: Connection, keys: Collection[CouponKey]
) -> dict[CouponKey, KeptCoupon]:
    """Those of these that there are, held until the transaction ends."""
    return _known(connection, _LOCKED, keys)


def known_coupons(
    connection: Connection, keys: Collection[CouponKey]
) -> dict[CouponKey, KeptCoupon]:
    return _known(connection, _KNOWN, keys)


def uses_of(connection: Connection, refs: Iterable[Ref]) -> dict[Ref, set[CouponKey]]:
    """The coupons that each of these has used, where it has."""
    found: dict[Ref, set[CouponKey]] = defaultdict(set)
    for kind, ids in _by_kind(refs).items():
        for row in connection.execute(_USES_OF, {"kind": kind, "refs": ids}):
            found[(kind, row.ref)].add((row.programme_id, row.code))
    return dict(found)


def write_uses(
    connection: Connection,
    counters: Iterable[KeptCoupon],
    used: Mapping[Ref, Collection[CouponKey]],
) -> None:
    """Set the counters of these coupons (they are locked), and all uses of these."""
    rows = sorted((*one.key, one.uses, one.over) for one in counters)
    update_many(connection, coupons, ("programme_id", "code"), ("uses", "over"), rows)
    coupon_pushes.ask(connection, [(row[0], row[1]) for row in rows])
    for kind, ids in _by_kind(used).items():
        connection.execute(_DELETE_USES, {"kind": kind, "refs": ids})
    fresh = [(*ref, *key) for ref, keys in used.items() for key in sorted(keys)]
    insert_many(connection, coupon_uses, ("kind", "ref", "programme_id", "code"), fresh)


def set_states(connection: Connection, kept: Iterable[KeptCoupon]) -> None:
    """Write the states of these coupons; they are locked."""
    rows = sorted((*one.key, one.state) for one in kept)
    update_many(connection, coupons, ("programme_id", "code"), ("state",), rows)
    coupon_pushes.ask(connection, [(row[0], row[1]) for row in rows])


# --- made and found ---------------------------------------------------------------------------


def add_coupons(connection: Connection, kept: Sequence[KeptCoupon]) -> int:
    """How many were added: a code that is there already stays as it is."""
    rows = [tuple(getattr(one, name) for name in _COLUMNS) for one in kept]
    added = insert_many(connection, coupons, _COLUMNS, rows, unless=("programme_id", "code"))
    coupon_pushes.ask(connection, [one.key for one in kept])
    return added


def issue_coupons(connection: Connection, kept: Sequence[KeptCoupon]) -> None:
    """Raises: IntegrityError, where a code is there already: draw another."""
    rows = [tuple(getattr(one, name) for name in _COLUMNS) for one in kept]
    insert_many(connection, coupons, _COLUMNS, rows)
    coupon_pushes.ask(connection, [one.key for one in kept])


def issued(connection: Connection, programme_id: int, issued_for: str) -> KeptCoupon | None:
    """The coupon that was issued for this."""
    own = and_(coupons.c.programme_id == programme_id, coupons.c.issued_for == issued_for)
    return next(iter(_read(connection, _WITH_LOTS.where(own))), None)


def of_member(connection: Connection, programme_id: int, member_id: int) -> list[KeptCoupon]:
    """The newest first."""
    own = and_(coupons.c.programme_id == programme_id, coupons.c.member_id == member_id)
    newest = (coupons.c.created_at.desc(), coupons.c.code)
    return _read(connection, _WITH_LOTS.where(own).order_by(*newest))


def pages(
    connection: Connection, programme_id: int, *, lot_id: int | None, size: int
) -> Iterator[list[KeptCoupon]]:
    """All coupons of a lot, or of the programme, by code."""
    own = [coupons.c.programme_id == programme_id]
    if lot_id is not None:
        own = [coupons.c.lot_id == lot_id]
    query = _WITH_LOTS.where(*own).order_by(coupons.c.code).limit(size)
    last = ""
    while page := _read(connection, query.where(coupons.c.code > last)):
        yield page
        last = page[-1].code


def count_coupons(connection: Connection, programme_id: int, lot_id: int | None) -> int:
    own = coupons.c.programme_id == programme_id
    which = own if lot_id is None else coupons.c.lot_id == lot_id
    return connection.scalar(select(func.count()).select_from(coupons).where(which)) or 0


def find_lot(
    connection: Connection, programme_id: int, name: str, *, lock: bool = False
) -> KeptLot | None:
    query = select(coupon_lots).where(
        coupon_lots.c.programme_id == programme_id, coupon_lots.c.name == name
    )
    found = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if found is None else KeptLot(**{name: found[name] for name in _LOT_COLUMNS})


def lot_by_id(connection: Connection, programme_id: int, number: int) -> KeptLot | None:
    own = (coupon_lots.c.programme_id == programme_id, coupon_lots.c.id == number)
    found = connection.execute(select(coupon_lots).where(*own)).mappings().first()
    return None if found is None else KeptLot(**{name: found[name] for name in _LOT_COLUMNS})


def all_lots(connection: Connection, programme_id: int) -> list[KeptLot]:
    own = select(coupon_lots).where(coupon_lots.c.programme_id == programme_id)
    found = connection.execute(own.order_by(coupon_lots.c.id)).mappings()
    return [KeptLot(**{name: row[name] for name in _LOT_COLUMNS}) for row in found]


def add_lot(connection: Connection, lot: KeptLot) -> bool:
    """One of this name stays as it is: then False."""
    row = tuple(getattr(lot, name) for name in _LOT_COLUMNS)
    return (
        insert_many(connection, coupon_lots, _LOT_COLUMNS, [row], unless=("programme_id", "name"))
        > 0
    )


def change_lot(connection: Connection, lot_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(update(coupon_lots).where(coupon_lots.c.id == lot_id).values(**values))
    if "state" in values:
        coupon_pushes.ask_of_lot(connection, lot_id)


def grow_lot(connection: Connection, lot_id: int, by: int) -> None:
    """So many more were brought into it; the caller has locked it."""
    own = coupon_lots.c.id == lot_id
    more = {"size": coupon_lots.c.size + by, "made": coupon_lots.c.made + by}
    connection.execute(update(coupon_lots).where(own).values(**more))


# --- people -----------------------------------------------------------------------------------


def move_member(connection: Connection, programme_id: int, old: int, new: int) -> None:
    """Coupons of one member are another's: they turned out to be one."""
    keys = _lock_of_members(connection, programme_id, [old])
    own = and_(coupons.c.programme_id == programme_id, coupons.c.member_id == old)
    connection.execute(update(coupons).where(own).values(member_id=new))
    coupon_pushes.ask(connection, keys)


def forget_people(connection: Connection, programme_id: int, member_ids: Collection[int]) -> int:
    """Coupons of these members end, with the uses that there are of them; how many.

    Their lots end as well: nothing more is made of one that was cut off.
    """
    mine = coupon_lots.c.member_id.in_(member_ids)
    ended = {"member_id": None, "state": BLOCKED, "size": coupon_lots.c.made}
    connection.execute(update(coupon_lots).where(mine).values(**ended))
    keys = _lock_of_members(connection, programme_id, member_ids)
    if not keys:
        return 0
    coupon_pushes.ask(connection, keys)
    values = {"programmes": {key[0] for key in keys}, "codes": {key[1] for key in keys}}
    for table in (coupon_uses, coupons):
        these = (among(table.c.programme_id, "programmes"), among(table.c.code, "codes"))
        connection.execute(delete(table).where(*these), values)
    return len(keys)


def _lock_of_members(
    connection: Connection, programme_id: int, member_ids: Collection[int]
) -> list[CouponKey]:
    """In the order of their codes, told so that no database walks all codes for it."""
    own = (
        select(coupons.c.programme_id, coupons.c.code)
        .where(coupons.c.programme_id == programme_id, coupons.c.member_id.in_(member_ids))
        .order_by(coupons.c.code.concat(""))
        .with_for_update()
    )
    return [(row.programme_id, row.code) for row in connection.execute(own)]


def used_by_source(connection: Connection, key: CouponKey, source: str) -> int:
    """How many of the purchases that use a coupon this source told of and has not cancelled,
    whoever told of them first (`ledger.md` 24: links are a tree)."""
    told = func.coalesce(purchases.c.own["status"].as_string(), purchases.c.status)
    sighting = (purchases.c.id, purchases.c.source, told.label("told"))
    seen = (
        select(coupon_uses.c.ref.label("counted"), *sighting)
        .join(purchases, purchases.c.id == coupon_uses.c.ref)
        .where(
            coupon_uses.c.programme_id == key[0],
            coupon_uses.c.code == key[1],
            coupon_uses.c.kind == "purchase",
        )
        .cte("seen", recursive=True)
    )
    seen = seen.union_all(
        select(seen.c.counted, *sighting).join(seen, purchases.c.linked_to == seen.c.id)
    )
    mine = (seen.c.source == source, seen.c.told != "cancelled")
    query = select(func.count(seen.c.counted.distinct())).where(*mine)
    return connection.scalar(query) or 0


# --- proof ------------------------------------------------------------------------------------


def differing(connection: Connection, programme_id: int | None) -> list[tuple[CouponKey, int, int]]:
    """Coupons that are not counted as they were used: what they say, and the number of uses."""
    by_code = (
        select(coupon_uses.c.programme_id, coupon_uses.c.code, func.count().label("times"))
        .group_by(coupon_uses.c.programme_id, coupon_uses.c.code)
        .subquery()
    )
    same = and_(coupons.c.programme_id == by_code.c.programme_id, coupons.c.code == by_code.c.code)
    times = func.coalesce(by_code.c.times, 0)
    total = coupons.c.uses + coupons.c.over
    query = (
        select(coupons.c.programme_id, coupons.c.code, total, times)
        .select_from(coupons.outerjoin(by_code, same))
        .where(total != times)
    )
    lost = (
        select(by_code.c.programme_id, by_code.c.code, by_code.c.times)
        .select_from(by_code.outerjoin(coupons, same))
        .where(coupons.c.code.is_(None))
    )
    if programme_id is not None:
        query = query.where(coupons.c.programme_id == programme_id)
        lost = lost.where(by_code.c.programme_id == programme_id)
    found = [((row[0], row[1]), int(row[2]), int(row[3])) for row in connection.execute(query)]
    found += [((row[0], row[1]), 0, int(row[2])) for row in connection.execute(lost)]
    return sorted(found)


def kept_for_ended(connection: Connection, programme_id: int | None) -> list[int]:
    """Holds that have ended and still keep a coupon."""
    query = (
        select(coupon_uses.c.ref)
        .join(holds, and_(holds.c.id == coupon_uses.c.ref, coupon_uses.c.kind == "hold"))
        .where(holds.c.state != "live")
        .distinct()
    )
    if programme_id is not None:
        query = query.where(coupon_uses.c.programme_id == programme_id)
    return sorted(connection.scalars(query))


def rebuild(connection: Connection, programme_id: int | None) -> int:
    """Make counters the numbers of their uses again; how many were not."""
    locked = lock_coupons(connection, [key for key, _, _ in differing(connection, programme_id)])
    if not locked:
        return 0
    # Counted anew now that nobody else uses them.
    found = {key: n for key, _, n in differing(connection, programme_id) if key in locked}
    for key, times in found.items():
        one = locked[key]
        one.uses, one.over = counted(times, one.most)
    write_uses(connection, [locked[key] for key in found], {})
    return len(found)


def counted(times: int, most: int) -> tuple[int, int]:
    """`uses` and `over` of so many uses in all."""
    return min(times, most), max(0, times - most)


# --- inside -----------------------------------------------------------------------------------


def _known(
    connection: Connection, query: Select[Any], keys: Collection[CouponKey]
) -> dict[CouponKey, KeptCoupon]:
    if not keys:
        return {}
    asked = {"programmes": {key[0] for key in keys}, "codes": {key[1] for key in keys}}
    found = {one.key: one for one in _read(connection, query, asked)}
    return {key: found[key] for key in keys if key in found}


def _read(
    connection: Connection, query: Select[Any], values: Mapping[str, Any] | None = None
) -> list[KeptCoupon]:
    names = (*_COLUMNS, "lot_state")
    found = connection.execute(query, values or {}).mappings()
    return [KeptCoupon(**{name: row[name] for name in names}) for row in found]


def _by_kind(refs: Iterable[Ref]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for kind, number in refs:
        found[kind].add(number)
    return found
