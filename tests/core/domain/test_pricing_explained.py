"""Which promotions an answer tells of, and in what words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_core.domain.conditions.scene import Place
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.explain import explain
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.pricing.rules import RULE_TYPES
from loyalty_core.domain.pricing.sentences import REASONS, known_locale, money
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_kit.checkout import BasketLine, QuoteRequest

NOON = datetime(2026, 3, 14, 9, tzinfo=UTC)
RICH = MemberFacts(known=True, available_points=1000_00, may_spend=True)


def off(name: str, **more: Any) -> dict[str, Any]:
    params = {"percent": "10", "categories": [more.pop("category", "tea")]}
    if "total_min" in more:
        params["total_min"] = more.pop("total_min")
    return {
        "id": name,
        "name": name,
        "type": "percent_off",
        "params": params,
        **more,
    }


def explained(
    promotions: list[dict[str, Any]], mode: Any, entered: Any = (), locale: str = "en", **rules: Any
):
    plan = compile_rules(parse_rules(default_rules() | {"promotions": promotions} | rules), 1)
    lines = (BasketLine("1", 1000, 398_00, categories=("tea",)),)
    priced = price_basket(QuoteRequest(lines, locale=locale), plan, RICH, NOON)
    return explain(priced, mode, entered)


MANY = [
    off("applies", priority=9),
    off("far", total_min="5000.00"),
    off("near", total_min="500.00", priority=1),
    off("other_1", category="books"),
    off("other_2", category="books", priority=2),
    off("off_duty", enabled=False),
    off("over", ends_at="2026-03-01T00:00:00+03:00"),
]


def test_short_tells_of_what_applied_and_the_three_nearest_misses_in_force():
    told = explained(MANY, "short")

    assert [(one.promotion, one.reason) for one in told] == [
        ("far", "total_below_minimum"),
        ("other_1", "no_matching_lines"),
        ("near", "total_below_minimum"),
        ("applies", None),
    ]


def test_short_tells_of_what_an_entered_code_belongs_to_beside_the_three():
    told = explained(MANY, "short", entered={"over"})

    assert [one.promotion for one in told] == ["far", "other_1", "over", "near", "applies"]
    assert told[2].reason == "ended"


def test_all_tells_of_every_promotion_in_the_order_in_which_they_run():
    told = explained(MANY, "all")

    assert [(one.promotion, one.reason) for one in told] == [
        ("far", "total_below_minimum"),
        ("off_duty", "disabled"),
        ("other_1", "no_matching_lines"),
        ("over", "ended"),
        ("near", "total_below_minimum"),
        ("other_2", "no_matching_lines"),
        ("applies", None),
    ]


def test_facts_are_as_the_wire_has_them():
    (told,) = explained([off("far", total_min="1000.00")], "short")

    assert not told.applied
    assert told.facts == {"missing": "602.00"}


def of_any_goods(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "type": "percent_off", "params": {"percent": "1"}, **more}


def bound(code: str) -> dict[str, Any]:
    return {"field": "basket.coupons", "is": "has_any", "value": [code]}


SUNDAY = {"field": "time.weekday", "is": "in", "value": [7]}


def test_a_code_that_is_not_entered_is_asked_for():
    promotions = [
        of_any_goods("a_code", when=bound("SPRING")),
        of_any_goods("b_beside_another", when={"all": [SUNDAY, bound("MARCH")]}),
        of_any_goods("c_coupon", coupon="gifts"),
        of_any_goods("d_over", when=bound("OLD"), ends_at="2026-03-01T00:00:00+03:00"),
    ]

    told = explained(promotions, "all", coupons=[{"code": "gifts", "name": "Gifts"}])

    assert [(one.promotion, one.reason, one.facts) for one in told] == [
        ("a_code", "condition_not_met", {"field": "basket.coupons"}),
        ("b_beside_another", "condition_not_met", {"field": "basket.coupons"}),
        ("c_coupon", "coupon_needed", {}),
        ("d_over", "ended", {"ends_at": "2026-03-01T00:00:00+03:00"}),
    ]
    assert "SPRING".casefold() in told[0].text.casefold()


def test_of_promotions_bound_to_codes_only_those_entered_are_tried():
    many = [of_any_goods(f"p{number}", when=bound(f"CODE{number}")) for number in range(500)]
    either = of_any_goods("z_either", when={"any": [bound("CODE7"), SUNDAY]})
    plan = compile_rules(parse_rules(default_rules() | {"promotions": [*many, either]}), 1)
    request = QuoteRequest((BasketLine("1", 1000, 398_00),), coupons=("code7", "nothing"))
    entered = Place(coupons=frozenset({"code7", "nothing"}))

    priced = price_basket(request, plan, replace(RICH, place=entered), NOON)

    tried = [(one.promotion.promotion.id, one.refusal) for one in priced.outcomes]
    assert tried == [("p7", None), ("z_either", None)]


def test_a_code_of_a_promotion_that_names_goods_needs_both():
    named = off("tea") | {"when": bound("SPRING")}
    books = off("books", category="books") | {"when": bound("SPRING")}

    told = explained([named, books], "all")

    assert [(one.promotion, one.reason) for one in told] == [
        ("books", "no_matching_lines"),
        ("tea", "condition_not_met"),
    ]


@pytest.mark.parametrize(
    ("promotion", "locale", "text"),
    [
        (off("p"), "ru", "Скидка 39,80 ₽."),
        (off("p"), "en", "Discount of 39.80 ₽."),
        (off("p", total_min="2000.00"), "ru", "Не хватает товаров на 1 602,00 ₽."),
        (off("p", total_min="2000.00"), "en", "Goods for 1,602.00 ₽ more are needed."),
        (
            off("p", ends_at="2026-03-01T00:00:00+03:00"),
            "ru",
            "Акция закончилась 01.03.2026 00:00.",
        ),
        (
            off("p") | {"type": "earn_multiplier", "params": {"factor": "2"}},
            "ru",
            "Дополнительно баллов: 19,50.",
        ),
        (
            off("p") | {"type": "spend_share", "params": {"percent": "50"}},
            "en",
            "Up to 50 % of these goods may be paid with points.",
        ),
    ],
)
def test_sentences(promotion, locale, text):
    (told,) = explained([promotion], "all", locale=locale)

    assert told.text is not None
    assert told.text.replace("\u00a0", " ") == text


def test_every_sentence_stands_in_both_languages():
    tables = [*REASONS.values()]
    for rule in RULE_TYPES.values():
        tables += [rule.titles, rule.applied, *rule.reasons.values()]

    assert all(set(table) == {"ru", "en"} for table in tables)


def test_languages_and_currencies():
    assert [known_locale(asked) for asked in ("ru", "ru-RU", "EN_gb", "de")] == [
        "ru",
        "ru",
        "en",
        "en",
    ]
    assert money(1234567_89, "KZT", "en") == "1,234,567.89\u00a0KZT"
