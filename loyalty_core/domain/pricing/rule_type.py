"""What a rule type declares, what it sees, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind, PurchaseLine

P = TypeVar("P")


class Stage(StrEnum):
    """The steps at which rules speak, in the order in which they run."""

    DISCOUNT = "discount"
    SPEND = "spend"
    EARN = "earn"


@dataclass(frozen=True, slots=True)
class Off:
    """Money off: `total_minor`, to be allotted over `lines` (their positions)."""

    total_minor: int
    lines: Sequence[int]


@dataclass(frozen=True, slots=True)
class Share:
    """Each of `lines` may be paid with points up to `share_bp` of what is left of it."""

    share_bp: int
    lines: Sequence[int]


@dataclass(frozen=True, slots=True)
class Multiply:
    """`lines` earn `factor` / 100 times what they earn by themselves."""

    factor: int
    lines: Sequence[int]


Grant = Off | Share | Multiply


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a promotion does nothing: a code and wire-ready facts, never a sentence.

    `missing_minor` is how far the basket is from it, where that is a sum of money.
    """

    reason: str
    facts: Mapping[str, str] = field(default_factory=dict)
    missing_minor: int | None = None


class View:
    """The lines as rules see them; built from a basket or from a purchase alike.

    `left_minor` is what each line still costs and moves while discounts are taken;
    `open` says which lines may be discounted and paid with points.
    """

    __slots__ = ("by_category", "goods_minor", "left_minor", "lines", "open")

    def __init__(
        self, lines: Sequence[BasketLine | PurchaseLine], left_minor: list[int], open_: list[bool]
    ) -> None:
        self.lines = lines
        self.left_minor = left_minor
        self.open = open_
        self.goods_minor = 0
        self.by_category: dict[str, list[int]] = {}
        for position, line in enumerate(lines):
            if line.kind is LineKind.GOODS:
                self.goods_minor += line.amount_minor
            for category in {name.strip().casefold() for name in line.categories or ()}:
                self.by_category.setdefault(category, []).append(position)

    def matching(self, categories: Sequence[str]) -> Sequence[int]:
        """Positions of the lines in any of the categories, in order; no categories: all."""
        if not categories:
            return range(len(self.lines))
        if len(categories) == 1:
            return self.by_category.get(categories[0], ())
        found: set[int] = set()
        for category in categories:
            found.update(self.by_category.get(category, ()))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class RuleType(Generic[P]):
    """One rule type: everything about it stands in this one declaration.

    `params` is a declared dataclass (`declare.py`): parser, JSON Schema and form come from it.
    `categories` names what the plan indexes a promotion by; () means that any line may match.
    `applied` and `reasons` are sentences by language; the common reasons are in `sentences.py`.
    """

    code: str
    stage: Stage
    params: type[P]
    evaluate: Callable[[View, P], Grant | Refusal]
    categories: Callable[[P], tuple[str, ...]]
    titles: Mapping[str, str]
    applied: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


AnyRuleType = RuleType[Any]
