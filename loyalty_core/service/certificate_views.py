"""Gift certificates and their movements as people and callers see them.  Wire-ready."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from loyalty_core.domain.certificate_book import Move
from loyalty_core.domain.certificates import LENGTH
from loyalty_core.domain.coupon_codes import told
from loyalty_core.store.certificates import KeptCertificate
from loyalty_core.store.ids import to_wire
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
