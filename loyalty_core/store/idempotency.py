"""Answers kept by `Idempotency-Key`, so that a repeated call is answered and not done again.

A call first claims its key in a transaction of its own.  The answer is kept in the transaction
that did the work, so work that was done always has its answer, and work that was rolled back
never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_core.domain.errors import IdempotencyConflict, InProgress
from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import idempotency

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=2)
"""A claim that is older and has no answer belongs to a process that died."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One call under one key.  `claimed_at` tells it from a later claim of the same key."""

    key_id: int
    route: str
    key: str
    request_hash: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    status: int
    body: bytes
    content_type: str


def claim(connection: Connection, wanted: Claim) -> KeptAnswer | None:
    """None: the key is ours now.  Otherwise the answer that the first call was given.

    Raises: IdempotencyConflict (the key was used for another body), InProgress (the first
    call is still running).
    """
    if _insert(connection, wanted):
        return None
    row = connection.execute(select(idempotency).where(_key(wanted))).one_or_none()
    if row is None or _lapsed(row.status, row.created_at, wanted.claimed_at):
        if row is None or not _take_over(connection, wanted, row.created_at):
            raise InProgress
        return None
    if row.request_hash != wanted.request_hash:
        raise IdempotencyConflict
    if row.status is None:
        raise InProgress
    return KeptAnswer(row.status, row.body, row.content_type)


def keep(connection: Connection, claimed: Claim, answer: KeptAnswer) -> None:
    """Keep the answer together with the work.

    Raises: InProgress where the claim was taken over meanwhile, so that the caller's work is
    rolled back and is not done twice.
    """
    kept = connection.execute(
        update(idempotency)
        .where(_key(claimed), _still_ours(claimed))
        .values(status=answer.status, body=answer.body, content_type=answer.content_type)
    )
    if kept.rowcount != 1:
        raise InProgress


def give_up(connection: Connection, claimed: Claim) -> None:
    """Free the key of a call that came to no answer worth keeping."""
    connection.execute(delete(idempotency).where(_key(claimed), _still_ours(claimed)))


def forget_old(connection: Connection, *, now: datetime, limit: int = 500) -> int:
    """Delete a batch of answers older than a day; how many, 0 when none is left."""
    old = (
        select(idempotency.c.key_id, idempotency.c.route, idempotency.c.key)
        .where(idempotency.c.created_at < now - KEPT)
        .order_by(idempotency.c.created_at)
        .limit(limit)
    )
    rows = connection.execute(old).all()
    for row in rows:
        connection.execute(
            delete(idempotency).where(
                idempotency.c.key_id == row.key_id,
                idempotency.c.route == row.route,
                idempotency.c.key == row.key,
                idempotency.c.created_at < now - KEPT,
            )
        )
    return len(rows)


def _insert(connection: Connection, wanted: Claim) -> bool:
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    done = connection.execute(
        insert(idempotency)
        .values(
            key_id=wanted.key_id,
            route=wanted.route,
            key=wanted.key,
            request_hash=wanted.request_hash,
            created_at=wanted.claimed_at,
        )
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)
    )
    return done.first() is not None


def _take_over(connection: Connection, wanted: Claim, seen_at: datetime) -> bool:
    done = connection.execute(
        update(idempotency)
        .where(_key(wanted), idempotency.c.created_at == seen_at)
        .values(
            request_hash=wanted.request_hash,
            status=None,
            body=None,
            content_type=None,
            created_at=wanted.claimed_at,
        )
    )
    return bool(done.rowcount == 1)


def _lapsed(status: int | None, claimed_at: datetime, now: datetime) -> bool:
    return now - claimed_at > (ABANDONED if status is None else KEPT)


def _key(claimed: Claim) -> ColumnElement[bool]:
    return and_(
        idempotency.c.key_id == claimed.key_id,
        idempotency.c.route == claimed.route,
        idempotency.c.key == claimed.key,
    )


def _still_ours(claimed: Claim) -> ColumnElement[bool]:
    return and_(idempotency.c.created_at == claimed.claimed_at, idempotency.c.status.is_(None))
