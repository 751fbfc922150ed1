"""What the values of choices are called where people read the document."""

from __future__ import annotations

from collections.abc import Mapping

_Words = Mapping[str, tuple[str, str]]
_CHOICES: tuple[_Words, ...] = (
    {
        "down": ("down", "вниз"),
        "half_up": ("to the nearest", "до ближайшего"),
        "none": ("none: to the hundredth", "без округления, до сотых"),
    },
    {
        "paid": ("what is paid with money", "от оплаченного деньгами"),
        "amount": ("the price before points", "от цены до списания баллов"),
        "paid_unless_spent": (
            "what is paid, and nothing where points were spent",
            "от оплаченного, а если списаны баллы — не начислять",
        ),
    },
    {"goods": ("goods", "товары"), "delivery": ("delivery", "доставка"), "fee": ("fees", "сборы")},
    {
        "clamp": ("no: the rest is forgiven", "нет: остаток прощается"),
        "allow": ("yes: the member owes them", "да: участник остаётся должен"),
    },
    {
        "spent": ("money spent", "сумме покупок"),
        "points": ("points earned", "начисленным баллам"),
        "purchases": ("number of purchases", "числу покупок"),
        "actions": ("number of actions", "числу действий"),
    },
    {
        "lifetime": ("all time", "всё время"),
        "days": ("the last days", "последние дни"),
        "month": ("a calendar month", "календарный месяц"),
        "quarter": ("a calendar quarter", "календарный квартал"),
        "year": ("a calendar year", "календарный год"),
    },
    {
        "reached": ("to the tier that is reached", "до заслуженного уровня"),
        "one_step": ("by one tier at a time", "по одному уровню"),
        "never": ("never", "никогда"),
    },
    {
        "next_receipt": ("the next receipt", "со следующего чека"),
        "this_receipt": ("the receipt that reaches it", "с того же чека"),
    },
    {"all": ("all of them", "все подряд"), "best": ("the best one", "самая выгодная")},
    {
        "promotion": ("everybody", "на всех"),
        "shop": ("each shop", "на каждый магазин"),
        "member": ("each member", "на каждого участника"),
    },
    {
        "ever": ("all time", "за всё время"),
        "day": ("a day", "за день"),
        "week": ("a week", "за неделю"),
        "month": ("a month", "за месяц"),
        "year": ("a year", "за год"),
    },
    {
        "uses": ("receipts", "чеки"),
        "money": ("money off", "сумму скидок"),
        "points": ("points", "баллы"),
    },
    {
        "left": ("the price after other discounts", "от цены после других скидок"),
        "amount": ("the price before discounts", "от цены до скидок"),
    },
    {"receipt": ("the receipt", "чек"), "unit": ("each unit", "каждую штуку")},
    {
        "receipt": ("the sum of the basket", "сумме корзины"),
        "spend": ("spent before", "накоплениям"),
    },
    {
        "with_goods": ("with the goods it was used on", "вместе с товаром"),
        "with_receipt": ("with the whole receipt", "с возвратом всего чека"),
        "never": ("never", "никогда"),
    },
    {
        "gift": ("gift", "подарок"),
        "privilege": ("privilege", "привилегия"),
        "service": ("service", "услуга"),
    },
)
_BY_NAMES: Mapping[tuple[str, ...], _Words] = {tuple(words): words for words in _CHOICES}


def told_choice(names: tuple[str, ...], name: str, locale: str) -> str:
    """A value of a choice among `names`, in "ru" or "en"; as it stands where nobody named it."""
    english, russian = _BY_NAMES.get(names, {}).get(name, (name, name))
    return russian if locale == "ru" else english
