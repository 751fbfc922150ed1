"""`ledger.md` 30: limits of promotions are counted by holds and purchases, and given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, update

from loyalty_core.domain.errors import PriceChanged
from loyalty_core.service.coupons import member_coupons
from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import promotion_uses
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import Customer, FiscalSign, PurchaseStatus
from tests.support.books import assert_books_add_up
from tests.support.heard import heard
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, basket, line

Open = Callable[..., Shop]


def limit(of: str = "uses", most: str = "1", per: str = "promotion", period: str = "ever"):
    return {"per": per, "period": period, "of": of, "most": most}


def off(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """10 % off everything."""
    return {
        "id": "off",
        "name": "Off",
        "type": "percent_off",
        "params": {"percent": "10"},
        "limits": list(limits),
        **more,
    }


def double(*limits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """10 % of points once more."""
    return off(*limits, id="x2", type="earn_multiplier", params={"factor": "2"}, **more)


@pytest.fixture
def opened(engine: Engine) -> Iterator[Open]:
    """Opens a programme with promotions, 10 % comes back; in the end its books add up."""
    shops: list[Shop] = []

    def open_with(*promotions: dict[str, Any], **more: Any) -> Shop:
        document = rules() | {"promotions": list(promotions)} | more
        shops.append(open_programme(engine, document))
        return shops[-1]

    yield open_with
    for shop in shops:
        assert_books_add_up(shop)
        assert shop.rebuild() == 0


def pay(shop: Shop, hold, name: str = "P1", *, paid: int = 90_00, off: int = 10_00, **more: Any):
    """The purchase of one line that a hold priced."""
    one = line("1", paid + off, discount=off)
    return shop.tell(shop.purchase(name, lines=(one,), hold=hold.id, **more))[0]


def discount(quote) -> int:
    return quote.totals.discount_minor


def test_a_hold_reserves_and_its_release_gives_back(opened: Open):
    shop = opened(off(limit(most="1"), limit("money", "15.00")))
    hold = shop.hold(100_00, cart="a")
    assert (discount(hold.quote), shop.used(), shop.used(of="money")) == (10_00, 1, 10_00)

    other = shop.hold(100_00, cart="b", by=BORIS)
    assert discount(other.quote) == 0
    (told,) = [one for one in other.quote.explanation if one.promotion == "off"]
    assert told.reason == "limit_reached"
    assert told.facts == {"per": "promotion", "period": "ever", "of": "uses", "left": "0"}

    shop.release(hold)
    assert (shop.used(), shop.used(of="money")) == (0, 0)
    assert discount(shop.hold(100_00, cart="c", by=BORIS).quote) == 10_00


def test_the_last_money_is_given_and_then_nothing(opened: Open):
    shop = opened(off(limit("money", "25.00")))
    given = [discount(shop.hold(100_00, cart=f"c{n}").quote) for n in range(4)]

    assert given == [10_00, 10_00, 5_00, 0]
    assert shop.used(of="money") == 25_00


def test_a_quote_shows_what_is_left_in_one_statement(opened: Open):
    shop = opened(off(limit("money", "25.00"), limit(most="5", per="member")))
    shop.buy("P0", 10_00)
    shop.hold(100_00, cart="a")
    shop.hold(100_00, cart="b")
    assert discount(shop.quote(100_00)) == 5_00
    assert discount(shop.quote(100_00, cart="b")) == 10_00, "its own hold counts as left"

    member = Customer(phone=ANNA, verified=True)
    lines = tuple(replace(one, categories=()) for one in basket(100_00))
    for cart, left in (("b", 10_00), (None, 5_00)):
        request = QuoteRequest(lines, member=member, cart=cart)
        with read(shop.engine) as connection, heard(connection) as told:
            quote = quote_basket(connection, shop.plans, shop.told_by(), request, now=shop.now)
        assert (discount(quote), len(told)) == (left, 1)
        assert told[0][0].lstrip().startswith(("SELECT", "WITH"))


def test_a_quote_under_rules_that_were_just_published(opened: Open):
    shop = opened(off())
    shop.quote(100_00)
    shop.publish(rules() | {"promotions": [off(limit(most="1"))]})
    shop.hold(100_00, cart="a", by=BORIS)
    shop.plans._newest[shop.programme_id] = shop.do(
        lambda connection: shop.plans.get(connection, shop.programme_id, 1)
    )

    assert discount(shop.quote(100_00)) == 0


def test_a_hold_that_ends_by_itself_gives_back(opened: Open):
    shop = opened(off(limit(most="1")))
    shop.hold(100_00, cart="a", ttl_s=60)
    shop.advance(minutes=2)
    shop.keep_up()

    assert shop.used() == 0


def test_a_hold_that_replaces_another_takes_its_place(opened: Open):
    shop = opened(off(limit("money", "12.00")))
    shop.hold(100_00, cart="a")
    again = shop.hold(200_00, cart="a")

    assert (discount(again.quote), shop.used(of="money")) == (12_00, 12_00)


def test_a_hold_that_promises_what_was_seen_is_refused_where_it_is_gone(opened: Open):
    shop = opened(off(limit(most="1")))
    shop.hold(100_00, cart="a", by=BORIS)
    with pytest.raises(PriceChanged):
        shop.hold(100_00, cart="b", expect_payable_minor=90_00)

    assert shop.used() == 1


def test_a_promotion_that_is_beaten_or_gives_nothing_consumes_nothing(opened: Open):
    best = {"lanes": [{"code": "main", "mode": "best"}]}
    less = off(limit(), id="less", params={"percent": "5"})
    shop = opened(off(limit()), less, **best)
    shop.hold(100_00, cart="a")
    assert (shop.used("off"), shop.used("less")) == (1, 0)
    shop.release(shop.hold(100_00, cart="a"))
    shop.hold(4, cart="b")  # a tenth of four kopecks is none

    assert shop.used("off") == shop.used("less") == 0


def test_a_purchase_takes_over_what_its_hold_reserved(opened: Open):
    shop = opened(off(limit(most="1"), limit("money", "10.00")))
    told = pay(shop, shop.hold(100_00, cart="a"))

    assert told.flags == ()
    assert (shop.used(), shop.used(of="money")) == (1, 10_00)
    assert discount(shop.hold(100_00, cart="b").quote) == 0


def test_a_purchase_of_an_ended_hold_is_counted_past_the_limit_and_flagged(opened: Open):
    shop = opened(off(limit(most="1")))
    hold = shop.hold(100_00, cart="a", ttl_s=60)
    shop.advance(minutes=2)
    shop.keep_up()
    pay(shop, shop.hold(100_00, cart="b", by=BORIS), "P0", by=BORIS)
    told = pay(shop, hold, "P1")

    assert told.flags == ("hold_expired", "budget_exceeded")
    assert shop.used() == 2
    assert pay(shop, hold, "P1").flags == told.flags
    assert shop.used() == 2


def test_of_a_discount_without_a_hold_nobody_knows_whose_it_is(opened: Open):
    shop = opened(off(limit(most="1")))
    told = shop.tell(shop.purchase("P1", lines=(line("1", 100_00, discount=10_00),)))[0]

    assert (told.flags, shop.used()) == ((), 0)


def test_lines_that_lost_their_discount_consume_nothing(opened: Open):
    shop = opened(off(limit(most="9"), limit("money", "100.00")))
    told = pay(shop, shop.hold(100_00, cart="a"), paid=97_00, off=3_00)
    assert (told.flags, shop.used(of="money")) == (("hold_differs",), 3_00)
    told = pay(shop, shop.hold(100_00, cart="b"), "P2", paid=100_00, off=0)

    assert (told.flags, shop.used(of="money"), shop.used()) == (("hold_differs",), 3_00, 1)


def test_returns_give_money_back_by_share_and_the_use_with_the_last(opened: Open):
    """10.00 off two pieces: one back gives 5.00; the other the rest, and the use."""
    shop = opened(off(limit(), limit("money", "10.00")))
    hold = shop.hold_lines((replace(basket(100_00)[0], quantity_milli=2000),), cart="a")
    one = line("1", 100_00, discount=10_00, pieces=2)
    shop.tell(shop.purchase("P1", lines=(one,), hold=hold.id))
    shop.bring_back("R1", 45_00, purchase="P1", lines=(back("1", 45_00),))
    assert (shop.used(), shop.used(of="money")) == (1, 5_00)

    shop.bring_back("R2", 45_00, purchase="P1", lines=(back("1", 45_00),))
    assert (shop.used(), shop.used(of="money")) == (0, 0)


def test_a_cancellation_gives_back_and_another_revision_takes_again(opened: Open):
    shop = opened(off(limit(), limit("money", "10.00")))
    hold = shop.hold(100_00, cart="a")
    pay(shop, hold)
    pay(shop, hold, status=PurchaseStatus.CANCELLED, revision=2)
    assert (shop.used(), shop.used(of="money")) == (0, 0)
    told = pay(shop, hold, revision=3)

    assert (told.flags, shop.used()) == ((), 1)


def test_an_open_order_keeps_its_reservation_until_it_is_paid(opened: Open):
    shop = opened(off(limit()))
    hold = shop.hold(100_00, order="O1")
    pay(shop, hold, status=PurchaseStatus.OPEN, order="O1")
    assert shop.used() == 1
    pay(shop, hold, order="O1", revision=2)
    assert shop.used() == 1


def test_a_receipt_of_nobody_counts_for_promotion_and_shop(opened: Open):
    shop = opened(off(limit(most="2"), limit(most="5", per="shop")))
    pay(shop, shop.hold(100_00, cart="a", by=None), by=None)

    assert shop.used() == 2, "one of each limit"
    shop.bring_back("R1", 90_00, purchase="P1")
    assert shop.used() == 0


def test_a_limit_for_each_member_is_refused_to_nobody(opened: Open):
    shop = opened(off(limit(per="member")))
    (told,) = shop.hold(100_00, cart="a", by=None).quote.explanation
    assert told.reason == "member_required"

    for number, by in enumerate((ANNA, BORIS)):
        shop.buy(f"Q{number}", 10_00, by=by)
    pay(shop, shop.hold(100_00, cart="b"))
    assert discount(shop.hold(100_00, cart="c").quote) == 0
    assert discount(shop.hold(100_00, cart="d", by=BORIS).quote) == 10_00


def test_members_that_turn_out_to_be_one_have_one_limit(opened: Open):
    shop = opened(off(limit(per="member")))
    shop.buy("P2", 10_00)
    shop.buy("P3", 10_00, by=BORIS)
    pay(shop, shop.hold(100_00, cart="a", by=BORIS), by=BORIS)
    assert discount(shop.quote(100_00)) == 10_00
    shop.merge(BORIS, into=ANNA)

    assert discount(shop.quote(100_00)) == discount(shop.hold(100_00, cart="b").quote) == 0
    shop.bring_back("R1", 90_00, purchase="P1")
    assert discount(shop.quote(100_00)) == 10_00


def test_each_shop_has_its_own(opened: Open):
    shop = opened(off(limit(per="shop")))
    shop.open_shop("other")
    shop.hold(100_00, cart="a")

    assert discount(shop.quote(100_00, shop="other")) == 10_00
    assert discount(shop.hold(100_00, cart="b", shop="other").quote) == 10_00
    assert discount(shop.quote(100_00)) == discount(shop.quote(100_00, shop="other")) == 0


def test_a_day_ends_at_the_midnight_of_the_programme(opened: Open):
    """It is noon in Moscow."""
    shop = opened(off(limit(period="day")))
    shop.hold(100_00, cart="a")
    shop.advance(hours=11, minutes=59)
    assert discount(shop.quote(100_00)) == 0
    shop.advance(minutes=1)

    assert discount(shop.quote(100_00)) == 10_00
    assert discount(shop.hold(100_00, cart="b").quote) == 10_00
    assert discount(shop.quote(100_00)) == 0


def test_a_purchase_after_midnight_counts_in_the_day_of_its_hold(opened: Open):
    shop = opened(off(limit(period="day")))
    hold = shop.hold(100_00, cart="a", ttl_s=86_400)
    shop.advance(hours=12)
    pay(shop, hold)

    assert discount(shop.hold(100_00, cart="b").quote) == 10_00
    assert shop.used() == 2


# --- points ---------------------------------------------------------------------------------


def test_points_are_cut_to_what_is_left_and_then_refused(opened: Open):
    """Each receipt would earn 10 points twice; 25 are there."""
    shop = opened(double(limit("points", "25.00")))
    earned = [shop.buy(f"P{n}", 100_00).points["earned"] for n in range(4)]

    assert earned == [20_00, 20_00, 15_00, 10_00]
    assert shop.used("x2", "points") == 25_00


def test_points_that_are_taken_back_are_there_for_others(opened: Open):
    shop = opened(double(limit("points", "10.00"), limit(most="5")))
    shop.buy("P1", 100_00)
    shop.bring_back("R1", 50_00, purchase="P1")
    assert (shop.used("x2", "points"), shop.used("x2")) == (5_00, 1)
    assert shop.buy("P2", 100_00).points["earned"] == 15_00
    shop.bring_back("R2", 50_00, purchase="P1")

    assert (shop.used("x2", "points"), shop.used("x2")) == (5_00, 1)


def test_a_return_that_was_none_is_counted_past_the_limit_and_flagged(opened: Open):
    shop = opened(double(limit()))
    back_ = shop.refund("R1", 100_00)
    shop.tell(shop.purchase("P1", 100_00, refunds=(back_,)))
    shop.buy("P2", 100_00)
    told = shop.tell(shop.purchase("P1", 100_00, refunds=(), revision=2))[0]

    assert ("budget_exceeded" in told.flags, shop.used("x2")) == (True, 2)


def test_a_receipt_that_is_rated_anew_does_not_stand_in_its_own_way(opened: Open):
    shop = opened(double(limit(per="member"), limit("points", "20.00")))
    shop.buy("P1", 100_00)
    shop.buy("P1", 150_00, revision=2)
    assert shop.figures().available == 30_00
    assert shop.used("x2", "points") == 15_00

    assert shop.buy("P2", 100_00).points["earned"] == 10_00


def test_what_was_placed_earns_by_what_is_left_when_it_is_paid(opened: Open):
    shop = opened(double(limit()))
    shop.buy("P1", 100_00, status=PurchaseStatus.OPEN)
    shop.buy("P2", 100_00)
    told = shop.buy("P1", 100_00, revision=2)

    assert (told.points["earned"], told.flags, shop.used("x2")) == (10_00, (), 1)


def test_a_receipt_that_turns_out_to_be_anothers_counts_for_the_other(opened: Open):
    shop = opened(double(limit(per="member")))
    shop.buy("P1", 100_00)
    shop.buy("P1", 100_00, by=BORIS, revision=2)

    assert shop.buy("P2", 100_00).points["earned"] == 20_00
    assert shop.buy("P3", 100_00, by=BORIS).points["earned"] == 10_00


def test_a_receipt_seen_twice_counts_once(opened: Open):
    shop = opened(double(limit(most="9")))
    sign = (FiscalSign("1", "2", "3"),)
    shop.buy("P1", 100_00, fiscal=sign)
    shop.buy("Q1", 100_00, fiscal=sign, source="key:other")
    assert shop.used("x2") == 1
    shop.buy("Q2", 100_00, source="key:other")
    shop.buy("Q2", 100_00, fiscal=sign, revision=2, source="key:other")

    assert shop.used("x2") == 1


def test_a_hold_promises_points_under_a_limit(opened: Open):
    shop = opened(double(limit("points", "10.00")))
    hold = shop.hold(100_00, cart="a")
    assert hold.quote.points.earn == 20_00
    assert shop.buy("P1", 100_00, by=BORIS).points["earned"] == 10_00
    told = pay(shop, hold, "P2", paid=100_00, off=0)

    assert (told.points["earned"], told.flags) == (20_00, ())
    assert shop.used("x2", "points") == 10_00


def test_a_gift_is_used_while_any_piece_of_the_receipt_is_kept(opened: Open):
    """Of three pieces two come back: the gift is still there, and once for a member is once."""
    cup = {"type": "gift", "params": {"sku": "CUP", "name": "Cup"}}
    shop = opened(off(limit(per="member"), **cup))
    shop.buy("P0", 1_00)
    three = (BasketLine("1", 3000, 90_00, sku="TEA"),)
    hold = shop.hold_lines(three, cart="a")
    assert [one.sku for one in hold.quote.gifts] == ["CUP"]
    shop.tell(shop.purchase("P1", lines=(line("1", 90_00, pieces=3, sku="TEA"),), hold=hold.id))
    seen = []
    for name, pieces in (("R1", 2), ("R2", 1)):
        money = pieces * 30_00
        shop.bring_back(name, money, purchase="P1", lines=(back("1", money, pieces),))
        seen.append((shop.used(), [one.sku for one in shop.quote_lines(three).gifts]))

    assert seen == [(1, []), (0, ["CUP"])]


def test_a_coupon_that_a_receipt_brings_is_used_for_as_long_as_it_stands(opened: Open):
    """Once for a member: half of the tea back leaves the coupon and its use, the rest takes both
    back, though the bread is kept."""
    gives = {"type": "give_coupon", "params": {"series": "next", "skus": ["TEA"]}}
    off_next = off(id="next", coupon="next")
    series = [{"code": "next", "name": "Next"}]
    shop = opened(off(limit(per="member"), **gives), off_next, coupons=series)
    tea = line("1", 100_00, pieces=2, sku="TEA")
    seen = []

    def look() -> None:
        with read(shop.engine) as connection:
            own = member_coupons(connection, shop.programme_id, shop.wire(ANNA), now=shop.now)
        seen.append((shop.used(), sorted(one["state"] for one in own)))

    shop.buy("P1", lines=(tea, line("2", 10_00)))
    for name in ("R1", "R2"):
        shop.bring_back(name, 50_00, purchase="P1", lines=(back("1", 50_00),))
        shop.buy(f"P-{name}", lines=(tea,))
        look()

    assert seen == [(1, ["active"]), (1, ["active", "withdrawn"])]


def test_a_batch_sees_its_own_uses(opened: Open):
    shop = opened(double(limit(most="2")))
    told = shop.tell(*(shop.purchase(f"P{n}", 100_00) for n in range(4)))

    assert sorted(one.points["earned"] for one in told) == [10_00, 10_00, 20_00, 20_00]


def test_the_proof_finds_a_counter_that_is_wrong_and_the_rebuild_mends_it(opened: Open):
    shop = opened(double(limit(most="9")))
    shop.buy("P1", 100_00)
    with write(shop.engine) as connection:
        own = promotion_uses.c.programme_id == shop.programme_id
        connection.execute(update(promotion_uses).where(own).values(used=7))
        (found,) = verify_ledger(connection, programme_id=shop.programme_id)
        assert (found.member, found.code) == ("promotion x2", "uses_differ_from_parts")
        assert rebuild_ledger(connection, programme_id=shop.programme_id) == 1

    assert shop.used("x2") == 1
