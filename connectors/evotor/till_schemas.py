"""What the application on a terminal sends: money and quantities as decimal texts."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from connectors.evotor import schemas
from connectors.evotor.schemas import Wire
from connectors.evotor.units import Exact, Points, Quantity
from loyalty_kit import wire_fields

MOST_LINES = wire_fields.MAX_LINES
MOST_RECEIPTS = 100
MOST = "max"


class Wish(fields.Field[Any]):
    """Points to spend, "max", or nothing."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return MOST if value == MOST else Points().deserialize(value)


class Who(Wire):
    """A buyer: the id of an earlier answer, or whatever was scanned or typed."""

    customer = schemas.ident("customerId")
    code = schemas.ident()
    card = schemas.ident()
    phone = schemas.words()
    email = schemas.words()


class NewCustomer(Who):
    first_name = schemas.words("firstName")
    last_name = schemas.words("lastName")
    consent = wire_fields.Flag(load_default=False)


class CartLine(Wire):
    uuid = schemas.Name(required=True)
    product = schemas.ident("productUuid")
    name = schemas.words()
    type = schemas.words()
    quantity = Quantity(required=True)
    # A cashier's discount on a line leaves parts of a kopeck in the price of a unit.
    price = Exact(data_key="priceWithDiscount", required=True)


class Cart(Who):
    receipt = schemas.Name(data_key="receiptUuid", required=True)
    wish = Wish(data_key="pointsToSpend", load_default=None, allow_none=True)
    coupons = fields.List(
        wire_fields.Text(most=wire_fields.MAX_CODE),
        load_default=list,
        validate=validate.Length(max=wire_fields.MAX_LIST),
    )
    confirmation = schemas.ident("confirmationCode")
    positions = fields.List(
        fields.Nested(CartLine), required=True, validate=validate.Length(max=MOST_LINES)
    )

    @validates_schema
    def _lines_have_names_of_their_own(self, data: Any, **_: Any) -> None:
        names = [one["uuid"] for one in data.get("positions", ())]
        if len(set(names)) != len(names):
            raise ValidationError("Two positions have one uuid.", "positions")


class ToldSale(Wire):
    """What the till promised without a line, to be held against the books."""

    receipt = schemas.Name(data_key="receiptUuid", required=True)
    earned = Points(load_default=None, allow_none=True)
    spent = Points(load_default=None, allow_none=True)
    customer = wire_fields.Flag(data_key="hadCustomer", load_default=False)
    pack = schemas.ident()
    closed_at = schemas.Moment(data_key="closedAt", load_default=None, allow_none=True)


class Asked(Wire):
    receipts = fields.List(
        fields.Nested(ToldSale), required=True, validate=validate.Length(max=MOST_RECEIPTS)
    )
