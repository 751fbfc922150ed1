"""The ladder of tiers."""

from __future__ import annotations

import pytest

from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_core.domain.tiers import next_tier, tier_for

LADDER = parse_rules(
    default_rules()
    | {
        "tiers": [
            {"code": "gold", "name": "Золото", "spend_from": "50000.00", "earn_percent": "10"},
            {"code": "silver", "name": "Серебро", "spend_from": "10000.00", "earn_percent": "7"},
        ]
    }
)


def test_the_ladder_ascends_whatever_the_document_says():
    assert [tier.code for tier in LADDER.tiers] == ["silver", "gold"]


@pytest.mark.parametrize(
    ("spent", "tier", "following", "missing"),
    [
        pytest.param(0, None, "silver", 10_000_00, id="nothing spent"),
        pytest.param(9_999_99, None, "silver", 1, id="a kopeck short"),
        pytest.param(10_000_00, "silver", "gold", 40_000_00, id="on the threshold"),
        pytest.param(50_000_00, "gold", None, None, id="at the top"),
        pytest.param(-5_00, None, "silver", 10_005_00, id="more returned than bought"),
    ],
)
def test_tier_by_spend(spent, tier, following, missing):
    reached = tier_for(LADDER, spent)
    above = next_tier(LADDER, spent)

    assert (reached.code if reached else None) == tier
    assert (above.tier.code if above else None) == following
    assert (above.missing_minor if above else None) == missing


def test_a_first_tier_from_nothing_belongs_to_everybody():
    rules = parse_rules(
        default_rules() | {"tiers": [{"code": "start", "name": "Старт", "spend_from": 0}]}
    )

    reached = tier_for(rules, 0)

    assert reached is not None
    assert reached.code == "start"


def test_no_tiers():
    rules = parse_rules(default_rules())

    assert tier_for(rules, 10**9) is None
    assert next_tier(rules, 0) is None
