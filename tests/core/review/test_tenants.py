"""One programme's things cannot be reached from another."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from loyalty_core.store.database import read
from loyalty_core.store.tables import accounts
from tests.support.ledger import Figures, Shop, open_programme


def test_a_hold_of_another_programme_named_in_a_basket_is_left_alone(engine: Engine, shop: Shop):
    other = open_programme(engine)
    other.buy("P1", 200_00)
    theirs = other.hold(100_00, cart="c", spend=10_00)
    shop.buy("P1", 100_00)
    before = other.snapshot()

    shop.advance(days=400)  # what they did not hold has expired by now
    shop.hold(100_00, cart="c", hold=theirs.id)

    assert other.snapshot() == before
    assert other.figures() == Figures(available=10_00, held=10_00)


def test_a_hold_that_nobody_placed_opens_no_account(engine: Engine, shop: Shop):
    shop.buy("P1", 100_00)

    shop.hold(100_00, cart="c", hold="h_zzz_1")

    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(accounts)) == 1
