"""The wire forms of the lists for a person."""

from __future__ import annotations

from marshmallow import Schema, fields

from loyalty_kit.events_schema import about

SOURCE = about("Of whom it came: a connection's id, or `key:` with the name of an API key.")


class LostRefundSchema(Schema):
    id = fields.String()
    external_id = fields.String()
    source = fields.String(metadata=SOURCE)
    state = fields.String(metadata=about("waiting for its purchase, or listed for a person."))
    purchase = fields.String(allow_none=True, metadata=about("The purchase that it names."))
    order = fields.String(allow_none=True)
    amount = fields.String()
    occurred_at = fields.DateTime()
    received_at = fields.DateTime()
    flags = fields.List(fields.String())


class LostRefundsSchema(Schema):
    items = fields.List(fields.Nested(LostRefundSchema))
    next_cursor = fields.String(allow_none=True)


class ConflictSchema(Schema):
    member = fields.String(metadata=about("Whom the receipt was booked for."))
    other = fields.String(metadata=about("Whom another name of the receipt means."))
    kind = fields.String(metadata=about("That name: external, card, phone or email."))
    source = fields.String(metadata=SOURCE)
    seen_at = fields.DateTime()


class ConflictsSchema(Schema):
    items = fields.List(fields.Nested(ConflictSchema))
    next_cursor = fields.String(allow_none=True)


class FlaggedReceiptSchema(Schema):
    id = fields.String()
    kind = fields.String(metadata=about("purchase or refund."))
    external_id = fields.String()
    source = fields.String(metadata=SOURCE)
    shop = fields.String(allow_none=True, metadata=about("Its code; null of refunds."))
    member = fields.String(allow_none=True)
    sum = fields.String(metadata=about("What was paid, or given back."))
    occurred_at = fields.DateTime()
    received_at = fields.DateTime()
    flags = fields.List(fields.String())


class FlaggedReceiptsSchema(Schema):
    items = fields.List(fields.Nested(FlaggedReceiptSchema))
    next_cursor = fields.String(allow_none=True)


class WishToEraseSchema(Schema):
    member = fields.String()
    withdrawn_at = fields.DateTime(metadata=about("The consent to processing."))
    erase_by = fields.DateTime(metadata=about("By then the law wants the data erased."))


class WishesToEraseSchema(Schema):
    items = fields.List(fields.Nested(WishToEraseSchema))
    next_cursor = fields.String(allow_none=True)
