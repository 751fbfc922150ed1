"""The texts that people say yes to: published by version, never changed, each for one purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.store import consent_texts as store
from loyalty_core.store.consent_texts import TextVersion
from loyalty_core.store.database import lock_keys


def publish_text(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    purpose: str,
    texts: Mapping[str, str],
    *,
    since: datetime | None,
    author: str,
    now: datetime,
) -> TextVersion:
    """A new version of the text, in force from `since` on (None: now).

    The words of the newest version once more are that version.

    Raises: InvalidInput (no text, or a time before that of the newest version).
    """
    if not texts:
        raise InvalidInput({"texts": ["Give a text."]})
    lock_keys(connection, [f"consent-text:{programme_id}:{purpose}"])
    known = store.versions_of(connection, programme_id, purpose)
    newest = known[0] if known else None
    if newest is not None:
        if newest.texts == texts and since in (None, newest.since):
            return newest
        if (since or now) < newest.since:
            raise InvalidInput({"since": ["Must not be before that of the version before."]})
    version = TextVersion(
        purpose, newest.version + 1 if newest else 1, dict(texts), since or now, author
    )
    store.add(connection, programme_id, version, now=now)
    return version


def list_texts(
    connection: Connection, programme_id: int, purpose: str | None = None
) -> list[TextVersion]:
    """All versions, by purpose, the newest first."""
    return store.versions_of(connection, programme_id, purpose)


def in_force(versions: Sequence[TextVersion], now: datetime) -> set[tuple[str, int]]:
    """Of versions that are listed as `list_texts` does: purpose and number of those shown now."""
    found: dict[str, int] = {}
    for one in versions:
        if one.since <= now:
            found.setdefault(one.purpose, one.version)
    return set(found.items())
