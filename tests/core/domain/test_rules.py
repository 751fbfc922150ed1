"""The rule set as a document: what is read, what is refused, and its JSON Schema."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.pricing.promotion import Lane
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.pricing.rules.percent_off import Params
from loyalty_core.domain.rules import default_rules, parse_rules, rules_schema

TEA: dict[str, Any] = {
    "id": "p_tea",
    "name": "Неделя чая",
    "type": "percent_off",
    "lane": "main",
    "priority": 3,
    "enabled": True,
    "starts_at": "2026-03-14T00:00:00+03:00",
    "ends_at": None,
    "params": {"percent": "2.5", "categories": ["tea"], "total_min": "1000"},
}


def with_promotion(**changes: Any) -> dict[str, Any]:
    return default_rules() | {"promotions": [TEA | changes]}


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(rules_schema())


def test_the_plain_programme():
    rules = parse_rules(
        default_rules(
            earn_percent="2.5",
            spend_limit_percent=40,
            rounding="half_up",
            activation_days=14,
            point_life_days=180,
            negative_balance="allow",
        )
    )

    assert rules.earning.percent_bp == 250
    assert rules.earning.base == "paid"
    assert rules.earning.kinds == ("goods",)
    assert rules.spending.limit_bp == 4000
    assert (rules.spending.step_points, rules.spending.min_points) == (100, 0)
    assert rules.main.code == "points"
    assert rules.main.value_minor == 100
    assert rules.main.rounding == "half_up"
    assert (rules.main.activation_days, rules.main.life_days) == (14, 180)
    assert rules.policies.negative_balance == "allow"
    assert rules.policies.phone_region == "RU"
    assert rules.lanes == (Lane("main", "all"),)


def test_points_may_live_for_ever():
    assert parse_rules(default_rules(point_life_days=None)).main.life_days is None


def test_what_a_document_leaves_out_has_its_default():
    rules = parse_rules(
        {
            "schema": 1,
            "currencies": [{"code": "points", "name": "Points"}],
            "earning": {"percent": 5},
            "spending": {"limit_percent": 30},
        }
    )

    assert rules == parse_rules(
        default_rules(point_life_days=None) | {"currencies": [{"code": "points", "name": "Points"}]}
    )


def test_a_promotion_is_read_with_the_parameters_of_its_type():
    (promotion,) = parse_rules(with_promotion()).promotions

    assert promotion.params == Params(percent_bp=250, categories=("tea",), total_min_minor=1000_00)
    assert promotion.starts_at == datetime(2026, 3, 13, 21, tzinfo=UTC)
    assert promotion.ends_at is None


def test_a_rule_type_by_its_former_name():
    (promotion,) = parse_rules(with_promotion(type="percent_off_category")).promotions

    assert promotion.type == "percent_off"


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        pytest.param(
            default_rules() | {"colour": "red"}, {"colour": ["unknown field"]}, id="unknown field"
        ),
        pytest.param(
            {"schema": 1},
            {
                "currencies": ["is required"],
                "earning": ["is required"],
                "spending": ["is required"],
            },
            id="missing sections",
        ),
        pytest.param(
            default_rules() | {"schema": 2}, {"schema": ["must be from 1 to 1"]}, id="other schema"
        ),
        pytest.param(
            default_rules(earn_percent="5,5", spend_limit_percent="101", activation_days=-1),
            {
                "currencies.0.activation_days": ["must be from 0 to 36500"],
                "earning.percent": ["must be a decimal with at most two digits after the point"],
                "spending.limit_percent": ["must be from 0.00 to 100.00"],
            },
            id="every wrong value is named at once",
        ),
        pytest.param(
            default_rules(rounding="up"),
            {"currencies.0.rounding": ["must be one of: down, half_up, none"]},
            id="unknown rounding",
        ),
        pytest.param(
            default_rules() | {"currencies": []},
            {"currencies": ["must have 1 to 20 items"]},
            id="no currency",
        ),
        pytest.param(
            default_rules() | {"tiers": {}}, {"tiers": ["must be a list"]}, id="not a list"
        ),
        pytest.param(
            default_rules()
            | {
                "tiers": [
                    {"code": "a", "name": "A", "spend_from": 1},
                    {"code": "a", "name": "B", "spend_from": "1.00"},
                ]
            },
            {
                "tiers.0.code": ["must not repeat"],
                "tiers.1.code": ["must not repeat"],
                "tiers.0.spend_from": ["must not repeat"],
                "tiers.1.spend_from": ["must not repeat"],
            },
            id="tiers told twice",
        ),
        pytest.param(
            default_rules()
            | {
                "currencies": [{"code": "points", "name": "P", "value": "0.50"}],
                "spending": {"limit_percent": "30", "step": "0.01"},
            },
            {"spending.step": ["must be worth whole kopecks at the value of a point"]},
            id="a step of half a kopeck",
        ),
        pytest.param(
            with_promotion(type="magic"),
            {"promotions.0.type": ["must be one of: " + ", ".join(RULE_TYPES)]},
            id="unknown rule type",
        ),
        pytest.param(
            with_promotion(params={"percent": "0", "categories": [""], "total": "5"}),
            {
                "promotions.0.params.total": ["unknown field"],
                "promotions.0.params.percent": ["must be from 0.01 to 100.00"],
                "promotions.0.params.categories.0": ["must have 1 to 255 characters"],
            },
            id="parameters that do not fit the type",
        ),
        pytest.param(
            with_promotion(params=None),
            {"promotions.0.params": ["must be an object"]},
            id="no parameters",
        ),
        pytest.param(
            with_promotion(starts_at="2026-03-14T00:00:00"),
            {"promotions.0.starts_at": ["must be an ISO 8601 time with an offset"]},
            id="a time without an offset",
        ),
        pytest.param(
            with_promotion(ends_at="2026-03-13T21:00:00Z"),
            {"promotions.0.ends_at": ["must be later than starts_at"]},
            id="ends as it starts",
        ),
        pytest.param(
            with_promotion(lane="fast"),
            {"promotions.0.lane": ["no such lane"]},
            id="a lane that is not there",
        ),
        pytest.param(
            with_promotion(id="base"),
            {"promotions.0.id": ["must not be 'base'"]},
            id="the name of the programme's own source",
        ),
        pytest.param(
            with_promotion(enabled="yes", priority=True),
            {
                "promotions.0.priority": ["must be a whole number"],
                "promotions.0.enabled": ["must be true or false"],
            },
            id="wrong types",
        ),
        pytest.param(
            default_rules() | {"promotions": [TEA, TEA]},
            {"promotions.0.id": ["must not repeat"], "promotions.1.id": ["must not repeat"]},
            id="one id twice",
        ),
        pytest.param([], {"": ["must be an object"]}, id="not an object"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_field_by_field(document, errors):
    with pytest.raises(RulesInvalid) as refused:
        parse_rules(document)

    assert refused.value.errors == errors
    assert refused.value.code == "rules_invalid"


def test_the_json_schema_is_a_schema():
    for locale in ("en", "ru"):
        jsonschema.Draft202012Validator.check_schema(rules_schema(locale))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(default_rules(), id="plain"),
        pytest.param(default_rules(point_life_days=None, earn_percent=5), id="whole numbers"),
        pytest.param(with_promotion(), id="with a promotion"),
        pytest.param(
            with_promotion(type="earn_multiplier", params={"factor": "2"}), id="a multiplier"
        ),
        pytest.param(
            with_promotion(type="spend_share", params={"percent": 50, "categories": ["tea"]}),
            id="a share",
        ),
    ],
)
def test_what_is_read_the_schema_allows(document):
    parse_rules(document)
    validator().validate(document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(default_rules() | {"colour": "red"}, id="unknown field"),
        pytest.param({"schema": 1}, id="missing sections"),
        pytest.param(default_rules(earn_percent="5,5"), id="not a decimal"),
        pytest.param(default_rules(earn_percent=101), id="too much"),
        pytest.param(default_rules(rounding="up"), id="unknown rounding"),
        pytest.param(with_promotion(type="magic"), id="unknown rule type"),
        pytest.param(with_promotion(type="earn_multiplier"), id="parameters of another type"),
        pytest.param(with_promotion(params={"categories": ["tea"]}), id="a parameter is missing"),
    ],
)
def test_what_the_schema_refuses_is_not_read(document):
    assert not validator().is_valid(document)
    with pytest.raises(RulesInvalid):
        parse_rules(document)


def test_titles_are_in_the_asked_language():
    assert rules_schema("ru")["properties"]["tiers"]["title"] == "Уровни"
    assert rules_schema("en")["properties"]["tiers"]["title"] == "Tiers"
