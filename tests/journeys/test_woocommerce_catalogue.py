"""Rules on categories work, although the lines of an order carry none."""

from __future__ import annotations

import json

from loyalty_core.domain.rules import default_rules
from tests.support.woo import IVAN, Bought, recorded, recorded_answer

COMPLETED = "order_completed__1__order_updated"


def doubled(category):
    """The programme's 5 %, twice for goods of this category."""
    promotion = {
        "id": "twice",
        "name": "Twice the points",
        "type": "earn_multiplier",
        "params": {"factor": "2.00", "categories": [category]},
    }
    return default_rules(earn_percent=5, spend_limit_percent=30) | {"promotions": [promotion]}


def crockery(shop):
    """Посуда > Кружки, and the recorded mug among the mugs."""
    mug = recorded_answer("product_get")
    shop.put_category(20, "Посуда", "%d0%bf%d0%be%d1%81%d1%83%d0%b4%d0%b0")
    shop.put_category(21, "Кружки", "mugs", parent=20)
    shop.put_product(mug, categories=[{"id": 21, "name": "Кружки", "slug": "mugs"}])


def test_a_category_of_the_imported_catalogue_multiplies_points(open_woo):
    woo = open_woo(document=doubled("посуда"), stock=crockery)

    woo.happens(COMPLETED)

    # Mugs 3980.00 twice, teas 999.99 once: (4979.99 + 3980.00) x 5 % = 447.9995 -> 447.00.
    assert woo.bought(13) == Bought("paid", "5279.99", earned="447.00")
    assert woo.balance(IVAN) == "447.00"
    earned = {line["sku"]: line["earned"] for line in woo.purchase(13)["lines"]}
    # 447.00 over mugs, teas and the mugs' second half: 198.556, 49.888, 198.556.  Rounded down
    # two hundredths are left, for the teas (49.89) and the first mugs (198.56 + 198.55).
    assert earned == {"MUG-001": "397.11", "TEA-002": "49.89", None: "0.00"}


def test_a_refund_takes_back_what_the_category_gave(open_woo):
    woo = open_woo(document=doubled("посуда"), stock=crockery)
    woo.happens(COMPLETED)

    woo.refunds_back(13, 14)
    woo.happens("partial_refund_line__1__order_updated")

    # One mug of the two: 397.11 / 2 = 198.555 -> 198.56.
    assert woo.bought(13) == Bought("paid", "5279.99", earned="447.00", taken_back="198.56")
    assert woo.balance(IVAN) == "248.44"


def test_a_product_that_a_webhook_brings_is_in_the_catalogue(open_woo):
    woo = open_woo(document=doubled("uncategorized"))
    body = json.loads(recorded("product_updated__1__product_updated")[0])
    assert (body["sku"], body["categories"][0]["slug"]) == ("TEA-002", "uncategorized")

    woo.receive("product_updated__1__product_updated")
    woo.work()
    woo.happens(COMPLETED)

    # Teas twice: (4979.99 + 999.99) x 5 % = 298.999 -> 298.00.
    assert woo.balance(IVAN) == "298.00"


def test_without_the_catalogue_the_rule_finds_nothing(open_woo):
    woo = open_woo(document=doubled("посуда"))

    woo.happens(COMPLETED)

    assert woo.balance(IVAN) == "248.00"
