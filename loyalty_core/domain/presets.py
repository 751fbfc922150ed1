"""Whole programmes to begin with: the usual kinds, with sensible figures, as documents of rules.

A preset is data: the document of a plain programme with what is its own put over it, and a few
figures that the owner may set at once.  `rules.parse_rules` judges what comes out, as ever.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loyalty_core.domain.rules import default_rules

_NAMED = {"field": "member.known", "is": "is", "value": True}
_NO_POINTS = {
    "earning": {"percent": "0", "base": "paid", "kinds": ["goods"]},
    "spending": {"limit_percent": "0", "step": "1.00", "min": "0.00", "kinds": ["goods"]},
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that the owner may set: a percent from 0 to 100.  `path`: where it stands in the
    document."""

    code: str
    title: Mapping[str, str]
    path: tuple[str | int, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Preset:
    """`title` and `about` by language; `over`: sections of the document that are its own."""

    code: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    over: Mapping[str, Any]
    figures: tuple[Figure, ...]


def document_of(preset: Preset, figures: Mapping[str, str]) -> dict[str, Any]:
    """The rules of a preset, with the figures that were set; the others as they are."""
    document = copy.deepcopy({**default_rules(), **preset.over})
    for figure in preset.figures:
        place: Any = document
        for step in figure.path[:-1]:
            place = place[step]
        place[figure.path[-1]] = figures.get(figure.code, figure.value)
    return document


def _discount(number: str, percent: str, name: str, tier: str | None = None) -> dict[str, Any]:
    """A discount for members; of a tier, for those who are in it."""
    in_tier = {"field": "member.tier", "is": "is", "value": tier}
    return {
        "id": number,
        "name": name,
        "type": "percent_off",
        "params": {"percent": percent},
        "when": _NAMED if tier is None else in_tier,
    }


_EARN = Figure(
    "earn",
    {"en": "Points earned, % of the receipt", "ru": "Начислять баллами, % от чека"},
    ("earning", "percent"),
    "5",
)
_SPEND = Figure(
    "spend",
    {"en": "Payable with points, up to %", "ru": "Можно оплатить баллами, до %"},
    ("spending", "limit_percent"),
    "30",
)
_TIERS = (("base", "Базовый", "0.00"), ("silver", "Серебряный", "20000.00"))
_GOLD = ("gold", "Золотой", "60000.00")

PRESETS = (
    Preset(
        "bonus",
        {"en": "Bonus points", "ru": "Бонусная программа"},
        {
            "en": "A part of each receipt comes back as points, which pay for the next ones.",
            "ru": "Часть каждого чека возвращается баллами, ими платят за следующие покупки.",
        },
        {},
        (_EARN, _SPEND),
    ),
    Preset(
        "discount",
        {"en": "Discount by card", "ru": "Скидка по карте"},
        {
            "en": "Everybody who shows a card or names a phone pays less. No points.",
            "ru": "Кто показал карту или назвал телефон, платит меньше. Без баллов.",
        },
        {**_NO_POINTS, "promotions": [_discount("card", "5", "Скидка по карте")]},
        (
            Figure(
                "discount",
                {"en": "Discount, %", "ru": "Скидка, %"},
                ("promotions", 0, "params", "percent"),
                "5",
            ),
        ),
    ),
    Preset(
        "accumulating",
        {"en": "Accumulating discount", "ru": "Накопительная скидка"},
        {
            "en": "The discount grows with what a member has bought: from 20,000 and from 60,000.",
            "ru": "Скидка растёт с суммой покупок: от 20 000 и от 60 000.",
        },
        {
            **_NO_POINTS,
            "tiers": [
                {"code": code, "name": name, "spend_from": since}
                for code, name, since in (*_TIERS, _GOLD)
            ],
            "promotions": [
                _discount("first", "3", "Скидка по карте", "base"),
                _discount("silver", "5", "Серебряная скидка", "silver"),
                _discount("gold", "10", "Золотая скидка", "gold"),
            ],
        },
        tuple(
            Figure(
                code,
                {"en": f"{en}, %", "ru": f"{ru}, %"},
                ("promotions", place, "params", "percent"),
                value,
            )
            for place, (code, en, ru, value) in enumerate(
                (
                    ("first", "Discount from the first receipt", "Скидка с первого чека", "3"),
                    ("second", "From 20,000", "От 20 000", "5"),
                    ("third", "From 60,000", "От 60 000", "10"),
                )
            )
        ),
    ),
    Preset(
        "mixed",
        {"en": "Discount and points", "ru": "Скидка и баллы"},
        {
            "en": "A small discount at once, and points for the next time.",
            "ru": "Небольшая скидка сразу и баллы на следующий раз.",
        },
        {"promotions": [_discount("card", "3", "Скидка по карте")]},
        (
            Figure(
                "discount",
                {"en": "Discount, %", "ru": "Скидка, %"},
                ("promotions", 0, "params", "percent"),
                "3",
            ),
            Figure(_EARN.code, _EARN.title, _EARN.path, "3"),
            _SPEND,
        ),
    ),
    Preset(
        "club",
        {"en": "Club", "ru": "Клуб"},
        {
            "en": "Points for all, and a discount for those whom you take into the club.",
            "ru": "Баллы для всех и скидка для тех, кого вы приняли в клуб.",
        },
        {
            "clubs": [{"code": "club", "name": "Клуб"}],
            "promotions": [
                _discount("club", "10", "Скидка клуба")
                | {"when": {"field": "member.club", "is": "has_any", "value": ["club"]}}
            ],
        },
        (
            Figure(
                "discount",
                {"en": "Discount of the club, %", "ru": "Скидка клуба, %"},
                ("promotions", 0, "params", "percent"),
                "10",
            ),
            _EARN,
            _SPEND,
        ),
    ),
)


def preset_of(code: str) -> Preset | None:
    return next((one for one in PRESETS if one.code == code), None)
