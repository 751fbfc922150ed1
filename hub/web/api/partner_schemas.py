"""The wire forms of partners and their settlements."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import Schema, fields, post_load

from loyalty_core.service.partners import PointPrice, Terms
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

MOST_PRICES = 20


class PointPriceSchema(wire.FrozenSchema):
    builds: ClassVar[type] = PointPrice

    currency = wire.Text(required=True, metadata=about("Of points."))
    price_minor = wire.Hundredths(
        required=True, data_key="price", metadata=about("Money for a whole point.")
    )


class PartnerTermsSchema(Schema):
    name = wire.Text(
        load_default=None,
        allow_none=True,
        most=wire.MAX_NAME,
        metadata=about("What people see; left out, its code."),
    )
    shops = wire.codes("Codes of the shops that are the partner's.", load_default=())
    prices = fields.List(
        fields.Nested(PointPriceSchema),
        load_default=(),
        validate=wire.at_most(MOST_PRICES),
        metadata=about("What the partner owes for points earned at its shops."),
    )

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Terms:
        wire.refuse_twice(data["prices"], "currency", "prices", "currency")
        return Terms(**data)


class PartnerSchema(Schema):
    code = fields.String()
    name = fields.String()
    shops = fields.List(fields.String())
    prices = fields.List(fields.Nested(PointPriceSchema), metadata=about("That hold now."))


class PartnersSchema(Schema):
    items = fields.List(fields.Nested(PartnerSchema))


class SettlementQuerySchema(Schema):
    first = fields.Date(
        required=True, data_key="from", metadata=about("The first day, in the programme's zone.")
    )
    last = fields.Date(required=True, data_key="until", metadata=about("The last day."))


class SettledPointsSchema(Schema):
    currency = fields.String()
    earned = fields.String(metadata=about("At the partner's shops, net of what was taken back."))
    spent = fields.String(metadata=about("There, net of what was given back."))
    owed = fields.String(metadata=about("Money: by the partner, for those earned."))


class SettledRewardSchema(Schema):
    reward = fields.String()
    handed_out = fields.Integer()
    currency = fields.String(metadata=about("Of the points."))
    points = fields.String(metadata=about("That members gave for them."))
    owed = fields.String(metadata=about("Money: by the programme, to compensate the partner."))


class SettlementSchema(Schema):
    partner = fields.String()
    name = fields.String()
    currency = fields.String(metadata=about("Of the money."))
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    points = fields.List(fields.Nested(SettledPointsSchema))
    rewards = fields.List(fields.Nested(SettledRewardSchema))
    partner_owes = fields.String()
    programme_owes = fields.String()
