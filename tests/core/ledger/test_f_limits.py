"""`ledger.md` F: limits under load.  Number 31 stands in `../store/test_metadata.py`."""

from __future__ import annotations

from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.store.database import read
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import Customer
from tests.support.heard import heard
from tests.support.ledger import ANNA, Figures, Shop


def test_ledger_30_a_quote_reads_in_one_statement(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(50_00, cart="c", spend=5_00)
    shop.quote(50_00, cart="c", spend="max")  # the rules are compiled by now
    request = QuoteRequest(
        (BasketLine("1", 1000, 50_00, sku="SKU-1"),),
        member=Customer(phone=ANNA, email="anna@example.com", card="2000", verified=True),
        cart="c",
        spend="max",
    )
    with read(shop.engine) as connection, heard(connection) as told:
        quote = quote_basket(connection, shop.plans, shop.told_by(), request, now=shop.now)

    assert quote.points.spend == 10_00
    assert len(told) == 1
    assert told[0][0].lstrip().startswith(("SELECT", "WITH"))


def test_ledger_30_holds_count_what_is_there_exactly(shop: Shop):
    """A quote is advice: it shows the same points to two carts, a hold gives them to one."""
    shop.buy("P1", 100_00)
    assert shop.quote(50_00, cart="one", spend="max").points.spend == 10_00
    assert shop.quote(50_00, cart="two", spend="max").points.spend == 10_00

    assert shop.hold(50_00, cart="one", spend="max").points == 10_00
    assert shop.hold(50_00, cart="two", spend="max").points == 0


def test_ledger_30_what_was_taken_is_given_back_on_release_and_return(shop: Shop):
    shop.buy("P1", 100_00)
    shop.release(shop.hold(50_00, cart="c", spend=5_00))
    assert shop.figures() == Figures(available=10_00)
    shop.buy("P2", 5_00, spent=5_00)
    shop.buy("P2", 5_00, spent=0, revision=2)
    assert shop.figures() == Figures(available=10_00 + 50)
