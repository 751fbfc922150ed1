"""`ledger.md` B: the life of points."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import HoldCaptured, HoldNotFound, NotEnoughPoints, ShopForbidden
from loyalty_core.service.hold_points import PlacedHold, name_order, place_hold
from loyalty_kit.checkout import HoldRequest, QuoteRequest
from loyalty_kit.events import Customer, PurchaseStatus
from tests.support.ledger import ANNA, BORIS, DAY, NOW, VERA, Figures, Shop, open_programme, rules
from tests.support.lines import back, basket, moscow

SECOND = timedelta(seconds=1)


# --- 7: delay and life ----------------------------------------------------------------------


def test_ledger_7_life_ends_at_the_midnight_that_ends_the_last_day(engine: Engine):
    shop = open_programme(engine, rules(life_days=10), now=moscow(2026, 3, 14, 23, 30))
    shop.buy("P1", 100_00)
    assert shop.lots()[0]["expires_at"] == moscow(2026, 3, 25)

    shop.now = moscow(2026, 3, 25) - SECOND
    shop.keep_up()
    assert shop.quote(100_00, spend="max").points.spend == 10_00
    assert shop.figures() == Figures(available=10_00)

    shop.now = moscow(2026, 3, 25)
    assert shop.quote(100_00, spend="max").points.spend == 0
    shop.keep_up()
    assert shop.figures() == Figures()
    assert shop.kinds() == ["earn", "expire"]
    assert shop.entries()[1]["occurred_at"] == moscow(2026, 3, 25)


def test_ledger_7_delay_counts_from_the_purchase_not_from_its_booking(engine: Engine):
    shop = open_programme(engine, rules(activation_days=14))
    shop.buy("P1", 100_00, at=NOW - 10 * DAY)
    assert shop.figures() == Figures(pending=10_00)

    shop.now = NOW + 4 * DAY - SECOND
    shop.keep_up()
    assert shop.figures() == Figures(pending=10_00)

    shop.now = NOW + 4 * DAY
    shop.keep_up()
    assert shop.figures() == Figures(available=10_00)
    assert shop.entries()[1]["kind"] == "activate"


def test_ledger_7_what_is_booked_after_its_life_expires_at_once(engine: Engine):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00, at=NOW - 30 * DAY)

    assert shop.figures() == Figures()
    assert shop.kinds() == ["earn", "expire"]


def test_ledger_7_readers_do_not_wait_for_the_jobs(engine: Engine):
    shop = open_programme(engine, rules(life_days=10, activation_days=2))
    shop.buy("P1", 100_00)

    shop.advance(days=2)
    assert shop.card().balance.available == 10_00
    assert shop.quote(100_00, spend="max").points.spend == 10_00
    shop.advance(days=9)
    assert shop.card().balance.available == 0
    assert shop.kinds() == ["earn"]


def test_ledger_7_a_tills_zone_does_not_move_the_day(engine: Engine):
    """22:00 UTC is the next day in Moscow already."""
    shop = open_programme(engine, rules(life_days=1))
    shop.buy("P1", 100_00, at=moscow(2026, 3, 14, 1, 0))
    shop.buy("P2", 100_00, at=moscow(2026, 3, 13, 23, 0))

    assert [lot["expires_at"] for lot in shop.lots()] == [
        moscow(2026, 3, 16),
        moscow(2026, 3, 15),
    ]


# --- 8: holds -------------------------------------------------------------------------------


def test_ledger_8_a_hold_sets_its_lots_aside_at_once(shop: Shop):
    shop.buy("P1", 100_00, at=NOW - DAY)
    shop.buy("P2", 100_00)
    hold = shop.hold(100_00, cart="c", spend=12_00)

    assert hold.state == "live"
    assert hold.points == 12_00
    assert shop.figures() == Figures(available=8_00, held=12_00)
    assert [(lot["free"], lot["held"]) for lot in shop.lots()] == [(0, 10_00), (8_00, 2_00)]


def test_ledger_8_held_lots_do_not_expire_and_the_capture_succeeds(engine: Engine):
    shop = open_programme(engine, rules(life_days=1), now=moscow(2026, 3, 14, 23, 59))
    shop.buy("P1", 100_00, at=moscow(2026, 3, 13, 12, 0))
    hold = shop.hold(100_00, cart="c", spend=4_00)

    shop.now = moscow(2026, 3, 15, 0, 10)
    shop.keep_up()
    assert shop.figures() == Figures(held=4_00)

    receipt = shop.buy("P2", 100_00, cart="c", spent=4_00)
    assert receipt.points["spent"] == 4_00
    assert receipt.flags == ()
    assert shop.see(hold).state == "captured"
    assert shop.figures() == Figures(available=9_60)
    assert shop.kinds() == ["earn", "hold", "expire", "capture", "earn"]


def test_ledger_8_the_release_of_a_lot_that_expired_in_between_expires_it_then(engine: Engine):
    shop = open_programme(engine, rules(life_days=1), now=moscow(2026, 3, 14, 23, 59))
    shop.buy("P1", 100_00, at=moscow(2026, 3, 13, 12, 0))
    hold = shop.hold(100_00, cart="c", spend=10_00)
    shop.now = moscow(2026, 3, 15, 0, 10)

    shop.release(hold)
    assert shop.figures() == Figures()
    assert shop.kinds() == ["earn", "hold", "release", "expire"]
    assert shop.lots()[0]["expired"] == 10_00


def test_ledger_8_a_hold_ends_by_its_own_time_limit(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00, ttl_s=60)
    assert hold.expires_at == NOW + 60 * SECOND

    shop.advance(seconds=60)
    assert shop.see(hold).state == "released"
    assert shop.card().balance.available == 10_00
    shop.keep_up()
    assert shop.figures() == Figures(available=10_00)


def test_ledger_8_a_new_hold_for_the_same_cart_replaces_it(shop: Shop):
    shop.buy("P1", 100_00)
    first = shop.hold(100_00, cart="c", spend=6_00)
    second = shop.hold(100_00, cart="c", spend=9_00)

    assert shop.see(first).state == "released"
    assert shop.see(second).state == "live"
    assert shop.figures() == Figures(available=1_00, held=9_00)


def test_ledger_8_another_cart_has_a_hold_of_its_own(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=6_00)
    with pytest.raises(NotEnoughPoints):
        shop.hold(100_00, cart="d", spend=5_00)
    shop.hold(100_00, cart="d", spend=4_00)

    assert shop.figures() == Figures(held=10_00)


def test_ledger_8_the_same_cart_of_another_shop_is_another_cart(shop: Shop):
    shop.open_shop("second")
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=6_00)
    shop.hold(100_00, cart="c", spend=4_00, shop="second")

    assert shop.figures() == Figures(held=10_00)


def test_ledger_8_an_open_order_keeps_its_hold_for_seven_days(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, order="1042", spend=10_00, ttl_s=1800)
    open_ = {"order": "1042", "spent": 10_00, "status": PurchaseStatus.OPEN}
    receipt = shop.buy("O1", 100_00, **open_)
    assert receipt.status == "open"
    assert receipt.points["spent"] == 0

    shop.now = NOW + 7 * DAY - SECOND
    shop.keep_up()
    assert shop.see(hold).state == "live"
    assert shop.figures() == Figures(held=10_00)

    shop.now = NOW + 7 * DAY
    shop.keep_up()
    assert shop.see(hold).state == "released"
    assert shop.figures() == Figures(available=10_00)


def test_ledger_8_an_open_order_that_is_paid_captures_its_hold(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, order="1042", spend=10_00)
    shop.buy("O1", 100_00, order="1042", spent=10_00, status=PurchaseStatus.OPEN)
    shop.advance(days=3)
    receipt = shop.buy("O1", 100_00, order="1042", spent=10_00, revision=2, at=NOW)

    assert (receipt.status, receipt.points["spent"], receipt.flags) == ("booked", 10_00, ())
    assert shop.see(hold).state == "captured"
    assert shop.figures() == Figures(available=9_00)


def test_ledger_8_an_open_order_that_is_cancelled_lets_its_hold_go(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, order="1042", spend=10_00)
    shop.buy("O1", 100_00, order="1042", spent=10_00, status=PurchaseStatus.OPEN)
    shop.buy("O1", 100_00, order="1042", spent=10_00, status=PurchaseStatus.CANCELLED, revision=2)

    assert shop.see(hold).state == "released"
    assert shop.figures() == Figures(available=10_00)


def naming(shop: Shop, hold: PlacedHold, order: str) -> PlacedHold:
    """The hold, once its order has been named."""
    return shop.do(lambda c: name_order(c, shop.told_by(), hold.id, order, now=shop.now))


@pytest.mark.parametrize("buyers", [(ANNA, ANNA), (BORIS, ANNA), (ANNA, BORIS), (None, ANNA)])
def test_ledger_8_an_order_that_is_named_ends_the_hold_that_had_it(shop: Shop, buyers: tuple):
    for by in (ANNA, BORIS):
        shop.buy(f"P-{by}", 200_00, by=by)
    first, second = (
        shop.hold(100_00, by=by, cart=cart, spend=6_00 if by else 0)
        for by, cart in zip(buyers, "ab", strict=True)
    )
    naming(shop, first, "1042")
    assert naming(shop, second, "1042").order == "1042"

    assert (shop.see(first).state, shop.see(second).state) == ("released", "live")
    assert shop.figures(ANNA).held + shop.figures(BORIS).held == 6_00
    shop.buy("P2", 100_00, by=buyers[1], order="1042", spent=6_00)
    assert shop.see(second).state == "captured"


def test_ledger_8_an_order_that_is_named_twice_keeps_its_hold(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=6_00)
    naming(shop, hold, "1042")
    assert naming(shop, hold, "1042").state == "live"
    assert shop.figures() == Figures(available=4_00, held=6_00)


def test_ledger_8_a_hold_that_is_given_another_order_is_not_the_first_ones(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=6_00)
    naming(shop, hold, "1042")
    naming(shop, hold, "1043")

    other = shop.buy("P2", 50_00, by=None, order="1042")
    shop.hold(70_00, by=BORIS, cart="d", order="1042")

    assert (other.member, other.flags) == (None, ())
    assert shop.see(hold).state == "live"
    paid = shop.buy("P3", 100_00, order="1043", spent=6_00)
    assert (paid.points["spent"], paid.flags) == (6_00, ())
    assert shop.see(hold).state == "captured"


@pytest.mark.parametrize("told_open", [False, True])
def test_ledger_8_an_order_whose_cart_is_held_anew_goes_by_the_new_hold(
    shop: Shop, told_open: bool
):
    shop.buy("P1", 100_00)
    first = shop.hold(100_00, cart="c", spend=6_00)
    naming(shop, first, "1042")
    if told_open:
        shop.buy("P2", 100_00, cart="c", order="1042", status=PurchaseStatus.OPEN)
    second = shop.hold(70_00, cart="c", spend=10_00)

    sold = shop.buy("P2", 70_00, cart="c", order="1042", spent=10_00, revision=2)

    assert (sold.points["spent"], sold.flags) == (10_00, ())
    assert (shop.see(first).state, shop.see(second).state) == ("released", "captured")
    # 10 % of 60.00.
    assert shop.figures() == Figures(available=6_00)


def test_ledger_8_a_hold_that_has_ended_takes_no_order_from_another(shop: Shop):
    shop.buy("P1", 100_00)
    first, second = (shop.hold(100_00, cart=cart, spend=4_00) for cart in "ab")
    naming(shop, first, "1042")
    shop.release(second)
    with pytest.raises(HoldNotFound):
        naming(shop, second, "1042")
    assert shop.see(first).state == "live"


def test_ledger_8_what_an_order_has_captured_stays_when_its_number_is_named_again(shop: Shop):
    shop.buy("P1", 100_00)
    first, second = (shop.hold(100_00, cart=cart, spend=4_00) for cart in "ab")
    naming(shop, first, "1042")
    shop.buy("P2", 100_00, order="1042", spent=4_00)
    naming(shop, second, "1042")

    assert (shop.see(first).state, shop.see(second).state) == ("captured", "live")
    # 10.00, and 10 % of 96.00.
    assert shop.figures() == Figures(available=11_60, held=4_00)


@pytest.mark.parametrize("named", ["cart", "order", "hold"])
def test_ledger_8_a_quote_counts_its_own_hold_as_available(shop: Shop, named: str):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", order="o", spend=8_00)

    own = {"cart": {"cart": "c"}, "order": {"order": "o"}, "hold": {"hold": hold.id}}[named]
    assert shop.quote(100_00, spend="max", **own).points.spend == 10_00
    assert shop.quote(100_00, spend="max").points.spend == 2_00


def test_ledger_8_a_captured_hold_cannot_be_released(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00)
    shop.buy("P2", 100_00, cart="c", spent=10_00)

    with pytest.raises(HoldCaptured):
        shop.release(hold)


def test_ledger_8_what_a_purchase_does_not_use_of_its_hold_is_released(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=10_00)
    receipt = shop.buy("P2", 100_00, cart="c", spent=3_00)

    assert receipt.points["spent"] == 3_00
    assert "hold_differs" in receipt.flags
    assert shop.figures() == Figures(available=7_00 + 9_70)


def test_ledger_8_a_key_of_one_shop_ends_no_hold_of_another(shop: Shop):
    shop.open_shop("south")
    shop.buy("P0", 500_00)
    hold = shop.hold(100_00, cart="c", spend=6_00, shop="south")
    ours = replace(shop.told_by(), shops=frozenset({"main"}))
    asked = HoldRequest(QuoteRequest(tuple(basket(100_00)), hold=hold.id, cart="d"))
    with pytest.raises(ShopForbidden):
        shop.do(lambda c: place_hold(c, shop.plans, ours, asked, now=shop.now))

    assert shop.see(hold).state == "live"


# --- 12: merge and later attachment ---------------------------------------------------------


def test_ledger_12_a_merge_moves_lots_with_their_dates(engine: Engine):
    shop = open_programme(engine, rules(activation_days=5))
    shop.buy("A1", 100_00, by=ANNA, at=NOW - 9 * DAY)
    shop.buy("A2", 50_00, by=ANNA)
    shop.buy("B1", 20_00, by=BORIS, at=NOW - 20 * DAY)
    dates = [(lot["spendable_from"], lot["expires_at"]) for lot in shop.lots(ANNA)]
    anna = shop.member(ANNA)
    shop.merge(ANNA, into=BORIS)

    assert shop.member(ANNA) == shop.member(BORIS) != anna
    assert shop.figures(BORIS) == Figures(available=12_00, pending=5_00)
    moved = shop.lots(BORIS)[1:]
    assert [(lot["spendable_from"], lot["expires_at"]) for lot in moved] == dates
    assert shop.kinds(BORIS)[-1] == "transfer"


def test_ledger_12_debt_moves_and_is_paid_from_the_survivors_points(shop: Shop):
    shop.buy("A1", 7_00, by=ANNA, spent=7_00)
    shop.buy("B1", 100_00, by=BORIS)
    shop.merge(ANNA, into=BORIS)

    assert shop.figures(BORIS) == Figures(available=3_00)


def test_ledger_12_live_holds_move_and_are_captured(shop: Shop):
    shop.buy("B1", 10_00, by=BORIS)
    shop.buy("A1", 100_00, by=ANNA)
    hold = shop.hold(50_00, by=ANNA, cart="c", spend=6_00)
    shop.merge(ANNA, into=BORIS)
    assert shop.figures(BORIS) == Figures(available=5_00, held=6_00)
    assert shop.see(hold).state == "live"

    receipt = shop.buy("A2", 50_00, by=ANNA, cart="c", spent=6_00)
    assert (receipt.points["spent"], receipt.flags) == (6_00, ())
    assert shop.see(hold).state == "captured"
    assert shop.figures(BORIS) == Figures(available=5_00 + 4_40)


def test_ledger_12_later_refunds_book_on_the_survivor(shop: Shop):
    shop.buy("B1", 100_00, by=BORIS, at=NOW - 3 * DAY)
    shop.buy("A1", 100_00, by=ANNA, at=NOW - 2 * DAY)
    shop.buy("A2", 4_00, by=ANNA, spent=4_00)
    shop.merge(ANNA, into=BORIS)
    receipt = shop.bring_back("RA2", 0, purchase="A2", lines=(back("1", 0),))
    assert receipt.member == shop.wire(BORIS)
    assert shop.free(BORIS) == [10_00, 10_00]

    shop.bring_back("RA1", 100_00, purchase="A1")
    assert shop.free(BORIS) == [10_00, 0]


def test_ledger_12_a_hold_is_replaced_by_the_name_that_it_had_before_the_merge(shop: Shop):
    shop.tell(shop.purchase("P0", 100_00), shop.purchase("P1", 10_00, by=BORIS))
    held = shop.hold(20_00, spend=6_00)
    shop.merge(ANNA, into=BORIS)
    assert shop.quote(20_00, by=BORIS, hold=held.id, spend="max").points.spend == 11_00

    shop.hold(20_00, by=BORIS, hold=held.id, spend=11_00)

    assert shop.figures(BORIS) == Figures(held=11_00)
    assert [one["state"] for one in shop.holds()] == ["released", "live"]


def test_ledger_12_what_stood_in_before_the_merge_comes_back_after_it(shop: Shop):
    shop.buy("A1", 100_00, by=ANNA, at=NOW - 5 * DAY)
    shop.buy("A2", 100_00, by=ANNA)
    shop.buy("spender", 10_00, by=ANNA, spent=10_00)
    shop.bring_back("R1", 100_00, purchase="A1")
    shop.buy("B1", 10_00, by=BORIS)
    shop.buy("C1", 10_00, by=VERA)
    shop.merge(ANNA, into=BORIS)
    shop.merge(BORIS, into=VERA)
    assert shop.figures(VERA) == Figures(available=2_00)

    shop.bring_back("RS", 0, purchase="spender", lines=(back("1", 0),))
    assert shop.figures(VERA) == Figures(available=12_00)
    assert sorted(shop.free(VERA)) == [0, 1_00, 1_00, 10_00]


def test_ledger_12_an_anonymous_purchase_attached_later_books_once(shop: Shop):
    first = shop.buy("P1", 100_00, by=None)
    assert first.member is None
    assert first.points["earned"] == 0

    customer = Customer(phone=ANNA)
    second = shop.buy("P1", 100_00, by=None, customer=customer, revision=2)
    assert second.member == shop.wire(ANNA)
    assert second.points["earned"] == 10_00
    shop.buy("P1", 100_00, by=None, customer=customer, revision=3)
    assert shop.figures() == Figures(available=10_00)


def test_ledger_12_refunds_before_the_attachment_count(shop: Shop):
    shop.buy("P1", 100_00, by=None)
    shop.bring_back("R1", 40_00, purchase="P1")
    shop.buy("P1", 100_00, by=ANNA, revision=2)

    assert shop.figures() == Figures(available=6_00)
