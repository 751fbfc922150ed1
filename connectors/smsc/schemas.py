"""The settings form."""

from __future__ import annotations

from loyalty_kit import messages, settings
from loyalty_kit.settings import SettingsSchema


class Settings(SettingsSchema):
    apikey = settings.secret(
        {"ru": "Ключ API", "en": "API key"},
        help={
            "ru": "Кабинет smsc.ru, раздел «Пароли API»",
            "en": "In the account at smsc.ru",
        },
    )
    sender = settings.text(
        {"ru": "Имя отправителя", "en": "Name of the sender"},
        help={
            "ru": "Согласованное на smsc.ru; пусто — имя по умолчанию",
            "en": "As approved at smsc.ru; empty: the one by default",
        },
        default="",
    )
    answers = settings.boolean(
        {"ru": "Принимать ответы", "en": "Take answers"},
        help={
            "ru": "Нужен номер для входящих SMS на smsc.ru. Ответ, который начинается словом СТОП,"
            " STOP, ОТПИСКА, ОТПИСАТЬСЯ, ОТКАЗ или UNSUBSCRIBE, прекращает рекламу по SMS",
            "en": "Needs a number for incoming SMS at smsc.ru. An answer that begins with the word"
            " СТОП, STOP, ОТПИСКА, ОТПИСАТЬСЯ, ОТКАЗ or UNSUBSCRIBE ends advertising by SMS",
        },
    )
    base_url = settings.url(
        {"ru": "Адрес шлюза", "en": "Address of the gateway"},
        help={
            "ru": "Меняют, только если так сказал оператор",
            "en": "Changed only where the vendor says so",
        },
        default="https://smsc.ru",
    )
    price = messages.price()
    quiet_from = messages.quiet_from()
    quiet_to = messages.quiet_to()
    per_second = messages.per_second()
