"""The settings form."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validates

from loyalty_kit import settings
from loyalty_kit.settings import SettingsSchema

_NUMBER = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
LEAST = 24
"""Letters of a word that nobody guesses."""


class Settings(SettingsSchema):
    company_id = settings.text(
        {"ru": "Идентификатор компании", "en": "Company id"},
        help={
            "ru": "Придумайте число и впишите его на кассе как Company ID",
            "en": "Make up a number and enter it at the till as the Company ID",
        },
    )
    api_key = settings.secret(
        {"ru": "Ключ API", "en": "API key"},
        help={
            "ru": "Случайное слово не короче 24 знаков (openssl rand -hex 32); его же впишите на "
            "кассе как API Key",
            "en": "A random word of 24 characters at least (openssl rand -hex 32); enter it at "
            "the till as the API Key",
        },
    )
    code_key = settings.secret(
        {"ru": "Секрет кодов оплаты", "en": "Secret of payment codes"},
        help={
            "ru": "Ещё одно такое слово; его не знает никто, кроме хаба: им он подписывает коды, "
            "которые отдаёт кассе",
            "en": "Another such word, known to the hub alone: it signs the codes that it gives "
            "to the till",
        },
    )
    shop = settings.text(
        {"ru": "Код магазина в хабе", "en": "Code of the shop in the hub"}, default="main"
    )
    points_by_phone = settings.boolean(
        {"ru": "Списывать баллы по телефону", "en": "Spend points by phone"},
        help={
            "ru": "Иначе баллы списываются только по карте или коду, который показал покупатель",
            "en": "Otherwise points are spent only by the card or code that the buyer shows",
        },
    )

    @validates("company_id")
    def _is_a_number(self, value: str, **_: Any) -> None:
        if _NUMBER.fullmatch(value) is None:
            raise ValidationError("Целое число / A whole number.")

    @validates("api_key", "code_key")
    def _is_long(self, value: str, **_: Any) -> None:
        if len(value) < LEAST:
            raise ValidationError("Не короче 24 знаков / 24 characters at least.")
