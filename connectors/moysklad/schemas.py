"""Wire formats of MoySklad: one field class for each unit that it counts in.

Its three protocols count alike things differently: the till (Loyalty API 1.0) tells prices in
roubles and gift cards in kopecks, the JSON API 1.2 tells kopecks as floating numbers.  Fields
that are not used are ignored; those that are used are insisted on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

from loyalty_kit.checker import Load
from loyalty_kit.errors import PayloadInvalid

MAX_SIZE = Decimal(10) ** 12
"""No sum or quantity of a shop's document reaches this, in whole units."""
_NOT_STORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class Number(fields.Field[Decimal]):
    """A JSON number, or the same as a text: exact, as it was written."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise ValidationError("Not a number.")
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            raise ValidationError("Not a number.") from None
        if not number.is_finite() or abs(number) >= MAX_SIZE:
            raise ValidationError("Not a number.")
        return number


class _Counted(Number):
    """A count of smallest units, rounded half up where more digits come than a unit has."""

    per_unit: ClassVar[int]

    @property
    def quick(self) -> str:
        """For the checker: of whole units nothing is rounded."""
        most = int(MAX_SIZE)
        return f"value * {self.per_unit} if type(value) is int and 0 <= value < {most} else None"

    def _deserialize(  # type: ignore[override]  # the same value in whole units
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number < 0:
            raise ValidationError("Must not be negative.")
        return int((number * self.per_unit).to_integral_value(ROUND_HALF_UP))


class Roubles(_Counted):
    """Roubles on the wire, kopecks inside: the till's prices and `cashSum`."""

    per_unit = 100


class Kopecks(_Counted):
    """Kopecks on the wire: all money of the JSON API, and gift cards of the till."""

    per_unit = 1


class UnitPrice(Number):
    """Kopecks on the wire, exact: of prices by the piece MoySklad keeps parts of a kopeck."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number < 0:
            raise ValidationError("Must not be negative.")
        return number


class Points(_Counted):
    """Points on the wire, hundredths inside."""

    per_unit = 100


class Quantity(_Counted):
    """Units on the wire, thousandths inside."""

    per_unit = 1000


class Percent(fields.Field[Decimal | None]):
    """A rate from 0 to 100; what is none counts as "not said"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return Decimal(str(value)) if 0 <= value <= 100 else None


class Words(fields.Field[str | None]):
    """A text without control characters; "", null and other types count as "not said"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        return _NOT_STORABLE.sub(" ", str(value)).strip() or None


class LocalTime(fields.Field[datetime]):
    """`2026-03-14 18:42:00[.000]`, with no zone: which one is the reader's business."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or not 1970 <= moment.year < 2200:
            raise ValidationError("Not a time.")
        return moment


class Ref(fields.Field[str | None]):
    """The id of a reference, in whichever form it came; None for one that names nothing.

    `{"meta": {"href", "id"}}` is usual, returns at the till have a flat `{"href", "id"}`, and
    expanded references the object's own `id`; ids may be left out, or be "".
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if not isinstance(value, dict):
            raise ValidationError("Not a reference.")
        return ref_id(value)


class Name(Words):
    """Words that must say something."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        told = super()._deserialize(value, attr, data, **kwargs)
        if told is None:
            raise ValidationError("Required.")
        return told


class Uuid(fields.Field[str]):
    """An id of MoySklad's own."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        found = uuid_of(value)
        if found is None:
            raise ValidationError("Not an id.")
        return found


def ref_id(value: Mapping[str, Any]) -> str | None:
    meta = value.get("meta")
    for one in (value, meta if isinstance(meta, dict) else {}):
        if (found := uuid_of(one.get("id"))) is not None:
            return found
        href = one.get("href")
        if isinstance(href, str) and (found := uuid_of(href.partition("?")[0])) is not None:
            return found
    return None


def uuid_of(text: object) -> str | None:
    """The id at the end of a text, in lower case."""
    if not isinstance(text, str):
        return None
    last = text.rstrip("/").rpartition("/")[2]
    return last.lower() if _UUID.fullmatch(last) else None


class Wire(Schema):
    class Meta:
        unknown = EXCLUDE


def words(data_key: str | None = None) -> Words:
    return Words(data_key=data_key, load_default=None, allow_none=True)


def ref(data_key: str | None = None) -> Ref:
    return Ref(data_key=data_key, load_default=None, allow_none=True)


class Agent(Wire):
    """A buyer, of whichever protocol."""

    id = words()
    name = words()
    card = words("discountCardNumber")
    phone = words()
    email = words()
    first_name = words("legalFirstName")
    middle_name = words("legalMiddleName")
    last_name = words("legalLastName")
    birth_date = words("birthDate")
    sex = words()

    @pre_load
    def _find_id(self, data: Any, **_: Any) -> Any:
        """The id stands in `meta`, in `meta.href`, or flat."""
        return {**data, "id": ref_id(data)} if isinstance(data, dict) else data


class Counterparty(Agent):
    """A record of the list, which has suppliers and firms as well."""

    id = Uuid(required=True)  # type: ignore[assignment]  # insisted on here
    name = Name(required=True)
    kind = words("companyType")
    archived = fields.Boolean(load_default=False)


def agent() -> fields.Nested:
    return fields.Nested(Agent, load_default=None, allow_none=True)


# The JSON API


class Position(Wire):
    assortment = Ref(required=True)
    quantity = Quantity(required=True)
    price = UnitPrice(required=True)
    discount = Number(load_default=Decimal(0), allow_none=True)
    vat = Percent(load_default=None, allow_none=True)
    vat_enabled = fields.Boolean(data_key="vatEnabled", load_default=True, allow_none=True)


class Rate(Wire):
    value = Number(load_default=None, allow_none=True)


class Cheque(Wire):
    fn = words("fnNumber")
    fd = words("fiscalDocNumber")
    fp = words("fiscalDocSign")


class State(Wire):
    name = words()


class GiftCard(Wire):
    """A certificate that paid, by its number; kopecks in either protocol."""

    name = words()
    paid = Kopecks(data_key="paymentSum", required=True)


class Shipped(Wire):
    """The sale that a return is of; where it is expanded, with the order of a shipment."""

    id = words()
    order = ref("customerOrder")

    @pre_load
    def _find_id(self, data: Any, **_: Any) -> Any:
        return {**data, "id": ref_id(data)} if isinstance(data, dict) else data


class Document(Wire):
    """A sale, an order or a return of either kind."""

    id = Uuid(required=True)
    moment = LocalTime(required=True)
    applicable = fields.Boolean(load_default=True)
    deleted = words()
    vat_enabled = fields.Boolean(data_key="vatEnabled", load_default=True, allow_none=True)
    vat_included = fields.Boolean(data_key="vatIncluded", load_default=True, allow_none=True)
    sum = Kopecks(load_default=None, allow_none=True)
    paid_sum = Kopecks(data_key="payedSum", load_default=None, allow_none=True)
    rate = fields.Nested(Rate, load_default=None, allow_none=True)
    agent = agent()
    store = ref("retailStore")
    demand = fields.Nested(Shipped, load_default=None, allow_none=True)
    order = ref("customerOrder")
    cards = fields.List(
        fields.Nested(GiftCard), data_key="giftCards", load_default=list, allow_none=True
    )
    cheque = fields.Nested(Cheque, load_default=None, allow_none=True)
    state = fields.Nested(State, load_default=None, allow_none=True)


class Read(Wire):
    """What `fetch.read` brings: the document, and all its positions; of an order also the retail
    sales that have named it."""

    document = fields.Nested(Document, required=True)
    positions = fields.List(fields.Nested(Position), required=True)
    sales = fields.List(fields.Nested(Document), load_default=list)


class Event(Wire):
    """One event of a webhook's call: a reference, and what happened to it."""

    meta = fields.Dict(required=True)
    action = words()


class Notification(Wire):
    events = fields.List(fields.Nested(Event), required=True)


class Price(Wire):
    value = Kopecks(load_default=None, allow_none=True)


class Card(Wire):
    """What an article has of its own, or of the product that it varies."""

    folder = ref("productFolder")
    no_discount = fields.Boolean(data_key="discountProhibited", load_default=False)
    tracking = words("trackingType")


class Goods(Card):
    """A product, service, bundle or variant."""

    id = Uuid(required=True)
    name = Name(required=True)
    code = words()
    article = words()
    archived = fields.Boolean(load_default=False)
    product = fields.Nested(Card, load_default=None, allow_none=True)
    prices = fields.List(fields.Nested(Price), data_key="salePrices", load_default=list)
    least = fields.Nested(Price, data_key="minPrice", load_default=None, allow_none=True)


class Folder(Wire):
    id = Uuid(required=True)
    name = Name(required=True)
    parent = ref("productFolder")


class RetailPoint(Wire):
    id = Uuid(required=True)
    store = ref("store")


class Left(Wire):
    """A row of the short report of stock: what a store has of an article; less than nothing,
    where more was sold than had come in."""

    article = Uuid(data_key="assortmentId", required=True)
    store = Uuid(data_key="storeId", load_default=None, allow_none=True)
    units = Number(data_key="stock", load_default=Decimal(0))


# The till


class NativeRef(Ref):
    """None also for an id of the till's own (`idType` sync): no document and no card has it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        found = super()._deserialize(value, attr, data, **kwargs)
        meta = value.get("meta")
        return None if isinstance(meta, dict) and meta.get("idType") == "sync" else found


class TillPosition(Wire):
    quantity = Quantity(required=True)
    price = Roubles(required=True)


class AskedPosition(TillPosition):
    assortment = NativeRef(required=True)


class SoldPosition(TillPosition):
    assortment = Ref(required=True)
    discounted = Roubles(data_key="discountedPrice", required=True)


class Bonus(Wire):
    kind = words("transactionType")
    spent = Points(data_key="bonusValueToSpend", load_default=None, allow_none=True)


class Recalc(Wire):
    store = ref("retailStore")
    agent = agent()
    positions = fields.List(fields.Nested(AskedPosition), load_default=list, allow_none=True)
    bonus = fields.Nested(Bonus, data_key="bonusProgram", load_default=None, allow_none=True)
    wish = Points(data_key="preferredBonusToSpend", load_default=None, allow_none=True)


class Sold(Wire):
    """`POST /retaildemand` and `POST /retailsalesreturn`."""

    store = ref("retailStore")
    name = words()
    moment = LocalTime(required=True)
    meta = fields.Raw(load_default=None, allow_none=True)
    agent = agent()
    demand = ref()
    positions = fields.List(fields.Nested(SoldPosition), required=True)
    bonus = fields.Nested(Bonus, data_key="bonusProgram", load_default=None, allow_none=True)
    cash = Roubles(data_key="cashSum", load_default=0, allow_none=True)
    cards = fields.List(
        fields.Nested(GiftCard), data_key="giftCards", load_default=list, allow_none=True
    )


class Entered(Agent):
    """`POST /counterparty`, and the like."""

    store = ref("retailStore")
    check = words("statusCheck")


class AskedToSpend(Wire):
    store = ref("retailStore")
    buyer = Uuid(data_key="counterpartyId", required=True)
    phone = words()


def load(read: Load, document: Any) -> dict[str, Any]:
    """Raises: PayloadInvalid, naming fields and never their values."""
    try:
        loaded: dict[str, Any] = read(document)
    except ValidationError as error:
        raise PayloadInvalid(str(error.messages)) from None
    return loaded
