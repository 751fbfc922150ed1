"""Conditions: what each field reads, how trees are read and told; valid ones never raise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.conditions.fields import FIELDS
from loyalty_core.domain.conditions.meet import compile_tree
from loyalty_core.domain.conditions.people import age, bucket, bucket_key, days_to_birthday
from loyalty_core.domain.conditions.scene import History, Person, Place, Scene
from loyalty_core.domain.conditions.tell import tell
from loyalty_core.domain.conditions.tree import codes_of, read_tree, tree_schema
from loyalty_core.domain.pricing.declare import Misfit
from loyalty_core.domain.pricing.rule_type import View
from loyalty_core.domain.rewards import RewardForm, Rewards
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind
from tests.support.conditions import trees

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 3, 14, 12, tzinfo=MOSCOW)
"""A Saturday."""
LINES = (
    BasketLine("1", 2000, 300_00, sku="TEA-1", categories=("tea",)),
    BasketLine("2", 1000, 150_00, sku="tea-1", categories=("tea",)),
    BasketLine("3", 1000, 500_00, sku="CUP", categories=("cups",)),
    BasketLine("4", 1000, 200_00, kind=LineKind.DELIVERY),
)
ANNA = Person(
    7,
    joined_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
    gender="female",
    city="Тверь",
    born=date(1990, 3, 20),
    attributes={"dogs": 2, "vip": True, "tea": "green", "list": [1]},
    history=History(3, 1000_00, datetime(2026, 3, 10, 9, tzinfo=UTC)),
    reward="money",
    clubs=frozenset({"tea"}),
)
PLACE = Place("main", "pos", "cash", frozenset({"spring"}), MOSCOW)

SEGMENTS = {
    "vip": {"field": "history.purchases", "is": "at_least", "value": 3},
    "nobody": {"field": "member.age", "is": "at_least", "value": 99},
}


def scene(**said: Any) -> Scene:
    left = [300_00, 150_00, 400_00, 200_00]
    place, now = said.pop("place", PLACE), said.pop("now", NOON)
    words = {
        "known": True,
        "verified": True,
        "tier": "silver",
        "person": ANNA,
        "calendars": {date(2026, 3, 14): frozenset({"sale"})},
        "rewards": Rewards((RewardForm("points", "Баллы"), RewardForm("money", "")), "points"),
        "segments": {code: compile_tree(read_tree(tree)) for code, tree in SEGMENTS.items()},
    }
    return Scene(View(LINES, left, [True] * 4), now, place, **(words | said))


def leaf(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    said = {} if value is None else {"value": value}
    return {"field": field, "is": operator, **said, **more}


def meets(tree: Any, at: Scene | None = None) -> bool:
    return compile_tree(read_tree(tree), "p")(at or scene()) is None


TEA = {"categories": ["tea"]}


@pytest.mark.parametrize(
    ("met", "unmet"),
    [
        (leaf("basket.amount", "is", "950.00"), leaf("basket.amount", "more_than", "950.00")),
        (
            leaf("basket.amount", "at_least", 450, goods=TEA),
            leaf("basket.amount", "at_least", "450.01", goods=TEA),
        ),
        (leaf("basket.left", "is", "850.00"), leaf("basket.left", "is", "950.00")),
        (
            leaf("basket.quantity", "between", ["3", "3.5"], goods=TEA),
            leaf("basket.quantity", "less_than", "3", goods=TEA),
        ),
        (leaf("basket.positions", "is", 3), leaf("basket.positions", "is", 4)),
        (
            leaf("basket.of_one_kind", "at_least", "3"),
            leaf("basket.of_one_kind", "at_least", "3.001"),
        ),
        (
            leaf("basket.coupons", "has_any", ["SPRING"]),
            leaf("basket.coupons", "has_none", ["Spring"]),
        ),
        (
            leaf("basket.coupons", "has_all", ["spring"]),
            leaf("basket.coupons", "has_all", ["spring", "summer"]),
        ),
        (leaf("basket.payment", "is", "CASH"), leaf("basket.payment", "is_unknown")),
        (leaf("member.known", "is", True), leaf("member.known", "is", False)),
        (leaf("member.verified", "is", True), leaf("member.verified", "is", False)),
        (leaf("member.tier", "in", ["silver", "gold"]), leaf("member.tier", "is", "gold")),
        (leaf("member.gender", "is", "female"), leaf("member.gender", "is_not", "female")),
        (leaf("member.city", "not_in", ["Москва"]), leaf("member.city", "is", "тверь")),
        (leaf("member.age", "is", 35), leaf("member.age", "at_least", 36)),
        (
            leaf("member.days_to_birthday", "between", [-7, 7]),
            leaf("member.days_to_birthday", "between", [-7, 5]),
        ),
        (leaf("member.days_since_joining", "is", 12), leaf("member.days_since_joining", "is", 13)),
        (
            leaf("member.attribute", "is", "2", name="dogs"),
            leaf("member.attribute", "is", "3", name="dogs"),
        ),
        (
            leaf("member.attribute", "is", "true", name="vip"),
            leaf("member.attribute", "is_known", name="list"),
        ),
        (
            leaf("member.attribute", "is_unknown", name="cats"),
            leaf("member.attribute", "is_not", "x", name="cats"),
        ),
        (leaf("member.reward", "is", "Money"), leaf("member.reward", "is_not", "money")),
        (leaf("member.club", "has_any", ["Tea", "wine"]), leaf("member.club", "has_none", ["tea"])),
        (
            leaf("member.segment", "has_any", ["VIP", "nobody"]),
            leaf("member.segment", "has_all", ["vip", "nobody"]),
        ),
        (leaf("history.purchases", "in", [2, 3]), leaf("history.purchases", "not_in", [3])),
        (
            leaf("history.spent", "at_most", "1000.00"),
            leaf("history.spent", "less_than", "1000.00"),
        ),
        (
            leaf("history.days_since_purchase", "is", 4),
            leaf("history.days_since_purchase", "more_than", 4),
        ),
        (leaf("shop.code", "is", "MAIN"), leaf("shop.code", "is_not", "main")),
        (leaf("channel.name", "is", "pos"), leaf("channel.name", "is", "online")),
        (leaf("time.date", "is", "2026-03-14"), leaf("time.date", "more_than", "2026-03-14")),
        (leaf("time.weekday", "in", [6, 7]), leaf("time.weekday", "at_most", 5)),
        (
            leaf("time.of_day", "between", ["12:00", "13:00"]),
            leaf("time.of_day", "between", ["10:00", "12:00"]),
        ),
        (
            leaf("time.of_day", "between", ["22:00", "12:01"]),
            leaf("time.of_day", "between", ["22:00", "06:00"]),
        ),
        (leaf("time.holiday", "has_any", ["Sale"]), leaf("time.holiday", "has_any", ["new-year"])),
    ],
    ids=lambda tree: f"{tree['field']} {tree['is']}",
)
def test_what_a_leaf_asks(met, unmet):
    assert meets(met)
    assert not meets(unmet)
    assert meets({"not": unmet})


def test_every_field_has_a_case():
    (mark,) = test_what_a_leaf_asks.pytestmark
    asked = {met["field"] for met, _ in mark.args[1]}

    assert asked == FIELDS.keys() - {"member.bucket"}


def test_branches():
    yes, no = leaf("member.known", "is", True), leaf("member.known", "is", False)

    assert meets({"all": [yes, yes]})
    assert not meets({"all": [yes, no]})
    assert meets({"any": [no, yes]})
    assert not meets({"any": [no, no]})
    assert meets({"not": {"all": [yes, no]}})


@pytest.mark.parametrize("operator", ["is", "is_not", "in", "not_in", "between", "at_least"])
def test_nothing_is_true_of_what_is_not_known(operator):
    value = {"in": [30], "not_in": [30], "between": [1, 99]}.get(operator, 30)

    assert not meets(leaf("member.age", operator, value), scene(person=None))
    assert meets(leaf("member.age", "is_unknown"), scene(person=None))


def test_the_wall_clock_is_the_shops():
    late = scene(now=datetime(2026, 3, 14, 21, 30, tzinfo=UTC))  # half past midnight in Moscow

    assert meets(leaf("time.date", "is", "2026-03-15"), late)
    assert meets(leaf("time.weekday", "is", 7), late)
    assert meets(leaf("time.of_day", "less_than", "01:00"), late)


# --- people ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birthday", "today", "days"),
    [
        ((3, 14), date(2026, 3, 14), 0),
        ((3, 20), date(2026, 3, 14), 6),
        ((3, 10), date(2026, 3, 14), -4),
        ((1, 2), date(2026, 12, 30), 3),
        ((12, 30), date(2026, 1, 2), -3),
        ((2, 29), date(2026, 2, 27), 1),
        ((2, 29), date(2026, 2, 28), 0),
        ((2, 29), date(2026, 3, 1), -1),
        ((2, 29), date(2028, 2, 28), 1),
        ((2, 29), date(2028, 2, 29), 0),
    ],
)
def test_days_to_the_nearest_birthday(birthday, today, days):
    assert days_to_birthday(*birthday, today) == days


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(1990, 3, 14), date(2026, 3, 13), 35),
        (date(1990, 3, 14), date(2026, 3, 14), 36),
        (date(2000, 2, 29), date(2026, 2, 27), 25),
        (date(2000, 2, 29), date(2026, 2, 28), 26),
        (date(2000, 2, 29), date(2028, 2, 28), 27),
        (date(2000, 2, 29), date(2028, 2, 29), 28),
    ],
)
def test_age_in_full_years(born, today, years):
    assert age(born, today) == years


def test_buckets_are_even_and_each_salt_has_its_own():
    first, second = bucket_key("tea"), bucket_key("coffee")
    # Ids rise with time, as those of members do.
    ids = [1_900_000_000_000_000_000 + step * 4096 for step in range(20_000)]
    counts = [0] * 100
    for one in ids:
        counts[bucket(one, first)] += 1
    same = sum(bucket(one, first) == bucket(one, second) for one in ids)

    assert all(120 <= count <= 290 for count in counts)
    assert 100 <= same <= 320


def test_a_bucket_is_of_the_salt_or_of_the_promotion():
    for number in range(50):
        someone = scene(person=Person(number, joined_at=NOON))
        own = leaf("member.bucket", "less_than", 50)
        salted = leaf("member.bucket", "less_than", 50, salt="p")

        assert meets(own, someone) == meets(salted, someone)


# --- reading --------------------------------------------------------------------------------


def deep(levels: int) -> dict[str, Any]:
    tree = leaf("member.known", "is", True)
    for _ in range(levels - 1):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "errors"),
    [
        ([], {"": ["must be an object"]}),
        ({}, {"field": ["is required"]}),
        (leaf("basket.colour", "is", "red"), {"field": ["no such field"]}),
        ({"all": []}, {"all": ["must have 1 to 10000 items"]}),
        ({"all": [deep(1)], "any": [deep(1)]}, {"any": ["unknown field"]}),
        (
            {"all": [deep(1), leaf("basket.amount", "at_least", "many")]},
            {"all.1.value": ["must be a decimal with at most two digits after the point"]},
        ),
        (
            {"not": {"any": [leaf("member.known", "has_any", True)]}},
            {"not.any.0.is": ["must be one of: is"]},
        ),
        (
            leaf("member.age", "between", [40, 30]),
            {"value": ["must begin with the smaller value"]},
        ),
        (leaf("member.age", "between", [40]), {"value": ["must have 2 to 2 items"]}),
        (leaf("member.age", "is"), {"value": ["is required"]}),
        (leaf("member.age", "is_known", 3), {"value": ["must not be given with is_known"]}),
        (
            leaf("member.age", "in", [3, "x"]),
            {"value.1": ["must be a whole number"]},
        ),
        (leaf("member.attribute", "is", "x"), {"name": ["is required"]}),
        (leaf("member.age", "is", 3, goods=TEA), {"goods": ["unknown field"]}),
        (
            leaf("basket.amount", "is", "1.00", goods={"colour": ["red"]}),
            {"goods.colour": ["unknown field"]},
        ),
        (leaf("time.of_day", "less_than", "25:00"), {"value": ["must be a time of day, HH:MM"]}),
        (leaf("time.date", "is", "2026-02-30"), {"value": ["must be a date, YYYY-MM-DD"]}),
        (deep(11), {".".join(["not"] * 10): ["must not be nested deeper than 10"]}),
    ],
)
def test_what_does_not_fit_is_named_by_its_node(tree, errors):
    with pytest.raises(Misfit) as refused:
        read_tree(tree)

    assert refused.value.errors == errors


def test_a_tree_has_a_size():
    with pytest.raises(Misfit, match="at most 200 nodes"):
        read_tree({"all": [deep(1)] * 200})
    read_tree({"all": [deep(1)] * 199})


def test_a_tree_has_so_many_values_in_all():
    listed = leaf("member.city", "in", [str(number) for number in range(501)])

    with pytest.raises(Misfit) as refused:
        read_tree({"all": [listed, listed]})

    told = ["must have at most 1000 values in the whole tree"]
    assert refused.value.errors == {"all.1.value": told}


@pytest.mark.parametrize("text", ["a\x00", "\ud800"])
def test_what_no_database_keeps_is_refused(text):
    with pytest.raises(Misfit):
        read_tree(leaf("member.city", "is", text))


def test_codes_that_a_tree_wants():
    spring = leaf("basket.coupons", "has_any", ["SPRING"])
    tree = {"any": [spring, {"not": leaf("basket.coupons", "has_any", ["OLD"])}]}

    assert codes_of(read_tree(tree)) == {"spring"}
    assert codes_of(read_tree(leaf("basket.coupons", "has_none", ["OLD"]))) == frozenset()


# --- telling --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "en", "ru"),
    [
        (
            leaf("basket.amount", "at_least", "1000.00", goods=TEA),
            "Sum of goods (categories of goods: tea): at least 1,000.00 ₽",
            "Сумма товаров (категории товаров: tea): не меньше 1 000,00 ₽",
        ),
        (
            {
                "any": [
                    leaf("time.weekday", "in", [6, 7]),
                    {"not": leaf("time.of_day", "between", ["10:00", "12:00"])},
                ]
            },
            "Day of the week: one of Saturday, Sunday"
            " or (not so: Time of day: from 10:00 to 12:00)",
            "День недели: одно из: суббота, воскресенье"
            " или (не так: Время суток: с 10:00 до 12:00)",
        ),
        (
            leaf("member.attribute", "is_known", name="vip"),
            "Attribute «vip»: known",
            "Признак участника «vip»: известно",
        ),
        (
            leaf("member.known", "is", True),
            "The buyer is a member: yes",
            "Покупатель — участник: да",
        ),
    ],
)
def test_a_condition_in_words(tree, en, ru):
    told = [tell(read_tree(tree), "RUB", locale).replace("\u00a0", " ") for locale in ("en", "ru")]

    assert told == [en, ru]


# --- laws -----------------------------------------------------------------------------------


@given(tree=trees(), days=st.integers(-800, 1500))
def test_valid_trees_never_raise(tree, days):
    node = read_tree(tree)
    meet = compile_tree(node, "p")
    for someone in (ANNA, None, Person(1, joined_at=NOON - timedelta(days=400))):
        known = scene(now=NOON + timedelta(days=days), person=someone, known=someone is not None)
        refusal = meet(known)
        if refusal is not None:
            assert refusal.unmet is not None
            assert all(tell(refusal.unmet, "RUB", locale) for locale in ("en", "ru"))


@given(tree=trees())
def test_the_schema_allows_what_is_read(tree):
    schema = {"$ref": "#/$defs/condition", "$defs": {"condition": tree_schema("en")}}

    jsonschema.Draft202012Validator(schema).validate(tree)
