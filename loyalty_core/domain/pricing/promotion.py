"""Promotions and their lanes, as the document tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from loyalty_core.domain.conditions.tell import tell
from loyalty_core.domain.conditions.tree import TREE, Node
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    INSTANT,
    NAME,
    JsonSchema,
    Kind,
    Misfit,
    choice,
    many,
    nested,
    optional,
    read_record,
    record_schema,
    whole,
    word,
)
from loyalty_core.domain.pricing.limits import LIMIT, Limit, check_limits
from loyalty_core.domain.pricing.rule_type import Stage
from loyalty_core.domain.pricing.rules import RULE_TYPES

BASE = "base"
"""Source of what the programme itself gives; so no promotion may be called that."""
MAIN = "main"
"""The lane that a programme has where its document names none."""
_MAIN_CALLED = {"en": "Main lane", "ru": "Основная полоса"}
_FORMER_TYPES = {"percent_off_category": "percent_off"}
"""Names that rule types had in documents that are published already."""

_TYPE = replace(choice(*RULE_TYPES), told=lambda code, locale: RULE_TYPES[code].titles[locale])


CONDITION: Kind[Node] = replace(TREE, told=lambda node, locale: tell(node, "", locale))
"""A tree that tells itself in words; the document does not know the money's currency."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Promotions of a lane all stack, or the best for the member wins.

    `once_per_line`: a line has at most one promotion of the lane.  `name` None: people read what
    it is `called`.
    """

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    mode: str = field(
        default="all",
        metadata=word("mode", choice("all", "best"), en="What applies", ru="Что действует"),
    )
    once_per_line: bool = field(
        default=False,
        metadata=word("once_per_line", FLAG, en="One for a line", ru="Не больше одной на строку"),
    )
    name: str | None = field(
        default=None, metadata=word("name", optional(NAME), en="Name", ru="Название")
    )

    def called(self, locale: str) -> str:
        """Its name; without one its code, or words for the one that all programmes begin with."""
        if self.name:
            return self.name
        return _MAIN_CALLED[locale] if self.code == MAIN else self.code


@dataclass(frozen=True, slots=True)
class Promotion:
    """A rule type with its parameters; `params` is the type's own dataclass.

    In force while starts_at <= now < ends_at; applies where `when` is met.
    """

    id: str = field(metadata=word("id", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    type: str = field(metadata=word("type", _TYPE, en="Rule type", ru="Тип правила"))
    params: object = field(
        metadata=word(
            "params",
            Kind(lambda value: value, lambda _: {"type": "object"}),
            en="Parameters",
            ru="Параметры",
        )
    )
    lane: str = field(default=MAIN, metadata=word("lane", CODE, en="Lane", ru="Полоса"))
    priority: int = field(
        default=0,
        metadata=word(
            "priority",
            whole(least=-1_000_000, most=1_000_000),
            en="Priority (smaller first)",
            ru="Приоритет (меньше — раньше)",
        ),
    )
    enabled: bool = field(
        default=True, metadata=word("enabled", FLAG, en="Switched on", ru="Включена")
    )
    starts_at: datetime | None = field(
        default=None, metadata=word("starts_at", optional(INSTANT), en="Starts", ru="Начало")
    )
    ends_at: datetime | None = field(
        default=None, metadata=word("ends_at", optional(INSTANT), en="Ends", ru="Конец")
    )
    when: Node | None = field(
        default=None, metadata=word("when", optional(CONDITION), en="Condition", ru="Условие")
    )
    limits: tuple[Limit, ...] = field(
        default=(),
        metadata=word("limits", many(LIMIT, most=20), en="Budgets and limits", ru="Лимиты"),
    )
    group: str | None = field(
        default=None,
        metadata=word(
            "group", optional(CODE), en="Exclusive group", ru="Группа взаимоисключающих акций"
        ),
    )
    never_with: tuple[str, ...] = field(
        default=(),
        metadata=word("never_with", many(CODE, most=1000), en="Never with", ru="Не вместе с"),
    )
    coupon: str | None = field(
        default=None,
        metadata=word(
            "coupon", optional(CODE), en="Only with a coupon of series", ru="Только с купоном серии"
        ),
    )


def _read_promotion(value: object) -> Promotion:
    if isinstance(value, Mapping) and value.get("type") in _FORMER_TYPES:
        value = {**value, "type": _FORMER_TYPES[value["type"]]}
    promotion = read_record(Promotion, value)
    if promotion.id == BASE:
        raise Misfit({"id": [f"must not be {BASE!r}"]})
    if promotion.starts_at and promotion.ends_at and promotion.starts_at >= promotion.ends_at:
        raise Misfit({"ends_at": ["must be later than starts_at"]})
    if RULE_TYPES[promotion.type].stage is Stage.ACCESS:
        _check_access(promotion)
    check_limits(promotion.limits, RULE_TYPES[promotion.type].stage)
    if promotion.coupon is not None and RULE_TYPES[promotion.type].stage is Stage.BAR:
        raise Misfit({"coupon": ["this type gives nothing for a coupon"]})
    try:
        params = read_record(RULE_TYPES[promotion.type].params, promotion.params)
    except Misfit as wrong:
        raise Misfit(nested("params", wrong.errors)) from None
    return replace(promotion, params=params)


def _check_access(promotion: Promotion) -> None:
    """Who may buy is said by the condition alone, and no promotion stands in for another."""
    errors = {} if promotion.when is not None else {"when": ["is required"]}
    apart = {"group": promotion.group, "never_with": promotion.never_with}
    errors |= {name: ["is not for this type"] for name, said in apart.items() if said}
    if errors:
        raise Misfit(errors)


def _promotion_schema(locale: str) -> JsonSchema:
    variants = []
    for rule in RULE_TYPES.values():
        variant = record_schema(Promotion, locale) | {"title": rule.titles[locale]}
        variant["properties"] |= {
            "type": {"const": rule.code},
            "params": record_schema(rule.params, locale),
        }
        variants.append(variant)
    return {"oneOf": variants}


PROMOTION: Kind[Promotion] = Kind(_read_promotion, _promotion_schema)


def odd_series(
    series: Sequence[CouponSeries], promotions: Sequence[Promotion]
) -> dict[str, list[str]]:
    """What does not fit of coupons, by its place in the document."""
    known = {None, *(one.code for one in series)}
    errors = {
        f"coupons.{index}.ends_at": ["must be later than starts_at"]
        for index, one in enumerate(series)
        if one.starts_at and one.ends_at and one.starts_at >= one.ends_at
    }
    for index, promotion in enumerate(promotions):
        if promotion.coupon not in known:
            errors[f"promotions.{index}.coupon"] = ["no such series of coupons"]
        if getattr(promotion.params, "series", None) not in known:
            errors[f"promotions.{index}.params.series"] = ["no such series of coupons"]
    return errors
