"""What channels of messages have in common: the length of an SMS, settings of price and hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from marshmallow import ValidationError, fields

from loyalty_kit import settings

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""GSM 03.38: these take an escape and a character, which one part holds together."""


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text goes out by SMS: `units` are septets, or UTF-16 units."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    parts: int


def segments(text: str) -> Segments:
    """Of how many SMS a text is: 160 septets or 70 units alone, 153 or 67 in each of several."""
    if all(one in _BASIC or one in _EXTENDED for one in text):
        sizes = [2 if one in _EXTENDED else 1 for one in text]
        return _cut("gsm7", sizes, alone=160, each=153)
    # A character beyond the first plane is two units, and no part ends between them.
    return _cut("ucs2", [2 if ord(one) > 0xFFFF else 1 for one in text], alone=70, each=67)


def _cut(encoding: Literal["gsm7", "ucs2"], sizes: list[int], *, alone: int, each: int) -> Segments:
    units = sum(sizes)
    if units <= alone:
        return Segments(encoding, units, 1)
    parts, left = 1, each
    for size in sizes:
        if size > left:
            parts, left = parts + 1, each
        left -= size
    return Segments(encoding, units, parts)


NOT_A_PRICE = "Not a price such as 3.50."
_PRICE = re.compile(r"[0-9]{1,4}(?:[.,][0-9]{1,2})?", re.ASCII)


def price() -> fields.String:
    """The setting `price`: roubles for a message, of an SMS for each part."""
    field = settings.text(
        {"ru": "Цена сообщения, ₽", "en": "Price of a message, roubles"},
        help={
            "ru": "У SMS — за каждую часть; по ней считается стоимость рассылок",
            "en": "Of an SMS: for each part; what mailings cost is counted by it",
        },
        default="0",
    )
    field.validators.append(_is_price)
    return field


def price_minor(told: str) -> int:
    """The setting `price` in kopecks."""
    roubles, _, kopecks = told.replace(",", ".").partition(".")
    return int(roubles) * 100 + int(kopecks.ljust(2, "0") or 0)


def cost_minor(told: object) -> int | None:
    """A gateway's cost in roubles (`"5.49"`, `5.49`), in kopecks; None where it cannot be read."""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    try:
        return int((Decimal(str(told)) * 100).to_integral_value(ROUND_HALF_UP))
    except (ArithmeticError, ValueError):
        return None


def quiet_from() -> fields.Integer:
    """The setting `quiet_from`: from this hour on nobody is disturbed."""
    return settings.integer(
        {"ru": "Не беспокоить с часа", "en": "Quiet from the hour"},
        least=0,
        most=23,
        help={
            "ru": "По времени программы; до конца тихих часов сообщения ждут, коды уходят сразу",
            "en": "By the programme's time; messages wait for their end, codes go at once",
        },
        default=21,
    )


def quiet_to() -> fields.Integer:
    """The setting `quiet_to`: quiet hours end; the same hour as `quiet_from`: there are none."""
    return settings.integer(
        {"ru": "Не беспокоить до часа", "en": "Quiet until the hour"},
        least=0,
        most=23,
        help={"ru": "Тот же час — без тихих часов", "en": "The same hour: no quiet hours"},
        default=9,
    )


def per_second() -> fields.Integer:
    """The setting `per_second`: how many messages are sent at most."""
    return settings.integer(
        {"ru": "Сообщений в секунду, не больше", "en": "Messages a second, at most"},
        least=1,
        most=100,
        default=5,
    )


def _is_price(value: str) -> None:
    """Raises: ValidationError."""
    if not _PRICE.fullmatch(value):
        raise ValidationError(NOT_A_PRICE)
