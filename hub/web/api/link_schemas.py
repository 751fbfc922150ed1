"""The wire forms of purchases that were seen twice, and of connections that see each other's
orders."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.web.api.attention_schemas import SOURCE
from loyalty_core.service.links import FIELDS
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

PREVIEW = about("true: nothing is done; the answer tells what would be.")


class SightingSchema(Schema):
    id = fields.String()
    external_id = fields.String()
    source = fields.String(metadata=SOURCE)
    order = fields.String(allow_none=True)
    status = fields.String()
    occurred_at = fields.DateTime()
    paid = fields.String(metadata=about("As its own sender told it."))
    member = fields.String(allow_none=True, metadata=about("Whose it is by that."))


class LinkSchema(Schema):
    purchase = fields.Nested(SightingSchema)
    counts = fields.Nested(SightingSchema, metadata=about("The one that came first, and counts."))
    by = fields.String(metadata=about("fiscal, order or person."))
    word = fields.String(metadata=about("The sighting whose word counts, by its id."))


class LinksSchema(Schema):
    items = fields.List(fields.Nested(LinkSchema))
    next_cursor = fields.String(allow_none=True)


class PartingSchema(Schema):
    preview = fields.Boolean(load_default=False, metadata=PREVIEW)


class JoiningSchema(PartingSchema):
    other = wire.Text(required=True, most=wire.MAX_ID, metadata=about("The other record, by id."))


class FiguresSchema(Schema):
    available = fields.String()
    pending = fields.String()
    debt = fields.String()


class MovedAccountSchema(Schema):
    member = fields.String()
    currency = fields.String()
    before = fields.Nested(FiguresSchema)
    after = fields.Nested(FiguresSchema)


class MovedSchema(Schema):
    items = fields.List(fields.Nested(MovedAccountSchema))


class ConnectionLinkTermsSchema(Schema):
    field = wire.Text(
        allow_none=True,
        load_default=None,
        validate=validate.OneOf(FIELDS, error="Must be one of: order, external_id."),
        metadata=about(
            "Where the orders' numbers stand there; null: linked by fiscal signs alone."
        ),
    )
    truth = wire.Text(
        allow_none=True,
        load_default=None,
        most=wire.MAX_ID,
        metadata=about("The connection whose word counts; null: of whichever came first."),
    )


class ConnectionLinkSchema(ConnectionLinkTermsSchema):
    connection = fields.String(metadata=about("Whose orders."))
    seen_in = fields.String(metadata=about("Where they are seen."))


class ConnectionLinksSchema(Schema):
    items = fields.List(fields.Nested(ConnectionLinkSchema))
