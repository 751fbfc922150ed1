"""`ledger.md` D: events from the world, one by one.  Their order stands in `test_d_order.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import EventConflict
from loyalty_kit.events import PurchaseStatus, RefundLine
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import back, line, reduced

SHOP_A, SHOP_B = "installation:1", "installation:2"


# --- 18: the key of an event ----------------------------------------------------------------


def test_ledger_18_order_1042_of_two_shops_is_two_purchases(shop: Shop):
    first = shop.buy("1042", 100_00, order="1042", source=SHOP_A)
    second = shop.buy("1042", 50_00, order="1042", source=SHOP_B)

    assert first.id != second.id
    assert shop.figures() == Figures(available=15_00)


def test_ledger_18_a_purchase_and_a_refund_may_bear_one_number(shop: Shop):
    shop.buy("1042", 100_00)
    receipt = shop.bring_back("1042", 40_00, purchase="1042")

    assert receipt.status == "booked"
    assert shop.figures() == Figures(available=6_00)


def test_ledger_18_refunds_find_the_purchase_of_their_own_source(shop: Shop):
    shop.buy("1042", 100_00, source=SHOP_A, order="1042")
    shop.buy("1042", 50_00, source=SHOP_B, order="1042")
    shop.bring_back("R", 50_00, purchase="1042", source=SHOP_B)
    assert shop.free() == [10_00, 0]
    shop.bring_back("R", 100_00, order="1042", source=SHOP_A)
    assert shop.free() == [0, 0]


@pytest.mark.parametrize("other_first", [True, False])
def test_ledger_18_25_a_refund_waits_for_its_purchase_beside_an_order_of_another_shop(
    shop: Shop, other_first: bool
):
    """Its own shop will tell of it yet, whatever order of that number others have."""

    def other() -> None:
        shop.buy("A-17", 100_00, order="17", source=SHOP_A)

    if other_first:
        other()
    receipt = shop.bring_back("R", 50_00, purchase="B-17", order="17", source=SHOP_B)
    if not other_first:
        other()

    assert receipt.status == "waiting"
    assert shop.figures() == Figures(available=10_00)
    shop.buy("B-17", 50_00, by=BORIS, order="17", source=SHOP_B)
    assert shop.figures() == Figures(available=10_00)
    assert shop.figures(BORIS) == Figures()
    assert shop.free(BORIS) == [0]


def test_ledger_18_two_programmes_share_nothing(engine: Engine):
    one, two = open_programme(engine), open_programme(engine)
    one.buy("P1", 100_00)
    assert two.buy("P1", 50_00).created
    assert (one.figures(), two.figures()) == (Figures(10_00), Figures(5_00))


# --- 19: revisions --------------------------------------------------------------------------


def test_ledger_19_a_lower_revision_is_superseded(shop: Shop):
    first = shop.buy("P1", 100_00, revision=5)
    old = shop.buy("P1", 80_00, revision=4)

    assert (old.id, old.status, old.created) == (first.id, "superseded", False)
    assert shop.figures() == Figures(available=10_00)


def test_ledger_19_an_equal_one_is_as_before_or_a_conflict(shop: Shop):
    first = shop.buy("P1", 100_00, revision=5)
    same = shop.buy("P1", 100_00, revision=5)
    assert (same.id, same.status, same.points) == (first.id, "booked", first.points)
    with pytest.raises(EventConflict):
        shop.buy("P1", 80_00, revision=5)


def test_ledger_19_a_higher_one_of_the_same_content_moves_nothing(shop: Shop):
    shop.buy("P1", 100_00, revision=5)
    entries = shop.entries()
    again = shop.buy("P1", 100_00, revision=9)
    assert (again.status, again.created) == ("booked", False)
    assert shop.entries() == entries

    assert shop.buy("P1", 80_00, revision=8).status == "superseded"
    with pytest.raises(EventConflict):
        shop.buy("P1", 80_00, revision=9)


def test_ledger_19_a_higher_one_books_the_difference(shop: Shop):
    shop.buy("spendable", 100_00)
    shop.buy("P1", 100_00, spent=5_00)
    assert shop.figures() == Figures(available=5_00 + 9_50)

    more = shop.buy("P1", 150_00, spent=7_00, revision=2)
    assert more.points == {"earned": 4_80, "spent": 2_00, "clawed_back": 0, "given_back": 0}
    assert shop.figures() == Figures(available=3_00 + 14_30)

    less = shop.buy("P1", 50_00, spent=1_00, revision=3)
    assert less.points == {"earned": 0, "spent": 0, "clawed_back": 9_40, "given_back": 6_00}
    assert shop.figures() == Figures(available=9_00 + 4_90)


def by_life(shop: Shop) -> dict[int, int]:
    """Points that are free, by the days that they live."""
    found: dict[int, int] = {}
    for lot in shop.lots():
        days = (lot["expires_at"] - NOW).days
        found[days] = found.get(days, 0) + lot["free"]
    return found


def of_ten_days(engine: Engine) -> Shop:
    """10 % for a year, and 10.00 that live ten days for goods B."""
    short = {"points": "10", "life_days": 10, "skus": ["B"]}
    promotion = {"id": "b", "name": "b", "type": "earn_points", "params": short}
    return open_programme(engine, rules() | {"promotions": [promotion]})


A, B = line("1", 100_00, sku="A"), line("2", 50_00, sku="B")


@pytest.mark.parametrize(
    ("told", "lives"),
    [
        pytest.param([(A,), (A, B)], {10: 10_00, 365: 15_00}, id="a promotion is added"),
        pytest.param([(B,), (A, B)], {10: 10_00, 365: 15_00}, id="the base grows"),
        pytest.param([(A,), (B,), (A, B)], {10: 10_00, 365: 15_00}, id="one for another"),
        pytest.param([(A, B), (A,), (A, B)], {10: 10_00, 365: 15_00}, id="gone and back"),
        pytest.param([(A,), (A,), (A, B), (A, B)], {10: 10_00, 365: 15_00}, id="told twice"),
    ],
)
def test_ledger_19_what_a_revision_adds_has_the_dates_of_its_own_award(
    engine: Engine, told: list, lives: dict
):
    shop = of_ten_days(engine)
    for number, lines in enumerate(told, 1):
        shop.buy("P1", lines=lines, revision=number, cashier=f"Vera {number}")

    assert by_life(shop) == lives


def test_ledger_19_so_does_what_an_open_order_earns_when_it_is_paid(engine: Engine):
    shop = of_ten_days(engine)
    shop.buy("P1", lines=(A,), status=PurchaseStatus.OPEN)
    shop.buy("P1", lines=(A, B), revision=2)
    shop.buy("P1", lines=(A, replace(B, id="3"), B), revision=3)

    # The promotion gives its 10.00 once a receipt.
    assert by_life(shop) == {10: 10_00, 365: 20_00}


def test_ledger_19_and_what_another_member_earns(engine: Engine):
    shop = of_ten_days(engine)
    shop.buy("P1", lines=(A, B))
    shop.buy("P1", lines=(A,), by=BORIS, revision=2)
    shop.buy("P1", lines=(A, B), by=ANNA, revision=3)

    assert by_life(shop) == {10: 10_00, 365: 15_00}


def test_ledger_19_a_cancelled_purchase_leaves_nothing(shop: Shop):
    shop.buy("spendable", 100_00)
    shop.buy("P1", 100_00, spent=5_00)
    receipt = shop.buy("P1", 100_00, spent=5_00, status=PurchaseStatus.CANCELLED, revision=2)
    assert receipt.status == "cancelled"
    assert shop.figures() == Figures(available=10_00)

    shop.buy("P1", 100_00, spent=5_00, revision=3)
    assert shop.figures() == Figures(available=5_00 + 9_50)


def test_ledger_19_refunds_have_revisions_too(shop: Shop):
    shop.buy("P1", 100_00)
    shop.bring_back("R1", 40_00, purchase="P1", revision=3)
    assert shop.bring_back("R1", 30_00, purchase="P1", revision=2).status == "superseded"
    with pytest.raises(EventConflict):
        shop.bring_back("R1", 30_00, purchase="P1", revision=3)
    assert shop.figures() == Figures(available=6_00)

    shop.bring_back("R1", 30_00, purchase="P1", revision=4)
    assert shop.figures() == Figures(available=7_00)


def test_ledger_19_a_corrected_refund_moves_to_the_purchase_that_it_names_now(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("P2", 100_00, by=BORIS)
    shop.bring_back("R", 100_00, purchase="P1")
    for revision, purchase in enumerate(("P2", "P1", "P2"), 2):
        receipt = shop.bring_back("R", 100_00, purchase=purchase, revision=revision)
        assert receipt.status == "booked"

    assert (shop.figures(ANNA), shop.figures(BORIS)) == (Figures(available=10_00), Figures())
    assert_books_add_up(shop)


def test_ledger_19_a_corrected_refund_waits_for_the_purchase_that_it_names_now(shop: Shop):
    shop.buy("P1", 100_00)
    shop.bring_back("R", 100_00, purchase="P1")
    receipt = shop.bring_back("R", 100_00, purchase="P2", revision=2)
    assert (receipt.status, shop.figures()) == ("waiting", Figures(available=10_00))

    shop.buy("P2", 100_00, by=BORIS)
    assert (shop.figures(ANNA), shop.figures(BORIS)) == (Figures(available=10_00), Figures())


def test_ledger_19_a_corrected_sum_leaves_the_refund_where_it_is(shop: Shop):
    shop.buy("P1", 100_00)
    shop.bring_back("R", 100_00, purchase="P1")
    shop.bring_back("R", 40_00, purchase="P1", revision=2)
    shop.bring_back("R", 50_00, revision=3)

    assert shop.figures() == Figures(available=5_00)


def test_ledger_19_a_word_that_was_booked_once_fills_no_newer_one(shop: Shop):
    """The second word says that nothing was spent; the third, which cannot know, leaves it so."""
    shop.buy("spendable", 500_00, at=NOW - DAY)
    till = shop.purchase("P1", lines=(reduced("1", 100_00, 5_00),), points_spent=5_00)
    shop.tell(till)
    shop.buy("P1", 100_00, revision=2)
    shop.buy("P1", lines=(reduced("1", 100_00, 5_00),), revision=3)
    before = shop.snapshot()

    (again,) = shop.tell(till)
    assert (again.status, again.created) == ("superseded", False)
    assert shop.snapshot() == before
    # 50.00 and 10 % of 95.00.
    assert shop.figures() == Figures(available=59_50)


def test_ledger_19_nor_under_a_number_that_moved_nothing(shop: Shop):
    shop.buy("spendable", 500_00, at=NOW - DAY)
    till = shop.purchase("P1", lines=(reduced("1", 100_00, 5_00),), points_spent=5_00)
    shop.tell(till)
    shop.tell(replace(till, revision=2))
    shop.buy("P1", 100_00, revision=3)
    shop.buy("P1", lines=(reduced("1", 100_00, 5_00),), revision=4)

    assert [shop.tell(replace(till, revision=no))[0].status for no in (1, 2)] == ["superseded"] * 2
    assert shop.figures() == Figures(available=59_50)


def test_ledger_19_an_older_word_fills_once(shop: Shop):
    shop.buy("spendable", 500_00, at=NOW - DAY)
    till = shop.purchase("P1", lines=(reduced("1", 100_00, 5_00),), points_spent=5_00)
    shop.buy("P1", lines=(reduced("1", 100_00, 5_00),), revision=2)
    assert shop.tell(till)[0].points["spent"] == 5_00
    shop.buy("P1", 100_00, revision=3)
    shop.buy("P1", lines=(reduced("1", 100_00, 5_00),), revision=4)

    assert shop.tell(till)[0].status == "superseded"
    assert shop.figures() == Figures(available=59_50)


# --- 20: a purchase tells its state -----------------------------------------------------------


def test_ledger_20_the_list_books_new_refunds_and_withdraws_those_that_vanished(shop: Shop):
    one, two = shop.refund("R1", 40_00), shop.refund("R2", 25_00)
    shop.buy("P1", 100_00, refunds=())
    shop.buy("P1", 100_00, refunds=(one,), revision=2)
    assert shop.figures() == Figures(available=6_00)
    shop.buy("P1", 100_00, refunds=(one, two), revision=3)
    assert shop.figures() == Figures(available=3_50)
    shop.buy("P1", 100_00, refunds=(two,), revision=4)
    assert shop.figures() == Figures(available=7_50)
    assert {one["external_id"]: one["state"] for one in shop.kept_refunds()} == {
        "R1": "withdrawn",
        "R2": "booked",
    }
    shop.buy("P1", 100_00, refunds=(one, two), revision=5)
    assert shop.figures() == Figures(available=3_50)


def test_ledger_20_a_listed_refund_that_changed_is_booked_by_difference(shop: Shop):
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 40_00),))
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 10_00),), revision=2)

    assert shop.figures() == Figures(available=9_00)


def test_ledger_20_no_list_changes_nothing(shop: Shop):
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 40_00),))
    shop.buy("P1", 100_00, refunds=None, revision=2, cashier="2")

    assert shop.figures() == Figures(available=6_00)


def test_ledger_20_only_refunds_that_came_by_list_are_withdrawn(shop: Shop):
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 40_00),))
    shop.bring_back("R2", 10_00, purchase="P1")
    shop.buy("P1", 100_00, refunds=(), revision=2)

    assert shop.figures() == Figures(available=9_00)


def test_ledger_20_a_refund_told_both_ways_counts_once(shop: Shop):
    shop.buy("P1", 100_00)
    shop.bring_back("R1", 40_00, purchase="P1")
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 40_00),), revision=2)
    assert shop.figures() == Figures(available=6_00)


def test_ledger_20_a_list_does_not_bring_an_older_word_of_a_refund_back(shop: Shop):
    shop.buy("P1", 100_00)
    shop.bring_back("R1", 50_00, purchase="P1", revision=5)
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 20_00, revision=4),), revision=2)
    assert shop.figures() == Figures(available=5_00)

    # It is of the list from now on.
    shop.buy("P1", 100_00, refunds=(), revision=3)
    assert shop.figures() == Figures(available=10_00)
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 20_00, revision=4),), revision=4)
    assert shop.figures() == Figures(available=5_00)
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 30_00, revision=6),), revision=5)
    assert shop.figures() == Figures(available=7_00)


def test_ledger_20_a_refund_that_waits_keeps_its_newer_word_when_a_list_tells_it(shop: Shop):
    shop.bring_back("R1", 50_00, purchase="P1", revision=5)
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 20_00),))
    assert shop.figures() == Figures(available=5_00)


def test_ledger_20_a_list_of_the_same_raises_the_revision(shop: Shop):
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 50_00),))
    newer = (shop.refund("R1", 50_00, revision=5),)
    shop.buy("P1", 100_00, refunds=newer, revision=2, cashier="Vera")
    shop.buy("P1", 100_00, refunds=(shop.refund("R1", 20_00, revision=4),), revision=3)
    assert shop.figures() == Figures(available=5_00)


def test_ledger_20_a_changed_customer_reverses_and_books_anew(shop: Shop):
    shop.buy("spendable", 100_00, by=ANNA)
    shop.buy("spendable-2", 100_00, by=BORIS)
    shop.buy("P1", 50_00, by=ANNA, spent=4_00)
    shop.bring_back("R1", 23_00, purchase="P1")  # half of it
    assert shop.figures(ANNA) == Figures(available=6_00 + 4_60 + 2_00 - 2_30)

    receipt = shop.buy("P1", 50_00, by=BORIS, spent=4_00, revision=2)
    assert receipt.member == shop.wire(BORIS)
    assert shop.figures(ANNA) == Figures(available=10_00)
    assert shop.figures(BORIS) == Figures(available=10_00 - 2_00 + 2_30)

    shop.buy("P1", 50_00, by=ANNA, spent=4_00, revision=3)
    assert shop.figures(ANNA) == Figures(available=6_00 + 4_60 + 2_00 - 2_30)
    assert shop.figures(BORIS) == Figures(available=10_00)


def test_ledger_20_no_customer_keeps_the_one_that_is_known(shop: Shop):
    shop.buy("P1", 100_00, by=ANNA)
    receipt = shop.buy("P1", 80_00, by=None, revision=2)

    assert receipt.member == shop.wire(ANNA)
    assert shop.figures(ANNA) == Figures(available=8_00)


def test_ledger_20_lines_that_vanished_or_shrank_are_booked_as_returned(shop: Shop):
    lines = (line("1", 60_00, pieces=3), line("2", 40_00))
    shop.buy("P1", lines=lines)
    shop.buy("P1", lines=(line("1", 40_00, pieces=2), line("2", 40_00)), revision=2)
    assert shop.figures() == Figures(available=8_00)
    shop.buy("P1", lines=(line("1", 40_00, pieces=2),), revision=3)
    assert shop.figures() == Figures(available=4_00)


def test_ledger_20_a_list_that_takes_a_refund_over_leaves_nothing_at_the_other(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("P2", 100_00, by=BORIS)
    shop.bring_back("R", 100_00, purchase="P1")
    listed = (shop.refund("R", 100_00),)
    shop.buy("P2", 100_00, by=BORIS, revision=2, refunds=listed)
    assert (shop.figures(ANNA), shop.figures(BORIS)) == (Figures(available=10_00), Figures())

    shop.buy("P1", 100_00, revision=2, refunds=listed)
    shop.buy("P2", 100_00, by=BORIS, revision=3, refunds=listed, order="7")
    assert (shop.figures(ANNA), shop.figures(BORIS)) == (Figures(available=10_00), Figures())


# --- 21: refunds ----------------------------------------------------------------------------


def test_ledger_21_a_share_by_quantity_rounded_over_all_portions(shop: Shop):
    shop.buy("P1", lines=(line("1", 100_00, pieces=3),))
    clawed = [
        shop.bring_back(f"R{n}", 33_33, purchase="P1", lines=(back("1", 33_33),)).points
        for n in (1, 2, 3)
    ]

    assert [points["clawed_back"] for points in clawed] == [3_33, 3_34, 3_33]
    assert shop.figures() == Figures()


@pytest.mark.parametrize("pieces", [None, 0])
def test_ledger_21_a_share_by_money_where_the_quantity_is_unknown(shop: Shop, pieces: int | None):
    shop.buy("P1", lines=(line("1", 60_00, pieces=3), line("2", 40_00)))
    shop.bring_back("R1", 15_00, purchase="P1", lines=(back("1", 15_00, pieces),))

    assert shop.figures() == Figures(available=8_50)


def test_ledger_21_a_sum_without_lines_is_spread_over_what_is_still_paid(shop: Shop):
    shop.buy("spendable", 100_00)
    shop.buy("P1", lines=(line("1", 60_00), line("2", 50_00, spend=10_00)))
    assert shop.figures() == Figures(available=0 + 10_00)

    shop.bring_back("R1", 50_00, purchase="P1")  # half of 60.00 and half of 40.00
    assert shop.figures() == Figures(available=5_00 + 5_00)
    shop.bring_back("R2", 20_00, purchase="P1", lines=(back("2", 20_00, None),))
    assert shop.figures() == Figures(available=10_00 + 3_00)
    shop.bring_back("R3", 15_00, purchase="P1")  # only line 1 is still paid
    assert shop.figures() == Figures(available=10_00 + 1_50)


def test_ledger_21_points_and_money_of_a_line_come_back_together(shop: Shop):
    shop.buy("spendable", 100_00)
    shop.buy("P1", lines=(line("1", 40_00, spend=8_00, pieces=2), line("2", 10_00)))
    receipt = shop.bring_back("R1", 16_00, purchase="P1", lines=(back("1", 16_00),))

    assert receipt.points == {"earned": 0, "spent": 0, "clawed_back": 1_60, "given_back": 4_00}


@pytest.mark.parametrize("pieces", [None, 0])
def test_ledger_21_a_line_paid_with_points_alone_is_whole_where_no_quantity_is_told(
    shop: Shop, pieces: int | None
):
    shop.buy("spendable", 100_00)
    shop.buy("P1", lines=(line("1", 50_00), line("2", 6_00, spend=6_00)))
    receipt = shop.bring_back("R1", 0, purchase="P1", lines=(back("2", 0, pieces),))

    assert receipt.points == {"earned": 0, "spent": 0, "clawed_back": 0, "given_back": 6_00}
    assert receipt.flags == ()


def test_ledger_21_points_for_what_cost_no_money_go_by_quantity(shop: Shop):
    shop.buy("spendable", 100_00)
    shop.buy("P1", lines=(line("1", 0, pieces=3), line("2", 0)), points_spent=8_00)
    one = shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))
    assert one.points["given_back"] == 2_00

    shop.bring_back("R2", 0, purchase="P1", lines=(back("1", 0, 2), back("2", 0)))
    assert shop.figures() == Figures(available=10_00)


def test_ledger_21_or_equally_where_there_is_none(shop: Shop):
    shop.buy("spendable", 100_00)
    lines = (line("1", 0, pieces=0), line("2", 0, pieces=0))
    shop.buy("P1", lines=lines, points_spent=5_00)

    shop.bring_back("R1", 0, purchase="P1", lines=(back("1", 0),))
    assert shop.figures() == Figures(available=7_50)


def test_ledger_21_when_all_money_is_back_everything_is_back(shop: Shop):
    """Line 2 was paid with points alone."""
    shop.buy("spendable", 100_00)
    shop.buy("P1", lines=(line("1", 50_00), line("2", 6_00, spend=6_00)))
    receipt = shop.bring_back("R1", 50_00, purchase="P1", lines=(back("1", 50_00),))

    assert receipt.points == {"earned": 0, "spent": 0, "clawed_back": 5_00, "given_back": 6_00}
    assert shop.figures() == Figures(available=10_00)


def test_ledger_21_more_money_than_there_was_is_clamped_and_flagged(shop: Shop):
    shop.buy("other", 100_00)
    shop.buy("P1", 50_00)
    receipt = shop.bring_back("R1", 70_00, purchase="P1")

    assert receipt.flags == ("over_refund",)
    assert receipt.points["clawed_back"] == 5_00
    assert shop.bring_back("R2", 1_00, purchase="P1").flags == ("over_refund",)
    assert shop.figures() == Figures(available=10_00)


def test_ledger_21_more_of_a_line_than_there_was_is_clamped_and_flagged(shop: Shop):
    shop.buy("P1", 50_00, 50_00)
    shop.bring_back("R1", 50_00, purchase="P1", lines=(back("1", 50_00),))
    receipt = shop.bring_back("R2", 30_00, purchase="P1", lines=(back("1", 30_00),))

    assert receipt.points["clawed_back"] == 0
    assert receipt.flags == ("over_refund",)
    assert shop.figures() == Figures(available=5_00)


def test_ledger_21_lines_are_found_by_article_too(shop: Shop):
    shop.buy("P1", 60_00, 40_00)
    by_article = RefundLine(None, 40_00, 1000, sku="SKU-2")
    shop.bring_back("R1", 40_00, purchase="P1", lines=(by_article,))

    assert shop.figures() == Figures(available=6_00)
    assert [one["returned_minor"] for one in shop.kept_lines("P1")] == [0, 40_00]


def test_ledger_21_one_part_brings_back_an_article_of_two_lines(shop: Shop):
    shop.buy("P", lines=(line("1", 100_00, sku="A"), line("2", 40_00, sku="A")))
    parts = (RefundLine(None, 140_00, 2000, sku="A"),)
    receipt = shop.bring_back("R", 140_00, purchase="P", lines=parts)

    assert (shop.figures(), receipt.flags) == (Figures(), ())


def test_ledger_21_one_part_of_two_lines_may_leave_some_of_the_last(shop: Shop):
    sold = (line("1", 100_00, sku="A"), line("2", 200_00, sku="A", pieces=2))
    shop.buy("P", lines=sold)
    first = (RefundLine(None, 200_00, 2000, sku="A"),)
    receipt = shop.bring_back("R1", 200_00, purchase="P", lines=first)
    assert (shop.figures(), receipt.flags) == (Figures(available=10_00), ())

    again = (RefundLine(None, 200_00, 2000, sku="A"),)
    receipt = shop.bring_back("R2", 200_00, purchase="P", lines=again)
    assert (shop.figures(), receipt.flags) == (Figures(), ("over_refund",))
