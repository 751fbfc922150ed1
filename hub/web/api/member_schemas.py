"""The wire forms of members, their ledger, and what is done to them by hand."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from hub.web.api.consent_schemas import ConsentSchema, statements
from hub.web.api.schemas import (
    IsoDate,
    JsonObject,
    PageQuerySchema,
    PurchasesSchema,
    ReceiptSchema,
    SignedHundredths,
)
from loyalty_core.domain.fiscal_qr import LONGEST
from loyalty_core.domain.letters import CHANNELS, LOCALES
from loyalty_core.service.personal_lists import MOST_ITEMS
from loyalty_kit import wire_fields as wire
from loyalty_kit.checkout_schema import (
    BalanceSchema,
    NamedBalanceSchema,
    OfferSchema,
    TierSchema,
)
from loyalty_kit.events_schema import ExternalIdSchema, about


def _name(description: str) -> wire.Text:
    return wire.Text(allow_none=True, most=wire.MAX_NAME, metadata=about(description))


class MemberWordsSchema(Schema):
    """What may be told of a member."""

    phone = wire.Text(allow_none=True, most=wire.MAX_PHONE, metadata=about("In any usual form."))
    email = wire.Text(
        allow_none=True,
        most=wire.MAX_EMAIL,
        validate=validate.Email(error="Not an e-mail address."),
    )
    card = wire.Text(allow_none=True, metadata=about("Number of a loyalty card."))
    first_name = _name("First name.")
    last_name = _name("Last name.")
    middle_name = _name("Middle name, or patronymic.")
    birth_date = IsoDate(allow_none=True, metadata=about("YYYY-MM-DD."))
    gender = wire.Text(allow_none=True, metadata=about("In the shop's own words."))
    city = _name("Home town.")
    locale = wire.Text(
        allow_none=True,
        validate=validate.OneOf(LOCALES, error=f"Must be one of: {', '.join(LOCALES)}."),
        metadata=about("Language of letters; null: Russian."),
    )
    preferred_channel = wire.Text(
        allow_none=True,
        validate=validate.OneOf(CHANNELS, error=f"Must be one of: {', '.join(CHANNELS)}."),
        metadata=about("By which letters go first; null: by mail."),
    )
    attributes = JsonObject("Anything more, by the shop's own names.")


class NewMemberSchema(MemberWordsSchema):
    external = fields.Nested(
        ExternalIdSchema, allow_none=True, metadata=about("Id in a shop or till system.")
    )
    consents = statements(metadata=about("What the member says yes or no to, one by one."))
    referrer = wire.Text(allow_none=True, metadata=about("Who recommended the shop."))
    source = wire.Text(allow_none=True, metadata=about("Where the member joined."))


class MemberChangesSchema(MemberWordsSchema):
    """Only what is told changes; null takes away, but a card is added to those there are."""

    reward = wire.Text(
        allow_none=True, metadata=about("Code of the form of reward; null: the default.")
    )


class MemberQuerySchema(Schema):
    phone = wire.Text(most=wire.MAX_PHONE)
    email = wire.Text(most=wire.MAX_EMAIL)
    card = wire.Text()

    @validates_schema
    def _asks_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Give phone, email or card.")


class TierHeldSchema(TierSchema):
    until = wire.Moment(
        allow_none=True, metadata=about("When it falls if nothing more is done; null: never.")
    )
    then = fields.Nested(TierSchema, allow_none=True, metadata=about("The tier after that."))
    keep = fields.String(
        allow_none=True,
        metadata=about("What is missing to keep it: roubles, points or pieces."),
    )
    warning = fields.Boolean(metadata=about("Whether the fall is as near as the rules warn of."))


class TierAheadSchema(TierSchema):
    by = fields.String(metadata=about("`spent`, `points`, `purchases` or `actions`."))
    missing = fields.String(metadata=about("What is missing to it: roubles, points or pieces."))


class RewardSchema(Schema):
    """The form of reward that counts from the next receipt on."""

    code = fields.String()
    name = fields.String()
    chosen = fields.Boolean(metadata=about("By the member, not by default."))


class MembershipSchema(Schema):
    """The member is in this club."""

    code = fields.String()
    name = fields.String()
    from_ = wire.Moment(data_key="from")
    until = wire.Moment(allow_none=True, metadata=about("Null: without end."))
    source = fields.String(metadata=about("What began it: `purchase` or `shop`."))


class NewMembershipSchema(Schema):
    club = wire.Text(required=True, metadata=about("Code of a club of the rules."))
    until = wire.Moment(
        load_default=None,
        allow_none=True,
        metadata=about("Null: for as long as the club says, no shorter than what runs."),
    )


class MemberCardSchema(Schema):
    id = fields.String()
    state = fields.String(metadata=about("`active`, `unconfirmed`, `erased`."))
    name = fields.String(allow_none=True)
    first_name = fields.String(allow_none=True)
    last_name = fields.String(allow_none=True)
    middle_name = fields.String(allow_none=True)
    birth_date = fields.Date(allow_none=True)
    gender = fields.String(allow_none=True)
    city = fields.String(allow_none=True)
    locale = fields.String(allow_none=True)
    preferred_channel = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    cards = fields.List(fields.String())
    externals = fields.List(fields.Nested(ExternalIdSchema))
    attributes = JsonObject("Anything more.")
    consents = fields.List(
        fields.Nested(ConsentSchema), metadata=about("What the member said yes or no to last.")
    )
    tier = fields.Nested(TierHeldSchema, allow_none=True)
    next_tier = fields.Nested(TierAheadSchema, allow_none=True)
    reward = fields.Nested(
        RewardSchema, allow_none=True, metadata=about("Null where the rules offer no choice.")
    )
    clubs = fields.List(fields.Nested(MembershipSchema), metadata=about("That the member is in."))
    balance = fields.Nested(BalanceSchema)
    balances = fields.List(fields.Nested(NamedBalanceSchema))
    created_at = wire.Moment()


class MembersSchema(Schema):
    items = fields.List(fields.Nested(MemberCardSchema))


class OwnGoodsSchema(Schema):
    """Goods of one member's own: an article or a category."""

    sku = wire.Text(metadata=about("An article."))
    category = wire.Text(metadata=about("A category, with all below it."))
    until = wire.Moment(load_default=None, allow_none=True, metadata=about("Null: for ever."))

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("sku" in data) == ("category" in data):
            raise ValidationError("Give sku or category.")


class NewListSchema(Schema):
    items = fields.List(
        fields.Nested(OwnGoodsSchema),
        required=True,
        validate=validate.Length(max=MOST_ITEMS, error="Too many entries."),
        metadata=about("All that shall be in the list."),
    )


class OwnListSchema(Schema):
    code = fields.String()
    name = fields.String()
    auto = fields.Boolean(metadata=about("Filled by the hub from purchases."))
    items = fields.List(fields.Nested(OwnGoodsSchema))


class OwnListsSchema(Schema):
    items = fields.List(fields.Nested(OwnListSchema))


class EventPlaceSchema(Schema):
    """An event as a member sees it."""

    code = fields.String()
    name = fields.String()
    starts_at = wire.Moment()
    places = fields.Integer()
    left = fields.Integer(metadata=about("Places that are free."))
    mine = fields.Boolean(metadata=about("One of the places is the member's."))


class OffersSchema(Schema):
    items = fields.List(fields.Nested(OfferSchema))
    events = fields.List(fields.Nested(EventPlaceSchema))


class LedgerQuerySchema(PageQuerySchema):
    currency = wire.Text(metadata=about("Code of one currency of points; left out: all."))


class CurrencyQuerySchema(Schema):
    currency = wire.Text(metadata=about("Code of one currency of points; left out: all."))


class EntrySchema(Schema):
    """One line of the ledger: what it moved, and by how much each figure changed."""

    id = fields.String()
    kind = fields.String(metadata=about("`earn`, `spend`, `hold`, `expire`, ..."))
    currency = fields.String()
    amount = wire.Hundredths(answer=True)
    available = wire.Hundredths(answer=True)
    pending = wire.Hundredths(answer=True)
    held = wire.Hundredths(answer=True)
    debt = wire.Hundredths(answer=True)
    cause = fields.Dict()
    purchase = fields.String(allow_none=True)
    event = fields.String(allow_none=True, metadata=about("What earned it, if no purchase did."))
    occurred_at = wire.Moment()
    booked_at = wire.Moment()


class LedgerSchema(Schema):
    items = fields.List(fields.Nested(EntrySchema))
    next_cursor = fields.String(allow_none=True)


class LotSchema(Schema):
    """What is left of one award."""

    no = fields.Integer()
    currency = fields.String()
    amount = wire.Hundredths(answer=True, metadata=about("As awarded."))
    left = wire.Hundredths(answer=True, metadata=about("With what is held."))
    held = wire.Hundredths(answer=True)
    pending = fields.Boolean(metadata=about("Not spendable yet."))
    spendable_from = wire.Moment()
    expires_at = wire.Moment(allow_none=True)
    purchase = fields.String(allow_none=True)
    event = fields.String(allow_none=True, metadata=about("What earned it, if no purchase did."))


class LotsSchema(Schema):
    items = fields.List(fields.Nested(LotSchema))


class MemberPurchasesSchema(PurchasesSchema):
    next_cursor = fields.String(allow_none=True)


class AdjustmentSchema(Schema):
    amount = SignedHundredths("Points to give, or with a minus to take.", required=True)
    currency = wire.Text(
        load_default=None, allow_none=True, metadata=about("Code; left out: the main currency.")
    )
    reason = wire.Text(required=True, most=wire.MAX_NAME, metadata=about("For the ledger."))


class AdjustedSchema(Schema):
    entry = fields.String(metadata=about("Id of the ledger's line."))
    currency = fields.String()
    balance = fields.Nested(BalanceSchema)


class MergeSchema(Schema):
    from_ = wire.Text(
        data_key="from", required=True, metadata=about("The member that goes up in this one.")
    )


class CardSchema(Schema):
    """The electronic card."""

    number = fields.String(metadata=about("EAN-13, of the programme's own series."))
    issued_at = wire.Moment()
    code = fields.String(metadata=about("What the QR on the member's screen says; for minutes."))
    code_ends_at = wire.Moment()


class CardPictureSchema(Schema):
    of = wire.Text(
        load_default="code",
        validate=validate.OneOf(("code", "number")),
        metadata=about("What the picture says."),
    )
    format = wire.Text(load_default="svg", validate=validate.OneOf(("svg", "png")))


class ReceiptQrSchema(Schema):
    qr = wire.Text(
        required=True, most=LONGEST, metadata=about("The code's text: `t=...&s=...&fn=...`.")
    )


class RegisteredSchema(ReceiptSchema):
    id = fields.String(
        allow_none=True, metadata=about("The purchase; null while it is waited for.")
    )


class ExportSchema(Schema):
    """All that is known of a member, by kind."""


class ErasureSchema(Schema):
    """The act of erasure: what was erased, when and by whom."""
