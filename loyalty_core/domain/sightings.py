"""One purchase that several systems saw: whose word counts, and what came back of it, told once
(`ledger.md` 24).  Pure, and independent of the order in which the sightings came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from loyalty_kit.events import PurchaseLine, Refund

DAYS_APART = timedelta(days=3)
"""Of two sightings of one thing at most."""
AT_ONCE = timedelta(minutes=15)
"""So far apart two systems may write down one return that both see happen."""


def word_that_counts(sources: Sequence[str], truths: Collection[tuple[str, str]]) -> int:
    """The place of the sighting whose word counts; `sources` stand in the order in which they
    came, `truths` are pairs (whose word wins, over whom).

    One that wins over another here and over which nobody here wins; else the first.
    """
    here = set(sources)
    standing = [(winner, over) for winner, over in truths if {winner, over} <= here]
    winners = {winner for winner, _ in standing} - {over for _, over in standing}
    return next((place for place, name in enumerate(sources) if name in winners), 0)


def same_lines(ones: Sequence[PurchaseLine], others: Sequence[PurchaseLine]) -> Mapping[str, str]:
    """Which line of `others` is which of `ones`, by id: the same article or the same money at
    least; a line that has no other is left out."""
    fits = sorted(
        (
            (_likeness(one, other), -place, -at)
            for place, one in enumerate(ones)
            for at, other in enumerate(others)
            if _likeness(one, other) > 1
        ),
        reverse=True,
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, place, at in fits:
        one, other = ones[-place].id, others[-at].id
        if one not in found and other not in taken:
            found[one] = other
            taken.add(other)
    return found


def _likeness(one: PurchaseLine, other: PurchaseLine) -> int:
    """Article before money before quantity; an id, which is each system's own, decides last."""
    same_sku = one.sku is not None and one.sku == other.sku
    same_sum = one.amount_minor == other.amount_minor or one.paid_minor == other.paid_minor
    same_quantity = one.quantity_milli == other.quantity_milli
    if not same_sku and not (same_sum and same_quantity):
        return 0
    return 8 * same_sku + 4 * same_sum + 2 * same_quantity + (one.id == other.id)


def in_lines_of(refund: Refund, named: Mapping[str, str]) -> Refund:
    """A refund that names lines of one sighting, in the lines of another; what has none there is
    money without lines."""
    parts = [
        part if part.id is None else replace(part, id=named[part.id])
        for part in refund.lines
        if part.id is None or part.id in named
    ]
    return replace(refund, lines=tuple(parts))


@dataclass(frozen=True, slots=True)
class ToldBack:
    """A refund as a system told it; `is_own`: in the words of the sighting that counts.
    `articles`: of the lines that it names, where all sightings tell them by the same names.
    """

    source: str
    refund: Refund
    is_own: bool
    articles: frozenset[str] = frozenset()


def articles_of(
    refund: Refund, lines: Sequence[PurchaseLine], common: Collection[str]
) -> frozenset[str]:
    """Of the lines that a refund names, in its own sighting's words; none where one of them is
    not among those that are `common` to all sightings."""
    told = {line.id: line.sku for line in lines}
    found = {part.sku or told.get(part.id or "") for part in refund.lines}
    return frozenset(one for one in found if one) if found <= set(common) else frozenset()


def common_articles(words: Sequence[Sequence[PurchaseLine]]) -> frozenset[str]:
    """Articles that all of these words have."""
    sold = [frozenset(line.sku for line in lines if line.sku) for lines in words]
    return frozenset.intersection(*sold)


def told_once(told: Sequence[ToldBack]) -> list[Refund]:
    """Each return once: those of different systems with equal sums, within three days, are one,
    unless they are known to be of different goods.

    Of one that several told, the word in the lines of the purchase that counts stands.
    """
    return [min(group, key=_worth).refund for group in _groups(told)]


def perhaps_two(told: Sequence[ToldBack], paid_minor: int) -> bool:
    """Whether what counts as one return may well have been two: their times are apart, nothing
    says that they are of the same goods, and of `paid_minor` there is enough for both."""
    groups = _groups(told)
    left = paid_minor - sum(group[0].refund.amount_minor for group in groups)
    return any(
        group[0].refund.amount_minor <= left
        and any(
            not one.articles & group[0].articles
            and one.refund.occurred_at - group[0].refund.occurred_at > AT_ONCE
            for one in group
        )
        for group in groups
    )


def _groups(told: Sequence[ToldBack]) -> list[list[ToldBack]]:
    groups: list[list[ToldBack]] = []
    for one in sorted(told, key=_moment):
        same = next((group for group in groups if _joins(one, group)), None)
        if same is None:
            groups.append([one])
        else:
            same.append(one)
    return groups


def _joins(one: ToldBack, group: Sequence[ToldBack]) -> bool:
    first = group[0].refund
    return (
        first.amount_minor == one.refund.amount_minor
        and one.refund.occurred_at - first.occurred_at <= DAYS_APART
        and all(other.source != one.source for other in group)
        and not any(_are_other_goods(one, other) for other in group)
    )


def _are_other_goods(one: ToldBack, other: ToldBack) -> bool:
    return bool(one.articles and other.articles) and one.articles.isdisjoint(other.articles)


def _moment(one: ToldBack) -> tuple[object, ...]:
    return one.refund.occurred_at, one.source, one.refund.external_id


def _worth(one: ToldBack) -> tuple[object, ...]:
    return not one.is_own, not one.refund.lines, *_moment(one)
