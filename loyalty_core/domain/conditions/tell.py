"""Conditions as sentences, in Russian and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loyalty_core.domain.conditions.tree import All, Leaf, Node, Not
from loyalty_core.domain.conditions.values import CLOCK, WITH_LISTS
from loyalty_core.domain.pricing.declare import words_of
from loyalty_core.domain.pricing.goods import Goods, fold

Names = Mapping[str, Mapping[str, str]]
"""What codes are called: by the word of the document or the field of a condition that they are
values of, and by the folded code.  One that is not there is called by itself."""
NO_NAMES: Names = {}
OPERATORS: Mapping[str, Mapping[str, str]] = {
    "is": {"en": "{0}", "ru": "{0}"},
    "is_not": {"en": "not {0}", "ru": "не {0}"},
    "in": {"en": "one of {0}", "ru": "одно из: {0}"},
    "not_in": {"en": "none of {0}", "ru": "кроме: {0}"},
    "at_least": {"en": "at least {0}", "ru": "не меньше {0}"},
    "at_most": {"en": "at most {0}", "ru": "не больше {0}"},
    "more_than": {"en": "more than {0}", "ru": "больше {0}"},
    "less_than": {"en": "less than {0}", "ru": "меньше {0}"},
    "between": {"en": "from {0} to {1}", "ru": "от {0} до {1}"},
    "has_any": {"en": "any of {0}", "ru": "что-то из: {0}"},
    "has_all": {"en": "all of {0}", "ru": "всё из: {0}"},
    "has_none": {"en": "none of {0}", "ru": "ничего из: {0}"},
    "is_known": {"en": "known", "ru": "известно"},
    "is_unknown": {"en": "not known", "ru": "неизвестно"},
}
_CLOCK = {
    "at_least": {"en": "from {0} on", "ru": "с {0}"},
    "less_than": {"en": "before {0}", "ru": "до {0}"},
    "between": {"en": "from {0} to {1}", "ru": "с {0} до {1}"},
}
_JOIN = {
    "all": {"en": " and ", "ru": " и "},
    "any": {"en": " or ", "ru": " или "},
}
_NOT = {"en": "not so: {0}", "ru": "не так: {0}"}
_TOLD_MOST = 10
"""Names of a longer list are not all told."""


def tell(node: Node, currency: str, locale: str, names: Names = NO_NAMES) -> str:
    """`Sum of goods: at least 1,000.00 ₽ and (Shop: main or Shop: mall)`."""
    if isinstance(node, Leaf):
        return _leaf(node, currency, locale, names)
    if isinstance(node, Not):
        return _NOT[locale].format(_within(node.node, currency, locale, names))
    join = _JOIN["all" if isinstance(node, All) else "any"][locale]
    return join.join(_within(one, currency, locale, names) for one in node.nodes)


def called(names: Names, word: str, code: str) -> str:
    """The name of a code that is the value of a word."""
    return names.get(word, {}).get(fold(code), code)


def _within(node: Node, currency: str, locale: str, names: Names) -> str:
    told = tell(node, currency, locale, names)
    return told if isinstance(node, Leaf) else f"({told})"


def _leaf(leaf: Leaf, currency: str, locale: str, names: Names) -> str:
    phrases = _CLOCK if leaf.field.kind is CLOCK else OPERATORS
    values = _values(leaf, currency, locale, names)
    title = leaf.field.titles[locale]
    details = _details(leaf, locale, names)
    return f"{title}{details}: {phrases[leaf.operator][locale].format(*values)}"


def _values(leaf: Leaf, currency: str, locale: str, names: Names) -> tuple[str, ...]:
    def told(value: Any) -> str:
        return called(names, leaf.field.name, leaf.field.kind.tell(value, currency, locale))

    if leaf.value is None:
        return ()
    if leaf.operator not in WITH_LISTS:
        return (told(leaf.value),)
    if leaf.operator == "between":
        return tuple(map(told, leaf.value))
    return (_list([told(value) for value in leaf.value]),)


def _details(leaf: Leaf, locale: str, names: Names) -> str:
    if leaf.details.name:
        return f" «{leaf.details.name}»"
    goods = leaf.details.goods
    if goods is None:
        return ""
    told = [
        f"{word.titles[locale].lower()}: {_list([called(names, word.key, one) for one in codes])}"
        for word, slot in words_of(Goods)
        if (said := getattr(goods, slot.name)) and said != slot.default
        for codes in [(said,) if isinstance(said, str) else said]
    ]
    return f" ({'; '.join(told)})" if told else ""


def _list(names: list[str]) -> str:
    rest = len(names) - _TOLD_MOST
    return ", ".join(names[:_TOLD_MOST]) + (f" … +{rest}" if rest > 0 else "")
