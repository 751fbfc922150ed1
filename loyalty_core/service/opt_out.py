"""Links by which a person ends advertising without a login.

A link names member and channel and proves itself by a keyed mark, so none is stored: whoever
reads the database cannot make one.  It never ends: advertising that was sent long ago must
still tell the way out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

from loyalty_core.store.ids import from_wire, to_wire

_MARK = 15
"""Bytes: a guess is right once in 2^120."""
_MEMBER = "m_"


def opt_out_token(secret: bytes, member_id: int, channel: str) -> str:
    """What a link ends with; letters, digits, `-`, `_` and dots alone."""
    head = f"{to_wire('m', member_id).removeprefix(_MEMBER)}.{channel}"
    return f"{head}.{_mark(secret, head)}"


def open_token(secrets: Iterable[bytes], token: str) -> tuple[int, str] | None:
    """Member and channel of a token made under one of these keys; None for all else."""
    head, _, mark = token.rpartition(".")
    told = mark.encode("utf-8", "replace")
    if not any(hmac.compare_digest(_mark(one, head).encode(), told) for one in secrets):
        return None
    digits, _, channel = head.partition(".")
    member = from_wire("m", _MEMBER + digits)
    return None if member is None else (member, channel)


def _mark(secret: bytes, head: str) -> str:
    told = f"opt-out:{head}".encode("utf-8", "replace")
    digest = hmac.new(secret, told, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_MARK]).decode()
