"""Wire formats of the portal's REST.

Ids come as numbers or as texts of digits, sums as JSON floats, flags as `Y` and `N`; what is not
used is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from loyalty_kit.checker import Load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.wire_fields import MAX_LINES, MAX_NAME, Moment, Text, at_most

MOST = Decimal(10) ** 12
MAX_NUMBER = 10**15


class Wire(Schema):
    class Meta:
        unknown = EXCLUDE


class Sparse(Wire):
    """What was left empty may come as an empty text: it is nothing, as null is."""

    @pre_load
    def _empty_is_nothing(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: None if value == "" else value for name, value in data.items()}


class Number(fields.Field[int]):
    """An id: a whole number above zero, or its digits."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        number = _id(value)
        if number is None:
            raise ValidationError("Not an id.")
        return number


class NumberOfAny(fields.Field[int | None]):
    """The id of what need not be there: 0, and all else that is no id, is none."""

    def __init__(self, data_key: str) -> None:
        super().__init__(data_key=data_key, load_default=None, allow_none=True)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int | None:
        return _id(value)


def _id(value: Any) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    known = text.isascii() and text.isdigit() and 0 < int(text[:20]) < MAX_NUMBER
    return int(text) if known else None


def _number(value: Any) -> Decimal:
    """A sum; floats are read as they are written.  Raises: ValidationError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValidationError("Not a number.")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValidationError("Not a number.") from None
    if not number.is_finite() or not 0 <= number < MOST:
        raise ValidationError("Not a sum.")
    return number


class UnitPrice(fields.Field[Decimal]):
    """In roubles, exact: of prices by the piece a portal keeps parts of a kopeck."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        return _number(value)


class _Counted(fields.Field[int]):
    """A sum in smallest units, rounded half up."""

    per_unit: ClassVar[int]

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        return int((_number(value) * self.per_unit).to_integral_value(ROUND_HALF_UP))


class Kopecks(_Counted):
    per_unit = 100


class Thousandths(_Counted):
    per_unit = 1000


class Words(Text):
    """A text; what cannot be one is nothing."""

    def _deserialize(  # type: ignore[override]  # rubbish in a name stops no sale
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if not isinstance(value, str):
            return None
        kept = "".join(one for one in value[:MAX_NAME] if one.isprintable())
        return super()._deserialize(kept, attr, data, **kwargs)


def words(data_key: str | None = None) -> Words:
    return Words(most=MAX_NAME, data_key=data_key, load_default=None, allow_none=True)


def flag(
    data_key: str | None = None, otherwise: str = "N", *, allow_none: bool = False
) -> fields.String:
    yes_or_no = validate.OneOf(["Y", "N"])
    return fields.String(
        data_key=data_key, load_default=otherwise, allow_none=allow_none, validate=yes_or_no
    )


def currency(data_key: str | None = None) -> fields.String:
    three = validate.Regexp(r"[A-Z]{3}\Z")
    return fields.String(data_key=data_key, required=True, validate=three)


class BasketItem(Sparse):
    id = Number(required=True)
    product = NumberOfAny("productId")
    parent = NumberOfAny("setParentId")
    name = words()
    quantity = Thousandths(required=True)
    price = UnitPrice(required=True)
    vat_rate = fields.Decimal(
        data_key="vatRate", load_default=None, allow_none=True, validate=validate.Range(0, 1)
    )
    vat_included = flag("vatIncluded", "Y", allow_none=True)


class Payment(Sparse):
    id = Number(required=True)
    paid = flag()
    sum = Kopecks(required=True)
    is_return = fields.String(
        data_key="isReturn",
        load_default="N",
        allow_none=True,
        validate=validate.OneOf(["Y", "N", "P"]),
    )
    returned_at = Moment(data_key="payReturnDate", load_default=None, allow_none=True)
    paid_at = Moment(data_key="datePaid", load_default=None, allow_none=True)
    system = NumberOfAny("paySystemId")


class Shipment(Sparse):
    price = Kopecks(data_key="priceDelivery", load_default=0, allow_none=True)
    system = flag(allow_none=True)


class Property(Wire):
    code = words()
    value = words()


class StoreOrder(Wire):
    id = Number(required=True)
    number = words("accountNumber")
    canceled = flag()
    payed = flag()
    price = Kopecks(required=True)
    currency = currency()
    created = Moment(data_key="dateInsert", required=True)
    updated = Moment(data_key="dateUpdate", load_default=None, allow_none=True)
    items = fields.List(
        fields.Nested(BasketItem),
        data_key="basketItems",
        required=True,
        validate=at_most(MAX_LINES),
    )
    payments = fields.List(fields.Nested(Payment), load_default=list)
    shipments = fields.List(fields.Nested(Shipment), load_default=list)
    properties = fields.List(fields.Nested(Property), data_key="propertyValues", load_default=list)


class Address(Wire):
    kind = words("typeId")
    value = words()


class Contact(Wire):
    id = Number(required=True)
    name = words()
    last_name = words("lastName")
    addresses = fields.List(fields.Nested(Address), data_key="fm", load_default=list)


class OrderDocument(Wire):
    order = fields.Nested(StoreOrder, required=True)
    contact = fields.Nested(Contact, load_default=None, allow_none=True)


class Deal(Wire):
    id = Number(required=True)
    title = words()
    semantics = fields.String(
        data_key="stageSemanticId", required=True, validate=validate.OneOf(["P", "S", "F"])
    )
    funnel = fields.Raw(data_key="categoryId", load_default=0, allow_none=True)
    amount = Kopecks(data_key="opportunity", load_default=0, allow_none=True)
    currency = currency("currencyId")
    created = Moment(data_key="createdTime", required=True)
    moved = Moment(data_key="movedTime", load_default=None, allow_none=True)


class ProductRow(Wire):
    id = Number(required=True)
    product = fields.Raw(data_key="productId", load_default=None, allow_none=True)
    name = words("productName")
    price = UnitPrice(required=True)
    quantity = Thousandths(required=True)


class DealDocument(Wire):
    deal = fields.Nested(Deal, required=True)
    rows = fields.List(fields.Nested(ProductRow), required=True, validate=at_most(MAX_LINES))
    contact = fields.Nested(Contact, load_default=None, allow_none=True)


class ListedRow(Wire):
    """Of a list of orders or deals."""

    id = Number(required=True)
    updated = fields.String(required=True)


class Goods(Wire):
    id = Number(required=True)
    name = Words(most=MAX_NAME, required=True)
    xml_id = words("xmlId")
    code = words()
    active = flag()


def load(read: Load, document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, naming fields and never their values."""
    try:
        loaded: dict[str, Any] = read(document)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None
    return loaded
