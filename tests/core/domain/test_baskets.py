"""The usual programmes of shops: baskets worked out by hand from docs/pricing.md alone.

`baskets.json` was written by somebody who saw that page and no code; each basket has its
arithmetic beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty_core.domain.conditions.scene import History, Person, Place
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.earning import rate_purchase
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.checkout_schema import (
    BenefitSchema,
    GiftSchema,
    PointsOfferSchema,
    PricedLineSchema,
    TotalsSchema,
    load_quote_request,
)
from loyalty_kit.money import parse_decimal
from tests.core.domain.test_pricing import bought, reasons

BASKETS = json.loads(Path(__file__).with_name("baskets.json").read_text("utf-8"))
MOSCOW = ZoneInfo("Europe/Moscow")


def test_each_programme_has_its_baskets():
    assert sorted(Counter(one["setup"] for one in BASKETS).values()) == [5] * 12


@pytest.mark.parametrize("basket", [pytest.param(one, id=one["title"]) for one in BASKETS])
def test_a_basket_by_hand(basket: dict[str, Any]):
    now = datetime.fromisoformat(basket["now"])
    plan = compile_rules(parse_rules(default_rules() | basket["rules"]), 1)
    request = load_quote_request(basket["quote"])
    facts = facts_of(basket["facts"], request)

    priced = price_basket(request, plan, facts, now)

    answer = basket["answer"]
    for expected, got in zip(answer["lines"], priced.lines, strict=True):
        assert expected.items() <= PricedLineSchema().dump(got).items()
    assert answer["totals"].items() <= TotalsSchema().dump(priced.totals).items()
    assert answer["points"].items() <= PointsOfferSchema().dump(priced.points).items()
    told = reasons(priced)
    assert answer["reasons"].items() <= told.items()
    assert applied(told) == applied(answer["reasons"])
    assert GiftSchema(many=True).dump(priced.gifts) == answer.get("gifts", [])
    assert BenefitSchema(many=True).dump(priced.benefits) == answer.get("benefits", [])
    again = rate_purchase(bought(priced), plan, facts, now, priced.points.spend)
    assert again == priced.earned


def applied(told: dict[str, str | None]) -> set[str]:
    return {promotion for promotion, reason in told.items() if reason is None}


def facts_of(said: dict[str, Any], request: QuoteRequest) -> MemberFacts:
    spent = parse_decimal(said.get("spent", "0"), 2)
    return MemberFacts(
        known=said["known"],
        tier=said.get("tier"),
        available_points=parse_decimal(said.get("available", "0"), 2),
        spent_minor=spent,
        may_spend=said.get("may_spend", False),
        verified=said.get("may_spend", False),
        person=person_of(said["person"], spent) if said.get("person") else None,
        place=Place(
            request.shop or "main",
            request.channel,
            request.payment,
            frozenset(code.casefold() for code in request.coupons),
            MOSCOW,
        ),
    )


def person_of(said: dict[str, Any], spent_minor: int) -> Person:
    last = said.get("last_purchase")
    return Person(
        1,
        datetime.fromisoformat(said["joined"]).replace(tzinfo=MOSCOW),
        gender=said.get("gender"),
        city=said.get("city"),
        born=date.fromisoformat(said["born"]) if said.get("born") else None,
        attributes=said.get("attributes", {}),
        history=History(
            said.get("purchases", 0),
            spent_minor,
            None if last is None else datetime.fromisoformat(last).replace(tzinfo=MOSCOW),
        ),
    )
