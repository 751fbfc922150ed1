"""What stands before and after a change in the log, in words of the page's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.installations import CHANGED
from hub.live import wire_id
from hub.registry import ConnectorUnavailable
from hub.web.admin import words
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.formats import moment, money, number, points
from hub.web.admin.languages import gettext, language, lazy_gettext
from hub.web.admin.setting_forms import said
from loyalty_core.store import installations
from loyalty_core.store.audit import Note
from loyalty_core.store.database import read
from loyalty_core.store.programmes import all_shops
from loyalty_kit.redact import MASK
from loyalty_kit.settings import FormField, form_fields

_TITLES: Mapping[str, str] = {
    "added": lazy_gettext("Added"),
    "amount": lazy_gettext("Sum"),
    "besides": lazy_gettext("On top of earlier files"),
    "blocked": lazy_gettext("Blocked"),
    "brought_in": lazy_gettext("Brought in from a file"),
    "channels": lazy_gettext("Channels"),
    "class": lazy_gettext("Kind of message"),
    "club": lazy_gettext("Club"),
    "connection": lazy_gettext("Connection"),
    "connector": lazy_gettext("Connector"),
    "counts": lazy_gettext("The purchase that counts"),
    "currency": lazy_gettext("Currency of points"),
    "day_points": lazy_gettext("Points by hand in a day"),
    "days_before": lazy_gettext("Days before"),
    "dry": lazy_gettext("Counting alone"),
    "entry": lazy_gettext("Line of the ledger"),
    "field": lazy_gettext("Where the number stands"),
    "from": lazy_gettext("Merged from"),
    "goods": lazy_gettext("Goods"),
    "is_on": lazy_gettext("Switched on"),
    "known": lazy_gettext("Known already"),
    "left": lazy_gettext("Left"),
    "limit": lazy_gettext("Limit of the day"),
    "list": lazy_gettext("List"),
    "loaded": lazy_gettext("With money on them"),
    "lot": lazy_gettext("Lot"),
    "name": lazy_gettext("Name"),
    "nominal": lazy_gettext("Nominal"),
    "points": lazy_gettext("Points"),
    "prices": lazy_gettext("Price of a point"),
    "rejected": lazy_gettext("Cannot be taken"),
    "reward": lazy_gettext("Reward"),
    "reward_form": lazy_gettext("Chosen form of reward"),
    "role": lazy_gettext("Role"),
    "roles": lazy_gettext("Roles"),
    "scopes": lazy_gettext("What it may do"),
    "seen_in": lazy_gettext("Also seen in"),
    "series": lazy_gettext("Series"),
    "shops": lazy_gettext("Shops"),
    "shows_balances": lazy_gettext("Balances are shown in the shop"),
    "since": lazy_gettext("From the day"),
    "size": lazy_gettext("How many"),
    "state": lazy_gettext("State"),
    "system": lazy_gettext("System of the customers' numbers"),
    "truth": lazy_gettext("Whose word counts"),
    "until": lazy_gettext("Until"),
    "version": lazy_gettext("Version"),
}
_LISTS: Mapping[str, str] = {
    "products": lazy_gettext("Catalogue"),
    "coupons": lazy_gettext("Coupons"),
    "certificates": lazy_gettext("Certificates"),
    "members": lazy_gettext("Members"),
    "balances": lazy_gettext("Balances"),
    "purchases": lazy_gettext("Receipts of before"),
}
"""What a file was brought into."""
_NUMBERS: Mapping[str, str] = {
    "order": lazy_gettext("As the order number"),
    "external_id": lazy_gettext("As its own document number"),
}
_STATES: Mapping[str, Mapping[str, words.State]] = {
    "connection_made": words.CONNECTION,
    "connection_set": words.CONNECTION,
    "connection_state": words.CONNECTION,
    "coupon_blocked": words.COUPON,
    "coupon_lot_blocked": words.COUPON,
}
_OF_CONNECTIONS = frozenset({"connection", "seen_in", "truth"})


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a change.  `was` or `now` None: there was nothing, or there is nothing now."""

    title: str
    was: str | None
    now: str | None


class Teller:
    """Tells of changes; what connections, their settings, shops and codes of the rules in force
    are called is looked up once."""

    def __init__(self) -> None:
        hub, programme = the_hub(), the_programme()
        with read(hub.engine) as connection:
            rows = installations.of_programme(connection, programme.id)
            shops = all_shops(connection, programme.id)
            rules = hub.plans.get(connection, programme.id, programme.rules_version).rules
        self._coded = {
            "shops": _named(shops),
            "currency": _named(rules.currencies),
            "prices": _named(rules.currencies),
            "series": _named([*rules.coupons, *rules.certificates]),
            "club": _named(rules.clubs),
            "reward": _named(rules.reward_catalogue),
            "reward_form": _named(() if rules.rewards is None else rules.rewards.forms),
            "list": _named(rules.personal_lists),
        }
        self._names = {wire_id(row.id): row.name for row in rows}
        self._fields = {wire_id(row.id): _fields_of(row.connector) for row in rows}

    def subject(self, note: Note) -> str:
        """What was changed: by its name where the hub has one of its own for it."""
        kind, *rest = note.subject.split("/")
        if note.action == "file_brought_in":
            return str(_LISTS.get(kind, kind))
        if note.action in ("letter_set", "letter_written"):
            told = [words.MESSAGE_CHANNEL.get(one, one) for one in rest]
            return " / ".join(str(one) for one in (words.MESSAGE_KIND.get(kind, kind), *told))
        if note.action == "channel_set":
            return str(words.MESSAGE_CHANNEL.get(kind, kind))
        return self._names.get(note.subject, note.subject)

    def lines(self, note: Note) -> list[Told]:
        fields = self._fields.get(note.subject, {})
        lines = []
        for name in dict.fromkeys([*note.before, *note.after]):
            field = None if name in _TITLES else fields.get(name)
            title = str(_TITLES.get(name, name)) if field is None else said(field.title, language())
            was, now = (
                self._value(note, name, side[name], field) if name in side else None
                for side in (note.before, note.after)
            )
            lines.append(Told(title, was, now))
        return lines

    def _value(self, note: Note, name: str, value: Any, field: FormField | None) -> str:
        if name == "state" and value:
            return _state(note.action, str(value))
        if name in _OF_CONNECTIONS and value in self._names:
            return self._names[value]
        if value and name in self._coded:
            return _coded(self._coded[name])(value)
        return _value(name, value, field)


def _fields_of(connector: str) -> Mapping[str, FormField]:
    try:
        schema = the_hub().registry.get(connector).manifest.settings_schema
    except ConnectorUnavailable:
        return {}
    return {field.name: field for field in form_fields(schema)}


def _value(name: str, value: Any, field: FormField | None) -> str:
    if value is None or value in ("", [], {}):
        return gettext("nothing")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if value in (MASK, CHANGED):
        return gettext("hidden") if value == MASK else gettext("another, hidden")
    try:
        return _TOLD[name](value) if name in _TOLD else _plain(value, field)
    except ValueError:  # as somebody typed it
        return str(value)


def _plain(value: Any, field: FormField | None) -> str:
    """As it is written; a choice by its title."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(one, field)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one, field) for one in value)
    if isinstance(value, int):
        return number(value)
    titles = {} if field is None else {one.value: one.title for one in field.choices}
    return said(titles[value], language()) if value in titles else str(value)


def _state(action: str, code: str) -> str:
    if action == "channel_set":
        return str(words.POLICY.get(code, code))
    return str(words.state(_STATES.get(action, {}), code).text)


def _connector(code: str) -> str:
    try:
        return said(the_hub().registry.get(code).manifest.title, language())
    except ConnectorUnavailable:
        return code


def _named(coded: Iterable[Any]) -> dict[str, str]:
    return {one.code: one.name for one in coded}


def _coded(titles: Mapping[str, str]) -> Callable[[Any], str]:
    """Codes as a list, or between commas, or each with a sum of money."""

    def told(value: Any) -> str:
        if isinstance(value, Mapping):
            return ", ".join(
                f"{titles.get(one, one)}: {_money(sum_)}" for one, sum_ in value.items()
            )
        codes = value.split(", ") if isinstance(value, str) else value
        return ", ".join(str(titles.get(code, code)) for code in codes)

    return told


def _money(value: Any) -> str:
    return money(str(value), the_programme().currency)


_TOLD: Mapping[str, Callable[[Any], str]] = {
    "amount": _money,
    "nominal": _money,
    "points": points,
    "day_points": points,
    "limit": points,
    "left": lambda left: number(left) if isinstance(left, int) else points(left),
    "besides": lambda _: gettext("yes"),
    "since": moment,
    "until": moment,
    "connector": _connector,
    "class": _coded(words.MESSAGE_CLASS),
    "field": _coded(_NUMBERS),
    "role": _coded(words.ROLE),
    "roles": _coded(words.ROLE),
    "scopes": _coded(words.SCOPE),
}
