"""Money, points, times and phones as people read them, in the language of the page."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

import phonenumbers
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, get_currency_symbol
from flask import Flask
from markupsafe import Markup
from markupsafe import escape as safe

from hub.web.admin.context import zone
from hub.web.admin.languages import language
from loyalty_core.domain.dates import local_time
from loyalty_kit.money import HUNDREDTHS, POINT, THOUSANDTHS, parse_decimal

_NBSP = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def register(app: Flask) -> None:
    app.jinja_env.filters.update(
        money=money,
        points=points,
        signed_points=signed_points,
        quantity=quantity,
        number=number,
        moment=moment,
        until=until,
        day=day,
        month=month,
        phone=phone,
    )


def money(amount: int | str, currency: str) -> str:
    """Kopecks, or a decimal string of the wire, as "1 350,00 ₽" or "1,350.00 ₽"."""
    minor = parse_decimal(amount, HUNDREDTHS) if isinstance(amount, str) else amount
    # The symbol is Russian even in English pages: there "RUB" would stand for it.
    symbol = get_currency_symbol(currency, "ru")
    return f"{_decimal(minor, HUNDREDTHS, '#,##0.00')}{_NBSP}{symbol}"


def points(amount: int | str) -> str:
    """Hundredths of a point, or a decimal string of the wire: "500", "12.50"."""
    hundredths = parse_decimal(amount, HUNDREDTHS) if isinstance(amount, str) else amount
    pattern = "#,##0" if hundredths % POINT == 0 else "#,##0.00"
    return _decimal(hundredths, HUNDREDTHS, pattern)


def signed_points(amount: int | str) -> str:
    """The same with its sign: "+12", "−5", "0"."""
    hundredths = parse_decimal(amount, HUNDREDTHS) if isinstance(amount, str) else amount
    return f"+{points(hundredths)}" if hundredths > 0 else points(hundredths)


def quantity(amount: int | str) -> str:
    """Thousandths of a unit, or a decimal string of the wire: "2", "0.35"."""
    milli = parse_decimal(amount, THOUSANDTHS) if isinstance(amount, str) else amount
    return _decimal(milli, THOUSANDTHS, "#,##0.###")


def number(count: int) -> str:
    return _decimal(count, 0, "#,##0")


def told_decimal(text: str) -> str:
    """A decimal string of the rules as "20,000" or "7.50"; what is none stays as it is."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return _grouped(value, "#,##0" if value == value.to_integral() else "#,##0.00##")


def moment(at: datetime | str | None) -> Markup:
    """A time in the programme's zone, readable by machines too; nothing for None."""
    if at is None:
        return Markup()
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = local_time(when, zone())
    text = format_datetime(local, "d MMM y, HH:mm", locale=language())
    title = format_datetime(local, "d MMMM y, HH:mm:ss ZZZZ", locale=language())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), title, text.replace(" ", _NBSP)
    )


def until(at: datetime | str | None) -> str | Markup:
    """The moment before which something is good: the last whole day, or the time within one."""
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    if when is None:
        return ""
    local = local_time(when, zone())
    return moment(when) if local.time() != time.min else day(local.date() - timedelta(days=1))


def day(at: datetime | date | str | None) -> str:
    """A date in the programme's zone; a birth date stays what it is."""
    if at is None:
        return ""
    when = at
    if isinstance(when, str):
        when = datetime.fromisoformat(when) if "T" in when else date.fromisoformat(when)
    if isinstance(when, datetime):
        when = local_time(when, zone()).date()
    return str(format_date(when, "d MMM y", locale=language())).replace(" ", _NBSP)


def month(at: date) -> str:
    """A month with its year, as a heading has it."""
    told = str(format_date(at, "LLLL y", locale=language()))
    return told[:1].upper() + told[1:]


def phone(text: str | None) -> Markup:
    """A phone in groups; what is no phone is shown as it came."""
    if not text:
        return Markup()
    try:
        parsed = phonenumbers.parse(text, "RU")
    except phonenumbers.NumberParseException:
        return safe(text)
    shown = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return Markup('<span class="text-nowrap">{}</span>').format(shown)


def _decimal(count: int, places: int, pattern: str) -> str:
    """Exact: a Decimal made of the digits, never a float."""
    return _grouped(Decimal(count).scaleb(-places), pattern)


def _grouped(value: Decimal, pattern: str) -> str:
    text = format_decimal(value, pattern, locale=Locale.parse(language()))
    return text.replace("-", _MINUS).replace(" ", _NBSP)
