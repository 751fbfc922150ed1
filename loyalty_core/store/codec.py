"""The kit's frozen words as JSON and back, for columns that keep them whole."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Plain JSON data of a dataclass; what stands at its default is left out."""
    if is_dataclass(value):
        return {
            field.name: to_json(item)
            for field in fields(value)
            if (item := getattr(value, field.name)) != field.default
        }
    if isinstance(value, Mapping):
        return {name: to_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def from_json(kind: type[T], data: Any) -> T:
    """The dataclass that `to_json` was given."""
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable; its TypeVar hides it
    known = {name: _read(hints[name], item) for name, item in data.items()}
    return kind(**known)


def content_hash(data: Any) -> str:
    """Equal content, equal hash, whatever the order of fields."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, choices = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _read_one_of(choices, value)
    if origin is tuple:
        if len(choices) == 2 and choices[1] is Ellipsis:
            return tuple(_read(choices[0], item) for item in value)
        return tuple(_read(part, item) for part, item in zip(choices, value, strict=True))
    if origin is Literal or origin is not None or not isinstance(hint, type):
        return value
    if is_dataclass(hint):
        return from_json(hint, value)
    if issubclass(hint, datetime):
        return datetime.fromisoformat(value)
    return hint(value) if issubclass(hint, Enum) else value


def _read_one_of(choices: tuple[Any, ...], value: Any) -> Any:
    """The kit's unions are "this or None"; a union of plain values needs no reading."""
    rest = [choice for choice in choices if choice is not type(None)]
    return _read(rest[0], value) if len(rest) == 1 else value
