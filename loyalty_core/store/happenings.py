"""Queries over events that are no receipts, and over the products that they were about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, insert, select, update

from loyalty_core.store.sets import insert_many
from loyalty_core.store.tables import event_products, happenings

HappeningKey = tuple[int, str, str, str]
"""Programme, source, kind, external id."""


@dataclass(slots=True)
class KeptHappening:
    """An event as it is kept; `booking` is what the books hold of it, None where nothing ever
    was booked for it."""

    id: int
    programme_id: int
    source: str
    kind: str
    external_id: str
    member_id: int | None
    occurred_at: datetime
    content_hash: str
    data: dict[str, Any]
    revision: int = 1
    state: str | None = None
    product: str | None = None
    booking: dict[str, Any] | None = None


_SLOTS = tuple(KeptHappening.__slots__)


def happening(connection: Connection, key: HappeningKey) -> KeptHappening | None:
    """The event of this key, if it has come."""
    programme_id, source, kind, external_id = key
    row = connection.execute(
        select(*(happenings.c[name] for name in _SLOTS)).where(
            happenings.c.programme_id == programme_id,
            happenings.c.source == source,
            happenings.c.kind == kind,
            happenings.c.external_id == external_id,
        )
    ).first()
    return None if row is None else KeptHappening(*row)


def add_happening(connection: Connection, kept: KeptHappening) -> None:
    connection.execute(insert(happenings).values(_values(kept)))


def change_happening(connection: Connection, kept: KeptHappening) -> None:
    connection.execute(update(happenings).where(happenings.c.id == kept.id).values(_values(kept)))


def _values(kept: KeptHappening) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in _SLOTS}


def happenings_of(connection: Connection, ids: Collection[int]) -> list[KeptHappening]:
    """All events of these members, in the order in which they came."""
    found = connection.execute(
        select(*(happenings.c[name] for name in _SLOTS))
        .where(happenings.c.member_id.in_(ids))
        .order_by(happenings.c.id)
    )
    return [KeptHappening(*row) for row in found]


# --- products -------------------------------------------------------------------------------

_PRODUCT = ("member_id", "rule", "product")


def rules_given(connection: Connection, member_id: int, product: str | None) -> set[str]:
    """Rules that have given this member something for this product; the member is locked."""
    found = select(event_products.c.rule).where(
        event_products.c.member_id == member_id, event_products.c.product == product
    )
    return set(connection.scalars(found))


def give_for(
    connection: Connection, member_id: int, product: str, rules: Collection[str], event: int
) -> None:
    """These rules have given now; the primary key lets none of them do so twice."""
    rows = [(member_id, rule, product, event) for rule in sorted(rules)]
    insert_many(connection, event_products, (*_PRODUCT, "happening_id"), rows)


def take_back_for(connection: Connection, member_id: int, event: int) -> list[tuple[str, str]]:
    """What rules gave for an event does not count any more: (rule, product)."""
    gone = connection.execute(
        delete(event_products)
        .where(event_products.c.member_id == member_id, event_products.c.happening_id == event)
        .returning(event_products.c.rule, event_products.c.product)
    )
    return [(rule, product) for rule, product in gone]


def about_product(
    connection: Connection, ids: Collection[int], product: str
) -> list[KeptHappening]:
    """All events of these members about a product, in the order in which they came."""
    return [one for one in happenings_of(connection, ids) if one.product == product]


def move_products(connection: Connection, old: int, new: int) -> None:
    """One member's products are another's; where both have one, it stays the other's."""
    both = event_products.alias("both")
    twice = exists().where(
        and_(
            both.c.member_id == new,
            both.c.rule == event_products.c.rule,
            both.c.product == event_products.c.product,
        )
    )
    theirs = event_products.c.member_id == old
    connection.execute(delete(event_products).where(theirs, twice))
    connection.execute(update(event_products).where(theirs).values(member_id=new))


def forget_products(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(event_products).where(event_products.c.member_id.in_(ids)))
