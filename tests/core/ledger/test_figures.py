"""What receipts come to, as people see it: of one currency of points, however points were spent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.overview import Overview, look_over
from loyalty_core.store.database import read
from loyalty_core.store.programmes import programme_by_id
from tests.support.ledger import Figures, Shop, open_programme, rules
from tests.support.lines import back, line

MILES = {
    "id": "miles",
    "name": "Miles",
    "type": "earn_points",
    "params": {"points": "7", "currency": "miles"},
}


def shown(shop: Shop, name: str) -> dict[str, Any]:
    with read(shop.engine) as connection:
        (found,) = find_purchases(connection, shop.plans, shop.told_by(), external_id=name)
    return found


def first_page(shop: Shop) -> Overview:
    with read(shop.engine) as connection:
        programme = programme_by_id(connection, shop.programme_id)
        assert programme is not None
        return look_over(connection, shop.plans, programme, receipts=5, now=shop.now)


def test_points_of_a_receipt_are_those_of_the_main_currency(engine: Engine):
    """10 % of 150.00 are 15 points; 7 miles are told nowhere among them.  A third comes back:
    5 points, and 2.33 miles."""
    document = rules() | {"promotions": [MILES]}
    document["currencies"].append({"code": "miles", "name": "Miles"})
    shop = open_programme(engine, document)
    shop.buy("P1", 100_00, 50_00)

    shop.bring_back("R1", 50_00, purchase="P1", lines=(back("2", 50_00),))

    seen, page = shown(shop, "P1"), first_page(shop)
    assert (seen["points"]["earned"], seen["points"]["clawed_back"]) == ("15.00", "5.00")
    assert [one["earned"] for one in seen["lines"]] == ["10.00", "5.00"]
    assert page.today.earned_points == 15_00
    assert [one.row.points for one in page.last_receipts] == [10_00]
    assert shop.figures(currency="miles") == Figures(available=4_67)


def test_the_first_page_tells_what_was_spent_with_a_hold_and_without(engine: Engine):
    """Each spends 50 and earns 5: one from a hold of 80, the other owes a part."""
    shop = open_programme(engine)
    shop.buy("P0", 1_00)
    shop.adjust(90_00, "gift")
    paid = (line("1", 100_00, spend=50_00),)
    hold = shop.hold(100_00, cart="c", spend=80_00)
    shop.buy("P1", lines=paid, hold=hold.id)
    shop.buy("P2", lines=paid)

    assert [one.row.points for one in first_page(shop).last_receipts] == [-45_00, -45_00, 10]
