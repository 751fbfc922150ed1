"""The settings form, and the wire formats of WooCommerce's REST v3 as seen on 10.5.2 (2026-11-22).

Fields that we do not use are ignored; those that we do are insisted on.  Money comes as a
string with the shop's number of decimals, so it loads as an exact Decimal and is rounded only
after tax has been added.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from loyalty_kit import settings
from loyalty_kit.settings import Choice, SettingsSchema


class Settings(SettingsSchema):
    base_url = settings.url(
        {"ru": "Адрес магазина", "en": "Address of the shop"},
        help={
            "ru": "Как на главной странице, с папкой, если магазин в папке: https://shop.example",
            "en": "As on its front page, with the folder if it is in one: https://shop.example",
        },
    )
    consumer_key = settings.secret(
        {"ru": "Ключ REST API (ck_…)", "en": "REST API key (ck_…)"},
        help={
            "ru": "WooCommerce > Настройки > Дополнительно > REST API, права на чтение",
            "en": "WooCommerce > Settings > Advanced > REST API, permission to read",
        },
    )
    consumer_secret = settings.secret(
        {"ru": "Секрет REST API (cs_…)", "en": "REST API secret (cs_…)"},
        help={"ru": "Показывается один раз, вместе с ключом", "en": "Shown once, with the key"},
    )
    webhook_secret = settings.secret(
        {"ru": "Секрет вебхуков", "en": "Secret of the webhooks"},
        help={
            "ru": "Один для всех вебхуков магазина; только латинские буквы и цифры",
            "en": "One for all webhooks of the shop; letters and digits only",
        },
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    earning_statuses = settings.several(
        {"ru": "Статусы, в которых покупка засчитана", "en": "Statuses in which a purchase counts"},
        (
            Choice("processing", {"ru": "Обработка", "en": "Processing"}),
            Choice("completed", {"ru": "Выполнен", "en": "Completed"}),
        ),
        help={
            "ru": "«Выполнен» засчитывается всегда. Без «Обработки» баллы придут по выполнении.",
            "en": "Completed always counts. Without Processing points come on completion.",
        },
        default=("processing", "completed"),
    )
    more_earning_statuses = settings.text(
        {"ru": "Другие такие статусы", "en": "Other such statuses"},
        help={
            "ru": "Статусы от плагинов, через запятую; прочие незнакомые ничего не меняют",
            "en": "Statuses of plugins, by comma; others that are unknown change nothing",
        },
        default="",
    )
    on_delivery_methods = settings.text(
        {"ru": "Способы оплаты при получении", "en": "Methods paid on delivery"},
        help={
            "ru": "Коды через запятую. Такие покупки датируются днём заказа.",
            "en": "Codes by comma. Such purchases are dated by the day of the order.",
        },
        default="cod",
    )
    deleted_cancels = settings.boolean(
        {"ru": "Удалённый заказ отменён", "en": "A deleted order is cancelled"},
        help={
            "ru": "Снимите, если старые заказы убирают в корзину для порядка",
            "en": "Untick if old orders are trashed to tidy up",
        },
        default=True,
    )
    customers = settings.boolean(
        {"ru": "Дополнять участников из учётных записей", "en": "Fill in members by accounts"},
        help={
            "ru": "Имя и фамилия учётной записи дополнят участника, если у него они пусты. Новых "
            "участников учётные записи не заводят: их заводят заказы.",
            "en": "First and last name of an account are filled in where the member has none. "
            "Accounts enrol nobody: orders do.",
        },
    )
    coupons = settings.boolean(
        {
            "ru": "Создавать купоны программы в магазине",
            "en": "Make coupons of the programme in the shop",
        },
        help={
            "ru": "Для магазина без нашего плагина: купоны хаба становятся купонами WooCommerce. "
            "Ключу нужно право на запись.",
            "en": "For a shop without our plugin: coupons of the hub become coupons of "
            "WooCommerce. The key needs the right to write.",
        },
    )
    backfill_days = settings.integer(
        {"ru": "При подключении забрать заказы за дней", "en": "Days of orders to take at first"},
        least=0,
        most=365,
        help={
            "ru": "Заказы, изменённые за столько дней до подключения; 0 — только новые",
            "en": "Orders changed in so many days before connecting; 0: new ones only",
        },
        default=1,
    )


MAX_SIZE = Decimal(10) ** 12
"""No sum or quantity of a shop's order reaches this."""
NOT_STORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


class Exact(fields.Field[Decimal]):
    """A decimal, written as a string or as a JSON number; "" counts as 0."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise ValidationError("Not a decimal.")
        try:
            number = Decimal(str(value).strip() or "0")
        except InvalidOperation:
            raise ValidationError("Not a decimal.") from None
        if not number.is_finite() or abs(number) >= MAX_SIZE:
            raise ValidationError("Not a decimal.")
        return number


class Number(fields.Field[int]):
    """An id: an integer, or its digits in a string; "" counts as 0."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if value == "":
            return 0
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
            raise ValidationError("Not an id.")
        return int(text)


class Words(fields.Field[str | None]):
    """A text without control characters; "", null and lists count as "not said"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        return NOT_STORABLE.sub(" ", str(value)).strip() or None


class GmtTime(fields.Field[datetime]):
    """A `date_*_gmt`: UTC without a suffix."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or not 1970 <= moment.year < 2200:
            raise ValidationError("Not a UTC time.")
        return moment.replace(tzinfo=UTC)


class Wire(Schema):
    class Meta:
        unknown = EXCLUDE


class Meta(Wire):
    """One `meta_data` entry; its value may be of any type."""

    key = fields.Raw(load_default=None, allow_none=True)
    value = fields.Raw(load_default=None, allow_none=True)


def meta_data() -> fields.List[Any]:
    return fields.List(fields.Nested(Meta), load_default=list)


class Line(Wire):
    """Money of an order's line, ex tax; in a refund all of it is negative."""

    id = Number(required=True)
    total = Exact(required=True)
    total_tax = Exact(load_default=Decimal(0))
    meta_data = meta_data()


class ShippingLine(Line):
    name = Words(data_key="method_title", load_default=None, allow_none=True)


class FeeLine(Line):
    name = Words(load_default=None, allow_none=True)


class LineItem(Line):
    name = Words(load_default=None, allow_none=True)
    product_id = Number(load_default=0, allow_none=True)
    variation_id = Number(load_default=0, allow_none=True)
    quantity = Exact(required=True)
    subtotal = Exact(load_default=None, allow_none=True)
    subtotal_tax = Exact(load_default=Decimal(0))
    sku = Words(load_default=None, allow_none=True)


class CouponLine(Wire):
    code = Words(required=True)
    discount = Exact(load_default=Decimal(0))
    discount_tax = Exact(load_default=Decimal(0))


class Billing(Wire):
    first_name = Words(load_default=None, allow_none=True)
    last_name = Words(load_default=None, allow_none=True)
    phone = Words(load_default=None, allow_none=True)
    email = Words(load_default=None, allow_none=True)


class Account(Wire):
    """A customer of the shop; what was last typed at a checkout stands in `billing`."""

    id = Number(required=True)
    first_name = Words(load_default=None, allow_none=True)
    last_name = Words(load_default=None, allow_none=True)
    email = Words(load_default=None, allow_none=True)
    billing = fields.Nested(Billing, load_default=dict)


CURRENCY = validate.Regexp(r"[A-Z]{3}\Z")


class Order(Wire):
    id = Number(required=True)
    number = Words(load_default=None, allow_none=True)
    status = fields.String(required=True)
    currency = fields.String(required=True, validate=CURRENCY)
    date_created_gmt = GmtTime(load_default=None, allow_none=True)
    date_paid_gmt = GmtTime(load_default=None, allow_none=True)
    total = Exact(required=True)
    customer_id = Number(load_default=0, allow_none=True)
    payment_method = Words(load_default=None, allow_none=True)
    billing = fields.Nested(Billing, load_default=dict)
    meta_data = meta_data()
    line_items = fields.List(fields.Nested(LineItem), required=True)
    shipping_lines = fields.List(fields.Nested(ShippingLine), load_default=list)
    fee_lines = fields.List(fields.Nested(FeeLine), load_default=list)
    coupon_lines = fields.List(fields.Nested(CouponLine), load_default=list)


class Refund(Wire):
    """`amount` is positive; the lines' quantities and sums are negative."""

    id = Number(required=True)
    date_created_gmt = GmtTime(load_default=None, allow_none=True)
    amount = Exact(required=True)
    reason = Words(load_default=None, allow_none=True)
    line_items = fields.List(fields.Nested(LineItem), load_default=list)
    shipping_lines = fields.List(fields.Nested(ShippingLine), load_default=list)
    fee_lines = fields.List(fields.Nested(FeeLine), load_default=list)


class OrderDocument(Wire):
    """What `fetch.read` brings for an order that is there.  `hub_coupons`: codes of those of its
    coupons that the hub made in the shop."""

    order = fields.Nested(Order, required=True)
    refunds = fields.List(fields.Nested(Refund), required=True)
    hub_coupons = fields.List(fields.String(), load_default=list)


class GoneDocument(Wire):
    """What it brings for an order that was deleted for ever."""

    gone = fields.Boolean(required=True)
    currency = fields.String(load_default=None, allow_none=True, validate=CURRENCY)


class Term(Wire):
    """A category, tag or brand as a product names it."""

    id = Number(required=True)
    name = Words(load_default=None, allow_none=True)
    slug = Words(load_default=None, allow_none=True)


class CategoryRow(Term):
    parent = Number(load_default=0, allow_none=True)


class Attribute(Wire):
    option = Words(load_default=None, allow_none=True)


class Variation(Wire):
    id = Number(required=True)
    sku = Words(load_default=None, allow_none=True)
    price = Words(load_default=None, allow_none=True)
    attributes = fields.List(fields.Nested(Attribute), load_default=list)


class Product(Wire):
    id = Number(required=True)
    name = Words(required=True)
    type = fields.String(load_default="simple")
    status = fields.String(load_default="publish")
    parent_id = Number(load_default=0, allow_none=True)
    sku = Words(load_default=None, allow_none=True)
    price = Words(load_default=None, allow_none=True)
    categories = fields.List(fields.Nested(Term), load_default=list)
    tags = fields.List(fields.Nested(Term), load_default=list)
    brands = fields.List(fields.Nested(Term), load_default=list)
    variations = fields.Raw(load_default=None, allow_none=True)


class ProductDocument(Wire):
    """A product, and the variations of a variable one."""

    product = fields.Nested(Product, required=True)
    variations = fields.List(fields.Nested(Variation), load_default=list)


class DeletedBody(Wire):
    """A `*.deleted` delivery, and the least that every order's delivery holds."""

    id = Number(required=True)


class ActionBody(Wire):
    """A delivery of a custom topic: the hook's name and its first argument."""

    arg = Number(required=True)
