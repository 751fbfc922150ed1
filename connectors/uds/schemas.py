"""What tills send, and what the hub keeps of it: money and points as JSON numbers of two places."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from loyalty_kit.checker import Load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.wire_fields import MAX_ID, Hundredths, Moment, Text


class Wire(Schema):
    """Fields that are not used are ignored; those that are used are insisted on."""

    class Meta:
        unknown = EXCLUDE


def _word(name: str | None = None, most: int = MAX_ID) -> Text:
    return Text(most=most, data_key=name, allow_none=True, load_default=None)


def _part(name: str) -> Hundredths:
    """A part of the receipt; left out or null it is nothing."""
    return Hundredths(data_key=name, allow_none=True, load_default=None)


class Participant(Wire):
    uid = _word()
    phone = _word()


class Receipt(Wire):
    """`total` as the goods are priced, discounts of the programme not taken off."""

    total = Hundredths(required=True)
    points = Hundredths(allow_none=True, load_default=None)
    skip = _part("skipLoyaltyTotal")
    unredeemable = _part("unredeemableTotal")

    @validates_schema
    def _parts_are_within(self, data: Any, **_: Any) -> None:
        if (data.get("skip") or 0) > data.get("total", 0):
            raise ValidationError("More than the total.", "skipLoyaltyTotal")


class Search(Receipt):
    """A receipt and its buyer, as `customers/find` has them in its address."""

    total = Hundredths(load_default=0)
    code = _word()
    uid = _word()
    phone = _word()
    exchange = _word("exchangeCode")


class PaidReceipt(Receipt):
    cash = Hundredths(required=True)
    number = _word()


class Calculation(Wire):
    code = _word()
    participant = fields.Nested(Participant, allow_none=True, load_default=None)
    receipt = fields.Nested(Receipt, required=True)


class Cashier(Wire):
    external_id = _word("externalId")
    name = _word()


class Operation(Calculation):
    nonce = _word()
    cashier = fields.Nested(Cashier, allow_none=True, load_default=None)
    receipt = fields.Nested(PaidReceipt, required=True)


class Return(Wire):
    part = Hundredths(data_key="partialAmount", allow_none=True, load_default=None)


class KeptOperation(Wire):
    """What is booked later: the till's words, and what the hub made of them while it waited."""

    id = Text(required=True)
    at = Moment(required=True)
    cart = _word()
    member = _word()
    discount = Hundredths(required=True)
    told = fields.Nested(Operation, required=True)


class KeptLine(Wire):
    id = Text(required=True)
    back = Hundredths(required=True)


class KeptReturn(Wire):
    """`whole`: everything that was left of the operation."""

    id = Text(required=True)
    operation = Text(required=True)
    at = Moment(required=True)
    whole = fields.Boolean(required=True)
    lines = fields.List(fields.Nested(KeptLine), required=True)

    @validates_schema
    def _lines_have_names_of_their_own(self, data: Any, **_: Any) -> None:
        names = [one["id"] for one in data.get("lines", ())]
        if not names or len(set(names)) != len(names):
            raise ValidationError("No lines, or two with one name.", "lines")


def load(read: Load, document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, naming fields and never their values."""
    try:
        loaded: dict[str, Any] = read(document)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None
    return loaded
