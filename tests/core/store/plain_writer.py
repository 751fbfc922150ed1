"""The slow and obvious way to write: one statement a row, its values by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, update

from loyalty_core.domain.account import AccountBook
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.refunds import KeptRefund
from loyalty_core.store.tables import (
    accounts,
    entries,
    entry_lots,
    lots,
    purchase_fiscal,
    purchase_lines,
    purchases,
    refunds,
)

COUNTS = ("free", "held", "expired", "owed")
FIGURES = ("available", "pending", "held", "debt")


def write_books_plainly(connection: Connection, books: Iterable[AccountBook]) -> None:
    for book in books:
        account = {"member_id": book.member_id, "currency": book.currency}
        for entry in book.entries:
            values = {name: getattr(entry, f"d_{name}") for name in FIGURES}
            connection.execute(
                insert(entries).values(
                    **account,
                    **{f"d_{name}": value for name, value in values.items()},
                    seq=entry.seq,
                    kind=str(entry.kind),
                    amount=entry.amount,
                    key=entry.key,
                    purchase_id=entry.cause.purchase_id,
                    cause=dict(entry.cause.facts),
                    occurred_at=entry.cause.occurred_at,
                    booked_at=entry.cause.booked_at,
                )
            )
            for row in entry.rows:
                moved = {f"d_{name}": getattr(row, f"d_{name}") for name in COUNTS}
                place = {"seq": row.seq, "line": row.line, "lot": row.lot}
                one = {**account, **place, **moved, "instead_of": row.instead_of}
                connection.execute(insert(entry_lots).values(**one))
        for no in book.touched:
            _write_lot(connection, book, no)
        figures = {name: getattr(book, name) for name in FIGURES}
        figures |= {"entries": book.entries_made, "lots": book.lots_made}
        _update(connection, accounts, account, figures)


def _write_lot(connection: Connection, book: AccountBook, no: int) -> None:
    lot = book.lots[no]
    key = {"member_id": book.member_id, "currency": book.currency, "no": no}
    state = {name: getattr(lot, name) for name in (*COUNTS, "active")}
    if not lot.is_new:
        _update(connection, lots, key, state)
        return
    born = {name: getattr(lot, name) for name in ("amount", "spendable_from", "expires_at")}
    born |= {"purchase_id": lot.purchase_id}
    if lot.origin is not None:
        born |= {"origin_member": lot.origin[0], "origin_no": lot.origin[1]}
    connection.execute(insert(lots).values(**key, **state, **born))


def write_purchase_plainly(connection: Connection, one: KeptPurchase) -> None:
    event = one.event
    off = {line.id: _off(line) for line in one.lines}
    values = {
        "revision": event.revision,
        "content_hash": one.content_hash,
        "status": str(event.status),
        "shop_id": one.shop_id,
        "member_id": one.member_id,
        "linked_to": one.linked_to,
        "order": event.order,
        "occurred_at": event.occurred_at,
        "amount_minor": sum(line.amount_minor for line in one.lines),
        "discount_minor": sum(off.values()),
        "spend_minor": sum(line.spend_minor or 0 for line in one.lines),
        "paid_minor": sum(line.paid_minor for line in one.lines),
        "qualifying_minor": one.qualifying_minor,
        "earned_points": sum(one.earned_by_line.get(line.id, 0) for line in one.lines),
        "document": plain_json(event),
        "booking": one.booking,
        "flags": one.flags,
    }
    _insert_or_update(connection, purchases, one, values)
    for table in (purchase_lines, purchase_fiscal):
        connection.execute(delete(table).where(table.c.purchase_id == one.id))
    for line in one.lines:
        names = ("id", "sku", "name", "quantity_milli", "amount_minor", "paid_minor")
        connection.execute(
            insert(purchase_lines).values(
                **{name: getattr(line, name) for name in names},
                purchase_id=one.id,
                kind=str(line.kind),
                discount_minor=off[line.id],
                spend_minor=line.spend_minor or 0,
                earned_points=one.earned_by_line.get(line.id, 0),
                returned_milli=one.returned_milli.get(line.id, 0),
                returned_minor=one.returned_minor.get(line.id, 0),
            )
        )
    for sign in set(event.fiscal):
        parts = {"fn": sign.fn, "fd": sign.fd, "fp": sign.fp}
        parts |= {"programme_id": one.programme_id, "purchase_id": one.id}
        connection.execute(insert(purchase_fiscal).values(parts))


def _off(line: Any) -> int:
    return (line.reduction_minor or 0) if line.discount_minor is None else line.discount_minor


def write_refund_plainly(connection: Connection, one: KeptRefund) -> None:
    event = one.event
    values = {
        "revision": event.revision,
        "content_hash": one.content_hash,
        "state": one.state,
        "by_list": one.by_list,
        "purchase_id": one.purchase_id,
        "purchase_external_id": event.purchase,
        "order": event.order,
        "occurred_at": event.occurred_at,
        "amount_minor": event.amount_minor,
        "document": plain_json(event),
        "booking": one.booking,
        "flags": one.flags,
    }
    _insert_or_update(connection, refunds, one, values)


def _insert_or_update(
    connection: Connection, table: Table, one: Any, values: Mapping[str, Any]
) -> None:
    if not one.is_new:
        _update(connection, table, {"id": one.id}, values)
        return
    names = ("id", "programme_id", "source", "received_at")
    born = {name: getattr(one, name) for name in names} | {"external_id": one.event.external_id}
    connection.execute(insert(table).values({**born, **values}))


def _update(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    is_it = [table.c[name] == value for name, value in key.items()]
    connection.execute(update(table).where(*is_it).values(dict(values)))


def plain_json(value: Any) -> Any:
    """JSON data, asking each value what it is; what stands at its default is left out."""
    if is_dataclass(value):
        return {
            field.name: plain_json(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != field.default
        }
    if isinstance(value, Mapping):
        return {name: plain_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
