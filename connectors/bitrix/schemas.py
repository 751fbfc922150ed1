"""The snapshot of an order, as our module sends it (`module/lib/core/snapshot.php`).

The form is our own, so what is used is insisted on; what is not known is let pass, since a newer
module may meet an older hub.
"""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from loyalty_kit.wire_fields import (
    MAX_ID,
    MAX_LINES,
    MAX_LIST,
    MAX_NAME,
    MAX_WHOLE,
    Flag,
    Hundredths,
    Moment,
    Quantity,
    Text,
    Whole,
    at_most,
)

MAX_PRICE = 10**12
"""In roubles."""


class Wire(Schema):
    class Meta:
        unknown = EXCLUDE


def words(most: int = MAX_NAME) -> Text:
    return Text(most=most, load_default=None, allow_none=True)


def number(**more: object) -> Whole:
    return Whole(least=1, most=MAX_WHOLE, **more)


class HubPart(Wire):
    """What the hub took off a line when it was ordered; `before` is the price of a unit."""

    before = Hundredths(required=True)
    quantity = Quantity(required=True)
    discount = Hundredths(required=True)
    spend = Hundredths(required=True)


class Item(Wire):
    ref = Text(most=MAX_ID, required=True)
    product_id = number(load_default=None, allow_none=True)
    product_xml_id = words()
    name = words()
    quantity = Quantity(required=True)
    price = Hundredths(required=True)
    exact_price = fields.Decimal(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, MAX_PRICE, error="Must be a price."),
    )
    custom_price = Flag(load_default=False)
    vat_rate = fields.Decimal(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 1, error="Must be from 0 to 1."),
    )
    vat_included = Flag(load_default=True)
    hub = fields.Nested(HubPart, load_default=None, allow_none=True)


class Payment(Wire):
    id = number(required=True)
    pay_system_id = number(load_default=None, allow_none=True)
    inner = Flag(load_default=False)
    sum = Hundredths(required=True)
    paid = Flag(required=True)
    is_return = fields.String(required=True, validate=validate.OneOf(["N", "Y", "P"]))
    date_return = Moment(load_default=None, allow_none=True)


class Order(Wire):
    id = number(required=True)
    account_number = words(MAX_ID)
    status_id = words(2)
    canceled = Flag(required=True)
    payed = Flag(required=True)
    deducted = Flag(load_default=False)
    deleted = Flag(load_default=False)
    price = Hundredths(required=True)
    price_delivery = Hundredths(required=True)
    currency = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{3}\Z"))
    date_insert = Moment(required=True)
    date_update = Moment(load_default=None, allow_none=True)
    date_payed = Moment(load_default=None, allow_none=True)


class Buyer(Wire):
    user_id = number(load_default=None, allow_none=True)
    phone = words()
    email = words()
    name = words()
    last_name = words()


class Loyalty(Wire):
    """What the checkout promised: hold, points, and the money that they were worth."""

    cart = words(MAX_ID)
    hold = words(MAX_ID)
    points_spent = Hundredths(load_default=None, allow_none=True)
    spend = Hundredths(load_default=None, allow_none=True)
    coupons = fields.List(Text(), load_default=list, validate=at_most(MAX_LIST))


class Snapshot(Wire):
    """`seq` is drawn before the order is read: of two snapshots the later one has the larger."""

    type = fields.String(required=True)
    event_id = Text(required=True)
    seq = number(required=True)
    site_id = Text(required=True)
    order = fields.Nested(Order, required=True)
    buyer = fields.Nested(Buyer, load_default=dict)
    items = fields.List(fields.Nested(Item), required=True, validate=at_most(MAX_LINES))
    payments = fields.List(fields.Nested(Payment), load_default=list, validate=at_most(MAX_LIST))
    loyalty = fields.Nested(Loyalty, load_default=dict)
