"""The wire forms of coupons."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.web.api.member_schemas import AdjustedSchema
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

MOST_AT_ONCE = 5000
"""Coupons of one lot that a caller may wait for; more are the command line's."""


class NewLotSchema(Schema):
    lot = wire.Text(required=True, metadata=about("Its name: the same again makes no more."))
    series = wire.Text(required=True, metadata=about("Code of a series in the rules in force."))
    count = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, MOST_AT_ONCE, error=f"Must be from 1 to {MOST_AT_ONCE}."),
    )
    member = wire.Text(
        load_default=None, allow_none=True, metadata=about("Whose they are; null: anybody's.")
    )
    starts_at = wire.Moment(load_default=None, allow_none=True)
    ends_at = wire.Moment(load_default=None, allow_none=True)


class CouponLotSchema(Schema):
    lot = fields.String()
    series = fields.String()
    count = fields.Integer()
    state = fields.String(metadata=about("`active`, `blocked`."))
    codes = fields.List(fields.String())


class CouponSchema(Schema):
    code = fields.String()
    series = fields.String()
    state = fields.String(
        metadata=about("`active`, `used`, `expired`, `blocked`, `withdrawn` with its purchase.")
    )
    member = fields.String(allow_none=True)
    uses = fields.Integer(metadata=about("Those that live holds reserve among them."))
    most = fields.Integer()
    starts_at = wire.Moment(allow_none=True)
    ends_at = wire.Moment(allow_none=True)
    created_at = wire.Moment()


class CouponsSchema(Schema):
    items = fields.List(fields.Nested(CouponSchema))


class BlockSchema(Schema):
    blocked = wire.Flag(load_default=True, metadata=about("false lets it be used again."))


class ExchangeSchema(Schema):
    series = wire.Text(required=True, metadata=about("Code of a series that has a price."))


class ExchangedSchema(AdjustedSchema):
    coupon = fields.Nested(CouponSchema)
