"""The settings form."""

from __future__ import annotations

from loyalty_kit import messages, settings
from loyalty_kit.settings import SettingsSchema


class Settings(SettingsSchema):
    login = settings.text({"ru": "Логин (e-mail)", "en": "Login (e-mail)"})
    api_key = settings.secret(
        {"ru": "Ключ API", "en": "API key"},
        help={
            "ru": "Кабинет smsaero.ru, «Настройки» > «API»",
            "en": "In the account at smsaero.ru, Settings > API",
        },
    )
    sender = settings.text(
        {"ru": "Имя отправителя", "en": "Name of the sender"},
        help={
            "ru": "Подпись, согласованная на smsaero.ru",
            "en": "The signature as approved at smsaero.ru",
        },
    )
    base_url = settings.url(
        {"ru": "Адрес шлюза", "en": "Address of the gateway"},
        help={
            "ru": "Меняют, только если так сказал оператор",
            "en": "Changed only where the vendor says so",
        },
        default="https://gate.smsaero.ru",
    )
    price = messages.price()
    quiet_from = messages.quiet_from()
    quiet_to = messages.quiet_to()
    per_second = messages.per_second()
