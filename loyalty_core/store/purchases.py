"""Queries over receipts: purchases with their lines, and refunds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.tables import purchase_fiscal, purchase_lines, purchases, refunds
from loyalty_kit.events import FiscalSign, Purchase, PurchaseLine, Refund

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


@dataclass(slots=True)
class KeptPurchase:
    """A purchase as it is kept.

    `event` is what the outside last said, `lines` the same with discount and spend told apart
    and the catalogue filled in.  `booking` is what the books hold of it (`service.booking`).
    """

    id: int
    programme_id: int
    source: str
    event: Purchase
    content_hash: str
    shop_id: int
    member_id: int | None
    received_at: datetime
    lines: tuple[PurchaseLine, ...]
    linked_to: int | None = None
    qualifying_minor: int = 0
    booking: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    refunds: list[KeptRefund] = field(default_factory=list)
    is_new: bool = False
    changed: bool = False
    earned_by_line: Mapping[str, int] = field(default_factory=dict)
    returned_milli: Mapping[str, int] = field(default_factory=dict)
    returned_minor: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> EventKey:
        return (self.programme_id, self.source, self.event.external_id)


# --- purchases ------------------------------------------------------------------------------


def purchases_by_key(
    connection: Connection, keys: Collection[EventKey]
) -> dict[EventKey, KeptPurchase]:
    if not keys:
        return {}
    named = tuple_(purchases.c.programme_id, purchases.c.source, purchases.c.external_id)
    found = connection.execute(select(purchases).where(named.in_(list(keys)))).mappings()
    return {kept.key: kept for kept in map(_kept, found)}


def purchases_by_id(
    connection: Connection, ids: Collection[int], *, lock: bool = False
) -> dict[int, KeptPurchase]:
    """`lock`: held until the transaction ends, in the order of their ids."""
    if not ids:
        return {}
    query = select(purchases).where(purchases.c.id.in_(ids)).order_by(purchases.c.id)
    found = connection.execute(query.with_for_update() if lock else query).mappings()
    return {row["id"]: _kept(row) for row in found}


def purchases_by_external_id(
    connection: Connection, programme_id: int, external_id: str
) -> list[KeptPurchase]:
    """From whatever source, in the order in which they came."""
    found = connection.execute(
        select(purchases)
        .where(purchases.c.programme_id == programme_id, purchases.c.external_id == external_id)
        .order_by(purchases.c.id)
    ).mappings()
    return [_kept(row) for row in found]


def purchases_by_order(
    connection: Connection, programme_id: int, orders: Collection[str]
) -> list[KeptPurchase]:
    """In the order in which they came."""
    found = connection.execute(
        select(purchases)
        .where(purchases.c.programme_id == programme_id, purchases.c.order.in_(orders))
        .order_by(purchases.c.id)
    ).mappings()
    return [_kept(row) for row in found]


def purchases_by_fiscal(
    connection: Connection, programme_id: int, signs: Collection[FiscalSign]
) -> dict[FiscalSign, int]:
    """Which purchase each fiscal sign was seen on first."""
    if not signs:
        return {}
    named = tuple_(purchase_fiscal.c.fn, purchase_fiscal.c.fd, purchase_fiscal.c.fp)
    found = connection.execute(
        select(purchase_fiscal)
        .where(
            purchase_fiscal.c.programme_id == programme_id,
            named.in_([(sign.fn, sign.fd, sign.fp) for sign in signs]),
        )
        .order_by(purchase_fiscal.c.purchase_id.desc())
    ).mappings()
    return {FiscalSign(row["fn"], row["fd"], row["fp"]): row["purchase_id"] for row in found}


def purchases_of_member(
    connection: Connection,
    member_ids: Collection[int],
    *,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[KeptPurchase]:
    """The newest first; `before` is the id to go on from."""
    query = select(purchases).where(purchases.c.member_id.in_(member_ids))
    if since is not None:
        query = query.where(purchases.c.occurred_at >= since)
    if before is not None:
        query = query.where(purchases.c.id < before)
    found = connection.execute(query.order_by(purchases.c.id.desc()).limit(limit)).mappings()
    return [_kept(row) for row in found]


def load_lines(connection: Connection, kept: Iterable[KeptPurchase]) -> None:
    """Fill in the lines as they were booked."""
    by_id = {one.id: one for one in kept}
    found = connection.execute(
        select(purchase_lines).where(purchase_lines.c.purchase_id.in_(by_id))
    ).mappings()
    split: dict[int, dict[str, RowMapping]] = defaultdict(dict)
    for row in found:
        split[row["purchase_id"]][row["id"]] = row
    for one in by_id.values():
        rows = split.get(one.id, {})
        one.lines = tuple(_booked_line(line, rows.get(line.id)) for line in one.event.lines)
        one.earned_by_line = {name: row["earned_points"] for name, row in rows.items()}
        one.returned_milli = {name: row["returned_milli"] for name, row in rows.items()}
        one.returned_minor = {name: row["returned_minor"] for name, row in rows.items()}


def _booked_line(line: PurchaseLine, row: RowMapping | None) -> PurchaseLine:
    if row is None:
        return line
    return PurchaseLine(
        id=line.id,
        quantity_milli=line.quantity_milli,
        amount_minor=line.amount_minor,
        paid_minor=line.paid_minor,
        kind=line.kind,
        sku=line.sku,
        name=line.name,
        price_minor=line.price_minor,
        discount_minor=row["discount_minor"],
        spend_minor=row["spend_minor"],
        categories=line.categories,
        brand=line.brand,
        attributes=line.attributes,
        legal_class=line.legal_class,
    )


def forget_people(connection: Connection, member_ids: Collection[int]) -> int:
    """Take the customer out of the kept receipts of these members; gives how many.

    Out of second reports of them too, and out of their refunds.
    """
    own = purchases.c.member_id.in_(member_ids)
    twins = purchases.c.linked_to.in_(select(purchases.c.id).where(own))
    ids = select(purchases.c.id).where(or_(own, twins))
    return sum(
        _forget(connection, table, theirs)
        for table, theirs in (
            (purchases, or_(own, twins)),
            (refunds, refunds.c.purchase_id.in_(ids)),
        )
    )


def _forget(connection: Connection, table: Table, theirs: ColumnElement[bool]) -> int:
    found = connection.execute(select(table.c.id, table.c.document).where(theirs)).all()
    changes = [
        {"b_id": number, "b_document": bare}
        for number, document in found
        if (bare := _nobodys(document)) != document
    ]
    if changes:
        statement = update(table).where(table.c.id == bindparam("b_id"))
        connection.execute(statement.values(document=bindparam("b_document")), changes)
    return len(changes)


def _nobodys(document: Mapping[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in document.items() if name != "customer"}
    if bare.get("refunds"):
        bare["refunds"] = [_nobodys(refund) for refund in bare["refunds"]]
    return bare


def write_purchases(connection: Connection, kept: Sequence[KeptPurchase]) -> None:
    """Insert the new ones and update the changed ones, with their lines and fiscal signs."""
    new = [one for one in kept if one.is_new]
    changed = [one for one in kept if one.changed and not one.is_new]
    if new:
        connection.execute(insert(purchases), [_values(one) for one in new])
    if changed:
        connection.execute(
            _UPDATE_PURCHASE,
            [{f"b_{name}": value for name, value in _values(one).items()} for one in changed],
        )
        ids = [one.id for one in changed]
        connection.execute(delete(purchase_lines).where(purchase_lines.c.purchase_id.in_(ids)))
        connection.execute(delete(purchase_fiscal).where(purchase_fiscal.c.purchase_id.in_(ids)))
    lines = [row for one in (*new, *changed) for row in _line_values(one)]
    if lines:
        connection.execute(insert(purchase_lines), lines)
    signs = [row for one in (*new, *changed) for row in _fiscal_values(one)]
    if signs:
        connection.execute(insert(purchase_fiscal), signs)


def _kept(row: RowMapping) -> KeptPurchase:
    event = from_json(Purchase, row["document"])
    return KeptPurchase(
        row["id"],
        row["programme_id"],
        row["source"],
        event,
        row["content_hash"],
        row["shop_id"],
        row["member_id"],
        row["received_at"],
        event.lines,
        linked_to=row["linked_to"],
        qualifying_minor=row["qualifying_minor"],
        booking=dict(row["booking"]),
        flags=list(row["flags"]),
    )


def _values(one: KeptPurchase) -> dict[str, Any]:
    event, lines = one.event, one.lines
    return {
        "id": one.id,
        "programme_id": one.programme_id,
        "source": one.source,
        "external_id": event.external_id,
        "revision": event.revision,
        "content_hash": one.content_hash,
        "status": event.status,
        "shop_id": one.shop_id,
        "member_id": one.member_id,
        "linked_to": one.linked_to,
        "order": event.order,
        "occurred_at": event.occurred_at,
        "received_at": one.received_at,
        "amount_minor": sum(line.amount_minor for line in lines),
        "discount_minor": sum(_off(line) for line in lines),
        "spend_minor": sum(line.spend_minor or 0 for line in lines),
        "paid_minor": sum(line.paid_minor for line in lines),
        "qualifying_minor": one.qualifying_minor,
        "document": to_json(event),
        "booking": one.booking,
        "flags": one.flags,
    }


def _off(line: PurchaseLine) -> int:
    return line.discount_minor if line.discount_minor is not None else line.reduction_minor or 0


_UPDATE_PURCHASE = (
    update(purchases)
    .where(purchases.c.id == bindparam("b_id"))
    .values(
        {
            column.name: bindparam(f"b_{column.name}")
            for column in purchases.c
            if column.name not in ("id", "programme_id", "source", "external_id", "received_at")
        }
    )
)


def _line_values(one: KeptPurchase) -> list[dict[str, Any]]:
    return [
        {
            "purchase_id": one.id,
            "id": line.id,
            "kind": line.kind,
            "sku": line.sku,
            "name": line.name,
            "quantity_milli": line.quantity_milli,
            "amount_minor": line.amount_minor,
            "discount_minor": _off(line),
            "spend_minor": line.spend_minor or 0,
            "paid_minor": line.paid_minor,
            "earned_points": one.earned_by_line.get(line.id, 0),
            "returned_milli": one.returned_milli.get(line.id, 0),
            "returned_minor": one.returned_minor.get(line.id, 0),
        }
        for line in one.lines
    ]


def _fiscal_values(one: KeptPurchase) -> list[dict[str, Any]]:
    return [
        {
            "programme_id": one.programme_id,
            "fn": sign.fn,
            "fd": sign.fd,
            "fp": sign.fp,
            "purchase_id": one.id,
        }
        for sign in dict.fromkeys(one.event.fiscal)
    ]


# --- refunds --------------------------------------------------------------------------------


def refunds_by_key(
    connection: Connection, keys: Collection[EventKey]
) -> dict[EventKey, KeptRefund]:
    if not keys:
        return {}
    named = tuple_(refunds.c.programme_id, refunds.c.source, refunds.c.external_id)
    found = connection.execute(select(refunds).where(named.in_(list(keys)))).mappings()
    return {
        (row["programme_id"], row["source"], row["external_id"]): _kept_refund(row) for row in found
    }


def refunds_of(connection: Connection, purchase_ids: Collection[int]) -> list[KeptRefund]:
    if not purchase_ids:
        return []
    found = connection.execute(
        select(refunds).where(refunds.c.purchase_id.in_(purchase_ids)).order_by(refunds.c.id)
    ).mappings()
    return [_kept_refund(row) for row in found]


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
    fiscal = refunds.c.document[("fiscal", "fp")].as_string()
    found = connection.execute(
        select(refunds)
        .where(
            refunds.c.programme_id == programme_id,
            refunds.c.state.in_(("waiting", "listed")),
            or_(
                refunds.c.purchase_external_id.in_(purchases_told),
                refunds.c.order.in_(orders),
                fiscal.in_({sign.fp for sign in signs}),
            ),
        )
        .order_by(refunds.c.id)
    ).mappings()
    return [_kept_refund(row) for row in found]


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


def write_refunds(connection: Connection, kept: Sequence[KeptRefund]) -> None:
    new = [one for one in kept if one.is_new]
    changed = [one for one in kept if one.changed and not one.is_new]
    if new:
        connection.execute(insert(refunds), [_refund_values(one) for one in new])
    if changed:
        connection.execute(
            _UPDATE_REFUND,
            [{f"b_{name}": value for name, value in _refund_values(o).items()} for o in changed],
        )


def _kept_refund(row: RowMapping) -> KeptRefund:
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


def _refund_values(one: KeptRefund) -> dict[str, Any]:
    event = one.event
    return {
        "id": one.id,
        "programme_id": one.programme_id,
        "source": one.source,
        "external_id": event.external_id,
        "revision": event.revision,
        "content_hash": one.content_hash,
        "state": one.state,
        "by_list": one.by_list,
        "purchase_id": one.purchase_id,
        "purchase_external_id": event.purchase,
        "order": event.order,
        "occurred_at": event.occurred_at,
        "received_at": one.received_at,
        "amount_minor": event.amount_minor,
        "document": to_json(event),
        "booking": one.booking,
        "flags": one.flags,
    }


_UPDATE_REFUND = (
    update(refunds)
    .where(refunds.c.id == bindparam("b_id"))
    .values(
        {
            column.name: bindparam(f"b_{column.name}")
            for column in refunds.c
            if column.name not in ("id", "programme_id", "source", "external_id", "received_at")
        }
    )
)
