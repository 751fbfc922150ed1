"""Answers in the till's words: numbers, rows, errors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from loyalty_kit.desk import Buyer, Declined, GiftCard
from loyalty_kit.ports import ProtocolReply

NEEDS_CODE = 28001
"""The one error code with a meaning: the till asks for a code and comes again."""
ANY_ERROR = 999
_OURS = uuid.UUID("6f2b8f5e-6a0c-4c39-9d2e-6a1a0d7a3b11")
"""The till wants ids that are GUIDs; ours are made under this name space."""

Words = tuple[str, str]
"""A short heading, and what the cashier is to do."""

TEXTS: Mapping[str, Words] = {
    "wrong_token": ("Нет доступа", "Токен кассы в настройках подключения не подходит"),
    "bad_request": ("Непонятный запрос", "Программа лояльности не поняла запрос кассы"),
    "nobody": ("Нет данных", "Укажите телефон, карту или почту покупателя"),
    "no_phone": ("Нет телефона", "Укажите телефон покупателя, чтобы отправить код"),
    "confirm_first": ("Нужно подтверждение", "Покупатель должен подтвердить номер кодом"),
    "unknown_buyer": ("Покупатель не найден", "Этого покупателя нет в программе лояльности"),
    "unknown_card": ("Карта не найдена", "Такого подарочного сертификата нет"),
    "codes_are_off": (
        "Коды выключены",
        "Отправка кодов на кассу выключена в настройках; спишите баллы другим способом",
    ),
    "phone_impossible": ("Неверный телефон", "Проверьте номер телефона покупателя"),
    "not_enough_points": ("Баллов не хватает", "Баллы уже списаны: пересчитайте чек"),
    "price_changed": ("Чек изменился", "Скидки или баллы стали другими: пересчитайте чек"),
    "no_address": ("Некуда отправить код", "У покупателя нет телефона и почты"),
    "too_many_attempts": (
        "Слишком много неверных номеров",
        "Проверьте номер сертификата; следующая проверка — в течение часа",
    ),
    "too_many_codes": ("Слишком часто", "Новый код можно запросить позже"),
    "not_available": ("Не подключено", "Отправка сообщений не подключена"),
    "unknown_shop": ("Неизвестный магазин", "Точка продаж не связана с магазином программы"),
    "paused": (
        "Приостановлено",
        "Программа лояльности приостановлена: продайте без скидок и баллов",
    ),
    "try_again": ("Временно недоступно", "Программа лояльности недоступна, повторите позже"),
}
OTHER: Words = ("Отказано", "Программа лояльности отказала в операции")
STATUSES: Mapping[str, int] = {
    "member_not_found": 404,
    "try_again": 503,
    "too_many_codes": 429,
    "too_many_attempts": 429,
}


class Refusal(Exception):
    """The till is told no, with words of `TEXTS`."""

    def __init__(self, word: str, *, status: int = 412, code: int = ANY_ERROR) -> None:
        super().__init__(word)
        self.word = word
        self.status = status
        self.code = code


def as_till(declined: Declined) -> Refusal:
    word = "unknown_buyer" if declined.code == "member_not_found" else declined.code
    return Refusal(word, status=STATUSES.get(declined.code, 412))


def refusal_of(refusal: Refusal) -> ProtocolReply:
    heading, text = TEXTS.get(refusal.word, OTHER)
    error = {"error": heading, "code": refusal.code, "error_message": text}
    return reply({"errors": [error]}, refusal.status)


def reply(document: Any, status: int = 200) -> ProtocolReply:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # A cart is echoed with whatever texts it had, halves of surrogate pairs among them.
    told = body.encode("utf-8", "replace")
    return ProtocolReply(status, {"Content-Type": "application/json; charset=utf-8"}, told)


def empty(status: int) -> ProtocolReply:
    return ProtocolReply(status, {}, b"")


def number_of(hundredths: int) -> int | float:
    """Points or roubles as a JSON number, whole where they are."""
    whole, rest = divmod(hundredths, 100)
    return whole if not rest else round(hundredths / 100, 2)


def points_text(hundredths: int) -> str:
    """For the receipt: `117`, `103,50`."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}" if not rest else f"{whole},{rest:02}"


def gift_card_row(number: str, card: GiftCard) -> dict[str, Any]:
    """Money in kopecks, the end in UTC.  `initialBalance` where the card has a nominal."""
    told: dict[str, Any] = {
        "name": number,
        "id": str(uuid.uuid5(_OURS, card.id)),
        "status": _card_status(card),
        "currentBalance": card.balance_minor,
    }
    if card.nominal_minor is not None:
        told["initialBalance"] = card.nominal_minor
    if card.expires_at is not None:
        told["expireDate"] = f"{card.expires_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return told


def _card_status(card: GiftCard) -> str:
    """A card whose money is reserved elsewhere has none to pay with."""
    if card.state in ("spent", "expired"):
        return {"spent": "REDEEMED", "expired": "EXPIRED"}[card.state]
    if card.state != "active" or card.bound:
        return "INVALID"
    if not card.balance_minor:
        return "REDEEMED"
    whole = card.nominal_minor is None or card.balance_minor >= card.nominal_minor
    return "CAN_BE_USED" if whole else "PARTIALLY_REDEEMED"


def buyer_row(buyer: Buyer) -> dict[str, Any]:
    """A row of a search; what is not known is left out."""
    parts = (buyer.last_name, buyer.first_name, buyer.middle_name)
    name = " ".join(part for part in parts if part)
    told = {
        "id": str(uuid.uuid5(_OURS, buyer.id)),
        "msId": buyer.external,
        "name": name or buyer.phone or buyer.card or "Покупатель",
        "discountCardNumber": buyer.card,
        "phone": buyer.phone,
        "email": buyer.email,
        "legalFirstName": buyer.first_name,
        "legalMiddleName": buyer.middle_name,
        "legalLastName": buyer.last_name,
        "birthDate": None if buyer.birth_date is None else f"{buyer.birth_date} 00:00:00",
        "sex": {"male": "MALE", "female": "FEMALE"}.get(buyer.gender or ""),
    }
    return {key: value for key, value in told.items() if value is not None}
