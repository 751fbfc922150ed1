"""The wire forms of consents, their texts, and the policy of channels."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from loyalty_core.domain.consents import ADVERTISING, PLACES, PURPOSES, WAYS, Statement, Subject
from loyalty_core.service.channels import STATES
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

MOST_STATEMENTS = 20
MOST_TEXT = 20_000
NO_CHANNEL = "Advertising has a channel, and nothing else has one."
NOT_TOLD = "A consent has text_version, place and proof."
TOLD_TOO_MUCH = "A withdrawal has no text_version."
NO_BOX = "A checkbox has a ref: its name."


def _one_of(words: tuple[str, ...], description: str = "", **kwargs: Any) -> fields.String:
    told = ", ".join(words)
    return fields.String(
        validate=validate.OneOf(words, error=f"Must be one of: {told}."),
        metadata=about(description) if description else {},
        **kwargs,
    )


class ProofSchema(Schema):
    """How it was said, and what finds the proof."""

    how = _one_of(
        WAYS,
        "`checkbox`: the person ticked an empty box; `code`: a code that was sent to the person "
        "was entered; `paper`: signed; `reply`: to a message; `call`: recorded.",
        required=True,
    )
    ref = wire.Text(
        allow_none=True,
        load_default=None,
        most=wire.MAX_ID,
        metadata=about("Name of the box, number of the form, id of the code."),
    )


class StatementSchema(Schema):
    """A yes or a no to one purpose; there is no word for several."""

    purpose = _one_of(PURPOSES, required=True)
    channel = wire.Text(
        allow_none=True, load_default=None, metadata=about("With `advertising` alone: one channel.")
    )
    given = wire.Flag(required=True, metadata=about("false: refused, or withdrawn."))
    text_version = wire.Whole(
        least=1,
        most=1_000_000,
        allow_none=True,
        load_default=None,
        metadata=about("The version of the text that the person said yes to."),
    )
    at = wire.Moment(
        allow_none=True, load_default=None, metadata=about("When it was said; left out: now.")
    )
    place = _one_of(PLACES, "Where it was said.", allow_none=True, load_default=None)
    shop = wire.Text(allow_none=True, load_default=None, metadata=about("In which shop."))
    proof = fields.Nested(ProofSchema, allow_none=True, load_default=None)

    @validates_schema
    def _hangs_together(self, data: dict[str, Any], **_: Any) -> None:
        if (data["purpose"] == ADVERTISING) != (data["channel"] is not None):
            raise ValidationError(NO_CHANNEL, "channel")
        told = [data["text_version"], data["place"], data["proof"]]
        if data["given"] and None in told:
            raise ValidationError(NOT_TOLD)
        if not data["given"] and data["text_version"] is not None:
            raise ValidationError(TOLD_TOO_MUCH, "text_version")
        proof = data["proof"]
        if data["given"] and proof["how"] == "checkbox" and proof["ref"] is None:
            raise ValidationError({"proof": {"ref": [NO_BOX]}})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Statement:
        proof = data["proof"] or {"how": None, "ref": None}
        return Statement(
            Subject(data["purpose"], data["channel"] or ""),
            data["given"],
            proof["how"],
            proof["ref"],
            data["text_version"],
            data["at"],
            data["place"],
            data["shop"],
        )


def statements(**kwargs: Any) -> fields.List[Any]:
    return fields.List(
        fields.Nested(StatementSchema),
        validate=validate.Length(max=MOST_STATEMENTS, error="Too many entries."),
        **kwargs,
    )


class NewConsentsSchema(Schema):
    consents = statements(required=True, metadata=about("Each purpose and channel by itself."))


class ConsentSchema(Schema):
    """What stands."""

    purpose = fields.String()
    channel = fields.String(allow_none=True)
    given = fields.Boolean()
    at = wire.Moment()
    text_version = fields.Integer(allow_none=True)


class ToldProofSchema(Schema):
    how = fields.String(
        allow_none=True,
        metadata=about(
            "As told, or `link`, `one_click`, `with_processing` (withdrawn with that consent)."
        ),
    )
    ref = fields.String(allow_none=True)


class ToldConsentSchema(ConsentSchema):
    """What was said, as it is kept."""

    recorded_at = wire.Moment()
    recorded_by = fields.String(metadata=about("`key:<name>`, or the way by which it came."))
    place = fields.String(allow_none=True)
    shop = fields.String(allow_none=True)
    proof = fields.Nested(ToldProofSchema)


class ConsentsSchema(Schema):
    items = fields.List(fields.Nested(ConsentSchema), metadata=about("What stands now."))
    history = fields.List(
        fields.Nested(ToldConsentSchema), metadata=about("The newest 200, the newest first.")
    )
    erase_by = wire.Moment(
        allow_none=True,
        metadata=about(
            "Consent to processing is withdrawn: erase the member by then, which is a call of "
            "its own, unless the law or a contract asks for the data."
        ),
    )


class NewTextSchema(Schema):
    purpose = _one_of(PURPOSES, required=True)
    texts = fields.Dict(
        required=True,
        keys=_one_of(("ru", "en")),
        values=wire.Text(most=MOST_TEXT),
        metadata=about("By language, as the person is to see it."),
    )
    since = wire.Moment(
        allow_none=True, load_default=None, metadata=about("From when on; left out: now.")
    )


class TextSchema(Schema):
    purpose = fields.String()
    version = fields.Integer()
    since = wire.Moment()
    in_force = fields.Boolean(metadata=about("The one to be shown now."))
    texts = fields.Dict(keys=fields.String(), values=fields.String())
    author = fields.String()


class TextsSchema(Schema):
    items = fields.List(fields.Nested(TextSchema))


class TextQuerySchema(Schema):
    purpose = _one_of(PURPOSES, load_default=None)


class StepSchema(Schema):
    state = fields.String()
    since = wire.Moment()
    source = fields.String(metadata=about("Where it is written."))


class ChannelSchema(Schema):
    """What may be sent by a channel: `allowed`, `service_only`, `forbidden`."""

    channel = fields.String()
    state = fields.String(metadata=about("The stricter of the two; it counts."))
    own = fields.String(allow_none=True, metadata=about("The programme's own."))
    shipped = fields.Nested(StepSchema, metadata=about("As it comes with the hub."))
    ahead = fields.List(fields.Nested(StepSchema), metadata=about("What is shipped for later."))


class ChannelsSchema(Schema):
    items = fields.List(fields.Nested(ChannelSchema))


class NewChannelStateSchema(Schema):
    state = _one_of(STATES, "No looser than what is shipped.", required=True)


class EvidenceQuerySchema(Schema):
    phone = wire.Text(most=wire.MAX_PHONE)
    email = wire.Text(most=wire.MAX_EMAIL)

    @validates_schema
    def _asks_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Give phone or email.")


class EvidenceSchema(Schema):
    member = fields.String(metadata=about("The number under which it is kept."))
    erased_at = wire.Moment()
    history = fields.List(fields.Nested(ToldConsentSchema))


class EvidencesSchema(Schema):
    items = fields.List(fields.Nested(EvidenceSchema))
