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
    """A field of an object: it is loaded as `name`."""

    name: str
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
    read_parts = _parts_read(_parts(schema, (*above, type(schema))), schema.unknown == RAISE)
    required, fixed, made = _absent(schema)

    def read(data: Any, _key: Any = None, _within: Any = None) -> Any:
        for prepare in before:
            data = prepare(data, **told)
        if type(data) is not dict or not data.keys() >= required:
            raise _DOUBT
        loaded = fixed.copy()
        for key, name, make in made:
            if key not in data:
                loaded[name] = make()
        read_parts(data, loaded)
        for check in checks:
            check(loaded, **told)
        for finish in after:
            loaded = finish(loaded, **told)
        return loaded

    return read


def _parts_read(
    parts: dict[str, _Part], only_known: bool
) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    find = parts.get

    def read_parts(data: dict[str, Any], loaded: dict[str, Any]) -> None:
        for key, value in data.items():
            part = find(key)
            if part is not None:
                name, nullable, read = part
                if value is not None:
                    loaded[name] = read(value, key, data)
                elif nullable:
                    loaded[name] = None
                else:
                    raise _DOUBT
            elif only_known:
                raise _DOUBT

    return read_parts


def _parts(schema: Schema, above: tuple[type[Schema], ...]) -> dict[str, _Part]:
    """By the key in the data."""
    return {
        _key_of(attribute, field): _Part(
            field.attribute or attribute, field.allow_none, _field(field, above)
        )
        for attribute, field in schema.load_fields.items()
    }


def _absent(
    schema: Schema,
) -> tuple[frozenset[str], dict[str, Any], list[tuple[str, str, Callable[[], Any]]]]:
    """Keys that must be there, what others load as where they are not, and how that is made."""
    required: set[str] = set()
    fixed: dict[str, Any] = {}
    made: list[tuple[str, str, Callable[[], Any]]] = []
    for attribute, field in schema.load_fields.items():
        name, absent = field.attribute or attribute, field.load_default
        if field.required:
            required.add(_key_of(attribute, field))
        elif callable(absent):
            made.append((_key_of(attribute, field), name, absent))
        elif absent is not missing:
            fixed[name] = absent
    return frozenset(required), fixed, made


def _key_of(attribute: str, field: fields.Field[Any]) -> str:
    return attribute if field.data_key is None else field.data_key


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
        if type(value) is not list:
            raise _DOUBT
        loaded: list[Any] = []
        for each in value:
            if each is not None:
                loaded.append(read(each, None, None))
            elif nullable:
                loaded.append(None)
            else:
                raise _DOUBT
        return loaded

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
    if len({_key_of(*one) for one in schema.load_fields.items()}) < len(schema.load_fields):
        yield "two fields of one key"
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
