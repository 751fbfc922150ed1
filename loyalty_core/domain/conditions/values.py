"""Kinds of values that fields have: how one is read, which operators fit, how it is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from loyalty_core.domain.conditions.people import day_of
from loyalty_core.domain.pricing.declare import (
    FLAG,
    MONEY,
    Kind,
    misfit,
    text,
    whole,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.sentences import money
from loyalty_kit.money import MAX_AMOUNT, THOUSANDTHS, format_quantity, parse_decimal

ORDERED = ("is", "is_not", "at_least", "at_most", "more_than", "less_than", "between")
LISTED = ("in", "not_in")
OF_SETS = ("has_any", "has_all", "has_none")
OF_THE_UNKNOWN = ("is_known", "is_unknown")
WITH_LISTS = frozenset({*LISTED, *OF_SETS, "between"})
"""Operators whose value is a list."""
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class ValueKind:
    """`one` reads a single value; `tell` writes it for people (value, currency, locale);
    `most` values may stand in a list."""

    name: str
    one: Kind[Any]
    operators: tuple[str, ...]
    tell: Callable[[Any, str, str], str]
    most: int = 100


def _plain(value: object, _currency: str, _locale: str) -> str:
    return str(value)


def _tell_flag(value: bool, _currency: str, locale: str) -> str:
    return {"en": ("no", "yes"), "ru": ("нет", "да")}[locale][value]


def _tell_quantity(value: int, _currency: str, locale: str) -> str:
    told = format_quantity(value)
    return told.replace(".", ",") if locale == "ru" else told


def _tell_date(value: date, _currency: str, locale: str) -> str:
    return f"{value:%d.%m.%Y}" if locale == "ru" else value.isoformat()


def _tell_clock(value: int, _currency: str, _locale: str) -> str:
    return f"{value // 60:02d}:{value % 60:02d}"


_WEEKDAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ru": (
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
        "воскресенье",
    ),
}


def _tell_weekday(value: int, _currency: str, locale: str) -> str:
    return _WEEKDAYS[locale][value - 1]


def _read_quantity(value: object) -> int:
    try:
        count = parse_decimal(value, THOUSANDTHS)
    except ValueError:
        raise misfit("must be a decimal with at most three digits after the point") from None
    if count < 0:
        raise misfit("must not be less than zero")
    return count


def _read_date(value: object) -> date:
    day = day_of(value) if isinstance(value, str) else None
    if day is None:
        raise misfit("must be a date, YYYY-MM-DD")
    return day


def _read_clock(value: object) -> int:
    """Minutes since midnight."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise misfit("must be a time of day, HH:MM")
    return int(match[1]) * 60 + int(match[2])


def _read_text(value: object) -> str:
    told = _TEXT.read(value)
    # Neither can stand in a database.
    if "\x00" in told or any("\ud800" <= sign <= "\udfff" for sign in told):
        raise misfit("has a character that cannot be kept")
    return told


_TEXT = text(longest=255)
_KEPT = Kind(_read_text, _TEXT.schema)
_MANY = 1000
_QUANTITY = {
    "type": ["string", "number"],
    "pattern": r"^[0-9]{1,12}(\.[0-9]{1,3})?$",
    "minimum": 0,
    "maximum": MAX_AMOUNT // 1000,
}


def _numbers(
    name: str, least: int, most: int, tell: Callable[[Any, str, str], str] = _plain
) -> ValueKind:
    return ValueKind(name, whole(least=least, most=most), (*ORDERED, *LISTED), tell)


MONEY_VALUE = ValueKind("money", MONEY, ORDERED, money)
QUANTITY = ValueKind(
    "quantity", Kind(_read_quantity, lambda _: dict(_QUANTITY)), ORDERED, _tell_quantity
)
COUNT = _numbers("count", 0, 10**9)
DAYS = _numbers("days", -36_500, 36_500)
WEEKDAY = _numbers("weekday", 1, 7, _tell_weekday)
BUCKET = _numbers("bucket", 0, 99)
DATE = ValueKind(
    "date",
    Kind(_read_date, lambda _: {"type": "string", "format": "date"}),
    (*ORDERED, *LISTED),
    _tell_date,
)
CLOCK = ValueKind(
    "time of day",
    Kind(_read_clock, lambda _: {"type": "string", "pattern": f"^{_CLOCK.pattern}$"}),
    ("at_least", "less_than", "between"),
    _tell_clock,
)
WORD = ValueKind("text", _KEPT, ("is", "is_not", *LISTED), _plain, _MANY)
"""Compared as it is written."""
CODE = ValueKind(
    "code",
    Kind(lambda value: fold(_KEPT.read(value)), _KEPT.schema),
    ("is", "is_not", *LISTED),
    _plain,
    _MANY,
)
"""Compared without regard to case."""
CODES = ValueKind("codes", CODE.one, OF_SETS, _plain, _MANY)
YES_NO = ValueKind("flag", FLAG, ("is",), _tell_flag)
