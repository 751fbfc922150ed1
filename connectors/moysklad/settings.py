"""The settings form."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, validates, validates_schema

from loyalty_kit import settings
from loyalty_kit.desk import CODES_SETTING
from loyalty_kit.settings import Choice, SettingsSchema

API = "https://api.moysklad.ru/api/remap/1.2"
VENDOR_API = "https://apps-api.moysklad.ru/api/vendor/1.0"
RETAIL, DEMAND, ORDER = "retaildemand", "demand", "customerorder"
COUNTERPARTY = "counterparty"


class Settings(SettingsSchema):
    api_url = settings.url(
        {"ru": "Адрес JSON API", "en": "Address of the JSON API"},
        help={
            "ru": "Менять не нужно, если вам не дали другого адреса",
            "en": "Leave it, unless you were given another one",
        },
        default=API,
    )
    api_token = settings.secret(
        {"ru": "Токен JSON API", "en": "Token of the JSON API"},
        help={
            "ru": "Пусто, если его пришлёт решение при установке. Иначе токен сотрудника с правом "
            "видеть продажи, возвраты, контрагентов и товары; новый отменяет его прежние.",
            "en": "Empty where the solution brings it when it is installed. Else of an employee "
            "who may see sales, returns, counterparties and goods; a new one ends the earlier.",
        },
        default="",
    )
    token_kind = settings.choice(
        {"ru": "Чей это токен", "en": "Whose token it is"},
        (
            Choice("solution", {"ru": "Решения (приватного)", "en": "Of a (private) solution"}),
            Choice("user", {"ru": "Сотрудника или черновика", "en": "Of a user, or of a draft"}),
        ),
        help={
            "ru": "МойСклад считает запросы сотрудника вчетверо дороже: от этого темп запросов",
            "en": "MoySklad counts a user's calls fourfold: the pace of calls depends on it",
        },
        default="user",
    )
    till_token = settings.secret(
        {"ru": "Токен для кассы (Loyalty API)", "en": "Token for the till (Loyalty API)"},
        help={
            "ru": "Придумайте длинное слово из латинских букв и цифр; касса шлёт его с каждым "
            "запросом",
            "en": "Make up a long word of letters and digits; the till sends it with each call",
        },
    )
    hook_token = settings.secret(
        {"ru": "Секрет адреса вебхуков", "en": "Secret of the webhooks' address"},
        help={
            "ru": "МойСклад не подписывает вебхуки: это слово стоит в конце их адреса",
            "en": "MoySklad signs no webhooks: this word stands at the end of their address",
        },
    )
    hook_url = settings.url(
        {"ru": "Адрес вебхуков хаба", "en": "The hub's address for webhooks"},
        help={
            "ru": "Со страницы подключения, с https. Тогда «Проверить» создаст недостающие "
            "вебхуки и включит выключенные. Пусто: только опрос.",
            "en": "From the connection's page, https. Test then makes webhooks that are missing "
            "and switches on those that are off. Empty: polling alone.",
        },
        default="",
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    shops = settings.text(
        {"ru": "Точки продаж", "en": "Retail points"},
        help={
            "ru": "Если их несколько: id точки=код магазина, через запятую",
            "en": "Where there are several: id of the point=code of the shop, by comma",
        },
        default="",
    )
    sales = settings.several(
        {"ru": "Что считать покупкой", "en": "What counts as a purchase"},
        (
            Choice(RETAIL, {"ru": "Розничные продажи", "en": "Retail sales"}),
            Choice(DEMAND, {"ru": "Отгрузки", "en": "Shipments"}),
            Choice(ORDER, {"ru": "Заказы покупателей", "en": "Customer orders"}),
        ),
        help={
            "ru": "Заказ, проданный на кассе, считается как эта продажа, а отгрузка по заказу — "
            "как заказ",
            "en": "An order sold at the till counts as that sale, a shipment with an order as the "
            "order",
        },
        default=(RETAIL, DEMAND),
    )
    paid_states = settings.text(
        {"ru": "Статусы оплаченного заказа", "en": "States of a paid order"},
        help={
            "ru": "Названия через запятую; без них заказ оплачен, когда оплачена вся сумма",
            "en": "Names by comma; without them an order is paid once its whole sum is",
        },
        default="",
    )
    anonymous = settings.text(
        {"ru": "Служебные покупатели", "en": "Technical buyers"},
        help={
            "ru": "Id контрагентов через запятую, на которых касса пишет продажи без покупателя",
            "en": "Ids of counterparties, by comma, to whom the till books sales without a buyer",
        },
        default="",
    )
    customers = settings.choice(
        {"ru": "Карточки контрагентов", "en": "Records of counterparties"},
        (
            Choice("no", {"ru": "Не читать", "en": "Are not read"}),
            Choice(
                "known", {"ru": "Дополнять ими участников", "en": "Fill in members that are known"}
            ),
            Choice(
                "staff",
                {
                    "ru": "Дополнять и заводить: их ведут сотрудники",
                    "en": "Fill in and enrol: staff keep them",
                },
            ),
        ),
        help={
            "ru": "Имя, день рождения и пол дополнят участника, если у него они пусты. Заводить "
            "стоит, только если карточки ведёте вы сами: физлица с телефоном или картой станут "
            "участниками, а участника узнают и по телефону, почте и карте из его карточки.",
            "en": "Name, birthday and gender are filled in where the member has none. Enrol only "
            "where you keep the records yourselves: individuals with a phone or a card become "
            "members, and a member is known by the phone, e-mail and card of the record, too.",
        },
        default="no",
    )
    timezone = settings.text(
        {"ru": "Часовой пояс времени документов", "en": "Zone of the documents' times"},
        help={
            "ru": "МойСклад не говорит, в каком поясе момент продажи",
            "en": "MoySklad does not say in which zone the moment of a sale is",
        },
        default="Europe/Moscow",
    )
    till_reads = settings.choice(
        {"ru": "Касса считает по", "en": "The till reckons by"},
        (
            Choice("price", {"ru": "Цене со скидкой", "en": "The discounted price"}),
            Choice("percent", {"ru": "Проценту скидки", "en": "The percent of the discount"}),
        ),
        help={
            "ru": "Если сумма чека на кассе расходится с хабом на копейки, выберите процент",
            "en": "Where the till's sum differs from the hub's by kopecks, take the percent",
        },
        default="price",
    )
    app_id = settings.text(
        {"ru": "Решение: appId", "en": "Solution: appId"},
        help={
            "ru": "Из кабинета разработчика МоегоСклада. Тогда решение ставится само, а "
            "«Проверить» сообщает МоемуСкладу адрес для кассы.",
            "en": "From MoySklad's developer's account. The solution then installs itself, and "
            "Test tells MoySklad the till's address.",
        },
        default="",
    )
    app_uid = settings.text({"ru": "Решение: appUid", "en": "Solution: appUid"}, default="")
    app_secret = settings.secret(
        {"ru": "Решение: secretKey", "en": "Solution: secretKey"}, default=""
    )
    account_id = settings.text(
        {"ru": "Решение: accountId", "en": "Solution: accountId"},
        help={"ru": "Заполнится при установке решения", "en": "Filled in when it is installed"},
        default="",
    )
    vendor_url = settings.url(
        {"ru": "Адрес Vendor API", "en": "Address of the Vendor API"}, default=VENDOR_API
    )
    external_search = settings.boolean(
        {"ru": "Касса ищет покупателей в хабе", "en": "The till searches buyers in the hub"},
        help={
            "ru": "Иначе касса ищет среди контрагентов МоегоСклада",
            "en": "Otherwise among MoySklad's own counterparties",
        },
        default=True,
    )
    enrol_at_till = settings.boolean(
        {"ru": "Заводить покупателя, о котором спросила касса", "en": "Enrol whom the till names"},
        help={
            "ru": "Контрагент, которого хаб не знает, становится участником",
            "en": "A counterparty that the hub does not know becomes a member",
        },
        default=True,
    )
    confirm_registration = settings.boolean(
        {"ru": "Регистрация с кодом", "en": "A code to register"},
        help={
            "ru": "Новый покупатель подтверждает телефон кодом; нужен следующий пункт",
            "en": "A new buyer confirms the phone with a code; needs the next box as well",
        },
    )
    codes_to_till = settings.boolean(
        {"ru": "Отдавать коды кассе", "en": "Give codes to the till"},
        help={
            "ru": "Код сравнивает сама касса МоегоСклада, поэтому она его получает. Кто управляет "
            "кассой, может списать баллы без покупателя.",
            "en": "MoySklad's till compares the code itself, so it is given the code. Whoever "
            "controls the till can spend points without the buyer.",
        },
    )
    stock = settings.boolean(
        {"ru": "Остатки в точках продаж", "en": "Stock of retail points"},
        help={
            "ru": "Раз в день, вместе с товарами: сколько их на складе каждой точки продаж",
            "en": "Once a day, with the goods: how many the store of each retail point has",
        },
    )
    balance_fields = settings.text(
        {"ru": "Поле баланса у контрагента", "en": "Field of the balance"},
        help={
            "ru": "Валюта, которой платят в чеках=название дополнительного поля: "
            "points=Баланс баллов. Если поля нет, его создаст «Проверить». Пусто: баланс не "
            "пишется.",
            "en": "The currency that pays for receipts=name of a custom field of counterparties: "
            "points=Balance. Test makes it where it is missing. Empty: none is written.",
        },
        default="",
    )
    tier_field = settings.text(
        {"ru": "Поле уровня у контрагента", "en": "Field of the tier"},
        help={
            "ru": "Название дополнительного поля для названия уровня: Уровень. Если поля нет, его "
            "создаст «Проверить». Пусто: уровень не пишется.",
            "en": "Name of a custom field of counterparties for the tier's name: Tier. Test makes "
            "it where it is missing. Empty: none is written.",
        },
        default="",
    )
    backfill_days = settings.integer(
        {"ru": "При подключении забрать документы за дней", "en": "Days of documents at first"},
        least=0,
        most=365,
        help={
            "ru": "Изменённые за столько дней до подключения; 0 — только новые",
            "en": "Changed in so many days before connecting; 0: new ones only",
        },
        default=1,
    )

    @validates("timezone")
    def _is_a_zone(self, value: str, **_: Any) -> None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValidationError("Нет такого часового пояса / No such time zone.") from None

    @validates("shops")
    def _are_shops(self, value: str, **_: Any) -> None:
        if not _are_pairs(value):
            raise ValidationError("id=магазин через запятую / id=shop, by comma.")

    @validates("balance_fields")
    def _is_field(self, value: str, **_: Any) -> None:
        if not _are_pairs(value) or len(pairs(value)) > 1:
            raise ValidationError("Одна валюта=поле / One currency=field.")

    @validates_schema
    def _are_two_fields(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("tier_field") in pairs(data.get("balance_fields", "")).values():
            raise ValidationError(
                "Нужно другое поле, чем для баланса / Another field than the balance's.",
                "tier_field",
            )


assert CODES_SETTING in Settings().fields, "the hub asks for the owner's consent by this name"


def _are_pairs(text: str) -> bool:
    parts = (part.partition("=") for part in listed(text))
    return all(equals and one.strip() and other.strip() for one, equals, other in parts)


def pairs(text: str) -> dict[str, str]:
    """The parts of a setting that lists `one=other` by comma."""
    parts = (part.partition("=") for part in sorted(listed(text)))
    return {one.strip(): other.strip() for one, _, other in parts}


def listed(text: str) -> frozenset[str]:
    """The parts of a setting that lists words by comma."""
    return frozenset(part.strip() for part in text.split(",")) - {""}
