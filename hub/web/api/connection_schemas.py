"""The wire forms of connections and their health."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty_kit.events_schema import about


class ConnectionSchema(Schema):
    id = fields.String()
    name = fields.String()
    connector = fields.String()
    state = fields.String(metadata=about("active, paused or attention."))
    trouble = fields.String(allow_none=True, metadata=about("The code of what is wrong."))
    last_delivery_at = fields.DateTime(allow_none=True)


class ConnectionsSchema(Schema):
    items = fields.List(fields.Nested(ConnectionSchema))


class HealthQuerySchema(Schema):
    shop = fields.Boolean(
        load_default=False, metadata=about("Whether the shop is asked, which may take a while.")
    )


class WaitingSchema(Schema):
    late = fields.Integer(metadata=about("Deliveries that could be worked off now."))
    since = fields.DateTime(allow_none=True, metadata=about("Since when the first of them."))
    later = fields.Integer(metadata=about("Those that wait for their next try."))
    dead = fields.Integer(metadata=about("Those that wait for a person."))


class ShownBalancesSchema(Schema):
    on = fields.Boolean()
    waiting = fields.Integer(metadata=about("Members that the shop is to be told of."))
    failed = fields.Integer(metadata=about("Members of whom it takes no balance."))
    told_at = fields.DateTime(allow_none=True)
    errors = fields.Dict(keys=fields.String(), values=fields.Integer())


class ShopCouponsSchema(Schema):
    """Coupons of the programme as coupons of the shop."""

    on = fields.Boolean()
    waiting = fields.Integer(metadata=about("Coupons to be told of now."))
    made = fields.Integer(metadata=about("Coupons that stand in the shop."))
    failed = fields.Integer(metadata=about("Coupons that the shop does not take."))
    told_at = fields.DateTime(allow_none=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata=about("The same by the code of what is wrong."),
    )


class RemoteWebhookSchema(Schema):
    name = fields.String(metadata=about("In the vendor's words."))
    state = fields.String(metadata=about("working, disabled or missing."))


class ShopSideSchema(Schema):
    looked_at = fields.DateTime()
    error = fields.String(allow_none=True)
    clock_ahead_s = fields.Integer(
        allow_none=True, metadata=about("Of the shop's clock before the hub's; null: not told.")
    )
    calls_left = fields.Integer(allow_none=True)
    calls_limit = fields.Integer(allow_none=True)
    webhooks = fields.List(
        fields.Nested(RemoteWebhookSchema),
        allow_none=True,
        metadata=about("Null where the connector cannot look at them."),
    )


class AdviceSchema(Schema):
    code = fields.String()
    text = fields.String(metadata=about("What to do next."))


class RefusedCallSchema(Schema):
    at = fields.DateTime()
    error = fields.String(metadata=about("signature_invalid or unreadable."))


class ConnectionHealthSchema(ConnectionSchema):
    looked_at = fields.DateTime()
    last_document_at = fields.DateTime(allow_none=True)
    next_poll_at = fields.DateTime(allow_none=True)
    lag_s = fields.Float(
        allow_none=True,
        metadata=about("From a call to the books: the middle one of the last hundred."),
    )
    waiting = fields.Nested(WaitingSchema)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata=about("Deliveries of the last week that failed, by code."),
    )
    refused = fields.Nested(
        RefusedCallSchema,
        allow_none=True,
        metadata=about("The last call that was refused at the door; null: none was."),
    )
    balances = fields.Nested(
        ShownBalancesSchema,
        allow_none=True,
        metadata=about("Null where the connector shows none."),
    )
    coupons = fields.Nested(
        ShopCouponsSchema,
        allow_none=True,
        metadata=about("Null where the connector makes none."),
    )
    shop = fields.Nested(
        ShopSideSchema, allow_none=True, metadata=about("Null where it was not asked.")
    )
    advice = fields.List(fields.Nested(AdviceSchema))
