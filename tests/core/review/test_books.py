"""Books that are rebuilt, merged, asked about and paged through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service.member_pages import member_ledger
from loyalty_core.service.members import search_members
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import read
from tests.support.ledger import ANNA, BORIS, HOUR, Shop, open_programme, rules


def test_a_debt_of_a_receipt_whose_clock_runs_ahead_is_rebuilt_as_it_was(shop: Shop):
    shop.buy("P1", 100_00, spent=20_00, at=shop.now + 2 * HOUR)

    assert shop.do(rebuild_ledger) == 0
    with read(shop.engine) as connection:
        assert verify_ledger(connection) == []


def test_a_cursor_from_the_end_of_time_is_no_cursor(shop: Shop):
    shop.buy("P1", 100_00)
    anna, cursor = shop.wire(ANNA), f"{2**62 - 1}.1.1.points"
    with read(shop.engine) as connection, pytest.raises(InvalidInput):
        member_ledger(connection, shop.programme_id, anna, cursor=cursor)


@pytest.mark.parametrize("text", ["%", "_", "\\", "%_ %"])
def test_a_search_for_signs_finds_nobody_or_everybody(shop: Shop, text: str):
    shop.buy("P1", 100_00)
    with read(shop.engine) as connection:
        search_members(connection, shop.plans, shop.programme_id, text, now=shop.now)


def test_a_hold_that_was_captured_is_found_after_a_merge(shop: Shop):
    shop.buy("P1", 100_00, by=BORIS)
    shop.buy("P2", 100_00, by=ANNA)
    hold = shop.hold(100_00, by=BORIS, cart="c", spend=10_00)
    shop.buy("P3", 100_00, by=BORIS, hold=hold.id, spent=10_00)
    shop.merge(BORIS, ANNA)

    assert shop.see(hold).state == "captured"
    lines = shop.purchase("P3", 100_00, spent=10_00).lines
    receipt = shop.buy("P3", by=ANNA, hold=hold.id, lines=(*lines,), revision=2, cashier="Vera")
    assert receipt.flags == ()


def test_the_ladder_in_force_decides_whatever_purchase_moved_the_spend(engine: Engine):
    document = rules()
    document["tiers"] = [{"code": "silver", "name": "Silver", "spend_from": "100.00"}]
    shop = open_programme(engine, document)
    shop.buy("P1", 500_00)
    steeper = rules()
    steeper["tiers"] = [{"code": "silver", "name": "Silver", "spend_from": "1000.00"}]
    shop.advance(days=1)
    shop.publish(steeper)
    shop.buy("P2", 10_00)
    assert shop.card().tier is None

    shop.bring_back("R1", 5_00, purchase="P1")

    assert shop.card().tier is None


def test_a_quote_does_not_offer_points_that_a_debt_would_take(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=10_00)
    shop.buy("P2", 50_00, spent=20_00, at=shop.now - timedelta(hours=1))

    quote = shop.quote(100_00, cart="c", spend="max")
    hold = shop.hold(100_00, cart="c", spend="max")

    assert quote.points.spend_max == hold.quote.points.spend_max
