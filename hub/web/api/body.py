"""What a request carries, read strictly: JSON in UTF-8, and nothing that nobody asked for."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping
from typing import Any, Never, TypeVar

from flask import request
from marshmallow import Schema, ValidationError

from hub.refusal import Refusal
from loyalty_core.domain.errors import InvalidInput
from loyalty_kit.json_text import refuse_deep

T = TypeVar("T")
_UTF8 = frozenset({"utf-8", "utf8"})


def read_json() -> Any:
    """The decoded body.

    A byte order mark is let pass, because 1C writes one.

    Raises: Refusal 415 (not JSON by its headers), 400 (not JSON, nested too deep, not UTF-8,
    or a field named twice, where one reader would see the first and another the last).
    """
    if not _is_plain_json():
        raise Refusal(415, "unsupported_media_type")
    try:
        return decode(request.get_data(cache=False))
    except ValueError:
        raise Refusal(400, "malformed_json") from None


def decode(told: bytes) -> Any:
    """Raises: ValueError."""
    refuse_deep(told)
    return _STRICT.decode(told.removeprefix(codecs.BOM_UTF8).decode())


def _is_plain_json() -> bool:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return False
    if request.content_type == "application/json":
        return True  # as most say it, without taking it apart
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return request.mimetype == "application/json" and charset in _UTF8


def load(loader: Callable[[Any], T], data: Any) -> T:
    """What `loader` makes of decoded data.

    Raises: InvalidInput, with the path of each field that is wrong ("lines.0.amount").
    """
    try:
        return loader(data)
    except ValidationError as error:
        raise InvalidInput(paths(error.messages)) from None


def read_query(schema: Schema) -> Mapping[str, Any]:
    """The query, of which every part is known and given once.

    Raises: InvalidInput.
    """
    twice = {name: ["Given twice."] for name, told in request.args.lists() if len(told) > 1}
    if twice:
        raise InvalidInput(twice)
    return load(schema.load, request.args.to_dict())


def paths(messages: Any) -> dict[str, list[str]]:
    """Marshmallow's tree of messages as one flat table; "" is the body itself."""
    found: dict[str, list[str]] = {}
    _walk(messages, (), found)
    return found


def _walk(messages: Any, path: tuple[str, ...], found: dict[str, list[str]]) -> None:
    if isinstance(messages, Mapping):
        for name, below in messages.items():
            _walk(below, path if name == "_schema" else (*path, str(name)), found)
    elif isinstance(messages, list):
        for message in messages:
            _walk(message, path, found)
    else:
        found.setdefault(".".join(path), []).append(str(messages))


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a field is named twice")
    return told


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_once_each, parse_constant=_no_constant)
