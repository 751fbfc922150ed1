"""Cells of an owner's file: read exactly, or refused with a reason.

People write sums, days and names in many ways; a way that could mean two things is refused, so
that nothing is brought in that was not said.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty_kit.money import HUNDREDTHS, MAX_AMOUNT

LONGEST = 255
"""Of a text that is kept of a person."""
NEVER = frozenset({"never", "никогда", "бессрочно", "без срока"})
_BLANK = frozenset(
    {"", "-", "—", "–", "n/a", "na", "null", "none", "нет", "не указан", "не указано"}
)
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
_UNIT = re.compile(r"\s*(?:₽|руб\.?|р\.?|rub|балл(?:ов|а)?)$", re.IGNORECASE)
_AMOUNTS = (
    re.compile(r"(-?)([0-9]{1,3}(?: [0-9]{3})+|[0-9]+)(?:[.,]([0-9]{1,2}))?"),
    re.compile(r"(-?)([0-9]{1,3}(?:,[0-9]{3})+)\.([0-9]{1,2})"),
    re.compile(r"(-?)([0-9]{1,3}(?:\.[0-9]{3})+),([0-9]{1,2})"),
)
_RUSSIAN_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?:[ T,]+(.+))?")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_MIDNIGHT = re.compile(r"0{1,2}:00(?::00)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ROUNDED = re.compile(
    r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}|[0-9][.,][0-9]+[eE][0-9]{1,3}|[0-9]+\.0"
)
_NO_VALUE = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"}
    | {"#Н/Д", "#ССЫЛКА!", "#ЗНАЧ!", "#ИМЯ?", "#ДЕЛ/0!", "#ЧИСЛО!", "#ПУСТО!"}
)
_EARLIEST = date(1900, 1, 1)


class Wrong(ValueError):
    """A row that cannot be taken.  `code` is stable; `facts` stand in its sentence."""

    def __init__(self, code: str, **facts: str) -> None:
        self.code = code
        self.facts = facts
        super().__init__(code)


def said(text: str) -> str | None:
    """What a cell says; None for an empty one and for the words that people write into it."""
    plain = text.strip()
    return None if plain.casefold() in _BLANK else plain


def text_of(text: str | None, word: str) -> str | None:
    """A short text as it stands.  Raises: Wrong (too long, or not a text)."""
    plain = None if text is None else said(text)
    return None if plain is None else short_text(plain, word)


def short_text(text: str, word: str) -> str:
    """Raises: Wrong (too long, or not a text but what a spreadsheet could not reckon)."""
    if len(text) > LONGEST:
        raise Wrong("too_long", column=word)
    if _CONTROL.search(text) or text.upper() in _NO_VALUE:
        raise Wrong("not_text", column=word)
    return text


def is_rounded(text: str) -> bool:
    """A spreadsheet shows a long number as "2.2E+12", and keeps no more than 15 of its digits;
    other programs make "2200000000017.0" of it, with no more of them and no zeros before it."""
    return _ROUNDED.fullmatch(text.strip()) is not None


def whole_digits(text: str, word: str) -> None:
    """Raises: Wrong, where they are lost."""
    if is_rounded(text):
        raise Wrong("digits_lost", column=word)


def amount_of(text: str, word: str) -> int:
    """Hundredths: "1 234,50", "1234.5", "1.234,50", "-10 руб.".

    "1,234" is refused: it may be a thousand and more, or one and a bit.

    Raises: Wrong.
    """
    plain = _UNIT.sub("", text.translate(_SPACES).strip())
    for pattern in _AMOUNTS:
        if found := pattern.fullmatch(plain):
            sign, whole, part = found.groups()
            count = int(re.sub(r"[ .,]", "", whole) + (part or "").ljust(HUNDREDTHS, "0"))
            if count >= MAX_AMOUNT:
                break
            return -count if sign else count
    raise Wrong("not_amount", column=word)


def day_of(text: str, word: str) -> date:
    """The day of "2026-12-31" or "31.12.2026"; a time behind it says nothing more.

    Raises: Wrong.
    """
    return _split(text.translate(_SPACES).strip(), word)[0]


def birth_date_of(text: str, today: date) -> str:
    """ISO 8601.  Raises: Wrong (a day to come, or of a century that nobody is from)."""
    day = day_of(text, "birth_date")
    if not _EARLIEST <= day <= today:
        raise Wrong("not_day", column="birth_date")
    return day.isoformat()


def moment_of(text: str, word: str, zone: ZoneInfo, *, whole_day: bool = False) -> datetime:
    """A time; without an offset that of the programme's wall clock, without a time the midnight
    that begins the day.  `whole_day`: of a day alone, the midnight that ends it; so, too, where
    a spreadsheet has written "0:00" behind it.

    Raises: Wrong.
    """
    plain = text.translate(_SPACES).strip()
    try:
        if (exact := _with_offset(plain)) is not None:
            return exact
        day, clock = _split(plain, word)
        if clock is None or (whole_day and _MIDNIGHT.fullmatch(clock)):
            day += timedelta(days=1 if whole_day else 0)
            return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        found = _CLOCK.fullmatch(clock)
        if found is None:
            raise ValueError
        hour, minute, second = (int(part or 0) for part in found.groups())
        local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
        return local.astimezone(UTC)
    # The calendar has no such moment in UTC, as of 01.01.0001, which is 1C's word for no date.
    except (ValueError, OverflowError):
        raise Wrong("not_day", column=word) from None


def names_of(full: str) -> dict[str, str]:
    """ "Петрова Анна Сергеевна": surname first, as lists in Russia have it; one word is a first
    name."""
    words = full.split()
    if len(words) == 1:
        return {"first_name": words[0]}
    names = {"last_name": words[0], "first_name": words[1]}
    return names | ({"middle_name": " ".join(words[2:])} if words[2:] else {})


def _with_offset(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def _split(text: str, word: str) -> tuple[date, str | None]:
    """The day and what stands behind it."""
    try:
        if found := _RUSSIAN_DAY.fullmatch(text):
            day, month, year, clock = found.groups()
            return date(int(year), int(month), int(day)), clock
        head, _, clock = text.replace("T", " ").partition(" ")
        if not _ISO_DAY.fullmatch(head):
            raise ValueError
        return date.fromisoformat(head), clock or None
    except ValueError:
        raise Wrong("not_day", column=word) from None
