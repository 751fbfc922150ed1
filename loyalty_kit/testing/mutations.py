"""Rubbish, and good messages spoiled in one place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

UNKNOWN_FIELD = "x_field_that_nobody_knows"

RUBBISH_BODIES = (
    b"",
    b" ",
    b"{",
    b"{}",
    b"[]",
    b"null",
    b"0",
    b"true",
    b'"text"',
    b"[[]]",
    b"[{}]",
    b"NaN",
    b'{"id": NaN}',
    b'{"id": 1e999}',
    b'{"id": {"a": []}}',
    b'{"id": "\\ud800"}',
    b'{"id": "\\u0000"}',
    b"\xff\xfe\x00",
    "текст".encode("cp1251"),
    b"\xef\xbb\xbf{}",
    b"a=1&b=2",
    b"<html></html>",
    b"[" * 100_000,
    b'{"a":' * 100_000,
)

RUBBISH_VALUES: tuple[Any, ...] = (None, "", "x", "\x00", -1, 10**30, 1.5, True, [], {}, [[]])
WRONG_TYPES: tuple[Any, ...] = (None, "x", -1, 1e300, True, [], {})

PLANTED = "+79000000078 planted"
PLANTS: tuple[Any, ...] = (PLANTED, [PLANTED], {PLANTED: PLANTED})
"""What stands for somebody's phone where a field was spoiled; no error may repeat it."""

Place = tuple[str | int, ...]


def json_object(body: bytes) -> dict[str, Any] | None:
    """The body as a JSON object, if it is one."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def fields_of(data: Any, place: Place = ()) -> Iterator[Place]:
    """The place of each field of each object in the data; of a list, of its first entry."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield (*place, name)
            yield from fields_of(value, (*place, name))
    elif isinstance(data, list) and data:
        yield from fields_of(data[0], (*place, 0))


def without(data: Any, place: Place) -> Any:
    """A copy without the field at `place`."""
    spoiled, parent = _copied(data, place)
    del parent[place[-1]]
    return spoiled


def replaced(data: Any, place: Place, value: Any) -> Any:
    """A copy with `value` at `place`."""
    spoiled, parent = _copied(data, place)
    parent[place[-1]] = value
    return spoiled


def with_unknown_fields(data: Any) -> Any:
    """A copy in which the object itself and every object in a list has one more field."""
    spoiled = copy.deepcopy(data)
    _add_unknown(spoiled, is_record=True)
    return spoiled


def _add_unknown(data: Any, *, is_record: bool) -> None:
    if isinstance(data, dict):
        for value in list(data.values()):
            _add_unknown(value, is_record=False)
        # Objects in objects may be maps whose keys mean something; those in lists are records.
        if is_record:
            data[UNKNOWN_FIELD] = {"any": ["thing"]}
    elif isinstance(data, list):
        for item in data:
            _add_unknown(item, is_record=True)


def _copied(data: Any, place: Place) -> tuple[Any, Any]:
    """A copy along the way to `place` (the rest is shared), and the container that holds it."""
    spoiled = parent = copy.copy(data)
    for step in place[:-1]:
        parent[step] = copy.copy(parent[step])
        parent = parent[step]
    return spoiled, parent
