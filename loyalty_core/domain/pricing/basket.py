"""What pricing is told of a member, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from loyalty_core.domain.conditions.scene import Person, Place
from loyalty_core.domain.pricing.coupons import NO_COUPONS, Entered
from loyalty_core.domain.pricing.limits import Effect, Used
from loyalty_core.domain.pricing.plan import Compiled, Plan
from loyalty_core.domain.pricing.rule_type import Refusal
from loyalty_kit.checkout import Benefit, Gift, PointsOffer, PricedLine, QuoteRequest, Totals
from loyalty_kit.frozen import frozen


@frozen
class MemberFacts:
    """What the store knows of the buyer and of the place.  `available_points` (hundredths)
    includes the hold of this very cart or order; `spent_minor` is what was paid for goods so
    far, net of returns, in kopecks; `may_spend` is whether points may be written off here and
    now; `person` may be left out where `Plan.asks_person` is false.  `used`: what others have
    consumed of limits, this cart's own hold not counted."""

    known: bool = False
    tier: str | None = None
    available_points: int = 0
    spent_minor: int = 0
    may_spend: bool = False
    code_required: bool = False
    verified: bool = False
    person: Person | None = None
    place: Place = field(default_factory=Place)
    used: Used = field(default_factory=dict)
    coupons: Entered = NO_COUPONS


NOBODY = MemberFacts()


@frozen
class Award:
    """Points that a receipt earns from one source: the programme ("base") or a promotion.

    `by_line` holds (line id, hundredths) for the lines that earn, and adds up to `points`.
    """

    currency: str
    points: int
    by_line: tuple[tuple[str, int], ...]
    source: str
    life_days: int | None
    activation_days: int


@frozen
class Outcome:
    """What came of one promotion that the basket matched; `refusal` None: it applied."""

    promotion: Compiled
    refusal: Refusal | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@frozen
class PricedBasket:
    """A basket priced and accounted for; `outcomes` only of promotions that it matched,
    `effects` only of those with limits or coupons.  `issued`: promotions that give the member a
    coupon with the purchase.

    `explanation` (every promotion of the rule set, with sentences) is made when asked for, so
    that a quote costs what matches, not what is in the rule set; see `explain.explain`.
    """

    lines: tuple[PricedLine, ...]
    totals: Totals
    points: PointsOffer
    earned: tuple[Award, ...]
    outcomes: tuple[Outcome, ...]
    gifts: tuple[Gift, ...]
    benefits: tuple[Benefit, ...]
    request: QuoteRequest
    plan: Plan
    now: datetime
    effects: tuple[Effect, ...] = ()
    coupons: Entered = NO_COUPONS
    issued: tuple[str, ...] = ()
