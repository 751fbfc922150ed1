"""The settings form."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validates

from loyalty_kit import settings
from loyalty_kit.settings import Choice, SettingsSchema

API = "https://api.evotor.ru"
CLOUD, DOCUMENTS, RECEIPTS = "cloud", "documents", "receipts"
_TOKEN = re.compile(r"[a-zA-Z0-9_=-]{24,128}", re.ASCII)
"""What Evotor takes for a token of ours, and no shorter than what nobody guesses: the user's is
the seed of the key of rules, whose public half is handed out."""


class Settings(SettingsSchema):
    app_token = settings.secret(
        {"ru": "Токен приложения", "en": "Token of the application"},
        help={
            "ru": "Случайное слово из латинских букв и цифр, не короче 24 (openssl rand -hex 32); "
            "впишите его на dev.evotor.ru, вкладка «Интеграция»: с ним облако шлёт установки",
            "en": "A random word of letters and digits, 24 at least (openssl rand -hex 32); write "
            "it down at dev.evotor.ru, tab Integration: Evotor's cloud proves installations by it",
        },
    )
    app_login = settings.text(
        {"ru": "Логин приложения", "en": "Login of the application"},
        help={
            "ru": "Если на портале выбрана авторизация логином и паролем (токен — пароль)",
            "en": "Where the portal says login and password (the token is the password)",
        },
        default="",
    )
    user_token = settings.secret(
        {"ru": "Токен пользователя", "en": "Token of the user"},
        help={
            "ru": "Ещё одно такое слово: хаб выдаст его Эвотору, и с ним приходят чеки и "
            "запросы терминала. Смените его, если он стал известен, и войдите заново.",
            "en": "Another such word: the hub gives it to Evotor, and receipts and terminals "
            "prove themselves by it. Change it where it leaked, and log in again.",
        },
    )
    login = settings.text(
        {"ru": "Логин для входа из кабинета Эвотора", "en": "Login for Evotor's cabinet"},
        help={
            "ru": "Его и пароль владелец вводит в Эвоторе, подключая приложение",
            "en": "The owner types it and the password at Evotor to connect the application",
        },
        default="",
    )
    password = settings.secret(
        {"ru": "Пароль для входа из кабинета Эвотора", "en": "Password for Evotor's cabinet"},
        default="",
    )
    app_id = settings.text(
        {"ru": "Приложение: UUID", "en": "Application: UUID"},
        help={"ru": "С портала dev.evotor.ru", "en": "From the portal dev.evotor.ru"},
        default="",
    )
    user_id = settings.text(
        {"ru": "Пользователь Эвотора", "en": "User at Evotor"},
        help={
            "ru": "Вида 01-000000000000001; заполнится при установке, чужие потом не пройдут",
            "en": "Like 01-000000000000001; filled in at the installation, after which others "
            "are refused",
        },
        default="",
    )
    cloud_token = settings.secret(
        {"ru": "Токен облака Эвотор", "en": "Token of Evotor's cloud"},
        help={
            "ru": "Придёт при установке; иначе перепишите из поля с ${token} в настройках "
            "приложения",
            "en": "Comes with the installation; else copy it from a field with ${token} among the "
            "application's settings",
        },
        default="",
    )
    api_url = settings.url(
        {"ru": "Адрес облака", "en": "Address of the cloud"},
        help={
            "ru": "Менять не нужно, если вам не дали другого адреса",
            "en": "Leave it, unless you were given another one",
        },
        default=API,
    )
    auth_header = settings.choice(
        {"ru": "Заголовок с токеном облака", "en": "Header with the cloud's token"},
        (
            Choice("auto", {"ru": "Определить самому", "en": "Find out"}),
            Choice("bearer", {"ru": "Authorization: Bearer", "en": "Authorization: Bearer"}),
            Choice("x", {"ru": "X-Authorization", "en": "X-Authorization"}),
        ),
        default="auto",
    )
    feed = settings.choice(
        {"ru": "Откуда брать чеки", "en": "Where receipts come from"},
        (
            Choice(
                CLOUD,
                {
                    "ru": "Из облака; вебхуки только подсказывают",
                    "en": "The cloud; webhooks only hint",
                },
            ),
            Choice(
                DOCUMENTS,
                {
                    "ru": "Из вебхуков с документами, без токена облака",
                    "en": "Webhooks with documents, without the cloud's token",
                },
            ),
            Choice(
                RECEIPTS,
                {
                    "ru": "Из вебхуков ReceiptCreated: только начисление",
                    "en": "Webhooks ReceiptCreated: earning alone",
                },
            ),
        ),
        default=CLOUD,
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    shops = settings.text(
        {"ru": "Магазины Эвотора", "en": "Shops of Evotor"},
        help={
            "ru": "Если их несколько: id магазина=код магазина в хабе, через запятую",
            "en": "Where there are several: id of the shop=code of the hub's shop, by comma",
        },
        default="",
    )
    stores_told = settings.text(
        {"ru": "Магазины, о которых сообщил Эвотор", "en": "Shops that Evotor told of"},
        help={"ru": "Заполняется само", "en": "Filled in by itself"},
        default="",
    )
    subscription = settings.text(
        {"ru": "Подписка", "en": "Subscription"},
        help={"ru": "Заполняется само", "en": "Filled in by itself"},
        default="",
    )
    by_contact = settings.boolean(
        {"ru": "Покупатель — по телефону или почте чека", "en": "Buyer by the e-receipt's address"},
        help={
            "ru": "Телефон или почта, на которые отправлен электронный чек",
            "en": "The phone or e-mail to which the electronic receipt went",
        },
        default=True,
    )
    coupon_is_card = settings.boolean(
        {"ru": "Купон Эвотора — номер карты", "en": "Evotor's coupon is a card's number"},
        default=False,
    )
    tobacco_types = settings.text(
        {"ru": "Типы табачных товаров", "en": "Types of tobacco"},
        help={
            "ru": "Через запятую, как их называет Эвотор; на них нет ни баллов, ни скидок",
            "en": "By comma, in Evotor's words; they have neither points nor discounts",
        },
        default="TOBACCO_MARKED",
    )
    least_price = settings.integer(
        {"ru": "Наименьшая цена единицы, копеек", "en": "Least price of a unit, in kopecks"},
        help={
            "ru": "Ниже неё приложение на терминале цену не опускает",
            "en": "The application on the terminal lowers no price below it",
        },
        least=0,
        most=100_000,
        default=1,
    )
    enrol_at_till = settings.boolean(
        {"ru": "Касса заводит новых покупателей", "en": "The till enrols new buyers"}, default=True
    )
    offline_spend = settings.integer(
        {"ru": "Списание без связи: не больше баллов", "en": "Spent offline: points at most"},
        help={
            "ru": "Одним покупателем, пока у терминала нет связи с хабом; 0 — нельзя",
            "en": "By one buyer while the terminal has no line to the hub; 0: nothing",
        },
        least=0,
        most=1_000_000,
        default=0,
    )
    pack_hours = settings.integer(
        {"ru": "Правила без связи действуют, часов", "en": "Rules without a line last, hours"},
        least=1,
        most=24 * 30,
        default=72,
    )
    backfill_days = settings.integer(
        {"ru": "Взять чеки за дни до подключения", "en": "Receipts of the days before connecting"},
        help={
            "ru": "0 — только новые; облако помнит около полугода",
            "en": "0: new ones only; the cloud remembers about half a year",
        },
        least=0,
        most=180,
        default=1,
    )

    @validates("app_token", "user_token")
    def _is_a_token(self, value: str, **_: Any) -> None:
        if not _TOKEN.fullmatch(value):
            raise ValidationError(
                "Латинские буквы, цифры и _ = -, от 24 до 128 / Letters, digits and _ = -, from "
                "24 to 128."
            )

    @validates("shops")
    def _are_pairs(self, value: str, **_: Any) -> None:
        for part in filter(str.strip, value.split(",")):
            store, equals, shop = part.partition("=")
            if not equals or not store.strip() or not shop.strip():
                raise ValidationError("id=магазин через запятую / id=shop, by comma.")


def listed(text: str) -> frozenset[str]:
    """The parts of a setting that lists words by comma."""
    return frozenset(part.strip() for part in text.split(",")) - {""}
