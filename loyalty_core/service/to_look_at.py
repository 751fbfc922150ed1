"""Lists for a person: what the hub could not settle by itself.  Wire-ready."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.consents import ERASE_WITHIN
from loyalty_core.domain.errors import InvalidInput, NotFound
from loyalty_core.service.members import Page
from loyalty_core.store import audit
from loyalty_core.store import looked_at as marks
from loyalty_core.store import odd_receipts as store
from loyalty_core.store.consents import Withdrawn, withdrawn
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.installations import number_of_source
from loyalty_core.store.looked_at import Key, Looked
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
MOST_NOTE = 500
_PREFIX = {"purchase": "p", "refund": "r"}
_END_OF_TIME = 2**57
"""Microseconds; some thousands of years before the last time that can be told."""


def lost_refunds(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    *,
    seen: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    shops: Collection[str] | None = None,
) -> Page:
    """Refunds that found no purchase, the newest first; one whose purchase comes leaves the list,
    and so does one that somebody has looked at (`seen`: those instead, as in all these lists).
    `shops`: codes of those in which they were told, None: all.

    Raises: InvalidInput (cursor).
    """
    before = _number("r", cursor)
    rows = store.lost_refunds(
        connection, programme_id, seen=seen, before=before, limit=limit + 1, shops_of=shops
    )
    page = _page(rows, limit, _refund, lambda last: to_wire("r", last.id))
    return _with_notes(connection, programme_id, page, seen)


def conflicts(
    connection: Connection,
    programme_id: int,
    *,
    seen: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """Pairs of members whom one receipt named together, the newest first; merging the two, or
    erasing one, settles it.

    Raises: InvalidInput (cursor).
    """
    after = None if cursor is None else _read_place(cursor)
    rows = store.conflicts(connection, programme_id, seen=seen, after=after, limit=limit + 1)
    page = _page(rows, limit, _conflict, _place)
    return _with_notes(connection, programme_id, page, seen)


def flagged_receipts(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    *,
    seen: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    shops: Collection[str] | None = None,
) -> Page:
    """Purchases and refunds that did not fit and were booked all the same, the newest first;
    `shops`: codes of those to be shown, None: all.

    Raises: InvalidInput (cursor).
    """
    before = _number("f", cursor)
    rows = store.flagged(
        connection, programme_id, seen=seen, before=before, limit=limit + 1, shops_of=shops
    )
    page = _page(rows, limit, _flagged, lambda last: to_wire("f", last.id))
    return _with_notes(connection, programme_id, page, seen)


def erasures(
    connection: Connection,
    programme_id: int,
    *,
    seen: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """Members who have withdrawn the consent to processing, whose wish is the oldest first;
    erasing one, or a later yes, settles it, and nobody can mark it as looked at (`seen`).

    Raises: InvalidInput (cursor).
    """
    if seen:
        return Page([], None)
    after = None if cursor is None else _read_wish(cursor)
    rows = withdrawn(connection, programme_id, after=after, limit=limit + 1)
    return _page(rows, limit, _erasure, _wish)


def look_at(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    what: Sequence[str],
    note: str,
    *,
    author: str,
    now: datetime,
    shops: Collection[str] | None = None,
) -> None:
    """Somebody has looked at a receipt (its id), or at two members whom one receipt named: it
    leaves the list, and the note stands among those that were looked at.

    The log is told that it was looked at; the note may name people, and an erasure empties it.

    Raises: NotFound (no such thing here, or a receipt of another shop than these `shops`),
    InvalidInput (note).
    """
    if len(note) > MOST_NOTE:
        raise InvalidInput({"note": ["Too long."]})
    kind, number, other = _key(connection, programme_id, what, shops)
    marks.look(connection, Looked(programme_id, kind, number, other, note, author, now))
    audit.note(connection, programme_id, "looked_at", " ".join(what), author=author, now=now)


def look_again(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    what: Sequence[str],
    *,
    author: str,
    now: datetime,
    shops: Collection[str] | None = None,
) -> None:
    """Put it back on its list.  Raises: NotFound, as `look_at`."""
    if marks.look_away(connection, programme_id, _key(connection, programme_id, what, shops)):
        audit.note(connection, programme_id, "put_back", " ".join(what), author=author, now=now)


def _key(
    connection: Connection, programme_id: int, what: Sequence[str], shops: Collection[str] | None
) -> Key:
    """Raises: NotFound."""
    key = _read_key(what)
    if key is None or not store.is_there(connection, programme_id, key, shops):
        raise NotFound
    return key


def _read_key(what: Sequence[str]) -> Key | None:
    for kind, prefix in _PREFIX.items():
        if len(what) == 1 and (number := from_wire(prefix, what[0])) is not None:
            return kind, number, 0
    pair = sorted(number for one in what if (number := from_wire("m", one)) is not None)
    return (marks.CONFLICT, pair[0], pair[1]) if len(what) == len(pair) == 2 else None


def _with_notes(connection: Connection, programme_id: int, page: Page, seen: bool) -> Page:
    """Beside what was looked at, by whom and what they wrote."""
    if not seen:
        return page
    keys = [_read_key(_what(view)) for view in page.items]
    found = marks.looked_of(connection, programme_id, [key for key in keys if key])
    told = [
        view if key not in found or key is None else {**view, "looked": _looked(found[key])}
        for view, key in zip(page.items, keys, strict=True)
    ]
    return Page(told, page.next_cursor)


def _what(view: Mapping[str, Any]) -> Sequence[str]:
    return [view["id"]] if "id" in view else [view["member"], view["other"]]


def _looked(one: Looked) -> dict[str, Any]:
    return {"note": one.note, "by": one.author, "at": one.at.isoformat()}


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


def _erasure(row: Withdrawn) -> dict[str, Any]:
    return {
        "member": to_wire("m", row.member_id),
        "withdrawn_at": row.at.isoformat(),
        "erase_by": (row.at + ERASE_WITHIN).isoformat(),
    }


def _wish(last: Withdrawn) -> str:
    return ".".join((to_wire("t", to_micros(last.at)), to_wire("m", last.member_id)))


def _read_wish(cursor: str) -> tuple[datetime, int]:
    at, _, who = cursor.partition(".")
    micros, member = from_wire("t", at), from_wire("m", who)
    if micros is None or member is None or micros > _END_OF_TIME:
        raise InvalidInput(_BAD_CURSOR)
    return from_micros(micros), member


def told_source(name: str) -> str:
    """A connection by its id on the wire; a key by its name."""
    number = number_of_source(name)
    return name if number is None else to_wire("i", number)


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
