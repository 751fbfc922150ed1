"""Letters: what members are told, by kind.  Whether by law it is service, when, in what words.

A letter is sent by the channel and in the language of its member; each pair has a text of its
own, which an owner may write anew.  What stands in a text's braces is a placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from loyalty_kit.money import format_decimal

LetterClass = Literal["service", "advertising"]
CLASSES: tuple[LetterClass, ...] = ("service", "advertising")
LOCALES = ("ru", "en")
CHANNELS = ("email", "sms")
"""In the order in which they are tried where the member prefers none: mail costs least."""

WELCOME = "welcome"
POINTS_EARNED = "points_earned"
POINTS_EXPIRE = "points_expire"
BIRTHDAY = "birthday"
TIER_UP = "tier_up"
TIER_WARNING = "tier_warning"

COMMON: Mapping[str, str] = {
    "programme": "Чайная лавка",
    "first_name": "Анна",
    "name": "Анна Петрова",
    "balance": "250",
    "pending": "57",
    "tier": "Серебро",
    "unsubscribe": "https://hub.example.com/c/...",
}
"""Placeholders of every kind, with what a preview without a member shows.  `unsubscribe` is the
way out of advertising, and empty where a letter is none."""


@dataclass(frozen=True, slots=True)
class LetterKind:
    """`lives`: it is not sent later than this after its cause.  `own`: placeholders beside the
    common ones, with samples.  `days_before`: how long before its day it goes out, at first;
    None: it has no day.  `may_be_service`: it tells of what is the member's own already, so a
    lawyer may find that it is no advertising; what greets or gives is always advertising.
    """

    code: str
    message_class: LetterClass
    lives: timedelta
    own: Mapping[str, str]
    days_before: int | None = None
    most_days: int = 0
    may_be_service: bool = True

    @property
    def sample(self) -> dict[str, str]:
        return {**COMMON, **self.own}


# Classes as Russian law is read with caution (38-FZ, article 18): what invites to buy, also by
# a loss that is near, is advertising and needs a consent of its own.
KINDS: Mapping[str, LetterKind] = {
    kind.code: kind
    for kind in (
        LetterKind(WELCOME, "service", timedelta(days=3), {}),
        LetterKind(POINTS_EARNED, "service", timedelta(days=2), {"points": "57"}),
        LetterKind(
            POINTS_EXPIRE,
            "advertising",
            timedelta(days=3),
            {"points": "120", "expires_on": "31.03.2026"},
            days_before=7,
            most_days=60,
        ),
        LetterKind(
            BIRTHDAY,
            "advertising",
            timedelta(days=1),
            {"day": "14.03.2026"},
            days_before=0,
            most_days=30,
            may_be_service=False,
        ),
        LetterKind(TIER_UP, "service", timedelta(days=3), {"was": "Бронза"}),
        LetterKind(
            TIER_WARNING,
            "advertising",
            timedelta(days=3),
            {"until": "31.03.2026", "then": "Бронза", "keep": "1500"},
        ),
    )
}


@dataclass(frozen=True, slots=True)
class LetterText:
    """`subject` and `html` are for mail alone; an SMS has neither."""

    text: str
    subject: str | None = None
    html: str | None = None


_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def points_told(hundredths: int, locale: str) -> str:
    """Points as people read them: 5700 -> "57", 5750 -> "57,50" or "57.50"."""
    told = format_decimal(hundredths).removesuffix(".00")
    return told.replace(".", ",") if locale == "ru" else told


def day_told(day: date, locale: str) -> str:
    """ "14.03.2026", or "14 March 2026"."""
    if locale == "ru":
        return f"{day:%d.%m.%Y}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def last_day(ends_at: datetime, zone: ZoneInfo) -> date:
    """The day that this midnight ends; of any other time, its own day."""
    return (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
