"""API keys at the door: who calls, remembered for a few seconds.

A key that was revoked is refused within five seconds by every process, since none remembers
it longer than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import Connection

from hub.clock import Clock
from hub.refusal import Refusal
from loyalty_core.service.api_keys import ApiKey, find_key
from loyalty_core.store.api_keys import digest

REMEMBERED = timedelta(seconds=4)
"""Less than the promised five seconds: the look-up itself takes time too."""
_LONGEST_TOKEN = 200

Read = Callable[[Callable[[Connection], ApiKey | None]], ApiKey | None]


@dataclass(frozen=True, slots=True)
class _Seen:
    key: ApiKey
    at: datetime


class KeyRing:
    """Only keys that are good are remembered, so nobody can fill it with rubbish."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def find(self, token: str, read: Read) -> ApiKey:
        """The key behind a token; `read` asks the database if it is not remembered.

        Raises: Refusal 401 (unknown or revoked), and what `read` raises.
        """
        remembered = self.remembered(token)
        if remembered is not None:
            return remembered
        name, now = digest(token), self._clock.now()
        key = read(lambda connection: find_key(connection, token))
        if key is None or key.revoked_at is not None:
            self._seen.pop(name, None)
            raise Refusal(401, "unauthorized")
        self._seen[name] = _Seen(key, now)
        return key

    def remembered(self, token: str) -> ApiKey | None:
        """A key that was good a moment ago."""
        seen = self._seen.get(digest(token))
        if seen is None or not timedelta(0) <= self._clock.now() - seen.at < REMEMBERED:
            return None
        return seen.key

    def last_known(self, token: str) -> ApiKey | None:
        """A key that was good when it was last looked up, however long ago."""
        seen = self._seen.get(digest(token))
        return None if seen is None else seen.key


def bearer_token() -> str:
    """Raises: Refusal 401 where the request carries no bearer key."""
    return token_in(request.headers.get("Authorization", ""))


def token_in(authorization: str) -> str:
    """The key in a header.  Raises: Refusal 401 where there is none."""
    kind, _, token = authorization.partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
        raise Refusal(401, "unauthorized")
    return token
