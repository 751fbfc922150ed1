"""What a rule type declares, what it sees, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from loyalty_core.domain.pricing.goods import Goods, fold
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind, PurchaseLine
from loyalty_kit.frozen import frozen

if TYPE_CHECKING:
    from loyalty_core.domain.conditions.tree import Node

P = TypeVar("P")


class Stage(StrEnum):
    """The steps at which rules speak, in the order in which they run."""

    DISCOUNT = "discount"
    EXTRA = "extra"
    SPEND = "spend"
    BAR = "bar"
    EARN = "earn"
    ISSUE = "issue"


COMPETING = frozenset({Stage.DISCOUNT, Stage.SPEND, Stage.EARN})
"""Steps in which a lane with the mode `best` lets only the best apply."""


@frozen
class Off:
    """Money off: `total_minor`, to be allotted over `lines` (their positions).

    `weights`: in what proportion, and the most that each line takes; None: what is left of it.
    """

    total_minor: int
    lines: Sequence[int]
    weights: Sequence[int] | None = None


@frozen
class Share:
    """Each of `lines` may be paid with points up to `share_bp` of what is left of it."""

    share_bp: int
    lines: Sequence[int]


@frozen
class Multiply:
    """`lines` earn `factor` / 100 times what they earn by themselves."""

    factor: int
    lines: Sequence[int]


@frozen
class Points:
    """So many hundredths of a point, as they are, split over `lines` by `weights`."""

    points: int
    lines: Sequence[int]
    weights: Sequence[int]


@frozen
class Barred:
    """`lines` earn nothing."""

    lines: Sequence[int]


@frozen
class GiftGiven:
    """Goods that are given with the receipt."""

    sku: str
    name: str
    quantity_milli: int


@frozen
class BenefitGiven:
    """What is given and is no money: free delivery, a personal manager."""

    code: str
    name: str


@frozen
class CouponGiven:
    """A coupon of a series, the member's own."""

    series: str


Grant = Off | Share | Multiply | Points | Barred | GiftGiven | BenefitGiven | CouponGiven


@frozen
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

    `left_minor` is what each line still costs and moves while discounts are taken; `open` says
    which lines may be discounted, `by_law` which of them the law closed.  `base_minor` is what
    each line earns on, known in the last step.  `taken` names the promotion that has a line to
    itself in this lane.  `spent_minor` is what the member has spent so far; None: nobody is known.
    `known`: the buyer is a member; `used`: what others have consumed of limits (`limits.Used`).
    """

    __slots__ = (
        "_named",
        "base_minor",
        "by_law",
        "goods_minor",
        "known",
        "left_minor",
        "lines",
        "open",
        "spent_minor",
        "taken",
        "used",
    )

    def __init__(
        self,
        lines: Sequence[BasketLine | PurchaseLine],
        left_minor: list[int],
        open_: list[bool],
        spent_minor: int | None = None,
    ) -> None:
        self.known = False
        self.used: Mapping[tuple[str, str, str, str], int] = {}
        self.lines = lines
        self.left_minor = left_minor
        self.open = open_
        self.spent_minor = spent_minor
        self.base_minor: list[int] = []
        self.by_law: set[int] = set()
        self.taken: dict[int, str] = {}
        self.goods_minor = sum([line.amount_minor for line in lines if line.kind is LineKind.GOODS])
        self._named: dict[str, dict[str, list[int]]] = {}

    def named(self, kind: str) -> Mapping[str, Sequence[int]]:
        """Positions of the lines by their names of a kind (`goods.KINDS`)."""
        found = self._named.get(kind)
        if found is None:
            found = self._named[kind] = {}
            names_of = _NAMES_OF[kind]
            for position, line in enumerate(self.lines):
                for name in names_of(line):
                    having = found.setdefault(fold(name), [])
                    if not having or having[-1] != position:
                        having.append(position)
        return found

    def matching(self, goods: Goods) -> list[int]:
        """Positions of the lines that are meant, in order."""
        found: Iterable[int] = range(len(self.lines))
        for ask in goods.asks():
            having = self._having(ask)
            found = having if isinstance(found, range) else having.intersection(found)
        if goods.excepts:
            found = set(found) - self._having(goods.excepted)
        kinds = goods.kinds
        return [at for at in sorted(found) if self.lines[at].kind in kinds]

    def discountable(self, meant: Sequence[int]) -> list[int] | Refusal:
        """Of the lines that are meant, those that may be discounted, or why there are none."""
        if not meant:
            return Refusal("no_matching_lines")
        lines = [at for at in meant if self.open[at]]
        if lines:
            return self.not_taken(lines)
        return Refusal("regulated" if self.by_law.intersection(meant) else "not_discountable")

    def not_taken(self, lines: Sequence[int]) -> list[int] | Refusal:
        """Of some lines, those that no promotion of the lane has to itself, or which has them."""
        free = [at for at in lines if at not in self.taken]
        return free or Refusal("line_taken", {"by": self.taken[lines[0]]})

    def _having(self, names: Mapping[str, Sequence[str]]) -> set[int]:
        """Positions of the lines that have one of these names."""
        found: set[int] = set()
        for kind, some in names.items():
            named = self.named(kind) if some else {}
            for name in some:
                found.update(named.get(name, ()))
        return found


_NAMES_OF: Mapping[str, Callable[[BasketLine | PurchaseLine], Sequence[str]]] = {
    "category": lambda line: line.categories or (),
    "sku": lambda line: (line.sku,) if line.sku else (),
    "brand": lambda line: (line.brand,) if line.brand else (),
    "attribute": lambda line: line.attributes or (),
    "class": lambda line: (line.legal_class,) if line.legal_class else (),
}


@frozen
class RuleType(Generic[P]):
    """One rule type: everything about it stands in this one declaration.

    `params` is a declared dataclass (`declare.py`): parser, JSON Schema and form come from it.
    `found_by` gives the goods by any of which the plan finds the promotion, if it has any.
    `monotone`: in a basket without floors, a line or unit more never makes the whole cheaper,
    nor does it earn less; a promotion's own minimum (`total_min`) is the one step down.
    `applied` and `reasons` are sentences by language; the common reasons are in `sentences.py`.
    """

    code: str
    stage: Stage
    params: type[P]
    evaluate: Callable[[View, P], Grant | Refusal]
    titles: Mapping[str, str]
    applied: Mapping[str, str]
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    found_by: Callable[[P], Sequence[Goods]] = lambda params: (
        (params,) if isinstance(params, Goods) else ()
    )
    monotone: bool = False


AnyRuleType = RuleType[Any]
