"""`price_basket`: discounts, then points written off, then points earned.

The algorithm in prose, its rounding and its guarantees: `docs/pricing.md`.  The two change
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.pricing.access import keep_from, marked
from loyalty_core.domain.pricing.allot import (
    floor_of,
    in_two,
    lift,
    line_at,
    points_for,
    unit_price,
)
from loyalty_core.domain.pricing.basket import MemberFacts, Outcome, PricedBasket
from loyalty_core.domain.pricing.bonus import Bonus
from loyalty_core.domain.pricing.discounts import Discounts
from loyalty_core.domain.pricing.earning import (
    Earned,
    bases,
    earn,
    goods_of,
    own_goods,
    scene_of,
)
from loyalty_core.domain.pricing.extras import Extras
from loyalty_core.domain.pricing.issues import Issues
from loyalty_core.domain.pricing.lanes import Exclusions, run_lanes
from loyalty_core.domain.pricing.limits import Effect, gathered
from loyalty_core.domain.pricing.member_offers import quoted_offers
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.regulated import (
    Regulated,
    lawful_floor,
    least_paid,
    tables_for,
)
from loyalty_core.domain.pricing.rule_type import Refusal, Stage, View
from loyalty_core.domain.pricing.sentences import known_locale, trace_of
from loyalty_core.domain.pricing.spending import (
    Limits,
    Shares,
    limits_of,
    payable_with_points,
    spend_bounds,
    wanted_points,
    write_off,
)
from loyalty_kit.checkout import (
    BasketLine,
    Benefit,
    EarnedOther,
    LinePart,
    PointsOffer,
    PricedLine,
    QuoteRequest,
    Totals,
)
from loyalty_kit.money import format_decimal

Came = dict[int, tuple[Compiled, Refusal | None]]


@dataclass(slots=True)
class _WriteOff:
    """What the second step came to: the offer, and kopecks paid with points by line."""

    offer: PointsOffer
    by_line: list[int]
    shares: Shares
    came: Came


def price_basket(
    request: QuoteRequest, plan: Plan, facts: MemberFacts, now: datetime
) -> PricedBasket:
    """Price a basket and account for every promotion that it matches.

    Pure: the same arguments give the same answer.  The order of the promotions in the document
    does not matter; that of the lines decides only where a last kopeck falls.
    """
    view = View(
        request.lines,
        [line.amount_minor for line in request.lines],
        [line.discountable for line in request.lines],
        facts.spent_minor if facts.known else None,
    )
    view.known, view.used, view.personal = facts.known, facts.used, own_goods(facts)
    scene = scene_of(view, plan, facts, now)
    tables = tables_for(view, plan.law, now)
    may_pay = _heed(view, tables)
    discounts = Discounts(view, _rooms(view, request.lines, plan, tables, facts.place.shop))
    exclusions = Exclusions()
    candidates = plan.index.matching(view, scene)
    came: Came
    came, barred = keep_from(candidates.get(Stage.ACCESS, ()), view, scene)
    came |= run_lanes(candidates.get(Stage.DISCOUNT, ()), discounts, scene, exclusions)
    extras = Extras(view)
    came |= run_lanes(candidates.get(Stage.EXTRA, ()), extras, scene, exclusions)
    paid = _pay_with_points(
        request, discounts, may_pay, plan, facts, scene, candidates.get(Stage.SPEND, ())
    )
    payable = [left - spend for left, spend in zip(view.left_minor, paid.by_line, strict=True)]
    if request.line_prices == "unit":
        _keep_to_unit_prices(payable, discounts, paid)
    points_spent = points_for(sum(paid.by_line), plan.main.value_minor)
    base_minor = bases(view, payable, paid.by_line, plan, spent=points_spent > 0)
    if facts.measured is not None:
        goods = goods_of(request.lines, payable)
        scene.tier = plan.tier_reached(facts.tier, facts.measured, goods)
    earned = earn(view, base_minor, plan, scene, candidates)
    issues = Issues(view, plan)
    came |= run_lanes(candidates.get(Stage.ISSUE, ()), issues, scene)
    lines = _lines(request, discounts, paid, payable, earned)
    if request.split_lines:
        lines = _split(lines, request)
    if request.explain == "full":
        lines = _traced(lines, request)
    if barred:
        lines = marked(lines, barred)
    came |= paid.came
    came |= earned.came
    return PricedBasket(
        lines=lines,
        totals=_totals(view, paid.by_line, payable),
        points=_offer(paid.offer, earned, points_spent, plan),
        earned=earned.awards,
        outcomes=_outcomes(came, discounts, extras.facts | issues.facts, paid.shares, earned),
        gifts=tuple(extras.gifts),
        benefits=(*_of_tier(plan, facts.tier), *extras.benefits, *issues.benefits),
        request=request,
        plan=plan,
        now=now,
        effects=_effects(
            lines, paid.shares, [*extras.given, *(one for one, _ in issues.given)], earned, plan
        )
        if plan.counted
        else (),
        issued=tuple(one for one, _ in issues.given),
        coupons=facts.coupons,
        offers=quoted_offers(plan, scene) if plan.for_members and facts.verified else (),
    )


def _heed(view: View, tables: Mapping[int, Sequence[Regulated]]) -> list[bool]:
    """Close the lines that the law lets not be discounted; which lines points may pay."""
    if not tables:
        return view.open
    may_pay = list(view.open)
    for position, some in tables.items():
        if not all(table.discount for table in some):
            view.open[position] = False
            view.by_law.add(position)
        may_pay[position] &= all(table.spend for table in some)
    return may_pay


def _rooms(
    view: View,
    lines: Sequence[BasketLine],
    plan: Plan,
    tables: Mapping[int, Sequence[Regulated]],
    shop: str | None,
) -> list[int]:
    """How far each line may fall until it reaches its floor, the highest of all that hold."""
    floors = [
        floor_of(line.amount_minor, line.min_price_minor, line.quantity_milli)
        if line.min_price_minor
        else 0
        for line in lines
    ]
    for position, some in tables.items():
        floors[position] = max(floors[position], lawful_floor(lines[position], some))
    if plan.rules.policies.min_paid:
        paid = least_paid(view, plan.rules.policies.min_paid, shop)
        for position, least in paid.items():
            floors[position] = max(floors[position], least)
    return [
        line.amount_minor - floor if line.discountable else 0
        for line, floor in zip(lines, floors, strict=True)
    ]


def _pay_with_points(  # noqa: PLR0913 - the step's own words
    request: QuoteRequest,
    discounts: Discounts,
    may_pay: list[bool],
    plan: Plan,
    facts: MemberFacts,
    scene: Scene,
    candidates: Sequence[Compiled],
) -> _WriteOff:
    view, spending = discounts.view, plan.rules.spending
    shares = Shares(view, payable_with_points(view, spending, may_pay))
    came: Came
    if facts.may_spend:
        came = run_lanes(candidates, shares, scene)
        limits = limits_of(shares, discounts.room_minor, plan.spend_limit_bp(facts.tier))
    else:
        closed = Refusal("may_not_spend")
        came = {one.order: (one, one.closed(scene) or closed) for one in candidates}
        limits = Limits((), (), 0)
    least, most = spend_bounds(limits, plan, facts.available_points)
    points = wanted_points(request.spend, (least, most), spending.step_points)
    value_minor = plan.main.value_minor
    offer = PointsOffer(
        spend_min=least,
        spend_max=most,
        spend_step=spending.step_points,
        code_required=facts.code_required,
    )
    by_line = (
        write_off(points, limits, view, discounts.room_minor, value_minor)
        if points
        else [0] * len(view.lines)
    )
    return _WriteOff(offer, by_line, shares, came)


def _keep_to_unit_prices(payable: list[int], discounts: Discounts, paid: _WriteOff) -> None:
    """Raise each reduced line to what a price per unit can say, in the shop's favour.

    The spend is lowered first, then the discount.  A line whose own amount no unit price gives
    ends at that amount at the highest.
    """
    lines = discounts.view.lines
    for position, line in enumerate(lines):
        if payable[position] == line.amount_minor:
            continue
        target = min(lift(payable[position], line.quantity_milli), line.amount_minor)
        raised = target - payable[position]
        payable[position] = target
        of_spend = min(raised, paid.by_line[position])
        paid.by_line[position] -= of_spend
        discounts.give_up(position, raised - of_spend)
        discounts.view.left_minor[position] += raised - of_spend


def _lines(
    request: QuoteRequest,
    discounts: Discounts,
    paid: _WriteOff,
    payable: Sequence[int],
    earned: Earned,
) -> tuple[PricedLine, ...]:
    """Their fields by place: by name, ten of them take six microseconds more."""
    left_minor = discounts.view.left_minor
    return tuple(
        [
            PricedLine(
                line.id,
                line.amount_minor,
                line.amount_minor - left_minor[position],
                paid.by_line[position],
                payable[position],
                earned.by_line[position],
                unit_price(payable[position], line.quantity_milli),
                discounts.told(position),
            )
            for position, line in enumerate(request.lines)
        ]
    )


def _split(lines: Sequence[PricedLine], request: QuoteRequest) -> tuple[PricedLine, ...]:
    """Lines without a price of a unit as two parts, where their units can be told apart."""
    return tuple(
        line
        if line.unit_price_minor is not None
        else replace(
            line,
            parts=tuple(
                LinePart(quantity, line_at(price, quantity), price)
                for quantity, price in in_two(line.payable_minor, asked.quantity_milli)
            ),
        )
        for line, asked in zip(lines, request.lines, strict=True)
    )


def _traced(lines: Sequence[PricedLine], request: QuoteRequest) -> tuple[PricedLine, ...]:
    locale = known_locale(request.locale)
    return tuple(replace(line, trace=trace_of(line, request.currency, locale)) for line in lines)


def _totals(view: View, spend_minor: Sequence[int], payable_minor: Sequence[int]) -> Totals:
    amount_minor = sum([line.amount_minor for line in view.lines])
    return Totals(
        amount_minor=amount_minor,
        discount_minor=amount_minor - sum(view.left_minor),
        spend_minor=sum(spend_minor),
        payable_minor=sum(payable_minor),
    )


def _offer(bounds: PointsOffer, earned: Earned, spend_points: int, plan: Plan) -> PointsOffer:
    others: dict[str, int] = {}
    for award in earned.awards:
        if award.currency != plan.main.code:
            others[award.currency] = others.get(award.currency, 0) + award.points
    return PointsOffer(
        earn=earned.points,
        spend=spend_points,
        spend_min=bounds.spend_min,
        spend_max=bounds.spend_max,
        spend_step=bounds.spend_step,
        code_required=bounds.code_required,
        others=tuple(EarnedOther(currency, points) for currency, points in others.items()),
    )


def _effects(
    lines: Sequence[PricedLine],
    shares: Shares,
    given: Sequence[str],
    earned: Earned,
    plan: Plan,
) -> tuple[Effect, ...]:
    """What promotions with limits or coupons came to in the end."""
    parts = [
        (one.promotion, "money", line.id, one.amount_minor)
        for line in lines
        for one in line.discounts
    ]
    parts += [
        (compiled.promotion.id, "spend", lines[position].id, lines[position].spend_minor)
        for position, (compiled, _) in shares.by_line.items()
    ]
    parts += [
        (award.source, "points", line, points)
        for award in earned.awards
        for line, points in award.by_line
    ]
    parts += [
        (promotion, "given", line.id, 1)
        for promotion in given
        for line in lines
        if line.amount_minor
    ]
    return gathered([part for part in parts if part[0] in plan.counted])


def _of_tier(plan: Plan, tier: str | None) -> list[Benefit]:
    known = plan.tiers.get(tier) if tier is not None else None
    return [] if known is None else [Benefit(None, one.code, one.name) for one in known.benefits]


def _outcomes(
    came: Came,
    discounts: Discounts,
    given: Mapping[int, Mapping[str, str]],
    shares: Shares,
    earned: Earned,
) -> tuple[Outcome, ...]:
    """Every promotion that matched, in order, with what it came to in the end."""
    facts: dict[int, Mapping[str, str]] = {
        order: {"discount": format_decimal(off)} for order, off in discounts.totals().items()
    }
    facts |= given
    for compiled, share_bp in shares.by_line.values():
        facts[compiled.order] = {"percent": format_decimal(share_bp)}
    facts |= _earned_facts(earned)
    return tuple(_settled(*came[order], facts.get(order, {})) for order in sorted(came))


def _earned_facts(earned: Earned) -> dict[int, dict[str, str]]:
    awards = {award.source: award for award in earned.awards}
    facts = {}
    for order, (compiled, _) in earned.came.items():
        award = awards.get(compiled.promotion.id)
        if award is None:
            continue
        facts[order] = {"points": format_decimal(award.points)}
        if isinstance(compiled.promotion.params, Bonus):
            facts[order]["currency"] = award.currency
    return facts


def _settled(compiled: Compiled, refusal: Refusal | None, facts: Mapping[str, str]) -> Outcome:
    if refusal is None and not facts and compiled.rule.stage is Stage.DISCOUNT:
        # It applied, and rounding to unit prices took all of it back.
        refusal = Refusal("rounded_away")
    return Outcome(compiled, refusal, refusal.facts if refusal else facts)
