"""Queries over API keys.  Only the SHA-256 of a key is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from loyalty_core.store.ids import new_id
from loyalty_core.store.tables import api_keys

SENDS_AS = "key:"
"""What a key sends is of the source of its name, after this (`ledger.md` 18)."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`name` is the source of the events that it sends; `shops` and `channels` None: all."""

    id: int
    programme_id: int
    name: str
    scopes: frozenset[str]
    shops: frozenset[str] | None
    created_at: datetime
    revoked_at: datetime | None
    channels: frozenset[str] | None


_COLUMNS = [api_keys.c[name] for name in ApiKey.__slots__]


def digest(key_text: str) -> str:
    """A key is 256 bits of chance, so a plain hash of it tells nothing."""
    return hashlib.sha256(key_text.encode("utf-8", "surrogatepass")).hexdigest()


def add_key(connection: Connection, row: Mapping[str, Any], *, key_text: str, now: datetime) -> int:
    """`row` holds programme_id, name, scopes, shops and channels."""
    key_id = new_id(now)
    connection.execute(
        insert(api_keys).values(**row, id=key_id, hash=digest(key_text), created_at=now)
    )
    return key_id


def key_by_text(connection: Connection, key_text: str) -> ApiKey | None:
    row = connection.execute(select(*_COLUMNS).where(api_keys.c.hash == digest(key_text))).first()
    return None if row is None else _api_key(row)


def key_by_id(connection: Connection, programme_id: int, key_id: int) -> ApiKey | None:
    row = connection.execute(
        select(*_COLUMNS).where(api_keys.c.programme_id == programme_id, api_keys.c.id == key_id)
    ).first()
    return None if row is None else _api_key(row)


def keys_of(connection: Connection, programme_id: int) -> list[ApiKey]:
    """The oldest first, revoked ones too."""
    rows = connection.execute(
        select(*_COLUMNS).where(api_keys.c.programme_id == programme_id).order_by(api_keys.c.id)
    )
    return [_api_key(row) for row in rows]


def bound_to(connection: Connection, programme_id: int, source: str) -> frozenset[str] | None:
    """Codes of the shops that whoever sends as this source may act for; None: all.  Of several
    keys of one name it goes by the newest, one that is in use before those that were revoked."""
    name = source.removeprefix(SENDS_AS)
    if name == source:
        return None
    named = [key for key in keys_of(connection, programme_id) if key.name == name]
    named.sort(key=lambda key: (key.revoked_at is None, key.id))
    return named[-1].shops if named else None


def mark_revoked(connection: Connection, key_id: int, *, now: datetime) -> None:
    """The first time stays."""
    connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _api_key(row: Row[Any]) -> ApiKey:
    values = dict(row._mapping)
    values["scopes"] = frozenset(values["scopes"])
    for bound in ("shops", "channels"):
        values[bound] = None if values[bound] is None else frozenset(values[bound])
    return ApiKey(**values)
