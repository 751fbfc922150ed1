"""The wire forms of letters and of the report on messages."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from hub.web.api.schemas import PageQuerySchema
from loyalty_core.domain.letters import CHANNELS, CLASSES, KINDS, LOCALES
from loyalty_core.service.letter_words import MOST_HTML, MOST_SUBJECT, MOST_TEXT
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

STATES = ("sent", "delivered", "failed")


def _one_of(*choices: str) -> validate.OneOf:
    return validate.OneOf(choices, error=f"Must be one of: {', '.join(choices)}.")


class LetterVersionSchema(Schema):
    channel = fields.String()
    locale = fields.String()
    version = fields.Integer(metadata=about("The text in force; 0: the hub's own."))


class LetterSchema(Schema):
    kind = fields.String()
    on = fields.Boolean()
    class_ = fields.String(data_key="class", metadata=about("`service` or `advertising`."))
    may_be_service = fields.Boolean()
    days_before = fields.Integer(
        allow_none=True, metadata=about("Days before what it tells of; null: it has no day.")
    )
    placeholders = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata=about("What a text may name in braces, with samples."),
    )
    texts = fields.List(fields.Nested(LetterVersionSchema))


class LettersSchema(Schema):
    items = fields.List(fields.Nested(LetterSchema))


class LetterChangesSchema(Schema):
    """Only what is told changes."""

    is_on = wire.Flag(data_key="on")
    message_class = wire.Text(
        data_key="class",
        validate=_one_of(*CLASSES),
        metadata=about("Service goes to every member, advertising to those who agreed to it."),
    )
    days_before = wire.Whole(least=0, most=60)


class WordsSchema(Schema):
    subject = wire.Text(
        load_default=None,
        allow_none=True,
        most=MOST_SUBJECT,
        metadata=about("Of a mail alone, and needed there."),
    )
    text = wire.Text(required=True, most=MOST_TEXT, metadata=about("In Liquid."))
    html = wire.Text(
        load_default=None,
        allow_none=True,
        most=MOST_HTML,
        metadata=about("Of a mail alone.  Its style sheet is put at the elements."),
    )


class LetterTextSchema(Schema):
    kind = fields.String()
    channel = fields.String()
    locale = fields.String()
    version = fields.Integer()
    subject = fields.String(allow_none=True)
    text = fields.String()
    html = fields.String(allow_none=True)
    author = fields.String(allow_none=True, metadata=about("Null: the hub's own."))
    created_at = wire.Moment(allow_none=True)


class TextQuerySchema(Schema):
    version = fields.Integer(
        validate=validate.Range(0, 2**31 - 1, error="Must be from 0 to 2147483647."),
        metadata=about("0: the hub's own.  Left out: the one in force."),
    )


class _WhichSchema(Schema):
    kind = wire.Text(required=True, validate=_one_of(*KINDS))
    channel = wire.Text(required=True, validate=_one_of(*CHANNELS))
    locale = wire.Text(load_default=LOCALES[0], validate=_one_of(*LOCALES))


class AskPreviewSchema(_WhichSchema):
    member = wire.Text(
        load_default=None,
        allow_none=True,
        metadata=about("With this member's name, balance and tier; null: with samples."),
    )
    words = fields.Nested(
        WordsSchema,
        load_default=None,
        allow_none=True,
        metadata=about("Words to try; null: the text in force."),
    )


class SegmentsSchema(Schema):
    encoding = fields.String(metadata=about("`gsm7` or `ucs2`."))
    units = fields.Integer()
    parts = fields.Integer(metadata=about("SMS that are paid for."))


class PreviewSchema(Schema):
    subject = fields.String(allow_none=True)
    text = fields.String()
    html = fields.String(allow_none=True, metadata=about("Its style at the elements."))
    segments = fields.Nested(SegmentsSchema, allow_none=True, metadata=about("Null: no SMS."))
    price = fields.String(
        allow_none=True,
        metadata=about("Roubles, by the connection's price; null: no connection sends it."),
    )


class TrialSchema(_WhichSchema):
    to = wire.Text(
        required=True,
        most=wire.MAX_EMAIL,
        metadata=about("A phone or an e-mail address that is no member's."),
    )


class TrialMadeSchema(Schema):
    id = fields.String()


class MessageChannelSchema(Schema):
    channel = fields.String()
    policy = fields.String(metadata=about("`allowed`, `service_only`, `forbidden`."))
    connection = fields.String(allow_none=True, metadata=about("Null: none sends by it."))
    name = fields.String(allow_none=True)
    state = fields.String(allow_none=True, metadata=about("`active`, `attention`."))
    price = fields.String(allow_none=True, metadata=about("Roubles a message, or part of an SMS."))
    quiet_from = fields.Integer(allow_none=True, metadata=about("Nobody is disturbed from then"))
    quiet_to = fields.Integer(allow_none=True, metadata=about("to then; the same hour: never."))


class MessageChannelsSchema(Schema):
    items = fields.List(fields.Nested(MessageChannelSchema))


class MessagesQuerySchema(PageQuerySchema):
    kind = wire.Text(metadata=about("A kind of letters, `code`, `test` or `other`."))
    state = wire.Text(validate=_one_of(*STATES))
    channel = wire.Text(validate=_one_of(*CHANNELS))
    member = wire.Text()


class MessageSchema(Schema):
    id = fields.String()
    kind = fields.String()
    member = fields.String(allow_none=True)
    channel = fields.String(allow_none=True)
    state = fields.String(
        metadata=about("`sent`: handed to the vendor; `delivered`: the vendor says so; `failed`.")
    )
    reason = fields.String(allow_none=True, metadata=about("Why it failed."))
    reference = fields.String(allow_none=True, metadata=about("The vendor's number of it."))
    parts = fields.Integer(allow_none=True)
    cost = fields.String(
        allow_none=True, metadata=about("Roubles: as the vendor says, else by the price.")
    )
    made_at = wire.Moment()
    sent_at = wire.Moment()
    ended_at = wire.Moment(allow_none=True)


class MessagePageSchema(Schema):
    items = fields.List(fields.Nested(MessageSchema))
    next_cursor = fields.String(allow_none=True)
