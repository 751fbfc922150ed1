"""What a marshmallow schema loads, by functions that are put together once.

`compile_load(schema)` gives what `schema.load` gives, to the very value, several times faster.
It knows only data that is right: at the first doubt it steps aside and `schema.load` itself
answers, so errors and their texts are marshmallow's own.  A nested schema, a field or an option
that it does not know is left to marshmallow as well; a differential test holds the two together
(`tests/kit/test_checker.py`).

A field of ours may have a `quick`: the source of an expression that makes of `value` what the
field loads, or None where the field itself is to be asked.  It may use `parse_decimal`.  A schema
of ours may have one for its `_build`: the lines that make `loaded` what that gives.  They may use
`builds`, the schema's own.

Written after marshmallow 4.4.0 (`Schema._do_load`, `Schema._deserialize`, `Field.deserialize`).
`pre_load` hooks must not change the data that they are handed in place: where it steps aside, they
see it twice.  A hook that calls what marshmallow tells it beside the data `**_` is not told it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from inspect import Parameter, signature
from typing import Any, NamedTuple, TypeGuard

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, missing, validate
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

from loyalty_kit.money import parse_decimal

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
_BUILD = "_build"
_FIELD_WAYS = ("deserialize", "_validate", "_validate_all", "_validate_missing")


class NotCompilable(TypeError):
    """The schema has something of which this module does not know what it means."""


class _Part(NamedTuple):
    """A field of an object: it is loaded as `name`.  `make` is called where it is not there."""

    name: str
    nullable: bool
    required: bool
    read: Read
    quick: str | None
    make: Callable[[], Any] | None


def compile_load(schema: Schema) -> Load:
    """What `schema.load` does with decoded JSON; it is put together when first used.

    Raises: NotCompilable.  What it gives raises what `schema.load` raises.
    """
    _refuse_what_is_not_known(schema, ())
    load, written = schema.load, cache(lambda: _object(schema, ()))

    def load_quickly(data: Any) -> Any:
        try:
            return written()(data)
        except (ValidationError, ValueError):
            return load(data)

    return load_quickly


def _object(schema: Schema, above: tuple[type[Schema], ...]) -> Read:
    """Written out, key by key, as `dataclasses` writes what it makes: a checkout's ten lines come
    through here (`docs/adr/0054-what-reads-a-basket-is-generated-source.md`)."""
    _refuse_what_is_not_known(schema, above)
    parts = _parts(schema, (*above, type(schema)))
    told = {"many": False, "partial": None, "unknown": schema.unknown}
    known: dict[str, Any] = {"told": told, "fixed": _fixed(schema)}
    lines = ["def read(data, _key=None, _within=None):"]
    lines += _called(_hooks(schema, PRE_LOAD), "data = ", "data", known)
    lines.append("    if type(data) is not dict: raise doubt")
    lines.append("    loaded = fixed.copy()")
    counts = schema.unknown == RAISE
    if counts:
        lines.append("    strange = len(data)")
    for number, (key, part) in enumerate(parts.items()):
        known[f"read{number}"], known[f"make{number}"] = part.read, part.make
        lines += [f"    if {key!r} in data:", f"        value = data[{key!r}]"]
        if counts:
            lines.append("        strange -= 1")
        read, take = f"read{number}(value, {key!r}, data)", f"loaded[{part.name!r}] = {{}}"
        lines += _taken(take, part.quick, read, part.nullable)
        if part.required:
            lines.append("    else: raise doubt")
        elif part.make is not None:
            lines.append(f"    else: {take.format(f'make{number}()')}")
    if counts:
        lines.append("    if strange: raise doubt")
    lines += _called(_hooks(schema, VALIDATES_SCHEMA), "", "loaded", known)
    lines += _quick_build(schema, known) or _called(
        _hooks(schema, POST_LOAD), "loaded = ", "loaded", known
    )
    return _written(lines, "loaded", known)


def _called(
    hooks: Sequence[Callable[..., Any]], take: str, given: str, known: dict[str, Any]
) -> list[str]:
    """A line for each hook, which is known by a name."""
    first = len(known)
    lines = []
    for number, hook in enumerate(hooks, first):
        known[f"hook{number}"] = hook
        more = "" if _asks_for_data_alone(hook) else ", **told"
        lines.append(f"    {take}hook{number}({given}{more})")
    return lines


def _asks_for_data_alone(hook: Callable[..., Any]) -> bool:
    """Whether it throws away all else that marshmallow tells: it calls that `_`."""
    others = list(signature(hook).parameters.values())[1:]
    return [(one.kind, one.name) for one in others] == [(Parameter.VAR_KEYWORD, "_")]


def _quick_build(schema: Schema, known: dict[str, Any]) -> list[str]:
    """What the schema's only hook of this kind does, written out; nothing where it cannot be."""
    quick: list[str] | None = getattr(schema, "quick", None)
    if quick is None or _hooks(schema, POST_LOAD) != (getattr(schema, _BUILD),):
        return []
    own = _BUILD in vars(schema)
    if own or _home(type(schema), "quick") is not _home(type(schema), _BUILD):
        return []
    known["builds"] = schema.builds  # type: ignore[attr-defined]
    return [f"    {line}" for line in quick]


def _taken(take: str, quick: str | None, read: str, nullable: bool) -> list[str]:
    """What becomes of `value`: it is read quickly if it can be, else as the field reads it."""
    said = [] if quick is None else [f"if (item := {quick}) is not None: {take.format('item')}"]
    said.append(f"if value is not None: {take.format(read)}")
    said.append(take.format("None") if nullable else "raise doubt")
    first, *others, last = said
    return [f"        {first}", *(f"        el{one}" for one in others), f"        else: {last}"]


def _written(lines: list[str], given: str, known: dict[str, Any]) -> Read:
    """The function `read` of these lines, of which all names are those of our own fields."""
    known |= {"doubt": _DOUBT, "parse_decimal": parse_decimal}
    source = "\n".join([*lines, f"    return {given}"])
    exec(source, known)  # nosec B102 # noqa: S102 - nothing in it that anybody sends
    read: Read = known["read"]
    return read


def _parts(schema: Schema, above: tuple[type[Schema], ...]) -> dict[str, _Part]:
    """By the key in the data."""
    return {
        _key_of(attribute, field): _Part(
            field.attribute or attribute,
            field.allow_none,
            field.required,
            _field(field, above),
            _quick(field),
            field.load_default if callable(field.load_default) else None,
        )
        for attribute, field in schema.load_fields.items()
    }


def _fixed(schema: Schema) -> dict[str, Any]:
    """What fields load as where they are not there."""
    return {
        field.attribute or attribute: field.load_default
        for attribute, field in schema.load_fields.items()
        if field.load_default is not missing and not callable(field.load_default)
    }


def _key_of(attribute: str, field: fields.Field[Any]) -> str:
    return attribute if field.data_key is None else field.data_key


def _field(field: fields.Field[Any], above: tuple[type[Schema], ...]) -> Read:
    """What the field's `deserialize` does with a value that is neither missing nor None."""
    read: Read = field._deserialize
    validators = tuple(field.validators)
    if type(field) is fields.List:
        read = _list(field, above)
        validators = tuple(one for one in validators if not _is_length(one))
    elif type(field) is fields.Nested and field.unknown is None and not field.many:
        with suppress(NotCompilable):
            read = _object(field.schema, above)
    return _validated(read, validators) if validators else read


def _list(field: fields.List[Any], above: tuple[type[Schema], ...]) -> Read:
    inner = field.inner
    lines = ["def read(values, _key, _within):", "    if type(values) is not list: raise doubt"]
    lines += ["    loaded = []", "    take = loaded.append", "    for value in values:"]
    each = "read_each(value, None, None)"
    lines += _taken("take({})", _quick(inner), each, inner.allow_none)
    for one in filter(_is_length, field.validators):
        least, most = one.min or 0, "" if one.max is None else f" <= {one.max}"
        lines.append(f"    if not {least} <= len(loaded){most}: raise doubt")
    return _written(lines, "loaded", {"read_each": _field(inner, above)})


def _is_length(validator: object) -> TypeGuard[validate.Length]:
    """A rule that can be written out; of a subclass nobody knows what it does."""
    return type(validator) is validate.Length and validator.equal is None


def _quick(field: fields.Field[Any]) -> str | None:
    """How a field of ours is read without calling it; not where validators look on."""
    quick: str | None = getattr(field, "quick", None)
    if quick is None or field.validators:
        return None
    own = _home(type(field), "quick") is _home(type(field), "_deserialize")
    return quick if own else None


def _home(kind: type, name: str) -> type | None:
    """The class in which a name is defined."""
    return next((one for one in kind.__mro__ if name in vars(one)), None)


def _validated(read: Read, validators: tuple[Callable[[Any], Any], ...]) -> Read:
    def read_and_validate(value: Any, key: Any, within: Any) -> Any:
        loaded = read(value, key, within)
        for check in validators:
            check(loaded)
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
