"""Documents at a remote that the hub fetches, and the hub's own revisions of them.

(`ledger.md` 19.)  While somebody asks for a document its hash is taken away.  Whoever asks and
finds a hash therefore knows that no older ask is still on its way, and may leave an unchanged
document alone; whoever finds none books what was fetched, under the newer revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_core.store.database import is_sqlite
from loyalty_core.store.tables import documents


@dataclass(frozen=True, slots=True)
class DocumentKey:
    installation_id: int
    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The right to fetch once: the revision to book under, and what was booked last."""

    document: DocumentKey
    revision: int
    known_hash: str | None


def ask(connection: Connection, document: DocumentKey, *, now: datetime) -> Ask:
    """Draw the next revision; commit before fetching."""
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    connection.execute(
        insert(documents)
        .values(
            installation_id=document.installation_id,
            kind=document.kind,
            ref=document.ref,
            revision=0,
            asked_at=now,
        )
        .on_conflict_do_nothing(index_elements=["installation_id", "kind", "ref"])
    )
    is_it = _is(document)
    known = connection.scalar(select(documents.c.content_hash).where(is_it).with_for_update())
    revision = connection.scalar(
        update(documents)
        .where(is_it)
        .values(revision=documents.c.revision + 1, content_hash=None, asked_at=now)
        .returning(documents.c.revision)
    )
    assert revision is not None, "the row was made above"
    return Ask(document, revision, known)


def settle(
    connection: Connection, asked: Ask, content_hash: str, *, booked_at: datetime | None
) -> None:
    """Keep the hash of what was fetched, unless a later ask is on its way.

    `booked_at` None: it was as known, so the time of its last change stays.
    """
    values: dict[str, object] = {"content_hash": content_hash}
    if booked_at is not None:
        values["booked_at"] = booked_at
    connection.execute(
        update(documents)
        .where(_is(asked.document), documents.c.revision == asked.revision)
        .values(**values)
    )


def changed_since(
    connection: Connection, installation_id: int, since: datetime
) -> Sequence[DocumentKey]:
    """Documents whose content last changed after `since`."""
    query = (
        select(documents.c.installation_id, documents.c.kind, documents.c.ref)
        .where(documents.c.installation_id == installation_id, documents.c.booked_at >= since)
        .order_by(documents.c.kind, documents.c.ref)
    )
    return [DocumentKey(*row) for row in connection.execute(query)]


def _is(document: DocumentKey) -> ColumnElement[bool]:
    return (
        (documents.c.installation_id == document.installation_id)
        & (documents.c.kind == document.kind)
        & (documents.c.ref == document.ref)
    )
