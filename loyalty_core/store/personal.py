"""Queries over the goods that members have for their own, and what they buy most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, or_, select

from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.store.database import insert_or
from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import (
    list_fillings,
    member_goods,
    members,
    purchase_lines,
    purchases,
)

_OWN = member_goods.c
_COLUMNS = ("member_id", "list", "kind", "key", "name", "until")
_GOODS = (
    select(*(_OWN[name] for name in _COLUMNS))
    .where(among(_OWN.member_id, "ids"))
    .order_by(_OWN.member_id, _OWN.list, _OWN.kind, _OWN.key)
)


class Bought(NamedTuple):
    """That an article stands on a receipt of a member, as it is spelled there."""

    member_id: int
    sku: str
    receipt: int


class Filling(NamedTuple):
    """How far the lists of a programme are filled for a day; `after` None: all are."""

    day: str
    rules_version: int
    after: int | None


def goods_of(connection: Connection, ids: Collection[int]) -> dict[int, list[PersonalGoods]]:
    """All that members have for their own, of every list, with what has ended."""
    found: dict[int, list[PersonalGoods]] = defaultdict(list)
    for member, *said in connection.execute(_GOODS, {"ids": ids}):
        found[member].append(PersonalGoods(*said))
    return found


def change_goods(
    connection: Connection,
    gone: Mapping[int, Collection[PersonalGoods]],
    new: Mapping[int, Collection[PersonalGoods]],
) -> None:
    """Take away and add; what is the same in both has changed its name or its end."""
    keys = [(member, one.list, one.kind, one.key) for member, some in gone.items() for one in some]
    if keys:
        names = ("member_id", "list", "kind", "key")
        connection.execute(
            delete(member_goods).where(*(_OWN[name] == bindparam(f"of_{name}") for name in names)),
            [dict(zip((f"of_{name}" for name in names), key, strict=True)) for key in keys],
        )
    rows = [
        (member, one.list, one.kind, one.key, one.name, one.until)
        for member, some in new.items()
        for one in some
    ]
    insert_many(connection, member_goods, _COLUMNS, rows)


def move_goods(connection: Connection, old: int, new: int) -> None:
    """What both had is had once, for as long as `new` had it."""
    found = goods_of(connection, [old, new])
    mine = {(one.list, one.kind, one.key) for one in found[new]}
    moved = [one for one in found[old] if (one.list, one.kind, one.key) not in mine]
    change_goods(connection, {old: found[old]}, {new: moved})


def forget_goods(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(member_goods).where(_OWN.member_id.in_(ids)))


# --- filling by itself ----------------------------------------------------------------------


def members_to_fill(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    lists: Collection[str],
    *,
    since: datetime,
    after: int,
    limit: int,
) -> list[int]:
    """Members who bought since then, or have something in the lists; by id."""
    has = exists().where(_OWN.member_id == members.c.id, _OWN.list.in_(lists))
    query = select(members.c.id).where(
        members.c.programme_id == programme_id,
        members.c.state.in_(("active", "unconfirmed")),
        members.c.id > after,
        or_(members.c.last_purchase_at >= since, has),
    )
    return list(connection.scalars(query.order_by(members.c.id).limit(limit)))


_BOUGHT = (
    select(
        func.coalesce(members.c.merged_into, members.c.id),
        purchase_lines.c.sku,
        purchases.c.id,
    )
    .distinct()
    .join(
        purchases,
        and_(
            purchases.c.member_id == members.c.id,
            purchases.c.status == "paid",
            purchases.c.linked_to.is_(None),
            purchases.c.occurred_at >= bindparam("since"),
            purchases.c.occurred_at <= bindparam("now"),
        ),
    )
    .join(
        purchase_lines,
        and_(
            purchase_lines.c.purchase_id == purchases.c.id,
            purchase_lines.c.kind == "goods",
            purchase_lines.c.sku.is_not(None),
            purchase_lines.c.quantity_milli > purchase_lines.c.returned_milli,
        ),
    )
    .where(or_(among(members.c.id, "ids"), among(members.c.merged_into, "aliased")))
)


def bought_by(
    connection: Connection, ids: Sequence[int], *, since: datetime, now: datetime
) -> list[Bought]:
    """Articles of goods that were bought and kept, by member (and who was merged into it)."""
    found = connection.execute(_BOUGHT, {"ids": ids, "aliased": ids, "since": since, "now": now})
    return [Bought(*row) for row in found]


def filling(connection: Connection, programme_id: int) -> Filling | None:
    row = connection.execute(
        select(list_fillings.c.day, list_fillings.c.rules_version, list_fillings.c.after).where(
            list_fillings.c.programme_id == programme_id
        )
    ).one_or_none()
    return None if row is None else Filling(*row)


def note_filling(connection: Connection, programme_id: int, done: Filling) -> None:
    statement = insert_or(connection, list_fillings)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["programme_id"],
            set_={name: statement.excluded[name] for name in Filling._fields},
        ),
        {"programme_id": programme_id, **done._asdict()},
    )
