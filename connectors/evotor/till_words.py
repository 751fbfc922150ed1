"""Answers to the application on a terminal: decimal texts, errors with words for the cashier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.evotor.answers import reply
from loyalty_kit.desk import Buyer, Declined
from loyalty_kit.money import format_decimal
from loyalty_kit.ports import ProtocolReply
from loyalty_kit.redact import masked_address

Texts = tuple[str, str]
"""Russian, English."""

TEXTS: Mapping[str, Texts] = {
    "unauthorized": ("Нет доступа: проверьте подключение", "No access: look at the connection"),
    "bad_request": ("Хаб не понял запрос кассы", "The hub did not understand the till"),
    "nobody": (
        "Укажите телефон, карту или почту покупателя",
        "Give the buyer's phone, card or e-mail",
    ),
    "customer_not_found": ("Покупатель не найден", "There is no such customer"),
    "enrolment_is_off": ("Новых покупателей касса не заводит", "The till enrols nobody"),
    "phone_impossible": ("Проверьте номер телефона", "Look at the phone number again"),
    "no_address": ("У покупателя нет телефона и почты", "The buyer has no phone and no e-mail"),
    "too_many_codes": ("Новый код можно запросить позже", "A new code may be had later"),
    "not_available": ("Отправка сообщений не подключена", "Nothing sends messages"),
    "code_wrong": ("Неверный код", "The code is wrong"),
    "code_over": ("Код больше не действует, запросите новый", "The code is over, ask for another"),
    "unknown_shop": ("Магазин не связан с программой", "The shop is not linked to the programme"),
    "goods_barred": ("Товар не для этого покупателя", "The goods are not for this buyer"),
    "paused": ("Подключение приостановлено", "The connection is paused"),
    "try_again": ("Хаб недоступен, повторите позже", "The hub is away, try again later"),
}
OTHER: Texts = ("Хаб отказал в операции", "The hub refused")
STATUSES: Mapping[str, int] = {
    "unauthorized": 401,
    "bad_request": 400,
    "customer_not_found": 404,
    "enrolment_is_off": 403,
    "try_again": 503,
    "paused": 503,
    "too_many_codes": 429,
}


class Refusal(Exception):
    """The till is told no, with words of `TEXTS`."""

    def __init__(self, code: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


def as_refusal(declined: Declined) -> Refusal:
    code = "customer_not_found" if declined.code == "member_not_found" else declined.code
    return Refusal(code, retry_after_s=declined.retry_after_s)


def refusal_of(refusal: Refusal) -> ProtocolReply:
    ru, en = TEXTS.get(refusal.code, OTHER)
    error: dict[str, Any] = {"code": refusal.code, "ru": ru, "en": en}
    if refusal.retry_after_s is not None:
        error["retryAfter"] = refusal.retry_after_s
    return reply({"error": error}, STATUSES.get(refusal.code, 422))


def decimal_of(hundredths: int) -> str:
    """Roubles or points with two digits."""
    return format_decimal(hundredths)


def points_text(hundredths: int) -> str:
    """For the receipt: `117`, `103,50`."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}" if not rest else f"{whole},{rest:02}"


def buyer_view(buyer: Buyer) -> dict[str, Any]:
    """A customer as the till may know them: no whole phone, no address."""
    name = " ".join(part for part in (buyer.first_name, buyer.last_name) if part)
    address = buyer.phone or buyer.email
    return {
        "customerId": buyer.id,
        "name": name or None,
        "card": buyer.card,
        "maskedPhone": None if address is None else masked_address(address),
        "tier": buyer.tier,
        "balance": decimal_of(buyer.available),
        "held": decimal_of(buyer.held),
    }
