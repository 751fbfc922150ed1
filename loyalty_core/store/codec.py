"""The kit's frozen words as JSON and back, for columns that keep them whole.

How a dataclass is written and read follows from its type hints, and is worked out once.
"""

from __future__ import annotations

import hashlib
import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")
_Change = Callable[[Any], Any]
_PLAIN = (str, int, float, bool, type(None))
_AS_IT_IS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_SORTED = _AS_IT_IS | orjson.OPT_SORT_KEYS
_NEAR_NOUGHT = re.compile(rb"(?:^|[:,\[])-?[0-9](?:\.0000|[0-9.]*e-)")
"""A number, not what looks like one inside of a text: ids of vendors have `e-` in them."""
_MAY_BE_NEAR = re.compile(rb"e-|\.0000").search
_by_library = json.JSONEncoder(separators=(",", ":")).encode
_by_library_sorted = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":")
).encode


def to_json(value: Any) -> Any:
    """Plain JSON data of a dataclass; what stands at its default is left out."""
    data: Any = _writer(type(value))(value)  # type: ignore[arg-type]  # a class is hashable
    return data


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The dataclass that `to_json` was given."""
    word: T = _read_word(kind, data)
    return word


class JsonText(str):
    """JSON data that is written already."""

    __slots__ = ()


def json_text(data: Any) -> str:
    """JSON data as a column keeps it.

    What orjson refuses (half of a surrogate pair, a number beyond 64 bits) is written by `json`.
    """
    if type(data) is JsonText:
        return data
    try:
        return orjson.dumps(data, option=_AS_IT_IS).decode()
    except orjson.JSONEncodeError:
        return _by_library(data)


def content_hash(data: Any) -> str:
    """Equal content, equal hash, whatever the order of fields.

    Hashes are kept, so the bytes beneath stay those that `json` would write: numbers close to
    nought orjson writes otherwise (0.00001, 2e-7), and what has one is left to `json`.
    """
    try:
        told = orjson.dumps(data, option=_SORTED)
    except orjson.JSONEncodeError:
        told = b""
    if not told or (_MAY_BE_NEAR(told) and _NEAR_NOUGHT.search(told)):
        told = _by_library_sorted(data).encode()
    return hashlib.sha256(told).hexdigest()


# --- writing --------------------------------------------------------------------------------


@cache
def _writer(kind: type) -> _Change:
    """Of a dataclass: what turns one into JSON data.

    Written out as a function of its own, as `dataclasses` itself does: every receipt goes
    through here twice, with all its lines (`docs/adr/0051`).
    """
    hints = get_type_hints(kind)
    known: dict[str, Any] = {}
    lines = ["def write(word):", "    data = {}"]
    for number, field in enumerate(fields(kind)):
        name, write = field.name, _write_as(hints[field.name])
        known |= {f"default{number}": field.default, f"write{number}": write}
        value = "item" if write is None else f"item if item is None else write{number}(item)"
        lines.append(f"    item = word.{name}")
        keep = f"data[{name!r}] = {value}"
        if field.default is not MISSING:
            is_default = f"item is default{number} or item == default{number}"
            keep = f"if not ({is_default}): {keep}"
        lines.append(f"    {keep}")
    lines.append("    return data")
    exec("\n".join(lines), known)  # nosec B102 # noqa: S102 - names of our own fields
    made: _Change = known["write"]
    return made


def _write_as(hint: Any) -> _Change | None:
    """How values of this type are written; None: as they are."""
    hint = _without_none(hint)
    if get_origin(hint) is tuple:
        return _write_list(get_args(hint))
    if get_origin(hint) is dict and get_args(hint)[1] in (*_PLAIN, Any):
        return dict  # of Any: JSON data as it stands
    if not isinstance(hint, type):
        return _copy
    if is_dataclass(hint):
        return _writer(hint)
    if issubclass(hint, datetime):
        return datetime.isoformat
    if issubclass(hint, Enum):
        return attrgetter("value")
    return None if hint in _PLAIN else _copy


def _write_list(parts: tuple[Any, ...]) -> _Change:
    if len(parts) == 2 and parts[1] is Ellipsis:
        write = _write_as(parts[0])
        return list if write is None else lambda items: [write(item) for item in items]
    writes = [_write_as(part) for part in parts]
    if not any(writes):
        return list
    return lambda items: [
        item if write is None or item is None else write(item)
        for write, item in zip(writes, items, strict=True)
    ]


def _copy(value: Any) -> Any:
    """JSON data of whatever it turns out to be."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _copy(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return to_json(value) if is_dataclass(value) else value


# --- reading --------------------------------------------------------------------------------


def _read_word(kind: type, data: Mapping[str, Any]) -> Any:
    reads = _reader(kind)
    return kind(
        **{
            name: item if item is None or (read := reads[name]) is None else read(item)
            for name, item in data.items()
        }
    )


@cache
def _reader(kind: type) -> Mapping[str, _Change | None]:
    """Of a dataclass: how each of its fields is read."""
    return {name: _read_as(hint) for name, hint in get_type_hints(kind).items()}


def _read_as(hint: Any) -> _Change | None:
    """How JSON data becomes a value of this type; None: it is one."""
    hint = _without_none(hint)
    if get_origin(hint) is tuple:
        return _read_tuple(get_args(hint))
    if not isinstance(hint, type):
        return None
    if is_dataclass(hint):
        return partial(_read_word, hint)
    if issubclass(hint, datetime):
        return datetime.fromisoformat
    return hint if issubclass(hint, Enum) else None


def _read_tuple(parts: tuple[Any, ...]) -> _Change:
    if len(parts) == 2 and parts[1] is Ellipsis:
        read = _read_as(parts[0])
        return tuple if read is None else lambda items: tuple(read(item) for item in items)
    reads = [_read_as(part) for part in parts]
    if not any(reads):
        return tuple
    return lambda items: tuple(
        item if read is None or item is None else read(item)
        for read, item in zip(reads, items, strict=True)
    )


def _without_none(hint: Any) -> Any:
    """The kit's unions are "this or None"; one of plain values needs no change."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    rest = [choice for choice in get_args(hint) if choice is not type(None)]
    return rest[0] if len(rest) == 1 else Any
