"""Queries over holds and over who holds which cart or order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from loyalty_core.store.database import insert_or, lock_keys
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.sets import among, and_then, insert_many, update_many
from loyalty_core.store.tables import hold_claims, holds

HoldKey = tuple[int, int]
"""Member (0: nobody known) and number."""

NOBODY = 0


def hold_to_wire(key: HoldKey) -> str:
    """The name of a hold leads to its member: that is how the family is distributed."""
    member, no = key
    return f"h_{to_wire('', member)[1:]}_{to_wire('', no)[1:]}"


def hold_from_wire(text: str) -> HoldKey | None:
    """None for anything that `hold_to_wire` cannot have made."""
    head, _, tail = text.rpartition("_")
    member, no = from_wire("h", head), from_wire("", f"_{tail}")
    return None if member is None or no is None else (member, no)


@dataclass(slots=True)
class KeptHold:
    """A hold as it is kept.  `lots`: the parts set aside, (lot, points) each."""

    id: int
    member_id: int
    programme_id: int
    shop_id: int
    source: str
    cart: str | None
    order: str | None
    currency: str
    points: int
    lots: tuple[tuple[int, int], ...]
    state: str
    expires_at: datetime
    created_at: datetime
    rules_version: int
    request: dict[str, Any] = field(default_factory=dict)
    quote: dict[str, Any] = field(default_factory=dict)
    purchase_id: int | None = None
    ran_out: bool | None = None
    is_new: bool = False
    changed: bool = False

    @property
    def key(self) -> HoldKey:
        return (self.member_id, self.id)

    def lives_at(self, moment: datetime) -> bool:
        return self.state == "live" and moment < self.expires_at


@dataclass(frozen=True, slots=True)
class Claim:
    """A cart or an order of a shop; one live hold each (`ledger.md` 8)."""

    programme_id: int
    shop_id: int
    kind: str
    ref: str


def holds_by_key(
    connection: Connection, keys: Collection[HoldKey], *, lock: bool = False
) -> dict[HoldKey, KeptHold]:
    """`lock`: held until the transaction ends, in the order of their keys."""
    if not keys:
        return {}
    query = (
        select(holds)
        .where(or_(*(and_(holds.c.member_id == member, holds.c.id == no) for member, no in keys)))
        .order_by(holds.c.member_id, holds.c.id)
    )
    found = connection.execute(query.with_for_update() if lock else query).mappings()
    return {hold.key: hold for hold in map(_kept, found)}


def lock_claims(connection: Connection, claims: Iterable[Claim]) -> None:
    """Whoever gives a cart or an order its hold holds this, and whoever books a sale by it: of a
    hold that is replaced meanwhile the points would be set aside once more, and never spent."""
    lock_keys(connection, (f"hold:{c.programme_id}:{c.shop_id}:{c.kind}:{c.ref}" for c in claims))


_CLAIMED = select(hold_claims.c.ref, hold_claims.c.member_id, hold_claims.c.hold_id).where(
    hold_claims.c.programme_id == bindparam("programme"),
    hold_claims.c.shop_id == bindparam("shop"),
    hold_claims.c.kind == bindparam("kind"),
    among(hold_claims.c.ref, "refs"),
)


def claimed_holds(connection: Connection, claims: Collection[Claim]) -> dict[Claim, HoldKey]:
    """Which hold each cart or order has last been given."""
    refs: dict[tuple[int, int, str], set[str]] = defaultdict(set)
    for claim in claims:
        refs[(claim.programme_id, claim.shop_id, claim.kind)].add(claim.ref)
    return {
        Claim(programme, shop, kind, ref): (member, no)
        for (programme, shop, kind), own in refs.items()
        for ref, member, no in connection.execute(
            _CLAIMED, {"programme": programme, "shop": shop, "kind": kind, "refs": own}
        )
    }


def set_claims(connection: Connection, claims: Mapping[Claim, HoldKey]) -> None:
    if not claims:
        return
    statement = insert_or(connection, hold_claims)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id", "shop_id", "kind", "ref"],
            set_={
                "member_id": statement.excluded.member_id,
                "hold_id": statement.excluded.hold_id,
            },
        ),
        [
            {
                "programme_id": claim.programme_id,
                "shop_id": claim.shop_id,
                "kind": claim.kind,
                "ref": claim.ref,
                "member_id": member,
                "hold_id": no,
            }
            for claim, (member, no) in claims.items()
        ],
    )


def drop_claim(connection: Connection, claim: Claim, key: HoldKey) -> None:
    """Nobody finds this hold by that cart or order any more."""
    connection.execute(
        delete(hold_claims).where(
            hold_claims.c.programme_id == claim.programme_id,
            hold_claims.c.shop_id == claim.shop_id,
            hold_claims.c.kind == claim.kind,
            hold_claims.c.ref == claim.ref,
            hold_claims.c.hold_id == key[1],
        )
    )


def live_holds_of(connection: Connection, member_id: int) -> list[KeptHold]:
    found = connection.execute(
        select(holds)
        .where(holds.c.member_id == member_id, and_then(holds.c.state == literal_column("'live'")))
        .order_by(holds.c.id)
        .with_for_update()
    ).mappings()
    return [_kept(row) for row in found]


def count_live(connection: Connection) -> int:
    """How many holds set points aside, those among them whose end is not booked yet."""
    query = select(func.count()).select_from(holds).where(holds.c.state == literal_column("'live'"))
    return connection.scalar(query) or 0


def ended_holds_of(connection: Connection, member_id: int, now: datetime) -> list[KeptHold]:
    """A member's live holds whose time is up, not locked."""
    found = connection.execute(
        select(holds)
        .where(
            holds.c.member_id == member_id,
            and_then(holds.c.state == literal_column("'live'")),
            holds.c.expires_at <= now,
        )
        .order_by(holds.c.id)
    ).mappings()
    return [_kept(row) for row in found]


def holds_ended(connection: Connection, now: datetime, limit: int) -> list[HoldKey]:
    """Live holds whose time is up, the earliest first."""
    found = connection.execute(
        select(holds.c.member_id, holds.c.id)
        .where(holds.c.state == literal_column("'live'"), holds.c.expires_at <= now)
        .order_by(holds.c.expires_at)
        .limit(limit)
    )
    return [(member, no) for member, no in found]


def write_holds(connection: Connection, kept: Sequence[KeptHold]) -> None:
    new = [tuple(_values(hold).values()) for hold in kept if hold.is_new]
    changed = [
        (*hold.key, *(_values(hold)[name] for name in _CHANGING))
        for hold in kept
        if hold.changed and not hold.is_new
    ]
    insert_many(connection, holds, _COLUMNS, new)
    update_many(connection, holds, ("member_id", "id"), _CHANGING, changed)


def move_hold(connection: Connection, hold: KeptHold, member_id: int) -> None:
    """Give a hold to another member: it is keyed by the member, so the row is made anew."""
    connection.execute(
        delete(holds).where(holds.c.member_id == hold.member_id, holds.c.id == hold.id)
    )
    connection.execute(
        update(hold_claims)
        .where(hold_claims.c.member_id == hold.member_id, hold_claims.c.hold_id == hold.id)
        .values(member_id=member_id)
    )
    hold.member_id = member_id
    connection.execute(insert(holds), [_values(hold)])


def move_ended_holds(connection: Connection, old: int, new: int) -> None:
    """Later revisions of a purchase still name the hold that it fulfilled."""
    ended = and_(holds.c.member_id == old, holds.c.state != "live")
    others = [column for column in holds.c if column.name != "member_id"]
    moved = select(literal(new, holds.c.member_id.type), *others).where(ended)
    names = ["member_id", *(column.name for column in others)]
    connection.execute(insert(holds).from_select(names, moved))
    connection.execute(delete(holds).where(ended))


def forget_people(connection: Connection, member_ids: Collection[int]) -> None:
    """Take the member out of the answers that were promised to these."""
    found = connection.execute(
        select(holds.c.member_id, holds.c.id, holds.c.quote).where(
            holds.c.member_id.in_(member_ids)
        )
    )
    changes = [
        {
            "b_member_id": member,
            "b_id": number,
            "b_quote": {**kept, "quote": {**kept["quote"], "member": None}},
        }
        for member, number, kept in found
    ]
    if changes:
        is_it = and_(holds.c.member_id == bindparam("b_member_id"), holds.c.id == bindparam("b_id"))
        connection.execute(update(holds).where(is_it).values(quote=bindparam("b_quote")), changes)


def _kept(row: RowMapping) -> KeptHold:
    values = {name: row[name] for name in _COLUMNS}
    values["lots"] = tuple((no, size) for no, size in row["lots"])
    return KeptHold(**values)


def _values(hold: KeptHold) -> dict[str, Any]:
    values = {name: getattr(hold, name) for name in _COLUMNS}
    values["lots"] = [list(part) for part in hold.lots]
    return values


_COLUMNS = tuple(column.name for column in holds.c)
_CHANGING = ("order", "expires_at", "state", "purchase_id", "points", "lots", "ran_out")
