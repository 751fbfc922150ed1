"""`ledger.md` 25 and 26: order of arrival, and what returning everything leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import Engine

from loyalty_kit.events import PurchaseStatus
from tests.support.ledger import DAY, HOUR, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import back, line, reduced


def test_ledger_25_a_purchase_and_its_refunds_come_in_any_order(engine: Engine):
    """Twice each, alone and together: 24 orders of arrival end the same."""
    shop = open_programme(engine)
    shop.advance(hours=3)
    ends = set()
    for number, order in enumerate(permutations(range(4))):
        by = f"+791655501{number:02}"
        shop.buy(f"earner-{number}", 50_00, by=by, at=NOW - DAY)
        bought = (line("1", 60_00, pieces=3, spend=6_00), line("2", 41_00, spend=1_00))
        purchase = shop.purchase(f"P{number}", by=by, lines=bought, at=NOW)
        told = [
            purchase,
            replace(purchase),
            shop.refund(
                f"R{number}-1",
                18_00,
                purchase=f"P{number}",
                lines=(back("1", 18_00),),
                at=NOW + HOUR,
            ),
            shop.refund(f"R{number}-2", 25_00, purchase=f"P{number}", at=NOW + 2 * HOUR),
        ]
        for index in order:
            shop.tell(told[index])
        ends.add((shop.figures(by), tuple(lot["free"] for lot in shop.lots(by))))

    # 94.00 paid, 9.40 earned, 7.00 spent of 5.00.  Back come a third of line 1 (6.00 x 1/3,
    # 5.40 x 1/3) and then 25.00 over the 36.00 and 40.00 still paid: 11.84 and 13.16.
    # So 0.552593 of line 1 is back and 0.329 of line 2.
    # Earned back: 5.40 x 0.552593 + 4.00 x 0.329 = 2.984 + 1.316 = 4.30.
    # Spent back: 6.00 x 0.552593 + 1.00 x 0.329 = 3.315556 + 0.329 = 3.64.
    assert {figures for figures, _ in ends} == {Figures(available=5_00 - 7_00 + 3_64 + 9_40 - 4_30)}


def test_ledger_25_one_batch_in_any_order(engine: Engine):
    shop = open_programme(engine)
    shop.advance(hours=3)
    for number, order in enumerate(permutations(range(3))):
        by = f"+791655502{number:02}"
        told = [
            shop.purchase(f"P{number}", 100_00, by=by, at=NOW),
            shop.refund(f"R{number}-1", 33_33, purchase=f"P{number}", at=NOW + HOUR),
            shop.purchase(f"P{number}", 100_00, by=by, at=NOW),
        ]
        shop.tell(*(told[index] for index in order))
        assert shop.figures(by) == Figures(available=6_67)


def test_ledger_25_what_is_booked_is_not_rated_again(engine: Engine):
    """A purchase of earlier that comes late makes gold, but only for what comes after it."""
    document = rules()
    document["tiers"] = [
        {"code": "gold", "name": "Gold", "spend_from": "1000.00", "earn_percent": "20"}
    ]
    shop = open_programme(engine, document)
    shop.buy("first-seen", 100_00, at=NOW - DAY)
    shop.buy("late", 1000_00, at=NOW - 3 * DAY)
    assert shop.free() == [10_00, 100_00]

    assert shop.buy("after", 100_00, at=NOW - 2 * DAY).points["earned"] == 20_00


def test_ledger_25_a_late_spend_reopens_lots_that_expired_after_it(engine: Engine):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00, at=NOW)
    shop.advance(days=20)
    shop.keep_up()
    shop.buy("P2", 50_00)
    receipt = shop.buy("late", 7_00, spent=7_00, at=NOW + 5 * DAY)

    assert receipt.flags == ("spend_without_hold",)
    old, new = shop.lots()
    assert (old["free"], old["expired"]) == (0, 3_00)
    assert new["free"] == 5_00
    reopened = next(one for one in shop.entries() if one["kind"] == "expire" and one["amount"] < 0)
    assert reopened["amount"] == -7_00


def until_they_have_expired(shop: Shop, *, days: int = 20) -> None:
    shop.advance(days=days)
    shop.keep_up()


def told_by_the_receipt(shop: Shop) -> None:
    until_they_have_expired(shop)
    shop.buy("late", 7_00, points_spent=7_00, at=NOW + 5 * DAY)


def told_by_a_hold_that_ended(shop: Shop) -> None:
    """The till cannot tell points from a discount; the hold can."""
    shop.advance(days=5)
    shop.hold(7_00, cart="c", spend=7_00)
    until_they_have_expired(shop, days=15)
    lines = (reduced("1", 7_00, 7_00),)
    shop.buy("late", lines=lines, cart="c", at=NOW + 5 * DAY)


def told_by_a_revision(shop: Shop) -> None:
    until_they_have_expired(shop)
    shop.buy("late", 7_00, at=NOW + 5 * DAY)
    shop.buy("late", 7_00, spent=7_00, at=NOW + 5 * DAY, revision=2)


def told_by_a_refund_that_was_none(shop: Shop) -> None:
    shop.advance(days=5)
    shop.buy("late", 14_00, spent=7_00)
    shop.bring_back("R", 7_00, purchase="late")
    assert shop.lots()[0]["free"] == 10_00
    until_they_have_expired(shop, days=15)
    shop.bring_back("R", 0, purchase="late", at=NOW + 5 * DAY, revision=2)


def told_beside_another(shop: Shop) -> None:
    until_they_have_expired(shop)
    shop.tell(
        shop.purchase("P2", 50_00),
        shop.purchase("late", 7_00, spent=7_00, at=NOW + 5 * DAY),
    )


@pytest.mark.parametrize(
    "told",
    [
        told_by_the_receipt,
        told_by_a_hold_that_ended,
        told_by_a_revision,
        told_by_a_refund_that_was_none,
        told_beside_another,
    ],
)
def test_ledger_25_a_late_spend_reopens_however_it_is_told(
    engine: Engine, told: Callable[[Shop], None]
):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00, at=NOW)
    told(shop)

    first, *_ = shop.lots()
    assert (first["free"], first["expired"]) == (0, 3_00)
    assert shop.figures().debt == 0


def test_ledger_25_but_not_those_that_had_expired_before_it(engine: Engine):
    shop = open_programme(engine, rules(life_days=10))
    shop.buy("P1", 100_00, at=NOW)
    shop.advance(days=20)
    shop.keep_up()
    receipt = shop.buy("late", 7_00, spent=7_00, at=NOW + 15 * DAY)

    assert "points_missing" in receipt.flags
    assert shop.figures() == Figures(debt=7_00)


def test_ledger_25_at_equal_times_refunds_come_first(shop: Shop):
    shop.buy("earner", 40_00, at=NOW - 2 * DAY)
    shop.buy("old", 4_00, spent=4_00, at=NOW - DAY)
    receipts = shop.tell(
        shop.purchase("new", 4_00, spent=4_00, at=NOW),
        shop.refund("R", 0, purchase="old", lines=(back("1", 0),), at=NOW),
    )

    assert "points_missing" not in receipts[0].flags
    assert [one["kind"] for one in shop.entries()[-2:]] == ["give_back", "spend"]


def test_ledger_25_a_time_far_ahead_is_flagged_and_the_time_of_receipt_taken(shop: Shop):
    ahead = NOW + DAY + timedelta(seconds=1)
    receipt = shop.buy("P1", 100_00, at=ahead)
    assert receipt.flags == ("time_ahead",)
    assert shop.entries()[0]["occurred_at"] == NOW

    assert shop.buy("P2", 100_00, at=NOW + DAY).flags == ()


@pytest.mark.parametrize("later", [timedelta(minutes=1), 3 * DAY])
def test_ledger_25_a_duplicate_of_such_a_receipt_changes_nothing(shop: Shop, later: timedelta):
    ahead = NOW + 2 * DAY
    first = shop.buy("P1", 100_00, at=ahead)
    shop.now += later
    again = shop.buy("P1", 100_00, at=ahead)

    assert (again.id, again.created) == (first.id, False)
    assert shop.figures() == Figures(available=10_00)


# --- 26 -------------------------------------------------------------------------------------

PORTIONS = (
    ("by line", 54_00, (back("1", 54_00, 3),)),
    ("the rest", 40_00, (back("2", 40_00),)),
)


def test_ledger_26_returning_everything_leaves_what_never_buying_leaves(shop: Shop):
    shop.buy("earner", 50_00, at=NOW - DAY)
    before = shop.lots()
    shop.buy("P1", lines=(line("1", 60_00, pieces=3, spend=6_00), line("2", 41_00, spend=1_00)))
    assert shop.figures() == Figures(available=5_00 - 7_00 + 9_40)
    for name, amount, lines in PORTIONS:
        shop.bring_back(name, amount, purchase="P1", lines=lines)

    assert shop.figures() == Figures(available=5_00)
    assert shop.lots()[:1] == before
    assert all(lot["free"] == lot["held"] == lot["owed"] == 0 for lot in shop.lots()[1:])


def test_ledger_26_what_others_spent_of_it_is_owed_until_they_return_it(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("P2", 30_00, spent=10_00)
    shop.bring_back("R1", 100_00, purchase="P1")
    assert shop.figures() == Figures(debt=8_00)
    shop.bring_back("R2", 20_00, purchase="P2")
    assert shop.figures() == Figures()


def test_ledger_26_clamp_leaves_a_recorded_forgiveness(clamping: Shop):
    clamping.buy("P1", 100_00)
    clamping.buy("P2", 30_00, spent=10_00)  # earns 2.00
    clamping.bring_back("R1", 100_00, purchase="P1")
    assert clamping.figures() == Figures()
    forgiven = [one["amount"] for one in clamping.entries() if one["kind"] == "forgive"]
    assert forgiven == [8_00]


def test_ledger_26_a_cancellation_is_a_return_of_everything(shop: Shop):
    shop.buy("earner", 50_00, at=NOW - DAY)
    before = shop.lots()
    shop.buy("P1", 60_00, spent=6_00)
    shop.buy("P1", 60_00, spent=6_00, status=PurchaseStatus.CANCELLED, revision=2)

    assert shop.figures() == Figures(available=5_00)
    assert shop.lots()[:1] == before
