"""Queries over the texts that people say yes to.  A version that was published never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from loyalty_core.store.sets import insert_many
from loyalty_core.store.tables import consent_texts


@dataclass(frozen=True, slots=True)
class TextVersion:
    """`texts` by language."""

    purpose: str
    version: int
    texts: Mapping[str, str]
    since: datetime
    author: str


_COLUMNS = (
    "programme_id",
    "purpose",
    "version",
    "language",
    "text",
    "since",
    "author",
    "created_at",
)


def versions_of(
    connection: Connection, programme_id: int, purpose: str | None = None
) -> list[TextVersion]:
    """By purpose, the newest first."""
    query = select(consent_texts).where(consent_texts.c.programme_id == programme_id)
    if purpose is not None:
        query = query.where(consent_texts.c.purpose == purpose)
    order = (consent_texts.c.purpose, consent_texts.c.version.desc(), consent_texts.c.language)
    found: dict[tuple[str, int], TextVersion] = {}
    for row in connection.execute(query.order_by(*order)).mappings():
        key = row["purpose"], row["version"]
        known = found.get(key)
        texts = {**(known.texts if known else {}), row["language"]: row["text"]}
        found[key] = TextVersion(*key, texts, row["since"], row["author"])
    return list(found.values())


def since_of(
    connection: Connection, programme_id: int, purpose: str, version: int
) -> datetime | None:
    """From when on a version is in force; None: there is none."""
    since: datetime | None = connection.scalar(
        select(consent_texts.c.since)
        .where(
            consent_texts.c.programme_id == programme_id,
            consent_texts.c.purpose == purpose,
            consent_texts.c.version == version,
        )
        .limit(1)
    )
    return since


def add(connection: Connection, programme_id: int, version: TextVersion, *, now: datetime) -> None:
    rows = [
        (
            programme_id,
            version.purpose,
            version.version,
            language,
            text,
            version.since,
            version.author,
            now,
        )
        for language, text in sorted(version.texts.items())
    ]
    insert_many(connection, consent_texts, _COLUMNS, rows)
