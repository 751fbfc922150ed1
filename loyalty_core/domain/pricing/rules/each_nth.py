"""Of each n units the cheapest costs less or nothing: 3 for 2, the second at half price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loyalty_core.domain.pricing.declare import FLAG, percent, whole, word
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.offered import Offered
from loyalty_core.domain.pricing.rule_type import Off, Refusal, RuleType, Stage, View
from loyalty_core.domain.pricing.units import by_price, units_of, with_units, worth_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Offered):
    """`same`: only units of one article make up the n."""

    n: int = field(
        metadata=word("n", whole(least=2, most=1000), en="Of each (units)", ru="Из каждых (штук)")
    )
    percent_bp: int = field(
        default=100_00,
        metadata=word("percent", percent(least=1), en="Percent off one", ru="Скидка на одну, %"),
    )
    same: bool = field(
        default=False,
        metadata=word("same", FLAG, en="Equal articles only", ru="Только одинаковые товары"),
    )


def evaluate(view: View, params: Params) -> Off | Refusal:
    """Of N units the N // n cheapest are counted; the sum is split over all N of them."""
    lines = params.discountable(view)
    if isinstance(lines, Refusal):
        return lines
    lines = with_units(view, lines)
    if not lines:
        return Refusal("no_whole_units")
    groups = _by_article(view, lines) if params.same else [lines]
    counted = [(group, _free(view, group, params.n)) for group in groups]
    counted = [(group, free) for group, free in counted if free]
    if not counted:
        most = max(sum(units_of(view, position) for position in group) for group in groups)
        return Refusal("too_few_units", {"units": str(params.n - most)})
    full_minor = sum(_cheapest(view, group, free) for group, free in counted)
    whole = [position for group, _ in counted for position in group]
    return Off(full_minor * params.percent_bp // 100_00, sorted(whole), _weights(view, counted))


def _by_article(view: View, lines: Sequence[int]) -> list[list[int]]:
    """A line without an article is one by itself."""
    groups: dict[str | int, list[int]] = {}
    for position in lines:
        sku = view.lines[position].sku
        groups.setdefault(fold(sku) if sku else position, []).append(position)
    return list(groups.values())


def _free(view: View, group: Sequence[int], n: int) -> int:
    return sum(units_of(view, position) for position in group) // n


def _cheapest(view: View, group: Sequence[int], free: int) -> int:
    """Kopecks that the `free` cheapest units of a group cost."""
    cost = 0
    for position in by_price(view, group):
        units = min(free, units_of(view, position))
        cost += worth_of(view, position, units)
        free -= units
        if not free:
            break
    return cost


def _weights(view: View, counted: Sequence[tuple[Sequence[int], int]]) -> list[int] | None:
    """Each article bears its own: as its free units are to all of its units."""
    if len(counted) == 1:
        return None
    weights: dict[int, int] = {}
    for group, free in counted:
        units = sum(units_of(view, position) for position in group)
        left = {position: view.left_minor[position] for position in group}
        weights |= {position: cost * free // units for position, cost in left.items()}
    return [weights[position] for position in sorted(weights)]


RULE = RuleType(
    code="each_nth",
    stage=Stage.DISCOUNT,
    params=Params,
    evaluate=evaluate,
    titles={"en": "Each n-th cheaper", "ru": "Каждая n-я дешевле"},
    applied={"en": "Discount of {discount}.", "ru": "Скидка {discount}."},
    reasons={
        "too_few_units": {
            "en": "Units of these goods that are missing: {units}.",
            "ru": "Не хватает штук этих товаров: {units}.",
        },
        "no_whole_units": {
            "en": "These goods are weighed, so they cannot be counted.",
            "ru": "Эти товары весовые, по штукам их не посчитать.",
        },
    },
    monotone=True,
)
