"""Notes that people of the programme write on members, for each other; gone with the member."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput, MemberNotFound, NotFound
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.store import audit, members
from loyalty_core.store import notes as store
from loyalty_core.store.ids import from_wire, new_id, to_wire
from loyalty_core.store.notes import MemberNote

MOST_TEXT = 2000
_PREFIX = "mn"


def write_note(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: str,
    text: str,
    *,
    author: str,
    now: datetime,
) -> MemberNote:
    """A form that is sent twice writes once.  The log is told that there is one, and not what it
    says: an erasure does not reach it.

    Raises: MemberNotFound (also one that was erased), InvalidInput (text).
    """
    if not 0 < len(text.strip()) <= MOST_TEXT:
        raise InvalidInput({"text": [f"Must be from 1 to {MOST_TEXT}."]})
    if member_row(connection, programme_id, member_id)["state"] == "erased":
        raise MemberNotFound
    member = lock_member(connection, programme_id, member_id)
    last = store.notes_of(connection, [member], limit=1)
    if last and (last[0].text, last[0].author) == (text.strip(), author):
        return last[0]
    note = MemberNote(new_id(now), member, text.strip(), author, now)
    store.add_note(connection, note)
    audit.note(
        connection, programme_id, "note_written", to_wire("m", member), author=author, now=now
    )
    return note


def list_notes(
    connection: Connection,
    programme_id: int,
    member_id: str,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[MemberNote], str | None]:
    """The newest first, and where the next page begins.

    Raises: MemberNotFound, InvalidInput (cursor).
    """
    before = None if cursor is None else from_wire(_PREFIX, cursor)
    if cursor is not None and before is None:
        raise InvalidInput({"cursor": ["Not a cursor of this list."]})
    ids = members.known_as(connection, member_row(connection, programme_id, member_id)["id"])
    found = store.notes_of(connection, ids, before=before, limit=limit + 1)
    page = found[:limit]
    return page, note_id(page[-1]) if len(found) > limit else None


def remove_note(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: str,
    note: str,
    *,
    author: str,
    now: datetime,
) -> None:
    """Raises: MemberNotFound, NotFound."""
    number = from_wire(_PREFIX, note)
    member = member_row(connection, programme_id, member_id)["id"]
    ids = members.known_as(connection, member)
    if number is None or not store.remove_note(connection, ids, number):
        raise NotFound
    audit.note(
        connection, programme_id, "note_removed", to_wire("m", member), author=author, now=now
    )


def note_id(note: MemberNote) -> str:
    """How the note is named outside."""
    return to_wire(_PREFIX, note.id)
