"""Payment codes that the hub hands to a till: they name a member, have an end, and prove
themselves under a key that the till does not know."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

LIVES = timedelta(minutes=45)
EXCHANGED_LIVES = timedelta(hours=24)
"""As UDS's own codes: the usual one, and one that was asked for with `exchangeCode`."""
_MARK = 10


def make(key: str, member: str, now: datetime, *, lives: timedelta = LIVES) -> str:
    ends = int((now + lives).timestamp())
    return f"{member}.{ends}.{_mark(key, member, ends)}"


def member_of(key: str, code: str, now: datetime) -> str | None:
    """Whom a good code stands for, until its end."""
    member, _, rest = code.partition(".")
    ends, _, mark = rest.partition(".")
    if not (ends.isascii() and ends.isdecimal() and len(ends) <= len("9999999999")):
        return None
    wanted = _mark(key, member, int(ends)).encode()
    good = hmac.compare_digest(wanted, mark.encode("utf-8", "surrogatepass"))
    return member if good and now < datetime.fromtimestamp(int(ends), UTC) else None


def _mark(key: str, member: str, ends: int) -> str:
    said = f"uds:{member}:{ends}".encode("utf-8", "surrogatepass")
    return base64.b32encode(hmac.new(key.encode(), said, hashlib.sha256).digest()[:_MARK]).decode()
