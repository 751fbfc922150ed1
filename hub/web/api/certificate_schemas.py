"""The wire forms of gift certificates."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.web.api.coupon_schemas import MOST_AT_ONCE
from loyalty_core.domain.certificates import MOST_MINOR
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

_MONEY = [
    validate.Range(min=1, error="Must be more than zero."),
    validate.Range(max=MOST_MINOR, error="Too large."),
]


class NewCertificatesSchema(Schema):
    lot = wire.Text(required=True, metadata=about("Its name: the same again makes no more."))
    series = wire.Text(required=True, metadata=about("Code of a series in the rules in force."))
    count = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, MOST_AT_ONCE, error=f"Must be from 1 to {MOST_AT_ONCE}."),
    )
    nominal = wire.Hundredths(
        load_default=None,
        allow_none=True,
        validate=_MONEY,
        metadata=about("Money of each; left out: the series', or what is paid for it."),
    )
    loaded = wire.Flag(
        load_default=False,
        metadata=about("The money is on them at once; false: their sale brings it."),
    )
    member = wire.Text(
        load_default=None, allow_none=True, metadata=about("Whose they are; null: anybody's.")
    )


class CertificateLotSchema(Schema):
    lot = fields.String()
    series = fields.String()
    count = fields.Integer()
    nominal = wire.Hundredths(answer=True, allow_none=True)
    codes = fields.List(fields.String())


class CodeSchema(Schema):
    code = wire.Text(required=True, metadata=about("Code of the certificate."))


class CertificateSchema(Schema):
    id = fields.String()
    code = fields.String()
    series = fields.String()
    state = fields.String(
        metadata=about("`issued` (not paid for), `active`, `spent`, `expired`, `blocked`, `void`.")
    )
    member = fields.String(allow_none=True)
    nominal = wire.Hundredths(answer=True, allow_none=True)
    balance = wire.Hundredths(answer=True, metadata=about("What can be paid with it now."))
    reserved = wire.Hundredths(answer=True, metadata=about("Set aside for open carts."))
    owed = wire.Hundredths(
        answer=True, metadata=about("Taken and not there: what comes pays this first.")
    )
    activated_at = wire.Moment(allow_none=True)
    expires_at = wire.Moment(allow_none=True)
    created_at = wire.Moment()


class CertificatesSchema(Schema):
    items = fields.List(fields.Nested(CertificateSchema))


class TopUpSchema(CodeSchema):
    amount = wire.Hundredths(
        required=True, validate=_MONEY, metadata=about("Money that was paid for it.")
    )


class BlockCertificateSchema(CodeSchema):
    blocked = wire.Flag(load_default=True, metadata=about("false lets it be used again."))


class MoveSchema(Schema):
    """A movement: its changes of the certificate's figures."""

    no = fields.Integer()
    kind = fields.String()
    balance = wire.Hundredths(answer=True)
    reserved = wire.Hundredths(answer=True)
    owed = wire.Hundredths(answer=True)
    expired = wire.Hundredths(answer=True)
    loaded = wire.Hundredths(answer=True)
    paid = wire.Hundredths(answer=True)
    purchase = fields.String(allow_none=True)
    by = fields.String()
    occurred_at = wire.Moment()
    booked_at = wire.Moment()


class MovesSchema(Schema):
    items = fields.List(fields.Nested(MoveSchema))
