"""Ages, birthdays and buckets of members: counted alike here and in the database."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any

BUCKETS = 100
PRIME = 2_147_483_647
"""Squares of what is below it fit a database's integer."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def day_of(text: str | None) -> date | None:
    """The day of "2026-03-14", in this form alone; None for what is no day."""
    try:
        return date.fromisoformat(text) if text and _DAY.fullmatch(text) else None
    except ValueError:
        return None


def last_birthday_told(today: date) -> str:
    """The greatest "MM-DD" of birth whose birthday this year is not after today."""
    if (today.month, today.day) == (2, 28) and not isleap(today.year):
        return "02-29"
    return f"{today:%m-%d}"


def age(born: date, today: date) -> int:
    """Full years.  Who was born on 29 February has the birthday on 28 February in other years."""
    return today.year - born.year - (f"{born:%m-%d}" > last_birthday_told(today))


def days_to_birthday(month: int, day: int, today: date) -> int:
    """Days to the nearest birthday: 3 is in three days, -3 was three days ago."""
    near = [
        (_birthday(month, day, year) - today).days
        for year in (today.year - 1, today.year, today.year + 1)
        if 1 <= year <= 9999
    ]
    return min(near, key=lambda days: (abs(days), -days))


def _birthday(month: int, day: int, year: int) -> date:
    if (month, day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return date(year, month, day)


def bucket_key(salt: str) -> tuple[int, int, int]:
    """The three numbers by which a salt spreads members over buckets."""
    digest = sha256(salt.encode()).digest()
    a, b, c = (int.from_bytes(digest[at : at + 8]) for at in (0, 8, 16))
    return 1 + a % (PRIME - 1), b % PRIME, c % PRIME


def bucket(member_id: int, key: tuple[int, int, int]) -> int:
    """0 to 99, the same for a member and a salt for ever."""
    a, b, c = key
    spread = member_id % PRIME
    return ((spread * a + b) % PRIME * spread + c) % PRIME % BUCKETS


def attribute_text(attributes: Mapping[str, Any], name: str) -> str | None:
    """An own attribute as a condition compares it: texts, whole numbers, true and false."""
    value = attributes.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
