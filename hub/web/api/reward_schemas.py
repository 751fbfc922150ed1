"""The wire forms of rewards for points."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from hub.web.api.schemas import PageQuerySchema
from loyalty_core.service.reward_shelf import MOST_PIECES
from loyalty_core.store.reward_orders import STATES
from loyalty_kit import wire_fields as wire
from loyalty_kit.checkout_schema import BalanceSchema
from loyalty_kit.events_schema import about


class RewardItemSchema(Schema):
    """A reward of the catalogue."""

    code = fields.String()
    name = fields.String()
    kind = fields.String(metadata=about("`gift`, `privilege` or `service`."))
    price = wire.Hundredths(answer=True, metadata=about("In points of `currency`."))
    currency = fields.String()
    left = fields.Integer(allow_none=True, metadata=about("Null: it never runs out."))
    per_member = fields.Integer(allow_none=True)
    partner = fields.String(allow_none=True)
    starts_at = wire.Moment(allow_none=True)
    ends_at = wire.Moment(allow_none=True)


class CatalogueOfRewardsSchema(Schema):
    items = fields.List(fields.Nested(RewardItemSchema))


class MemberRewardSchema(RewardItemSchema):
    mine = fields.Integer(metadata=about("The member's orders of it, cancelled ones aside."))
    affordable = fields.Boolean(metadata=about("The member has the points."))
    missing = wire.Hundredths(answer=True, metadata=about("Points that are missing."))


class MemberRewardsSchema(Schema):
    items = fields.List(fields.Nested(MemberRewardSchema))


class StockSchema(Schema):
    left = wire.Whole(least=0, most=MOST_PIECES, metadata=about("So many are there now."))
    add = wire.Whole(
        least=-MOST_PIECES, most=MOST_PIECES, metadata=about("So many came; below zero: went.")
    )

    @validates_schema
    def _says_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("left" in data) == ("add" in data):
            raise ValidationError("Give left or add.")


class WishSchema(Schema):
    reward = wire.Text(required=True, metadata=about("Code of a reward of the catalogue."))


class RewardOrderSchema(Schema):
    id = fields.String()
    reward = fields.String()
    name = fields.String(metadata=about("As it was called when it was ordered."))
    member = fields.String()
    state = fields.String(metadata=about("`ordered`, `handed_out`, `cancelled`."))
    code = fields.String(
        allow_none=True,
        metadata=about("What the member shows to have it handed out; told to the member alone."),
    )
    points = wire.Hundredths(answer=True)
    currency = fields.String()
    partner = fields.String(allow_none=True)
    created_at = wire.Moment()
    ended_at = wire.Moment(allow_none=True, metadata=about("When it was handed out or cancelled."))


class OrderedSchema(Schema):
    order = fields.Nested(RewardOrderSchema)
    balance = fields.Nested(BalanceSchema, metadata=about("Of the order's currency, now."))


class OrderQuerySchema(PageQuerySchema):
    state = wire.Text(
        validate=validate.OneOf(STATES, error=f"Must be one of: {', '.join(STATES)}."),
        metadata=about("Left out: all."),
    )


class RewardOrdersSchema(Schema):
    items = fields.List(fields.Nested(RewardOrderSchema))
    next_cursor = fields.String(allow_none=True)


class HandOutSchema(Schema):
    code = wire.Text(required=True, metadata=about("What the member shows."))
