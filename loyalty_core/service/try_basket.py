"""What a basket would get under rules that are still being written: nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import History, Person, Place
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.explain import explain
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import parse_rules
from loyalty_core.service.quote_basket import fill_in
from loyalty_core.store.programmes import programme_by_id
from loyalty_kit.checkout import Explanation, PricedLine, QuoteRequest, Totals
from loyalty_kit.money import MAX_AMOUNT

_NOBODY = 0
"""The id of a buyer who is made up; members have others."""


@dataclass(frozen=True, slots=True)
class MadeUpBuyer:
    """`known` False: not a member.  `purchases` and `spent_minor` (kopecks): what was bought
    before.  Nothing else is known of the person."""

    known: bool = False
    tier: str | None = None
    purchases: int = 0
    spent_minor: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """`earned` in hundredths of a point of the main currency."""

    lines: tuple[PricedLine, ...]
    totals: Totals
    earned: int
    promotions: tuple[Explanation, ...]


def try_basket(  # noqa: PLR0913 - each is a thing of its own to look at
    connection: Connection,
    programme_id: int,
    document: Mapping[str, Any],
    request: QuoteRequest,
    buyer: MadeUpBuyer,
    *,
    at: datetime,
) -> Tried:
    """Price `request` (its shop named) by `document` as if `buyer` bought it at `at`.

    Limits count as unused, coupons of series as not entered; all promotions are told of.

    Raises: ProgrammeNotFound, RulesInvalid.
    """
    programme = programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = compile_rules(parse_rules(document), 0)
    history = History(buyer.purchases, buyer.spent_minor)
    facts = MemberFacts(
        known=buyer.known,
        tier=buyer.tier if buyer.known else None,
        available_points=MAX_AMOUNT if buyer.known and request.spend else 0,
        spent_minor=buyer.spent_minor,
        may_spend=buyer.known,
        verified=buyer.known,
        person=Person(_NOBODY, at, history=history) if buyer.known else None,
        place=Place(
            request.shop,
            fold(request.channel),
            coupons=frozenset(map(fold, request.coupons)),
            zone=ZoneInfo(programme.timezone),
        ),
    )
    filled = fill_in(connection, programme_id, request, plan)
    priced = price_basket(filled, plan, facts, at)
    earned = priced.points.earn if buyer.known else 0
    return Tried(priced.lines, priced.totals, earned, explain(priced, "all"))
