"""A web form out of a connector's settings schema.

Secrets are write-only: no page ever holds one, neither a stored one nor one that was just
typed beside a mistake in another field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from hub.installations import COUPONS_BY_COMPANION
from hub.web.admin.languages import gettext, lazy_gettext
from hub.web.sentences import field_message
from loyalty_kit.messages import NOT_A_PRICE
from loyalty_kit.settings import NOT_AN_ADDRESS, NOT_ONE_OF, REQUIRED, FormField, Texts, form_fields

_MESSAGES = {
    REQUIRED: lazy_gettext("Fill this in."),
    COUPONS_BY_COMPANION: lazy_gettext(
        "Is not needed here: the shop's own side is paired and asks the hub for each cart."
    ),
    NOT_ONE_OF: lazy_gettext("Choose one of those offered."),
    NOT_AN_ADDRESS: lazy_gettext("An address begins with https:// or http://."),
    NOT_A_PRICE: lazy_gettext("A price is written as 3.50."),
}
_BOUNDS = re.compile(r"Must be from (-?\d+) to (-?\d+)\.")

Errors = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class DrawnChoice:
    value: str
    title: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DrawnField:
    """One field as the page shows it.

    `stored`: a secret that is there already and is kept where nothing is typed.
    """

    name: str
    kind: str
    title: str
    help: str
    required: bool
    value: str
    choices: tuple[DrawnChoice, ...]
    errors: tuple[str, ...]
    stored: bool


def read_form(schema: type[Schema], form: MultiDict[str, str]) -> dict[str, str]:
    """What was typed, as `--set` would give it; a box that is not ticked says "false"."""
    return {field.name: _typed(field, form) for field in form_fields(schema)}


def _typed(field: FormField, form: MultiDict[str, str]) -> str:
    if field.kind == "choices":
        return ",".join(form.getlist(field.name))
    if field.kind == "boolean":
        return "true" if field.name in form else "false"
    return form.get(field.name, "").strip()


def draw(
    schema: type[Schema],
    values: Mapping[str, str],
    *,
    errors: Errors,
    language: str,
    stored: frozenset[str] = frozenset(),
) -> list[DrawnField]:
    """The form with `values`; a field without a value shows its default.

    `stored` names the secrets that the installation has.
    """
    return [_draw(field, values, errors, language, stored) for field in form_fields(schema)]


def _draw(
    field: FormField,
    values: Mapping[str, str],
    errors: Errors,
    language: str,
    stored: frozenset[str],
) -> DrawnField:
    value = values.get(field.name, field.default)
    chosen = value.split(",")
    return DrawnField(
        name=field.name,
        kind=field.kind,
        title=said(field.title, language) or field.name,
        help=said(field.help, language),
        required=field.required,
        value="" if field.secret else value,
        choices=tuple(
            DrawnChoice(one.value, said(one.title, language) or one.value, one.value in chosen)
            for one in field.choices
        ),
        errors=tuple(_error(text, language) for text in errors.get(field.name, ())),
        stored=field.name in stored,
    )


def _error(text: str, language: str) -> str:
    """The kit's messages in the language of the page; a connector's own come as they are."""
    bounds = _BOUNDS.fullmatch(text)
    if bounds:
        least, most = bounds.groups()
        return gettext("Must be from %(least)s to %(most)s.", least=least, most=most)
    known = _MESSAGES.get(text)
    return str(known) if known else field_message(text, language)


def said(texts: Texts, language: str) -> str:
    """The text in the language, else in English, else in any."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def as_texts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Stored settings as a form would send them."""
    return {name: _as_text(value) for name, value in settings.items()}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(one) for one in value)
    return "" if value is None else str(value)


def shown(
    schema: type[Schema], settings: Mapping[str, Any], language: str
) -> list[tuple[str, str]]:
    """Title and value of each setting that is there; of a secret only that it is there."""
    texts = as_texts(settings)
    return [
        (said(field.title, language) or field.name, _shown(field, texts[field.name], language))
        for field in form_fields(schema)
        if texts.get(field.name)
    ]


def _shown(field: FormField, text: str, language: str) -> str:
    if field.secret:
        return gettext("kept; not shown")
    if field.kind == "boolean":
        return gettext("yes") if text == "true" else gettext("no")
    titles = {one.value: said(one.title, language) for one in field.choices}
    return ", ".join(titles.get(one, one) for one in text.split(",")) if titles else text
