"""The settings form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates

from loyalty_kit import settings
from loyalty_kit.settings import Choice, SettingsSchema

PAYED, DEDUCTED, STATUS = "payed", "deducted", "status"


class Settings(SettingsSchema):
    secret = settings.secret(
        {"ru": "Секрет модуля", "en": "Secret of the module"},
        help={
            "ru": "Придумайте длинное слово из латинских букв и цифр и впишите его же в настройки "
            "модуля: им подписан каждый снимок заказа",
            "en": "Make up a long word of letters and digits, and give it to the module as well: "
            "it signs each snapshot of an order",
        },
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    shops = settings.text(
        {"ru": "Сайты", "en": "Sites"},
        help={
            "ru": "Если сайтов несколько: id сайта=код магазина, через запятую",
            "en": "Where there are several: id of the site=code of the shop, by comma",
        },
        default="",
    )
    paid_when = settings.choice(
        {"ru": "Когда заказ становится покупкой", "en": "When an order becomes a purchase"},
        (
            Choice(PAYED, {"ru": "Оплачен полностью", "en": "It is paid in full"}),
            Choice(DEDUCTED, {"ru": "Отгружен", "en": "It is shipped"}),
            Choice(STATUS, {"ru": "Перешёл в статус", "en": "It reaches a status"}),
        ),
        default=PAYED,
    )
    paid_statuses = settings.text(
        {"ru": "Статусы покупки", "en": "Statuses of a purchase"},
        help={
            "ru": "Коды через запятую; действуют, если выше выбран статус",
            "en": "Codes by comma; they count where a status is chosen above",
        },
        default="F",
    )
    anonymous = settings.text(
        {"ru": "Служебные покупатели", "en": "Technical buyers"},
        help={
            "ru": "Id пользователей через запятую, на которых сайт пишет заказы без регистрации: "
            "покупатель узнаётся по телефону и почте",
            "en": "Ids of users, by comma, to whom the site books orders without registration: "
            "their buyers are known by phone and mail alone",
        },
        default="",
    )
    excluded = settings.text(
        {"ru": "Чьи заказы не считать", "en": "Whose orders do not count"},
        help={
            "ru": "Id пользователей через запятую, например обмена с маркетплейсами",
            "en": "Ids of users, by comma, as those of exchanges with marketplaces",
        },
        default="",
    )

    @validates("shops")
    def _are_pairs(self, value: str, **_: Any) -> None:
        for part in filter(str.strip, value.split(",")):
            site, equals, shop = part.partition("=")
            if not equals or not site.strip() or not shop.strip():
                raise ValidationError("id=магазин через запятую / id=shop, by comma.")


def listed(text: str) -> frozenset[str]:
    """The parts of a setting that lists words by comma."""
    return frozenset(part.strip() for part in text.split(",")) - {""}


def shop_of(site: str, chosen: Mapping[str, Any]) -> str | None:
    """The hub's shop of a site."""
    pairs = (part.partition("=") for part in chosen["shops"].split(",") if "=" in part)
    known = {one.strip(): shop.strip() for one, _, shop in pairs}
    return known.get(site) or chosen["shop"] or None
