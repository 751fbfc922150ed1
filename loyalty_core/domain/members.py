"""The names by which a member is known, in the order in which they count (`ledger.md` 27)."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple


class IdentityKey(NamedTuple):
    """One name in one programme.  `system` is "" but for external ids."""

    kind: str
    system: str
    value: str


KINDS = ("external", "card", "phone", "email")
"""Precedence after the hub's own id and a short-lived code."""


def external_key(system: str, value: str) -> IdentityKey:
    return IdentityKey("external", system, value)


def card_key(text: str) -> IdentityKey:
    """Cards are compared without spaces, hyphens and case."""
    return IdentityKey("card", "", "".join(text.split()).replace("-", "").casefold())


def email_key(text: str) -> IdentityKey:
    """Addresses are compared without regard to case, as mail systems in use do."""
    return IdentityKey("email", "", text.strip().casefold())


def phone_key(e164: str) -> IdentityKey:
    return IdentityKey("phone", "", e164)


def hashed(key: bytes, programme_id: int, name: IdentityKey) -> str:
    """Stands for a name where the name itself may not stand."""
    told = f"address:{programme_id}:{name.kind}:{name.value}"
    told += f":{name.system}" if name.system else ""
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


def full_name(first: str | None, middle: str | None, last: str | None) -> str | None:
    return " ".join(part for part in (first, middle, last) if part) or None
