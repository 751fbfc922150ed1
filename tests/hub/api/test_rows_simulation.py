"""X10: a draft against receipts that are past, before it is published.

The programme `shop` earns 5 percent of what is paid in whole points, rounded down, and takes
points for up to 30 percent.  All sums are worked out by hand.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hub.web.api import programme
from tests.hub.api.bodies import ANNA, a_line, a_purchase
from tests.hub.api.client import code_of, stored

RULES = "/programmes/shop/rules"
BORIS, CLARA = "+79161234568", "+79161234569"
DAY = {"from": "2026-03-14", "to": "2026-03-14"}
TEA_OFF = {
    "id": "tea",
    "name": "Неделя чая",
    "type": "percent_off",
    "params": {"percent": "10", "categories": ["tea"]},
}


@pytest.fixture
def sold(shop, clock):
    """`sold(amount, category)`: a receipt of Anna's at the hour of the clock; its answer."""
    numbers = iter(range(1, 100))

    def sell(amount: str, category: str = "tea", phone: str | None = ANNA, **said: Any) -> Any:
        line = a_line(amount=amount, paid=amount, categories=[category])
        line |= {name: said.pop(name) for name in ("paid", "spend", "discount") if name in said}
        body = {
            "external_id": f"r-{next(numbers)}",
            "occurred_at": clock.now().isoformat(),
            "customer": None if phone is None else {"phone": phone, "verified": True},
            "lines": [line],
            **said,
        }
        answer = shop.post("/purchases", a_purchase(**body))
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()

    return sell


def draft(shop, **changes: Any) -> int:
    rules = copy.deepcopy(shop.get(RULES).get_json())
    for section, said in changes.items():
        rules[section] = {**rules[section], **said} if isinstance(said, dict) else said
    return shop.put(RULES, rules).get_json()["draft"]


def publish(shop, clock, **changes: Any) -> int:
    answer = shop.post(f"{RULES}/publish", {"draft": draft(shop, **changes)})
    assert answer.status_code == 200, answer.get_json()
    clock.advance(seconds=1)
    return answer.get_json()["version"]


def simulated(shop, number: int, **said: Any) -> Any:
    answer = shop.post(f"{RULES}/simulate", {"draft": number, **DAY, **said})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def member(shop, phone: str) -> str:
    return shop.get(f"/members?phone={phone.replace('+', '%2B')}").get_json()["items"][0]["id"]


def test_x10_a_draft_against_past_receipts_with_all_its_effects(shop, sold, engine):
    """Under 5 % for everything: 50 + 15 + 100 + 5 points.  The draft gives 3 %, and 10 % off tea.

    Anna's tea: 100 off, 3 % of 900 is 27, 127 given for 50.  Her cup: 30 % of 400 are payable
    with points, so her 100 stay; 3 % of 300 is 9, given for 15.  Boris's tea: 200 and 54 for
    100.  The stranger's: 50 off.  Clara's cup: 3 for 5.
    """
    given = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    adjusted = shop.post(
        f"/members/{given}/adjustments",
        {"amount": "100.00", "reason": "gift"},
        headers={"Idempotency-Key": "gift"},
    )
    assert adjusted.status_code == 201
    sold("1000.00")
    sold("400.00", "cups", spend="100.00", paid="300.00", points_spent="100.00")
    sold("2000.00", phone=BORIS)
    sold("500.00", phone=None)
    sold("100.00", "cups", phone=CLARA)
    number = draft(shop, earning={"percent": "3"}, promotions=[TEA_OFF])
    before = stored(engine)

    found = simulated(shop, number)

    assert (found["receipts"], found["receipts_of_members"]) == (5, 4)
    assert (found["amount"], found["amount_costed"]) == ("4000.00", "0.00")
    assert found["was"] == {
        "discount": "0.00",
        "points_earned": "170.00",
        "points_worth": "170.00",
        "given": "170.00",
        "spend": "100.00",
        "payable": "3900.00",
        "margin": None,
    }
    assert found["now"] == {
        "discount": "350.00",
        "points_earned": "93.00",
        "points_worth": "93.00",
        "given": "443.00",
        "spend": "100.00",
        "payable": "3550.00",
        "margin": None,
    }
    assert found["difference"] == {
        "discount": "350.00",
        "points_earned": "-77.00",
        "points_worth": "-77.00",
        "given": "273.00",
        "spend": "0.00",
        "payable": "-350.00",
        "margin": None,
    }
    assert found["promotions"] == [
        {
            "id": "base",
            "name": "base",
            "was": {"receipts": 4, "discount": "0.00", "points": "170.00"},
            "now": {"receipts": 4, "discount": "0.00", "points": "93.00"},
            "difference": {"receipts": 0, "discount": "0.00", "points": "-77.00"},
        },
        {
            "id": "tea",
            "name": "Неделя чая",
            "was": {"receipts": 0, "discount": "0.00", "points": "0.00"},
            "now": {"receipts": 3, "discount": "350.00", "points": "0.00"},
            "difference": {"receipts": 3, "discount": "350.00", "points": "0.00"},
        },
    ]
    assert found["winners"] == {
        "members": 2,
        "sum": "225.00",
        "largest": [
            {"member": member(shop, BORIS), "sum": "154.00"},
            {"member": member(shop, ANNA), "sum": "71.00"},
        ],
    }
    assert found["losers"] == {
        "members": 1,
        "sum": "-2.00",
        "largest": [{"member": member(shop, CLARA), "sum": "-2.00"}],
    }
    assert stored(engine) == before, "it books nothing"
    assert shop.get("/programmes").get_json()["items"][0]["rules_version"] == 1


def test_x10_a_draft_that_changes_nothing_shows_no_difference(shop, clock, sold):
    publish(shop, clock, promotions=[TEA_OFF])
    sold("1000.00", discount="100.00", paid="900.00")
    sold("77.70", phone=None)

    found = simulated(shop, draft(shop))

    assert found["was"] == found["now"]
    assert set(found["difference"].values()) == {"0.00", None}
    assert found["was"]["discount"] == "107.77", "100.00 and 7.77"
    assert [row["was"] == row["now"] for row in found["promotions"]] == [True, True]
    assert found["winners"] == found["losers"] == {"members": 0, "sum": "0.00", "largest": []}


def test_x10_each_receipt_is_held_against_the_rules_of_its_own_day(shop, clock, sold):
    """100 under 5 %, 100 under 10 %; the draft says 10 %."""
    sold("100.00")
    clock.advance(hours=1)
    publish(shop, clock, earning={"percent": "10"})
    sold("100.00")
    number = draft(shop)

    then, first = simulated(shop, number), simulated(shop, number, against=1)

    assert then["was"]["points_earned"] == "15.00"
    assert first["was"]["points_earned"] == "10.00"
    assert then["now"]["points_earned"] == first["now"]["points_earned"] == "20.00"
    assert (then["against"], first["against"]) == (None, 1)


def test_x10_the_tier_counts_that_the_buyer_had_then(shop, clock, sold):
    """Silver from 1000: 5 % of the first thousand; 10 % of the hundred after, 20 by the draft."""
    tier = {"code": "silver", "name": "Серебро", "spend_from": "1000", "earn_percent": "10"}
    publish(shop, clock, tiers=[tier])
    sold("1000.00")
    clock.advance(minutes=1)
    sold("100.00")

    found = simulated(shop, draft(shop, tiers=[{**tier, "earn_percent": "20"}]))

    assert found["was"]["points_earned"] == "60.00"
    assert found["now"]["points_earned"] == "70.00"
    assert found["winners"]["sum"] == "10.00"


def test_x10_points_that_were_spent_are_held_to_the_drafts_limit(shop, sold):
    """100 of 400 were paid with points; the draft lets them pay 10 %, so 40."""
    sold("2000.00")
    sold("400.00", "cups", spend="100.00", paid="300.00", points_spent="100.00")

    found = simulated(shop, draft(shop, spending={"limit_percent": "10"}))

    assert (found["was"]["spend"], found["now"]["spend"]) == ("100.00", "40.00")
    assert found["difference"]["payable"] == "60.00"


def test_x10_what_counts_is_paid_once_and_within_the_days(shop, clock, sold):
    """The day ends at midnight in Moscow, which is 21:00 of the clock."""
    fiscal = {"fiscal": [{"fn": "1", "fd": "2", "fp": "3"}]}
    sold("100.00", **fiscal)
    sold("100.00", **fiscal)  # the same receipt, seen a second time
    sold("100.00", status="open", order="A-1")
    sold("100.00", status="cancelled", order="A-2")
    clock.advance(hours=8, minutes=59)
    sold("10.00")
    clock.advance(minutes=1)
    sold("1.00")
    number = draft(shop)

    assert simulated(shop, number)["amount"] == "110.00"
    assert simulated(shop, number, to="2026-03-15")["amount"] == "111.00"
    next_day = {"from": "2026-03-15", "to": "2026-03-15"}
    assert simulated(shop, number, **next_day)["amount"] == "1.00"


def test_x10_the_catalogue_fills_in_what_lines_leave_out(shop, sold):
    shop.post(
        "/programmes/shop/categories", {"items": [{"code": "green", "name": "G", "parent": "tea"}]}
    )
    told = {"items": [{"sku": "TEA-1", "name": "Сенча", "categories": ["green"]}]}
    assert shop.post("/programmes/shop/products", told).status_code == 200
    answer = shop.post("/purchases", a_purchase(lines=[a_line(paid="1000.00")]))
    assert answer.status_code == 201

    found = simulated(shop, draft(shop, promotions=[TEA_OFF]))

    assert found["difference"]["discount"] == "100.00"


def test_x10_the_margin_of_goods_whose_cost_is_known(shop, sold):
    """Half a kilo at 600.10 a kilo costs 300.05; 500 were paid, by the draft 450 (10 % off tea).

    What the cups cost is not known.
    """
    tea = {"sku": "TEA-1", "name": "Сенча", "cost": "600.10", "categories": ["tea"]}
    assert shop.post("/programmes/shop/products", {"items": [tea]}).status_code == 200
    assert shop.get("/programmes/shop/products").get_json()["items"] == [{**tea, "attributes": []}]
    line = a_line(quantity="0.5", amount="500.00", paid="500.00", categories=["tea"])
    cup = a_line(id="2", sku="CUP", amount="100.00", paid="100.00")
    assert shop.post("/purchases", a_purchase(lines=[line, cup])).status_code == 201

    found = simulated(shop, draft(shop, promotions=[TEA_OFF]))

    assert (found["amount"], found["amount_costed"]) == ("600.00", "500.00")
    margins = [found[side]["margin"] for side in ("was", "now", "difference")]
    assert margins == ["199.95", "149.95", "-50.00"]


def test_x10_merged_members_are_one_who_wins(shop, sold):
    """1 % more of 100 for each of two who turn out to be one."""
    sold("100.00")
    sold("100.00", phone=BORIS)
    number = draft(shop, earning={"percent": "6"})
    assert simulated(shop, number)["winners"]["members"] == 2

    merged = shop.post(f"/members/{member(shop, ANNA)}/merge", {"from": member(shop, BORIS)})
    assert merged.status_code == 200

    assert simulated(shop, number)["winners"] == {
        "members": 1,
        "sum": "2.00",
        "largest": [{"member": member(shop, ANNA), "sum": "2.00"}],
    }


def test_x10_a_simulation_that_cannot_be_made_says_why(shop, stranger, sold, monkeypatch):
    ask = {"draft": 1, **DAY}
    path = f"{RULES}/simulate"
    assert code_of(shop.post(path, {**ask, "draft": 9})) == (404, "version_not_found")
    assert code_of(shop.post(path, {**ask, "against": 9})) == (404, "version_not_found")
    assert code_of(stranger.post(path, ask)) == (404, "programme_not_found")
    backwards = shop.post(path, {**ask, "to": "2026-03-13"})
    assert backwards.get_json()["errors"] == {"to": ["Must not be before from."]}
    for far in ({"to": "9999-12-31"}, {"from": "0001-01-01"}):
        assert shop.post(path, {**ask, **far}).get_json()["errors"] == {
            next(iter(far)): ["Time out of range."]
        }
    assert list(shop.post(path, {"draft": 1, "from": "x"}).get_json()["errors"]) == ["from", "to"]
    assert simulated(shop, 1)["receipts"] == 0, "no receipts are no error"

    sold("100.00")
    sold("100.00")
    monkeypatch.setattr(programme, "MOST_RECEIPTS", 1)
    too_many = shop.post(path, ask)

    assert code_of(too_many) == (422, "too_many_receipts")
    assert (too_many.get_json()["receipts"], too_many.get_json()["most"]) == ("2", "1")
    assert "loyalty-hub rules simulate" in too_many.get_json()["detail"]


def test_x10_conditions_see_each_receipt_as_it_was(shop, sold, clock):
    """10 % off tea from the second purchase on, from 15:00 on by the shop's clock.

    Anna's first receipt is her first purchase; her second, an hour later, is her second: 100
    off.  Boris's is his first.  It is noon in UTC, 15:00 in Moscow, when the day begins here;
    a draft for the hours before changes nothing.
    """
    sold("1000.00")
    sold("1000.00", phone=BORIS)
    clock.advance(hours=1)
    sold("1000.00")
    second = {"field": "history.purchases", "is": "at_least", "value": 1}
    late = {"field": "time.of_day", "is": "at_least", "value": "15:00"}
    early = {"field": "time.of_day", "is": "less_than", "value": "15:00"}

    in_time = simulated(shop, draft(shop, promotions=[TEA_OFF | {"when": {"all": [second, late]}}]))
    too_late = simulated(
        shop, draft(shop, promotions=[TEA_OFF | {"when": {"all": [second, early]}}])
    )

    assert in_time["now"]["discount"] == "100.00"
    assert in_time["winners"]["largest"][0]["member"] == member(shop, ANNA)
    assert too_late["now"]["discount"] == "0.00"
