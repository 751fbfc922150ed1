"""The checkout words on the wire (`docs/http-contract.md`, Checkout).

`load_*` take decoded JSON and raise marshmallow's ValidationError and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_dump,
    post_load,
    validate,
    validates_schema,
)

from loyalty_kit import wire_fields as wire
from loyalty_kit.checker import compile_load
from loyalty_kit.checkout import HOLD_TTL_S, BasketLine, HoldRequest, Quote, QuoteRequest
from loyalty_kit.events_schema import GoodsSchema, MemberKeysSchema, about
from loyalty_kit.money import MAX_AMOUNT, UNIT_MILLI, divide

HOLD_TTL_S_LEAST = 60
HOLD_TTL_S_MOST = 86400

NO_AMOUNT = "Give amount, or price."
NO_QUANTITY = "Must be more than zero."
AMOUNT_TOO_LARGE = "Price times quantity is too large."
NO_MEMBER_KEY = "Give id, code, external, card, phone or email; or null instead of the member."
NO_CART = "Give cart or order."


class BasketLineSchema(GoodsSchema):
    builds: ClassVar[type] = BasketLine

    amount_minor = wire.Hundredths(
        data_key="amount",
        metadata=about(
            "Cost after the shop's own discounts, with tax; "
            "left out: price x quantity, rounded half up to the kopeck."
        ),
    )
    discountable = wire.Flag(
        load_default=True, metadata=about("False: no discount and no points on this line.")
    )
    min_price_minor = wire.Hundredths(
        data_key="min_price", load_default=0, metadata=about("Lowest price of one unit.")
    )
    volume_ml = wire.Whole(
        least=1,
        most=wire.MAX_VOLUME_ML,
        allow_none=True,
        metadata=about("Volume of one unit of a drink, where the law asks for it."),
    )
    strength_bp = wire.Hundredths(
        data_key="strength",
        allow_none=True,
        metadata=about("Strength of a drink in percent, where the law asks for it."),
    )

    @validates_schema
    def _costs_something(self, data: dict[str, Any], **_: Any) -> None:
        """Where no amount is told, it is reckoned here."""
        if data["quantity_milli"] == 0:
            raise ValidationError(NO_QUANTITY, "quantity")
        if "amount_minor" in data:
            return
        if data.get("price_minor") is None:
            raise ValidationError(NO_AMOUNT, "amount")
        cost = divide(data["price_minor"] * data["quantity_milli"], UNIT_MILLI, "half_up")
        if cost >= MAX_AMOUNT:
            raise ValidationError(AMOUNT_TOO_LARGE, "price")
        data["amount_minor"] = cost


class MemberSchema(MemberKeysSchema):
    """Who stands at the till; at least one way to name the member."""

    @validates_schema
    def _names_somebody(self, data: dict[str, Any], **_: Any) -> None:
        if not any(value for key, value in data.items() if key != "verified"):
            raise ValidationError(NO_MEMBER_KEY)


class _Spend(fields.Field[Any]):
    """Null, "max", or points of the main currency in hundredths."""

    _points = wire.Hundredths()

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        return "max" if value == "max" else self._points.deserialize(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value == "max" else self._points._serialize(value, attr, obj)


class QuoteRequestSchema(wire.FrozenSchema):
    """A basket to be priced."""

    builds: ClassVar[type] = QuoteRequest

    shop = wire.Text(allow_none=True, metadata=about("Code of the shop; left out: the key's."))
    channel = wire.Text(
        load_default="online", metadata=about("At `pos` a cashier vouches for who the buyer is.")
    )
    currency = wire.currency()
    cart = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Id of the cart."))
    order = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Number of the order."))
    hold = wire.Text(
        allow_none=True, metadata=about("Hold of this basket; its points count as available.")
    )
    member = fields.Nested(MemberSchema, allow_none=True, metadata=about("Who is buying."))
    lines = fields.List(
        fields.Nested(BasketLineSchema),
        required=True,
        validate=[validate.Length(min=1, error="Give a line."), wire.at_most(wire.MAX_LINES)],
        metadata=about("The basket."),
    )
    coupons = wire.codes("Codes that the buyer entered.", load_default=())
    certificates = wire.codes("Certificates that the buyer entered.", load_default=())
    spend = _Spend(
        allow_none=True,
        metadata={
            **about("Null, `max`, or points of the main currency to pay with."),
            "type": ["string", "number"],
        },
    )
    payment = wire.Text(
        allow_none=True, metadata=about("Kind of payment, as in `payments` of a purchase.")
    )
    line_prices = fields.String(
        load_default="total",
        validate=validate.OneOf(["total", "unit"]),
        metadata=about("`unit` for shops that store a price per unit."),
    )
    split_lines = wire.Flag(
        load_default=False,
        metadata=about("Where no price of a unit fits: the line as two parts, for tills."),
    )
    locale = fields.String(
        load_default="ru",
        validate=validate.OneOf(["ru", "en"]),
        metadata=about("Language of names and reasons."),
    )
    explain = fields.String(
        load_default="short",
        validate=validate.OneOf(["short", "all", "full"]),
        metadata=about("`short`, `all` promotions in force, `full` with each line's way."),
    )

    @validates_schema
    def _lines_are_told_apart(self, data: dict[str, Any], **_: Any) -> None:
        wire.refuse_twice(data["lines"], "id", "lines", "id")


class ExpectSchema(Schema):
    """What the buyer was shown."""

    payable = wire.Hundredths(metadata=about("Total payable, in money."))
    spend = wire.Hundredths(metadata=about("Points to be spent."))
    to_pay = wire.Hundredths(metadata=about("What certificates leave to pay, in money."))


class HoldRequestSchema(QuoteRequestSchema):
    """A basket to be promised: a quote's body with a cart or an order."""

    ttl_s = wire.Whole(
        least=HOLD_TTL_S_LEAST,
        most=HOLD_TTL_S_MOST,
        load_default=HOLD_TTL_S,
        metadata=about("Life of the hold in seconds."),
    )
    code = wire.Text(allow_none=True, metadata=about("Confirmation code, where required."))
    expect = fields.Nested(
        ExpectSchema, allow_none=True, metadata=about("409 `price_changed` where it would differ.")
    )

    @validates_schema
    def _belongs_somewhere(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("cart") is None and data.get("order") is None:
            raise ValidationError(NO_CART, "cart")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        ttl_s, code = data.pop("ttl_s"), data.pop("code", None)
        expect = data.pop("expect", None) or {}
        return HoldRequest(
            request=super()._build(data),
            ttl_s=ttl_s,
            code=code,
            expect_payable_minor=expect.get("payable"),
            expect_spend_points=expect.get("spend"),
            expect_to_pay_minor=expect.get("to_pay"),
        )


def _money(attribute: str | None, text: str) -> wire.Hundredths:
    return wire.Hundredths(attribute=attribute, answer=True, metadata=about(text))


class BalanceSchema(Schema):
    """The member's main account; figures in points."""

    available = _money(None, "Can be spent now.")
    pending = _money(None, "Earned, not spendable yet.")
    held = _money(None, "Set aside for open carts and orders.")
    debt = _money(None, "Owed by the member.")


class NamedBalanceSchema(BalanceSchema):
    """An account in one currency of points."""

    currency = fields.String(metadata=about("Code of the currency of points."))


class TierSchema(Schema):
    code = fields.String()
    name = fields.String()


class MemberViewSchema(Schema):
    """The member as a checkout may show them; no name and balance unless verified."""

    id = fields.String()
    name = fields.String(allow_none=True)
    verified = fields.Boolean()
    tier = fields.Nested(TierSchema, allow_none=True)
    balance = fields.Nested(BalanceSchema, allow_none=True)
    balances = fields.List(fields.Nested(NamedBalanceSchema))


class LineDiscountSchema(Schema):
    promotion = fields.String()
    name = fields.String()
    amount = _money("amount_minor", "Money off this line.")


class LinePartSchema(Schema):
    """Some units of a line at one price."""

    quantity = wire.Quantity(attribute="quantity_milli")
    payable = _money("payable_minor", "unit_price x quantity.")
    unit_price = _money("unit_price_minor", "Price of one unit.")


class PricedLineSchema(Schema):
    """amount - discount - spend = payable."""

    id = fields.String()
    amount = _money("amount_minor", "As asked.")
    discount = _money("discount_minor", "The hub's discounts.")
    spend = _money("spend_minor", "Money paid with points.")
    payable = _money("payable_minor", "What is left to pay.")
    unit_price = wire.Hundredths(
        attribute="unit_price_minor",
        answer=True,
        allow_none=True,
        metadata=about("Price of one unit, where one gives the payable exactly."),
    )
    earn = _money("earn_points", "Points of the main currency that the line earns.")
    discounts = fields.List(fields.Nested(LineDiscountSchema))
    trace = fields.List(fields.String(), metadata=about("Only with `explain: full`."))
    barred = fields.String(
        allow_none=True,
        metadata=about("Only where the buyer may not have the line: `exclusive`."),
    )
    parts = fields.List(
        fields.Nested(LinePartSchema),
        metadata=about("Only with `split_lines`, where `unit_price` is null; they add up."),
    )

    @post_dump
    def _only_if_asked(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        for name in ("trace", "parts", "barred"):
            if not data[name]:
                del data[name]
        return data


class TotalsSchema(Schema):
    amount = _money("amount_minor", "Sum of the lines.")
    discount = _money("discount_minor", "Sum of the lines.")
    spend = _money("spend_minor", "Sum of the lines.")
    payable = _money("payable_minor", "Sum of the lines.")
    certificates = _money("certificates_minor", "Paid with certificates.")
    to_pay = _money("to_pay_minor", "payable - certificates.")


class EarnedOtherSchema(Schema):
    currency = fields.String(metadata=about("Code of the currency of points."))
    earn = _money(None, "What the basket earns in it.")


class PointsOfferSchema(Schema):
    """In points of the main currency."""

    earn = _money(None, "What the basket earns.")
    spend = _money(None, "What is being spent.")
    spend_min = _money(None, "Least that may be spent.")
    spend_max = _money(None, "Most that may be spent.")
    spend_step = _money(None, "Spending goes in these steps.")
    code_required = fields.Boolean()
    others = fields.List(
        fields.Nested(EarnedOtherSchema), metadata=about("Other currencies, where any is earned.")
    )


class CodeAnswerSchema(Schema):
    code = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    text = fields.String(allow_none=True)


class CertificateAnswerSchema(CodeAnswerSchema):
    """`applied`: it pays `amount`, and `left` will be on it."""

    amount = _money("amount_minor", "What it pays.")
    left = wire.Hundredths(
        attribute="left_minor",
        answer=True,
        allow_none=True,
        metadata=about("What will be left on it; null where it pays nothing."),
    )


class ExplanationSchema(Schema):
    promotion = fields.String()
    name = fields.String()
    applied = fields.Boolean()
    reason = fields.String(allow_none=True)
    facts = fields.Dict(keys=fields.String(), values=fields.String())
    text = fields.String(allow_none=True)


class GiftSchema(Schema):
    """Goods to be added to the receipt at no cost."""

    promotion = fields.String()
    sku = fields.String()
    name = fields.String()
    quantity = wire.Quantity(attribute="quantity_milli")


class BenefitSchema(Schema):
    """What is given and is no money, as free delivery."""

    promotion = fields.String(allow_none=True, metadata=about("Null: the member's tier gives it."))
    code = fields.String()
    name = fields.String()


class OfferSchema(Schema):
    """What is for this member and not for everybody."""

    kind = fields.String(
        metadata=about(
            "`exclusive`: goods that only some may buy; `personal`: goods of the member's own; "
            "`promotion`: any other that is bound to members."
        )
    )
    promotion = fields.String()
    name = fields.String()
    ends_at = wire.Moment(allow_none=True)
    list = fields.String(allow_none=True, metadata=about("The member's list; only of `personal`."))
    skus = fields.List(fields.String())
    categories = fields.List(fields.String())
    brands = fields.List(fields.String())


class QuoteSchema(Schema):
    """The priced basket; dumps a `Quote`."""

    id = fields.String()
    rules_version = fields.Integer()
    degraded = fields.Boolean(metadata=about("True: base prices, no spending."))
    valid_until = wire.Moment()
    member = fields.Nested(MemberViewSchema, allow_none=True)
    lines = fields.List(fields.Nested(PricedLineSchema))
    totals = fields.Nested(TotalsSchema)
    points = fields.Nested(PointsOfferSchema)
    coupons = fields.List(fields.Nested(CodeAnswerSchema))
    certificates = fields.List(fields.Nested(CertificateAnswerSchema))
    benefits = fields.List(fields.Nested(BenefitSchema))
    gifts = fields.List(fields.Nested(GiftSchema))
    offers = fields.List(
        fields.Nested(OfferSchema),
        metadata=about("What is for this member alone; told of a verified one."),
    )
    explanation = fields.List(fields.Nested(ExplanationSchema))


_QUOTE_REQUEST = QuoteRequestSchema()
_LOAD_QUOTE_REQUEST = compile_load(_QUOTE_REQUEST)
_HOLD_REQUEST = HoldRequestSchema()
_LOAD_HOLD_REQUEST = compile_load(_HOLD_REQUEST)
_QUOTE = QuoteSchema()


def load_quote_request(data: Mapping[str, Any]) -> QuoteRequest:
    """Raises: ValidationError."""
    return cast(QuoteRequest, _LOAD_QUOTE_REQUEST(data))


def dump_quote_request(request: QuoteRequest) -> dict[str, Any]:
    return cast(dict[str, Any], _QUOTE_REQUEST.dump(request))


def load_hold_request(data: Mapping[str, Any]) -> HoldRequest:
    """Raises: ValidationError."""
    return cast(HoldRequest, _LOAD_HOLD_REQUEST(data))


def dump_quote(quote: Quote) -> dict[str, Any]:
    return cast(dict[str, Any], _QUOTE.dump(quote))
