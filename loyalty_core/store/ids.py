"""Ids: 63-bit ints that rise with time, and their names on the wire.

A number is 41 bits of milliseconds and 22 bits that start by chance and count on within one
process, so one process never repeats itself; two processes that hit the same number in the
same millisecond meet the primary key, and the writer that lost tries again.
"""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta

_ORIGIN = datetime(2025, 1, 1, tzinfo=UTC)
_CHANCE_BITS = 22
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
_lock = threading.Lock()
_last = 0


def new_id(now: datetime) -> int:
    """A fresh id.  Ids of one process strictly rise, whatever the clock does.

    The chance is no secret, and asks the system for nothing: a call of it would let another thread
    have the interpreter, some five times a receipt.  A forked process has chances of its own
    (`random` sees to that).
    """
    global _last  # noqa: PLW0603 - one counter per process is the point
    millis = int((now - _ORIGIN).total_seconds() * 1000)
    fresh = (max(millis, 0) << _CHANCE_BITS) | random.getrandbits(_CHANCE_BITS - 1)  # nosec B311
    with _lock:
        _last = max(fresh, _last + 1)
        return _last


def first_id_at(moment: datetime) -> int:
    """Ids made before this moment are smaller, and those made since are not."""
    return max(int((moment - _ORIGIN).total_seconds() * 1000), 0) << _CHANCE_BITS


def made_at(number: int) -> datetime:
    """When an id was made, to the millisecond."""
    return _ORIGIN + timedelta(milliseconds=number >> _CHANCE_BITS)


def to_wire(prefix: str, number: int) -> str:
    """("m", 46655) -> "m_zzz"."""
    assert number >= 0, "no id of ours is below zero"
    digits = ""
    while number >= len(_PAIRS):
        number, pair = divmod(number, len(_PAIRS))
        digits = _PAIRS[pair] + digits
    return f"{prefix}_{(_PAIRS[number] + digits).lstrip('0') or '0'}"


def from_wire(prefix: str, text: str) -> int | None:
    """The number behind "m_zzz"; None for anything that `to_wire` cannot have made."""
    head, _, digits = text.partition("_")
    if head != prefix or not 0 < len(digits) <= 13 or not digits.isascii():
        return None
    if any(digit not in _DIGITS for digit in digits) or (digits[0] == "0" and digits != "0"):
        return None
    number = int(digits, 36)
    return number if number < 2**63 else None
