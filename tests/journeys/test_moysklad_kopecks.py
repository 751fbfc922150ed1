"""What goes back to the till is what the hub's books say, to the kopeck, whatever is weighed."""

from __future__ import annotations

import json
import random
from typing import Any

from connectors.moysklad.cart import recalculated
from connectors.moysklad.translate import translate_sale
from hub.desk import Counter, InstallationDesk
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.catalogue import upsert_products
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_kit.money import format_decimal, parse_decimal
from loyalty_kit.ports import Context, Product
from tests.journeys.conftest import OpenMoySklad
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import ANNA, CHEESE, CUP, STORE, TEA, Goods, ref, till_sum

BASKETS = 500
PROMOTIONS = (
    ("percent_off", {"percent": "7.77", "skus": [TEA]}),
    ("sum_off", {"sum": "33.33", "total_min": "500.00"}),
    ("fixed_price", {"price": "149.99", "skus": [CUP]}),
)


def rules() -> Json:
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["promotions"] = [
        {"id": f"p_{place}", "name": f"{place}", "type": kind, "params": params}
        for place, (kind, params) in enumerate(PROMOTIONS)
    ]
    return document


def basket(chance: random.Random) -> list[Goods]:
    """Pieces and weighed goods, of prices from kopecks to thousands."""
    return [
        Goods(
            chance.choice((TEA, CHEESE, CUP)),
            chance.choice((1, 2, 3, 10, chance.randint(1, 5000) / 1000)),
            chance.choice((99.99, 0.01, 33.33, chance.randint(1, 300_000) / 100)),
        )
        for _ in range(chance.randint(1, 6))
    ]


def asked(chance: random.Random) -> Json:
    cart: Json = {
        "retailStore": ref("retailstore", STORE),
        "agent": ref("counterparty", ANNA),
        "positions": [one.position() for one in basket(chance)],
        "bonusProgram": {"transactionType": chance.choice(("EARNING", "SPENDING", "SPENDING"))},
    }
    if chance.random() < 0.5:
        cart["preferredBonusToSpend"] = chance.randint(0, 40_000) / 100
    return cart


def hundredths(number: float) -> str:
    return format_decimal(parse_decimal(str(number), 2))


def test_what_the_till_is_told_is_what_is_booked_in_500_baskets(
    open_moysklad_embedded: OpenMoySklad,
):
    chance = random.Random(20260314)
    stage = open_moysklad_embedded(document=rules())
    stage.earns(20_000)
    with write(stage.hub.engine) as connection:
        least = Product(CHEESE, "Сыр", attributes=("least_price:9000",))
        upsert_products(connection, stage.programme_id, [least], now=stage.clock.now())
    counter, number = Counter(stage.hub), from_wire("i", stage.installation.id)
    assert number is not None
    live = counter.live(number, stage.clock.now())
    assert live is not None
    spent = 0

    for place in range(BASKETS):
        now = stage.clock.now()
        reads = "percent" if place % 5 == 4 else "price"
        settings = {**live.settings, "till_reads": reads}
        cart = asked(chance)
        told = recalculated(cart, InstallationDesk(counter, live, now), settings)
        told = json.loads(json.dumps(told))
        sale = f"77770000-1fb1-11f1-0a80-{place:012}"
        (event,) = translate_sale(stage.sale(sale, told), Context(live.open_settings, now))
        with write(stage.hub.engine) as connection:
            record_events(connection, stage.hub.plans, [Incoming(live.source, event)], now=now)
        booked: dict[str, Any] | None = stage.purchase(sale)
        assert booked is not None
        bonus, totals, where = told["bonusProgram"], booked["totals"], (place, cart)
        assert totals["paid"] == till_sum(told["positions"]), where
        assert booked["points"]["spent"] == hundredths(bonus["bonusValueToSpend"]), where
        assert totals["spend"] == hundredths(bonus["paidByBonusPoints"]), where
        if reads == "price":
            assert booked["points"]["earned"] == hundredths(bonus["bonusValueToEarn"]), where
            assert booked["flags"] == [], where
        spent += bonus["bonusValueToSpend"] > 0
    assert spent > BASKETS / 3, "points were spent in many of them"
