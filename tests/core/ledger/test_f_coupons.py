"""Coupons: reserved, used and given back; counted by difference like limits (`ledger.md` 30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, update

from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.service.catalogue import upsert_products
from loyalty_core.service.coupons import NewLot, block_coupon, fill_lot, open_lot
from loyalty_core.service.personal_lists import set_list
from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store import certificates as certificate_store
from loyalty_core.store import coupons as coupon_store
from loyalty_core.store.catalogue import ProductRow
from loyalty_core.store.coupons import of_member
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import coupons
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import Customer, PurchaseStatus
from tests.core.ledger.test_f_promotion_limits import discount, double, off, pay
from tests.support.books import assert_books_add_up
from tests.support.heard import heard
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, basket, line, moscow

Open = Callable[..., Shop]


def series(code: str = "spring", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), **more}


@pytest.fixture
def opened(engine: Engine) -> Iterator[Open]:
    """Opens a programme in which 10 % off needs a coupon; Anna and Boris have bought before."""
    shops: list[Shop] = []

    def open_with(*promotions: dict[str, Any], **more: Any) -> Shop:
        own = promotions or (off(coupon="spring"),)
        document = rules() | {"promotions": list(own), "coupons": [series(**more)]}
        shop = open_programme(engine, document)
        shop.tell(*(shop.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
        shop.advance(hours=1)
        shops.append(shop)
        return shop

    yield open_with
    for shop in shops:
        assert_books_add_up(shop)
        assert shop.rebuild() == 0


def told(quote: Any) -> list[tuple[str, str | None]]:
    return [(one.status, one.reason) for one in quote.coupons]


APPLIED = [("applied", None)]


def refused(reason: str) -> list[tuple[str, str]]:
    return [("rejected", reason)]


# --- quotes -----------------------------------------------------------------------------------


def test_a_code_gives_its_promotion_however_it_is_typed(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    typed = f" {code[:5].lower()}-{code[5:10]} {code[10:].lower()}"

    assert discount(shop.quote(100_00)) == 0
    quote = shop.quote(100_00, coupons=(typed,))

    assert (discount(quote), told(quote)) == (10_00, APPLIED)
    assert quote.coupons[0].code == typed


def test_a_quote_with_codes_is_one_statement_and_writes_nothing(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    shop.hold(100_00, cart="a", coupons=(code,))
    shop.quote(1_00)

    member = Customer(phone=ANNA, verified=True)
    lines = tuple(replace(one, categories=()) for one in basket(100_00))
    for cart, left in (("a", 10_00), (None, 0)):
        request = QuoteRequest(lines, member=member, cart=cart, coupons=(code, "nonsense"))
        with read(shop.engine) as connection, heard(connection) as statements:
            quote = quote_basket(connection, shop.plans, shop.told_by(), request, now=shop.now)
        assert (discount(quote), len(statements)) == (left, 1)
        assert statements[0][0].lstrip().startswith(("SELECT", "WITH"))


def test_each_reason_why_a_code_is_not_taken(opened: Open):
    shop = opened(ends_at="2027-01-01T00:00:00+03:00")
    hour = {"hours": 1}
    begun = shop.now
    (mine,) = shop.make_coupons("spring", by=ANNA)
    (early,) = shop.make_coupons("spring", starts_at=begun.replace(year=begun.year + 1))
    (over,) = shop.make_coupons("spring", ends_at=begun)
    (shut,) = shop.make_coupons("spring")
    shop.do(
        lambda c: block_coupon(
            c, shop.programme_id, shut, blocked=True, author="owner", now=shop.now
        )
    )
    (used,) = shop.make_coupons("spring")
    shop.buy("P1", 90_00, coupons=(used,))
    wrong = used[:-1] + ("2" if used[-1] != "2" else "3")
    shop.advance(**hour)

    def why(code: str, by: str | None = ANNA, **more: Any):
        return told(shop.quote(100_00, by=by, coupons=(code,), **more))

    assert why(mine) == APPLIED
    assert why(mine, BORIS) == refused("coupon_of_another")
    assert why(mine, None) == refused("member_required")
    assert why(early) == refused("coupon_not_started")
    assert why(over) == refused("coupon_expired")
    assert why(shut) == refused("coupon_blocked")
    assert why(used) == refused("coupon_used")
    assert why(wrong) == refused("coupon_mistyped")
    assert why("SPRING") == refused("unknown_code")
    (first, second) = shop.make_coupons("spring", 2)
    both = shop.quote(100_00, coupons=(first, second))
    assert (discount(both), told(both)) == (10_00, APPLIED + refused("coupon_beside_another"))
    for locale, words in (("ru", "Купон уже использован."), ("en", "The coupon has been used.")):
        (answer,) = shop.quote(100_00, coupons=(used,), locale=locale).coupons
        assert answer.text == words


def test_a_code_whose_promotion_is_refused_says_why(opened: Open):
    shop = opened(off(coupon="spring", params={"percent": "10", "total_min": "500.00"}))
    (code,) = shop.make_coupons("spring")

    quote = shop.quote(100_00, coupons=(code,))

    assert told(quote) == refused("total_below_minimum")
    assert shop.coupon_uses(code) == 0


# --- holds and purchases ----------------------------------------------------------------------


def test_a_hold_reserves_and_its_release_gives_back(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,))
    assert (discount(hold.quote), shop.coupon_uses(code)) == (10_00, 1)

    other = shop.hold(100_00, cart="b", by=BORIS, coupons=(code,))
    assert (discount(other.quote), told(other.quote)) == (0, refused("coupon_used"))

    shop.release(hold)
    assert shop.coupon_uses(code) == 0
    assert discount(shop.hold(100_00, cart="c", by=BORIS, coupons=(code,)).quote) == 10_00


def test_a_hold_that_ends_by_time_gives_back(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    shop.hold(100_00, cart="a", coupons=(code,), ttl_s=60)
    shop.advance(minutes=2)
    shop.keep_up()

    assert shop.coupon_uses(code) == 0


def test_a_new_hold_for_the_cart_takes_the_reservation_over(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    shop.hold(100_00, cart="a", coupons=(code,))
    again = shop.hold(200_00, cart="a", coupons=(code,))
    assert (discount(again.quote), shop.coupon_uses(code)) == (20_00, 1)

    shop.hold(200_00, cart="a")
    assert shop.coupon_uses(code) == 0


def test_only_a_coupon_that_gave_something_is_reserved(opened: Open):
    shop = opened(off(coupon="spring", params={"percent": "10", "categories": ["tea"]}))
    (code,) = shop.make_coupons("spring")

    hold = shop.hold(100_00, cart="a", coupons=(code,))

    assert told(hold.quote) == refused("no_matching_lines")
    assert shop.coupon_uses(code) == 0


def test_the_purchase_takes_the_use_over_and_a_full_return_gives_it_back(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,))
    bought = pay(shop, hold, coupons=(code,))
    assert (bought.flags, shop.coupon_uses(code)) == ((), 1)

    half = (replace(back("1", 45_00), quantity_milli=500),)
    shop.bring_back("R1", 45_00, purchase="P1", lines=half)
    assert shop.coupon_uses(code) == 1

    shop.bring_back("R2", 45_00, purchase="P1", lines=half)
    assert shop.coupon_uses(code) == 0


@pytest.mark.parametrize(
    ("given_back", "after_its_goods", "after_all"),
    [("with_goods", 0, 0), ("with_receipt", 1, 0), ("never", 1, 1)],
)
def test_when_a_return_gives_the_use_back_is_a_setting(
    opened: Open, given_back, after_its_goods, after_all
):
    """The coupon is for tea; a cup is bought beside it."""
    tea = off(coupon="spring", params={"percent": "10", "categories": ["tea"]})
    shop = opened(tea, given_back=given_back)
    (code,) = shop.make_coupons("spring")
    lines = (replace(basket(100_00)[0], categories=("tea",)), replace(basket(50_00)[0], id="2"))
    hold = shop.hold_lines(lines, cart="a", by=ANNA, coupons=(code,))
    sold = (line("1", 100_00, discount=10_00), line("2", 50_00))
    shop.tell(shop.purchase("P1", lines=sold, hold=hold.id))
    assert shop.coupon_uses(code) == 1

    shop.bring_back("R1", 90_00, purchase="P1", lines=(back("1", 90_00),))
    assert shop.coupon_uses(code) == after_its_goods
    shop.bring_back("R2", 50_00, purchase="P1", lines=(back("2", 50_00),))
    assert shop.coupon_uses(code) == after_all


def test_a_cancellation_gives_the_use_back_and_undone_takes_it_again(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,))
    one = line("1", 100_00, discount=10_00)
    sale = shop.purchase("P1", lines=(one,), hold=hold.id)
    shop.tell(sale)
    shop.tell(replace(sale, status=PurchaseStatus.CANCELLED, revision=2))
    assert shop.coupon_uses(code) == 0

    shop.tell(replace(sale, revision=3))
    assert shop.coupon_uses(code) == 1


def test_a_hold_keeps_its_word_whatever_becomes_of_the_coupon(opened: Open):
    shop = opened(life_days=1)
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,), ttl_s=86_400)
    shop.do(
        lambda c: block_coupon(
            c, shop.programme_id, code, blocked=True, author="owner", now=shop.now
        )
    )
    shop.advance(hours=23)

    assert pay(shop, hold, coupons=(code,)).flags == ()
    assert shop.coupon_uses(code) == 1


def test_what_a_till_gave_without_a_hold_counts_and_past_the_last_use_is_flagged(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")

    def sold(name: str, **more: Any):
        return shop.buy(name, lines=(line("1", 100_00, discount=10_00),), **more)

    assert sold("P1", coupons=(code,)).flags == ()
    again = sold("P2", by=BORIS, coupons=(code.lower(),))
    assert again.flags == ("coupon_overused",)
    assert (shop.coupon(code)["uses"], shop.coupon(code)["over"]) == (1, 1)

    assert sold("P2", by=BORIS, coupons=(code.lower(),)).flags == again.flags, "the same once more"
    shop.bring_back("R1", 90_00, purchase="P1")
    assert shop.coupon_uses(code) == 1
    shop.bring_back("R2", 90_00, purchase="P2")
    assert shop.coupon_uses(code) == 0


def test_a_till_that_took_what_it_should_not_have_is_flagged(opened: Open):
    shop = opened()
    (hers,) = shop.make_coupons("spring", by=ANNA)
    sold = shop.buy("P1", lines=(line("1", 100_00, discount=10_00),), by=BORIS, coupons=(hers,))

    assert sold.flags == ("coupon_invalid",)
    assert shop.coupon_uses(hers) == 1


def test_a_hold_that_ended_before_its_purchase_is_flagged_where_another_came_first(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,), ttl_s=60)
    shop.advance(minutes=2)
    shop.keep_up()
    pay(shop, shop.hold(100_00, cart="b", by=BORIS, coupons=(code,)), "P2", by=BORIS)

    late = pay(shop, hold, "P1")

    assert set(late.flags) == {"hold_expired", "coupon_overused"}
    assert shop.coupon_uses(code) == 2


def test_points_by_a_coupon_are_held_to_it_when_the_receipt_is_rated(opened: Open):
    """10 % of points once more, for whoever names a code; only the first has it."""
    shop = opened(double(coupon="spring"))
    (code,) = shop.make_coupons("spring")

    first = shop.buy("P1", 100_00, coupons=(code,))
    second = shop.buy("P2", 100_00, by=BORIS, coupons=(code,))

    assert [one.points["earned"] for one in (first, second)] == [20_00, 10_00]
    assert (second.flags, shop.coupon_uses(code)) == ((), 1)
    shop.bring_back("R1", 100_00, purchase="P1")
    assert shop.coupon_uses(code) == 0


def test_a_code_for_many_is_given_so_often(opened: Open):
    shop = opened(uses=3)
    (code,) = shop.make_coupons("spring")
    given = [discount(shop.hold(100_00, cart=f"c{n}", coupons=(code,)).quote) for n in range(5)]
    assert given == [10_00] * 3 + [0] * 2


def test_one_of_each_series_stands_on_a_receipt(opened: Open):
    """A coupon for a discount and another for points, each with what it gives."""
    shop = opened(off(coupon="spring"), double(coupon="spring"))
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="a", coupons=(code,))

    assert (discount(hold.quote), hold.quote.points.earn) == (10_00, 18_00)
    assert shop.coupon_uses(code) == 1, "one use, whatever it gave"


def test_a_merge_takes_the_coupons_along(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring", by=BORIS)
    hold = shop.hold(100_00, cart="a", by=BORIS, coupons=(code,))
    shop.merge(BORIS, ANNA)

    assert shop.coupon(code)["member_id"] == shop.member(ANNA)
    pay(shop, hold, by=ANNA)
    assert shop.coupon_uses(code) == 1
    shop.bring_back("R1", 90_00, purchase="P1")
    assert told(shop.quote(100_00, coupons=(code,))) == APPLIED


def test_a_lot_of_a_member_goes_on_after_a_merge(opened: Open):
    shop = opened()
    wanted = NewLot("hers", "spring", 2, shop.wire(BORIS))
    said = (shop.plans, shop.programme_id)

    def begin(connection):
        open_lot(connection, *said, wanted, author="owner", now=shop.now)
        return fill_lot(connection, *said, "hers", portion=1)

    assert shop.do(begin).made == 1
    shop.merge(BORIS, ANNA)
    assert shop.do(begin).made == 2
    with read(shop.engine) as connection:
        own = of_member(connection, shop.programme_id, shop.member(ANNA))
    assert len(own) == 2


def test_an_erasure_lets_go_of_a_lot_that_has_no_coupon_yet(opened: Open):
    shop = opened()
    wanted, said = NewLot("hers", "spring", 1, shop.wire(BORIS)), (shop.plans, shop.programme_id)
    shop.do(lambda c: open_lot(c, *said, wanted, author="owner", now=shop.now))

    shop.erase(BORIS)

    shop.do(lambda c: fill_lot(c, *said, "hers"))
    (lot,) = shop.snapshot()["coupon_lots"]
    assert (lot["member_id"], lot["state"], lot["made"]) == (None, "blocked", 0)


LOTS = ("UPDATE coupon_lots", "UPDATE certificate_lots", "SELECT certificate_lots.")
"""Of lots there are few."""


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
def test_what_a_member_has_is_found_by_its_index(opened: Open):
    """A programme may have a million coupons, and as many certificates."""
    shop = opened()
    anna, boris = shop.member(ANNA), shop.member(BORIS)
    with write(shop.engine) as connection:
        with heard(connection) as said:
            for store in (coupon_store, certificate_store):
                store.of_member(connection, shop.programme_id, anna)
                store.move_member(connection, shop.programme_id, boris, anna)
                store.forget_people(connection, shop.programme_id, [anna, boris])
        looked = [one for one, _ in said if "member_id" in one.partition("WHERE")[2]]
        plans = [
            " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}"))
            for one in looked
            if not one.startswith(LOTS)
        ]
    assert len(plans) == 9
    found = [
        plan for plan in plans if "ix_coupons_member" in plan or "ix_certificates_member" in plan
    ]
    assert found == plans


def test_the_proof_finds_a_counter_that_lies(opened: Open):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    shop.hold(100_00, cart="a", coupons=(code,))
    with write(shop.engine) as connection:
        connection.execute(update(coupons).where(coupons.c.code == code).values(uses=0))
    with read(shop.engine) as connection:
        (finding,) = verify_ledger(connection, programme_id=shop.programme_id)
    assert finding.code == "coupon_differs_from_uses"
    assert code not in f"{finding}"

    changed = shop.do(lambda c: rebuild_ledger(c, programme_id=shop.programme_id))
    assert (changed, shop.coupon_uses(code)) == (1, 1)


@pytest.mark.parametrize("how", ["another's", "erased"])
def test_a_used_coupon_stays_used_when_the_buyer_changes(opened: Open, how: str):
    shop = opened()
    (code,) = shop.make_coupons("spring")
    hold = shop.hold(100_00, cart="c", coupons=(code,))
    pay(shop, hold)
    assert shop.coupon_uses(code) == 1

    if how == "erased":
        shop.erase()
        lines = (line("1", 100_00, discount=10_00), line("2", 5_00))
        shop.tell(shop.purchase("P1", lines=lines, hold=hold.id, by=None, revision=2))
    else:
        pay(shop, hold, by=BORIS, revision=2)

    assert shop.coupon_uses(code) == 1


GIVEN: dict[str, dict[str, Any]] = {
    "goods of a category that the catalogue alone knows": {"params": {"categories": ["cheese"]}},
    "goods of the member's own": {"params": {"personal": "own"}},
    "a tier that the receipt itself reaches": {
        "when": {"field": "member.tier", "is": "is", "value": "gold"}
    },
}


@pytest.mark.parametrize("held", [False, True], ids=["quoted", "held"])
@pytest.mark.parametrize("why", GIVEN)
def test_a_coupon_that_was_told_of_is_issued(engine: Engine, why: str, held: bool):
    gift = {"id": "g", "name": "G", "type": "give_coupon", **GIVEN[why]}
    gift["params"] = {"series": "spring", **gift.get("params", {})}
    gold = {"code": "gold", "name": "Gold", "earn_percent": "10", "spend_from": "100.00"}
    more = {
        "personal_lists": [{"code": "own", "name": "Own"}],
        "tiers": [gold],
        "tiering": {"counts": "this_receipt"},
    }
    shop = open_programme(engine, rules() | {"promotions": [gift], "coupons": [series()]} | more)
    shop.buy("P0", 1_00)
    shop.advance(hours=1)
    cheese = ProductRow("CH", "Cheese", None, None, ("cheese",), None, (), None)
    shop.do(lambda c: upsert_products(c, shop.programme_id, [cheese], now=shop.now))
    own, member = [PersonalGoods("own", "sku", "ch", "CH")], shop.wire(ANNA)
    shop.do(lambda c: set_list(c, shop.plans, shop.programme_id, member, "own", own, now=shop.now))
    basket_ = (BasketLine("1", 1000, 100_00, sku="CH"),)
    assert [one.code for one in shop.quote_lines(basket_).benefits] == ["spring"]

    if held:
        shop.hold_lines(basket_, by=ANNA, cart="c")
    lines = (line("1", 100_00, sku="CH"),)
    shop.tell(shop.purchase("P1", lines=lines, cart="c" if held else None))
    assert states(shop) == ["active"]

    dear = ProductRow("CH", "Cheese", None, None, ("dear",), None, (), None)
    shop.do(lambda c: upsert_products(c, shop.programme_id, [dear], now=shop.now))
    shop.bring_back("R1", 40_00, purchase="P1")
    assert states(shop) == ["active"]
    shop.bring_back("R2", 60_00, purchase="P1")
    assert states(shop) == ["withdrawn"]
    assert_books_add_up(shop)


def test_a_coupon_of_an_order_lives_from_the_day_on_which_it_is_paid(engine: Engine):
    """Seven days from the payment, ten days after the order was placed."""
    gift = {"id": "g", "name": "G", "type": "give_coupon", "params": {"series": "spring"}}
    document = rules() | {"promotions": [gift], "coupons": [series(life_days=7)]}
    shop = open_programme(engine, document)
    placed = shop.now
    shop.buy("P1", 100_00, status=PurchaseStatus.OPEN)
    shop.advance(days=10)
    shop.buy("P1", 100_00, at=placed, revision=2)

    (coupon,) = shop._own(coupons)
    assert coupon["ends_at"] == moscow(2026, 4, 1)


def states(shop: Shop) -> list[str]:
    return [one["state"] for one in shop._own(coupons)]
