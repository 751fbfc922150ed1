"""Documents declared once: reading, JSON Schema and form labels come from one dataclass.

A field of such a dataclass carries a `word`: its kind of value, its name in the document and
its title in both languages.  `read` takes a value from JSON and gives ours, or raises Misfit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from loyalty_core.domain.pricing.choices import told_choice
from loyalty_kit.money import HUNDREDTHS, format_decimal, parse_decimal

T = TypeVar("T")
JsonSchema = dict[str, Any]


class Misfit(Exception):
    """What does not fit, by path within the value at hand ("" is the value itself)."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(dict(errors))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value: how it is read, and its JSON Schema with titles in a language.

    `told` is what people read in a language; None: the value tells itself.  `holds`: the declared
    class of the value, or of its items.
    """

    read: Callable[[object], T]
    schema: Callable[[str], JsonSchema]
    told: Callable[[Any, str], str] | None = None
    holds: type[Any] | None = None


@dataclass(frozen=True, slots=True)
class Word:
    key: str
    kind: Kind[Any]
    titles: Mapping[str, str]


def word(key: str, kind: Kind[Any], *, en: str, ru: str) -> dict[str, Word]:
    """Metadata of a dataclass field that stands under `key` in the document."""
    return {"word": Word(key, kind, {"en": en, "ru": ru})}


def misfit(message: str) -> Misfit:
    return Misfit({"": [message]})


def nested(prefix: str, errors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The same errors, one level further out."""
    return {f"{prefix}.{path}" if path else prefix: said for path, said in errors.items()}


def text(*, longest: int = 200, pattern: str | None = None) -> Kind[str]:
    def read(value: object) -> str:
        if not isinstance(value, str):
            raise misfit("must be a string")
        if not 1 <= len(value) <= longest:
            raise misfit(f"must have 1 to {longest} characters")
        if pattern and not re.fullmatch(pattern, value, re.ASCII):
            raise misfit(f"must match {pattern}")
        return value

    schema: JsonSchema = {"type": "string", "minLength": 1, "maxLength": longest}
    if pattern:
        schema["pattern"] = f"^{pattern}$"
    return Kind(read, lambda _: dict(schema))


def decimal(*, least: int = 0, most: int = 10**15 - 1) -> Kind[int]:
    """A decimal with at most two digits, as a count of hundredths from `least` to `most`."""

    def read(value: object) -> int:
        try:
            count = parse_decimal(value, HUNDREDTHS)
        except ValueError:
            raise misfit("must be a decimal with at most two digits after the point") from None
        if not least <= count <= most:
            raise misfit(f"must be from {format_decimal(least)} to {format_decimal(most)}")
        return count

    schema: JsonSchema = {
        "type": ["string", "number"],
        "pattern": r"^[0-9]{1,15}(\.[0-9]{1,2})?$",
        "minimum": least / 100,
        "maximum": most // 100,
    }
    return Kind(read, lambda _: dict(schema), told_decimal)


def told_decimal(count: int, locale: str) -> str:
    """Hundredths as people read them in a language: 50000 -> "500", 1050 -> "10,50"."""
    short = format_decimal(count).removesuffix(".00")
    return short.replace(".", ",") if locale == "ru" else short


def whole(*, least: int, most: int) -> Kind[int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise misfit("must be a whole number")
        if not least <= value <= most:
            raise misfit(f"must be from {least} to {most}")
        return value

    return Kind(read, lambda _: {"type": "integer", "minimum": least, "maximum": most})


def choice(*names: str) -> Kind[str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise misfit(f"must be one of: {', '.join(names)}")
        return value

    return Kind(
        read, lambda _: {"enum": list(names)}, lambda name, locale: told_choice(names, name, locale)
    )


def optional(kind: Kind[T]) -> Kind[T | None]:
    """The kind, or null."""

    def schema(locale: str) -> JsonSchema:
        return {"anyOf": [kind.schema(locale), {"type": "null"}]}

    def read(value: object) -> T | None:
        return None if value is None else kind.read(value)

    return Kind(read, schema, kind.told, kind.holds)


def many(kind: Kind[T], *, least: int = 0, most: int = 10_000) -> Kind[tuple[T, ...]]:
    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise misfit("must be a list")
        if not least <= len(value) <= most:
            raise misfit(f"must have {least} to {most} items")
        items: list[T] = []
        errors: dict[str, list[str]] = {}
        for index, item in enumerate(value):
            try:
                items.append(kind.read(item))
            except Misfit as wrong:
                errors |= nested(str(index), wrong.errors)
        if errors:
            raise Misfit(errors)
        return tuple(items)

    def schema(locale: str) -> JsonSchema:
        return {
            "type": "array",
            "items": kind.schema(locale),
            "minItems": least,
            "maxItems": most,
        }

    return Kind(read, schema, kind.told, kind.holds)


def record(cls: type[T]) -> Kind[T]:
    """An object with exactly the words of a declared dataclass."""
    return Kind(
        lambda value: read_record(cls, value),
        lambda locale: record_schema(cls, locale),
        holds=cls,
    )


def read_record(cls: type[T], value: object) -> T:
    """The dataclass from an object of JSON.

    Raises: Misfit, naming every unknown, missing and wrong field at once.
    """
    if not isinstance(value, Mapping):
        raise misfit("must be an object")
    words = words_of(cls)
    keys = {said.key for said, _ in words}
    errors = {str(key): ["unknown field"] for key in value if key not in keys}
    values: dict[str, object] = {}
    for said, slot in words:
        if said.key in value:
            try:
                values[slot.name] = said.kind.read(value[said.key])
            except Misfit as wrong:
                errors |= nested(said.key, wrong.errors)
        elif _required(slot):
            errors[said.key] = ["is required"]
    if errors:
        raise Misfit(errors)
    return cls(**values)


def record_schema(cls: type[Any], locale: str) -> JsonSchema:
    """JSON Schema of a declared dataclass, titles in `locale` ("ru" or "en")."""
    words = words_of(cls)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [said.key for said, slot in words if _required(slot)],
        "properties": {
            said.key: {"title": said.titles[locale], **said.kind.schema(locale)}
            for said, _ in words
        },
    }


def words_of(cls: type[Any]) -> tuple[tuple[Word, Field[Any]], ...]:
    return tuple((slot.metadata["word"], slot) for slot in fields(cls))


def _required(slot: Field[Any]) -> bool:
    return slot.default is MISSING and slot.default_factory is MISSING


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise misfit("must be true or false")
    return value


def _read_instant(value: object) -> datetime:
    """Keeps the offset of the document: it is how the owner reads the time again."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise misfit("must be an ISO 8601 time with an offset")
    return instant


FLAG: Kind[bool] = Kind(_read_flag, lambda _: {"type": "boolean"})
INSTANT: Kind[datetime] = Kind(_read_instant, lambda _: {"type": "string", "format": "date-time"})
CODE: Kind[str] = text(longest=64, pattern="[A-Za-z0-9][A-Za-z0-9._-]*")
NAME: Kind[str] = text()
MONEY: Kind[int] = decimal()


def percent(*, least: int = 0, most: int = 100_00) -> Kind[int]:
    """A percent as basis points: "2.5" is 250."""
    return decimal(least=least, most=most)
