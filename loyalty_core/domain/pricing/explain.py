"""Which promotions an answer tells of, and in what words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Literal

from loyalty_core.domain.conditions.tell import tell
from loyalty_core.domain.coupon_codes import normal
from loyalty_core.domain.pricing.access import EXCLUSIVE
from loyalty_core.domain.pricing.basket import Outcome, PricedBasket
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.plan import Compiled
from loyalty_core.domain.pricing.rule_type import Refusal
from loyalty_core.domain.pricing.sentences import (
    applied_text,
    known_locale,
    reason_text,
    refused_text,
)
from loyalty_kit.checkout import CodeAnswer, Explanation

Mode = Literal["short", "all", "full"]
NEAREST = 3


def explain(
    priced: PricedBasket, mode: Mode = "short", entered: Collection[str] = ()
) -> tuple[Explanation, ...]:
    """Promotions with their reasons and sentences, in the order in which they run.

    `short`: those that applied, those that keep goods from the buyer, those in `entered` (ids of
    promotions that entered codes belong to), and the three nearest misses among those in force:
    by the missing sum where there is one, then by order.  `all` and `full`: every promotion of
    the rule set.
    """
    matched = {outcome.promotion.order: outcome for outcome in priced.outcomes}
    if mode != "short":
        chosen = [_outcome(one, matched, priced) for one in priced.plan.promotions]
    else:
        chosen = _short(matched, priced, entered)
    return tuple(_told(outcome, priced) for outcome in chosen)


def _short(
    matched: dict[int, Outcome], priced: PricedBasket, entered: Collection[str]
) -> list[Outcome]:
    chosen = {order: outcome for order, outcome in matched.items() if _always_told(outcome)}
    if entered:
        for one in priced.plan.promotions:
            if one.promotion.id in entered:
                chosen[one.order] = _outcome(one, matched, priced)
    misses = _misses(matched, priced)
    for outcome in islice((miss for miss in misses if miss.promotion.order not in chosen), NEAREST):
        chosen[outcome.promotion.order] = outcome
    return [chosen[order] for order in sorted(chosen)]


def _always_told(outcome: Outcome) -> bool:
    return outcome.refusal is None or outcome.refusal.reason == EXCLUSIVE


def _misses(matched: dict[int, Outcome], priced: PricedBasket) -> Iterator[Outcome]:
    """Refused promotions that are in force, the nearest first; lazily, for there may be many."""
    near = [
        (outcome.refusal.missing_minor, order, outcome)
        for order, outcome in matched.items()
        if outcome.refusal and outcome.refusal.missing_minor is not None
    ]
    yield from (outcome for _, _, outcome in sorted(near, key=lambda miss: miss[:2]))
    told = {order for _, order, _ in near}
    yield from _others(
        (one for one in priced.plan.promotions if one.order not in told), matched, priced
    )


def _others(
    promotions: Iterable[Compiled], matched: dict[int, Outcome], priced: PricedBasket
) -> Iterator[Outcome]:
    for one in promotions:
        outcome = _outcome(one, matched, priced)
        if outcome.refusal and one.standing(priced.now) is None:
            yield outcome


def _outcome(one: Compiled, matched: dict[int, Outcome], priced: PricedBasket) -> Outcome:
    found = matched.get(one.order)
    if found is not None:
        return found
    refusal = one.standing(priced.now) or one.shut or Refusal("no_matching_lines")
    return Outcome(one, refusal, refusal.facts)


def _told(outcome: Outcome, priced: PricedBasket) -> Explanation:
    locale = known_locale(priced.request.locale)
    currency = priced.request.currency
    promotion, rule = outcome.promotion.promotion, outcome.promotion.rule
    refusal = outcome.refusal
    if refusal is None:
        text = applied_text(rule, outcome.facts, currency, locale)
    else:
        text = refusal_text(outcome, refusal, currency, locale)
    return Explanation(
        promotion=promotion.id,
        name=promotion.name,
        applied=refusal is None,
        reason=refusal.reason if refusal else None,
        facts=outcome.facts,
        text=text,
    )


def promotions_of_codes(priced: PricedBasket) -> frozenset[str]:
    """Ids of the promotions that want one of the entered codes."""
    return frozenset(
        one.promotion.id for code in priced.request.coupons for one in _wanting(code, priced)
    )


def _wanting(code: str, priced: PricedBasket) -> tuple[Compiled, ...]:
    """Promotions that an entered code is for: by the document's own word, or by its coupon."""
    named = priced.plan.codes.get(fold(code))
    if named is not None or not priced.coupons.series:
        return named or ()
    series = priced.coupons.series.get(normal(code))
    return () if series is None else priced.plan.by_coupon.get(series, ())


def code_answers(priced: PricedBasket) -> tuple[CodeAnswer, ...]:
    """What became of each entered code: a code is applied if a promotion that wants it is.

    Else the reason is that of its first promotion in order.
    """
    matched = {outcome.promotion.order: outcome for outcome in priced.outcomes}
    return tuple(_code_answer(code, matched, priced) for code in priced.request.coupons)


def _code_answer(code: str, matched: dict[int, Outcome], priced: PricedBasket) -> CodeAnswer:
    locale, currency = known_locale(priced.request.locale), priced.request.currency
    wanting = _wanting(code, priced)
    refusal = None
    if fold(code) not in priced.plan.codes:
        refusal = priced.coupons.refusals.get(normal(code))
    if refusal is not None:
        text = reason_text(refusal.reason, refusal.facts, currency, locale)
        return CodeAnswer(code, "rejected", refusal.reason, text)
    if not wanting:
        return CodeAnswer(code, "rejected", "unknown_code")
    outcomes = [_outcome(one, matched, priced) for one in wanting]
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    if len(refusals) < len(outcomes):
        return CodeAnswer(code, "applied")
    text = refusal_text(outcomes[0], refusals[0], currency, locale)
    return CodeAnswer(code, "rejected", refusals[0].reason, text)


def refusal_text(outcome: Outcome, refusal: Refusal, currency: str, locale: str) -> str:
    """The sentence of a promotion that did nothing."""
    facts = dict(refusal.facts)
    if refusal.unmet is not None:
        facts["condition"] = tell(refusal.unmet, currency, locale)
    return refused_text(outcome.promotion.rule, refusal.reason, facts, currency, locale)
