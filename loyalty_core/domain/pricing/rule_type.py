"""What a rule type declares, what it sees, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from loyalty_core.domain.pricing.goods import Goods, fold
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind, PurchaseLine

if TYPE_CHECKING:
    from loyalty_core.domain.conditions.tree import Node

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

    `missing_minor` is how far the basket is from it, where that is a sum of money; `unmet` the
    node of the promotion's condition that is not met.
    """

    reason: str
    facts: Mapping[str, str] = field(default_factory=dict)
    missing_minor: int | None = None
    unmet: Node | None = None


class View:
    """The lines as rules see them; built from a basket or from a purchase alike.

    `left_minor` is what each line still costs and moves while discounts are taken;
    `open` says which lines may be discounted and paid with points.  `known`: the buyer is a
    member; `used`: what others have consumed of limits (`limits.Used`).
    """

    __slots__ = ("_named", "goods_minor", "known", "left_minor", "lines", "open", "used")

    def __init__(
        self, lines: Sequence[BasketLine | PurchaseLine], left_minor: list[int], open_: list[bool]
    ) -> None:
        self.known = False
        self.used: Mapping[tuple[str, str, str, str], int] = {}
        self.lines = lines
        self.left_minor = left_minor
        self.open = open_
        self.goods_minor = sum(line.amount_minor for line in lines if line.kind is LineKind.GOODS)
        self._named: dict[str, dict[str, list[int]]] = {}

    def named(self, kind: str) -> Mapping[str, Sequence[int]]:
        """Positions of the lines by their names of a kind (`goods.KINDS`)."""
        found = self._named.get(kind)
        if found is None:
            found = self._named[kind] = {}
            names_of = _NAMES_OF[kind]
            for position, line in enumerate(self.lines):
                for name in {fold(name) for name in names_of(line)}:
                    found.setdefault(name, []).append(position)
        return found

    def matching(self, goods: Goods) -> list[int]:
        """Positions of the lines that are meant, in order."""
        found = [at for at, line in enumerate(self.lines) if line.kind in goods.kinds]
        for ask in goods.asks():
            having = self._having(ask)
            found = [position for position in found if position in having]
        if found and goods.excepted:
            out = self._having(goods.excepted)
            found = [position for position in found if position not in out]
        return found

    def _having(self, names: Mapping[str, Sequence[str]]) -> set[int]:
        """Positions of the lines that have one of these names."""
        return {
            position
            for kind, some in names.items()
            if some
            for name in some
            for position in self.named(kind).get(name, ())
        }


_NAMES_OF: Mapping[str, Callable[[BasketLine | PurchaseLine], Sequence[str]]] = {
    "category": lambda line: line.categories or (),
    "sku": lambda line: (line.sku,) if line.sku else (),
    "brand": lambda line: (line.brand,) if line.brand else (),
    "attribute": lambda line: line.attributes or (),
    "class": lambda line: (line.legal_class,) if line.legal_class else (),
}


@dataclass(frozen=True, slots=True)
class RuleType(Generic[P]):
    """One rule type: everything about it stands in this one declaration.

    `params` is a declared dataclass (`declare.py`): parser, JSON Schema and form come from it.
    Where `params` are Goods, the plan finds the promotion by what they ask of a line.
    `applied` and `reasons` are sentences by language; the common reasons are in `sentences.py`.
    """

    code: str
    stage: Stage
    params: type[P]
    evaluate: Callable[[View, P], Grant | Refusal]
    titles: Mapping[str, str]
    applied: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


AnyRuleType = RuleType[Any]
