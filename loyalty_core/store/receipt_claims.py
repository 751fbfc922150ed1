"""Queries over fiscal receipts that members have registered by their QR codes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import receipt_claims
from loyalty_kit.events import FiscalSign

WAITING, BOOKED, REFUSED = "waiting", "booked", "refused"


@dataclass(frozen=True, slots=True)
class Claim:
    """A member's word that a receipt is the member's own.

    `waiting` until the shop reports the receipt; `refused` where it turned out to be another
    one, or somebody else's.  `bought_at` is the till's time in the programme's zone.
    """

    sign: FiscalSign
    member_id: int
    state: str
    bought_at: datetime
    sum_minor: int
    purchase_id: int | None
    made_at: datetime


_OWN = ("member_id", "state", "bought_at", "sum_minor", "purchase_id", "made_at")
_COLUMNS = ("programme_id", "fn", "fd", "fp", *_OWN)
_SELECTED = [receipt_claims.c[name] for name in ("fn", "fd", "fp", *_OWN)]


def claims_of_signs(
    connection: Connection, programme_id: int, signs: Collection[FiscalSign]
) -> dict[FiscalSign, Claim]:
    """Those of these receipts that somebody has registered."""
    if not signs:
        return {}
    values = {
        "fn": {sign.fn for sign in signs},
        "fd": {sign.fd for sign in signs},
        "fp": {sign.fp for sign in signs},
    }
    found = connection.execute(
        select(*_SELECTED).where(
            receipt_claims.c.programme_id == programme_id,
            *(among(receipt_claims.c[name], name) for name in values),
        ),
        values,
    )
    claims = (_claim(row) for row in found)
    return {claim.sign: claim for claim in claims if claim.sign in signs}


def claims_of_members(connection: Connection, ids: Collection[int]) -> list[Claim]:
    """In the order in which they were made."""
    query = select(*_SELECTED).where(receipt_claims.c.member_id.in_(ids))
    order = (receipt_claims.c.made_at, receipt_claims.c.fn, receipt_claims.c.fd)
    return [_claim(row) for row in connection.execute(query.order_by(*order))]


def add_claim(connection: Connection, programme_id: int, claim: Claim) -> bool:
    """Whether it is the first one of its receipt; the primary key decides."""
    sign = claim.sign
    row = (programme_id, sign.fn, sign.fd, sign.fp, *(getattr(claim, name) for name in _OWN))
    key = ("programme_id", "fn", "fd", "fp")
    return insert_many(connection, receipt_claims, _COLUMNS, [row], unless=key) == 1


def keep_claim(connection: Connection, programme_id: int, claim: Claim) -> None:
    """How the claim of a receipt stands now, and whose it is."""
    sign = claim.sign
    connection.execute(
        update(receipt_claims)
        .where(
            receipt_claims.c.programme_id == programme_id,
            receipt_claims.c.fn == sign.fn,
            receipt_claims.c.fd == sign.fd,
            receipt_claims.c.fp == sign.fp,
        )
        .values({name: getattr(claim, name) for name in _OWN})
    )


def move_member(connection: Connection, old: int, new: int) -> None:
    connection.execute(
        update(receipt_claims).where(receipt_claims.c.member_id == old).values(member_id=new)
    )


def forget_members(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(receipt_claims).where(receipt_claims.c.member_id.in_(ids)))


def _claim(row: Any) -> Claim:
    fn, fd, fp, *own = row
    return Claim(FiscalSign(fn, fd, fp), *own)
