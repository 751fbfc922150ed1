"""The log of changes: rows are only added; the database refuses all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select

from loyalty_core.store.ids import first_id_at, new_id
from loyalty_core.store.tables import audit_log


@dataclass(frozen=True, slots=True)
class Note:
    """A change: what of `before` is another value in `after`.  Nothing personal of members.

    `action` is a stable word; `subject` names what was changed by its id or code.
    `programme_id` None: a matter of the whole hub.
    """

    id: int
    programme_id: int | None
    at: datetime
    author: str
    action: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


COMMAND_LINE = "command line"
"""The author of what was done at the machine itself."""
_COLUMNS = [audit_log.c[name] for name in Note.__slots__]


def note(  # noqa: PLR0913 - each is a column
    connection: Connection,
    programme_id: int | None,
    action: str,
    subject: str,
    *,
    author: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a change down, in the change's own transaction; one that changes nothing is none."""
    was, is_now = before or {}, after or {}
    names = [name for name in {**was, **is_now} if was.get(name) != is_now.get(name)]
    if not names and (was or is_now):
        return
    connection.execute(
        insert(audit_log).values(
            id=new_id(now),
            programme_id=programme_id,
            at=now,
            author=author,
            action=action,
            subject=subject,
            before={name: was[name] for name in names if name in was},
            after={name: is_now[name] for name in names if name in is_now},
        )
    )


def notes(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    programme_id: int,
    only: Mapping[str, str],
    *,
    of_the_hub: bool = False,
    before: int | None = None,
    limit: int,
) -> list[Note]:
    """The programme's own, the newest first, from before the note with the number `before` on;
    `only`: those with this author, action or subject; `of_the_hub`: what befell the whole hub
    too."""
    here = audit_log.c.programme_id == programme_id
    query = select(*_COLUMNS).where(
        or_(here, audit_log.c.programme_id.is_(None)) if of_the_hub else here
    )
    for name, wanted in only.items():
        query = query.where(audit_log.c[name] == wanted)
    if before is not None:
        query = query.where(audit_log.c.id < before)
    found = connection.execute(query.order_by(audit_log.c.id.desc()).limit(limit))
    return [Note(*row) for row in found]


def count(connection: Connection, programme_id: int, action: str, *, since: datetime) -> int:
    """How often something was written down since then."""
    return connection.scalars(
        select(func.count()).where(
            audit_log.c.programme_id == programme_id,
            audit_log.c.id >= first_id_at(since),
            audit_log.c.action == action,
        )
    ).one()
