"""The settings form."""

from __future__ import annotations

import re

from marshmallow import ValidationError

from loyalty_kit import messages, settings
from loyalty_kit.settings import Choice, SettingsSchema

_MAIL = re.compile(r"[^@\s<>,;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)


def _is_mail(value: str) -> None:
    """Raises: ValidationError."""
    if value and not (value.isascii() and _MAIL.fullmatch(value)):
        raise ValidationError("Not an e-mail address.")


class Settings(SettingsSchema):
    host = settings.text(
        {"ru": "Сервер SMTP", "en": "SMTP server"},
        help={"ru": "Например, smtp.yandex.ru", "en": "Such as smtp.yandex.ru"},
    )
    security = settings.choice(
        {"ru": "Шифрование", "en": "Encryption"},
        (
            Choice("tls", {"ru": "TLS (порт 465)", "en": "TLS (port 465)"}),
            Choice("starttls", {"ru": "STARTTLS (порт 587)", "en": "STARTTLS (port 587)"}),
            Choice("none", {"ru": "Нет (только своя сеть)", "en": "None (own network only)"}),
        ),
        default="tls",
    )
    port = settings.integer({"ru": "Порт", "en": "Port"}, least=1, most=65535, default=465)
    login = settings.text(
        {"ru": "Логин", "en": "Login"},
        help={"ru": "Пусто — без входа", "en": "Empty: without a login"},
        default="",
    )
    password = settings.secret(
        {"ru": "Пароль", "en": "Password"},
        help={
            "ru": "У многих почтовых служб — отдельный пароль приложения",
            "en": "Many services want a password for applications",
        },
        default="",
    )
    sender = settings.text(
        {"ru": "Адрес отправителя", "en": "Address of the sender"},
        help={
            "ru": "Домен должен разрешать этот сервер (SPF) и подписывать письма (DKIM)",
            "en": "Its domain must allow this server (SPF) and sign mail (DKIM)",
        },
    )
    sender_name = settings.text({"ru": "Имя отправителя", "en": "Name of the sender"}, default="")
    reply_to = settings.text({"ru": "Куда отвечать", "en": "Reply to"}, default="")
    price = messages.price()
    quiet_from = messages.quiet_from()
    quiet_to = messages.quiet_to()
    per_second = messages.per_second()

    sender.validators.append(_is_mail)
    reply_to.validators.append(_is_mail)
