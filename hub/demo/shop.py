"""The demo's shop: an invented tea and coffee shop, its catalogue and its rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loyalty_core.domain.rules import default_rules

CODE = "demo"
NAME = "Чайная лавка"
TIMEZONE = "Europe/Moscow"
ONLINE_SHOP = "online"
MARKET_SHOP = "market"
CONSENT_TEXTS = {
    "processing": "Согласен на обработку моих персональных данных для участия в программе.",
    "advertising": "Согласен получать рекламу выбранным способом.",
}
SHOPS: tuple[dict[str, Any], ...] = (
    {"code": MARKET_SHOP, "name": "Лавка на рынке"},
    {"code": ONLINE_SHOP, "name": "Интернет-магазин"},
)

CATEGORIES: tuple[tuple[str, str, str | None], ...] = (
    ("drinks", "Напитки", None),
    ("tea", "Чай", "drinks"),
    ("green-tea", "Зелёный чай", "tea"),
    ("black-tea", "Чёрный чай", "tea"),
    ("herbal-tea", "Травяной чай", "tea"),
    ("coffee", "Кофе", "drinks"),
    ("sweets", "Сладости", None),
    ("grocery", "Бакалея", None),
    ("cheese", "Сыры", None),
    ("ware", "Посуда", None),
)


@dataclass(frozen=True, slots=True)
class Item:
    """`price_minor` in kopecks for a piece, or for a kilogram of what is weighed."""

    sku: str
    name: str
    category: str
    price_minor: int
    weighed: bool = False


ITEMS: tuple[Item, ...] = (
    Item("TEA-101", "Сенча, 100 г", "green-tea", 390_00),
    Item("TEA-102", "Лунцзин, 50 г", "green-tea", 740_00),
    Item("TEA-103", "Жасминовый, 100 г", "green-tea", 420_00),
    Item("TEA-104", "Те Гуань Инь, 50 г", "green-tea", 560_00),
    Item("TEA-201", "Ассам, 100 г", "black-tea", 290_00),
    Item("TEA-202", "Эрл Грей, 100 г", "black-tea", 310_00),
    Item("TEA-203", "Дарджилинг, 100 г", "black-tea", 480_00),
    Item("TEA-204", "Пуэр, блин 357 г", "black-tea", 1850_00),
    Item("TEA-301", "Иван-чай, 100 г", "herbal-tea", 240_00),
    Item("TEA-302", "Облепиха с имбирём, 100 г", "herbal-tea", 270_00),
    Item("TEA-303", "Ромашка и мята, 50 г", "herbal-tea", 180_00),
    Item("COF-101", "Эфиопия Сидамо, зерно 250 г", "coffee", 690_00),
    Item("COF-102", "Бразилия Сантос, зерно 250 г", "coffee", 520_00),
    Item("COF-103", "Эспрессо-смесь, зерно 1 кг", "coffee", 1790_00),
    Item("COF-104", "Колумбия, молотый 250 г", "coffee", 560_00),
    Item("COF-105", "Без кофеина, молотый 250 г", "coffee", 610_00),
    Item("COF-106", "Дрип-пакеты, 10 шт.", "coffee", 450_00),
    Item("SWT-101", "Пастила яблочная", "sweets", 230_00),
    Item("SWT-102", "Пряник тульский", "sweets", 149_90),
    Item("SWT-103", "Халва подсолнечная", "sweets", 320_00, weighed=True),
    Item("SWT-104", "Шоколад горький 72 %", "sweets", 199_00),
    Item("SWT-105", "Мармелад", "sweets", 410_00, weighed=True),
    Item("SWT-106", "Варенье из шишек, 200 г", "sweets", 350_00),
    Item("SWT-107", "Зефир ванильный, 6 шт.", "sweets", 189_50),
    Item("SWT-108", "Финики", "sweets", 620_00, weighed=True),
    Item("GRO-101", "Мёд липовый, 500 г", "grocery", 540_00),
    Item("GRO-102", "Гречка, 800 г", "grocery", 119_90),
    Item("GRO-103", "Рис басмати, 1 кг", "grocery", 210_00),
    Item("GRO-104", "Оливковое масло, 500 мл", "grocery", 890_00),
    Item("GRO-105", "Овсяные хлопья, 500 г", "grocery", 95_00),
    Item("GRO-106", "Кедровый орех", "grocery", 2400_00, weighed=True),
    Item("GRO-107", "Сахар тростниковый, 500 г", "grocery", 185_00),
    Item("CHE-101", "Сыр Российский", "cheese", 790_00, weighed=True),
    Item("CHE-102", "Сулугуни", "cheese", 860_00, weighed=True),
    Item("CHE-103", "Брынза", "cheese", 640_00, weighed=True),
    Item("CHE-104", "Адыгейский, 300 г", "cheese", 330_00),
    Item("WAR-101", "Чайник заварочный, 600 мл", "ware", 1490_00),
    Item("WAR-102", "Пиала фарфоровая", "ware", 350_00),
    Item("WAR-103", "Турка медная, 300 мл", "ware", 2150_00),
    Item("WAR-104", "Френч-пресс, 350 мл", "ware", 1190_00),
)


def rules() -> dict[str, Any]:
    """5 % back, three tiers, and one promotion of each rule type."""
    document = default_rules(
        earn_percent="5",
        spend_limit_percent="30",
        rounding="down",
        activation_days=0,
        point_life_days=365,
        negative_balance="clamp",
    )
    document["tiers"] = [
        _tier("bronze", "Бронза", "0.00", None, None),
        _tier("silver", "Серебро", "8000.00", "7", None),
        _tier("gold", "Золото", "20000.00", "10", "40"),
    ]
    document["promotions"] = [
        _promotion(
            "p_sweets",
            "Сладкая неделя: −10 % на сладости от 1000 ₽",
            "percent_off",
            {"percent": "10", "categories": ["sweets"], "total_min": "1000.00"},
        ),
        _promotion(
            "p_coffee",
            "Двойные баллы за кофе",
            "earn_multiplier",
            {"factor": "2", "categories": ["coffee"]},
        ),
        _promotion(
            "p_tea",
            "Чай — баллами до половины",
            "spend_share",
            {"percent": "50", "categories": ["tea"]},
        ),
    ]
    return document


def _tier(
    code: str, name: str, spend_from: str, earn: str | None, spend_limit: str | None
) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "spend_from": spend_from,
        "earn_percent": earn,
        "spend_limit_percent": spend_limit,
    }


def _promotion(code: str, name: str, kind: str, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": code,
        "name": name,
        "type": kind,
        "lane": "main",
        "priority": 0,
        "enabled": True,
        "starts_at": None,
        "ends_at": None,
        "params": params,
    }
