"""Lists for a person: what the hub could not settle by itself.  Wire-ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service.members import Page
from loyalty_core.store import odd_receipts as store
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.odd_receipts import (
    ConflictPlace,
    FlaggedReceipt,
    IdentityConflict,
    LostRefund,
)
from loyalty_core.store.types import from_micros, to_micros
from loyalty_kit.money import format_decimal

KINDS = ("external", "card", "phone", "email")
_BAD_CURSOR = {"cursor": ["Not a cursor of this list."]}
_PREFIX = {"purchase": "p", "refund": "r"}
_END_OF_TIME = 2**57
"""Microseconds; some thousands of years before the last time that can be told."""


def lost_refunds(
    connection: Connection, programme_id: int, *, cursor: str | None = None, limit: int = 50
) -> Page:
    """Refunds that found no purchase, the newest first; one whose purchase comes leaves the list.

    Raises: InvalidInput (cursor).
    """
    before = _number("r", cursor)
    rows = store.lost_refunds(connection, programme_id, before=before, limit=limit + 1)
    return _page(rows, limit, _refund, lambda last: to_wire("r", last.id))


def conflicts(
    connection: Connection, programme_id: int, *, cursor: str | None = None, limit: int = 50
) -> Page:
    """Pairs of members whom one receipt named together, the newest first; merging the two, or
    erasing one, settles it.

    Raises: InvalidInput (cursor).
    """
    after = None if cursor is None else _read_place(cursor)
    rows = store.conflicts(connection, programme_id, after=after, limit=limit + 1)
    return _page(rows, limit, _conflict, _place)


def flagged_receipts(
    connection: Connection, programme_id: int, *, cursor: str | None = None, limit: int = 50
) -> Page:
    """Purchases and refunds that did not fit and were booked all the same, the newest first.

    Raises: InvalidInput (cursor).
    """
    before = _number("f", cursor)
    rows = store.flagged(connection, programme_id, before=before, limit=limit + 1)
    return _page(rows, limit, _flagged, lambda last: to_wire("f", last.id))


def _page(
    rows: list[Any], limit: int, shown: Callable[[Any], dict[str, Any]], place: Callable[[Any], str]
) -> Page:
    page = rows[:limit]
    return Page([shown(row) for row in page], place(page[-1]) if len(rows) > limit else None)


def _refund(row: LostRefund) -> dict[str, Any]:
    return {
        "id": to_wire("r", row.id),
        "external_id": row.external_id,
        "source": told_source(row.source),
        "state": row.state,
        "purchase": row.purchase,
        "order": row.order,
        "amount": format_decimal(row.amount_minor),
        "occurred_at": row.occurred_at.isoformat(),
        "received_at": row.received_at.isoformat(),
        "flags": row.flags,
    }


def _conflict(row: IdentityConflict) -> dict[str, Any]:
    return {
        "member": to_wire("m", row.member_id),
        "other": to_wire("m", row.other_member_id),
        "kind": row.kind,
        "source": told_source(row.source),
        "seen_at": row.seen_at.isoformat(),
    }


def _flagged(row: FlaggedReceipt) -> dict[str, Any]:
    return {
        "id": to_wire(_PREFIX[row.kind], row.id),
        "kind": row.kind,
        "external_id": row.external_id,
        "source": told_source(row.source),
        "shop": row.shop,
        "member": None if row.member_id is None else to_wire("m", row.member_id),
        "sum": format_decimal(row.sum_minor),
        "occurred_at": row.occurred_at.isoformat(),
        "received_at": row.received_at.isoformat(),
        "flags": row.flags,
    }


def told_source(name: str) -> str:
    """A connection by its id on the wire; a key by its name."""
    kind, _, number = name.partition(":")
    return to_wire("i", int(number)) if kind == "installation" and number.isdecimal() else name


def _number(prefix: str, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    number = from_wire(prefix, cursor)
    if number is None:
        raise InvalidInput(_BAD_CURSOR)
    return number


def _place(last: IdentityConflict) -> str:
    at = to_wire("t", to_micros(last.seen_at))
    pair = to_wire("m", last.member_id), to_wire("m", last.other_member_id)
    return ".".join((at, *pair, last.kind))


def _read_place(cursor: str) -> ConflictPlace:
    parts = cursor.split(".")
    if len(parts) == 4 and parts[3] in KINDS:
        at, one, other = (
            from_wire(prefix, part) for prefix, part in zip("tmm", parts[:3], strict=True)
        )
        if at is not None and at < _END_OF_TIME and one is not None and other is not None:
            return from_micros(at), one, other, parts[3]
    raise InvalidInput(_BAD_CURSOR)
