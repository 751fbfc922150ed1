"""Sentences for people: why a promotion did or did not apply, and how a line got its price.

Codes and facts come in; the language is known only here.  A rule type brings its own
sentences in its declaration, the common ones stand in this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from loyalty_core.domain.pricing.rule_type import AnyRuleType
from loyalty_kit.checkout import PricedLine
from loyalty_kit.money import format_decimal

LOCALES = ("ru", "en")
NBSP = "\u00a0"
SIGNS = {"RUB": "₽"}

MONEY_FACTS = frozenset({"discount", "missing"})
COUNT_FACTS = frozenset({"percent", "points"})
TIME_FACTS = frozenset({"starts_at", "ends_at"})

REASONS: Mapping[str, Mapping[str, str]] = {
    "disabled": {
        "en": "The promotion is switched off.",
        "ru": "Акция выключена.",
    },
    "not_started": {
        "en": "The promotion starts on {starts_at}.",
        "ru": "Акция начнётся {starts_at}.",
    },
    "ended": {
        "en": "The promotion ended on {ends_at}.",
        "ru": "Акция закончилась {ends_at}.",
    },
    "condition_not_met": {
        "en": "The condition is not met: {condition}.",
        "ru": "Не выполнено условие: {condition}.",
    },
    "no_matching_lines": {
        "en": "There are no goods of this promotion in the basket.",
        "ru": "В корзине нет товаров этой акции.",
    },
    "total_below_minimum": {
        "en": "Goods for {missing} more are needed.",
        "ru": "Не хватает товаров на {missing}.",
    },
    "not_discountable": {
        "en": "The goods of this promotion cannot be discounted.",
        "ru": "На товары этой акции скидки не действуют.",
    },
    "regulated": {
        "en": "The law allows no discount on these goods.",
        "ru": "Закон не разрешает скидки на эти товары.",
    },
    "nothing_left": {
        "en": "The goods of this promotion are at their lowest price already.",
        "ru": "Цена товаров этой акции уже снижена до предела.",
    },
    "rounded_away": {
        "en": "The discount is too small: nothing is left of it after rounding.",
        "ru": "Скидка слишком мала: после округления от неё ничего не осталось.",
    },
    "line_taken": {
        "en": "Another promotion has these goods: {by}.",
        "ru": "Эти товары уже участвуют в другой акции: {by}.",
    },
    "group_taken": {
        "en": "Another promotion of its group has applied: {by}.",
        "ru": "Уже действует другая акция этой группы: {by}.",
    },
    "never_with": {
        "en": "It does not apply together with: {by}.",
        "ru": "Не действует вместе с акцией: {by}.",
    },
    "nothing_earned": {
        "en": "These goods earn no points.",
        "ru": "За эти товары баллы не начисляются.",
    },
    "beaten_in_lane": {
        "en": "Another promotion gives more: {by}.",
        "ru": "Выгоднее другая акция: {by}.",
    },
    "coupon_needed": {
        "en": "A coupon is needed.",
        "ru": "Нужен купон.",
    },
    "unknown_code": {
        "en": "There is no such code.",
        "ru": "Такого кода нет.",
    },
    "coupon_mistyped": {
        "en": "There is a mistake in the code: check each character.",
        "ru": "В коде ошибка: проверьте каждый знак.",
    },
    "coupon_used": {
        "en": "The coupon has been used.",
        "ru": "Купон уже использован.",
    },
    "coupon_expired": {
        "en": "The coupon ended on {ends_at}.",
        "ru": "Срок купона закончился {ends_at}.",
    },
    "coupon_not_started": {
        "en": "The coupon is good from {starts_at}.",
        "ru": "Купон начнёт действовать {starts_at}.",
    },
    "coupon_blocked": {
        "en": "The coupon is blocked.",
        "ru": "Купон заблокирован.",
    },
    "coupon_withdrawn": {
        "en": "The purchase that this coupon came with was returned.",
        "ru": "Покупка, за которую дали этот купон, возвращена.",
    },
    "coupon_of_another": {
        "en": "The coupon is another member's.",
        "ru": "Это купон другого участника.",
    },
    "coupon_beside_another": {
        "en": "A receipt takes one coupon of this kind.",
        "ru": "На один чек действует один такой купон.",
    },
    "coupon_without_promotion": {
        "en": "There is no promotion for this coupon now.",
        "ru": "Сейчас нет акции для этого купона.",
    },
    "certificate_mistyped": {
        "en": "There is a mistake in the code: check each character.",
        "ru": "В коде ошибка: проверьте каждый знак.",
    },
    "certificate_issued": {
        "en": "The certificate has not been paid for yet.",
        "ru": "Сертификат ещё не оплачен.",
    },
    "certificate_blocked": {
        "en": "The certificate is blocked.",
        "ru": "Сертификат заблокирован.",
    },
    "certificate_void": {
        "en": "The purchase of this certificate was returned.",
        "ru": "Покупка этого сертификата возвращена.",
    },
    "certificate_expired": {
        "en": "The certificate ended on {ends_at}.",
        "ru": "Срок сертификата закончился {ends_at}.",
    },
    "certificate_spent": {
        "en": "There is no money left on the certificate.",
        "ru": "На сертификате не осталось денег.",
    },
    "certificate_needs_member": {
        "en": "The certificate is a member's own: it is not known who is buying.",
        "ru": "Сертификат именной, а покупатель не назван.",
    },
    "certificate_of_another": {
        "en": "The certificate is another member's.",
        "ru": "Это сертификат другого участника.",
    },
    "certificate_other_goods": {
        "en": "The basket has none of the goods that the certificate is for.",
        "ru": "В корзине нет товаров, за которые можно платить этим сертификатом.",
    },
    "certificate_not_needed": {
        "en": "Everything is paid already.",
        "ru": "Всё уже оплачено.",
    },
    "too_many_attempts": {
        "en": "Too many wrong codes: try again later.",
        "ru": "Слишком много неверных кодов: попробуйте позже.",
    },
    "member_unknown": {
        "en": "The goods are each member's own: it is not known who is buying.",
        "ru": "Товары акции у каждого участника свои, а покупатель не назван.",
    },
    "limit_reached": {
        "en": "The limit of the promotion is used up: {of} {per} {period}.",
        "ru": "Лимит акции исчерпан: {of} {per} {period}.",
    },
    "member_required": {
        "en": "The promotion is for members: it is not known who is buying.",
        "ru": "Акция для участников программы, а покупатель не назван.",
    },
}

LIMIT_WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "of": {
        "uses": {"en": "uses", "ru": "число применений"},
        "money": {"en": "money", "ru": "сумма скидок"},
        "points": {"en": "points", "ru": "баллы"},
    },
    "per": {
        "promotion": {"en": "for everybody", "ru": "на всех"},
        "shop": {"en": "in this shop", "ru": "в этом магазине"},
        "member": {"en": "for this member", "ru": "на участника"},
    },
    "period": {
        "ever": {"en": "over all time", "ru": "за всё время"},
        "day": {"en": "today", "ru": "за сегодня"},
        "week": {"en": "this week", "ru": "за эту неделю"},
        "month": {"en": "this month", "ru": "за этот месяц"},
        "year": {"en": "this year", "ru": "за этот год"},
    },
}

TRACE: Mapping[str, Mapping[str, str]] = {
    "amount": {"en": "Amount {money}", "ru": "Стоимость {money}"},
    "discount": {"en": "{name}: −{money}", "ru": "{name}: −{money}"},
    "spend": {"en": "Paid with points: −{money}", "ru": "Оплата баллами: −{money}"},
    "payable": {"en": "To pay {money}", "ru": "К оплате {money}"},
    "earn": {"en": "Points earned: {points}", "ru": "Начисление баллов: {points}"},
}


def known_locale(locale: str) -> str:
    """The language of ours that fits "ru-RU", "en_GB", ...; English for all others."""
    language = locale[:2].lower()
    return language if language in LOCALES else "en"


def money(minor: int, currency: str, locale: str) -> str:
    """1350.00 roubles as "1 350,00 ₽" or "1,350.00 ₽"."""
    return _money(format_decimal(minor), currency, locale)


def applied_text(rule: AnyRuleType, facts: Mapping[str, str], currency: str, locale: str) -> str:
    return rule.applied[locale].format_map(_told(facts, currency, locale))


def refused_text(
    rule: AnyRuleType, reason: str, facts: Mapping[str, str], currency: str, locale: str
) -> str:
    sentences = rule.reasons.get(reason) or REASONS[reason]
    return sentences[locale].format_map(_told(facts, currency, locale))


def reason_text(reason: str, facts: Mapping[str, str], currency: str, locale: str) -> str:
    """The sentence of a reason that no rule type has of its own."""
    return REASONS[reason][locale].format_map(_told(facts, currency, locale))


def trace_of(line: PricedLine, currency: str, locale: str) -> tuple[str, ...]:
    """The way of a line's price, step by step."""
    told = [TRACE["amount"][locale].format(money=money(line.amount_minor, currency, locale))]
    told += [
        TRACE["discount"][locale].format(
            name=discount.name, money=money(discount.amount_minor, currency, locale)
        )
        for discount in line.discounts
    ]
    if line.spend_minor:
        told.append(TRACE["spend"][locale].format(money=money(line.spend_minor, currency, locale)))
    told.append(TRACE["payable"][locale].format(money=money(line.payable_minor, currency, locale)))
    if line.earn_points:
        points = _count(format_decimal(line.earn_points), locale)
        told.append(TRACE["earn"][locale].format(points=points))
    return tuple(told)


def _told(facts: Mapping[str, str], currency: str, locale: str) -> dict[str, str]:
    return {name: _fact(name, value, currency, locale) for name, value in facts.items()}


def _fact(name: str, value: str, currency: str, locale: str) -> str:
    if name in MONEY_FACTS:
        return _money(value, currency, locale)
    if name in COUNT_FACTS:
        return _count(value, locale)
    if name in TIME_FACTS:
        moment = datetime.fromisoformat(value)
        return moment.strftime("%d.%m.%Y %H:%M" if locale == "ru" else "%Y-%m-%d %H:%M")
    if name in LIMIT_WORDS:
        return LIMIT_WORDS[name][value][locale]
    return value


def _money(value: str, currency: str, locale: str) -> str:
    whole, fraction = value.split(".")
    grouped = f"{int(whole):,}"
    point = "."
    if locale == "ru":
        grouped, point = grouped.replace(",", NBSP), ","
    return f"{grouped}{point}{fraction}{NBSP}{SIGNS.get(currency, currency)}".rstrip(NBSP)


def _count(value: str, locale: str) -> str:
    short = value.removesuffix(".00")
    return short.replace(".", ",") if locale == "ru" else short
