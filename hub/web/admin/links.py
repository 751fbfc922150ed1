"""Addresses that a browser hands back to us."""

from __future__ import annotations

from urllib.parse import urlsplit


def inside(address: str | None) -> str | None:
    """The address if it is a page of the console, else None.

    A `next` from outside may name any host; "//host", "/\\host" and control characters are ways
    to hide one.
    """
    if not address or not address.startswith("/admin/") or "\\" in address:
        return None
    if any(ord(letter) < 0x20 for letter in address):
        return None
    parts = urlsplit(address)
    return address if not parts.scheme and not parts.netloc else None
