"""What events earn that are no purchases: registration, review, visit, contest, mission.

Words of the rules document, and what a rule gives of what its limits leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.conditions.meet import compile_tree
from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.conditions.segments import OF_MEMBERS
from loyalty_core.domain.conditions.tree import Node
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    INSTANT,
    NAME,
    Kind,
    Misfit,
    decimal,
    many,
    optional,
    read_record,
    record_schema,
    text,
    whole,
    word,
)
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.limits import LIMIT, Limit, LimitName, check_limits
from loyalty_core.domain.pricing.rule_type import Stage

APPROVED = "approved"
STATES = ("pending", APPROVED, "rejected", "withdrawn")
"""Where an event stands with whoever moderates it; None: nobody does."""
MODERATED = frozenset({"review"})
"""Kinds that earn nothing until somebody has approved them."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """Points for events of a kind, as many as `limits` and `once_per_product` allow.

    In force while starts_at <= the event's time < ends_at.  None for the currency: the main
    one; for days: those of the currency.  `when` None: every member earns.
    """

    id: str = field(metadata=word("id", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    kind: str = field(
        metadata=word(
            "kind",
            text(longest=64, pattern="[a-z][a-z0-9_.-]*"),
            en="Kind of event",
            ru="Вид события",
        )
    )
    points: int = field(metadata=word("points", decimal(least=1), en="Points", ru="Баллов"))
    currency: str | None = field(
        default=None,
        metadata=word("currency", optional(CODE), en="Currency of points", ru="Валюта баллов"),
    )
    life_days: int | None = field(
        default=None,
        metadata=word(
            "life_days",
            optional(whole(least=1, most=36_500)),
            en="Days until they expire",
            ru="Срок жизни, дней",
        ),
    )
    activation_days: int | None = field(
        default=None,
        metadata=word(
            "activation_days",
            optional(whole(least=0, most=36_500)),
            en="Days until spendable",
            ru="Дней до активации",
        ),
    )
    once_per_product: bool = field(
        default=False,
        metadata=word(
            "once_per_product",
            FLAG,
            en="Once for a product and member",
            ru="Один раз за товар от участника",
        ),
    )
    limits: tuple[Limit, ...] = field(
        default=(),
        metadata=word("limits", many(LIMIT, most=20), en="Budgets and limits", ru="Лимиты"),
    )
    enabled: bool = field(
        default=True, metadata=word("enabled", FLAG, en="Switched on", ru="Включено")
    )
    starts_at: datetime | None = field(
        default=None, metadata=word("starts_at", optional(INSTANT), en="Starts", ru="Начало")
    )
    ends_at: datetime | None = field(
        default=None, metadata=word("ends_at", optional(INSTANT), en="Ends", ru="Конец")
    )
    when: Node | None = field(
        default=None,
        metadata=word("when", optional(OF_MEMBERS), en="Who earns", ru="Кому начислять"),
    )

    @property
    def source(self) -> str:
        """Its name among what earns."""
        return source_of(self.id)

    def stands(self, kind: str, moment: datetime) -> bool:
        return (
            self.enabled
            and self.kind == kind
            and (self.starts_at is None or self.starts_at <= moment)
            and (self.ends_at is None or moment < self.ends_at)
        )

    def is_for(self, scene: Scene) -> bool:
        """Whether its condition is met by the member of a scene."""
        return self.when is None or compile_tree(self.when, fold(self.id))(scene) is None

    def given(self, used: Mapping[LimitName, int]) -> int:
        """Points (hundredths) that one more event gets; 0 where a limit is used up."""
        left = [(one.of, one.most - used.get(one.name(self.source), 0)) for one in self.limits]
        if any(room <= 0 for _, room in left):
            return 0
        return min([self.points, *(room for of, room in left if of == "points")])


def source_of(rule_id: str) -> str:
    """A rule's name among what earns; no promotion can have it."""
    return f"event:{rule_id}"


def earns(kind: str, state: str | None) -> bool:
    """Whether an event in this state earns."""
    return state == APPROVED or (state is None and kind not in MODERATED)


def _read(value: object) -> EventRule:
    rule = read_record(EventRule, value)
    errors: dict[str, list[str]] = {}
    if rule.starts_at and rule.ends_at and rule.starts_at >= rule.ends_at:
        errors["ends_at"] = ["must be later than starts_at"]
    try:
        check_limits(rule.limits, Stage.EARN)
    except Misfit as wrong:
        errors |= wrong.errors
    for index, limit in enumerate(rule.limits):
        if limit.per == "shop":
            errors[f"limits.{index}.per"] = ["an event has no shop"]
    if errors:
        raise Misfit(errors)
    return rule


EVENT_RULE: Kind[EventRule] = Kind(_read, lambda locale: record_schema(EventRule, locale))
