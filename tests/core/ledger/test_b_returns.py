"""`ledger.md` 9 to 11: points that are missing, taken back and given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.ledger import DAY, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import back, line, moscow

SECOND = timedelta(seconds=1)


# --- 9: a spend without a hold --------------------------------------------------------------


def test_ledger_9_what_is_missing_becomes_debt(shop: Shop):
    shop.buy("P1", 100_00)
    receipt = shop.buy("P2", 25_00, spent=25_00)

    assert receipt.points["spent"] == 25_00
    assert set(receipt.flags) == {"spend_without_hold", "points_missing"}
    assert shop.figures() == Figures(debt=15_00)


def test_ledger_9_or_is_forgiven(clamping: Shop):
    clamping.buy("P1", 100_00)
    receipt = clamping.buy("P2", 25_00, spent=25_00)

    assert set(receipt.flags) == {"spend_without_hold", "points_missing"}
    assert clamping.figures() == Figures()
    assert clamping.kinds() == ["earn", "spend", "forgive"]
    assert clamping.entries()[-1]["amount"] == 15_00
    assert clamping.entries()[-1]["d_debt"] == -15_00


def test_ledger_9_or_is_owed_down_to_a_floor(engine: Engine):
    """15.00 are missing, 10.00 may be owed: 5.00 are forgiven, and of the next 4.00 all."""
    shop = open_programme(engine, rules(most_debt="10.00"))
    shop.buy("P1", 100_00)
    shop.buy("P2", 25_00, spent=25_00)
    assert shop.figures() == Figures(debt=10_00)
    assert [one["amount"] for one in shop.entries() if one["kind"] == "forgive"] == [5_00]

    shop.buy("P3", 4_00, spent=4_00)
    assert shop.figures() == Figures(debt=10_00)

    shop.buy("P4", 130_00)
    assert shop.figures() == Figures(available=3_00)


def test_ledger_9_held_points_are_left_alone(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=6_00)
    shop.buy("P2", 10_00, spent=10_00)

    assert shop.figures() == Figures(held=6_00, debt=6_00)


def test_ledger_9_points_that_become_available_pay_debt_first(engine: Engine):
    shop = open_programme(engine, rules(activation_days=1))
    shop.buy("owing", 12_00, spent=12_00)
    shop.buy("P1", 100_00)
    assert shop.figures() == Figures(pending=10_00, debt=12_00)

    shop.advance(days=1)
    shop.keep_up()
    assert shop.figures() == Figures(debt=2_00)

    shop.buy("P2", 50_00, at=shop.now - 2 * DAY)
    assert shop.figures() == Figures(available=3_00)


def test_ledger_9_a_released_hold_pays_debt_first(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00)
    shop.buy("owing", 7_00, spent=7_00)
    assert shop.figures() == Figures(held=10_00, debt=7_00)

    shop.release(hold)
    assert shop.figures() == Figures(available=3_00)


def test_ledger_9_a_gift_by_hand_pays_debt_first(shop: Shop):
    shop.buy("owing", 7_00, spent=7_00)
    shop.adjust(10_00, "gift")
    assert shop.figures() == Figures(available=3_00)


def test_ledger_9_debt_is_paid_on_the_day_however_late_the_job_books_it(engine: Engine):
    """Spendable on March 19, dead on March 25; the job comes back on April 13."""
    shop = open_programme(engine, rules(activation_days=5, life_days=10))
    shop.buy("owing", 12_00, spent=12_00)
    shop.buy("P1", 100_00)
    shop.advance(days=30)
    shop.keep_up()

    assert shop.figures() == Figures(debt=2_00)


# --- 10: claw back --------------------------------------------------------------------------


def test_ledger_10_a_pending_lot_of_the_purchase_goes_first(engine: Engine):
    shop = open_programme(engine, rules(activation_days=7))
    shop.buy("old", 100_00, at=NOW - 10 * DAY)
    shop.buy("P1", 100_00)
    receipt = shop.bring_back("R1", 40_00, purchase="P1")

    assert receipt.points["clawed_back"] == 4_00
    assert shop.figures() == Figures(available=10_00, pending=6_00)


def test_ledger_10_its_own_spendable_lot_goes_before_others(shop: Shop):
    shop.buy("old", 100_00, at=NOW - 10 * DAY)
    shop.buy("P1", 100_00)
    shop.bring_back("R1", 40_00, purchase="P1")

    assert shop.free() == [10_00, 6_00]


def test_ledger_10_then_other_lots_by_the_usual_choice(shop: Shop):
    shop.buy("P1", 100_00, at=NOW - 10 * DAY)
    shop.buy("spender", 8_00, spent=8_00)
    shop.buy("later", 50_00, at=NOW - DAY)
    shop.buy("sooner", 50_00, at=NOW - 2 * DAY)
    shop.bring_back("R1", 100_00, purchase="P1")

    # 10.00 earned: 2.00 left of its own, 5.00 of `sooner`, 3.00 of `later`.
    assert shop.free() == [0, 2_00, 0]


def test_ledger_10_then_debt(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("spender", 8_00, spent=8_00)
    receipt = shop.bring_back("R1", 100_00, purchase="P1")

    assert receipt.points["clawed_back"] == 10_00
    assert receipt.flags == ("points_missing",)
    assert shop.figures() == Figures(debt=8_00)


def test_ledger_10_or_it_is_forgiven(clamping: Shop):
    clamping.buy("P1", 100_00)
    clamping.buy("spender", 8_00, spent=8_00)
    receipt = clamping.bring_back("R1", 100_00, purchase="P1")

    assert receipt.points["clawed_back"] == 10_00
    assert clamping.figures() == Figures()
    assert clamping.kinds() == ["earn", "spend", "claw_back", "forgive"]
    assert clamping.entries()[-1]["amount"] == 8_00


def test_ledger_10_held_points_of_its_own_lot_are_left_to_their_hold(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=6_00)
    shop.bring_back("R1", 100_00, purchase="P1")
    assert shop.figures() == Figures(held=6_00, debt=6_00)

    shop.release(hold)
    assert shop.figures() == Figures()


def test_ledger_10_nothing_else_is_taken_for_what_has_expired(engine: Engine):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00)
    shop.advance(days=20)
    shop.buy("P2", 50_00)
    receipt = shop.bring_back("R1", 100_00, purchase="P1")

    assert receipt.points["clawed_back"] == 10_00
    assert shop.figures() == Figures(available=5_00)


# --- 11: give back --------------------------------------------------------------------------


def test_ledger_11_points_go_back_to_the_lots_they_came_from(shop: Shop):
    shop.buy("sooner", 50_00, at=NOW - 2 * DAY)
    shop.buy("later", 50_00, at=NOW - DAY)
    before = shop.lots()
    shop.buy("P1", 8_00, spent=8_00)
    receipt = shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))

    assert receipt.points["given_back"] == 8_00
    assert shop.lots() == before


def test_ledger_11_a_captured_hold_goes_back_too(shop: Shop):
    shop.buy("sooner", 50_00, at=NOW - 2 * DAY)
    shop.buy("later", 50_00, at=NOW - DAY)
    before = shop.lots()
    shop.hold(8_00, cart="c", spend=8_00)
    shop.buy("P1", 8_00, spent=8_00, cart="c")
    shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))

    assert shop.lots() == before


def test_ledger_11_debt_is_cancelled_first(shop: Shop):
    shop.buy("earner", 50_00)
    shop.buy("P1", lines=(line("1", 8_00, spend=8_00, pieces=2),))
    assert shop.figures() == Figures(debt=3_00)

    shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))
    assert shop.figures() == Figures(available=1_00)
    shop.bring_back("R2", 0, purchase="P1", lines=(back("1", 0),))
    assert shop.figures() == Figures(available=5_00)


def test_ledger_10_or_it_is_owed_down_to_a_floor(engine: Engine):
    """The 10.00 that it earned are spent; of what is missing 6.00 may be owed."""
    shop = open_programme(engine, rules(most_debt="6.00"))
    shop.buy("P1", 100_00)
    shop.buy("spender", 10_00, spent=10_00)
    shop.bring_back("R1", 100_00, purchase="P1")

    assert shop.figures() == Figures(debt=6_00)
    assert shop.kinds() == ["earn", "spend", "claw_back", "forgive"]
    assert shop.entries()[-1]["amount"] == 4_00


def test_ledger_11_of_a_debt_part_of_which_was_forgiven_nothing_comes_back(engine: Engine):
    """25.00 spent, 10.00 of them there, 10.00 owed, 5.00 forgiven; all of it returns."""
    shop = open_programme(engine, rules(most_debt="10.00"))
    shop.buy("P1", 100_00)
    shop.buy("P2", lines=(line("1", 25_00, spend=25_00, pieces=5),))

    shop.bring_back("R1", 0, purchase="P2", lines=(back("1", 0, pieces=3),))
    assert shop.figures() == Figures()
    shop.bring_back("R2", 0, purchase="P2", lines=(back("1", 0, pieces=2),))
    assert shop.figures() == Figures(available=10_00)


def test_ledger_11_what_was_forgiven_is_cancelled_first(clamping: Shop):
    clamping.buy("earner", 50_00)
    clamping.buy("P1", lines=(line("1", 8_00, spend=8_00, pieces=2),))
    assert clamping.figures() == Figures()

    clamping.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))
    assert clamping.figures() == Figures(available=1_00)
    clamping.bring_back("R2", 0, purchase="P1", lines=(back("1", 0),))
    assert clamping.figures() == Figures(available=5_00)


def test_ledger_11_debt_paid_meanwhile_comes_back_from_what_paid_it(shop: Shop):
    shop.buy("P1", 8_00, spent=8_00)
    shop.buy("payer", 100_00)
    assert shop.figures() == Figures(available=2_00)

    shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))
    assert shop.figures() == Figures(available=10_00)
    payer = shop.lots()[-1]
    assert (payer["free"], payer["amount"]) == (10_00, 10_00)


def test_ledger_11_a_lot_clawed_back_meanwhile_restores_what_was_taken_in_its_place(shop: Shop):
    shop.buy("P1", 100_00, at=NOW - 5 * DAY)
    shop.buy("P2", 100_00)
    shop.buy("spender", 10_00, spent=10_00)  # all of P1's lot
    shop.bring_back("R1", 100_00, purchase="P1")  # taken from P2's lot in its place
    assert shop.free() == [0, 0]

    shop.bring_back("RS", 0, purchase="spender", lines=(back("1", 0),))
    assert shop.free() == [0, 10_00]


def test_ledger_11_a_claw_back_that_became_debt_is_restored_too(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("spender", 10_00, spent=10_00)
    shop.bring_back("R1", 100_00, purchase="P1")
    assert shop.figures() == Figures(debt=10_00)

    shop.bring_back("RS", 0, purchase="spender", lines=(back("1", 0),))
    assert shop.figures() == Figures()


@pytest.fixture
def spent_and_expired(engine: Engine) -> Shop:
    """10.00 points of ten days, spent on the first of them, and twenty days gone by."""
    shop = open_programme(engine, rules(life_days=10), now=moscow(2026, 3, 1, 12, 0))
    shop.buy("P1", 100_00)
    shop.buy("spender", 10_00, spent=10_00)
    shop.now = moscow(2026, 3, 21, 12, 0)
    shop.keep_up()
    return shop


def test_ledger_11_points_of_an_expired_lot_live_for_the_grace_days(spent_and_expired: Shop):
    shop = spent_and_expired
    shop.bring_back("R1", 0, purchase="spender", lines=(back("1", 0),))
    assert shop.figures() == Figures(available=10_00)

    shop.now = moscow(2026, 4, 5) - SECOND  # the 14th day after March 21 is over
    shop.keep_up()
    assert shop.figures() == Figures(available=10_00)
    shop.now = moscow(2026, 4, 5)
    shop.keep_up()
    assert shop.figures() == Figures()


def test_ledger_11_without_grace_they_expire_at_once(engine: Engine):
    shop = open_programme(engine, rules(life_days=10, give_back_grace_days=0))
    shop.buy("P1", 100_00)
    shop.buy("spender", 10_00, spent=10_00)
    shop.advance(days=20)
    receipt = shop.bring_back("R1", 0, purchase="spender", lines=(back("1", 0),))

    assert receipt.points["given_back"] == 10_00
    assert shop.figures() == Figures()
    assert shop.kinds()[-2:] == ["give_back", "expire"]


def test_ledger_11_a_withdrawn_refund_does_not_revive_what_had_expired(engine: Engine):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00)
    shop.advance(days=20)
    shop.keep_up()
    assert shop.figures() == Figures()

    at = shop.now
    listed = (shop.refund("R1", 100_00, at=at),)
    shop.buy("P1", 100_00, at=NOW, revision=2, refunds=listed)
    shop.buy("P1", 100_00, at=NOW, revision=3, refunds=())
    assert shop.figures() == Figures()


def test_ledger_11_a_lot_that_paid_the_debt_that_stood_in_for_it(shop: Shop):
    """The refund finds the points held, so they are owed; released, they pay that very debt."""
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00)
    shop.buy("P1", 100_00, revision=2, refunds=(shop.refund("R1", 100_00),))
    assert shop.figures() == Figures(held=10_00, debt=10_00)
    shop.release(hold)
    assert shop.figures() == Figures()

    shop.buy("P1", 100_00, revision=3, refunds=())
    assert shop.figures() == Figures(available=10_00)
