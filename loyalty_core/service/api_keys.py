"""API keys: made, listed, revoked, and found by what a caller sends."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput, NotFound, UnknownShop
from loyalty_core.store import api_keys as store
from loyalty_core.store import audit
from loyalty_core.store.api_keys import ApiKey
from loyalty_core.store.ids import to_wire
from loyalty_core.store.programmes import fold, shops_by_code

__all__ = ["SCOPES", "ApiKey", "NewKey", "create_key", "find_key", "list_keys", "revoke_key"]

SCOPES = ("checkout", "events", "members", "admin")
WIRE = "k"
"""Of keys' ids on the wire."""
_PREFIX = "lh_"
_LONGEST_NAME = 100
_CHANNEL = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """`key` is told this once and stored nowhere."""

    id: int
    key: str


def create_key(  # noqa: PLR0913 - each is a word of its own on the command line
    connection: Connection,
    *,
    programme_id: int,
    name: str,
    scopes: Sequence[str],
    shops: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    author: str = audit.COMMAND_LINE,
    now: datetime,
) -> NewKey:
    """A key of the programme; `shops` and `channels` bind it, None binds it to none.

    Its name is the source of the events that it sends, so a key that replaces another takes
    the same name, and both may live side by side for a while.

    Raises: InvalidInput (name, scopes, channels), UnknownShop.
    """
    proves = None if channels is None else sorted({fold(channel) for channel in channels})
    _check(name.strip(), scopes, proves)
    bound = None if shops is None else _known_shops(connection, programme_id, shops)
    text = _PREFIX + secrets.token_urlsafe(32)
    row = {
        "programme_id": programme_id,
        "name": name.strip(),
        "scopes": [scope for scope in SCOPES if scope in scopes],
        "shops": bound,
        "channels": proves,
    }
    number = store.add_key(connection, row, key_text=text, now=now)
    audit.note(
        connection,
        programme_id,
        "key_made",
        to_wire(WIRE, number),
        author=author,
        now=now,
        after={name: row[name] for name in ("name", "scopes", "shops", "channels")},
    )
    return NewKey(number, text)


def list_keys(connection: Connection, programme_id: int) -> list[ApiKey]:
    return store.keys_of(connection, programme_id)


def revoke_key(
    connection: Connection,
    programme_id: int,
    key_id: int,
    *,
    author: str = audit.COMMAND_LINE,
    now: datetime,
) -> ApiKey:
    """The key as it stands afterwards; once revoked, it stays so.

    Raises: NotFound.
    """
    known = store.key_by_id(connection, programme_id, key_id)
    if known is None:
        raise NotFound
    if known.revoked_at is None:
        audit.note(
            connection,
            programme_id,
            "key_revoked",
            to_wire(WIRE, key_id),
            author=author,
            now=now,
            before={"name": known.name},
        )
    store.mark_revoked(connection, key_id, now=now)
    revoked = store.key_by_id(connection, programme_id, key_id)
    assert revoked is not None, "keys are never deleted"
    return revoked


def find_key(connection: Connection, key_text: str) -> ApiKey | None:
    """The key that a caller sent, revoked ones too; None for what is none of ours."""
    return store.key_by_text(connection, key_text)


def _check(name: str, scopes: Sequence[str], channels: Sequence[str] | None) -> None:
    errors: dict[str, list[str]] = {}
    if not 0 < len(name) <= _LONGEST_NAME:
        errors["name"] = [f"Must have 1 to {_LONGEST_NAME} characters."]
    if not scopes or set(scopes) - set(SCOPES):
        errors["scopes"] = [f"Must be some of: {', '.join(SCOPES)}."]
    if channels is not None and not (channels and all(map(_CHANNEL.fullmatch, channels))):
        errors["channels"] = ["Must be short words."]
    if errors:
        raise InvalidInput(errors)


def _known_shops(connection: Connection, programme_id: int, codes: Sequence[str]) -> list[str]:
    wanted = sorted({fold(code) for code in codes})
    known = shops_by_code(connection, programme_id, wanted)
    for code in wanted:
        if code not in known:
            raise UnknownShop({"shop": code})
    return wanted
