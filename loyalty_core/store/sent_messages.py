"""What became of each message: handed over, delivered, failed; neither its text nor where to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.ids import first_id_at
from loyalty_core.store.tables import sent_messages


@dataclass(frozen=True, slots=True)
class SentMessage:
    """`id` is that of the outbox's row.  `state`: "sent" is handed to the vendor; "delivered"
    the vendor says; "failed", with the reason.  `look_at`: when the vendor is asked."""

    id: int
    programme_id: int
    member_id: int | None
    kind: str
    channel: str | None
    installation_id: int | None
    state: str
    made_at: datetime
    handed_at: datetime
    reason: str | None = None
    reference: str | None = None
    parts: int | None = None
    cost_minor: int | None = None
    ended_at: datetime | None = None
    look_at: datetime | None = None


_COLUMNS = [sent_messages.c[name] for name in SentMessage.__slots__]


def keep(connection: Connection, message: SentMessage) -> None:
    """What the last attempt at a row came to."""
    values = {name: getattr(message, name) for name in SentMessage.__slots__}
    query = insert_or(connection, sent_messages).values(**values)
    connection.execute(query.on_conflict_do_update(index_elements=("id",), set_=values))


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime, limit: int
) -> list[SentMessage]:
    """Take messages that the vendors are to be asked of; nobody else sees them before `until`."""
    due = (
        select(sent_messages.c.id)
        .where(sent_messages.c.programme_id == programme_id, sent_messages.c.look_at <= now)
        .order_by(sent_messages.c.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(due))
    if not ids:
        return []
    which = sent_messages.c.id.in_(ids)
    connection.execute(update(sent_messages).where(which).values(look_at=until))
    found = connection.execute(select(*_COLUMNS).where(which).order_by(sent_messages.c.id))
    return [SentMessage(*row) for row in found]


def give_back(
    connection: Connection, ids: Collection[int], *, until: datetime, now: datetime
) -> None:
    """Of those claimed `until` then, these were not asked for."""
    connection.execute(
        update(sent_messages)
        .where(sent_messages.c.id.in_(ids), sent_messages.c.look_at == until)
        .values(look_at=now)
    )


def put_off(
    connection: Connection, message: SentMessage, *, now: datetime, until: datetime
) -> None:
    """Whatever else its connection is to be asked of now waits `until` then."""
    connection.execute(
        update(sent_messages)
        .where(
            sent_messages.c.installation_id == message.installation_id,
            sent_messages.c.look_at <= now,
        )
        .values(look_at=until)
    )


def note(connection: Connection, number: int, changes: dict[str, Any]) -> None:
    """What the vendor says of a message, unless its person was erased meanwhile."""
    connection.execute(
        update(sent_messages)
        .where(sent_messages.c.id == number, sent_messages.c.look_at.is_not(None))
        .values(**changes)
    )


def programmes_due(connection: Connection, now: datetime) -> Sequence[int]:
    query = select(sent_messages.c.programme_id).where(sent_messages.c.look_at <= now).distinct()
    return list(connection.scalars(query))


def page(
    connection: Connection,
    programme_id: int,
    chosen: dict[str, Any],
    *,
    before: int | None,
    limit: int,
) -> list[SentMessage]:
    """The newest first; `chosen`: columns and the value that each must have."""
    query = select(*_COLUMNS).where(sent_messages.c.programme_id == programme_id)
    for name, value in chosen.items():
        query = query.where(sent_messages.c[name] == value)
    if before is not None:
        query = query.where(sent_messages.c.id < before)
    found = connection.execute(query.order_by(sent_messages.c.id.desc()).limit(limit))
    return [SentMessage(*row) for row in found]


def of_members(connection: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What an export tells of them, the oldest first."""
    kept = ("kind", "channel", "state", "reason", "made_at", "handed_at", "ended_at")
    query = select(*[sent_messages.c[name] for name in kept]).where(
        sent_messages.c.member_id.in_(ids)
    )
    found = connection.execute(query.order_by(sent_messages.c.id)).mappings()
    return [dict(row) for row in found]


def move_member(connection: Connection, leaving: int, survivor: int) -> None:
    connection.execute(
        update(sent_messages).where(sent_messages.c.member_id == leaving).values(member_id=survivor)
    )


def forget_members(connection: Connection, ids: Collection[int]) -> None:
    """What it cost stays; whom it was for, and the vendor's number of it, go."""
    connection.execute(
        update(sent_messages)
        .where(sent_messages.c.member_id.in_(ids))
        .values(member_id=None, reference=None, look_at=None)
    )


def forget_old(connection: Connection, *, made_before: datetime, limit: int) -> int:
    """Delete what was made long ago; how many."""
    old = (
        select(sent_messages.c.id)
        .where(sent_messages.c.id < first_id_at(made_before))
        .order_by(sent_messages.c.id)
        .limit(limit)
    )
    gone = connection.execute(
        delete(sent_messages).where(sent_messages.c.id.in_(old.scalar_subquery()))
    )
    return gone.rowcount
