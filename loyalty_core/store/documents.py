"""Documents at a remote that the hub fetches, and the hub's own revisions of them.

(`ledger.md` 19.)  While somebody asks for a document its hash is taken away.  Whoever asks and
finds a hash therefore knows that no older ask is still on its way, and may leave an unchanged
document alone; whoever finds none books what was fetched, under the newer revision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, tuple_, update

from loyalty_core.store.sets import among, insert_many, update_many
from loyalty_core.store.tables import document_links, documents
from loyalty_core.store.types import UtcTime


class DocumentKey(NamedTuple):
    """A document's name, which sorts as its rows are locked."""

    installation_id: int
    kind: str
    ref: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The right to fetch once: the revision to book under, and what was booked last.

    `led_by`: documents that have ever led to this one to have a say in it; `leads_to`: those
    that this one has led to so.
    """

    document: DocumentKey
    revision: int
    known_hash: str | None
    led_by: tuple[DocumentKey, ...] = ()
    leads_to: tuple[DocumentKey, ...] = ()


def ask(connection: Connection, document: DocumentKey, *, now: datetime) -> Ask:
    """Draw the next revision; commit before fetching."""
    return ask_each(connection, [document], now=now)[document]


def ask_each(
    connection: Connection, wanted: Collection[DocumentKey], *, now: datetime
) -> dict[DocumentKey, Ask]:
    """As `ask` of each, in the order of their names, so that no two workers wait for each other."""
    found: dict[DocumentKey, Ask] = {}
    for bound in _by_kind(wanted):
        home, kind = bound["home"], bound["doc"]
        rows = [(home, kind, ref, 0, now) for ref in bound["refs"]]
        insert_many(connection, documents, _NEW, rows, unless=_NEW[:3])
        known = {row.ref: row.content_hash for row in connection.execute(_LOCKED, bound)}
        drawn = connection.execute(_DRAW, {**bound, "asked": now})
        asked = {DocumentKey(home, kind, ref): (revision, known[ref]) for ref, revision in drawn}
        links = [_link(home, row) for row in connection.execute(_LINKS, bound)]
        for document, (revision, content) in asked.items():
            led_by = tuple(leader for led, leader in links if led == document)
            leads_to = tuple(led for led, leader in links if leader == document)
            found[document] = Ask(document, revision, content, led_by, leads_to)
    return found


def link(connection: Connection, leaders: Collection[tuple[DocumentKey, DocumentKey]]) -> None:
    """Keep pairs of a document and one that has a say in it; for good."""
    rows = sorted({(*led, leader.kind, leader.ref) for led, leader in leaders})
    insert_many(connection, document_links, _LINK, rows, unless=_LINK)


def settle_each(
    connection: Connection, settled: Sequence[tuple[Ask, str]], *, booked_at: datetime | None
) -> None:
    """Keep the hashes of what was fetched, each unless a later ask is on its way.

    `booked_at` None: they were as known, so the times of their last changes stay.
    """
    columns = ("content_hash",) if booked_at is None else ("content_hash", "booked_at")
    for bound in _by_kind([asked.document for asked, _ in settled]):
        connection.execute(_LOCKED, bound)
    rows = [
        (*asked.document, asked.revision, content_hash, booked_at)[: 4 + len(columns)]
        for asked, content_hash in settled
    ]
    update_many(connection, documents, _ONE_ASK, columns, rows)


def changed_since(
    connection: Connection,
    installation_id: int,
    since: datetime,
    *,
    after: tuple[str, str] | None,
    limit: int,
) -> Sequence[DocumentKey]:
    """Documents whose content last changed after `since`, by kind and name, behind `after`."""
    query = (
        select(documents.c.installation_id, documents.c.kind, documents.c.ref)
        .where(documents.c.installation_id == installation_id, documents.c.booked_at >= since)
        .order_by(documents.c.kind, documents.c.ref)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(documents.c.kind, documents.c.ref) > after)
    return [DocumentKey(*row) for row in connection.execute(query)]


_ONE_ASK = ("installation_id", "kind", "ref", "revision")
_NEW = ("installation_id", "kind", "ref", "revision", "asked_at")
_LINK = ("installation_id", "kind", "ref", "by_kind", "by_ref")


def _by_kind(wanted: Collection[DocumentKey]) -> Iterator[dict[str, Any]]:
    """What the statements below are bound to, in the order of the documents' names."""
    ordered = sorted(set(wanted))
    for (home, kind), named in groupby(ordered, key=lambda one: (one.installation_id, one.kind)):
        yield {"home": home, "doc": kind, "refs": [one.ref for one in named]}


def _link(home: int, row: Sequence[str]) -> tuple[DocumentKey, DocumentKey]:
    kind, ref, by_kind, by_ref = row
    return DocumentKey(home, kind, ref), DocumentKey(home, by_kind, by_ref)


_THESE = (
    (documents.c.installation_id == bindparam("home"))
    & (documents.c.kind == bindparam("doc"))
    & among(documents.c.ref, "refs")
)
_LOCKED = (
    select(documents.c.ref, documents.c.content_hash)
    .where(_THESE)
    .order_by(documents.c.ref)
    .with_for_update()
)
_DRAW = (
    update(documents)
    .where(_THESE)
    .values(
        revision=documents.c.revision + 1,
        content_hash=None,
        asked_at=bindparam("asked", type_=UtcTime),
    )
    .returning(documents.c.ref, documents.c.revision)
)
_LINKS = (
    select(*[document_links.c[name] for name in _LINK[1:]])
    .where(
        document_links.c.installation_id == bindparam("home"),
        ((document_links.c.kind == bindparam("doc")) & among(document_links.c.ref, "refs"))
        | ((document_links.c.by_kind == bindparam("doc")) & among(document_links.c.by_ref, "refs")),
    )
    .order_by(*[document_links.c[name] for name in _LINK[1:]])
)
