"""The canonical events on the wire and in the queue (`docs/http-contract.md`, Events).

`load_*` take decoded JSON and raise marshmallow's ValidationError and nothing else; `dump_*`
give JSON that loads to an equal event.  The schemas themselves also describe the API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, cast

from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from loyalty_kit import wire_fields as wire
from loyalty_kit.checker import compile_load
from loyalty_kit.events import (
    EVENTS_VERSION,
    CertificateSale,
    CertificateUse,
    Customer,
    Event,
    ExternalId,
    FiscalSign,
    LineKind,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
    RefundLine,
)

DOES_NOT_ADD_UP = "Does not add up: amount - discount - spend must be paid."
REDUCTION_DOES_NOT_ADD_UP = "Does not add up: amount - reduction must be paid."
REDUCTION_WITH_PARTS = "A line has either reduction, or discount and spend."
OTHER_PURCHASE = "Names another purchase than the one it is listed in."
NOT_AN_EVENT = "Not an event of this version."

Source = Mapping[str, Any]


def about(text: str) -> dict[str, Any]:
    return {"description": text}


class ExternalIdSchema(wire.FrozenSchema):
    builds: ClassVar[type] = ExternalId

    system = wire.Text(
        load_default=None,
        allow_none=True,
        metadata=about("Name of the other system; left out: the source that sends it."),
    )
    id = wire.Text(
        required=True, most=wire.MAX_ID, metadata=about("The person's id in that system.")
    )


class MemberKeysSchema(wire.FrozenSchema):
    """Ways to name a member; the first that is known wins, in this order (`ledger.md` 27)."""

    builds: ClassVar[type] = Customer

    id = wire.Text(allow_none=True, metadata=about("The hub's own id of the member."))
    code = wire.Text(allow_none=True, metadata=about("Short-lived code of the member's QR."))
    external = fields.Nested(
        ExternalIdSchema, allow_none=True, metadata=about("Id in a shop or till system.")
    )
    card = wire.Text(allow_none=True, metadata=about("Number of a loyalty card."))
    phone = wire.Text(
        allow_none=True, most=wire.MAX_PHONE, metadata=about("Phone, in any usual way of writing.")
    )
    email = wire.Text(allow_none=True, most=wire.MAX_EMAIL, metadata=about("E-mail address."))
    verified = wire.Flag(
        load_default=False,
        metadata=about("The shop vouches for it: logged in, or code confirmed."),
    )


class CustomerSchema(MemberKeysSchema):
    """Who a receipt says bought."""

    first_name = wire.Text(
        allow_none=True, most=wire.MAX_NAME, metadata=about("First name, for a new member.")
    )
    last_name = wire.Text(
        allow_none=True, most=wire.MAX_NAME, metadata=about("Last name, for a new member.")
    )


class GoodsSchema(wire.FrozenSchema):
    """What lines of baskets and of receipts have in common."""

    id = wire.Text(required=True, metadata=about("Id of the line, unique in its list."))
    kind = fields.Enum(
        LineKind,
        by_value=True,
        load_default=LineKind.GOODS,
        metadata=about("What the line sells; only goods earn, unless the programme says so."),
        error_messages={"unknown": "Must be one of: {choices}."},
    )
    sku = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Article code."))
    name = wire.Text(allow_none=True, most=wire.MAX_NAME, metadata=about("Name of the goods."))
    quantity_milli = wire.Quantity(
        data_key="quantity", required=True, metadata=about("Pieces, kilograms, litres.")
    )
    price_minor = wire.Hundredths(
        data_key="price", allow_none=True, metadata=about("Price of one unit, for information.")
    )
    categories = wire.codes("Codes of categories; left out: from the catalogue.", allow_none=True)
    brand = wire.Text(allow_none=True, metadata=about("Brand; left out: from the catalogue."))
    attributes = wire.codes("Marks such as `new`; left out: from the catalogue.", allow_none=True)
    legal_class = wire.Text(
        data_key="class", allow_none=True, metadata=about("Legal class of goods, as `general`.")
    )


class CertificateSaleSchema(wire.FrozenSchema):
    builds: ClassVar[type] = CertificateSale

    code = wire.Text(required=True, metadata=about("Code of the certificate."))
    nominal_minor = wire.Hundredths(
        data_key="nominal",
        allow_none=True,
        metadata=about(
            "Money that comes onto it; left out: its own nominal, or what the line costs."
        ),
    )


class PurchaseLineSchema(GoodsSchema):
    builds: ClassVar[type] = PurchaseLine

    certificate = fields.Nested(
        CertificateSaleSchema,
        allow_none=True,
        metadata=about("Gift certificate that the line sells or tops up; makes it of that kind."),
    )

    amount_minor = wire.Hundredths(
        data_key="amount",
        required=True,
        metadata=about("Cost after the shop's own discounts, with tax."),
    )
    discount_minor = wire.Hundredths(
        data_key="discount", allow_none=True, metadata=about("The hub's discount; default 0.")
    )
    spend_minor = wire.Hundredths(
        data_key="spend",
        allow_none=True,
        metadata=about("Money paid with points; default 0."),
    )
    reduction_minor = wire.Hundredths(
        data_key="reduction",
        allow_none=True,
        metadata=about("Discount and spend in one sum, where the shop cannot tell them apart."),
    )
    paid_minor = wire.Hundredths(
        data_key="paid", required=True, metadata=about("amount - discount - spend, to the kopeck.")
    )

    @validates_schema
    def _adds_up(self, data: dict[str, Any], **_: Any) -> None:
        reduction = data.get("reduction_minor")
        discount, spend = data.get("discount_minor"), data.get("spend_minor")
        left = data["amount_minor"] - data["paid_minor"]
        if reduction is None:
            if left != (discount or 0) + (spend or 0):
                raise ValidationError(DOES_NOT_ADD_UP, "paid")
        elif discount is not None or spend is not None:
            raise ValidationError(REDUCTION_WITH_PARTS, "reduction")
        elif left != reduction:
            raise ValidationError(REDUCTION_DOES_NOT_ADD_UP, "paid")

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> Any:
        told_apart = data.get("reduction_minor") is None
        for part in ("discount_minor", "spend_minor"):
            if data.get(part) is None:
                data[part] = 0 if told_apart else None
        if data.get("certificate") is not None:
            data["kind"] = LineKind.CERTIFICATE
        return super()._build(data)


class CertificateUseSchema(wire.FrozenSchema):
    builds: ClassVar[type] = CertificateUse

    code = wire.Text(required=True, metadata=about("Code of the certificate."))
    amount_minor = wire.Hundredths(
        data_key="amount", required=True, metadata=about("Money paid with it.")
    )


class PaymentSchema(wire.FrozenSchema):
    builds: ClassVar[type] = Payment

    kind = wire.Text(required=True, metadata=about("`card`, `cash` or the shop's own word."))
    amount_minor = wire.Hundredths(
        data_key="amount", required=True, metadata=about("Money paid in this way.")
    )


class FiscalSignSchema(wire.FrozenSchema):
    """Names one fiscal receipt."""

    builds: ClassVar[type] = FiscalSign

    fn = wire.Text(required=True, metadata=about("Number of the fiscal drive."))
    fd = wire.Text(required=True, metadata=about("Number of the fiscal document."))
    fp = wire.Text(required=True, metadata=about("Fiscal sign of the document."))


class RefundLineSchema(wire.FrozenSchema):
    builds: ClassVar[type] = RefundLine

    id = wire.Text(allow_none=True, load_default=None, metadata=about("Line of the purchase."))
    sku = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Article code."))
    quantity_milli = wire.Quantity(
        data_key="quantity",
        allow_none=True,
        metadata=about("Returned quantity; 0 or left out: by money alone."),
    )
    paid_back_minor = wire.Hundredths(
        data_key="paid_back", required=True, metadata=about("Money back for this line.")
    )


class _EventSchema(wire.FrozenSchema):
    """What purchases and refunds have in common."""

    external_id = wire.Text(
        required=True, most=wire.MAX_ID, metadata=about("Id at the source; same id, same event.")
    )
    revision = wire.Whole(
        least=1,
        most=wire.MAX_WHOLE,
        load_default=1,
        metadata=about("Grows with every change; lower ones are superseded."),
    )
    occurred_at = wire.Moment(required=True, metadata=about("When it happened, with an offset."))
    currency = wire.currency()
    order = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Number of the order."))
    shop = wire.Text(
        allow_none=True, metadata=about("Code of the shop; left out: the key's or installation's.")
    )
    customer = fields.Nested(CustomerSchema, allow_none=True, metadata=about("Who bought."))


class RefundSchema(_EventSchema):
    """Goods or money went back (`ledger.md` 21)."""

    builds: ClassVar[type] = Refund

    purchase = wire.Text(
        allow_none=True, most=wire.MAX_ID, metadata=about("`external_id` of the purchase.")
    )
    fiscal = fields.Nested(
        FiscalSignSchema, allow_none=True, metadata=about("Fiscal sign of the purchase's receipt.")
    )
    amount_minor = wire.Hundredths(
        data_key="amount", required=True, metadata=about("All money back.")
    )
    lines = fields.List(
        fields.Nested(RefundLineSchema),
        load_default=(),
        validate=wire.at_most(wire.MAX_LINES),
        metadata=about("What came back; may be empty."),
    )
    reason = wire.Text(allow_none=True, most=wire.MAX_NAME, metadata=about("`return`, ..."))


class PurchaseSchema(_EventSchema):
    """A sale as the shop says it stands (`ledger.md` 14, 15, 20)."""

    builds: ClassVar[type] = Purchase

    status = fields.Enum(
        PurchaseStatus,
        by_value=True,
        load_default=PurchaseStatus.PAID,
        metadata=about("`open`: placed, not paid; keeps its hold and books nothing."),
        error_messages={"unknown": "Must be one of: {choices}."},
    )
    cart = wire.Text(allow_none=True, most=wire.MAX_ID, metadata=about("Id of the cart."))
    channel = wire.Text(load_default="pos", metadata=about("`pos`, `online`, ..."))
    lines = fields.List(
        fields.Nested(PurchaseLineSchema),
        required=True,
        validate=wire.at_most(wire.MAX_LINES),
        metadata=about("The receipt's lines."),
    )
    points_spent = wire.Hundredths(
        allow_none=True, metadata=about("Points paid with; left out: see the lines.")
    )
    hold = wire.Text(allow_none=True, metadata=about("Id of the hold that this purchase uses."))
    coupons = wire.codes("Codes that were used.", load_default=())
    certificates = fields.List(
        fields.Nested(CertificateUseSchema),
        load_default=(),
        validate=wire.at_most(wire.MAX_LIST),
        metadata=about("Certificates paid with."),
    )
    payments = fields.List(
        fields.Nested(PaymentSchema),
        load_default=(),
        validate=wire.at_most(wire.MAX_LIST),
        metadata=about("How it was paid."),
    )
    fiscal = fields.List(
        fields.Nested(FiscalSignSchema),
        load_default=(),
        validate=wire.at_most(wire.MAX_LIST),
        metadata=about("Fiscal signs of its receipts."),
    )
    refunds = fields.List(
        fields.Nested(RefundSchema),
        allow_none=True,
        validate=wire.at_most(wire.MAX_LINES),
        metadata=about("All its refunds: missing ones are withdrawn.  Left out: no change."),
    )
    cashier = wire.Text(allow_none=True, most=wire.MAX_NAME, metadata=about("Who sold it."))

    @pre_load
    def _refunds_in_the_same_currency(self, data: Any, **_: Any) -> Any:
        """A listed refund need not repeat the currency of its purchase."""
        if not isinstance(data, Mapping) or not isinstance(data.get("refunds"), list):
            return data
        told = {"currency": data["currency"]} if "currency" in data else {}
        refunds = [
            {**told, **refund} if isinstance(refund, Mapping) else refund
            for refund in data["refunds"]
        ]
        return {**data, "refunds": refunds}

    @validates_schema
    def _lists_hold_together(self, data: dict[str, Any], **_: Any) -> None:
        wire.refuse_twice(data["lines"], "id", "lines", "id")
        refunds = data.get("refunds") or []
        wire.refuse_twice(refunds, "external_id", "refunds", "external_id")
        errors = {
            index: {"purchase": [OTHER_PURCHASE]}
            for index, refund in enumerate(refunds)
            if refund.purchase not in (None, data["external_id"])
        }
        if errors:
            raise ValidationError({"refunds": errors})


_PURCHASE = PurchaseSchema()
_LOAD_PURCHASE = compile_load(_PURCHASE)
_REFUND = RefundSchema()
_LOAD_REFUND = compile_load(_REFUND)


def load_purchase(data: Source) -> Purchase:
    """Raises: ValidationError."""
    return cast(Purchase, _LOAD_PURCHASE(data))


def dump_purchase(purchase: Purchase) -> dict[str, Any]:
    return cast(dict[str, Any], _PURCHASE.dump(purchase))


def load_refund(data: Source) -> Refund:
    """Raises: ValidationError."""
    return cast(Refund, _LOAD_REFUND(data))


def dump_refund(refund: Refund) -> dict[str, Any]:
    return cast(dict[str, Any], _REFUND.dump(refund))


def dump_event(event: Event) -> dict[str, Any]:
    """The queue and file form: the wire form with `type` and `version`."""
    if isinstance(event, Purchase):
        return {"type": "purchase", "version": EVENTS_VERSION, **dump_purchase(event)}
    return {"type": "refund", "version": EVENTS_VERSION, **dump_refund(event)}


def load_event(data: Any) -> Event:
    """What `dump_event` gave; `version` may be left out in hand-written files.

    Raises: ValidationError, also for an unknown type or version.
    """
    body = dict(data) if isinstance(data, Mapping) else {}
    kind, version = body.pop("type", None), body.pop("version", EVENTS_VERSION)
    if version == EVENTS_VERSION and kind == "purchase":
        return load_purchase(body)
    if version == EVENTS_VERSION and kind == "refund":
        return load_refund(body)
    raise ValidationError(NOT_AN_EVENT, "type")


def content_hash(event: Event) -> str:
    """Equal for events that say the same, whatever their revision (`ledger.md` 19).

    One instant written with two offsets is the same content, and so are listed refunds in
    another order.
    """
    content = dump_event(_without_revision(event))
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _without_revision(event: Event) -> Event:
    plain = replace(event, revision=1, occurred_at=wire.in_utc(event.occurred_at))
    if not isinstance(plain, Purchase) or plain.refunds is None:
        return plain
    refunds = sorted(
        (cast(Refund, _without_revision(refund)) for refund in plain.refunds),
        key=lambda refund: refund.external_id,
    )
    return replace(plain, refunds=tuple(refunds))
