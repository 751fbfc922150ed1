"""The pricing engine against the slow reference, on random baskets and documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import parse_rules
from loyalty_kit.checkout import BasketLine
from tests.core.domain.pricing_strategies import documents, members, quotes
from tests.core.domain.reference_points import Reference

NOON = datetime(2026, 3, 14, 9, tzinfo=UTC)


def plain(line: BasketLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind.value,
        "sku": (line.sku or "").lower(),
        "categories": line.categories or (),
        "class": line.legal_class,
        "quantity": line.quantity_milli,
        "amount": line.amount_minor,
        "discountable": line.discountable,
        "min_price": line.min_price_minor,
        "volume": line.volume_ml,
        "strength": line.strength_bp,
    }


def folded(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its articles in lower case, as names are compared."""
    if isinstance(document, dict):
        return {
            key: [sku.lower() for sku in value] if key == "skus" else folded(value)
            for key, value in document.items()
        }
    return [folded(one) for one in document] if isinstance(document, list) else document


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(documents(), quotes("total"), members)
def test_the_engine_prices_as_the_reference_does(document, request, facts):
    buyer = {
        "may_spend": facts.may_spend,
        "points": facts.available_points,
        "spent": facts.spent_minor,
    }
    lines = [plain(line) for line in request.lines]
    expected = Reference(folded(document), lines, buyer).run(request.spend)

    priced = price_basket(request, compile_rules(parse_rules(document), 1), facts, NOON)

    off = [{part.promotion: part.amount_minor for part in told.discounts} for told in priced.lines]
    assert off == expected.off
    assert [told.spend_minor for told in priced.lines] == expected.spend
    assert priced.points.spend_max == expected.spend_max
    earned: dict[tuple[str, str], dict[str, int]] = {}
    for award in priced.earned:
        earned.setdefault((award.currency, award.source), {}).update(award.by_line)
    assert earned == expected.points
    assert [gift.promotion for gift in priced.gifts] == expected.gifts
    assert [benefit.promotion for benefit in priced.benefits] == expected.benefits
