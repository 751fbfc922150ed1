"""The compiled checker and marshmallow agree: on what is accepted, on the value, on the errors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from connectors.wordpress.schemas import OrderDocument
from loyalty_kit import wire_fields as wire
from loyalty_kit.checker import NotCompilable, compile_load
from loyalty_kit.checkout_schema import HoldRequestSchema, QuoteRequestSchema
from loyalty_kit.events_schema import PurchaseSchema, RefundSchema
from loyalty_kit.frozen import frozen
from tests.support.contract import PURCHASE, REFUND

LINE: dict[str, Any] = {
    "id": "1",
    "kind": "goods",
    "sku": "TEA-1",
    "name": "Чай",
    "quantity": "2",
    "price": "199.00",
    "amount": "398.00",
    "categories": ["tea"],
    "brand": "Gold",
    "attributes": ["new"],
    "class": "general",
    "discountable": True,
    "min_price": "0.00",
}
QUOTE: dict[str, Any] = {
    "shop": "main",
    "channel": "online",
    "currency": "RUB",
    "cart": "c-77",
    "order": None,
    "member": {
        "phone": "+79000000001",
        "external": {"system": "s", "id": "7"},
        "verified": True,
    },
    "lines": [LINE, {"id": "2", "quantity": "0.350", "price": 100}],
    "coupons": ["SPRING"],
    "certificates": [],
    "spend": "100.00",
    "line_prices": "total",
    "locale": "ru",
    "explain": "short",
}
HOLD = {**QUOTE, "ttl_s": 600, "code": None, "expect": {"payable": "1.00", "spend": "0"}}
LISTED = {"external_id": "r", "occurred_at": "2026-03-16T11:05:00Z", "amount": "1.00"}
MONEY_LINE = {"id": 7, "total": "10.00", "total_tax": "2.00", "meta_data": [{"key": "a"}]}
ORDER: dict[str, Any] = {
    "order": {
        "id": 15,
        "number": "15",
        "status": "completed",
        "currency": "RUB",
        "date_created_gmt": "2026-03-14T15:42:00",
        "total": "12.00",
        "customer_id": 3,
        "billing": {"phone": "+79000000001", "company": "not ours"},
        "line_items": [{**MONEY_LINE, "name": "Tea", "quantity": 1, "sku": "TEA-1"}],
        "shipping_lines": [{**MONEY_LINE, "method_title": "Post"}],
        "coupon_lines": [{"code": "SPRING", "discount": "1.00"}],
        "links": {"not": "ours"},
    },
    "refunds": [{"id": 1, "amount": "2.00", "line_items": []}],
}
COMPILED = {
    name: (schema, compile_load(schema), body)
    for name, schema, body in (
        ("quote", QuoteRequestSchema(), QUOTE),
        ("hold", HoldRequestSchema(), HOLD),
        ("purchase", PurchaseSchema(), {**PURCHASE, "refunds": [LISTED]}),
        ("refund", RefundSchema(), REFUND),
        ("order of WooCommerce", OrderDocument(), ORDER),
    )
}
NASTY = st.sampled_from(
    [
        *(
            "",
            " ",
            "\t",
            "a\x00b",
            "a\nb",
            "\x7f",
            "\ud800",
            "\xa0",
            "\u2028",
            "é" * 101,
            "x" * 600,
        ),
        *("0", "00", "-0", "-1", "1.", ".5", "1.5", "1.50", "1.500", "1.5000", "1e3", "NaN", "+1"),
        *("१२", "²", "1٫5", "9" * 10, "9" * 12, "9" * 13, "9" * 15, "9" * 16, "1 000", " 1", "1\n"),
        *(0, 1, -1, True, False, 1.0, 1.25, 1.255, 0.1, -0.0, 1e15, 1e300, 10**30, 2**53, 2**63),
        *(float("nan"), float("inf"), None, [], {}, [None], [[]], [{}], {"id": "1"}, "max", "MAX"),
        *("RUB", "rub", "RUB\n", "goods", "GOODS", "paid", "unit", "full", "main", "2026-03-14"),
        *("2026-03-14T18:42:00", "2026-03-14T18:42:00Z", "1969-01-01T00:00:00Z", "9999-12-31"),
    ]
).map(copy.deepcopy)
RUBBISH = NASTY | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def outcome(load: Callable[[Any], Any], data: Any) -> tuple[str, Any]:
    """What came of it, written out so that 1, True and 1.0 are three values.

    In which order a dictionary has its keys is nobody's business.
    """
    try:
        return "loaded", repr(sorted_keys(load(data)))
    except ValidationError as error:
        return "refused", repr(error.messages)


def sorted_keys(loaded: Any) -> Any:
    if isinstance(loaded, dict):
        return {key: sorted_keys(loaded[key]) for key in sorted(loaded)}
    return [sorted_keys(each) for each in loaded] if type(loaded) is list else loaded


def places(body: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a body."""
    found: list[tuple[Any, Any]] = []
    keys = body if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
    for key in keys:
        found += [(body, key), *places(body[key])]
    return found


@st.composite
def mutated(draw: st.DrawFn, body: dict[str, Any]) -> Any:
    spoiled = copy.deepcopy(body)
    for _ in range(draw(st.integers(0, 3))):
        spots = places(spoiled)
        if spots:
            _spoil(draw, *draw(st.sampled_from(spots)))
    return spoiled


def _spoil(draw: st.DrawFn, container: Any, key: Any) -> None:
    match draw(st.sampled_from(["replace", "drop", "null", "text", "more"])):
        case "replace":
            container[key] = draw(RUBBISH)
        case "drop":
            del container[key]
        case "null":
            container[key] = None
        case "text":
            container[key] = str(container[key])
        case "more" if isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        case "more":
            name = draw(st.sampled_from(["extra", "id", "refunds", "", "hold"]))
            container[name] = draw(RUBBISH)


@pytest.mark.parametrize("name", COMPILED)
def test_a_good_body_is_read_without_marshmallow(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema, load, body = COMPILED[name]
    expected = schema.load(body)
    monkeypatch.setattr(Schema, "_do_load", None)

    assert load(body) == expected


@settings(max_examples=200)
@given(st.data())
@pytest.mark.parametrize("name", COMPILED)
def test_both_agree_on_spoiled_bodies(name: str, data: st.DataObject) -> None:
    schema, load, body = COMPILED[name]
    spoiled = data.draw(mutated(body))

    assert outcome(load, copy.deepcopy(spoiled)) == outcome(schema.load, spoiled)


@given(RUBBISH)
@example([QUOTE])
@pytest.mark.parametrize("name", COMPILED)
def test_both_agree_on_rubbish(name: str, rubbish: Any) -> None:
    schema, load, _ = COMPILED[name]

    assert outcome(load, rubbish) == outcome(schema.load, rubbish)


class Every(Schema):
    """Fields and options that the wire forms do not use."""

    plain = fields.Raw()
    number = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 9))
    real = fields.Float(load_default=0.5)
    made = fields.List(fields.Integer(allow_none=True), load_default=list)
    renamed = fields.String(attribute="other", data_key="Renamed", required=True)
    shown = fields.String(dump_only=True)
    table = fields.Dict(keys=fields.String(), values=fields.Integer())
    pair = fields.Tuple((fields.String(), fields.Integer()))
    plucked = fields.Pluck(lambda: Inner(), "word")
    inner = fields.Nested(lambda: Inner(), allow_none=True)
    lenient = fields.Nested(lambda: Inner(), unknown=EXCLUDE)
    many = fields.Nested(lambda: Inner(), many=True)
    own = fields.Nested(lambda: Every(only=["plain", "inner"]))
    odd = fields.Nested(lambda: Odd())

    class Meta:
        unknown = EXCLUDE

    @validates_schema(pass_collection=True)
    def _whole(self, data: Any, **told: Any) -> None:
        if data.get("plain") == "whole":
            raise ValidationError("whole")

    @validates_schema
    def _one(self, data: Any, **told: Any) -> None:
        if data.get("plain") == "one":
            raise ValidationError(str(sorted(told)))

    @post_load
    def _finish(self, data: Any, **told: Any) -> Any:
        return {**data, "told": sorted(told.items(), key=str)}


class Inner(Schema):
    word = wire.Text(allow_none=True)

    @pre_load
    def _lower(self, data: Any, **told: Any) -> Any:
        return {"word": data} if isinstance(data, str) else data


class Odd(Schema):
    """Has what the checker does not know; marshmallow loads it inside a compiled schema."""

    word = wire.Text()

    @validates("word")
    def _short(self, value: str, data_key: str) -> None:
        if len(value) > 3:
            raise ValidationError("long")


EVERY: dict[str, Any] = {
    "plain": {"any": [1]},
    "number": 3,
    "real": "1.5",
    "made": [1, None, "2"],
    "Renamed": "r",
    "shown": "?",
    "table": {"a": 1},
    "pair": ["a", 1],
    "plucked": "w",
    "inner": {"word": "w"},
    "lenient": {"word": "w", "more": 1},
    "many": [{"word": "w"}],
    "own": {"plain": 1, "inner": {"word": None}},
    "odd": {"word": "w"},
    "unknown": 1,
}


@settings(max_examples=200)
@given(mutated(EVERY))
@example(EVERY)
@example({"Renamed": "r", "plain": "whole"})
@example({"Renamed": "r", "plain": "one"})
def test_both_agree_on_every_kind_of_field(data: Any) -> None:
    schema = Every()

    assert outcome(compile_load(schema), copy.deepcopy(data)) == outcome(schema.load, data)


class Loud(wire.Text):
    """Reads in its own way, whatever the kind that it is of has for good texts."""

    def _deserialize(self, value: Any, *told: Any, **options: Any) -> str | None:
        text = super()._deserialize(value, *told, **options)
        return None if text is None else text.upper()


class OfOwnKinds(Schema):
    loud = Loud(allow_none=True)
    several = fields.List(Loud())
    looked_at = wire.Text(validate=validate.OneOf(["a", "b"]))
    at_least = wire.Hundredths(validate=validate.Range(min=100))


@pytest.mark.parametrize(
    "body",
    [
        {"loud": "a", "several": ["b", "c"], "looked_at": "a", "at_least": "1.00"},
        {"loud": None, "several": []},
        {"loud": " ", "several": ["b"]},
        {"several": ["b", None]},
        {"looked_at": "c"},
        {"at_least": "0.99"},
        {"at_least": "one"},
    ],
)
def test_a_kind_of_its_own_and_a_validator_have_their_say(body: dict[str, Any]) -> None:
    schema = OfOwnKinds()

    assert outcome(compile_load(schema), copy.deepcopy(body)) == outcome(schema.load, body)


@frozen
class Pair:
    left: str
    rights: tuple[str, ...] | None = None


class PairSchema(wire.FrozenSchema):
    builds = Pair

    left = wire.Text(required=True)
    rights = wire.codes("Some.", allow_none=True)

    @validates_schema
    def _differs(self, data: dict[str, Any], **_: Any) -> None:
        """It may tell what the body left out."""
        if data["left"] in (data.get("rights") or ()):
            raise ValidationError("twice", "rights")
        data.setdefault("rights", ["none"])


class ByItself(PairSchema):
    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        return super()._build({**data, "left": data["left"] * 2})


class OnceMore(PairSchema):
    @post_load
    def _count(self, data: Any, **told: Any) -> Any:
        return data, sorted(told)


class AskedBack(PairSchema):
    @validates_schema
    def _many(self, data: dict[str, Any], many: bool, **_: Any) -> None:
        if many is False and data["left"] == "one":
            raise ValidationError("not many")


def built_by_another_hand() -> Schema:
    schema = PairSchema()
    schema._build = lambda data, **_: sorted(data)  # type: ignore[method-assign]
    return schema


PAIRS = (
    *(PairSchema(), ByItself(), OnceMore(unknown=EXCLUDE), AskedBack()),
    built_by_another_hand(),
)


@pytest.mark.parametrize("schema", PAIRS)
@given(data=mutated({"left": "a", "rights": ["b", "c"]}))
@example(data={"left": "a"})
@example(data={"left": "a", "rights": None})
@example(data={"left": "a", "rights": ["a"]})
@example(data={"left": "one"})
@example(data={"left": "a", "more": 1})
@example(data={"rights": []})
def test_both_build_the_same(schema: Schema, data: Any) -> None:
    told = outcome(compile_load(schema), copy.deepcopy(data))
    # What builds itself may do so in a way that no class takes; then both say so.
    assert told == outcome(schema.load, copy.deepcopy(data))


def test_a_body_without_doubt_is_built_without_marshmallow(monkeypatch: pytest.MonkeyPatch) -> None:
    load = compile_load(PairSchema())
    monkeypatch.setattr(Schema, "_do_load", None)

    assert load({"left": "a", "rights": ["b"]}) == Pair("a", ("b",))
    assert load({"left": "a"}) == Pair("a", ("none",))
    assert load({"left": "a", "rights": None}) == Pair("a", None)


class OwnLoad(Schema):
    def load(self, *told: Any, **options: Any) -> Any:
        return "something else"


class OwnField(fields.String):
    def deserialize(self, *told: Any, **options: Any) -> Any:
        return "something else"


class PassedOriginal(Schema):
    @post_load(pass_original=True)
    def _finish(self, data: Any, original: Any, **told: Any) -> Any:
        return original


class InItself(Schema):
    below = fields.Nested(lambda: InItself())


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(Odd(), id="validates"),
        pytest.param(OwnLoad(), id="its own load"),
        pytest.param(PassedOriginal(), id="pass_original"),
        pytest.param(Inner(many=True), id="many"),
        pytest.param(Inner(partial=True), id="partial"),
        pytest.param(Inner(unknown=INCLUDE), id="unknown=include"),
        pytest.param(Schema.from_dict({"a": OwnField()})(), id="a field's own deserialize"),
        pytest.param(
            Schema.from_dict({"a": fields.List(OwnField())})(), id="the same inside a list"
        ),
        pytest.param(
            Schema.from_dict({"a": fields.String(pre_load=str.strip)})(), id="a field's pre_load"
        ),
        pytest.param(Schema.from_dict({"a": fields.Raw(attribute="b.c")})(), id="a dotted name"),
        pytest.param(
            Schema.from_dict({"a": fields.Raw(), "b": fields.Raw(data_key="a", load_only=True)})(),
            id="a key for two fields",
        ),
    ],
)
def test_what_it_does_not_know_it_refuses(schema: Schema) -> None:
    with pytest.raises(NotCompilable):
        compile_load(schema)


def test_a_schema_in_itself_is_left_to_marshmallow() -> None:
    body = {"below": {"below": {"below": {}}}}

    assert compile_load(InItself())(body) == body
