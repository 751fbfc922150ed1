"""Queries over members and the names they are known by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from loyalty_core.domain.conditions.people import day_of
from loyalty_core.domain.conditions.scene import History, Person
from loyalty_core.domain.members import IdentityKey
from loyalty_core.store.database import insert_or
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import (
    erased_records,
    identities,
    identity_conflicts,
    members,
    purchases,
)


@dataclass(slots=True)
class Standing:
    """What a member has bought so far, and the tier that it gave.

    `purchase_count` are purchases of which money for goods is left; `last_purchase_at` is the
    time of the latest of them.  `next_tier_at`: when the next scheduled change of the tier
    holds; `tier_look_at`: when the job looks next; `tier_warned_of`: the last fall warned of.
    """

    spent_minor: int
    tier: str | None
    purchase_count: int
    last_purchase_at: datetime | None
    next_tier_at: datetime | None = None
    tier_look_at: datetime | None = None
    tier_warned_of: datetime | None = None


# --- people ---------------------------------------------------------------------------------

_HOME = members.alias("home")
_SURVIVORS = Ready(
    select(members.c.id, _HOME.c.id, _HOME.c.state)
    .join(_HOME, _HOME.c.id == func.coalesce(members.c.merged_into, members.c.id))
    .where(members.c.programme_id == bindparam("programme"), among(members.c.id, "ids"))
)
_ALIASES = Ready(
    select(members.c.merged_into, members.c.id).where(among(members.c.merged_into, "ids"))
)
_HELD = (
    select(members.c.id).where(among(members.c.id, "ids")).order_by(members.c.id).with_for_update()
)
_LOCKED = Ready(_HELD.add_columns(members.c.merged_into, members.c.state))
_STANDING = tuple(Standing.__slots__)
_LOCKED_STANDINGS = Ready(_HELD.add_columns(*(members.c[name] for name in _STANDING)))
_LAST_PURCHASE = select(func.max(purchases.c.occurred_at)).where(
    among(purchases.c.member_id, "ids"), purchases.c.qualifying_minor > 0
)


def add_members(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    _insert(connection, members, rows)


def member_rows(
    connection: Connection, programme_id: int, ids: Collection[int]
) -> dict[int, RowMapping]:
    found = connection.execute(
        select(members).where(members.c.programme_id == programme_id, members.c.id.in_(ids))
    ).mappings()
    return {row["id"]: row for row in found}


def survivors(
    connection: Connection, programme_id: int, ids: Collection[int]
) -> dict[int, int | None]:
    """Each id of this programme to the member that it means now; erased ones to None."""
    found = _SURVIVORS.rows(connection, {"programme": programme_id, "ids": ids})
    return {member: None if state == "erased" else survivor for member, survivor, state in found}


def aliases_of(connection: Connection, ids: Collection[int]) -> dict[int, list[int]]:
    """Members merged into each of these, where there are any."""
    aliases: dict[int, list[int]] = defaultdict(list)
    for survivor, alias in _ALIASES.rows(connection, {"ids": ids}):
        aliases[survivor].append(alias)
    return aliases


def known_as(connection: Connection, member_id: int) -> list[int]:
    """The member, and all that were merged into it."""
    return [member_id, *aliases_of(connection, [member_id]).get(member_id, [])]


def referred_by(connection: Connection, programme_id: int, names: Collection[str]) -> list[int]:
    """Those who named one of these as whoever sent them."""
    theirs = and_(members.c.programme_id == programme_id, members.c.referrer.in_(names))
    return list(connection.scalars(select(members.c.id).where(theirs)))


def programmes_of(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    found = connection.execute(
        select(members.c.id, members.c.programme_id).where(members.c.id.in_(ids))
    )
    return {row.id: row.programme_id for row in found}


def lock_survivors(
    connection: Connection, programme_id: int, ids: Collection[int]
) -> dict[int, int | None]:
    """`survivors` and they themselves, with their rows held until the transaction ends.

    A merge or an erasure may commit between the look-up and the lock: whoever is held by now
    and is a member no more has the look-up made again.
    """
    held: set[int] = set()
    while True:
        found = survivors(connection, programme_id, ids)
        alive = {member for member in found.values() if member is not None}
        fresh = alive - held
        locked = _LOCKED.rows(connection, {"ids": fresh}) if fresh else ()
        held |= fresh
        if all(merged_into is None and state != "erased" for _, merged_into, state in locked):
            return found | {member: member for member in alive}


def person_of(row: Mapping[str, Any] | RowMapping) -> Person:
    """What conditions may ask of a member's row."""
    return Person(
        row["id"],
        row["created_at"],
        gender=row["gender"],
        city=row["city"],
        born=day_of(row["birth_date"]),
        attributes=row["attributes"],
        history=History(row["purchase_count"], row["spent_minor"], row["last_purchase_at"]),
        reward=row["reward"],
    )


def change_member(connection: Connection, member_id: int, changes: Mapping[str, Any]) -> None:
    connection.execute(update(members).where(members.c.id == member_id).values(**changes))


def confirm(connection: Connection, member_id: int) -> bool:
    """A member of whom receipts alone were known has spoken; False where it was known before."""
    confirmed = connection.execute(
        update(members)
        .where(members.c.id == member_id, members.c.state == "unconfirmed")
        .values(state="active")
    )
    return confirmed.rowcount == 1


_PROFILE = (
    "first_name",
    "last_name",
    "middle_name",
    "birth_date",
    "gender",
    "city",
    "attributes",
)


def set_profiles(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """What is known of these members as people; their rows are locked."""
    values = [(row["id"], *(row[name] for name in _PROFILE)) for row in rows]
    update_many(connection, members, ("id",), _PROFILE, values)


def repoint_aliases(connection: Connection, old: int, new: int) -> None:
    """Whoever was merged into `old` is now merged into `new`: aliases stay one step deep."""
    connection.execute(update(members).where(members.c.merged_into == old).values(merged_into=new))


def lock_standings(connection: Connection, ids: Collection[int]) -> dict[int, Standing]:
    """The standings of these members, locked in id order."""
    found = _LOCKED_STANDINGS.rows(connection, {"ids": ids})
    return {member: Standing(*values) for member, *values in found}


def set_standings(connection: Connection, standings: Mapping[int, Standing]) -> None:
    rows = [(member, *attrgetter(*_STANDING)(one)) for member, one in sorted(standings.items())]
    update_many(connection, members, ("id",), _STANDING, rows)


def last_purchase_of(connection: Connection, ids: Collection[int]) -> datetime | None:
    """The latest purchase, of any of these ids, of which money for goods is left."""
    last: datetime | None = connection.scalar(_LAST_PURCHASE, {"ids": ids})
    return last


# --- names ----------------------------------------------------------------------------------

_OWNERS = Ready(
    select(identities.c.value, members.c.id, members.c.merged_into)
    .join(members, members.c.id == identities.c.member_id)
    .where(
        identities.c.programme_id == bindparam("programme"),
        identities.c.kind == bindparam("kind"),
        identities.c.system == bindparam("system"),
        among(identities.c.value, "values"),
    )
)


def owners(
    connection: Connection, programme_id: int, keys: Collection[IdentityKey]
) -> dict[IdentityKey, int]:
    """Which member each name belongs to; merged members are followed, unknown left out."""
    by_kind: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key in keys:
        by_kind[(key.kind, key.system)].add(key.value)
    return {
        IdentityKey(kind, system, value): merged_into or member
        for (kind, system), values in by_kind.items()
        for value, member, merged_into in _OWNERS.rows(
            connection,
            {"programme": programme_id, "kind": kind, "system": system, "values": values},
        )
    }


def names_of(
    connection: Connection, ids: Collection[int]
) -> dict[int, list[tuple[IdentityKey, bool]]]:
    """The names of each member with whether they were proved."""
    found = connection.execute(
        select(
            identities.c.member_id,
            identities.c.kind,
            identities.c.system,
            identities.c.value,
            identities.c.verified,
        )
        .where(identities.c.member_id.in_(ids))
        .order_by(identities.c.created_at, identities.c.value)
    )
    names: dict[int, list[tuple[IdentityKey, bool]]] = defaultdict(list)
    for member, kind, system, value, verified in found:
        names[member].append((IdentityKey(kind, system, value), verified))
    return names


def add_names(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of `identities`; the caller holds the names' locks, so none is taken."""
    _insert(connection, identities, rows)


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows have the same columns."""
    if rows:
        columns = tuple(rows[0])
        insert_many(connection, table, columns, [[row[name] for name in columns] for row in rows])


def drop_names(connection: Connection, programme_id: int, keys: Collection[IdentityKey]) -> None:
    if keys:
        connection.execute(
            delete(identities).where(identities.c.programme_id == programme_id, _any_of(keys))
        )


def keep_erased(connection: Connection, programme_id: int, marks: Collection[str]) -> None:
    """Hashes of what systems called somebody who is erased; those that are there stay."""
    rows = [(programme_id, mark) for mark in sorted(marks)]
    columns = ("programme_id", "mark")
    insert_many(connection, erased_records, columns, rows, unless=columns)


def erased_among(connection: Connection, programme_id: int, marks: Collection[str]) -> set[str]:
    if not marks:
        return set()
    own = erased_records.c.programme_id == programme_id
    query = select(erased_records.c.mark).where(own, among(erased_records.c.mark, "marks"))
    return set(connection.scalars(query, {"marks": list(marks)}))


def settle_names(
    connection: Connection, named: Collection[int], survivor: Mapping[int, int | None]
) -> set[int]:
    """Of members who were found and given names before they were held (`survivor`: who they are
    now): names of who was merged meanwhile are the survivor's, names of who was erased go.

    Gives the erased.
    """
    gone = {one for one in named if survivor.get(one) is None}
    if gone:
        connection.execute(delete(identities).where(identities.c.member_id.in_(gone)))
    for one in named:
        home = survivor.get(one)
        if home is not None and home != one:
            move_names(connection, one, home)
    return gone


def move_names(connection: Connection, old: int, new: int) -> None:
    connection.execute(
        update(identities).where(identities.c.member_id == old).values(member_id=new)
    )


def note_conflicts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """List pairs of members whom one receipt named together; known pairs stay as they are."""
    if rows:
        connection.execute(insert_or(connection, identity_conflicts).on_conflict_do_nothing(), rows)


def _any_of(keys: Collection[IdentityKey]) -> ColumnElement[bool]:
    by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key in keys:
        by_kind[(key.kind, key.system)].append(key.value)
    return or_(
        false(),
        *(
            and_(
                identities.c.kind == kind,
                identities.c.system == system,
                identities.c.value.in_(values),
            )
            for (kind, system), values in by_kind.items()
        ),
    )


# --- search ---------------------------------------------------------------------------------


def members_page(
    connection: Connection,
    programme_id: int,
    condition: ColumnElement[bool] | None,
    *,
    after: int | None,
    limit: int,
) -> list[RowMapping]:
    """Newest first; merged and erased members are left out."""
    query = select(members).where(
        members.c.programme_id == programme_id, members.c.state.in_(("active", "unconfirmed"))
    )
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(members.c.id < after)
    return list(
        connection.execute(query.order_by(members.c.id.desc()).limit(limit)).mappings().all()
    )


def count_where(connection: Connection, programme_id: int, condition: ColumnElement[bool]) -> int:
    """How many members are meant; merged and erased ones are left out."""
    query = select(func.count()).where(
        members.c.programme_id == programme_id,
        members.c.state.in_(("active", "unconfirmed")),
        condition,
    )
    return connection.scalars(query).one()


def name_like(text: str) -> ColumnElement[bool]:
    """Every word of `text` begins one of the names; where it has none, nobody."""
    words = [word for part in text.split() if (word := part.replace("%", "").replace("_", ""))]
    fields = (members.c.first_name, members.c.last_name, members.c.middle_name)
    if not words:
        return false()
    return and_(
        *(
            or_(*(field.like(f"{form}%") for field in fields for form in {word, word.title()}))
            for word in words
        )
    )


def with_ids(ids: Collection[int]) -> ColumnElement[bool]:
    return members.c.id.in_(ids)
