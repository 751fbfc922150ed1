"""The wire forms that are the API's own: fields, problems, holds, and answers to events.

Baskets and events as they are sent have theirs in the kit, where connectors use them too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from loyalty_core.domain.event_rules import STATES
from loyalty_core.service.record_happening import Happening
from loyalty_kit import wire_fields as wire
from loyalty_kit.checkout_schema import MemberSchema, QuoteSchema
from loyalty_kit.events_schema import CustomerSchema, about
from loyalty_kit.money import HUNDREDTHS, parse_decimal

MOST_JSON = 32 * 1024
DEEPEST_JSON = 8
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


class JsonObject(fields.Field[dict[str, Any]]):
    """An object of the caller's own making: small, shallow, and fit to be stored."""

    def __init__(self, description: str, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "object", **about(description)}
        super().__init__(**kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        if _depth(value, DEEPEST_JSON) > DEEPEST_JSON:
            raise ValidationError("Nested too deep.")
        try:
            # JSON's reader takes a number beyond all floats for an infinity, which is no JSON.
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise ValidationError("Too large.") from None
        if len(text) > MOST_JSON:
            raise ValidationError("Too large.")
        if _BAD_CHARACTER.search(text) or "\\u0000" in text:
            raise ValidationError(wire.BAD_CHARACTER)
        return value


def _depth(value: Any, enough: int) -> int:
    """Levels of nesting; counting stops beyond `enough`."""
    if not isinstance(value, dict | list) or enough < 0:
        return 0
    below = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(part, enough - 1) for part in below), default=0)


class SignedHundredths(wire.Hundredths):
    """Points that may be taken away as well as given, but not none."""

    def __init__(self, description: str, **kwargs: Any) -> None:
        metadata = {"type": ["string", "number"], **about(description)}
        super().__init__(answer=True, metadata=metadata, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        try:
            count = parse_decimal(value, HUNDREDTHS)
        except ValueError:
            raise ValidationError("Not a decimal with at most 2 digits after the point.") from None
        if count == 0:
            raise ValidationError("Must not be zero.")
        return count


class IsoDate(fields.Date):
    """A day as text, YYYY-MM-DD, once it is known that there is such a day."""

    def _deserialize(  # type: ignore[override]  # the core keeps days as text
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        return super()._deserialize(value, attr, data, **kwargs).isoformat()


class ProblemSchema(Schema):
    """RFC 9457.  Facts of the problem stand beside these, as the code says."""

    type = fields.String(metadata=about("Where the code is explained."))
    title = fields.String()
    status = fields.Integer()
    code = fields.String(metadata=about("Stable; what to decide on."))
    detail = fields.String(metadata=about("A sentence, by Accept-Language (ru, en)."))
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("Only with 422: path of a field to what is wrong with it."),
    )


class PageQuerySchema(Schema):
    cursor = wire.Text(most=wire.MAX_ID, metadata=about("`next_cursor` of the page before."))
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200, error="Must be from 1 to 200."),
        metadata=about("Entries of a page."),
    )


# --- checkout and events --------------------------------------------------------------------


class HoldSchema(Schema):
    id = fields.String()
    expires_at = wire.Moment()
    state = fields.String(validate=validate.OneOf(["live", "captured", "released"]))
    cart = fields.String(allow_none=True)
    order = fields.String(allow_none=True)
    points = wire.Hundredths(answer=True, metadata=about("Points set aside."))
    quote = fields.Nested(QuoteSchema)


class HoldOrderSchema(Schema):
    order = wire.Text(required=True, most=wire.MAX_ID, metadata=about("Number of the order."))


class AskCodeSchema(Schema):
    member = fields.Nested(
        MemberSchema,
        attribute="customer",
        required=True,
        metadata=about("Whom the code is for; to join, the address that it goes to."),
    )
    purpose = fields.String(
        required=True,
        validate=validate.OneOf(["spend", "join"], error="Must be spend or join."),
    )
    cart = wire.Text(
        allow_none=True,
        most=wire.MAX_ID,
        metadata=about("Needed to spend: the code is good for a hold of this cart alone."),
    )
    shop = wire.Text(allow_none=True, metadata=about("The key's own shop, if left out."))
    locale = fields.String(
        load_default="ru",
        validate=validate.OneOf(["ru", "en"], error="Must be ru or en."),
        metadata=about("Language of the message."),
    )


class AskedCodeSchema(Schema):
    id = fields.String()
    channel = fields.String(metadata=about("sms or email."))
    retry_after_s = fields.Integer(metadata=about("Another code is sent not before."))


class CheckCodeSchema(Schema):
    code = wire.Text(required=True, metadata=about("What the buyer typed."))


class CheckedCodeSchema(Schema):
    id = fields.String()
    purpose = fields.String()
    member = fields.String(allow_none=True)


class MovedPointsSchema(Schema):
    """What the event moved by now, in points of the main currency."""

    earned = wire.Hundredths(answer=True)
    spent = wire.Hundredths(answer=True)
    clawed_back = wire.Hundredths(answer=True)
    given_back = wire.Hundredths(answer=True)


class MovedCertificatesSchema(Schema):
    """What the event moved of gift certificates, in money."""

    paid = wire.Hundredths(answer=True)
    given_back = wire.Hundredths(answer=True)
    loaded = wire.Hundredths(answer=True, metadata=about("Sold or topped up."))
    taken_back = wire.Hundredths(answer=True, metadata=about("Of a sale that was returned."))


class ReceiptSchema(Schema):
    id = fields.String()
    status = fields.String(metadata=about("`booked`, `superseded`, `waiting`, `open`, ..."))
    member = fields.String(allow_none=True, metadata=about("The member that it was booked for."))
    points = fields.Nested(MovedPointsSchema)
    certificates = fields.Nested(MovedCertificatesSchema)
    flags = fields.List(fields.String(), metadata=about("What does not fit, for the owner."))


class PurchaseQuerySchema(Schema):
    external_id = wire.Text(most=wire.MAX_ID, metadata=about("Id at its source."))
    order = wire.Text(most=wire.MAX_ID, metadata=about("Number of the order."))

    @validates_schema
    def _asks_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Give external_id or order.")


class PaidWithSchema(Schema):
    code = fields.String(metadata=about("The end of its code."))
    amount = wire.Hundredths(answer=True, metadata=about("Before anything came back."))


class PurchaseTotalsSchema(Schema):
    amount = wire.Hundredths(answer=True)
    discount = wire.Hundredths(answer=True)
    spend = wire.Hundredths(answer=True)
    paid = wire.Hundredths(answer=True)


class BookedLineSchema(PurchaseTotalsSchema):
    id = fields.String()
    kind = fields.String()
    sku = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    quantity = wire.Quantity(answer=True)
    earned = wire.Hundredths(answer=True, metadata=about("Points."))
    returned_quantity = wire.Quantity(answer=True)
    returned = wire.Hundredths(answer=True, metadata=about("Money given back."))


class PurchaseViewSchema(Schema):
    """A purchase as it stands: what was sent, what it moved, and what came back."""

    id = fields.String()
    external_id = fields.String()
    source = fields.String()
    revision = fields.Integer()
    status = fields.String()
    order = fields.String(allow_none=True)
    channel = fields.String()
    currency = fields.String()
    occurred_at = wire.Moment()
    member = fields.String(allow_none=True)
    totals = fields.Nested(PurchaseTotalsSchema)
    points = fields.Nested(MovedPointsSchema)
    lines = fields.List(fields.Nested(BookedLineSchema))
    certificates = fields.List(
        fields.Nested(PaidWithSchema), metadata=about("Gift certificates that it was paid with.")
    )
    coupons_issued = fields.List(
        fields.String(), metadata=about("Codes that came of it, for the next purchase.")
    )
    flags = fields.List(fields.String(), metadata=about("What does not fit, for the owner."))


class PurchasesSchema(Schema):
    items = fields.List(fields.Nested(PurchaseViewSchema))


class HappeningSchema(wire.FrozenSchema):
    """What is not a purchase: a review, a registration, a visit, ..."""

    builds: ClassVar[type] = Happening

    kind = wire.Text(
        required=True,
        validate=validate.Regexp(
            r"^[a-z][a-z0-9_.-]{0,63}$", error="Must be small letters, digits and _ . - only."
        ),
        metadata=about("`review`, `registration`, `survey`, `visit`, `cart`, `view`, own kinds."),
    )
    external_id = wire.Text(required=True, most=wire.MAX_ID, metadata=about("Id at the source."))
    occurred_at = wire.Moment(required=True, metadata=about("When it happened, with an offset."))
    member = fields.Nested(
        CustomerSchema, load_default=None, allow_none=True, metadata=about("Who did it.")
    )
    data = JsonObject("Anything more about it.", load_default=dict)
    state = wire.Text(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(STATES),
        metadata=about(
            "Where it stands with whoever moderates it; left out: nobody does. A `review` earns "
            "once it is `approved`."
        ),
    )
    product = wire.Text(
        load_default=None,
        allow_none=True,
        most=wire.MAX_ID,
        metadata=about("Article code of what a review is about."),
    )
    revision = wire.Whole(
        least=1,
        most=wire.MAX_WHOLE,
        load_default=1,
        metadata=about("Grows with every change; lower ones are superseded."),
    )
