"""What the forms of lots of coupons and of certificates share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from babel.dates import format_datetime
from flask import request

from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme, zone
from hub.web.admin.formats import number
from hub.web.admin.languages import gettext, language
from hub.web.sentences import field_message
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.store.database import transact
from loyalty_kit.money import HUNDREDTHS, parse_decimal

MOST_NAME = 100
Lot = TypeVar("Lot")


def a_name() -> str:
    """A name that no other lot has, to be written over."""
    now = the_hub().clock.now().astimezone(zone())
    return str(format_datetime(now, "d MMM y, HH:mm:ss", locale=language()))


def told(name: str) -> str:
    return request.form.get(name, "").strip()


def read_name(errors: dict[str, str]) -> str:
    name = told("lot")
    if not 0 < len(name) <= MOST_NAME:
        errors["lot"] = gettext("Give it a name, of at most 100 characters.")
    return name


def read_lot(errors: dict[str, str]) -> dict[str, str]:
    """The lot that the codes of a file go into, and their series, as far as it is told."""
    return {"lot": read_name(errors), "series": told("series")}


def read_count(errors: dict[str, str], most: int) -> int:
    """How many: people write "1 000"."""
    plain = "".join(told("count").split())
    if plain.isascii() and plain.isdigit() and len(plain) <= len(str(most)):
        count = int(plain)
        if 1 <= count <= most:
            return count
    errors["count"] = gettext("Write a number from 1 to %(most)s.", most=number(most))
    return 0


def read_day(errors: dict[str, str], name: str, *, whole: bool = False) -> datetime | None:
    """The midnight that begins a day of the programme, or ends it (`whole`)."""
    if not told(name):
        return None
    try:
        day = date.fromisoformat(told(name)) + timedelta(days=1 if whole else 0)
        return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)
    # The calendar has no midnight in UTC of the very first day, and none that ends the last one.
    except (ValueError, OverflowError):
        errors[name] = gettext("Choose a day.")
        return None


def read_money(errors: dict[str, str], name: str, most: int) -> int:
    """Kopecks."""
    try:
        minor = parse_decimal("".join(told(name).split()).replace(",", "."), HUNDREDTHS)
    except ValueError:
        minor = 0
    if 0 < minor <= most:
        return minor
    errors[name] = gettext("Write a sum of money, as 1000 or 1000.50.")
    return 0


def open_lot(work: Callable[..., Lot], wanted: Any, errors: dict[str, str]) -> Lot | None:
    """Open it, and ring for whoever makes what is in it.  None, with the reasons among `errors`,
    where the service (`open_lot` of coupons or of certificates) refuses it.
    """
    hub, programme_id, now = the_hub(), the_programme().id, the_hub().clock.now()
    try:
        lot = transact(
            hub.engine,
            lambda c: work(c, hub.plans, programme_id, wanted, author=author(), now=now),
        )
    except InvalidInput as error:
        errors.update(by_field(error))
        return None
    hub.bell.ring(programme_id)
    return lot


def by_field(error: InvalidInput) -> dict[str, str]:
    """What a service refuses, in the language of the page."""
    return {name: field_message(why[0], language()) for name, why in error.errors.items()}


def whole_page(is_whole: bool) -> dict[str, str]:
    """Headers by which htmx loads the page anew once its lot is whole: it shows more then."""
    return {"HX-Refresh": "true"} if is_whole else {}
