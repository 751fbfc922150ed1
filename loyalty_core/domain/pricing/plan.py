"""A rule set compiled once per version: promotions found by index, never by scan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from loyalty_core.domain.conditions.fields import CLUB
from loyalty_core.domain.conditions.meet import Meet, compile_tree, unmet
from loyalty_core.domain.conditions.part import asks_members, members_part
from loyalty_core.domain.conditions.scene import Scene
from loyalty_core.domain.conditions.segments import named_segments, segments_of
from loyalty_core.domain.conditions.tree import Node, codes_of, gate_of, leaves
from loyalty_core.domain.pricing.coupons import CouponSeries
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.limits import Limit, within
from loyalty_core.domain.pricing.personal import lists_named
from loyalty_core.domain.pricing.promotion import Lane, Promotion
from loyalty_core.domain.pricing.regulated import Law, law_of
from loyalty_core.domain.pricing.rule_type import (
    COMPETING,
    AnyRuleType,
    Grant,
    Refusal,
    Stage,
    View,
)
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.rules import PointCurrency, RuleSet, Tier
from loyalty_core.domain.tiering import SPENT, THIS_RECEIPT, threshold_of
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import PurchaseLine
from loyalty_kit.frozen import frozen


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A promotion ready to run; `order` is its place by lane, priority and id.

    `never_with`: ids of the promotions that it does not stand beside, said by either.  `reach`,
    where its condition tells members apart: which of them may meet it with some basket;
    `personal`: it is about goods of the member's own.  `shut`, of one that is about any goods: why
    it says nothing while the code or coupon that it is bound to is not entered.
    """

    promotion: Promotion
    rule: AnyRuleType
    order: int
    best_only: bool
    once_per_line: bool
    never_with: frozenset[str]
    evaluate: Callable[[View], Grant | Refusal]
    meet: Meet | None = None
    reach: Meet | None = None
    personal: bool = False
    shut: Refusal | None = None

    def closed(self, scene: Scene) -> Refusal | None:
        """Why it says nothing here and now, if so: not in force, or its condition is not met."""
        refusal = self.standing(scene.now)
        if refusal is None and self.promotion.coupon is not None:
            refusal = scene.coupons.closed(self.promotion.coupon)
        if refusal is None and self.meet is not None:
            refusal = self.meet(scene)
        if refusal is None and self.personal and not scene.known:
            refusal = Refusal("member_unknown")
        return refusal

    def standing(self, now: datetime) -> Refusal | None:
        """Why it is not in force at `now`, if so."""
        promotion = self.promotion
        if not promotion.enabled:
            return Refusal("disabled")
        if promotion.starts_at is not None and now < promotion.starts_at:
            return Refusal("not_started", {"starts_at": promotion.starts_at.isoformat()})
        if promotion.ends_at is not None and now >= promotion.ends_at:
            return Refusal("ended", {"ends_at": promotion.ends_at.isoformat()})
        return None


Candidates = Mapping[Stage, Sequence[Compiled]]
"""Promotions that may have a say, by stage; a stage that has none is left out."""


@frozen
class Index:
    """Promotions by a name that one of their lines must have, or a code that must be entered.

    `by_code` and `by_series` have those that are about any goods: bound to a code of the
    document, or to a coupon.
    """

    everywhere: Mapping[int, Compiled]
    by_name: Mapping[str, Mapping[str, tuple[Compiled, ...]]]
    by_code: Mapping[str, tuple[Compiled, ...]]
    by_series: Mapping[str, tuple[Compiled, ...]]

    def matching(self, view: View, scene: Scene | None = None) -> Candidates:
        """What may have a say, by stage and in order; without a scene: with whatever codes."""
        found = dict(self.everywhere)
        for kind, named in self.by_name.items():
            for name in named.keys() & view.named(kind).keys():
                _add(found, named[name])
        for bound, entered in (
            (self.by_code, None if scene is None else scene.place.coupons),
            (self.by_series, None if scene is None else scene.coupons.series.values()),
        ):
            for code in bound if entered is None else entered:
                _add(found, bound.get(code, ()))
        by_stage: dict[Stage, list[Compiled]] = {}
        for order in sorted(found):
            by_stage.setdefault(found[order].rule.stage, []).append(found[order])
        return by_stage


def _add(found: dict[int, Compiled], some: Iterable[Compiled]) -> None:
    for compiled in some:
        found[compiled.order] = compiled


@frozen
class Plan:
    """One version of a rule set, ready to price; safe to share between threads.

    `limits`: those of each promotion that has any.
    """

    rules: RuleSet
    version: int
    main: PointCurrency
    promotions: tuple[Compiled, ...]
    index: Index
    tiers: Mapping[str, Tier]
    law: Law
    law_has_floors: bool
    calendars: Mapping[date, frozenset[str]]
    """Codes of the calendars that a day stands in."""
    codes: Mapping[str, tuple[Compiled, ...]]
    """Promotions that want a code entered, by the code."""
    asks_person: bool
    """Whether a condition asks more of the member than the tier."""
    limits: Mapping[str, Sequence[Limit]]
    series: Mapping[str, CouponSeries]
    """Of coupons, by code."""
    by_coupon: Mapping[str, tuple[Compiled, ...]]
    """Promotions that want a coupon, by its series."""
    counted: frozenset[str]
    """Promotions of which is counted what they give: by limits, or by their coupons."""
    issues: Mapping[str, Compiled]
    """Promotions that give coupons, by id."""
    segments: Mapping[str, Meet]
    """What segments ask, of those that a promotion names."""
    for_members: tuple[Compiled, ...]
    """Promotions of goods that are for some members alone, or of each member's own."""
    exclusive: bool
    """Whether some goods are not for everybody."""
    lists: frozenset[str]
    """Lists of members' own goods that are looked at."""
    clubs: bool
    """Whether a condition looks at the clubs that the member is in."""

    def limited(
        self, lines: Sequence[BasketLine | PurchaseLine], stages: Iterable[Stage] = Stage
    ) -> list[str]:
        """Promotions with limits that may mean any of these lines."""
        found = self.index.matching(View(lines, [], []))
        return [
            compiled.promotion.id
            for stage in stages
            for compiled in found.get(stage, ())
            if compiled.promotion.limits
        ]

    def earn_bp(self, tier: str | None) -> int:
        """Base earning of a tier; an unknown tier (of an older version) has the programme's."""
        known = self.tiers.get(tier) if tier is not None else None
        own = known.earn_bp if known else None
        return self.rules.earning.percent_bp if own is None else own

    def tier_reached(self, tier: str | None, measured: int, goods_minor: int) -> str | None:
        """The tier by which a receipt with so much paid for goods earns, where the ladder counts
        it at once: the one held, or one that it reaches itself on top of what counted before."""
        by_spend = self.rules.tiering.by == SPENT
        amount = measured + (goods_minor if by_spend else int(goods_minor > 0))
        reached = [
            code
            for code, step in self.tiers.items()
            if code == tier or threshold_of(step) <= amount
        ]
        return reached[-1] if reached else tier

    @property
    def asks_measure(self) -> bool:
        """Whether a quote must know what counts for the tier so far."""
        return bool(self.tiers) and self.rules.tiering.counts == THIS_RECEIPT

    def base_bp(self, scene: Scene) -> int:
        """Base earning of a buyer; nothing where it is for other forms of reward."""
        forms = self.rules.earning.rewards
        bound = bool(forms) and scene.reward() not in [fold(form) for form in forms]
        return 0 if bound else self.earn_bp(scene.tier)

    def spend_limit_bp(self, tier: str | None) -> int:
        known = self.tiers.get(tier) if tier is not None else None
        own = known.spend_limit_bp if known else None
        return self.rules.spending.limit_bp if own is None else own


def compile_rules(rules: RuleSet, version: int) -> Plan:
    """The plan of a rule set: the order of promotions fixed, parameters bound, indexes built."""
    place = {lane.code: index for index, lane in enumerate(rules.lanes)}
    lanes = {lane.code: lane for lane in rules.lanes}
    ordered = sorted(rules.promotions, key=lambda p: (place[p.lane], p.priority, p.id))
    apart = _kept_apart(rules.promotions)
    promotions = tuple(
        _compile(promotion, order, lanes[promotion.lane], apart)
        for order, promotion in enumerate(ordered)
    )
    asked, lists = _asked(rules), _lists(rules)
    trees = (*_conditions(rules), *asked.values())
    fields = [leaf.field for tree in trees for _, leaf in leaves(tree)]
    return Plan(
        rules=rules,
        version=version,
        main=rules.main,
        promotions=promotions,
        index=_index(promotions),
        tiers={tier.code: tier for tier in rules.tiers},
        calendars=_calendars(rules),
        codes=_codes(promotions),
        asks_person=rules.rewards is not None
        or bool(lists)
        or any(field.of_person for field in fields),
        limits={one.id: one.limits for one in rules.promotions if one.limits},
        series={one.code: one for one in rules.coupons},
        by_coupon=_by_coupon(promotions),
        issues={one.promotion.id: one for one in promotions if one.rule.stage is Stage.ISSUE},
        counted=frozenset(one.id for one in rules.promotions if one.limits or one.coupon),
        law=law_of(rules.regulated),
        segments={code: compile_tree(tree) for code, tree in asked.items()},
        for_members=tuple(
            one
            for one in promotions
            if one.promotion.enabled and (one.personal or one.rule.stage is Stage.ACCESS)
        ),
        exclusive=any(
            one.promotion.enabled and one.rule.stage is Stage.ACCESS for one in promotions
        ),
        lists=lists,
        clubs=any(field.name == CLUB for field in fields),
        law_has_floors=any(table.floor for table in rules.regulated),
    )


def _conditions(rules: RuleSet) -> list[Node]:
    """What may be asked of a buyer."""
    return [one.when for one in rules.promotions if one.enabled and one.when is not None]


def _lists(rules: RuleSet) -> frozenset[str]:
    """Lists of members' own goods that are looked at."""
    named = [code for one in rules.promotions if one.enabled for _, code in lists_named(one)]
    least = [one.personal for one in rules.policies.min_paid if one.personal is not None]
    return frozenset([*named, *least])


def _asked(rules: RuleSet) -> dict[str, Node]:
    """The segments that are asked about."""
    trees = [*_conditions(rules), *(one.when for one in rules.events if one.when is not None)]
    named = frozenset().union(*map(named_segments, trees))
    return {code: tree for code, tree in segments_of(rules.segments).items() if code in named}


def _calendars(rules: RuleSet) -> dict[date, frozenset[str]]:
    by_day: dict[date, set[str]] = {}
    for calendar in rules.calendars:
        for day in calendar.days:
            by_day.setdefault(day, set()).add(fold(calendar.code))
    return {day: frozenset(codes) for day, codes in by_day.items()}


def _codes(promotions: Iterable[Compiled]) -> dict[str, tuple[Compiled, ...]]:
    by_code: dict[str, list[Compiled]] = {}
    for one in promotions:
        when = one.promotion.when
        for code in () if when is None else codes_of(when):
            by_code.setdefault(code, []).append(one)
    return {code: tuple(some) for code, some in by_code.items()}


def _by_coupon(promotions: Iterable[Compiled]) -> dict[str, tuple[Compiled, ...]]:
    by_series: dict[str, list[Compiled]] = {}
    for one in promotions:
        if one.promotion.coupon is not None:
            by_series.setdefault(one.promotion.coupon, []).append(one)
    return {series: tuple(some) for series, some in by_series.items()}


def _kept_apart(promotions: Iterable[Promotion]) -> Mapping[str, set[str]]:
    """Who does not stand beside whom, whichever of the two says so."""
    apart: dict[str, set[str]] = {}
    for promotion in promotions:
        for other in promotion.never_with:
            apart.setdefault(promotion.id, set()).add(other)
            apart.setdefault(other, set()).add(promotion.id)
    return apart


def _compile(
    promotion: Promotion, order: int, lane: Lane, apart: Mapping[str, Collection[str]]
) -> Compiled:
    rule = RULE_TYPES[promotion.type]
    evaluate = _with_params(rule, promotion.params)
    if promotion.limits:
        evaluate = partial(within, promotion.id, promotion.limits, evaluate)
    when = promotion.when
    return Compiled(
        promotion,
        rule,
        order,
        best_only=lane.mode == "best" and rule.stage in COMPETING,
        once_per_line=lane.once_per_line,
        never_with=frozenset(apart.get(promotion.id, ())),
        evaluate=evaluate,
        meet=None if when is None else compile_tree(when, salt=promotion.id),
        reach=None
        if when is None or not asks_members(when)
        else compile_tree(members_part(when), salt=promotion.id),
        personal=any(one.personal is not None for one in rule.found_by(promotion.params)),
        shut=None if _asks(promotion) is not None else _shut(promotion),
    )


def _asks(promotion: Promotion) -> list[Mapping[str, tuple[str, ...]]] | None:
    """Names of goods by which it is found; None: it is about any goods."""
    goods = RULE_TYPES[promotion.type].found_by(promotion.params)
    asks = [next(one.asks(), None) for one in goods]
    named = [ask for ask in asks if ask is not None]
    return named if named and len(named) == len(asks) else None


def _shut(promotion: Promotion) -> Refusal | None:
    if promotion.coupon is not None:
        return Refusal("coupon_needed")
    gate = None if promotion.when is None else gate_of(promotion.when)
    return None if gate is None else unmet(gate)


def _with_params(rule: AnyRuleType, params: object) -> Callable[[View], Grant | Refusal]:
    evaluate = rule.evaluate
    return lambda view: evaluate(view, params)


def _index(promotions: Iterable[Compiled]) -> Index:
    everywhere: dict[int, Compiled] = {}
    by_name: dict[str, dict[str, list[Compiled]]] = {}
    by_code: dict[str, list[Compiled]] = {}
    by_series: dict[str, list[Compiled]] = {}
    for compiled in (one for one in promotions if one.promotion.enabled):
        asks = _asks(compiled.promotion)
        if asks is None:
            _place_unnamed(compiled, everywhere, by_code, by_series)
        for ask in asks or ():
            for kind, names in ask.items():
                for name in names:
                    by_name.setdefault(kind, {}).setdefault(name, []).append(compiled)
    return Index(
        everywhere,
        {kind: _fixed(named) for kind, named in by_name.items()},
        _fixed(by_code),
        _fixed(by_series),
    )


def _place_unnamed(
    compiled: Compiled,
    everywhere: dict[int, Compiled],
    by_code: dict[str, list[Compiled]],
    by_series: dict[str, list[Compiled]],
) -> None:
    promotion = compiled.promotion
    gate = None if promotion.when is None else gate_of(promotion.when)
    if promotion.coupon is not None:
        by_series.setdefault(promotion.coupon, []).append(compiled)
    elif gate is not None:
        for code in frozenset(gate.value):
            by_code.setdefault(code, []).append(compiled)
    else:
        everywhere[compiled.order] = compiled


def _fixed(some: Mapping[str, list[Compiled]]) -> dict[str, tuple[Compiled, ...]]:
    return {name: tuple(compiled) for name, compiled in some.items()}
