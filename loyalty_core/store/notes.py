"""Notes that people write on members."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from loyalty_core.store.tables import member_notes


@dataclass(frozen=True, slots=True)
class MemberNote:
    id: int
    member_id: int
    text: str
    author: str
    made_at: datetime


_OWN = member_notes.c
_NOTES = select(*(_OWN[name] for name in MemberNote.__slots__))


def add_note(connection: Connection, note: MemberNote) -> None:
    """Once; it is never changed."""
    row = {name: getattr(note, name) for name in MemberNote.__slots__}
    connection.execute(insert(member_notes).values(**row))


def notes_of(
    connection: Connection,
    ids: Collection[int],
    *,
    before: int | None = None,
    limit: int | None = None,
) -> list[MemberNote]:
    """Of these members, the newest first."""
    query = _NOTES.where(_OWN.member_id.in_(ids)).order_by(_OWN.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_OWN.id < before)
    return [MemberNote(*row) for row in connection.execute(query)]


def remove_note(connection: Connection, ids: Collection[int], number: int) -> bool:
    """Whether one of these members had it."""
    gone = delete(member_notes).where(_OWN.id == number, _OWN.member_id.in_(ids))
    return connection.execute(gone).rowcount > 0


def move_member(connection: Connection, old: int, new: int) -> None:
    connection.execute(update(member_notes).where(_OWN.member_id == old).values(member_id=new))


def forget_members(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(member_notes).where(_OWN.member_id.in_(ids)))
