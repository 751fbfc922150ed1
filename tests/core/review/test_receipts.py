"""Receipts and refunds that come in odd ways."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from sqlalchemy import Connection, Engine

from loyalty_core.domain.errors import WrongCurrency
from loyalty_core.service.programmes import draft_rules
from loyalty_core.store import programmes
from loyalty_kit.events import Customer, FiscalSign, RefundLine
from tests.support.ledger import ANNA, BORIS, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import back

SIGN = FiscalSign("9960440300000001", "1", "100")
YEKATERINBURG = timezone(timedelta(hours=5))


def test_a_refund_that_waits_for_the_second_report_of_a_purchase(shop: Shop):
    shop.buy("T1", 100_00, fiscal=(SIGN,))
    waiting = shop.bring_back("R1", 50_00, source="key:site", purchase="S1")
    assert waiting.status == "waiting"

    shop.buy("S1", 100_00, source="key:site", fiscal=(SIGN,))

    assert shop.figures() == Figures(available=5_00)


def test_a_refund_whose_own_purchase_never_comes_is_found_by_its_fiscal_sign(shop: Shop):
    shop.bring_back("R1", 50_00, source="key:site", purchase="S1", fiscal=SIGN)

    shop.buy("T1", 100_00, fiscal=(SIGN,))

    assert shop.figures() == Figures(available=5_00)


def test_one_instant_with_two_offsets_is_the_same_receipt(shop: Shop):
    first = shop.buy("P1", 100_00, at=NOW)
    again = shop.buy("P1", 100_00, at=NOW.astimezone(YEKATERINBURG))

    assert (again.id, again.created) == (first.id, False)


def test_listed_refunds_in_another_order_are_the_same_receipt(shop: Shop):
    one, two = shop.refund("R1", 10_00), shop.refund("R2", 20_00)
    shop.buy("P1", 100_00, refunds=(one, two))

    assert not shop.buy("P1", 100_00, refunds=(two, one)).created


def test_a_listed_refund_in_another_currency_is_refused(shop: Shop):
    with pytest.raises(WrongCurrency):
        shop.buy("P1", 100_00, refunds=(shop.refund("R1", 10_00, currency="USD"),))


def test_refunds_of_nobodys_purchase_are_counted_as_they_stand(shop: Shop):
    refund = shop.refund("R1", 100_00, lines=(back("1", 100_00),))
    shop.buy("P1", 100_00, by=None, refunds=(refund,))
    assert [one["returned_minor"] for one in shop.kept_lines("P1")] == [100_00]

    shop.buy("P1", 100_00, by=None, refunds=(), revision=2)
    assert [one["returned_minor"] for one in shop.kept_lines("P1")] == [0]

    shop.bring_back("R2", 40_00, purchase="P1", lines=(back("1", 40_00, None),))
    assert [one["returned_minor"] for one in shop.kept_lines("P1")] == [40_00]


def test_a_refund_without_reference_finds_what_a_merged_member_bought(shop: Shop):
    shop.buy("P1", 100_00, by=BORIS)
    shop.buy("P2", 30_00, by=ANNA)
    shop.merge(BORIS, ANNA)
    lines = (RefundLine(None, 100_00, 1000, "SKU-1"),)

    receipt = shop.bring_back("R1", 100_00, customer=Customer(phone=ANNA), lines=lines)

    assert receipt.status == "booked"
    assert shop.figures() == Figures(available=3_00)


def put_in_force(shop: Shop, document: dict) -> None:
    """As rules once were: nobody looked whether anybody had points in the currency of before."""

    def work(connection: Connection) -> None:
        by = {"now": shop.now}
        version = draft_rules(connection, shop.programme_id, document, author="owner", **by)
        programmes.put_in_force(connection, shop.programme_id, version, publisher="owner", **by)

    shop.do(work)


def test_a_refund_after_the_main_currency_got_another_name(engine: Engine):
    """The purchase earned nothing, so no account of its currency was ever opened."""
    shop = open_programme(engine, rules(earn="0"))
    shop.buy("P1", 100_00)
    renamed = rules()
    renamed["currencies"][0]["code"] = "stars"
    shop.advance(days=1)
    put_in_force(shop, renamed)

    assert shop.bring_back("R1", 100_00, purchase="P1").status == "booked"


def test_a_hold_in_a_currency_that_is_no_more_gives_its_points_back(engine: Engine):
    shop = open_programme(engine)
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=10_00)
    renamed = rules()
    renamed["currencies"][0]["code"] = "stars"
    shop.advance(minutes=1)
    put_in_force(shop, renamed)

    shop.hold(100_00, cart="c")

    assert shop.figures() == Figures(available=10_00)


@pytest.mark.parametrize("card", ["-", " - ", "--"])
def test_a_dash_is_no_card(shop: Shop, card: str):
    shop.tell(shop.purchase("P1", 100_00, by=None, customer=Customer(phone=ANNA, card=card)))
    shop.tell(shop.purchase("P2", 200_00, by=None, customer=Customer(phone=BORIS, card=card)))

    assert shop.figures(ANNA) == Figures(available=10_00)
    assert shop.figures(BORIS) == Figures(available=20_00)
