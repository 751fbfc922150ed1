"""The wire forms of the programme: rules, shops and catalogue."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, fields, post_load, validate

from hub.web.api.schemas import JsonObject
from loyalty_core.service.shops import NewShop
from loyalty_core.service.simulate import Question
from loyalty_core.store.catalogue import CategoryRow, ProductRow
from loyalty_kit import wire_fields as wire
from loyalty_kit.events_schema import about

MOST_ITEMS = 500


class ProgrammeSchema(Schema):
    code = fields.String()
    name = fields.String()
    currency = fields.String()
    timezone = fields.String()
    rules_version = fields.Integer()


class ProgrammesSchema(Schema):
    items = fields.List(fields.Nested(ProgrammeSchema))


class RulesSchema(Schema):
    """The document that `/api/v1/rules.schema.json` describes."""

    class Meta:
        unknown = INCLUDE  # for the description: its fields are described there, not here


def _version(said: str, key: str | None = None) -> fields.Integer:
    limits = validate.Range(1, 2**31 - 1, error="Must be from 1 to 2147483647.")
    return fields.Integer(data_key=key, validate=limits, metadata=about(said))


class VersionQuerySchema(Schema):
    version = _version("Left out: the version in force.")


class DiffQuerySchema(Schema):
    was = _version("Left out: the version in force.", "from")
    now = _version("Left out: the newest one, draft or not.", "to")


class ChangeSchema(Schema):
    path = fields.String(metadata=about("Where in the document; items by their id or code."))
    change = fields.String(metadata=about("`added`, `removed` or `changed`."))
    was = fields.String(allow_none=True)
    now = fields.String(allow_none=True)
    text = fields.String(metadata=about("The change in words, in the asked language."))


class DiffSchema(Schema):
    was = fields.Integer(data_key="from")
    now = fields.Integer(data_key="to")
    changes = fields.List(fields.Nested(ChangeSchema))


class TakeBackSchema(Schema):
    version = wire.Whole(
        required=True, least=1, most=2**31 - 1, metadata=about("One that was in force before.")
    )


class QuestionSchema(wire.FrozenSchema):
    builds: ClassVar[type] = Question

    draft = wire.Whole(
        required=True, least=1, most=2**31 - 1, metadata=about("A draft, or any version.")
    )
    first = fields.Date(
        required=True, data_key="from", metadata=about("The first day, in the programme's zone.")
    )
    last = fields.Date(required=True, data_key="to", metadata=about("The last day."))
    against = wire.Whole(
        load_default=None,
        allow_none=True,
        least=1,
        most=2**31 - 1,
        metadata=about("Left out: the version that stood when each receipt was made."),
    )


class SumsSchema(Schema):
    discount = fields.String()
    points_earned = fields.String()
    points_worth = fields.String(metadata=about("Money that the points earned are worth."))
    given = fields.String(metadata=about("Discounts and the worth of points."))
    spend = fields.String(metadata=about("Paid with points."))
    payable = fields.String(metadata=about("Paid with money."))
    margin = fields.String(
        allow_none=True,
        metadata=about("Paid with money for goods whose cost is known, less that cost."),
    )


class PartSchema(Schema):
    receipts = fields.Integer(metadata=about("On which it applied."))
    discount = fields.String()
    points = fields.String()


class PromotionPartsSchema(Schema):
    id = fields.String(metadata=about("`base` is the programme's own earning."))
    name = fields.String()
    was = fields.Nested(PartSchema)
    now = fields.Nested(PartSchema)
    difference = fields.Nested(PartSchema)


class MemberSumSchema(Schema):
    member = fields.String()
    sum = fields.String()


class CrowdSchema(Schema):
    members = fields.Integer(metadata=about("How many."))
    sum = fields.String(metadata=about("How much more (or less) they get, in money."))
    largest = fields.List(
        fields.Nested(MemberSumSchema), metadata=about("The ten whom it touches most.")
    )


class SimulationSchema(Schema):
    draft = fields.Integer()
    against = fields.Integer(allow_none=True)
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    receipts = fields.Integer()
    receipts_of_members = fields.Integer()
    amount = fields.String(metadata=about("Before our discounts."))
    amount_costed = fields.String(metadata=about("The part of goods whose cost is known."))
    was = fields.Nested(SumsSchema, metadata=about("Under the rules that are compared with."))
    now = fields.Nested(SumsSchema, metadata=about("Under the draft."))
    difference = fields.Nested(SumsSchema)
    promotions = fields.List(fields.Nested(PromotionPartsSchema))
    winners = fields.Nested(CrowdSchema)
    losers = fields.Nested(CrowdSchema)


class DraftSchema(Schema):
    draft = wire.Whole(
        required=True, least=1, most=2**31 - 1, metadata=about("Number of the draft.")
    )


class PublishedSchema(Schema):
    version = fields.Integer(metadata=about("The version that is in force now."))


class CheckedSchema(Schema):
    valid = fields.Boolean()
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("Path in the document to what is wrong there."),
    )


class CountSchema(Schema):
    when = fields.Raw(
        required=True,
        metadata={"type": "object", **about("A condition on members, as `when` of a promotion.")},
    )


class CountedSchema(Schema):
    members = fields.Integer(metadata=about("How many meet it."))


class VersionSchema(Schema):
    version = fields.Integer()
    state = fields.String(metadata=about("`draft` or `published`."))
    author = fields.String(metadata=about("Who wrote it."))
    created_at = wire.Moment()
    published_at = wire.Moment(allow_none=True)
    published_by = fields.String(
        allow_none=True, metadata=about("Null also where the author did, before this was kept.")
    )


class VersionsSchema(Schema):
    items = fields.List(fields.Nested(VersionSchema))


class ShopWordsSchema(Schema):
    name = wire.Text(most=wire.MAX_NAME)
    timezone = wire.Text(allow_none=True, metadata=about("Left out: the programme's."))
    vendor = JsonObject("What installations keep about the shop.")


class NewShopSchema(ShopWordsSchema):
    code = wire.Text(required=True, metadata=about("Short name, for events and baskets."))

    @post_load
    def _build(self, data: dict[str, Any], **_: Any) -> NewShop:
        return NewShop(**data)


class ShopChangesSchema(ShopWordsSchema):
    """Only what is told changes."""


class ShopSchema(Schema):
    code = fields.String()
    name = fields.String()
    timezone = fields.String(allow_none=True)
    vendor = fields.Dict()


class ShopsSchema(Schema):
    items = fields.List(fields.Nested(ShopSchema))


class ProductSchema(wire.FrozenSchema):
    """What a product leaves out of price, cost, brand, class, volume, strength and external id
    stays as it is."""

    builds: ClassVar[type] = ProductRow

    sku = wire.Text(required=True, most=wire.MAX_ID, metadata=about("Article code."))
    name = wire.Text(required=True, most=wire.MAX_NAME, metadata=about("Name of the goods."))
    external_id = wire.Text(load_default=None, allow_none=True, most=wire.MAX_ID)
    price_minor = wire.Hundredths(data_key="price", load_default=None, allow_none=True)
    cost_minor = wire.Hundredths(
        data_key="cost",
        load_default=None,
        allow_none=True,
        metadata=about("What one unit costs the shop, for simulations; never told to a till."),
    )
    categories = wire.codes("Codes of its categories.", load_default=())
    brand = wire.Text(load_default=None, allow_none=True)
    attributes = wire.codes("Marks such as `new`.", load_default=())
    legal_class = wire.Text(data_key="class", load_default=None, allow_none=True)
    volume_ml = wire.Whole(
        least=1,
        most=wire.MAX_VOLUME_ML,
        load_default=None,
        allow_none=True,
        metadata=about("Volume of one unit of a drink."),
    )
    strength_bp = wire.Hundredths(
        data_key="strength",
        load_default=None,
        allow_none=True,
        metadata=about("Strength of a drink in percent."),
    )


class CategorySchema(wire.FrozenSchema):
    builds: ClassVar[type] = CategoryRow

    code = wire.Text(required=True)
    name = wire.Text(required=True, most=wire.MAX_NAME)
    parent = wire.Text(
        load_default=None, allow_none=True, metadata=about("Code of the category above.")
    )


class ShopStockSchema(Schema):
    shop = fields.String(metadata=about("Code of the shop."))
    quantity_milli = wire.Quantity(data_key="quantity", metadata=about("Units that it has."))
    counted_at = fields.AwareDateTime(metadata=about("When the shop's system was asked."))


class StockedProductSchema(ProductSchema):
    """`stock`: what shops have of it, where their system tells; told, and never priced by."""

    stock = fields.List(fields.Nested(ShopStockSchema))


class ProductsSchema(Schema):
    items = fields.List(
        fields.Nested(ProductSchema), required=True, validate=wire.at_most(MOST_ITEMS)
    )


class CategoriesSchema(Schema):
    items = fields.List(
        fields.Nested(CategorySchema), required=True, validate=wire.at_most(MOST_ITEMS)
    )


class ProductPageSchema(Schema):
    items = fields.List(fields.Nested(StockedProductSchema))
    next_cursor = fields.String(allow_none=True)


class SavedSchema(Schema):
    saved = fields.Integer(metadata=about("How many different ones."))
