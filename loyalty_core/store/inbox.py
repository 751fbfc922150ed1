"""The inbox: every delivery as it arrived, and the documents that deliveries point at.

A row that is due is a job.  A worker claims rows by moving `due_at` to the end of its lease;
what it writes afterwards counts only while nobody else has claimed the row since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Select,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_core.store.codec import json_text
from loyalty_core.store.database import Statement, compile_once, fetch, insert_or
from loyalty_core.store.ids import new_id
from loyalty_core.store.installations import WORKED_STATES
from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among_found, and_then, insert_many, list_for, update_many
from loyalty_core.store.tables import DEAD, DUE, deliveries, installations
from loyalty_core.store.types import to_micros
from loyalty_kit.frozen import frozen

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
class Guarded:
    """A delivery that was checked by an installation's settings, as they are sealed."""

    new: NewDelivery
    sealed: bytes


@frozen
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


class NoLongerHeld(Exception):
    """A claimed row is somebody else's by now, or was taken off the list."""


def store(connection: Connection, new: NewDelivery, *, now: datetime) -> int | None:
    """Keep a delivery once; its id, or None where it is known already."""
    statement = _insert(connection, new, now).on_conflict_do_nothing(
        index_elements=["installation_id", "hook", "key"]
    )
    fresh: int | None = connection.scalar(statement.returning(deliveries.c.id))
    return fresh


def store_behind(connection: Connection, one: Guarded, *, now: datetime) -> int | None:
    """As `store`, if the installation's settings are still those that it was checked by.

    So whoever remembers them need not read them again.
    """
    new = one.new
    values = {
        "id": new_id(now),
        "installation_id": new.installation_id,
        "programme_id": new.programme_id,
        "hook": new.hook,
        "key": new.key,
        "headers": json_text(new.headers),
        "body": new.body,
        "now": to_micros(now),
        "sealed": one.sealed,
    }
    kept = fetch(connection, _store_behind(connection.dialect), values)
    return kept[0][0] if kept else None


def store_behind_each(
    connection: Connection, news: Sequence[Guarded], *, now: datetime
) -> list[int | None]:
    """As `store_behind` of each, in one statement.  PostgreSQL only."""
    ids = [new_id(now) for _ in news]
    told: dict[str, list[Any]] = {
        "id": ids,
        "installation_id": [one.new.installation_id for one in news],
        "programme_id": [one.new.programme_id for one in news],
        "hook": [one.new.hook for one in news],
        "key": [one.new.key for one in news],
        "headers": [json_text(one.new.headers) for one in news],
        "body": [one.new.body for one in news],
    }
    values: dict[str, Any] = {
        name: list_for(connection.dialect, deliveries.c[name], values)
        for name, values in told.items()
    }
    sealed = list_for(connection.dialect, installations.c.settings, [one.sealed for one in news])
    values |= {"sealed": sealed, "now": to_micros(now)}
    fresh = {row[0] for row in fetch(connection, _STORE_EACH, values)}
    return [one if one in fresh else None for one in ids]


def remind(connection: Connection, news: Sequence[NewDelivery], *, now: datetime) -> None:
    """Keep rows of polled documents: one for each document, due again each time it is seen.

    One that is being worked on at this moment becomes due again as well, because its fetch
    may have begun before the change.
    """
    once = {(new.installation_id, new.hook, new.key): new for new in news}
    rows = [(*_row(once[name], now), *_AFRESH.values()) for name in sorted(once)]
    columns, again = (*_KEPT, *_AFRESH), ("state", "due_at", "received_at", *_AFRESH)
    insert_many(connection, deliveries, columns, rows, unless=_NAME, anew=again)


_NAME = ("installation_id", "hook", "key")
_GIVEN = ("id", "installation_id", "programme_id", "hook", "key", "headers", "body")
_KEPT = (*_GIVEN, "received_at", "state", "due_at")
_AFRESH = {"attempts": 0, "done_at": None, "error_code": None, "error_text": None}


def _row(new: NewDelivery, now: datetime) -> tuple[Any, ...]:
    """The values of `_KEPT`."""
    given = (new.installation_id, new.programme_id, new.hook, new.key, dict(new.headers), new.body)
    return (new_id(now), *given, now, "due", now)


def _insert(connection: Connection, new: NewDelivery, now: datetime) -> Any:
    values = dict(zip(_KEPT, _row(new, now), strict=True))
    return insert_or(connection, deliveries).values(**values)


_STORE_EACH = Statement(
    """
    INSERT INTO deliveries
        (id, installation_id, programme_id, hook, key, headers, body, state, received_at, due_at)
    SELECT new.id, new.installation_id, new.programme_id, new.hook, new.key, new.headers,
        new.body, 'due', %(now)s, %(now)s
    FROM unnest(
        %(id)s::bigint[], %(installation_id)s::bigint[], %(programme_id)s::bigint[],
        %(hook)s::text[], %(key)s::text[], %(headers)s::jsonb[], %(body)s::bytea[],
        %(sealed)s::bytea[]
    ) AS new (id, installation_id, programme_id, hook, key, headers, body, sealed)
    JOIN installations ON installations.id = new.installation_id
        AND installations.settings = new.sealed
    ON CONFLICT (installation_id, hook, key) DO NOTHING
    RETURNING id
    """,
    {},
)


@lru_cache(maxsize=4)
def _store_behind(dialect: Dialect) -> Statement:
    now = bindparam("now", type_=BigInteger)
    new: dict[str, ColumnElement[Any]] = {
        **{name: bindparam(name, type_=deliveries.c[name].type) for name in _GIVEN},
        "state": literal_column("'due'"),
        "received_at": now,
        "due_at": now,
    }
    unchanged = select(*new.values()).where(
        installations.c.id == new["installation_id"],
        installations.c.settings == bindparam("sealed", type_=LargeBinary),
    )
    insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    return compile_once(
        insert(deliveries)
        .from_select(list(new), unchanged)
        .on_conflict_do_nothing(index_elements=["installation_id", "hook", "key"])
        .returning(deliveries.c.id),
        dialect,
    )


def _rows() -> Select[Any]:
    return select(*[deliveries.c[name] for name in DeliveryRow.__dataclass_fields__])


def claim(
    connection: Connection, programme_id: int, *, now: datetime, until: datetime, limit: int
) -> list[DeliveryRow]:
    """Take due rows of installations that are not paused, the longest due first."""
    what = {"programme": programme_id, "now": now, "until": until, "most": limit}
    taken = _CLAIM.rows(connection, what)
    return sorted((DeliveryRow(*row) for row in taken), key=lambda row: row.id)


def _claim() -> Any:
    # Neither a join nor a second column to order by: PostgreSQL, which knows little of how much
    # is due at this moment, would read all of it for each batch.  (What waits for installations
    # that are paused is still walked over.)
    worked = select(installations.c.id).where(
        installations.c.programme_id == bindparam("programme"),
        installations.c.state.in_([literal_column(f"'{state}'") for state in WORKED_STATES]),
    )
    due = (
        select(deliveries.c.id)
        .where(
            deliveries.c.programme_id == bindparam("programme"),
            deliveries.c.state == DUE,
            deliveries.c.due_at <= bindparam("now"),
            among_found(deliveries.c.installation_id, worked),
        )
        .order_by(deliveries.c.due_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(deliveries)
        .where(among_found(deliveries.c.id, due))
        .values(due_at=bindparam("until"), attempts=deliveries.c.attempts + 1)
        .returning(*[deliveries.c[name] for name in DeliveryRow.__dataclass_fields__])
    )


_CLAIM = Ready(_claim())


def renew(connection: Connection, rows: Sequence[DeliveryRow], until: datetime) -> set[int]:
    """Hold claimed rows longer; the numbers of those that are still this worker's."""
    kept = connection.scalars(
        update(deliveries)
        .where(
            deliveries.c.id.in_([row.id for row in rows]),
            and_then(deliveries.c.state == DUE),
            deliveries.c.due_at.in_({row.due_at for row in rows}),
        )
        .values(due_at=until)
        .returning(deliveries.c.id)
    )
    return set(kept)


def settle_done(
    connection: Connection,
    done: Sequence[tuple[DeliveryRow, Mapping[str, Any]]],
    *,
    now: datetime,
) -> None:
    """Write down, with their results, claimed rows that are done; as `settle`, all at once.

    Raises: NoLongerHeld where one of them is no longer this worker's, so that what was booked
    for it is undone: somebody else works on it, or whom it names was erased meanwhile.
    """
    settled = [
        (row.id, row.attempts, row.due_at, "done", None, None, dict(result), now)
        for row, result in done
    ]
    held = update_many(connection, deliveries, _CLAIM_KEY, _OUTCOME, settled, only=_STILL_DUE)
    if held != len(settled):
        raise NoLongerHeld


def check_held(connection: Connection, rows: Iterable[DeliveryRow]) -> None:
    """That claimed rows are this worker's until the transaction ends, which books a part of what
    they say.  Raises: NoLongerHeld, as `settle_done`."""
    wanted = {(row.id, row.attempts, row.due_at) for row in rows}
    query = (
        select(*(deliveries.c[name] for name in _CLAIM_KEY))
        .where(
            deliveries.c.id.in_([number for number, *_ in wanted]),
            and_then(deliveries.c.state == DUE),
        )
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    if not wanted <= {tuple(row) for row in connection.execute(query)}:
        raise NoLongerHeld


_CLAIM_KEY = ("id", "attempts", "due_at")
_OUTCOME = ("state", "error_code", "error_text", "result", "done_at")
_STILL_DUE = "coalesce(deliveries.state = 'due', false)"
"""As `and_then` has it."""


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
            and_then(deliveries.c.state == DUE),
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
            deliveries.c.state == DUE,
            deliveries.c.error_code.is_not(None),
        )
        .values(due_at=now, attempts=0)
    )


def is_due(connection: Connection, programme_id: int, *, now: datetime) -> bool:
    """Whether there is anything to claim."""
    query = (
        select(deliveries.c.id)
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(
            deliveries.c.programme_id == programme_id,
            deliveries.c.state == DUE,
            deliveries.c.due_at <= now,
            installations.c.state.in_(WORKED_STATES),
        )
        .limit(1)
    )
    return connection.scalar(query) is not None


def programmes_due(connection: Connection, now: datetime) -> Sequence[int]:
    query = (
        select(deliveries.c.programme_id)
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(
            deliveries.c.state == DUE,
            deliveries.c.due_at <= now,
            installations.c.state.in_(WORKED_STATES),
        )
    )
    return list(connection.scalars(query.distinct()))


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries are due and dead; one query each, as each has its own index."""
    count = select(func.count()).select_from(deliveries)
    return {
        state: connection.scalar(count.where(deliveries.c.state == word)) or 0
        for state, word in (("due", DUE), ("dead", DEAD))
    }


def oldest_due_at(connection: Connection) -> datetime | None:
    """Since when a worker could have taken one; paused installations wait on purpose."""
    oldest: datetime | None = connection.scalar(
        select(func.min(deliveries.c.due_at))
        .join(installations, installations.c.id == deliveries.c.installation_id)
        .where(deliveries.c.state == DUE, installations.c.state.in_(WORKED_STATES))
    )
    return oldest
