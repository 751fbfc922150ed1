"""A connector's settings: one marshmallow schema that is also a web form and `--set` options.

A field says its title and help by language, and whether it is a secret, through the
constructors here.  The hub draws the form from `form_fields`, checks what came in with
`load_settings`, and shows or logs settings only as `masked` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import marshmallow
from marshmallow import Schema, ValidationError, fields, missing, validate

from loyalty_kit.redact import MASK

Texts = Mapping[str, str]
"""By language: {"ru": ..., "en": ...}."""
Kind = Literal["text", "secret", "url", "boolean", "integer", "choice", "choices"]

REQUIRED = "Required."
NOT_ONE_OF = "Not one of the choices."
NOT_AN_ADDRESS = "Not an address that begins with https:// or http://."
LANGUAGES = ("ru", "en")

_META = "settings"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    title: Texts


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of the form.  `default` is as a form would send it: text, or texts by comma."""

    name: str
    kind: Kind
    title: Texts
    help: Texts
    required: bool
    secret: bool
    choices: tuple[Choice, ...]
    default: str


@dataclass(frozen=True, slots=True)
class _Drawn:
    """How a field is drawn; kept in the field's metadata."""

    kind: Kind
    title: Texts
    help: Texts
    choices: tuple[Choice, ...] = ()


class SettingsSchema(Schema):
    """Base of every connector's settings: unknown names are refused."""


def text(title: Texts, *, help: Texts | None = None, default: str | None = None) -> fields.String:  # noqa: A002 - the form's own word
    """A line of text; without a default it must be given."""
    return fields.String(**_common("text", title, help, default))


def secret(title: Texts, *, help: Texts | None = None, default: str | None = None) -> fields.String:  # noqa: A002 - the form's own word
    """A text that is stored encrypted and never shown again; `default` only "" (optional)."""
    return fields.String(**_common("secret", title, help, default))


def url(title: Texts, *, help: Texts | None = None, default: str | None = None) -> fields.String:  # noqa: A002 - the form's own word
    """An http or https address; whether it may be called is the transport's business."""
    return fields.String(validate=_is_address, **_common("url", title, help, default))


def boolean(title: Texts, *, help: Texts | None = None, default: bool = False) -> fields.Boolean:  # noqa: A002 - the form's own word
    """A box to tick."""
    return fields.Boolean(**_common("boolean", title, help, default))


def integer(
    title: Texts,
    *,
    least: int,
    most: int,
    help: Texts | None = None,  # noqa: A002 - the form's own word
    default: int | None = None,
) -> fields.Integer:
    """A whole number between the two, both included."""
    bounds = validate.Range(least, most, error=f"Must be from {least} to {most}.")
    return fields.Integer(validate=bounds, **_common("integer", title, help, default))


def choice(
    title: Texts,
    choices: tuple[Choice, ...],
    *,
    help: Texts | None = None,  # noqa: A002 - the form's own word
    default: str | None = None,
) -> fields.String:
    """One of the choices."""
    allowed = validate.OneOf([one.value for one in choices], error=NOT_ONE_OF)
    return fields.String(
        validate=allowed, **_common("choice", title, help, default, choices=choices)
    )


def several(
    title: Texts,
    choices: tuple[Choice, ...],
    *,
    help: Texts | None = None,  # noqa: A002 - the form's own word
    default: tuple[str, ...] | None = None,
) -> fields.Field[Any]:
    """Any of the choices, at least one; loads to a tuple.  As text: separated by commas."""
    return _Several(
        [one.value for one in choices], **_common("choices", title, help, default, choices=choices)
    )


class _Several(fields.Field[tuple[str, ...]]):
    def __init__(self, allowed: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = allowed

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise ValidationError(NOT_ONE_OF)
        chosen = {item.strip() for item in items} - {""}
        if not chosen:
            raise ValidationError(REQUIRED)
        if not chosen <= set(self.allowed):
            raise ValidationError(NOT_ONE_OF)
        return tuple(value for value in self.allowed if value in chosen)


def form_fields(schema: type[Schema]) -> tuple[FormField, ...]:
    """The form of a settings schema, in the order of its fields."""
    return tuple(_form_field(name, field) for name, field in schema().fields.items())


def load_settings(schema: type[Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from a form, from `--set`, or as they were stored (loading twice is loading once).

    Texts are trimmed; an empty one is "not given", so that its default or "Required." applies.

    Raises: ValidationError, its messages by field name.
    """
    cleaned = {}
    for name, value in given.items():
        kept = value.strip() if isinstance(value, str) else value
        if kept is not None and kept != "":
            cleaned[name] = kept
    loaded = schema().load(cleaned, unknown=marshmallow.RAISE)
    return cast(dict[str, Any], loaded)


@cache
def secret_names(schema: type[Schema]) -> frozenset[str]:
    """Of a schema, worked out once: every delivery is shown its settings without them."""
    return frozenset(field.name for field in form_fields(schema) if field.secret)


def masked(schema: type[Schema], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with each given secret replaced by a mask; fit to be shown and logged."""
    secrets = secret_names(schema)
    return {name: MASK if name in secrets and value else value for name, value in settings.items()}


def _common(  # the form's kinds share these
    kind: Kind,
    title: Texts,
    explained: Texts | None,
    default: object,
    *,
    choices: tuple[Choice, ...] = (),
) -> dict[str, Any]:
    drawn = _Drawn(kind=kind, title=title, help=explained or {}, choices=choices)
    return {
        "required": default is None,
        "load_default": missing if default is None else default,
        "metadata": {_META: drawn, "description": title.get("en", "")},
        "error_messages": {"required": REQUIRED, "null": REQUIRED},
    }


def _form_field(name: str, field: fields.Field[Any]) -> FormField:
    drawn = field.metadata.get(_META) or _Drawn(kind="text", title={"en": name}, help={})
    return FormField(
        name=field.data_key or name,
        kind=drawn.kind,
        title=drawn.title,
        help=drawn.help,
        required=field.required,
        secret=drawn.kind == "secret",
        choices=drawn.choices,
        default=_as_text(field.load_default),
    )


def _as_text(default: object) -> str:
    if default is missing or default is None:
        return ""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple | list):
        return ",".join(str(item) for item in default)
    return str(default)


def _is_address(value: str) -> None:
    """Raises: ValidationError."""
    try:
        parts = urlsplit(value)
        readable = parts.scheme in ("http", "https") and bool(parts.hostname)
        # Reading the port is what checks it.
        readable = readable and parts.port != 0
    except ValueError:
        readable = False
    if not readable or parts.username or parts.password or any(ch.isspace() for ch in value):
        raise ValidationError(NOT_AN_ADDRESS)
