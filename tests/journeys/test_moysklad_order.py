"""What MoySklad's till posts twice, late, early, or out of order: the books end the same.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from tests.journeys.test_moysklad_till import BASKET, RETURN, SALE
from tests.support.moysklad import MoySkladStage


def test_a_sale_that_is_posted_again_changes_nothing(account: MoySkladStage):
    account.earns(500)
    cart = account.recalc(*BASKET, wish=270)

    for _ in range(3):
        account.sells(SALE, cart)
        account.work()

    assert account.points(SALE)[:2] == ("76.00", "270.00")
    assert account.balance() == "306.00"
    assert account.states() == ["done", "done"], "the repeats were not even kept"


def test_a_sale_that_comes_again_with_other_content_waits_for_a_person(account: MoySkladStage):
    account.earns(500)
    cart = account.recalc(*BASKET, wish=270)
    account.sells(SALE, cart)
    account.work()

    dearer = [{**one, "discountedPrice": one["price"]} for one in cart["positions"]]
    account.sells(SALE, {**cart, "positions": dearer})
    account.work()

    assert account.points(SALE)[:2] == ("76.00", "270.00")
    assert [one.error_code for one in account.deliveries()][-1] == "event_conflict"


def test_a_return_that_comes_before_its_sale_waits_for_it(account: MoySkladStage):
    cart = account.recalc(*BASKET)
    back = account.return_of(RETURN, SALE, {**cart["positions"][0], "quantity": 1})
    account.posts("retailsalesreturn", back)
    account.work()
    assert account.refunds() == {RETURN: "waiting"}

    account.sells(SALE, cart)
    account.work()

    # 90 points for 1800.00, of which the teas earned 69.00; half of it is taken back.
    assert account.points(SALE) == ("90.00", "0.00", "34.50", "0.00")
    assert account.refunds() == {RETURN: "booked"}


def test_a_return_without_its_sale_is_found_by_the_goods_or_listed(account: MoySkladStage):
    cart = account.recalc(*BASKET)
    account.sells(SALE, cart)
    account.work()

    known = account.return_of(RETURN, None, {**cart["positions"][1]})
    nobody = account.return_of(
        "88880000-2101-11f1-0a80-0b6300000013", None, cart["positions"][1], buyer=False
    )
    for one in (known, nobody):
        account.posts("retailsalesreturn", one)
    account.work()

    assert account.refunds() == {RETURN: "booked", nobody["meta"]["id"]: "listed"}
    assert account.points(SALE) == ("90.00", "0.00", "21.00", "0.00")


def test_more_comes_back_than_was_sold(account: MoySkladStage):
    cart = account.recalc(*BASKET)
    account.sells(SALE, cart)
    for number in ("12", "13"):
        back = account.return_of(
            f"88880000-2101-11f1-0a80-0b63000000{number}", SALE, *cart["positions"]
        )
        account.posts("retailsalesreturn", back)
    account.work()

    assert account.points(SALE) == ("90.00", "0.00", "90.00", "0.00")
    assert account.balance() == "0.00"


def test_a_till_that_was_offline_posts_hours_later(account: MoySkladStage):
    account.earns(500)
    cart = account.recalc(*BASKET)
    account.work_after(days=3)

    account.sells(SALE, cart)
    account.work()

    found = account.purchase(SALE)
    assert found is not None
    assert found["occurred_at"].startswith("2026-03-14T15:42:00")
    assert account.balance() == "590.00"


def test_a_sale_is_booked_and_flagged_where_points_are_short(account: MoySkladStage):
    account.earns(100)
    told = {"bonusValueToSpend": 270, "bonusValueToEarn": 76}
    lowered = [
        {**one.position(), "discountPercent": 15, "discountedPrice": round(one.price * 0.85, 2)}
        for one in BASKET
    ]

    account.sells(SALE, {"positions": lowered, "bonusProgram": told})
    account.work()

    assert account.flags(SALE) == ["points_missing", "spend_without_hold"]
    assert account.balance() == "76.00"


def test_a_sale_without_a_buyer_is_booked_for_nobody(account: MoySkladStage):
    sale = account.sale(SALE, account.recalc(*BASKET))
    del sale["agent"]
    account.posts("retaildemand", sale)
    account.work()

    found = account.purchase(SALE)
    assert found is not None
    assert (found["totals"]["paid"], found["points"]["earned"]) == ("1800.00", "0.00")


def test_the_hub_begins_anew_between_the_cart_and_the_sale(account: MoySkladStage):
    account.earns(500)
    cart = account.recalc(*BASKET, wish=270)
    account.start()
    account.sells(SALE, cart)
    account.start()
    account.work()

    assert account.points(SALE)[:2] == ("76.00", "270.00")
    assert account.flags(SALE) == []
