"""Queries over refunds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    RowMapping,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)

from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among, and_then, insert_many, update_many
from loyalty_core.store.tables import refunds, told_sign
from loyalty_kit.events import FiscalSign, Refund

EventKey = tuple[int, str, str]
"""Programme, source, external id (`ledger.md` 18)."""


@dataclass(slots=True)
class KeptRefund:
    """A refund as it is kept.  `event` is what the outside last said."""

    id: int
    programme_id: int
    source: str
    event: Refund
    content_hash: str
    state: str
    by_list: bool
    purchase_id: int | None
    received_at: datetime
    booking: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    is_new: bool = False
    changed: bool = False

    @property
    def key(self) -> EventKey:
        return (self.programme_id, self.source, self.event.external_id)


# --- reading --------------------------------------------------------------------------------

_BY_KEY = select(refunds).where(
    refunds.c.programme_id == bindparam("programme"),
    refunds.c.source == bindparam("source"),
    among(refunds.c.external_id, "names"),
)
_OF_PURCHASES = select(refunds).where(among(refunds.c.purchase_id, "ids")).order_by(refunds.c.id)
_WAITING = Ready(
    select(refunds)
    .where(
        refunds.c.programme_id == bindparam("programme"),
        and_then(literal_column("refunds.state IN ('waiting', 'listed')", Boolean())),
        or_(
            among(refunds.c.purchase_external_id, "names"),
            among(refunds.c.order, "orders"),
            among(told_sign(refunds.c.document), "fiscal"),
        ),
    )
    .order_by(refunds.c.id)
)


def refunds_by_key(
    connection: Connection, keys: Collection[EventKey]
) -> dict[EventKey, KeptRefund]:
    return {
        kept.key: kept
        for values in by_source(keys)
        for kept in map(_kept, connection.execute(_BY_KEY, values).mappings())
    }


def by_source(keys: Collection[EventKey]) -> list[dict[str, Any]]:
    """The same keys as values of a statement for each source."""
    names: dict[tuple[int, str], set[str]] = defaultdict(set)
    for programme, source, name in keys:
        names[(programme, source)].add(name)
    return [
        {"programme": programme, "source": source, "names": own}
        for (programme, source), own in names.items()
    ]


def refunds_of(connection: Connection, purchase_ids: Collection[int]) -> list[KeptRefund]:
    if not purchase_ids:
        return []
    found = connection.execute(_OF_PURCHASES, {"ids": purchase_ids})
    return [_kept(row) for row in found.mappings()]


def refunds_waiting(
    connection: Connection,
    programme_id: int,
    purchases_told: Collection[str],
    orders: Collection[str],
    signs: Collection[FiscalSign],
) -> list[KeptRefund]:
    """Refunds whose purchase has not come and may be one of these, the oldest first.

    Those that a person was shown meanwhile are among them.
    """
    values = {
        "programme": programme_id,
        "names": purchases_told,
        "orders": orders,
        "fiscal": {sign.fp for sign in signs},
    }
    return [_kept(row) for row in _WAITING.named(connection, values)]


def list_refunds_received_before(
    connection: Connection, programme_id: int, before: datetime, limit: int
) -> int:
    """Put waiting refunds on a person's list; gives how many."""
    late = (
        select(refunds.c.id)
        .where(
            refunds.c.programme_id == programme_id,
            refunds.c.state == "waiting",
            refunds.c.received_at < before,
        )
        .order_by(refunds.c.id)
        .limit(limit)
    )
    done = connection.execute(
        update(refunds)
        .where(refunds.c.id.in_(late.scalar_subquery()), refunds.c.state == "waiting")
        .values(state="listed")
    )
    return done.rowcount


def _kept(row: Mapping[str, Any] | RowMapping) -> KeptRefund:
    return KeptRefund(
        row["id"],
        row["programme_id"],
        row["source"],
        from_json(Refund, row["document"]),
        row["content_hash"],
        row["state"],
        row["by_list"],
        row["purchase_id"],
        row["received_at"],
        booking=dict(row["booking"]),
        flags=list(row["flags"]),
    )


# --- writing --------------------------------------------------------------------------------

_KEPT_AS_BORN = ("id", "programme_id", "source", "external_id", "received_at")
_CHANGING = (
    "revision",
    "content_hash",
    "state",
    "by_list",
    "purchase_id",
    "purchase_external_id",
    "order",
    "occurred_at",
    "amount_minor",
    "document",
    "booking",
    "flags",
)


def write_refunds(connection: Connection, kept: Sequence[KeptRefund]) -> None:
    new = [(*_as_born(one), *_changing(one)) for one in kept if one.is_new]
    changed = [(one.id, *_changing(one)) for one in kept if one.changed and not one.is_new]
    insert_many(connection, refunds, (*_KEPT_AS_BORN, *_CHANGING), new)
    update_many(connection, refunds, ("id",), _CHANGING, changed)


def _as_born(one: KeptRefund) -> tuple[Any, ...]:
    return (one.id, one.programme_id, one.source, one.event.external_id, one.received_at)


def _changing(one: KeptRefund) -> tuple[Any, ...]:
    event = one.event
    return (
        event.revision,
        one.content_hash,
        one.state,
        one.by_list,
        one.purchase_id,
        event.purchase,
        event.order,
        event.occurred_at,
        event.amount_minor,
        to_json(event),
        one.booking,
        one.flags,
    )
