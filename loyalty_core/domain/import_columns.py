"""What a file's columns mean: our words for them, and headings that are usual elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MEMBERS, BALANCES, PURCHASES = "members", "balances", "purchases"
ATTRIBUTE = "attr."
"""Before the name of an attribute of the shop's own."""
_WHO = ("phone", "email", "card", "external")
SIGN = ("fn", "fd", "fp")
"""Of a fiscal receipt: the drive's number, the document's, and its sign."""
WORDS: Mapping[str, tuple[str, ...]] = {
    MEMBERS: (
        *_WHO,
        "name",
        "last_name",
        "first_name",
        "middle_name",
        "birth_date",
        "gender",
        "city",
        "enrolled_at",
        "tier",
        "spent_before",
        "last_purchase_at",
        "attributes",
    ),
    BALANCES: ("member", *_WHO, "points", "currency", "spendable_from", "expires_at", "row"),
    PURCHASES: (
        "receipt",
        "bought_at",
        "member",
        *_WHO,
        "shop",
        "sku",
        "goods",
        "quantity",
        "paid",
        *SIGN,
    ),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    MEMBERS: (),
    BALANCES: ("points",),
    PURCHASES: ("receipt", "bought_at", "paid"),
}
MANY = frozenset({"card"})
"""Words that may have several columns."""

TOLD, KEPT, GUESSED = "told", "kept", "guessed"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file by our word, and how that is known."""

    word: str
    heading: str
    how: str


_USUAL: Mapping[str, str] = {
    "phone": "телефон|номер телефона|тел|мобильный|мобильный телефон|сотовый|моб|phone number"
    "|mobile|mobile phone|cell",
    "email": "e mail|mail|почта|эл почта|электронная почта|адрес электронной почты|email address",
    "card": "карта|номер карты|карты|карта лояльности|номер карты лояльности|бонусная карта"
    "|дисконтная карта|штрихкод карты|card number|card no|cards|loyalty card",
    "external": "id клиента|код клиента|ид клиента|внешний код|customer id|client id|external id",
    "member": "member id|участник",
    "name": "фио|ф и о|полное имя|клиент|покупатель|имя клиента|имя и фамилия|full name|customer"
    "|customer name|client",
    "last_name": "фамилия|surname|family name|last name",
    "first_name": "имя|first name|given name",
    "middle_name": "отчество|middle name|patronymic",
    "birth_date": "дата рождения|день рождения|др|д р|birthday|date of birth|birth date|dob",
    "gender": "пол|sex",
    "city": "город|населенный пункт|town",
    "enrolled_at": "дата регистрации|дата вступления|дата выдачи карты|зарегистрирован|registered"
    "|registration date|created at|created|joined|enrolled at",
    "tier": "уровень|статус|статус карты|категория клиента|level|grade|status",
    "spent_before": "сумма покупок|накоплено|сумма накоплений|накопленная сумма|оборот"
    "|всего покупок на сумму|total spent|spent|turnover",
    "last_purchase_at": "последняя покупка|дата последней покупки|last purchase|last purchase date",
    "points": "баланс|бонусы|баллы|бонусный баланс|остаток|остаток бонусов|остаток баллов"
    "|сумма бонусов|количество баллов|balance|bonus|bonuses|point balance",
    "currency": "валюта|вид бонусов|тип бонусов",
    "spendable_from": "активны с|дата активации|доступны с|active from|activation date"
    "|spendable from",
    "expires_at": "сгорают|дата сгорания|срок действия|действуют до|годны до|истекают|expires"
    "|expiry|expiry date|expiration date|valid until|expires at",
    "row": "код строки|row id",
    "receipt": "номер чека|чек|чек номер|номер заказа|заказ|receipt number|receipt no|order"
    "|order number|purchase",
    "bought_at": "дата чека|дата покупки|дата продажи|дата|дата и время|date|purchase date"
    "|bought at|occurred at",
    "shop": "магазин|точка продаж|торговая точка|store|outlet",
    "sku": "артикул|код товара|article|item code",
    "goods": "товар|наименование|название товара|номенклатура|item|product|product name",
    "quantity": "количество|кол во|qty|count",
    "fn": "фн|номер фн|фискальный накопитель",
    "fd": "фд|номер фд|фискальный документ",
    "fp": "фп|фпд|фискальный признак|фискальный признак документа",
    "paid": "сумма|оплачено|итог|стоимость|amount|total|sum",
}
_BY_HEADING: Mapping[str, Sequence[str]] = {
    word: (word.replace("_", " "), *usual.split("|")) for word, usual in _USUAL.items()
}
_APART = re.compile(r"[\W_]+")


def plain_heading(heading: str) -> str:
    """Headings are compared without case, marks and ё."""
    return _APART.sub(" ", heading.casefold().replace("ё", "е")).strip()


def guessed(kind: str, headings: Iterable[str], *, with_external: bool) -> list[Column]:
    """Columns whose headings are usual ones; of two for one word the first.

    Ids of another system mean nothing unless that system is named, so they are guessed
    `with_external` only.
    """
    columns: list[Column] = []
    taken: set[str] = set()
    for heading in headings:
        word = _word_for(kind, heading)
        if word is None or (word in taken and word not in MANY):
            continue
        if word == "external" and not (with_external or heading.strip() == word):
            continue
        taken.add(word)
        columns.append(Column(word, heading, GUESSED))
    return columns


def is_word(kind: str, word: str) -> bool:
    own = kind == MEMBERS and word.startswith(ATTRIBUTE) and len(word) > len(ATTRIBUTE)
    return own or word in WORDS[kind]


def _word_for(kind: str, heading: str) -> str | None:
    exact = heading.strip()
    if is_word(kind, exact):
        return exact
    plain = plain_heading(heading)
    for word in WORDS[kind]:
        if plain in _BY_HEADING.get(word, ()):
            return word
    return None
