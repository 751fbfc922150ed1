"""The difference of declared documents tells words that it has never seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from loyalty_core.domain.difference import difference
from loyalty_core.domain.pricing.declare import (
    CODE,
    FLAG,
    MONEY,
    many,
    optional,
    record,
    whole,
    word,
)
from loyalty_core.domain.rules import default_rules, parse_rules


@dataclass(frozen=True)
class Limit:
    """An item without a name of its own."""

    most: int = field(metadata=word("most", MONEY, en="At most", ru="Не больше"))
    daily: bool = field(default=False, metadata=word("daily", FLAG, en="Daily", ru="В день"))


@dataclass(frozen=True)
class Item:
    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    limit: Limit | None = field(
        default=None, metadata=word("limit", optional(record(Limit)), en="Limit", ru="Лимит")
    )


@dataclass(frozen=True)
class Document:
    limits: tuple[Limit, ...] = field(
        default=(), metadata=word("limits", many(record(Limit)), en="Limits", ru="Лимиты")
    )
    items: tuple[Item, ...] = field(
        default=(), metadata=word("items", many(record(Item)), en="Items", ru="Позиции")
    )
    steps: tuple[int, ...] = field(
        default=(), metadata=word("steps", many(MONEY), en="Steps", ru="Шаги")
    )
    days: int = field(default=1, metadata=word("days", whole(least=0, most=9), en="Days", ru="Дни"))


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        pytest.param(Document(), Document(), [], id="nothing"),
        pytest.param(Document(), Document(days=2), ["Days: 1 → 2"], id="a whole number"),
        pytest.param(
            Document(limits=(Limit(500),)),
            Document(limits=(Limit(500, daily=True),)),
            ["Limits: removed At most: 5", "Limits: added At most: 5; Daily: yes"],
            id="an item without a key is told whole",
        ),
        pytest.param(
            Document(limits=(Limit(500), Limit(500))),
            Document(limits=(Limit(500),)),
            ["Limits: removed At most: 5"],
            id="one of two that are equal",
        ),
        pytest.param(
            Document(items=(Item("a"), Item("b"))),
            Document(items=(Item("b"), Item("a"))),
            ["Items: order: a, b → b, a"],
            id="another order",
        ),
        pytest.param(
            Document(items=(Item("a"),)),
            Document(items=(Item("a", Limit(150)),)),
            ["Items: a: Limit: not set → At most: 1.50"],
            id="a record where there was none",
        ),
        pytest.param(
            Document(items=(Item("a", Limit(150)),)),
            Document(items=(Item("a", Limit(200)),)),
            ["Items: a: Limit: At most: 1.50 → 2"],
            id="a word of a record in a record",
        ),
        pytest.param(
            Document(items=(Item("a"),)),
            Document(items=(Item("b"),)),
            ["Items: removed a", "Items: added b"],
            id="another key is another item",
        ),
        pytest.param(
            Document(steps=(100, 200)),
            Document(steps=(200, 300)),
            ["Steps: removed 1", "Steps: added 3"],
            id="plain values of a list",
        ),
        pytest.param(
            Document(steps=(100, 200)),
            Document(steps=(200, 100)),
            ["Steps: order: 1, 2 → 2, 1"],
            id="plain values in another order",
        ),
    ],
)
def test_what_differs_is_told(was, now, told):
    assert [change.text for change in difference(was, now, "en")] == told


def test_each_word_of_the_policies_is_told_in_both_languages():
    rules = parse_rules(default_rules())
    for locale in ("en", "ru"):
        changed = replace(rules, policies=replace(rules.policies, approval=True, phone_region="KZ"))
        paths = [change.path for change in difference(rules, changed, locale)]
        assert paths == ["policies.phone_region", "policies.approval"]


def test_a_condition_is_told_in_words():
    def rules(sum_: str):
        promotion = {
            "id": "tea",
            "name": "Чай",
            "type": "percent_off",
            "params": {"percent": "10", "categories": ["tea"]},
            "when": {"field": "basket.amount", "is": "at_least", "value": sum_},
        }
        return parse_rules(default_rules() | {"promotions": [promotion]})

    (change,) = difference(rules("1000"), rules("1500"), "ru")

    assert change.path == "promotions.tea.when"
    assert change.was == "Сумма товаров: не меньше 1\u00a0000,00"
    assert change.now == "Сумма товаров: не меньше 1\u00a0500,00"


@pytest.mark.parametrize(
    ("limit", "locale", "told"),
    [
        (("promotion", "day", "uses", "1"), "ru", "применений: 1 на всех за день"),
        (("promotion", "day", "uses", "1"), "en", "uses: 1 for everybody in a day"),
        (
            ("member", "ever", "money", "500"),
            "ru",
            "скидок на сумму: 500 на участника за всё время",
        ),
    ],
)
def test_a_limit_is_told_in_its_own_units(limit: tuple[str, ...], locale: str, told: str):
    """A use is one, and no hundredth of one."""
    promotion = {"id": "tea", "name": "Чай", "type": "percent_off", "params": {"percent": "10"}}
    limits = [dict(zip(("per", "period", "of", "most"), limit, strict=True))]
    was = parse_rules(default_rules() | {"promotions": [promotion]})
    now = parse_rules(default_rules() | {"promotions": [promotion | {"limits": limits}]})

    (change,) = difference(was, now, locale)

    assert told in change.text


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "Condition: Tier: one of Gold → Tier: one of Gold, silver"),
        ("ru", "Условие: Уровень: одно из: Gold → Уровень: одно из: Gold, silver"),
    ],
)
def test_codes_are_called_by_their_names_where_they_have_one(locale, told):
    def rules(*tiers: str, categories: list[str]):
        when = {"field": "member.tier", "is": "in", "value": list(tiers)}
        params = {"percent": "10", "categories": categories}
        ten = {"id": "ten", "name": "Ten", "type": "percent_off", "params": params, "when": when}
        known = [
            {"code": code, "name": code, "spend_from": sum_}
            for code, sum_ in (("silver", "10"), ("gold", "20"))
        ]
        return parse_rules({**default_rules(), "tiers": known, "promotions": [ten]})

    names = {"member.tier": {"gold": "Gold"}, "categories": {"tea": "Чай, кофе"}}
    was, now = rules("gold", categories=[]), rules("gold", "silver", categories=["TEA", "pies"])
    texts = [change.text.rpartition("(ten): ")[2] for change in difference(was, now, locale, names)]

    assert told in texts
    assert any(text.endswith("Чай, кофе") for text in texts)
    assert any(text.endswith("pies") for text in texts)


DAYS = {"code": "rest", "name": "Rest", "days": ["2027-01-01", "2027-01-02", "2026-12-31"]}
FORMS = {
    "forms": [{"code": "points", "name": "Points"}, {"code": "money", "name": "Money"}],
    "default": "points",
}
LANES = {"lanes": [{"code": "main", "name": "Shelf", "mode": "best"}, {"code": "main-2"}]}


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        pytest.param(
            {},
            {"calendars": [DAYS]},
            ["Calendars: added “Rest” (rest): Days: 31 Dec 2026 – 2 Jan 2027"],
            id="days in their order and as spans",
        ),
        pytest.param(
            {"calendars": [DAYS]},
            {"calendars": [{**DAYS, "days": ["2026-12-31", "2027-03-08", "2027-05-09"]}]},
            [
                "Calendars: “Rest” (rest): Days: removed 1 Jan 2027 – 2 Jan 2027",
                "Calendars: “Rest” (rest): Days: added 8 Mar 2027, 9 May 2027",
            ],
            id="days that came and went, each at once",
        ),
        pytest.param(
            {},
            {"rewards": FORMS},
            [
                "Choice of reward: not set → Forms: “Points” (points), “Money” (money); "
                "Unless chosen: points"
            ],
            id="forms of reward by their names",
        ),
        pytest.param(
            {},
            {"personal_lists": [{"code": "own", "name": "Own", "auto": {}}], "cards": {}},
            [
                "Members' own lists of goods: added “Own” (own): Filled by itself: yes",
                "Electronic cards: not set → yes",
            ],
            id="what is there with all that goes without saying",
        ),
        pytest.param(
            {},
            LANES,
            [
                "Lanes: “Shelf” (main): What applies: all of them → the best one",
                "Lanes: “Shelf” (main): Name: not set → Shelf",
                "Lanes: added main-2",
            ],
            id="lanes, with a name and without",
        ),
        pytest.param(
            LANES,
            {"lanes": LANES["lanes"][::-1]},
            ["Lanes: order: Shelf, main-2 → main-2, Shelf"],
            id="lanes in another order",
        ),
        pytest.param(
            {},
            {"lanes": [{"code": "first"}, {"code": "main"}]},
            ["Lanes: added first", "Lanes: order: main → first, main"],
            id="a lane before the others",
        ),
    ],
)
def test_a_part_of_the_rules_is_told_as_people_say_it(was, now, told):
    old, new = (parse_rules({**default_rules(), **one}) for one in (was, now))

    assert [change.text for change in difference(old, new, "en")] == told
