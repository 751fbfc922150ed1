"""Which connections see each other's orders, and which pairs of purchases a person parted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, select, update

from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import insert_many
from loyalty_core.store.tables import linked_sources, parted_purchases, purchases


@dataclass(frozen=True, slots=True)
class LinkedSources:
    """Orders of `source` are seen in `seen_in`: their number stands there in `field` ("order" or
    "external_id"); None: they are linked by fiscal signs alone.  `truth`: whose word counts."""

    source: str
    seen_in: str
    field: str | None = None
    truth: str | None = None


_COLUMNS = [linked_sources.c[name] for name in LinkedSources.__dataclass_fields__]
_DECLARED = Ready(
    select(*_COLUMNS)
    .where(linked_sources.c.programme_id == bindparam("programme"))
    .order_by(linked_sources.c.source, linked_sources.c.seen_in)
)
_KEY = ("programme_id", "source", "seen_in")


def declared(connection: Connection, programme_id: int) -> list[LinkedSources]:
    """All of a programme, in one order."""
    return [LinkedSources(*row) for row in _DECLARED.rows(connection, {"programme": programme_id})]


def declare(connection: Connection, programme_id: int, one: LinkedSources) -> None:
    """In place of what was declared of the pair before."""
    values = [(programme_id, one.source, one.seen_in)]
    insert_many(connection, linked_sources, _KEY, values, unless=_KEY)
    connection.execute(
        update(linked_sources)
        .where(_is(programme_id, one.source, one.seen_in))
        .values(field=one.field, truth=one.truth)
    )


def take_back(connection: Connection, programme_id: int, source: str, seen_in: str) -> bool:
    """Whether there was such a declaration."""
    done = connection.execute(delete(linked_sources).where(_is(programme_id, source, seen_in)))
    return bool(done.rowcount)


def _is(programme_id: int, source: str, seen_in: str) -> ColumnElement[bool]:
    return and_(
        linked_sources.c.programme_id == programme_id,
        linked_sources.c.source == source,
        linked_sources.c.seen_in == seen_in,
    )


def numbered(
    connection: Connection,
    programme_id: int,
    source: str,
    field: str | None,
    numbers: Collection[str],
) -> set[int]:
    """Purchases of a source with these numbers in this field; None: as its orders are numbered,
    by their own names where they tell no other."""
    by_order, by_name = purchases.c.order.in_(numbers), purchases.c.external_id.in_(numbers)
    which = {"order": by_order, "external_id": by_name}
    either = or_(by_order, and_(by_name, purchases.c.order.is_(None)))
    return set(
        connection.scalars(
            select(purchases.c.id).where(
                purchases.c.programme_id == programme_id,
                purchases.c.source == source,
                either if field is None else which[field],
            )
        )
    )


# --- what a person parted -------------------------------------------------------------------

Pair = tuple[int, int]
"""Numbers of two purchases, the lower one first."""


def pair_of(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)


def parted(connection: Connection, ids: Collection[int]) -> set[Pair]:
    """The pairs that one of these is in."""
    query = select(parted_purchases.c.purchase_id, parted_purchases.c.other_id)
    one, other = parted_purchases.c.purchase_id.in_(ids), parted_purchases.c.other_id.in_(ids)
    return {(low, high) for low, high in connection.execute(query.where(or_(one, other)))}


def part(connection: Connection, pairs: Iterable[Pair]) -> None:
    names = ("purchase_id", "other_id")
    insert_many(connection, parted_purchases, names, sorted(set(pairs)), unless=names)


def forget_parting(connection: Connection, ones: Collection[int], others: Collection[int]) -> None:
    """None of `ones` is kept apart from one of `others` any more."""
    low, high = parted_purchases.c.purchase_id, parted_purchases.c.other_id
    connection.execute(
        delete(parted_purchases).where(
            or_(and_(low.in_(ones), high.in_(others)), and_(low.in_(others), high.in_(ones)))
        )
    )
