"""Ready parts of a rule set: the usual programmes and promotions of a shop, to be filled in.

A template is a piece of the document (`rules.parse_rules`) that stands in it as it is; sums,
percents and goods in it are examples for the owner to change.  Promotions are switched off, so
that one that was put in unread gives nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain, count
from typing import Any

Part = Mapping[str, Any]

_HOLIDAYS = (
    *((1, day) for day in range(1, 9)),
    (2, 23),
    (3, 8),
    (5, 1),
    (5, 9),
    (6, 12),
    (11, 4),
)
"""Months and days, Labour Code of the Russian Federation, article 112; days that are moved by
a decree of the year are not among them."""


@dataclass(frozen=True, slots=True)
class Template:
    """`title` and `about` by language; `part`: sections of the document with what they gain."""

    code: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    part: Part


def templates(today: date) -> tuple[Template, ...]:
    """All of them; calendars have the days of this year and the next."""
    return (*_PROMOTIONS, _holidays(today))


def with_template(document: Mapping[str, Any], template: Template) -> dict[str, Any]:
    """The document with the template's part put behind what is there.

    A promotion gets an id that is free; a calendar that is there already is left as it is.
    """
    filled: dict[str, Any] = copy.deepcopy(dict(document))
    for section, items in template.part.items():
        standing = filled.setdefault(section, [])
        codes = {one.get("code") for one in standing} - {None}
        for item in copy.deepcopy(items):
            if section == "promotions":
                item["id"] = _free(item["id"], {one["id"] for one in standing})
            if item.get("code") not in codes:
                standing.append(item)
    return filled


def _free(name: str, taken: Collection[str]) -> str:
    names = (f"{name}_{number}" for number in count(2))
    return next(one for one in chain([name], names) if one not in taken)


def _promotion(  # noqa: PLR0913 - the words of a template, all by name
    code: str, en: str, ru: str, about_en: str, about_ru: str, type_: str, /, **said: Any
) -> Template:
    more = {word: said.pop(word) for word in ("when", "limits") if word in said}
    item: dict[str, Any] = {"id": code, "name": ru, "type": type_, "params": said}
    title, about = {"en": en, "ru": ru}, {"en": about_en, "ru": about_ru}
    return Template(code, title, about, {"promotions": [item | {"enabled": False} | more]})


def _leaf(field: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "is": operator, "value": value, **more}


_PROMOTIONS = (
    _promotion(
        "double_for_two_equal",
        "Double points for two equal goods",
        "Двойные баллы за два одинаковых товара",
        "The whole receipt earns twice when one article stands in it twice or more.",
        "Весь чек приносит баллы вдвойне, если один товар взят дважды или больше.",
        "earn_multiplier",
        factor="2",
        when=_leaf("basket.of_one_kind", "at_least", "2"),
    ),
    _promotion(
        "double_for_positions",
        "Double points for several positions",
        "Двойные баллы за несколько позиций",
        "The receipt earns twice when it has so many lines of goods.",
        "Чек приносит баллы вдвойне, если в нём не меньше стольких позиций.",
        "earn_multiplier",
        factor="2",
        when=_leaf("basket.positions", "at_least", 5),
    ),
    _promotion(
        "double_for_goods",
        "Double points for several goods of a category",
        "Двойные баллы за несколько товаров категории",
        "The receipt earns twice when so many goods of the category are in it.",
        "Чек приносит баллы вдвойне, если в нём столько товаров категории.",
        "earn_multiplier",
        factor="2",
        when=_leaf("basket.quantity", "at_least", "3", goods={"categories": ["tea"]}),
    ),
    _promotion(
        "category_multiplier",
        "More points for a category",
        "Больше баллов за категорию",
        "Goods of the category earn three times as much.",
        "Товары категории приносят баллов втрое больше.",
        "earn_multiplier",
        factor="3",
        categories=["tea"],
    ),
    _promotion(
        "three_for_two",
        "Three for the price of two",
        "3 по цене 2",
        "Of each three units the cheapest is free.",
        "Из каждых трёх штук самая дешёвая бесплатно.",
        "each_nth",
        n=3,
        percent="100",
        categories=["tea"],
    ),
    _promotion(
        "second_at_half_price",
        "The second at half price",
        "Вторая за полцены",
        "Of each two equal articles one costs half.",
        "Из каждых двух одинаковых товаров один за половину цены.",
        "each_nth",
        n=2,
        percent="50",
        same=True,
        categories=["tea"],
    ),
    _promotion(
        "set_price",
        "A set at one price",
        "Набор по одной цене",
        "One of each part together cost the price of the set.",
        "По одному товару каждой части вместе стоят как набор.",
        "set_price",
        parts=[
            {"quantity": 1, "categories": ["tea"]},
            {"quantity": 1, "categories": ["sweets"]},
        ],
        price="500.00",
    ),
    _promotion(
        "accumulating",
        "Accumulating discount",
        "Накопительная скидка",
        "The percent grows with all that the member has spent so far.",
        "Процент растёт с суммой всех прежних покупок участника.",
        "scale_off",
        by="spend",
        steps=[
            {"from": "5000.00", "percent": "5"},
            {"from": "10000.00", "percent": "7"},
            {"from": "30000.00", "percent": "10"},
        ],
    ),
    _promotion(
        "happy_hours",
        "Happy hours",
        "Счастливые часы",
        "A percent off on working days in the middle of the day, by the clock of each shop.",
        "Скидка по будням в середине дня, по часам каждого магазина.",
        "percent_off",
        percent="10",
        when={
            "all": [
                _leaf("time.weekday", "between", [1, 5]),
                _leaf("time.of_day", "between", ["12:00", "16:00"]),
            ]
        },
    ),
    _promotion(
        "birthday_week",
        "Birthday week",
        "Неделя дня рождения",
        "A percent off around the birthday, once a year.",
        "Скидка вокруг дня рождения, раз в год.",
        "percent_off",
        percent="15",
        when=_leaf("member.days_to_birthday", "between", [-3, 3]),
        limits=[{"per": "member", "period": "year", "of": "uses", "most": "1"}],
    ),
    _promotion(
        "welcome",
        "Welcome points",
        "Приветственные баллы",
        "Points with the first purchase, once to a person.",
        "Баллы за первую покупку, один раз на человека.",
        "earn_points",
        points="200",
        life_days=60,
        when=_leaf("history.purchases", "is", 0),
        limits=[{"per": "member", "period": "ever", "of": "uses", "most": "1"}],
    ),
    _promotion(
        "code_from_sum",
        "Promo code from a sum on",
        "Промокод от суммы",
        "Money off for an entered code, from a sum before other discounts on.",
        "Скидка по введённому коду, от суммы до других скидок.",
        "sum_off",
        sum="300.00",
        when={
            "all": [
                _leaf("basket.coupons", "has_any", ["SPRING"]),
                _leaf("basket.amount", "at_least", "2000.00"),
            ]
        },
    ),
    _promotion(
        "gift_from_sum",
        "A gift from a sum on",
        "Подарок от суммы",
        "Goods are given when the receipt comes to so much.",
        "Товар в подарок, если чек достиг суммы.",
        "gift",
        sku="GIFT-1",
        name="Подарок",
        quantity=1,
        total_min="3000.00",
    ),
    _promotion(
        "free_delivery",
        "Free delivery from a sum on",
        "Бесплатная доставка от суммы",
        "The checkout is told of the privilege and takes nothing for delivery.",
        "Магазин узнаёт о привилегии и не берёт денег за доставку.",
        "benefit",
        code="free_delivery",
        name="Бесплатная доставка",
        total_min="2500.00",
    ),
    _promotion(
        "staff_price",
        "Price for staff",
        "Цена для сотрудников",
        "A percent off for members whose own attribute says so.",
        "Скидка для участников, у которых это сказано в их признаке.",
        "percent_off",
        percent="20",
        when=_leaf("member.attribute", "is", "true", name="staff"),
    ),
    Template(
        "tobacco_and_alcohol",
        {"en": "Tobacco and alcohol", "ru": "Табак и алкоголь"},
        {
            "en": "No discount, no points for tobacco; a least price for strong drinks."
            " The hub knows no law: confirm each word and price, and keep them up to date.",
            "ru": "На табак нет скидок и баллов; у крепких напитков минимальная цена."
            " Система не знает законов: проверьте каждое слово и цену и следите за ними.",
        },
        {
            "regulated": [
                {"class": "tobacco", "discount": False, "spend": False, "earn": False},
                {
                    "class": "alcohol",
                    "floor": [{"strength_from": "28", "of_volume_ml": 500, "price": "349.00"}],
                },
            ]
        },
    ),
)


def _holidays(today: date) -> Template:
    days = [
        date(year, month, day).isoformat()
        for year in (today.year, today.year + 1)
        for month, day in _HOLIDAYS
    ]
    name = {"en": "Public holidays", "ru": "Праздничные дни"}
    item = {
        "id": "holidays",
        "name": "Праздничная скидка",
        "type": "percent_off",
        "params": {"percent": "10"},
        "enabled": False,
        "when": _leaf("time.holiday", "has_any", ["holidays"]),
    }
    return Template(
        "holidays",
        name,
        {
            "en": "A calendar of Russia's public holidays, and a percent off on them.",
            "ru": "Календарь праздничных дней России и скидка в эти дни.",
        },
        {
            "calendars": [{"code": "holidays", "name": name["ru"], "days": days}],
            "promotions": [item],
        },
    )
