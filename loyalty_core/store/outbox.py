"""The outbox: what must reach the world, written with its cause and sent afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, true, update

from loyalty_core.store.ids import new_id
from loyalty_core.store.sets import among, among_found, and_then, insert_many
from loyalty_core.store.tables import DEAD, DUE, outbox
from loyalty_kit.frozen import frozen

MESSAGE = "message"
"""The kind of rows that tell a person something."""
BALANCE_CHANGED = "balance_changed"
"""The kind of rows by which shops are told a member's balance anew."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row that a worker has claimed; `attempts` counts this one, and `error_code` is what the
    last one came to."""

    id: int
    programme_id: int
    kind: str
    key: str
    installation_id: int | None
    payload: Mapping[str, Any]
    attempts: int
    member_id: int | None = None
    urgent: bool = False
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an attempt; `due_at` is read where the state is "due" again."""

    state: str
    due_at: datetime | None = None
    error_code: str | None = None
    error_text: str | None = None
    attempt_counts: bool = True


@frozen
class Notice:
    """One thing to send; the same kind and key again changes nothing.

    `member_id`: whom it tells something.  `urgent`: somebody waits for it at a till.  `id` is
    given by a caller that must know it.
    """

    programme_id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    installation_id: int | None = None
    member_id: int | None = None
    urgent: bool = False
    id: int | None = None


class KeyedMessage(NamedTuple):
    """A message and how it stands; `error_code` of one that is over: it was not sent."""

    id: int
    member_id: int
    key: str
    state: str
    error_code: str | None

    @property
    def is_told(self) -> bool:
        """It was sent, or is to be."""
        return self.state == "due" or (self.state == "done" and self.error_code is None)


_NEW = (
    "id",
    "programme_id",
    "kind",
    "key",
    "installation_id",
    "payload",
    "state",
    "due_at",
    "created_at",
    "member_id",
    "urgent",
)


def announce(connection: Connection, notices: Sequence[Notice], *, now: datetime) -> None:
    """Put things to send in the outbox, in the transaction of their cause."""
    rows = [
        (
            notice.id or new_id(now),
            notice.programme_id,
            notice.kind,
            notice.key,
            notice.installation_id,
            notice.payload,
            "due",
            now,
            now,
            notice.member_id,
            notice.urgent,
        )
        for notice in notices
    ]
    insert_many(connection, outbox, _NEW, rows, unless=("programme_id", "kind", "key"))


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime, limit: int
) -> list[OutboxRow]:
    """Take due rows: nobody else sees them before `until`, when the claim runs out.

    Urgent ones are taken alone, so that they do not stand behind others of their batch.
    """
    what = {"programme": programme_id, "now": now, "until": until, "most": limit}
    taken = connection.execute(_CLAIM_URGENT, what).all() or connection.execute(_CLAIM, what)
    return sorted((OutboxRow(*row) for row in taken), key=lambda row: row.id)


def _claim(*, urgent: bool) -> Any:
    due = (
        select(outbox.c.id)
        .where(
            outbox.c.programme_id == bindparam("programme"),
            outbox.c.state == DUE,
            outbox.c.due_at <= bindparam("now"),
            outbox.c.urgent if urgent else true(),
        )
        .order_by(outbox.c.due_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(outbox)
        .where(among_found(outbox.c.id, due))
        .values(due_at=bindparam("until"), attempts=outbox.c.attempts + 1)
        .returning(*[outbox.c[name] for name in OutboxRow.__dataclass_fields__])
    )


_CLAIM = _claim(urgent=False)
_CLAIM_URGENT = _claim(urgent=True)


def give_back(
    connection: Connection, rows: Sequence[OutboxRow], *, until: datetime, now: datetime
) -> None:
    """Rows claimed `until` then that were not tried are due again."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.id.in_([row.id for row in rows]),
            and_then(outbox.c.state == DUE),
            outbox.c.due_at == until,
        )
        .values(due_at=now, attempts=outbox.c.attempts - 1)
    )


def keep_claim(connection: Connection, row: OutboxRow, *, until: datetime) -> bool:
    """Go on holding a claimed row; False: someone else has claimed it since."""
    kept = connection.execute(
        update(outbox)
        .where(
            outbox.c.id == row.id,
            and_then(outbox.c.state == DUE),
            outbox.c.attempts == row.attempts,
        )
        .values(due_at=until)
    )
    return kept.rowcount == 1


def settle_done(
    connection: Connection, rows: Sequence[OutboxRow], *, until: datetime, now: datetime
) -> None:
    """Write down that rows claimed `until` then are done, unless someone has claimed them since."""
    what = {"numbers": [row.id for row in rows], "until": until, "now": now}
    connection.execute(_SETTLE_DONE, what)


_SETTLE_DONE = (
    update(outbox)
    .where(
        among(outbox.c.id, "numbers"),
        and_then(outbox.c.state == DUE),
        outbox.c.due_at == bindparam("until", type_=outbox.c.due_at.type),
    )
    .values(
        state="done",
        error_code=None,
        error_text=None,
        done_at=bindparam("now", type_=outbox.c.done_at.type),
    )
)


def settle(connection: Connection, row: OutboxRow, fate: Fate, *, now: datetime) -> bool:
    """Write down what became of a claimed row; False where someone has claimed it since."""
    values: dict[str, Any] = {
        "state": fate.state,
        "error_code": fate.error_code,
        "error_text": fate.error_text,
        "done_at": None if fate.state == "due" else now,
    }
    if fate.due_at is not None:
        values["due_at"] = fate.due_at
    if not fate.attempt_counts:
        values["attempts"] = row.attempts - 1
    if fate.state != "due" and row.kind == MESSAGE:
        # What it said and where it went is nobody's business once it is over.
        kept = ("channel", "letter")
        values["payload"] = {name: row.payload[name] for name in kept if name in row.payload}
    settled = connection.execute(
        update(outbox)
        .where(
            outbox.c.id == row.id,
            and_then(outbox.c.state == DUE),
            outbox.c.attempts == row.attempts,
        )
        .values(**values)
    )
    return settled.rowcount == 1


def hurry(connection: Connection, programme_id: int, error_code: str, *, now: datetime) -> None:
    """What waits for this reason is due now."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.programme_id == programme_id,
            outbox.c.state == DUE,
            outbox.c.due_at > now,
            outbox.c.error_code == error_code,
        )
        .values(due_at=now)
    )


def made_since(
    connection: Connection, programme_id: int, prefix: str, since: datetime
) -> list[datetime]:
    """When messages whose key begins so were written, the oldest first."""
    query = (
        select(outbox.c.created_at)
        .where(
            outbox.c.programme_id == programme_id,
            outbox.c.kind == MESSAGE,
            outbox.c.key >= prefix,
            outbox.c.key < prefix[:-1] + chr(ord(prefix[-1]) + 1),
            outbox.c.created_at >= since,
        )
        .order_by(outbox.c.created_at)
    )
    return list(connection.scalars(query))


def programmes_due(connection: Connection, now: datetime) -> Sequence[int]:
    return list(
        connection.scalars(
            select(outbox.c.programme_id)
            .where(outbox.c.state == DUE, outbox.c.due_at <= now)
            .distinct()
        )
    )


def counts(connection: Connection) -> dict[str, int]:
    """How many rows are due and dead; one query each, as each has its own index."""
    count = select(func.count()).select_from(outbox)
    return {
        state: connection.scalar(count.where(outbox.c.state == word)) or 0
        for state, word in (("due", DUE), ("dead", DEAD))
    }


def oldest_due_at(connection: Connection) -> datetime | None:
    oldest: datetime | None = connection.scalar(
        select(func.min(outbox.c.due_at)).where(outbox.c.state == DUE)
    )
    return oldest


def messages_of(connection: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What was sent to these members or is to be, the oldest first; neither text nor address."""
    found = connection.execute(
        select(
            outbox.c.created_at,
            outbox.c.done_at,
            outbox.c.state,
            outbox.c.error_code,
            outbox.c.payload,
        )
        .where(outbox.c.member_id.in_(ids), outbox.c.kind == MESSAGE)
        .order_by(outbox.c.id)
    )
    return [
        {
            "made_at": made,
            "ended_at": ended,
            "state": state,
            "reason": code,
            "channel": payload.get("channel"),
        }
        for made, ended, state, code, payload in found
    ]


def keyed_messages(connection: Connection, ids: Collection[int]) -> list[KeyedMessage]:
    """What was written to these members, the oldest first."""
    columns = [outbox.c[name] for name in KeyedMessage._fields]
    query = select(*columns).where(outbox.c.member_id.in_(ids), outbox.c.kind == MESSAGE)
    return [KeyedMessage(*row) for row in connection.execute(query.order_by(outbox.c.id))]


def change_key(connection: Connection, number: int, key: str) -> None:
    connection.execute(update(outbox).where(outbox.c.id == number).values(key=key))


def pass_over(connection: Connection, number: int, why: Fate, *, now: datetime) -> None:
    """It will not be sent, unless somebody is at it already."""
    connection.execute(
        update(outbox)
        .where(outbox.c.id == number, and_then(outbox.c.state == DUE))
        .values(state="done", error_code=why.error_code, error_text=why.error_text, done_at=now)
    )


def move_member(connection: Connection, leaving: int, survivor: int) -> None:
    """What is to be sent to one goes to the other."""
    connection.execute(
        update(outbox).where(outbox.c.member_id == leaving).values(member_id=survivor)
    )


def forget_member(
    connection: Connection, programme_id: int, ids: Sequence[int], addresses: Sequence[str]
) -> None:
    """Drop all messages to a person, sent or not; also those to an address of no member yet."""
    address = outbox.c.payload["to"].as_string()
    lone = and_(
        outbox.c.programme_id == programme_id, outbox.c.state == DUE, address.in_(addresses)
    )
    connection.execute(
        delete(outbox).where(outbox.c.kind == MESSAGE, or_(outbox.c.member_id.in_(ids), lone))
    )
