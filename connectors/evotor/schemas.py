"""Wire formats of Evotor: documents (v2, and v1 made to look like it), receipts, the cloud's lists.

Money is roubles with at most two digits, as JSON numbers or texts.  Elements of lists come flat
or wrapped in an object of their kind, fields may be missing or null, and ids are texts of any
form.  Fields that are not used are ignored; those that are used are insisted on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

from connectors.evotor.units import Quantity, Roubles
from loyalty_kit.checker import Load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.json_text import refuse_deep

MAX_ID = 200
MAX_OFFSET_MS = 14 * 3600 * 1000
A_MINUTE_MS = 60_000
_NOT_STORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
_ID = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,199}", re.ASCII)


class Words(fields.Field[str | None]):
    """A text without control characters; "", null and other types count as "not said"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        return _NOT_STORABLE.sub(" ", str(value)).strip() or None


class Ident(Words):
    """The id of something: not said where it is longer than any that can be kept."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        told = super()._deserialize(value, attr, data, **kwargs)
        return told if told is not None and len(told) <= MAX_ID else None


class Name(Words):
    """A text that must say something, and may stand in an address: an id of a document."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        found = id_of(value)
        if found is None:
            raise ValidationError("Not an id.")
        return found


class Moment(fields.Field[datetime]):
    """`2026-03-14T15:42:27.000+0000`, or with `Z`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        moment = moment_of(value)
        if moment is None:
            raise ValidationError("Not a time with a zone.")
        return moment


def id_of(value: object) -> str | None:
    """An id that is good for an address; case is kept, since device ids depend on it."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def moment_of(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None or moment.utcoffset() is None or not 1970 <= moment.year < 2200:
        return None
    return moment


def of_millis(value: object) -> datetime | None:
    """Unix milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 7_000_000_000_000:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


def in_zone(moment: datetime, offset_ms: object) -> datetime:
    """The same moment by the till's clock, where its offset is told."""
    if isinstance(offset_ms, bool) or not isinstance(offset_ms, int):
        return moment
    if abs(offset_ms) > MAX_OFFSET_MS or offset_ms % A_MINUTE_MS:
        return moment
    return moment.astimezone(timezone(timedelta(milliseconds=offset_ms)))


def unwrapped(element: Any, kind: str) -> Any:
    """`{"position": {...}}` as its inside; what is flat as it is."""
    inside = element.get(kind) if isinstance(element, Mapping) else None
    return inside if isinstance(inside, Mapping) else element


def opened(value: Any) -> Any:
    """What a text of JSON says; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        refuse_deep(value.encode("utf-8", "surrogatepass"))
        return json.loads(value)
    except ValueError:
        return value


class Wire(Schema):
    class Meta:
        unknown = EXCLUDE


def words(data_key: str | None = None) -> Words:
    return Words(data_key=data_key, load_default=None, allow_none=True)


def ident(data_key: str | None = None) -> Ident:
    return Ident(data_key=data_key, load_default=None, allow_none=True)


def roubles(data_key: str | None = None, *, required: bool = False) -> Roubles:
    if required:
        return Roubles(data_key=data_key, required=True)
    return Roubles(data_key=data_key, load_default=None, allow_none=True)


def rows(schema: type[Wire]) -> fields.List[Any]:
    """A list that may be missing or null."""
    return fields.List(fields.Nested(schema), load_default=None, allow_none=True)


class Element(Wire):
    """An element of a list that may come in a wrapper called `wrapper`."""

    wrapper: ClassVar[str]

    @pre_load
    def _unwrap(self, data: Any, **_: Any) -> Any:
        return unwrapped(data, self.wrapper)


# A document


class Discount(Wire):
    sum = roubles("discount_sum")
    coupon = words()


class DocDiscount(Element):
    wrapper = "doc_discount"

    sum = roubles("discount_sum")
    coupon = words()


class ExtraKey(Element):
    wrapper = "extra_key"

    identity = words()
    app_id = words()


class Position(Element):
    wrapper = "position"

    uuid = ident()
    product_id = ident()
    name = words("product_name")
    type = words("product_type")
    quantity = Quantity(required=True)
    price = roubles()
    sum = roubles()
    result_sum = roubles(required=True)
    own = fields.Nested(Discount, data_key="position_discount", load_default=None, allow_none=True)
    shared = fields.Nested(
        Discount, data_key="doc_distributed_discount", load_default=None, allow_none=True
    )
    extra_keys = rows(ExtraKey)


class PaymentPart(Wire):
    sum = roubles("part_sum")
    change = roubles()


class Payment(Element):
    wrapper = "payment"

    type = words()
    sum = roubles()
    parts = rows(PaymentPart)


class PrintResult(Element):
    wrapper = "pos_print_result"

    fn = words("fn_serial_number")
    fd = words("fiscal_document_number")
    fp = words("fiscal_sign_doc_number")


class Body(Wire):
    positions = fields.List(fields.Nested(Position), required=True)
    doc_discounts = rows(DocDiscount)
    payments = rows(Payment)
    printed = fields.List(
        fields.Nested(PrintResult), data_key="pos_print_results", load_default=None, allow_none=True
    )
    result_sum = roubles()
    email = words("customer_email")
    phone = words("customer_phone")
    base = ident("base_document_id")


class Document(Wire):
    """A sale or a return."""

    id = Name(required=True)
    type = words()
    closed_at = Moment(data_key="close_date", required=True)
    offset = fields.Raw(data_key="time_zone_offset", load_default=None, allow_none=True)
    store = ident("store_id")
    cashier = ident("close_user_id")
    merchant = words("user_id")
    extras = fields.Raw(load_default=None, allow_none=True)
    body = fields.Nested(Body, required=True)


class Heading(Wire):
    """What a webhook must say of a document for it to be read: v2's names, or v1's."""

    id = Name(required=True)
    store = Name(required=True)
    type = words()
    merchant = words()

    @pre_load
    def _by_either_name(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {
            "id": data.get("id") or data.get("uuid"),
            "store": data.get("store_id") or data.get("storeUuid") or data.get("storeId"),
            "type": data.get("type"),
            "merchant": data.get("user_id") or data.get("userId"),
        }


# ReceiptCreated


class Item(Wire):
    id = ident()
    name = words()
    type = words("itemType")
    quantity = Quantity(required=True)
    price = roubles()
    sum = roubles("sumPrice", required=True)
    discount = roubles()


class Receipt(Wire):
    id = Name(required=True)
    type = words()
    store = Name(data_key="storeId", required=True)
    cashier = ident("employeeId")
    closed_at = Moment(data_key="dateTime", required=True)
    source = words("paymentSource")
    informs = fields.Raw(data_key="infoCheck", load_default=None, allow_none=True)
    items = fields.List(fields.Nested(Item), required=True)
    total = roubles("totalAmount", required=True)
    extras = fields.Raw(load_default=None, allow_none=True)


class Notice(Wire):
    """The envelope of `ReceiptCreated`."""

    type = words()
    merchant = words("userId")
    data = fields.Dict(required=True)


# Goods


class Product(Wire):
    """The cloud's names, and v1's, which webhooks still have."""

    id = Name(required=True)
    parent = ident("parent_id")
    name = words()
    code = words()
    article = words("article_number")
    price = roubles()
    type = words()
    is_group = fields.Raw(data_key="group", load_default=None, allow_none=True)

    @pre_load
    def _by_either_name(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("id") is not None:
            return data
        return {
            **data,
            "id": data.get("uuid"),
            "parent_id": data.get("parent_id", data.get("parentUuid")),
            "article_number": data.get("article_number", data.get("articleNumber")),
        }


class Group(Wire):
    id = Name(required=True)
    parent = ident("parent_id")
    name = words()


class Store(Wire):
    id = Name(required=True)
    name = words()

    @pre_load
    def _by_either_name(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("id") is not None:
            return data
        return {**data, "id": data.get("uuid")}


class Device(Wire):
    """A terminal; what else the cloud tells of it (its number, its place) is passed over."""

    id = Name(required=True)
    name = words()
    store = ident("store_id")


class Employee(Wire):
    """Whoever works at the terminals; the phone is passed over."""

    id = Name(required=True)
    name = words()
    last_name = words()
    role = words()


class DocumentRow(Wire):
    """A document in a list: which one, of which terminal, and when it came to the cloud."""

    id = Name(required=True)
    type = words()
    device = ident("device_id")
    created_at = fields.Raw(load_default=None, allow_none=True)


def load(check: Load, document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, which names fields and never values."""
    try:
        told: dict[str, Any] = check(document)
    except ValidationError as error:
        raise PayloadInvalid(f"not as Evotor writes it: {error.messages}"[:500]) from None
    return told
