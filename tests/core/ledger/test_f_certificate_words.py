"""Words of one purchase that come one after another, and the certificates, coupons and holds in
them (`ledger.md` 14, 16, 24)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from loyalty_core.service.import_certificates import CertificateImport
from loyalty_core.service.import_codes import Line, Way
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store import linked_sources as links
from loyalty_core.store.linked_sources import LinkedSources
from loyalty_core.store.tables import certificates, holds
from loyalty_kit.events import FiscalSign, LineKind, PurchaseStatus
from tests.core.ledger.test_d_linking import join, part
from tests.core.ledger.test_f_certificates import gift, kinds, sale, used
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import off
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, line, reduced

SIGN = (FiscalSign("1", "2", "3"),)


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """Gift certificates, and 10 % off for a coupon; Anna and Boris have bought before."""
    document = rules() | {
        "certificates": [gift()],
        "coupons": [series()],
        "promotions": [off(coupon="spring")],
    }
    opened = open_programme(engine, document)
    opened.tell(*(opened.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
    opened.advance(hours=1)
    yield opened
    assert_books_add_up(opened)
    assert opened.rebuild() == 0


def bring_in(shop: Shop, code: str, **told: str) -> None:
    """An old certificate, as an owner's file tells of it."""
    way = Way(shop.plans, shop.programme_id, "old", "gift", "owner", shop.now, dry=False)
    report = shop.do(lambda c: CertificateImport(way).take(c, [Line(1, {"code": code, **told})]))
    assert (report.added, report.bad) == (1, [])


def state(shop: Shop, hold: Any) -> str:
    return shop.see(hold).state


# --- certificates that came after ---------------------------------------------------------------


def test_what_was_told_before_a_certificate_came_in_is_in_its_balance(shop: Shop):
    first = shop.purchase("P1", 50_00, 50_00, certificates=used(("OLD-CARD", 50_00)))
    assert shop.tell(first)[0].flags == ("certificate_unknown",)
    shop.tell(shop.purchase("S1", lines=(sale("OLD-GIFT", 80_00),)))
    order = shop.purchase(
        "O1", 10_00, status=PurchaseStatus.OPEN, certificates=used(("OLD-CARD", 10_00))
    )
    shop.tell(order)
    shop.advance(hours=1)

    bring_in(shop, "OLD-CARD", balance="70.00")
    bring_in(shop, "OLD-GIFT", balance="80.00")

    more = shop.tell(replace(first, revision=2, order="1001"))[0]
    assert more.flags == ("certificate_unknown",)
    shop.bring_back("R1", 50_00, purchase="P1", lines=(back("2", 50_00),))
    shop.tell(shop.purchase("S1", lines=(sale("OLD-GIFT", 80_00),), revision=2, order="1002"))
    assert (shop.money("OLD-CARD"), shop.money("OLD-GIFT")) == ("active 70.00", "active 80.00")
    shop.bring_back("R2", 80_00, purchase="S1")
    assert shop.money("OLD-GIFT") == "active 80.00", "it was not loaded by this sale"

    paid = shop.tell(replace(order, revision=2, status=PurchaseStatus.PAID))[0]
    assert (paid.flags, shop.money("OLD-CARD")) == ((), "active 60.00")
    late = shop.buy("P2", 10_00, certificates=used(("OLD-CARD", 10_00)))
    assert (late.flags, shop.money("OLD-CARD")) == ((), "active 50.00")


def test_a_printed_end_outlives_the_first_sale(shop: Shop):
    """The series lets it live for 30 days; the later of the two dates counts."""
    bring_in(shop, "PRINTED-1", nominal="80.00", ends_at="2026-12-31T00:00:00+00:00")
    bring_in(shop, "PRINTED-2", nominal="80.00", ends_at="2026-03-20T00:00:00+00:00")

    shop.tell(
        shop.purchase("S1", lines=(sale("PRINTED-1", 80_00), sale("PRINTED-2", 80_00, name="2")))
    )

    assert shop.certificate("PRINTED-1")["expires_at"] == "2026-12-31T00:00:00+00:00"
    assert shop.certificate("PRINTED-2")["expires_at"] == "2026-04-13T21:00:00+00:00"


# --- holds that come with a later word ------------------------------------------------------------


def test_a_hold_that_a_later_word_of_the_same_lines_names_gives_what_it_reserved(shop: Shop):
    (code,), (coupon,) = shop.make_certificates(80_00), shop.make_coupons("spring")
    hold = shop.hold(50_00, cart="a", certificates=(code,), coupons=(coupon,))
    first = shop.purchase("P1", lines=(line("1", 50_00, discount=5_00),))
    shop.tell(first)
    assert (state(shop, hold), shop.money(code)) == ("live", "active 35.00")

    named = shop.tell(replace(first, revision=2, cart="a"))[0]

    assert (named.flags, named.certificates["paid"]) == ((), 45_00)
    assert (state(shop, hold), shop.money(code)) == ("captured", "active 35.00")
    assert kinds(shop, code) == ["activate", "reserve", "pay"]
    assert shop.coupon_uses(coupon) == 1
    shop.tell(replace(first, revision=3, cart="a", cashier="Vera"))
    assert (shop.money(code), shop.coupon_uses(coupon)) == ("active 35.00", 1)


def test_a_cart_that_is_used_again_keeps_its_new_hold(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.hold(50_00, cart="a", certificates=(code,))
    first = shop.purchase("P1", 50_00, cart="a")
    shop.tell(first)
    shop.advance(minutes=1)
    hold = shop.hold(20_00, cart="a", by=ANNA, certificates=(code,))

    changed = replace(first, revision=2, lines=(line("1", 49_00),))
    assert shop.tell(changed)[0].flags == ("hold_differs",)
    assert (state(shop, hold), shop.money(code)) == ("live", "active 11.00")

    assert shop.buy("P2", 20_00, cart="a").flags == ()
    assert (state(shop, hold), shop.money(code)) == ("captured", "active 11.00")
    shop.tell(replace(first, revision=3))
    shop.tell(replace(first, revision=4, status=PurchaseStatus.CANCELLED))
    assert shop.money(code) == "active 60.00"


def test_a_hold_that_was_placed_after_a_sale_was_told_is_of_another_sale(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    first = shop.purchase("P1", 50_00, cart="a")
    order = shop.purchase("O1", 50_00, order="7", status=PurchaseStatus.OPEN)
    shop.tell(first, order)
    shop.advance(minutes=1)
    hold = shop.hold(20_00, cart="a", certificates=(code,))
    paying = shop.hold(50_00, order="7", certificates=(code,))

    assert shop.tell(replace(first, revision=2, order="6"))[0].flags == ()
    assert (state(shop, hold), shop.money(code)) == ("live", "active 10.00")
    # An order may well be paid with what was held for it since.
    shop.tell(replace(order, revision=2, status=PurchaseStatus.PAID))
    assert (state(shop, paying), shop.certificate(code)["reserved"]) == ("captured", "20.00")

    assert shop.buy("P2", 20_00, cart="a").flags == ()
    assert shop.tell(replace(first, revision=3))[0].flags == ()
    shop.tell(replace(first, revision=4, status=PurchaseStatus.CANCELLED))
    assert shop.money(code) == "active 10.00"


def test_a_hold_of_another_programme_is_neither_found_nor_locked(shop: Shop, engine: Engine):
    other = open_programme(engine, rules() | {"certificates": [gift()]})
    (code,) = other.make_certificates(80_00)
    theirs = other.hold(50_00, by=None, cart="a", certificates=(code,))

    def tell(connection: Connection) -> Any:
        incoming = Incoming(shop.told_by(), shop.purchase("P1", 50_00, hold=theirs.id))
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        return record_events(connection, shop.plans, [incoming], now=shop.now)

    with engine.connect() as elsewhere:
        if engine.dialect.name == "postgresql":
            for table in (holds, certificates):
                own = table.c.programme_id == other.programme_id
                elsewhere.execute(select(table.c.id).where(own).with_for_update())
        (told,) = shop.do(tell)
    assert told.flags == ("hold_unknown",)
    assert (state(other, theirs), other.money(code)) == ("live", "active 30.00")
    assert_books_add_up(other)


# --- words that cannot know ----------------------------------------------------------------------


@pytest.mark.parametrize("blind_comes", ["second", "first"])
def test_a_word_that_cannot_know_takes_nothing_back(shop: Shop, blind_comes: str):
    """A vendor's copy of a receipt knows what each line was lowered by, and nothing else."""
    (code,), (coupon,) = shop.make_certificates(80_00), shop.make_coupons("spring")
    (fresh,) = shop.make_certificates(40_00, loaded=False)
    hold = shop.hold(100_00, cart="a", certificates=(code,), coupons=(coupon,))
    sold = sale(fresh, 40_00, name="2")
    knows = shop.purchase(
        "P1",
        lines=(line("1", 100_00, discount=10_00), sold),
        hold=hold.id,
        cart="a",
        certificates=used((code, 70_00)),
    )
    copied = replace(sold, kind=LineKind.GOODS, certificate=None)
    blind = shop.purchase("P1", lines=(reduced("1", 100_00, 10_00), copied))

    if blind_comes == "second":
        shop.tell(knows)
        shop.tell(replace(blind, revision=2))
    else:
        shop.tell(replace(blind, revision=2))
        shop.tell(knows)

    assert state(shop, hold) == "captured"
    assert (shop.money(code), shop.money(fresh)) == ("active 10.00", "active 40.00")
    assert shop.coupon_uses(coupon) == 1
    assert shop.figures().available == 10 + 9_00, "the certificate earns nothing"


def test_one_that_knows_takes_back_what_it_does_not_name(shop: Shop):
    (code,), (coupon,) = shop.make_certificates(80_00), shop.make_coupons("spring")
    first = shop.purchase(
        "P1",
        lines=(line("1", 100_00, discount=10_00),),
        certificates=used((code, 70_00)),
        coupons=(coupon,),
    )
    shop.tell(first)

    shop.tell(replace(first, revision=2, certificates=(), coupons=()))

    assert (shop.money(code), shop.coupon_uses(coupon)) == ("active 80.00", 0)


def test_a_shop_that_cannot_tell_points_from_discount_knows_its_coupons(shop: Shop):
    (coupon,) = shop.make_coupons("spring")
    first = shop.purchase("P1", lines=(reduced("1", 100_00, 10_00),), coupons=(coupon,))
    shop.tell(first)
    assert shop.coupon_uses(coupon) == 1

    shop.tell(replace(first, revision=2, coupons=()))

    assert shop.coupon_uses(coupon) == 0


def test_a_cancellation_without_lines_knows_what_was_there(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    order = shop.purchase(
        "P1", 50_00, cart="a", certificates=used((code, 50_00)), status=PurchaseStatus.OPEN
    )
    shop.tell(order)
    shop.tell(
        replace(
            order, revision=2, lines=(), cart=None, certificates=(), status=PurchaseStatus.CANCELLED
        )
    )

    shop.tell(replace(order, revision=3, status=PurchaseStatus.PAID))

    assert shop.money(code) == "active 30.00"


# --- one purchase seen twice ---------------------------------------------------------------------


def test_what_only_the_second_sighting_tells_is_booked_on_the_first(shop: Shop):
    (code,), (fresh,) = shop.make_certificates(80_00), shop.make_certificates(loaded=False)
    first = shop.purchase("P1", 50_00, 40_00, fiscal=SIGN)
    assert shop.tell(first)[0].points["earned"] == 9_00
    lines = (line("a", 50_00), sale(fresh, 40_00, name="b"))
    second = shop.purchase("O1", lines=lines, fiscal=SIGN, certificates=used((code, 30_00)))

    (seen,) = shop.tell(second, source="key:shop")

    assert (seen.flags, seen.points["clawed_back"]) == (("linked",), 4_00)
    assert (seen.certificates["paid"], seen.certificates["loaded"]) == (30_00, 40_00)
    assert (shop.money(code), shop.money(fresh)) == ("active 50.00", "active 40.00")
    before = shop.snapshot()
    assert shop.tell(first)[0].points["earned"] == 9_00, "it is answered as it was"
    shop.tell(second, source="key:shop")
    assert shop.snapshot() == before

    shop.tell(replace(first, revision=2, order="1001"))
    assert (shop.money(code), shop.money(fresh)) == ("active 50.00", "active 40.00")
    less = replace(second, revision=2, certificates=used((code, 20_00)))
    shop.tell(less, source="key:shop")
    assert shop.money(code) == "active 60.00"
    shop.tell(replace(less, revision=3, status=PurchaseStatus.CANCELLED), source="key:shop")
    assert shop.money(code) == "active 80.00"
    shop.tell(replace(less, revision=4), source="key:shop")
    shop.bring_back("R1", 90_00, purchase="P1")
    assert (shop.money(code), shop.money(fresh)) == ("active 80.00", "void 0.00")


def test_what_another_lent_stays_its_own_through_words_that_cannot_know(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    blind = shop.purchase("P1", lines=(reduced("1", 50_00, 0),), fiscal=SIGN)
    second = shop.purchase("O1", 50_00, fiscal=SIGN, certificates=used((code, 30_00)))
    shop.tell(blind)
    shop.tell(second, source="key:shop")
    assert shop.money(code) == "active 50.00"

    shop.tell(replace(blind, revision=2, order="7"))
    less = replace(second, revision=2, certificates=used((code, 20_00)))
    shop.tell(less, source="key:shop")
    assert shop.money(code) == "active 60.00"

    gone = replace(blind, revision=3, status=PurchaseStatus.CANCELLED, lines=())
    shop.tell(gone)
    assert shop.money(code) == "active 80.00"
    shop.tell(replace(blind, revision=4))
    shop.tell(replace(less, revision=3, status=PurchaseStatus.CANCELLED), source="key:shop")
    assert shop.money(code) == "active 80.00"


def test_what_the_first_sighting_says_itself_stands(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    first = shop.purchase("P1", 50_00, fiscal=SIGN, certificates=used((code, 10_00)))
    second = shop.purchase("O1", 50_00, fiscal=SIGN, certificates=used((code, 30_00)))
    shop.tell(first)
    shop.tell(second, source="key:shop")
    assert shop.money(code) == "active 70.00"

    # What it says of it later stands as well, though another lent it meanwhile.
    shop.tell(replace(first, revision=2, certificates=()))
    shop.tell(replace(second, revision=2, order="7"), source="key:shop")
    assert shop.money(code) == "active 50.00"
    shop.tell(replace(first, revision=3, certificates=used((code, 15_00))))
    shop.tell(replace(second, revision=3, order="8"), source="key:shop")
    assert shop.money(code) == "active 65.00"


def test_a_second_sighting_brings_its_hold_and_what_it_had_booked_itself(shop: Shop):
    (code,), (coupon,) = shop.make_certificates(80_00), shop.make_coupons("spring")
    hold = shop.hold(50_00, cart="a", certificates=(code,), coupons=(coupon,))
    shop.tell(shop.purchase("P1", lines=(line("1", 50_00, discount=5_00),), fiscal=SIGN))
    lines = (line("1", 50_00, discount=5_00),)
    shop.tell(shop.purchase("O1", lines=lines, cart="a", fiscal=SIGN), source="key:shop")
    assert (state(shop, hold), shop.money(code)) == ("captured", "active 35.00")
    assert shop.coupon_uses(coupon) == 1

    sign = (FiscalSign("1", "2", "4"),)
    other = shop.purchase("O2", 20_00, certificates=used((code, 20_00)))
    shop.tell(other, source="key:shop")
    shop.tell(shop.purchase("P2", 20_00, fiscal=sign))
    shop.tell(replace(other, fiscal=sign, revision=2), source="key:shop")
    assert shop.money(code) == "active 15.00"
    assert kinds(shop, code)[-2:] == ["pay", "pay"], "the order came first, and counts"

    held = shop.hold(10_00, cart="c", certificates=(code,))
    third = shop.purchase("O3", 10_00, hold=held.id)
    shop.tell(third, source="key:shop")
    sign = (FiscalSign("1", "2", "5"),)
    shop.tell(shop.purchase("P3", 10_00, fiscal=sign))
    linked = shop.tell(replace(third, fiscal=sign, revision=2), source="key:shop")[0]
    assert (linked.flags, shop.money(code)) == ((), "active 5.00")


def test_a_parted_record_goes_by_certificate_and_coupon_of_its_own_word(shop: Shop):
    """While the till's word counted, nothing was taken of what the site alone had told."""
    site, till = "installation:1", "installation:2"
    truth = LinkedSources(site, till, None, till)
    shop.do(lambda c: links.declare(c, shop.programme_id, truth))
    cards, codes = shop.make_certificates(500_00, 2), shop.make_coupons("spring", 2)
    for name, source, place, paid in (("A", site, 0, 30_00), ("B", till, 1, 40_00)):
        more = {"certificates": used((cards[place], paid)), "coupons": (codes[place],)}
        shop.tell(shop.purchase(name, 100_00, fiscal=SIGN, **more), source=source)

    def stand() -> tuple[list[str], list[int]]:
        return [shop.money(one) for one in cards], [shop.coupon_uses(one) for one in codes]

    together = (["active 500.00", "active 460.00"], [0, 1])
    assert stand() == together
    part(shop, "B")
    assert stand() == (["active 470.00", "active 460.00"], [1, 1])
    join(shop, "A", "B")
    assert stand() == together
