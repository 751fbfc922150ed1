"""What a till that speaks UDS is told is what the hub's books say, to the kopeck."""

from __future__ import annotations

import random

from hub.jobs.drain import drain
from loyalty_core.domain.rules import default_rules
from loyalty_kit.money import format_decimal, parse_decimal
from tests.journeys.conftest import OpenUds
from tests.support.uds import CARD, Json

BASKETS = 500
TOGETHER = 25
PROMOTIONS = (
    ("percent_off", {"percent": "7.77"}),
    ("sum_off", {"sum": "33.33", "total_min": "500.00"}),
)


def rules() -> Json:
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["promotions"] = [
        {"id": f"p_{place}", "name": f"{place}", "type": kind, "params": params}
        for place, (kind, params) in enumerate(PROMOTIONS)
    ]
    return document


def receipt(chance: random.Random) -> Json:
    total = chance.choice((0.01, 33.33, 99.99, chance.randint(1, 500_000) / 100))
    told: Json = {"total": total, "points": chance.randint(0, 40_000) / 100}
    for name in ("skipLoyaltyTotal", "unredeemableTotal"):
        if chance.random() < 0.3:
            told[name] = chance.randint(0, round(total * 100)) / 100
    return told


def text(number: float) -> str:
    return format_decimal(parse_decimal(number, 2))


def test_what_the_till_is_told_is_what_is_booked_in_500_baskets(open_uds: OpenUds):
    till, chance, spent, lowered = open_uds(document=rules()), random.Random(20260314), 0, 0
    cash = till.calculates(200_000)["cash"]
    till.sells("n-first", 200_000, cash)
    till.work()
    waiting: list[tuple[int, Json]] = []
    for place in range(BASKETS):
        asked = receipt(chance)
        reckoned = till.calculates(0, receipt=asked)
        final = {**asked, "points": reckoned["points"], "cash": reckoned["cash"]}
        sold = till.sells(f"n-{place}", 0, 0, code=CARD, receipt=final)
        waiting.append((sold["id"], reckoned))
        spent, lowered = spent + (sold["points"] < 0), lowered + (reckoned["discountAmount"] > 0)
        if len(waiting) < TOGETHER and place < BASKETS - 1:
            continue
        drain(till.hub, till.programme_id)
        for number, told in waiting:
            booked = till.purchase(str(number))
            assert booked is not None
            totals, where = booked["totals"], (number, told)
            assert totals["paid"] == text(told["cash"]), where
            assert totals["discount"] == text(told["discountAmount"]), where
            assert totals["spend"] == booked["points"]["spent"] == text(told["points"]), where
            assert booked["points"]["earned"] == text(told["cashBack"]), where
            assert booked["flags"] == [], where
        waiting = []
    till.work()
    assert min(spent, lowered) > BASKETS / 3
