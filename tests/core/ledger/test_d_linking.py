"""`ledger.md` 24: sightings of one purchase, whoever tells them and in whatever order; and what a
person parts and joins.  10 % comes back; expected figures are counted by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import InvalidInput, PurchaseNotFound, ShopForbidden
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.part_and_join import Decision, join_purchases, part_purchase
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.store import linked_sources as links
from loyalty_core.store.database import read, rehearse, write
from loyalty_core.store.ids import to_wire
from loyalty_core.store.linked_sources import LinkedSources
from loyalty_core.store.tables import audit_log
from loyalty_kit.events import FiscalSign, PurchaseStatus
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop, open_programme
from tests.support.lines import back, line, reduced

SITE, TILL, DESK = "installation:1", "installation:2", "installation:3"
SIGN = (FiscalSign("9960440300000001", "1042", "2890456789"),)


def declare(shop: Shop, field: str | None = "order", truth: str | None = None) -> None:
    """Orders of the site are seen at the till."""
    one = LinkedSources(SITE, TILL, field, truth)
    shop.do(lambda connection: links.declare(connection, shop.programme_id, one))


def give(shop: Shop, points: int) -> None:
    """By an earlier purchase of Anna's."""
    shop.buy("gift", points * 10, at=NOW - DAY)


def wire(shop: Shop, external_id: str) -> str:
    (one,) = (row for row in shop.kept_purchases() if row["external_id"] == external_id)
    return to_wire("p", one["id"])


def said(shop: Shop) -> Decision:
    return Decision(shop.programme_id, "owner", shop.now)


def part(shop: Shop, external_id: str) -> list[dict[str, Any]]:
    name = wire(shop, external_id)
    return shop.do(lambda c: part_purchase(c, shop.plans, name, said(shop)))


def join(shop: Shop, one: str, other: str) -> list[dict[str, Any]]:
    names = wire(shop, one), wire(shop, other)
    return shop.do(lambda c: join_purchases(c, shop.plans, *names, said(shop)))


def linked(shop: Shop) -> dict[str, str]:
    """Which sighting is linked by what."""
    return {
        row["external_id"]: row["linked_by"]
        for row in shop.kept_purchases()
        if row["linked_to"] is not None
    }


# --- order numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "in one batch"])
@pytest.mark.parametrize("till_first", [False, True])
def test_ledger_24_a_declared_order_number_links(shop: Shop, till_first: bool, together: bool):
    declare(shop)
    site = Incoming(shop.told_by(SITE), shop.purchase("A-1", 100_00, order="1042"))
    till = Incoming(shop.told_by(TILL), shop.purchase("B-1", 100_00, order="1042"))
    events = [till, site] if till_first else [site, till]
    for batch in [events] if together else [[one] for one in events]:
        shop.do(lambda c, batch=batch: record_events(c, shop.plans, batch, now=shop.now))

    assert shop.figures() == Figures(available=10_00)
    assert list(linked(shop).values()) == ["order"]


def test_ledger_24_the_number_stands_where_the_owner_says(shop: Shop):
    """The site tells no order number: its orders go by their own names."""
    declare(shop, field="external_id")
    shop.buy("1042", 100_00, source=SITE)
    shop.buy("other", 100_00, order="1042", source=TILL)
    assert linked(shop) == {}
    shop.buy("1042", 100_00, source=TILL)

    assert len(linked(shop)) == 1
    assert shop.figures() == Figures(available=20_00)


@pytest.mark.parametrize(
    ("paid", "days", "source", "field"),
    [
        pytest.param(100_01, 0, TILL, "order", id="another total"),
        pytest.param(100_00, 4, TILL, "order", id="four days later"),
        pytest.param(100_00, 0, DESK, "order", id="a connection that was not declared"),
        pytest.param(100_00, 0, TILL, None, id="declared for fiscal signs alone"),
    ],
)
def test_ledger_24_what_does_not_fit_is_not_linked(
    shop: Shop, paid: int, days: int, source: str, field: str | None
):
    declare(shop, field=field)
    shop.buy("A-1", 100_00, order="1042", at=NOW - 5 * DAY, source=SITE)
    shop.buy("B-1", paid, order="1042", at=NOW - (5 - days) * DAY, source=source)

    assert linked(shop) == {}


def test_ledger_24_two_documents_of_one_system_are_not_linked_by_a_number(shop: Shop):
    declare(shop)
    shop.buy("A-1", 100_00, order="1042", source=SITE)
    shop.buy("B-1", 100_00, order="1042", source=TILL)
    shop.buy("B-2", 100_00, order="1042", source=TILL)

    assert linked(shop) == {"B-1": "order"}
    assert shop.figures() == Figures(available=20_00)


def test_ledger_24_an_order_that_is_paid_at_the_till_is_paid(shop: Shop):
    declare(shop)
    shop.buy("A-1", 100_00, order="7", source=SITE, status=PurchaseStatus.OPEN)
    assert shop.figures() == Figures()
    shop.buy("B-1", 100_00, order="7", source=TILL, by=None)

    assert shop.figures() == Figures(available=10_00)


# --- whose word counts ----------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations((SITE, TILL, DESK))))
def test_ledger_24_the_source_of_truth_wins_in_whatever_order(shop: Shop, order: tuple[str, ...]):
    """The till's word counts: 80.00 of Anna's, with 5.00 of it paid with points that the site
    alone tells of; 8.00 is earned."""
    give(shop, 5_00)
    declare(shop, field=None, truth=TILL)
    told = {
        SITE: shop.purchase("A", 100_00, by=BORIS, fiscal=SIGN, spent=5_00),
        TILL: shop.purchase("B", lines=(reduced("x", 90_00, 10_00),), by=ANNA, fiscal=SIGN),
        DESK: shop.purchase("C", 70_00, by=None, fiscal=SIGN),
    }
    for source in order:
        shop.tell(told[source], source=source)

    assert shop.figures(ANNA) == Figures(available=8_00)
    if shop.member(BORIS) is not None:
        assert shop.figures(BORIS) == Figures()


def test_ledger_24_a_buyer_whom_one_sighting_alone_names_is_the_buyer(shop: Shop):
    shop.buy("till", 100_00, by=None, fiscal=SIGN, source=TILL)
    shop.buy("site", 100_00, by=ANNA, fiscal=SIGN, source=SITE)
    assert shop.figures() == Figures(available=10_00)

    part(shop, "site")
    assert shop.figures() == Figures(available=10_00), "the site's own purchase now"
    part(shop, "till")
    shop.buy("till", 100_00, by=BORIS, fiscal=SIGN, source=TILL, revision=2)
    assert (shop.figures(), shop.figures(BORIS)) == (
        Figures(available=10_00),
        Figures(available=10_00),
    )


# --- points and refunds of a sighting -------------------------------------------------------


@pytest.mark.parametrize("first", [SITE, TILL])
def test_ledger_24_points_as_told_by_either_are_spent_once(shop: Shop, first: str):
    give(shop, 50_00)
    site = shop.purchase("A", lines=(reduced("1", 100_00, 20_00),), points_spent=20_00, fiscal=SIGN)
    till = shop.purchase("B", lines=(reduced("x", 100_00, 20_00),), fiscal=SIGN)
    told = {SITE: site, TILL: till}
    for source in (first, TILL if first == SITE else SITE):
        shop.tell(told[source], source=source)
    # 30.00 is left, and 10 % of the 80.00 that were paid comes back.
    assert shop.figures() == Figures(available=38_00)
    shop.tell(replace(told[first], revision=2, cashier="Vera"), source=first)
    assert shop.figures() == Figures(available=38_00)


def test_ledger_24_a_refund_told_through_either_is_counted_once(shop: Shop):
    """Three pieces of one article and one of another, whose lines each system names its own way."""
    site = (line("1", 90_00, pieces=3, sku="TEA"), line("2", 10_00, sku="CUP"))
    till = (line("2", 90_00, pieces=3, sku="TEA"), line("1", 10_00, sku="CUP"))
    shop.buy("A", lines=site, fiscal=SIGN, source=SITE)
    shop.buy("B", lines=till, fiscal=SIGN, source=TILL)
    told = {"purchase": "B", "source": TILL, "lines": (back("2", 30_00),)}
    assert shop.bring_back("RB", 30_00, **told).points["clawed_back"] == 3_00
    assert shop.figures() == Figures(available=7_00)

    again = shop.bring_back("RA", 30_00, purchase="A", source=SITE, lines=(back("1", 30_00),))
    assert again.points["clawed_back"] == 0
    shop.bring_back("RA-2", 60_00, purchase="A", source=SITE, lines=(back("1", 60_00, 2),))
    assert shop.figures() == Figures(available=1_00)
    # A third return of the same line is beyond what there was: they share one cap.
    over = shop.bring_back("RB-2", 30_00, purchase="B", source=TILL, lines=(back("2", 30_00),))
    assert over.points["clawed_back"] == 0
    assert shop.figures() == Figures(available=1_00)


@pytest.mark.parametrize(("till_sku", "left"), [("CUP", 0), ("00017", 5_00)])
def test_ledger_24_returns_of_different_goods_for_one_sum_are_two(
    shop: Shop, till_sku: str, left: int
):
    """The tea through the site, the cup through the till; articles of other names tell nothing."""
    site = (line("1", 50_00, sku="TEA"), line("2", 50_00, sku="CUP"))
    till = (line("1", 50_00, sku=till_sku), line("2", 50_00, sku="TEA" if left == 0 else "00016"))
    shop.buy("A", lines=site, fiscal=SIGN, source=SITE)
    shop.buy("B", lines=till, fiscal=SIGN, source=TILL)
    shop.bring_back("RA", 50_00, purchase="A", source=SITE, lines=(back("1", 50_00),))
    shop.bring_back("RB", 50_00, purchase="B", source=TILL, lines=(back("1", 50_00),))

    assert shop.figures() == Figures(available=left)


@pytest.mark.parametrize(
    ("minutes", "amount", "flags"),
    [
        pytest.param(600, 40_00, ("perhaps_two_returns",), id="hours apart"),
        pytest.param(10, 40_00, (), id="at once"),
        pytest.param(600, 60_00, (), id="more than there is for two"),
    ],
)
def test_ledger_24_two_returns_of_one_sum_count_as_one_and_a_person_is_asked(
    shop: Shop, minutes: int, amount: int, flags: tuple[str, ...]
):
    """Systems without articles in common, of 100.00: 10 % of what is left after one return."""
    shop.buy("A", 100_00, fiscal=SIGN, source=SITE)
    shop.buy("B", 100_00, fiscal=SIGN, source=TILL)
    shop.bring_back("RA", amount, purchase="A", source=SITE)
    later = NOW + DAY * minutes / (24 * 60)
    told = shop.bring_back("RB", amount, purchase="B", source=TILL, at=later)

    assert told.flags == flags
    assert shop.figures() == Figures(available=10_00 - amount // 10)


def test_ledger_24_refunds_that_a_sighting_lists_are_booked_and_withdrawn(shop: Shop):
    shop.buy("A", 60_00, 40_00, fiscal=SIGN, source=SITE)
    cloud = shop.purchase("B", 60_00, 40_00, fiscal=SIGN)
    shop.tell(cloud, source=TILL)
    refund = shop.refund("R", 40_00, lines=(back("2", 40_00),))
    shop.tell(replace(cloud, revision=2, refunds=(refund,)), source=TILL)
    assert shop.figures() == Figures(available=6_00)
    shop.tell(replace(cloud, revision=3, refunds=()), source=TILL)
    assert shop.figures() == Figures(available=10_00)


# --- parted and joined ----------------------------------------------------------------------


def test_ledger_24_parting_and_joining_are_each_others_inverse(shop: Shop):
    """Anna's two records of one sale with 4.00 points and a return of 30.00, told by the till."""
    give(shop, 20_00)
    shop.buy("A", lines=(reduced("1", 100_00, 4_00),), fiscal=SIGN, source=SITE)
    shop.buy("B", lines=(reduced("1", 100_00, 4_00),), points_spent=4_00, fiscal=SIGN, source=TILL)
    shop.bring_back("R", 24_00, purchase="B", source=TILL)
    # 24.00 of 96.00 is a quarter: of 4.00 spent 1.00 is back, of 9.60 earned 2.40 is gone.
    together = Figures(available=20_00 - 3_00 + 7_20)
    assert shop.figures() == together

    seen = rehearse(
        shop.engine, lambda c: part_purchase(c, shop.plans, wire(shop, "B"), said(shop))
    )
    assert shop.figures() == together, "a preview moves nothing"
    moved = part(shop, "B")
    assert moved == seen
    # The site's stands whole and without points: 9.60.  The till's: 7.20 less 3.00.
    assert shop.figures() == Figures(available=20_00 + 9_60 + 7_20 - 3_00)
    assert [one["after"]["available"] for one in moved] == ["33.80"]
    assert part(shop, "B") == []

    shop.buy(
        "B",
        lines=(reduced("1", 100_00, 4_00),),
        points_spent=4_00,
        fiscal=SIGN,
        source=TILL,
        revision=2,
        cashier="Vera",
    )
    assert linked(shop) == {}, "only a person links again what a person parted"
    join(shop, "B", "A")
    assert shop.figures() == together
    assert join(shop, "A", "B") == []
    part(shop, "B")
    assert shop.figures() == Figures(available=33_80)
    join(shop, "A", "B")
    assert shop.figures() == together
    with read(shop.engine) as connection:
        log = connection.execute(audit_log.select().order_by(audit_log.c.id)).mappings().all()
    own = [row["action"] for row in log if row["programme_id"] == shop.programme_id]
    assert [one for one in own if one.startswith("purchases_")] == [
        "purchases_parted",
        "purchases_joined",
        "purchases_parted",
        "purchases_joined",
    ]


def test_ledger_24_what_a_person_joins_needs_neither_sign_nor_number(shop: Shop):
    for name, source in (("A", SITE), ("B", TILL), ("C", DESK), ("D", DESK)):
        shop.buy(name, 100_00, source=source)
    join(shop, "A", "B")
    join(shop, "D", "C")
    assert shop.figures() == Figures(available=20_00)
    join(shop, "D", "B")
    assert shop.figures() == Figures(available=10_00)
    part(shop, "C")
    assert shop.figures() == Figures(available=20_00), "what was linked to it went with it"
    shop.bring_back("R", 100_00, purchase="D", source=DESK)
    assert shop.figures() == Figures(available=10_00)
    with pytest.raises(InvalidInput):
        join(shop, "A", "A")
    with pytest.raises(PurchaseNotFound):
        shop.do(lambda c: part_purchase(c, shop.plans, to_wire("p", 7), said(shop)))


def test_ledger_24_parted_after_a_merge_and_after_an_erasure(shop: Shop):
    shop.buy("A", 100_00, by=ANNA, fiscal=SIGN, source=SITE)
    shop.buy("B", 100_00, by=BORIS, fiscal=SIGN, source=TILL)
    assert (shop.figures(ANNA), shop.figures(BORIS)) == (Figures(available=10_00), Figures())
    shop.merge(BORIS, into=ANNA)
    part(shop, "B")
    assert shop.figures(ANNA) == Figures(available=20_00)
    join(shop, "A", "B")
    assert shop.figures(ANNA) == Figures(available=10_00)

    member = shop.wire(ANNA)
    shop.do(
        lambda c: erase_member(
            c, shop.programme_id, member, author="owner", evidence_key=b"k" * 32, now=shop.now
        )
    )
    kept = str([(row["document"], row["own"]) for row in shop.kept_purchases()])
    assert ANNA not in kept
    assert BORIS not in kept
    assert part(shop, "B") == [], "of an erased person nothing moves any more"


def test_ledger_24_a_hold_that_a_sighting_brought_goes_with_it(shop: Shop):
    give(shop, 10_00)
    hold = shop.hold(100_00, cart="a", spend=10_00)
    shop.buy("B", lines=(reduced("1", 100_00, 10_00),), fiscal=SIGN, source=TILL)
    shop.buy("A", lines=(reduced("1", 100_00, 10_00),), fiscal=SIGN, cart="a", source=SITE)
    assert shop.figures() == Figures(available=9_00)
    assert shop.see(hold).state == "captured"
    part(shop, "A")
    assert shop.figures() == Figures(available=18_00)
    join(shop, "A", "B")
    assert shop.figures() == Figures(available=9_00)


def test_ledger_24_who_is_bound_to_a_shop_moves_no_other_shops_records(shop: Shop):
    shop.do(lambda c: create_shop(c, shop.programme_id, NewShop("south"), now=NOW))
    shop.tell(replace(shop.purchase("A", 100_00, fiscal=SIGN), shop="south"), source=SITE)
    shop.buy("B", 100_00, fiscal=SIGN, source=TILL)
    shop.tell(replace(shop.purchase("C", 100_00), shop="south"), source=DESK)
    ours = replace(said(shop), shops=frozenset({"south"}))
    a, b, c = (wire(shop, name) for name in "ABC")
    for work in (
        lambda con: part_purchase(con, shop.plans, b, ours),
        lambda con: join_purchases(con, shop.plans, c, b, ours),
        lambda con: join_purchases(con, shop.plans, c, a, ours),  # B goes with A
    ):
        with pytest.raises(ShopForbidden):
            shop.do(work)
    assert shop.figures() == Figures(available=20_00)


def test_ledger_24_25_a_record_of_two_signs_links_all_that_bear_one_in_any_order(shop: Shop):
    """Three systems; the one that tells both signs makes the other two one purchase."""
    for number, order in enumerate(permutations((SITE, TILL, DESK)), start=1):
        one, other = FiscalSign("9", str(number), "1"), FiscalSign("9", str(number), "2")
        bearing = {SITE: (one,), TILL: (one, other), DESK: (other,)}
        before = shop.figures().available
        for source in order:
            shop.buy(f"{number}", 100_00, fiscal=bearing[source], source=source)
        assert shop.figures() == Figures(available=before + 10_00), order
        for source in order:
            shop.bring_back(f"R{number}", 100_00, purchase=f"{number}", source=source)
        assert shop.figures() == Figures(available=before), order


def test_ledger_24_25_two_records_of_one_system_stay_two_whatever_another_says(shop: Shop):
    """As of a receipt for two legal entities, which one system keeps as two sales.  Where the
    record of both comes first, it counts alone."""
    for number, order in enumerate(permutations("ABC"), start=1):
        one, other = FiscalSign("9", str(number), "1"), FiscalSign("9", str(number), "2")
        told = {
            "A": (60_00, (one,), SITE),
            "B": (40_00, (other,), SITE),
            "C": (100_00, (one, other), TILL),
        }
        for name in order:
            paid, signs, source = told[name]
            shop.buy(f"{name}{number}", paid, fiscal=signs, source=source)
        assert shop.figures() == Figures(available=number * 10_00), order


def test_ledger_24_25_two_records_are_one_where_the_truth_tells_both_in_any_order(shop: Shop):
    """The till's one receipt, whose word counts, is two sales of the site: 10 % of its 100.00."""
    declare(shop, field=None, truth=TILL)
    for number, order in enumerate(permutations("ABC"), start=1):
        one, other = FiscalSign("9", str(number), "1"), FiscalSign("9", str(number), "2")
        told = {
            "A": (60_00, (one,), SITE),
            "B": (40_00, (other,), SITE),
            "C": (100_00, (one, other), TILL),
        }
        for name in order:
            paid, signs, source = told[name]
            shop.buy(f"{name}{number}", paid, fiscal=signs, source=source)
        assert shop.figures() == Figures(available=number * 10_00), order
    shop.bring_back("R", 40_00, purchase="B6", source=SITE)
    shop.bring_back("R", 40_00, purchase="C6", source=TILL)
    assert shop.figures() == Figures(available=56_00), "told by both, and counted once"


def test_ledger_24_25_what_was_paid_with_points_in_both_parts_adds_up_in_any_order(shop: Shop):
    """5.00 and 4.00 of 100.00 are paid with points, and 10 % of 91.00 comes back: 0.10 is won."""
    give(shop, 50_00)
    declare(shop, field=None, truth=TILL)
    for number, order in enumerate(permutations("ABC"), start=1):
        one, other = FiscalSign("9", str(number), "1"), FiscalSign("9", str(number), "2")
        told = {
            "A": (reduced("1", 60_00, 5_00), 5_00, (one,), SITE),
            "B": (reduced("1", 40_00, 4_00), 4_00, (other,), SITE),
            "C": (reduced("1", 100_00, 9_00), None, (one, other), TILL),
        }
        for name in order:
            sold, spent, signs, source = told[name]
            lines = {"lines": (sold,), "points_spent": spent, "fiscal": signs}
            shop.buy(f"{name}{number}", source=source, **lines)
        assert shop.figures() == Figures(available=50_00 + number * 10), order


@pytest.mark.parametrize("order", ["ABC", "ACB", "BCA", "CAB"])
def test_ledger_24_signs_that_come_later_link_and_what_was_parted_stays_apart(
    shop: Shop, order: str
):
    one, other = FiscalSign("9", "1", "1"), FiscalSign("9", "1", "2")
    bearing = {"A": (one,), "B": (other,), "C": ()}
    sources = {"A": SITE, "B": DESK, "C": TILL}
    for name in order:
        shop.buy(name, 100_00, fiscal=bearing[name], source=sources[name])
    assert shop.figures() == Figures(available=30_00)
    shop.buy("C", 100_00, fiscal=(other, one), source=TILL, revision=2)
    assert shop.figures() == Figures(available=10_00)
    if order[0] != "B":  # there it is the one that counts
        part(shop, "B")
        assert shop.figures() == Figures(available=20_00)
        shop.buy("C", 100_00, fiscal=(one, other), source=TILL, revision=3)
        assert shop.figures() == Figures(available=20_00)


# --- at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
def test_ledger_24_both_sightings_at_once_count_once(engine: Engine):
    """32 times, by sign and by number in turn; nothing is tried again, so a deadlock fails."""
    shop = open_programme(engine)
    declare(shop)
    shop.buy("first", 1_00)

    def tell(source: str, name: str, more: dict[str, Any]) -> None:
        event = Incoming(shop.told_by(source), shop.purchase(name, 100_00, **more))
        back_ = Incoming(shop.told_by(source), shop.refund(f"R-{name}", 50_00, purchase=name))
        for one in (event, back_):
            with write(shop.engine) as connection:
                record_events(connection, shop.plans, [one], now=shop.now)

    with ThreadPoolExecutor(2) as pool:
        for turn in range(32):
            sign = (FiscalSign("9", str(turn + 1), "7"),)
            more: dict[str, Any] = {"fiscal": sign} if turn % 2 else {"order": str(turn)}
            done = [
                pool.submit(tell, source, f"{source[-1]}-{turn}", more) for source in (SITE, TILL)
            ]
            for one in done:
                one.result(timeout=60)

    assert len(linked(shop)) == 32
    # Half of each comes back once: 32 times 5.00, and 10 % of 1.00.
    assert shop.figures() == Figures(available=160_10)
    assert_books_add_up(shop)
