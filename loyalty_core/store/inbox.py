"""The inbox: every delivery as it arrived, and the documents that deliveries point at.

A row that is due is a job.  A worker claims rows by moving `due_at` to the end of its lease;
what it writes afterwards counts only while nobody else has claimed the row since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.ids import new_id
from loyalty_core.store.installations import WORKED_STATES
from loyalty_core.store.tables import deliveries, installations

POLLED = "@pull"
"""The `hook` of rows that polling made; no webhook's name looks like it."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A call at the door, verified; `headers` are those that matter, without secrets."""

    installation_id: int
    programme_id: int
    hook: str
    key: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: int
    installation_id: int
    programme_id: int
    hook: str
    key: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    state: str
    attempts: int
    due_at: datetime
    done_at: datetime | None
    error_code: str | None
    error_text: str | None
    result: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an attempt.

    `attempt_counts` False gives the attempt back: the delivery was not the reason.
    """

    state: str
    due_at: datetime | None = None
    error_code: str | None = None
    error_text: str | None = None
    result: Mapping[str, Any] | None = None
    attempt_counts: bool = True


def store(connection: Connection, new: NewDelivery, *, now: datetime) -> int | None:
    """Keep a delivery once; its id, or None where it is known already."""
    statement = _insert(connection, new, now).on_conflict_do_nothing(
        index_elements=["installation_id", "hook", "key"]
    )
    fresh: int | None = connection.scalar(statement.returning(deliveries.c.id))
    return fresh


def remind(connection: Connection, news: Sequence[NewDelivery], *, now: datetime) -> None:
    """Keep rows of polled documents: one for each document, due again each time it is seen.

    One that is being worked on at this moment becomes due again as well, because its fetch
    may have begun before the change.
    """
    for new in sorted(news, key=lambda one: one.key):
        insert = _insert(connection, new, now)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["installation_id", "hook", "key"],
                set_={
                    "state": "due",
                    "due_at": now,
                    "received_at": now,
                    "attempts": 0,
                    "done_at": None,
                    "error_code": None,
                    "error_text": None,
                },
            )
        )


def _insert(connection: Connection, new: NewDelivery, now: datetime) -> Any:
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    return insert(deliveries).values(
        id=new_id(now),
        installation_id=new.installation_id,
        programme_id=new.programme_id,
        hook=new.hook,
        key=new.key,
        headers=dict(new.headers),
        body=new.body,
        received_at=now,
        state="due",
        due_at=now,
    )


def _rows() -> Select[Any]:
    return select(*[deliveries.c[name] for name in DeliveryRow.__dataclass_fields__])


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime, limit: int
) -> list[DeliveryRow]:
    """Take due rows of installations that are not paused, the longest due first."""
    due = (
        select(deliveries.c.id)
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(
            deliveries.c.programme_id == programme_id,
            deliveries.c.state == "due",
            deliveries.c.due_at <= now,
            installations.c.state.in_(WORKED_STATES),
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    ids = list(connection.scalars(due))
    if not ids:
        return []
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(due_at=until, attempts=deliveries.c.attempts + 1)
    )
    taken = connection.execute(_rows().where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id))
    return [DeliveryRow(*row) for row in taken]


def settle(connection: Connection, row: DeliveryRow, fate: Fate, *, now: datetime) -> bool:
    """Write down what became of a claimed row; False if it is no longer this worker's."""
    values: dict[str, Any] = {
        "state": fate.state,
        "error_code": fate.error_code,
        "error_text": fate.error_text,
        "result": None if fate.result is None else dict(fate.result),
        "done_at": None if fate.state == "due" else now,
    }
    if fate.due_at is not None:
        values["due_at"] = fate.due_at
    if not fate.attempt_counts:
        values["attempts"] = deliveries.c.attempts - 1
    changed = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == row.id,
            deliveries.c.state == "due",
            deliveries.c.attempts == row.attempts,
            deliveries.c.due_at == row.due_at,
        )
        .values(**values)
    )
    return bool(changed.rowcount)


def get(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    found = connection.execute(_rows().where(deliveries.c.id == delivery_id)).first()
    return None if found is None else DeliveryRow(*found)


@dataclass(frozen=True, slots=True)
class Which:
    """A choice among deliveries; None leaves a field out of it."""

    installation_id: int | None = None
    programme_id: int | None = None
    state: str | None = None
    before_id: int | None = None


def listed(connection: Connection, which: Which, *, limit: int) -> list[DeliveryRow]:
    """The newest first; bodies are left out (empty)."""
    columns = [
        deliveries.c[name] if name != "body" else literal(b"").label("body")
        for name in DeliveryRow.__dataclass_fields__
    ]
    query = select(*columns).order_by(deliveries.c.id.desc()).limit(limit)
    for column, wanted in (
        (deliveries.c.installation_id, which.installation_id),
        (deliveries.c.programme_id, which.programme_id),
        (deliveries.c.state, which.state),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if which.before_id is not None:
        query = query.where(deliveries.c.id < which.before_id)
    return [DeliveryRow(*row) for row in connection.execute(query)]


def make_due(connection: Connection, delivery_id: int, *, now: datetime) -> bool:
    """Work on it again from the beginning; False if there is no such delivery."""
    changed = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(state="due", due_at=now, attempts=0, done_at=None, error_code=None, error_text=None)
    )
    return bool(changed.rowcount)


def resume(connection: Connection, installation_id: int, *, now: datetime) -> None:
    """What waits for an installation to be mended is due now, with all its attempts ahead."""
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.installation_id == installation_id,
            deliveries.c.state == "due",
            deliveries.c.error_code.is_not(None),
        )
        .values(due_at=now, attempts=0)
    )


def programmes_due(connection: Connection, now: datetime) -> Sequence[int]:
    query = (
        select(deliveries.c.programme_id)
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(
            deliveries.c.state == "due",
            deliveries.c.due_at <= now,
            installations.c.state.in_(WORKED_STATES),
        )
    )
    return list(connection.scalars(query.distinct()))


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries are due and dead; one query each, as each has its own index."""
    count = select(func.count()).select_from(deliveries)
    return {
        state: connection.scalar(count.where(deliveries.c.state == state)) or 0
        for state in ("due", "dead")
    }


def oldest_due_at(connection: Connection) -> datetime | None:
    """Since when a worker could have taken one; paused installations wait on purpose."""
    oldest: datetime | None = connection.scalar(
        select(func.min(deliveries.c.due_at))
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(deliveries.c.state == "due", installations.c.state.in_(WORKED_STATES))
    )
    return oldest
