"""Gift certificates, their lots and their movements as people and callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.certificate_book import Move
from loyalty_core.domain.certificates import LENGTH
from loyalty_core.domain.coupon_codes import told
from loyalty_core.domain.errors import CertificateNotFound, InvalidInput
from loyalty_core.store import certificates as store
from loyalty_core.store import code_lots
from loyalty_core.store.certificates import KeptCertificate, KeptLot
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.money import format_decimal


def certificate_view(one: KeptCertificate, now: datetime) -> dict[str, Any]:
    """A certificate as people and callers see it.  `state`: `issued`, `active`, `spent`,
    `expired`, `blocked`, `void`; what holds reserve is not in `balance`."""
    book = one.book
    lives = book.lives_at(now)
    return {
        "id": to_wire("ct", one.id),
        "code": told(one.code, LENGTH),
        "series": one.terms.series,
        "state": state_at(one, now),
        "member": None if one.member_id is None else to_wire("m", one.member_id),
        "nominal": None if one.nominal_minor is None else format_decimal(one.nominal_minor),
        "balance": format_decimal(book.free if lives else 0),
        "reserved": format_decimal(book.figures.reserved),
        "owed": format_decimal(book.figures.owed),
        "activated_at": None if book.activated_at is None else book.activated_at.isoformat(),
        "expires_at": None if book.expires_at is None else book.expires_at.isoformat(),
        "created_at": one.created_at.isoformat(),
    }


def state_at(one: KeptCertificate, now: datetime) -> str:
    """Its state with what time does."""
    if one.state != "active":
        return one.state
    if not one.book.lives_at(now):
        return "expired"
    return "active" if one.book.figures.balance else "spent"


def move_view(move: Move) -> dict[str, Any]:
    """A movement, wire-ready."""
    change, why = move.change, move.why
    return {
        "no": move.no,
        "kind": move.kind.value,
        **{name: format_decimal(minor) for name, minor in change._asdict().items()},
        "purchase": None if why.purchase_id is None else to_wire("p", why.purchase_id),
        "by": why.by,
        "occurred_at": why.occurred_at.isoformat(),
        "booked_at": why.booked_at.isoformat(),
    }


LOT = "cl"
"""How a lot is named outside."""


def lot_of(connection: Connection, programme_id: int, lot_id: str) -> KeptLot:
    """By its wire id.  Raises: CertificateNotFound."""
    number = from_wire(LOT, lot_id)
    lot = None if number is None else store.lot_by_id(connection, programme_id, number)
    if lot is None:
        raise CertificateNotFound
    return lot


def certificate_of(
    connection: Connection, programme_id: int, certificate_id: str
) -> KeptCertificate:
    """By its wire id.  Raises: CertificateNotFound."""
    number = from_wire("ct", certificate_id)
    one = None if number is None else store.find_certificate(connection, programme_id, number)
    if one is None:
        raise CertificateNotFound
    return one


def count_states(connection: Connection, lot: KeptLot, now: datetime) -> dict[str, tuple[int, int]]:
    """How many certificates of a lot are in each state of `certificate_view`, and the money
    (kopecks) on them."""
    return code_lots.certificate_states(connection, lot.id, now)


def certificates_of(
    connection: Connection, lot: KeptLot, *, cursor: str | None, limit: int, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a lot, and where the next one begins.  Raises: InvalidInput (cursor)."""
    after = -1 if cursor is None else from_wire("ct", cursor)
    if after is None:
        raise InvalidInput({"cursor": ["Not a cursor of this list."]})
    found = store.of_lot(connection, lot.id, after=after, limit=limit + 1)
    page = [certificate_view(one, now) for one in found[:limit]]
    return page, page[-1]["id"] if len(found) > limit else None
