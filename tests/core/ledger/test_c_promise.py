"""`ledger.md` C: promise and fact."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import NotEnoughPoints, PriceChanged, WrongCurrency
from loyalty_kit.checkout import BasketLine, Totals
from loyalty_kit.events import (
    CertificateUse,
    Customer,
    LineKind,
    PurchaseLine,
    PurchaseStatus,
)
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import line, reduced


def off(percent: str, category: str = "tea", **more: object) -> dict:
    """A promotion: so much off a category."""
    return {
        "id": "tea-week",
        "name": "Неделя чая",
        "type": "percent_off",
        "params": {"percent": percent, "categories": [category]},
        **more,
    }


# --- 13: a quote promises nothing, a hold does ----------------------------------------------


def test_ledger_13_a_quote_writes_nothing(shop: Shop):
    shop.buy("P1", 100_00)
    before = shop.snapshot()
    first = shop.quote(100_00, spend="max", cart="c")
    second = shop.quote(100_00, spend="max", cart="c")

    assert shop.snapshot() == before
    assert replace(first, id="q") == replace(second, id="q")


def test_ledger_13_a_hold_keeps_what_it_promised(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(60_00, 40_00, cart="c", spend=10_00)
    shop.publish(rules(earn="1"))
    shop.advance(minutes=5)

    kept = shop.see(hold).quote
    assert kept.rules_version == 1
    assert [(one.spend_minor, one.payable_minor) for one in kept.lines] == [
        (6_00, 54_00),
        (4_00, 36_00),
    ]
    assert [one.earn_points for one in kept.lines] == [5_40, 3_60]
    assert shop.holds()[0]["member_id"] == shop.member(ANNA)


def test_ledger_13_a_hold_may_set_nothing_aside(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c")
    assert (hold.state, hold.points) == ("live", 0)
    assert shop.figures() == Figures(available=10_00)

    shop.publish(rules(earn="1"))
    receipt = shop.buy("P2", 100_00, cart="c")
    assert receipt.points["earned"] == 10_00
    assert shop.see(hold).state == "captured"


def test_ledger_13_a_hold_for_nobody_known_promises_the_price(shop: Shop):
    hold = shop.hold(100_00, cart="c", by=None)

    assert hold.quote.totals.payable_minor == 100_00
    assert shop.see(hold).state == "live"


def test_ledger_13_a_price_that_differs_from_what_is_expected_is_refused(shop: Shop):
    shop.buy("P1", 100_00)
    before = shop.snapshot()
    with pytest.raises(PriceChanged) as caught:
        shop.hold(100_00, cart="c", spend=5_00, expect_payable_minor=94_00)
    assert caught.value.facts["payable"] == "95.00"
    with pytest.raises(PriceChanged):
        shop.hold(100_00, cart="c", spend="max", expect_spend_points=11_00)
    assert shop.snapshot() == before

    hold = shop.hold(
        100_00, cart="c", spend=5_00, expect_payable_minor=95_00, expect_spend_points=5_00
    )
    assert hold.points == 5_00


def test_ledger_13_an_explicit_spend_that_is_not_there_is_refused(shop: Shop):
    shop.buy("P1", 100_00)
    before = shop.snapshot()
    with pytest.raises(NotEnoughPoints) as caught:
        shop.hold(100_00, cart="c", spend=10_01)

    assert caught.value.facts == {"wanted": "10.01", "available": "10.00"}
    assert shop.snapshot() == before


def test_ledger_13_a_hold_in_another_currency_is_refused(shop: Shop):
    with pytest.raises(WrongCurrency):
        shop.hold(100_00, cart="c", currency="KZT")


# --- 14: a purchase is a fact ---------------------------------------------------------------


def test_ledger_14_the_shops_sums_stand(shop: Shop):
    """Our rules would give neither this discount nor this spend."""
    shop.publish(rules() | {"spending": rules()["spending"] | {"limit_percent": "10"}})
    shop.buy("P1", 100_00)
    receipt = shop.buy("P2", lines=(line("1", 20_00, discount=7_77, spend=9_00),))

    assert receipt.points["spent"] == 9_00
    assert shop.kept_purchases()[1]["discount_minor"] == 7_77
    assert shop.kept_purchases()[1]["paid_minor"] == 3_23
    assert shop.figures() == Figures(available=10_00 - 9_00 + 32)


def test_ledger_14_lines_as_held_take_the_holds_earning_others_its_rules(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(60_00, 40_00, cart="c")  # 10 %: 6.00 and 4.00
    shop.publish(rules(earn="1"))
    lines = (line("1", 60_00), line("2", 30_00), line("3", 10_00))
    receipt = shop.buy("P2", lines=lines, cart="c")

    assert receipt.points["earned"] == 6_00 + 3_00 + 1_00
    assert receipt.flags == ("hold_differs",)


@pytest.mark.parametrize(
    ("kind", "params", "added"),
    [
        ("earn_points", {"points": "100"}, 0),
        ("earn_per_sum", {"points": "7", "per": "300.00"}, 7_00),
        ("earn_per_unit", {"points": "5"}, 5_00),
    ],
)
def test_ledger_14_what_a_promotion_names_for_a_receipt_is_given_once(
    engine: Engine, kind: str, params: dict[str, str], added: int
):
    """A line of 300.00 is bought as held, another of 300.00 beside it: 100 for the receipt were
    promised already, 7 for each 300.00 come twice, 5 for each piece too."""
    named = {"id": "p", "name": "P", "type": kind, "params": params}
    shop = open_programme(engine, rules(earn="0") | {"promotions": [named]})
    shop.buy("P0", by=ANNA, lines=(line("1", 0),))
    hold = shop.hold(300_00, cart="c")
    receipt = shop.buy("P1", lines=(line("1", 300_00), line("2", 300_00)), hold=hold.id)

    assert receipt.points["earned"] == hold.quote.points.earn + added
    assert receipt.flags == ("hold_differs",)
    assert_books_add_up(shop)


def test_ledger_14_a_delivery_that_was_not_asked_about_is_no_difference(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(60_00, cart="c")
    delivery = replace(line("d", 30_00), kind=LineKind.DELIVERY)
    assert shop.buy("P2", lines=(line("1", 60_00), delivery), cart="c").flags == ()
    # Lowered by somebody, it is not what was promised.
    shop.hold(60_00, cart="e")
    lowered = replace(line("d", 30_00, discount=1_00), kind=LineKind.DELIVERY)
    receipt = shop.buy("P3", lines=(line("1", 60_00), lowered), cart="e")
    assert receipt.flags == ("hold_differs",)


@pytest.mark.parametrize(
    ("discount", "flags"),
    [(70_06, ("hold_differs",)), (70_07, ()), (70_08, ()), (70_09, ("hold_differs",))],
)
def test_ledger_14_a_kopeck_less_that_no_price_makes_is_no_difference(shop: Shop, discount, flags):
    """930.93 is no price with 20 % of tax: 775.77 makes 930.92, and 775.78 makes 930.94."""
    seven_off = {**off("7"), "params": {"percent": "7"}}
    shop.publish(rules() | {"promotions": [seven_off]})
    assert shop.hold(1001_00, cart="c").quote.totals.discount_minor == 70_07
    told = shop.buy("P1", lines=(line("1", 1001_00, discount=discount),), cart="c")
    assert told.flags == flags
    if not flags:
        assert told.points["earned"] == 93_09  # As promised.


def test_ledger_14_a_kopeck_less_of_a_reduction_is_the_discounts(shop: Shop):
    shop.buy("P0", 3000_00)
    shop.publish(rules() | {"promotions": [{**off("7"), "params": {"percent": "7"}}]})
    shop.hold(1001_00, cart="c", spend=100_00)
    bought = reduced("1", 1001_00, 170_08)
    assert shop.buy("P1", lines=(bought,), cart="c", spent=100_00).flags == ()
    (kept,) = shop.kept_lines("P1")
    assert (kept["discount_minor"], kept["spend_minor"]) == (70_08, 100_00)


def test_ledger_14_without_a_hold_the_version_in_force_then_rates(shop: Shop):
    shop.advance(days=1)
    shop.publish(rules(earn="1"))

    assert shop.buy("before", 100_00, at=NOW).points["earned"] == 10_00
    assert shop.buy("after", 100_00).points["earned"] == 1_00


def test_ledger_14_the_tier_known_for_that_time_rates(engine: Engine):
    document = rules()
    document["tiers"] = [
        {"code": "base", "name": "Base", "spend_from": "0.00"},
        {"code": "gold", "name": "Gold", "spend_from": "1000.00", "earn_percent": "20"},
    ]
    shop = open_programme(engine, document)
    shop.buy("P1", 1000_00)
    shop.advance(days=1)

    assert shop.buy("after", 100_00).points["earned"] == 20_00
    assert shop.buy("before", 100_00, at=NOW - DAY).points["earned"] == 10_00


def test_ledger_14_a_hold_that_has_expired_is_booked_from_what_is_there(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=10_00, ttl_s=60)
    shop.advance(seconds=60)
    receipt = shop.buy("P2", 100_00, cart="c", spent=10_00)

    assert receipt.points["spent"] == 10_00
    assert "hold_expired" in receipt.flags
    assert shop.see(hold).state == "released"
    assert shop.figures() == Figures(available=9_00)


def test_ledger_14_a_sale_that_was_called_off_with_its_hold_is_nothing_odd(shop: Shop):
    shop.buy("P1", 100_00)
    hold = shop.hold(100_00, cart="c", spend=5_00)
    shop.release(hold)
    receipt = shop.buy("P2", 100_00, cart="c", spent=5_00, status=PurchaseStatus.CANCELLED)

    assert receipt.flags == ()
    assert shop.figures() == Figures(available=10_00)


def test_ledger_14_what_differs_is_flagged_never_refused(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, cart="c", spend=2_00)
    receipt = shop.buy("P2", 100_00, cart="c", spent=5_00)

    assert set(receipt.flags) == {"hold_differs", "spend_without_hold"}
    assert receipt.points["spent"] == 5_00
    assert shop.figures() == Figures(available=5_00 + 9_50)


def test_ledger_14_a_hold_that_nobody_placed_is_flagged(shop: Shop):
    receipt = shop.buy("P1", 100_00, hold="h_1_2")

    assert receipt.flags == ("hold_unknown",)
    assert receipt.points["earned"] == 10_00


def test_ledger_14_somebody_elses_hold_is_left_alone(shop: Shop):
    shop.buy("P1", 100_00, by=ANNA)
    hold = shop.hold(100_00, by=ANNA, cart="c", spend=10_00)
    receipt = shop.buy("P2", 20_00, by=BORIS, hold=hold.id, spent=3_00)

    assert "hold_of_another_member" in receipt.flags
    assert shop.figures(ANNA) == Figures(held=10_00)
    assert shop.figures(BORIS) == Figures(debt=3_00 - 1_70)


def test_ledger_14_a_purchase_without_a_customer_is_its_holds_members(shop: Shop):
    shop.buy("P1", 100_00)
    shop.hold(100_00, order="77", spend=10_00)
    receipt = shop.buy("P2", 100_00, by=None, order="77", spent=10_00)

    assert receipt.member == shop.wire(ANNA)
    assert receipt.points == {"earned": 9_00, "spent": 10_00, "clawed_back": 0, "given_back": 0}


# --- 15: arithmetic of lines ----------------------------------------------------------------


def test_ledger_15_points_spent_and_money_paid_with_them_are_two_things(engine: Engine):
    """A point is worth half a rouble here: 20.00 points pay 10.00 roubles."""
    document = rules()
    document["currencies"][0]["value"] = "0.50"
    document["spending"]["step"] = "1.00"
    shop = open_programme(engine, document)
    shop.buy("P1", 200_00)  # 20.00 roubles' worth: 40.00 points
    assert shop.figures() == Figures(available=40_00)

    quote = shop.quote(100_00, spend=20_00)
    assert (quote.points.spend, quote.totals.spend_minor) == (20_00, 10_00)
    assert quote.totals.payable_minor == 90_00

    receipt = shop.buy("P2", 100_00, spent=10_00)
    assert receipt.points["spent"] == 20_00


def test_ledger_15_a_reduction_is_split_as_the_hold_split_it(engine: Engine):
    shop = open_programme(engine, rules())
    shop.buy("P1", 100_00)
    shop.publish(rules() | {"promotions": [off("25")]})
    hold = shop.hold_lines(
        (BasketLine("1", 1000, 40_00, sku="SKU-1", categories=("tea",)),),
        cart="c",
        spend=6_00,
    )
    (promised,) = hold.quote.lines
    assert (promised.discount_minor, promised.spend_minor) == (10_00, 6_00)

    receipt = shop.buy("P2", lines=(reduced("1", 40_00, 16_00),), cart="c", points_spent=6_00)
    assert receipt.flags == ()
    kept = shop.kept_purchases()[1]
    assert (kept["discount_minor"], kept["spend_minor"], kept["paid_minor"]) == (
        10_00,
        6_00,
        24_00,
    )


def test_ledger_15_else_the_spend_is_allotted_by_largest_remainder(shop: Shop):
    """1.00 over reductions of 1.00, 2.00 and 4.00: 14.28, 28.57 and 57.14 kopecks."""
    shop.buy("P1", 100_00)
    lines = (reduced("1", 10_00, 1_00), reduced("2", 10_00, 2_00), reduced("3", 10_00, 4_00))
    shop.buy("P2", lines=lines, points_spent=1_00)

    kept = shop.kept_lines("P2")
    assert [one["spend_minor"] for one in kept] == [14, 29, 57]
    assert [one["discount_minor"] for one in kept] == [86, 1_71, 3_43]
    assert [one["paid_minor"] for one in kept] == [9_00, 8_00, 6_00]


def test_ledger_15_no_line_is_given_more_spend_than_its_reduction(shop: Shop):
    shop.buy("P1", 100_00)
    lines = (reduced("1", 10_00, 1_00), reduced("2", 10_00, 50))
    receipt = shop.buy("P2", lines=lines, points_spent=9_00)

    assert [one["spend_minor"] for one in shop.kept_lines("P2")] == [1_00, 50]
    assert receipt.points["spent"] == 9_00


def test_ledger_15_points_told_by_one_word_stand_whichever_comes_first(engine: Engine):
    """A till knows what was spent; the vendor's copy of its receipt, a newer word, does not."""
    ends = []
    for order in ((0, 1), (1, 0), (0, 1, 0, 1), (1, 0, 1, 0)):
        shop = open_programme(engine)
        shop.buy("earner", 1000_00, at=NOW - DAY)
        shop.hold_lines(
            (BasketLine("1", 1000, 100_00, price_minor=100_00),), cart="till", spend=30_00
        )
        lines = (reduced("1", 100_00, 30_00),)
        words = (
            shop.purchase("P1", lines=lines, points_spent=30_00, cart="till", revision=1),
            shop.purchase("P1", lines=lines, revision=2),
        )
        receipts = [shop.tell(words[index])[0] for index in order]
        assert receipts[-1].flags == ()
        (kept,) = shop.kept_lines("P1")
        ends.append((shop.figures(), kept["spend_minor"], [one["state"] for one in shop.holds()]))

    # 100.00 earned, 30.00 spent, 10 % of the 70.00 paid.
    assert ends == [(Figures(available=77_00), 30_00, ["captured"])] * 4


def test_ledger_15_a_newer_word_changes_all_but_the_points_it_cannot_tell(shop: Shop):
    shop.buy("earner", 1000_00, at=NOW - DAY)
    lines = (reduced("1", 100_00, 30_00), reduced("2", 50_00, 0))
    shop.tell(shop.purchase("P1", lines=lines, points_spent=30_00, revision=1))
    shop.tell(shop.purchase("P1", lines=lines[:1], revision=2))

    # 100.00 earned, 30.00 spent, 10 % of 70.00.
    assert shop.figures() == Figures(available=77_00)
    # One that tells the points, or has no such line, is taken at its word.
    shop.tell(shop.purchase("P1", lines=lines[:1], points_spent=0, revision=3))
    assert shop.figures() == Figures(available=107_00)


def test_ledger_15_an_older_word_changes_nothing_that_the_newer_tells(shop: Shop):
    shop.buy("earner", 1000_00, at=NOW - DAY)
    told = (reduced("1", 100_00, 30_00),)
    shop.tell(shop.purchase("P1", lines=told, points_spent=10_00, revision=2))
    (late,) = shop.tell(
        shop.purchase("P1", lines=(line("1", 500_00),), points_spent=30_00, by=BORIS, revision=1)
    )

    assert late.status == "superseded"
    assert shop.figures() == Figures(available=97_00)


# --- 16: kinds of lines ---------------------------------------------------------------------

KINDS = (
    line("1", 100_00, spend=10_00),
    line("2", 50_00, kind=LineKind.DELIVERY),
    line("3", 20_00, kind=LineKind.FEE),
)


@pytest.mark.parametrize(
    ("base", "kinds", "earned"),
    [
        pytest.param("paid", ["goods"], 9_00, id="goods, on what was paid"),
        pytest.param("amount", ["goods"], 10_00, id="before the write-off"),
        pytest.param("paid_unless_spent", ["goods"], 0, id="nothing when points were spent"),
        pytest.param("paid", ["goods", "delivery"], 14_00, id="delivery too"),
    ],
)
def test_ledger_16_what_earns(engine: Engine, base: str, kinds: list[str], earned: int):
    document = rules()
    document["earning"] |= {"base": base, "kinds": kinds}
    shop = open_programme(engine, document)

    assert shop.buy("P1", lines=KINDS).points["earned"] == earned


def test_ledger_16_certificates_do_not_lower_what_is_paid(shop: Shop):
    certificates = (CertificateUse("GIFT-1", 80_00),)
    receipt = shop.buy("P1", 100_00, certificates=certificates)

    assert receipt.points["earned"] == 10_00
    assert shop.kept_purchases()[0]["paid_minor"] == 100_00


def test_ledger_16_to_pay_is_what_certificates_leave():
    assert Totals(100_00, 5_00, 5_00, 90_00, certificates_minor=80_00).to_pay_minor == 10_00


# --- 17: unit prices ------------------------------------------------------------------------


def test_ledger_17_a_spend_is_lowered_until_there_is_a_unit_price(shop: Shop):
    """89.99 for three pieces has no price: 3 x 30.00 = 90.00, so a kopeck less is spent."""
    shop.buy("P1", 200_00)
    quote = shop.quote_lines((BasketLine("1", 3000, 100_00),), spend=10_01, line_prices="unit")

    (priced,) = quote.lines
    assert (priced.spend_minor, priced.payable_minor) == (10_00, 90_00)
    assert priced.unit_price_minor == 30_00


def test_ledger_17_weighed_goods_too(shop: Shop):
    """0.350 kg: 19.99 / 0.35 is 57.114; 57.11 x 0.35 = 19.9885, which is 19.99."""
    shop.buy("P1", 200_00)
    quote = shop.quote_lines((BasketLine("1", 350, 24_99),), spend=5_00, line_prices="unit")

    (priced,) = quote.lines
    assert (priced.payable_minor, priced.unit_price_minor) == (19_99, 57_11)


def test_ledger_17_a_discount_is_lowered_where_nothing_was_spent(engine: Engine):
    """10 % off 100.00 is 90.00; for seven pieces 12.86 x 7 = 90.02 is the nearest not below."""
    shop = open_programme(engine, rules() | {"promotions": [off("10")]})
    quote = shop.quote_lines(
        (BasketLine("1", 7000, 100_00, categories=("tea",)),), line_prices="unit"
    )

    (priced,) = quote.lines
    assert (priced.discount_minor, priced.payable_minor) == (9_98, 90_02)
    assert priced.unit_price_minor == 12_86


def test_ledger_17_a_purchase_of_such_a_hold_fits_it(shop: Shop):
    shop.buy("P1", 200_00)
    basket = (BasketLine("1", 3000, 100_00),)
    shop.hold_lines(basket, cart="c", spend=10_01, line_prices="unit")
    bought = PurchaseLine("1", 3000, 100_00, 90_00, spend_minor=10_00)
    receipt = shop.buy("P2", lines=(bought,), cart="c", customer=Customer(phone=ANNA))

    assert (receipt.points["spent"], receipt.flags) == (10_00, ())
    assert shop.figures() == Figures(available=20_00 - 10_00 + 9_00)


def test_ledger_8_a_hold_has_what_a_quote_offers_of_one_that_ended_and_is_not_booked_so(shop: Shop):
    """Its buyer left one checkout, and stands in another one by now."""
    shop.buy("gift", 1000_00, at=NOW - DAY)
    left = shop.hold(300_00, cart="a", spend=50_00, ttl_s=900)
    live = shop.hold(300_00, cart="c", spend=20_00, ttl_s=3600)
    shop.advance(minutes=16)

    assert shop.quote(400_00, cart="b", spend="max").points.spend == 80_00
    with pytest.raises(NotEnoughPoints):
        shop.hold(400_00, cart="b", spend=80_01)
    assert shop.hold(400_00, cart="b", spend=80_00).points == 80_00
    assert (shop.see(left).state, shop.see(live).state) == ("released", "live")
    assert shop.figures() == Figures(available=0, held=100_00)
    shop.buy("late", 300_00, spent=50_00, hold=left.id)
    assert "hold_expired" in shop.kept_purchases()[-1]["flags"]
