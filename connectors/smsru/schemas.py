"""The settings form."""

from __future__ import annotations

from loyalty_kit import messages, settings
from loyalty_kit.settings import SettingsSchema


class Settings(SettingsSchema):
    api_id = settings.secret(
        {"ru": "Ключ api_id", "en": "Key (api_id)"},
        help={
            "ru": "На главной странице кабинета sms.ru",
            "en": "On the front page of the account at sms.ru",
        },
    )
    sender = settings.text(
        {"ru": "Имя отправителя", "en": "Name of the sender"},
        help={
            "ru": "Согласованное на sms.ru; пусто — имя по умолчанию",
            "en": "As approved at sms.ru; empty: the one by default",
        },
        default="",
    )
    base_url = settings.url(
        {"ru": "Адрес шлюза", "en": "Address of the gateway"},
        help={
            "ru": "Меняют, только если так сказал оператор",
            "en": "Changed only where the vendor says so",
        },
        default="https://sms.ru",
    )
    price = messages.price()
    quiet_from = messages.quiet_from()
    quiet_to = messages.quiet_to()
    per_second = messages.per_second()
