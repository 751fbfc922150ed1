"""The fields that the wire forms are made of, and the schema that loads into frozen dataclasses.

Messages are short and stable: the hub translates them by their text.  They never repeat the
value that was refused, since it may be somebody's phone number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_dump, post_load, validate

from loyalty_kit.money import (
    HUNDREDTHS,
    MAX_AMOUNT,
    THOUSANDTHS,
    format_decimal,
    format_quantity,
    parse_decimal,
)

MAX_LINES = 500
MAX_ID = 255
MAX_CODE = 100
MAX_NAME = 500
MAX_PHONE = 64
MAX_EMAIL = 254
MAX_DIGITS = len(str(MAX_AMOUNT - 1))
MAX_LIST = 100
"""Entries in one list of codes: categories of a line, coupons of a basket."""
MAX_VOLUME_ML = 1_000_000
"""Of one unit of drink."""
MAX_WHOLE = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""

NOT_TEXT = "Not a text."
NOT_WHOLE = "Not a whole number."
NOT_BOOLEAN = "Not true or false."
NOT_DECIMAL = "Not a decimal."
NEGATIVE = "Must not be negative."
BLANK = "Must not be blank."
BAD_CHARACTER = "Holds a character that is not allowed."
TOO_LONG = "Too long."
NOT_TIME = "Not an ISO 8601 time with an offset."
TIME_OUT_OF_RANGE = "Time out of range."
TOO_MANY = "Too many entries."
TWICE = "Given twice."

# Control characters but for tab and line ends, and halves of surrogate pairs: PostgreSQL and
# UTF-8 cannot hold them.
_NOT_STORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
YEARS = range(1970, 2200)
"""Inside it a time can be moved to any zone without an overflow."""


class Text(fields.String):
    """A text that can be stored.  Where null is allowed, blank means null."""

    def __init__(self, *, most: int = MAX_CODE, **kwargs: Any) -> None:
        kwargs["metadata"] = {"maxLength": most, **kwargs.get("metadata", {})}
        kwargs.setdefault("error_messages", {"invalid": NOT_TEXT, "null": NOT_TEXT})
        super().__init__(**kwargs)
        self.most = most

    @property
    def quick(self) -> str:
        """For the checker: what is printable is storable."""
        return (
            f"value if type(value) is str and len(value) <= {self.most}"
            " and value.isprintable() and value.strip() else None"
        )

    def _deserialize(  # type: ignore[override]  # a blank optional text loads as None
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if not isinstance(value, str):
            raise ValidationError(NOT_TEXT)
        if len(value) > self.most:
            raise ValidationError(TOO_LONG)
        # What is printable is storable, and told at a fraction of the cost.
        if not value.isprintable() and _NOT_STORABLE.search(value):
            raise ValidationError(BAD_CHARACTER)
        if not value.strip():
            if self.allow_none:
                return None
            raise ValidationError(BLANK)
        return value


class _Decimal(fields.Field[int]):
    """A decimal on the wire, a count of smallest units inside; never below zero."""

    places: ClassVar[int]

    def __init__(self, *, answer: bool = False, **kwargs: Any) -> None:
        whole, sign = MAX_DIGITS - self.places, "-?" if answer else ""
        described: dict[str, Any] = {
            "type": "string" if answer else ["string", "number"],
            "pattern": rf"^{sign}[0-9]{{1,{whole}}}(\.[0-9]{{1,{self.places}}})?$",
        }
        if not answer:
            described["minimum"] = 0
        kwargs["metadata"] = {**described, **kwargs.get("metadata", {})}
        kwargs.setdefault("error_messages", {"null": NOT_DECIMAL})
        super().__init__(**kwargs)

    @property
    def quick(self) -> str:
        """For the checker."""
        parsed = f"parse_decimal(value, {self.places})"
        return f"count if value is not None and (count := {parsed}) >= 0 else None"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        try:
            count = parse_decimal(value, self.places)
        except ValueError:
            raise ValidationError(
                f"{NOT_DECIMAL[:-1]} with at most {self.places} digits after the point."
            ) from None
        if count < 0:
            raise ValidationError(NEGATIVE)
        return count


class Hundredths(_Decimal):
    """Money (kopecks inside) or points (hundredths inside): "1350.00"."""

    places = HUNDREDTHS

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format_decimal(value, HUNDREDTHS)


class Quantity(_Decimal):
    """Thousandths of a unit inside: "2", "0.35"."""

    places = THOUSANDTHS

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format_quantity(value)


class Whole(fields.Integer):
    """A JSON integer; digits in a text are refused."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        kwargs.setdefault(
            "validate", validate.Range(least, most, error=f"Must be from {least} to {most}.")
        )
        super().__init__(**kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(NOT_WHOLE)
        return value


class Flag(fields.Boolean):
    """JSON's true and false and nothing else."""

    quick = "value if type(value) is bool else None"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(NOT_BOOLEAN)
        return value


class Moment(fields.AwareDateTime):
    """An ISO 8601 time with an offset; the offset is kept."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.utcoffset() is None:
            raise ValidationError(NOT_TIME)
        if moment.year not in YEARS:
            raise ValidationError(TIME_OUT_OF_RANGE)
        return moment

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat()


def at_most(entries: int) -> validate.Length:
    return validate.Length(max=entries, error=TOO_MANY)


def codes(description: str, *, most: int = MAX_CODE, **kwargs: Any) -> fields.List[Any]:
    """A list of short texts: categories, coupons, attributes."""
    kwargs.setdefault("validate", at_most(MAX_LIST))
    return fields.List(Text(most=most), metadata={"description": description}, **kwargs)


def currency(description: str = "ISO 4217 code of the money, as in the programme.") -> Text:
    """Three capital letters; the service compares them with the programme's."""
    return Text(
        most=3,
        load_default="RUB",
        validate=validate.Regexp(r"^[A-Z]{3}$", error="Not a currency code of three letters."),
        metadata={"description": description},
    )


class FrozenSchema(Schema):
    """Loads into the frozen dataclass `builds`; lists become tuples, left out keys its defaults.

    Unknown fields are refused.  Dumping leaves out what is None ("not said"), so that what was
    dumped loads to an equal value.
    """

    builds: ClassVar[type]

    @cached_property
    def _lists(self) -> tuple[str, ...]:
        """Names of the fields that load as lists."""
        return tuple(
            field.attribute or name
            for name, field in self.load_fields.items()
            if isinstance(field, fields.List) or (isinstance(field, fields.Nested) and field.many)
        )

    @property
    def quick(self) -> list[str]:
        """What `_build` does, for the checker."""
        lists = [
            f"if loaded.get({name!r}) is not None: loaded[{name!r}] = tuple(loaded[{name!r}])"
            for name in self._lists
        ]
        return [*lists, "loaded = builds(**loaded)"]

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        for name in self._lists:
            told = data.get(name)
            if told is not None:
                data[name] = tuple(told)
        return self.builds(**data)

    @post_dump
    def _leave_out_none(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None}


def refuse_twice(items: list[Any], attribute: str, path: str, key: str) -> None:
    """Refuse a list in which two entries have the same `attribute`; the later ones are named.

    Raises: ValidationError at `path`.<index>.`key`.
    """
    if len({getattr(item, attribute) for item in items}) == len(items):
        return
    seen: set[Any] = set()
    errors: dict[int, dict[str, list[str]]] = {}
    for index, item in enumerate(items):
        value = getattr(item, attribute)
        if value in seen:
            errors[index] = {key: [TWICE]}
        seen.add(value)
    raise ValidationError({path: errors})


def in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
