"""The settings form."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validates, validates_schema

from loyalty_kit import settings
from loyalty_kit.settings import Choice, SettingsSchema

ORDERS, DEALS = "store_orders", "won_deals"
_FIELD = re.compile(r"UF_CRM_[A-Z0-9_]{1,43}", re.ASCII)


class Settings(SettingsSchema):
    portal = settings.url(
        {"ru": "Адрес портала", "en": "Address of the portal"},
        help={
            "ru": "https://имя.bitrix24.ru; для локального приложения не нужен",
            "en": "https://name.bitrix24.ru; not needed with a local application",
        },
        default="",
    )
    webhook_user = settings.text(
        {"ru": "Входящий вебхук: номер", "en": "Incoming webhook: number"},
        help={
            "ru": "Первое число после /rest/ в его адресе. Права: crm, sale, catalog; создаёт "
            "администратор. Пусто для локального приложения",
            "en": "The number after /rest/ in its address. Rights: crm, sale, catalog; made by "
            "an administrator. Empty with a local application",
        },
        default="",
    )
    webhook_secret = settings.secret(
        {"ru": "Входящий вебхук: код", "en": "Incoming webhook: code"},
        help={
            "ru": "То, что стоит в адресе за номером. Кто его знает, управляет порталом",
            "en": "What stands behind the number. Whoever knows it controls the portal",
        },
        default="",
    )
    hook_token = settings.secret(
        {
            "ru": "Секрет адреса исходящего вебхука",
            "en": "Secret of the outgoing webhook's address",
        },
        help={
            "ru": "Придумайте длинное слово из латинских букв и цифр: им кончается адрес",
            "en": "Make up a long word of letters and digits: the address ends with it",
        },
    )
    application_tokens = settings.secret(
        {"ru": "Токены исходящих вебхуков", "en": "Tokens of the outgoing webhooks"},
        help={
            "ru": "У каждого свой, через запятую. Пусто: хватит секрета в адресе",
            "en": "Each has its own, by comma. Empty: the secret of the address is enough",
        },
        default="",
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    purchases = settings.choice(
        {"ru": "Что считать покупкой", "en": "What counts as a purchase"},
        (
            Choice(ORDERS, {"ru": "Оплаченные заказы магазина", "en": "Paid orders of the store"}),
            Choice(DEALS, {"ru": "Выигранные сделки", "en": "Deals that are won"}),
        ),
        help={
            "ru": "Что-то одно: за сделкой часто стоит заказ, и продажа посчиталась бы дважды",
            "en": "One of the two: a deal often has an order, and a sale would count twice",
        },
        default=ORDERS,
    )
    funnels = settings.text(
        {"ru": "Воронки сделок", "en": "Funnels of deals"},
        help={"ru": "Id через запятую; пусто: все", "en": "Ids by comma; empty: all"},
        default="",
    )
    catalogues = settings.text(
        {"ru": "Каталоги товаров", "en": "Catalogues of goods"},
        help={
            "ru": "Id инфоблоков через запятую; пусто: товары не забираются",
            "en": "Ids of information blocks by comma; empty: no goods are taken",
        },
        default="",
    )
    write_balance = settings.boolean(
        {"ru": "Показывать баланс в карточке контакта", "en": "Show the balance on the contact"},
        help={
            "ru": "И уровень, если названо его поле. «Проверить» создаст поля, если их нет",
            "en": "And the tier, where its field is named. Test makes what is missing",
        },
    )
    balance_field = settings.text(
        {"ru": "Поле баланса", "en": "Field of the balance"}, default="UF_CRM_LOYALTY_POINTS"
    )
    tier_field = settings.text(
        {"ru": "Поле уровня", "en": "Field of the tier"},
        help={
            "ru": "Например UF_CRM_LOYALTY_TIER; пусто: уровень не пишется",
            "en": "Such as UF_CRM_LOYALTY_TIER; empty: no tier is written",
        },
        default="",
    )
    client_id = settings.text(
        {"ru": "Локальное приложение: client_id", "en": "Local application: client_id"},
        help={
            "ru": "Вместо вебхуков. В приложении: только API; адреса обработчика и установки — "
            "адрес connect подключения, затем /install/ и секрет адреса",
            "en": "Instead of webhooks. In the application: API only; handler and installer: the "
            "connection's address connect, then /install/ and the address's secret",
        },
        default="",
    )
    client_secret = settings.secret(
        {"ru": "Локальное приложение: client_secret", "en": "Local application: client_secret"},
        default="",
    )
    connect_url = settings.url(
        {"ru": "Приложение: адрес хаба", "en": "Application: address of the hub"},
        help={
            "ru": "Адрес connect со страницы подключения. «Проверить» подпишет на события",
            "en": "The address connect of the connection's page. Test then subscribes to events",
        },
        default="",
    )
    access_token = settings.secret(
        {"ru": "Приложение: токен", "en": "Application: token"}, default=""
    )
    refresh_token = settings.secret(
        {"ru": "Приложение: токен продления", "en": "Application: refresh token"}, default=""
    )
    client_endpoint = settings.url(
        {"ru": "Приложение: адрес REST", "en": "Application: address of REST"},
        help={"ru": "Заполнится при установке", "en": "Filled in when it is installed"},
        default="",
    )
    oauth_host = settings.text(
        {"ru": "Приложение: сервер OAuth", "en": "Application: OAuth server"},
        help={"ru": "Заполнится при установке", "en": "Filled in when it is installed"},
        default="",
    )
    member_id = settings.text(
        {"ru": "Приложение: портал", "en": "Application: portal"},
        help={
            "ru": "Заполнится при установке; очистите, чтобы принять другой портал",
            "en": "Filled in when it is installed; clear it to let another portal in",
        },
        default="",
    )
    backfill_days = settings.integer(
        {"ru": "При подключении забрать изменённое за дней", "en": "Days of changes at first"},
        least=0,
        most=365,
        default=1,
    )

    @validates_schema
    def _has_a_way_in(self, data: dict[str, Any], **_: Any) -> None:
        webhook = all(data.get(name) for name in ("portal", "webhook_user", "webhook_secret"))
        if not webhook and not data.get("client_id"):
            told = "Вебхук (портал, номер, код) или приложение / A webhook or an application."
            raise ValidationError({"portal": [told]})

    @validates("webhook_user")
    def _is_a_number(self, value: str, **_: Any) -> None:
        if re.fullmatch(r"[0-9]{0,12}", value, re.ASCII) is None:
            raise ValidationError("Число из адреса вебхука / A number of the webhook's address.")

    @validates("webhook_secret")
    def _is_a_step(self, value: str, **_: Any) -> None:
        if re.fullmatch(r"[0-9A-Za-z_-]{0,100}", value, re.ASCII) is None:
            raise ValidationError("Часть адреса без косых черт / One step of the address.")

    @validates("balance_field", "tier_field")
    def _is_a_field(self, value: str, *, data_key: str, **_: Any) -> None:
        if not (_FIELD.fullmatch(value) or (data_key == "tier_field" and not value)):
            raise ValidationError("UF_CRM_ и заглавные буквы / UF_CRM_ and capital letters.")

    @validates("catalogues")
    def _are_numbers(self, value: str, **_: Any) -> None:
        if not all(part.isascii() and part.isdigit() for part in listed(value)):
            raise ValidationError("Числа через запятую / Numbers by comma.")


def listed(text: str) -> tuple[str, ...]:
    """The parts of a setting that lists words by comma, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
