"""Rows about changing a programme: versions, their difference in words, a second person."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.hub.api.bodies import a_basket, a_line, a_purchase
from tests.hub.api.client import Caller, code_of, new_key

RULES = "/programmes/shop/rules"
TEA = {
    "id": "tea",
    "name": "Неделя чая",
    "type": "percent_off",
    "params": {"percent": "10", "categories": ["tea", "coffee"]},
}
CUPS = {
    "id": "cups",
    "name": "Чашки",
    "type": "earn_multiplier",
    "params": {"factor": "2.5", "skus": ["CUP-1"]},
    "priority": 3,
}


@pytest.fixture
def boris(hub, app, programme_id) -> Caller:
    """A second person with a key of his own."""
    return Caller(app, new_key(hub, programme_id, name="boris").key)


def draft(shop: Caller, **changes: Any) -> int:
    """The number of a draft: the rules in force with these sections changed."""
    rules = copy.deepcopy(shop.get(RULES).get_json())
    for section, said in changes.items():
        rules[section] = {**rules[section], **said} if isinstance(said, dict) else said
    made = shop.put(RULES, rules)
    assert made.status_code == 201, made.get_json()
    return made.get_json()["draft"]


def publish(shop: Caller, **changes: Any) -> int:
    answer = shop.post(f"{RULES}/publish", {"draft": draft(shop, **changes)})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()["version"]


def told(shop: Caller, query: str = "", language: str = "en") -> list[str]:
    answer = shop.get(f"{RULES}/diff{query}", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.get_json()
    return [change["text"] for change in answer.get_json()["changes"]]


# --- the difference in words ----------------------------------------------------------------


def test_r117_a_draft_is_told_in_words_before_it_goes_live(shop):
    publish(shop, promotions=[TEA, {**TEA, "id": "old", "name": "Старая"}])
    changed = {**TEA, "enabled": False, "params": {"percent": "12.5", "categories": ["tea"]}}
    draft(
        shop,
        earning={"percent": "7"},
        promotions=[CUPS, changed],
        tiers=[{"code": "gold", "name": "Золото", "spend_from": "1000", "earn_percent": "10"}],
    )

    assert told(shop) == [
        "Earning: Earned, % of money: 5 → 7",
        "Tiers: added “Золото” (gold): From a spend of: 1000; Earned, %: 10",
        "Promotions: removed “Старая” (old)",
        "Promotions: added “Чашки” (cups): Rule type: Multiplied points; Articles: cup-1; "
        "Times: 2.50; Priority (smaller first): 3",
        "Promotions: “Неделя чая” (tea): Parameters: Categories of goods: removed coffee",
        "Promotions: “Неделя чая” (tea): Parameters: Percent off: 10 → 12.50",
        "Promotions: “Неделя чая” (tea): Switched on: yes → no",
    ]
    assert told(shop, language="ru")[:2] == [
        "Начисление: Начисление, % от суммы: 5 → 7",
        "Уровни: добавлено «Золото» (gold): От суммы покупок: 1000; Начисление, %: 10",
    ]
    assert told(shop, language="ru")[5:] == [
        "Акции: «Неделя чая» (tea): Параметры: Скидка, %: 10 → 12,50",
        "Акции: «Неделя чая» (tea): Включена: да → нет",
    ]


def test_r117_a_difference_names_its_place_for_programs(shop):
    publish(shop, promotions=[TEA])
    number = draft(shop, promotions=[{**TEA, "ends_at": "2026-04-01T00:00:00+03:00"}])

    answer = shop.get(f"{RULES}/diff?from=2&to={number}").get_json()

    assert answer == {
        "from": 2,
        "to": 3,
        "changes": [
            {
                "path": "promotions.tea.ends_at",
                "change": "changed",
                "was": "not set",
                "now": "1 Apr 2026, 00:00",
                "text": "Promotions: “Неделя чая” (tea): Ends: not set → 1 Apr 2026, 00:00",
            }
        ],
    }


def test_r117_what_means_the_same_is_no_difference(shop):
    publish(shop, promotions=[TEA, CUPS])
    draft(
        shop,
        earning={"percent": "5.00"},
        promotions=[{**CUPS, "enabled": True}, {**TEA, "params": TEA["params"]}],
    )

    assert told(shop) == []
    assert told(shop, "?from=1&to=1") == []
    assert len(told(shop, "?from=1&to=3")) == 2, "both promotions are new since version 1"


def test_r117_lanes_and_kinds_of_rules_that_change(shop):
    lanes = [{"code": "main"}, {"code": "late", "mode": "best"}]
    publish(shop, lanes=lanes, promotions=[TEA])
    other = {**TEA, "type": "spend_share", "params": {"percent": "50"}}
    draft(shop, lanes=lanes[::-1], promotions=[other])

    assert told(shop) == [
        "Lanes: order: Main lane, late → late, Main lane",
        "Promotions: “Неделя чая” (tea): Rule type: Percent off → Share payable with points",
        "Promotions: “Неделя чая” (tea): Parameters: Categories of goods: removed tea",
        "Promotions: “Неделя чая” (tea): Parameters: Categories of goods: removed coffee",
        "Promotions: “Неделя чая” (tea): Parameters: Payable with points, %: 10 → 50",
    ]


def test_r117_a_difference_of_what_is_not_there(shop, stranger):
    assert code_of(shop.get(f"{RULES}/diff?from=9")) == (404, "version_not_found")
    assert code_of(shop.get(f"{RULES}/diff?to=9")) == (404, "version_not_found")
    assert code_of(stranger.get(f"{RULES}/diff")) == (404, "programme_not_found")
    assert shop.get(f"{RULES}/diff?to=0").status_code == 422


# --- taking back ----------------------------------------------------------------------------


def test_r117_a_change_is_taken_back_and_history_stays(shop, clock):
    publish(shop, earning={"percent": "50"})
    clock.advance(seconds=1)

    taken = shop.post(f"{RULES}/take-back", {"version": 1})

    assert (taken.status_code, taken.get_json()) == (200, {"version": 3})
    anna = {"phone": "+79161234567"}
    quote = shop.post("/quotes", a_basket(member=anna, lines=[a_line(amount="100.00")])).get_json()
    assert (quote["rules_version"], quote["points"]["earn"]) == (3, "5.00")
    versions = shop.get(f"{RULES}/versions").get_json()["items"]
    assert [(one["version"], one["published_by"]) for one in versions] == [
        (3, "key:till"),
        (2, "key:till"),
        (1, "test"),
    ]
    assert shop.get(f"{RULES}?version=2").get_json()["earning"]["percent"] == "50"


def test_r117_what_cannot_be_taken_back_or_published_says_why(shop):
    publish(shop, earning={"percent": "50"})
    waiting = draft(shop, earning={"percent": "6"})

    unpublished = shop.post(f"{RULES}/take-back", {"version": waiting})
    assert code_of(unpublished) == (409, "version_not_published")
    assert unpublished.get_json()["version"] == str(waiting)
    assert code_of(shop.post(f"{RULES}/publish", {"draft": 1})) == (409, "version_published")
    assert code_of(shop.post(f"{RULES}/take-back", {"version": 9})) == (404, "version_not_found")
    same = shop.post(f"{RULES}/take-back", {"version": 2})
    assert same.get_json() == {"version": 2}, "it is in force already"
    assert len(shop.get(f"{RULES}/versions").get_json()["items"]) == 3


def test_r117_the_main_currency_of_points_keeps_its_code_once_somebody_has_points(shop):
    (points,) = shop.get(RULES).get_json()["currencies"]
    number = draft(shop, currencies=[{**points, "code": "bonus"}])
    assert shop.post("/purchases", a_purchase()).status_code == 201

    refused = shop.post(f"{RULES}/publish", {"draft": number})
    assert code_of(refused) == (409, "main_currency_in_use")
    assert refused.get_json()["main_currency"] == points["code"]
    assert shop.get(RULES).get_json()["currencies"] == [points]


# --- a second person ------------------------------------------------------------------------


def test_x12_rules_are_published_by_a_second_person_where_they_say_so(shop, boris):
    publish(shop, policies={"approval": True})
    number = draft(shop, earning={"percent": "50"})

    refused = shop.post(f"{RULES}/publish", {"draft": number})
    assert code_of(refused) == (409, "approval_needed")
    assert refused.get_json()["author"] == "key:till"
    assert shop.get(RULES).get_json()["earning"]["percent"] == 5

    assert boris.post(f"{RULES}/publish", {"draft": number}).get_json() == {"version": number}
    newest = shop.get(f"{RULES}/versions").get_json()["items"][0]
    assert (newest["author"], newest["published_by"]) == ("key:till", "key:boris")


def test_x12_a_second_key_of_the_same_name_is_no_second_person(shop, hub, app, programme_id):
    publish(shop, policies={"approval": True})
    number = draft(shop, earning={"percent": "50"})
    again = Caller(app, new_key(hub, programme_id, name="Till").key)

    assert code_of(again.post(f"{RULES}/publish", {"draft": number})) == (409, "approval_needed")


def test_x12_switching_approval_off_needs_approval(shop, boris):
    publish(shop, policies={"approval": True})
    off = draft(shop, policies={"approval": False})

    assert code_of(shop.post(f"{RULES}/publish", {"draft": off})) == (409, "approval_needed")
    assert boris.post(f"{RULES}/publish", {"draft": off}).status_code == 200
    assert publish(shop, earning={"percent": "9"}) == off + 1, "and then it is off"


def test_x12_taking_back_waits_for_a_second_person_too(shop, boris):
    publish(shop, policies={"approval": True})

    taken = shop.post(f"{RULES}/take-back", {"version": 1})

    assert (taken.status_code, taken.get_json()) == (201, {"draft": 3})
    assert shop.get(RULES).get_json()["policies"]["approval"] is True
    assert code_of(shop.post(f"{RULES}/publish", {"draft": 3})) == (409, "approval_needed")
    assert boris.post(f"{RULES}/publish", {"draft": 3}).get_json() == {"version": 3}
    assert shop.get(RULES).get_json()["policies"].get("approval") in (None, False)


def test_drafts_that_are_put_at_once_all_have_numbers_of_their_own(shop, at_once):
    rules = shop.get(RULES).get_json()

    def put(number: int) -> tuple[int, int]:
        made = shop.put(RULES, {**rules, "earning": {"percent": str(number)}})
        return made.status_code, made.get_json().get("draft")

    assert sorted(at_once(put)) == [(201, 2 + number) for number in range(32)]
