"""What a marshmallow schema loads, by functions that are put together once.

`compile_load(schema)` gives what `schema.load` gives, to the very value, several times faster.
It knows only data that is right: at the first doubt it steps aside and `schema.load` itself
answers, so errors and their texts are marshmallow's own.  A nested schema, a field or an option
that it does not know is left to marshmallow as well; a differential test holds the two together
(`tests/kit/test_checker.py`).

Written after marshmallow 4.4.0 (`Schema._do_load`, `Schema._deserialize`, `Field.deserialize`).
Hooks must not change the data that they are handed in place: where it steps aside, a `pre_load`
hook sees it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, missing
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

Load = Callable[[Any], Any]
Read = Callable[..., Any]
"""Takes a value that is neither missing nor None, its key and the object that it stands in."""

_REQUIRED = object()
_DOUBT = ValidationError("marshmallow decides")
_SCHEMA_WAYS = (
    "load",
    "_do_load",
    "_deserialize",
    "_call_and_store",
    "_invoke_load_processors",
    "_invoke_processors",
    "_invoke_schema_validators",
    "_run_validator",
)
_FIELD_WAYS = ("deserialize", "_validate", "_validate_all", "_validate_missing")


class NotCompilable(TypeError):
    """The schema has something of which this module does not know what it means."""


class _Part(NamedTuple):
    """A field of an object: from `key` of the data to `name` of what is loaded.

    `absent` is what a missing key loads as: a value, what a callable gives, `missing` for
    nothing at all, or `_REQUIRED`.
    """

    key: str
    name: str
    absent: Any
    nullable: bool
    read: Read


def compile_load(schema: Schema) -> Load:
    """What `schema.load` does with decoded JSON.

    Raises: NotCompilable.  What it gives raises what `schema.load` raises.
    """
    read, load = _object(schema, ()), schema.load

    def load_quickly(data: Any) -> Any:
        try:
            return read(data)
        except ValidationError:
            return load(data)

    return load_quickly


def _object(schema: Schema, above: tuple[type[Schema], ...]) -> Read:
    _refuse_what_is_not_known(schema, above)
    told = {"many": False, "partial": None, "unknown": schema.unknown}
    before, after = _hooks(schema, PRE_LOAD), _hooks(schema, POST_LOAD)
    checks = _hooks(schema, VALIDATES_SCHEMA)
    parts = _parts(schema, (*above, type(schema)))
    known = frozenset(part.key for part in parts)
    only_known = schema.unknown == RAISE

    def read(data: Any, _key: Any = None, _within: Any = None) -> Any:
        for prepare in before:
            data = prepare(data, **told)
        if type(data) is not dict or (only_known and not known.issuperset(data)):
            raise _DOUBT
        loaded = _read_parts(parts, data)
        for check in checks:
            check(loaded, **told)
        for finish in after:
            loaded = finish(loaded, **told)
        return loaded

    return read


def _read_parts(parts: tuple[_Part, ...], data: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    find = data.get
    for key, name, absent, nullable, read in parts:
        value = find(key, missing)
        if value is missing:
            if absent is _REQUIRED:
                raise _DOUBT
            value = absent() if callable(absent) else absent
        elif value is not None:
            value = read(value, key, data)
        elif not nullable:
            raise _DOUBT
        if value is not missing:
            loaded[name] = value
    return loaded


def _parts(schema: Schema, above: tuple[type[Schema], ...]) -> tuple[_Part, ...]:
    return tuple(
        _Part(
            attribute if field.data_key is None else field.data_key,
            field.attribute or attribute,
            _REQUIRED if field.required else field.load_default,
            field.allow_none,
            _field(field, above),
        )
        for attribute, field in schema.load_fields.items()
    )


def _field(field: fields.Field[Any], above: tuple[type[Schema], ...]) -> Read:
    """What the field's `deserialize` does with a value that is neither missing nor None."""
    read: Read = field._deserialize
    if type(field) is fields.List:
        read = _list(field, above)
    elif type(field) is fields.Nested and field.unknown is None and not field.many:
        with suppress(NotCompilable):
            read = _object(field.schema, above)
    return _validated(read, tuple(field.validators)) if field.validators else read


def _list(field: fields.List[Any], above: tuple[type[Schema], ...]) -> Read:
    read, nullable = _field(field.inner, above), field.inner.allow_none

    def read_list(value: Any, _key: Any, _within: Any) -> list[Any]:
        if type(value) is not list or (None in value and not nullable):
            raise _DOUBT
        return [None if each is None else read(each, None, None) for each in value]

    return read_list


def _validated(read: Read, validators: tuple[Callable[[Any], Any], ...]) -> Read:
    def read_and_validate(value: Any, key: Any, within: Any) -> Any:
        loaded = read(value, key, within)
        for validate in validators:
            validate(loaded)
        return loaded

    return read_and_validate


def _hooks(schema: Schema, tag: str) -> tuple[Callable[..., Any], ...]:
    """Those that take the whole collection first, as marshmallow calls them."""
    found = sorted(schema._hooks[tag], key=lambda hook: not hook[1])
    return tuple(getattr(schema, name) for name, _, _ in found)


def _refuse_what_is_not_known(schema: Schema, above: tuple[type[Schema], ...]) -> None:
    if type(schema) in above:
        raise NotCompilable(f"{type(schema).__name__} stands in itself")
    problems = [*_own_ways(schema), *_own_options(schema), *_own_fields(schema)]
    if problems:
        raise NotCompilable(f"{type(schema).__name__}: {', '.join(problems)}")


def _own_ways(schema: Schema) -> Iterator[str]:
    for way in _SCHEMA_WAYS:
        if not _is_marshmallows(schema, Schema, way):
            yield f"its own {way}"
    if schema._hooks[VALIDATES]:
        yield VALIDATES
    for tag in (PRE_LOAD, POST_LOAD, VALIDATES_SCHEMA):
        if any(options.get("pass_original") for _, _, options in schema._hooks[tag]):
            yield f"{tag} with pass_original"


def _own_options(schema: Schema) -> Iterator[str]:
    if schema.many or schema.partial is not None or schema.dict_class is not dict:
        yield "many, partial or a dict_class"
    if schema.unknown not in (RAISE, EXCLUDE):
        yield f"unknown={schema.unknown}"


def _own_fields(schema: Schema) -> Iterator[str]:
    for name, field in schema.load_fields.items():
        if "." in (field.attribute or name):
            yield f"{name} goes to a place inside"
        if not _is_plain(field):
            yield f"{name} is read in its own way"


def _is_plain(field: fields.Field[Any]) -> bool:
    if field.pre_load or field.post_load:
        return False
    if isinstance(field, fields.List) and not _is_plain(field.inner):
        return False
    return all(_is_marshmallows(field, fields.Field, way) for way in _FIELD_WAYS)


def _is_marshmallows(one: object, base: type, way: str) -> bool:
    return getattr(type(one), way) is getattr(base, way) and way not in vars(one)
