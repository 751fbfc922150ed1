"""Gift certificates: sold, reserved, paid with, given back, ended (`ledger.md` 16, 21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from loyalty_core.domain.errors import CertificateClosed, InvalidInput, KeyReused, PriceChanged
from loyalty_core.service.certificates import block_certificate
from loyalty_core.service.quote_basket import quote_basket
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import certificates
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import (
    CertificateSale,
    CertificateUse,
    Customer,
    FiscalSign,
    LineKind,
    PurchaseStatus,
)
from tests.support.books import assert_books_add_up
from tests.support.heard import heard
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, basket, line

ADVANCE = LineKind.CERTIFICATE


def gift(code: str = "gift", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), "life_days": 30, "top_up": True, **more}


def open_with(engine: Engine, *series: dict[str, Any], **policies: Any) -> Shop:
    document = rules(**policies) | {"certificates": list(series or (gift(),))}
    return open_programme(engine, document)


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    opened = open_with(engine)
    opened.tell(*(opened.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
    opened.advance(hours=1)
    yield opened
    assert_books_add_up(opened)
    assert opened.rebuild() == 0


def used(*pairs: tuple[str, int]) -> tuple[CertificateUse, ...]:
    return tuple(CertificateUse(code, amount) for code, amount in pairs)


def sale(code: str, amount: int, *, nominal: int | None = None, name: str = "1") -> Any:
    return line(name, amount, kind=ADVANCE, certificate=CertificateSale(code, nominal))


def told(quote: Any) -> list[tuple[str, str | None, int]]:
    return [(one.status, one.reason, one.amount_minor) for one in quote.certificates]


def kinds(shop: Shop, code: str) -> list[str]:
    return [one["kind"] for one in shop.certificate_moves(code)]


# --- quotes -----------------------------------------------------------------------------------


def test_a_quote_tells_what_it_pays_and_what_is_left(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    quote = shop.quote(100_00, certificates=(code.lower(),))

    assert told(quote) == [("applied", None, 80_00)]
    assert (quote.totals.payable_minor, quote.totals.to_pay_minor) == (100_00, 20_00)
    assert quote.certificates[0].left_minor == 0
    assert shop.quote(30_00, certificates=(code,)).certificates[0].left_minor == 50_00
    assert shop.money(code) == "active 80.00"


def test_a_quote_with_certificates_is_one_statement_and_writes_nothing(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.hold(50_00, cart="a", certificates=(code,))
    shop.quote(1_00)

    member = Customer(phone=ANNA, verified=True)
    lines = tuple(replace(one, categories=()) for one in basket(100_00))
    for cart, pays in (("a", 80_00), (None, 30_00)):
        request = QuoteRequest(lines, member=member, cart=cart, certificates=(code, "nonsense"))
        with read(shop.engine) as connection, heard(connection) as statements:
            quote = quote_basket(connection, shop.plans, shop.told_by(), request, now=shop.now)
        assert (quote.totals.certificates_minor, len(statements)) == (pays, 1)
        assert statements[0][0].lstrip().startswith(("SELECT", "WITH"))


def test_several_pay_one_after_another_and_one_that_is_not_needed_says_so(shop: Shop):
    one, two, three = shop.make_certificates(40_00, 3)

    quote = shop.quote(70_00, certificates=(one, two, one, three))

    assert told(quote) == [
        ("applied", None, 40_00),
        ("applied", None, 30_00),
        ("rejected", "unknown_code", 0),
        ("rejected", "certificate_not_needed", 0),
    ]
    assert quote.totals.to_pay_minor == 0


def test_each_reason_why_it_does_not_pay(shop: Shop):
    (mine,) = shop.make_certificates(80_00, by=ANNA)
    (unsold,) = shop.make_certificates(80_00, loaded=False)
    (shut,) = shop.make_certificates(80_00)
    shop.do(
        lambda c: block_certificate(
            c, shop.programme_id, shut, blocked=True, author="owner", now=shop.now
        )
    )
    (spent,) = shop.make_certificates(80_00)
    shop.buy("P1", 80_00, certificates=used((spent, 80_00)))
    (returned,) = shop.make_certificates(80_00, loaded=False)
    shop.tell(shop.purchase("P2", lines=(sale(returned, 80_00),)))
    shop.bring_back("R2", 80_00, purchase="P2")
    wrong = spent[:-1] + ("2" if spent[-1] != "2" else "3")

    def why(code: str, by: str | None = ANNA) -> str | None:
        return shop.quote(100_00, by=by, certificates=(code,)).certificates[0].reason

    assert why(mine) is None
    assert why(mine, BORIS) == "certificate_of_another"
    assert why(mine, None) == "certificate_needs_member"
    assert why(unsold) == "certificate_issued"
    assert why(shut) == "certificate_blocked"
    assert why(spent) == "certificate_spent"
    assert why(returned) == "certificate_void"
    assert why(wrong) == "certificate_mistyped"
    assert why("GIFT-1") == "unknown_code"
    shop.advance(days=31)
    assert why(mine) == "certificate_expired"


def test_one_for_some_goods_pays_them_alone_and_pays_first(engine: Engine):
    shop = open_with(engine, gift(), gift("tea", categories=["Tea"], skus=["CUP"]))
    (plain,) = shop.make_certificates(50_00)
    (tea,) = shop.make_certificates(100_00, series="tea")
    lines = (
        BasketLine("1", 1000, 60_00, sku="BREAD", categories=("bread",)),
        BasketLine("2", 1000, 30_00, sku="LEAF", categories=("tea",)),
        BasketLine("3", 1000, 20_00, sku="cup", categories=()),
    )

    quote = shop.quote_lines(lines, certificates=(plain, tea))

    assert told(quote) == [("applied", None, 50_00), ("applied", None, 50_00)]
    assert quote.totals.to_pay_minor == 10_00
    bread = shop.quote_lines(lines[:1], certificates=(tea,))
    assert told(bread) == [("rejected", "certificate_other_goods", 0)]


def test_a_certificate_buys_no_certificate(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    lines = (BasketLine("1", 1000, 50_00, kind=ADVANCE), *basket(0, 30_00)[1:])

    quote = shop.quote_lines(lines, certificates=(code,))

    assert told(quote) == [("applied", None, 30_00)]


def test_one_that_an_order_sells_lives_from_the_day_on_which_it_is_paid(shop: Shop):
    """Thirty days from the payment, forty after the order was placed."""
    (code,) = shop.make_certificates(80_00, loaded=False)
    placed = shop.now
    order = shop.purchase("P1", lines=(sale(code, 80_00),), status=PurchaseStatus.OPEN)
    shop.tell(order)
    shop.advance(days=40)
    shop.tell(replace(order, status=PurchaseStatus.PAID, occurred_at=placed, revision=2))

    assert shop.money(code) == "active 80.00"
    shop.advance(days=31)
    assert shop.money(code) == "expired 0.00"


# --- holds ------------------------------------------------------------------------------------


def test_a_hold_reserves_and_its_release_gives_back(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,))
    assert told(hold.quote) == [("applied", None, 50_00)]
    assert shop.certificate(code)["reserved"] == "50.00"

    other = shop.hold(50_00, cart="b", by=BORIS, certificates=(code,))
    assert told(other.quote) == [("applied", None, 30_00)]
    assert told(shop.quote(50_00, certificates=(code,))) == [("rejected", "certificate_spent", 0)]

    shop.release(hold)
    assert shop.money(code) == "active 50.00"
    assert kinds(shop, code) == ["activate", "reserve", "reserve", "release"]


def test_a_new_hold_of_the_cart_takes_the_reservation_over(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.hold(50_00, cart="a", certificates=(code,))
    again = shop.hold(70_00, cart="a", certificates=(code,))
    assert told(again.quote) == [("applied", None, 70_00)]

    shop.hold(70_00, cart="a")
    assert shop.money(code) == "active 80.00"


def test_a_hold_that_ends_by_time_gives_back(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.hold(50_00, cart="a", certificates=(code,), ttl_s=60)
    shop.advance(minutes=2)
    shop.keep_up()

    assert shop.money(code) == "active 80.00"


def test_the_purchase_captures_what_its_hold_reserved(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,))

    bought = shop.buy("P1", 50_00, hold=hold.id, certificates=used((code, 50_00)))

    assert (bought.flags, bought.certificates["paid"]) == ((), 50_00)
    assert bought.points["earned"] == 5_00, "it is a payment: what was paid earns in full"
    assert shop.money(code) == "active 30.00"
    assert shop.certificate(code)["reserved"] == "0.00"


def test_what_the_purchase_does_not_need_is_released(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,))

    shop.buy("P1", 50_00, hold=hold.id, certificates=used((code, 20_00)))

    assert shop.money(code) == "active 60.00"
    assert kinds(shop, code) == ["activate", "reserve", "pay", "release"]


@pytest.mark.parametrize(("paid", "left"), [(50_00, "30.00"), (35_00, "45.00")])
def test_a_purchase_that_says_nothing_of_certificates_has_its_holds(shop: Shop, paid, left):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,))

    shop.buy("P1", paid, hold=hold.id)

    assert shop.money(code) == f"active {left}"


def test_one_that_says_that_nothing_was_paid_with_it_lets_it_go(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,))

    bought = shop.buy("P1", 50_00, hold=hold.id, certificates=used((code, 0)))

    assert (bought.flags, shop.money(code)) == ((), "active 80.00")


def test_an_open_order_keeps_its_reservation_and_a_cancelled_one_gives_it_back(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", certificates=(code,), ttl_s=60)
    order = shop.purchase("P1", 50_00, hold=hold.id, status=PurchaseStatus.OPEN)
    shop.tell(order)
    shop.advance(hours=5)
    shop.keep_up()
    assert shop.certificate(code)["reserved"] == "50.00"

    shop.tell(replace(order, status=PurchaseStatus.CANCELLED, revision=2))
    assert shop.money(code) == "active 80.00"


def test_a_hold_that_would_leave_another_sum_to_pay_is_refused(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.hold(50_00, cart="a", certificates=(code,))

    with pytest.raises(PriceChanged) as refused:
        shop.hold(50_00, cart="b", certificates=(code,), expect_to_pay_minor=0)

    assert refused.value.facts == {"to_pay": "20.00"}
    assert shop.certificate(code)["reserved"] == "50.00"
    agreed = shop.hold(50_00, cart="b", certificates=(code,), expect_to_pay_minor=20_00)
    assert agreed.quote.totals.to_pay_minor == 20_00


def test_a_merge_takes_a_hold_and_its_reservation_along(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    hold = shop.hold(50_00, cart="a", by=BORIS, certificates=(code,))
    shop.merge(BORIS, ANNA)

    bought = shop.buy("P1", 50_00, hold=hold.id)

    assert (bought.flags, shop.money(code)) == ((), "active 30.00")
    assert shop.certificate(code)["reserved"] == "0.00"


def test_a_hold_keeps_its_word_when_the_certificate_is_blocked_or_ends(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.advance(days=29, hours=20)
    hold = shop.hold(50_00, cart="a", certificates=(code,), ttl_s=86_400)
    shop.do(
        lambda c: block_certificate(
            c, shop.programme_id, code, blocked=True, author="owner", now=shop.now
        )
    )
    shop.advance(hours=20)
    shop.keep_up()
    assert shop.certificate(code)["reserved"] == "50.00"

    bought = shop.buy("P1", 50_00, hold=hold.id)

    assert bought.flags == ()
    assert kinds(shop, code) == ["activate", "reserve", "expire", "pay"]


def test_what_is_released_after_the_end_expires_at_once(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.advance(days=29, hours=20)
    hold = shop.hold(50_00, cart="a", certificates=(code,), ttl_s=86_400)
    shop.advance(hours=20)
    shop.release(hold)

    assert shop.money(code) == "expired 0.00"
    assert kinds(shop, code) == ["activate", "reserve", "expire", "release", "expire"]


# --- tills and their facts --------------------------------------------------------------------


def test_a_till_without_a_hold_is_booked_and_what_was_not_there_is_owed(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    assert shop.buy("P1", 60_00, certificates=used((code, 60_00))).flags == ()

    again = shop.buy("P2", 60_00, certificates=used((code, 60_00)))

    assert again.flags == ("certificate_missing",)
    seen = shop.certificate(code)
    assert (seen["state"], seen["balance"], seen["owed"]) == ("spent", "0.00", "40.00")
    shop.bring_back("R1", 60_00, purchase="P1")
    assert shop.money(code) == "active 20.00"
    shop.bring_back("R2", 60_00, purchase="P2")
    assert shop.money(code) == "active 80.00"


def test_what_should_not_have_been_taken_is_flagged(shop: Shop):
    (unsold,) = shop.make_certificates(80_00, loaded=False)
    (shut,) = shop.make_certificates(80_00)
    shop.do(
        lambda c: block_certificate(
            c, shop.programme_id, shut, blocked=True, author="owner", now=shop.now
        )
    )

    assert shop.buy("P1", 50_00, certificates=used((shut, 50_00))).flags == ("certificate_invalid",)
    early = shop.buy("P2", 50_00, certificates=used((unsold, 50_00)))
    assert set(early.flags) == {"certificate_invalid", "certificate_missing"}
    strange = shop.buy("P3", 50_00, certificates=used(("GIFT-1", 50_00)))
    assert strange.flags == ("certificate_unknown",)

    shop.tell(shop.purchase("S1", lines=(sale(unsold, 80_00),)))
    assert shop.money(unsold) == "active 30.00", "a late sale pays what was taken before"


def test_one_that_had_ended_when_the_till_took_it(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.advance(days=40)
    shop.keep_up()

    late = shop.buy("P1", 50_00, certificates=used((code, 50_00)))

    assert late.flags == ("certificate_invalid",)
    assert shop.certificate(code)["owed"] == "0.00", "it is taken of what has expired"


def test_a_purchase_of_before_the_end_that_is_told_after_it_is_good(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    bought_at = shop.now
    shop.advance(days=40)
    shop.keep_up()

    late = shop.buy("P1", 50_00, at=bought_at, certificates=used((code, 50_00)))

    assert late.flags == ()


def test_the_same_report_again_moves_nothing_and_a_revision_moves_the_rest(shop: Shop):
    one, two = shop.make_certificates(80_00, 2)
    first = shop.purchase("P1", 90_00, certificates=used((one, 50_00), (two, 40_00)))
    shop.tell(first)
    before = shop.snapshot()
    shop.tell(first)
    assert shop.snapshot() == before

    shop.tell(replace(first, revision=2, certificates=used((one, 70_00))))
    assert (shop.money(one), shop.money(two)) == ("active 10.00", "active 80.00")
    shop.tell(replace(first, revision=3, status=PurchaseStatus.CANCELLED))
    assert (shop.money(one), shop.money(two)) == ("active 80.00", "active 80.00")


def test_more_than_the_goods_cost_is_booked_and_flagged(shop: Shop):
    (code,) = shop.make_certificates(80_00)

    odd = shop.buy("P1", 50_00, certificates=used((code, 60_00)))

    assert (odd.flags, shop.money(code)) == (("certificate_above_total",), "active 20.00")
    shop.bring_back("R1", 50_00, purchase="P1")
    assert shop.money(code) == "active 80.00"


def test_a_purchase_seen_twice_is_paid_once(shop: Shop):
    """The second report bears the fiscal sign at once, or with a later revision."""
    (code,) = shop.make_certificates(80_00)
    sign = (FiscalSign("1", "2", "3"),)
    said = {"certificates": used((code, 30_00))}
    shop.buy("P1", 50_00, fiscal=sign, **said)

    shop.buy("O1", 50_00, source="key:shop", fiscal=sign, **said)
    assert shop.money(code) == "active 50.00"
    other = shop.purchase("O2", 50_00, **said)
    shop.tell(other, source="key:shop")
    assert shop.money(code) == "active 20.00"
    shop.tell(replace(other, fiscal=sign, revision=2), source="key:shop")
    assert shop.money(code) == "active 50.00"


def test_a_sale_and_its_use_in_one_batch(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    sold = shop.purchase("P1", lines=(sale(code, 80_00),), at=shop.now)
    later = shop.now + timedelta(minutes=1)
    bought = shop.purchase("P2", 30_00, at=later, certificates=used((code, 30_00)))

    told_both = shop.tell(bought, sold)

    assert [one.flags for one in told_both] == [(), ()]
    assert shop.money(code) == "active 50.00"


# --- returns ----------------------------------------------------------------------------------


def test_a_return_gives_each_its_share_and_all_of_it_everything(shop: Shop):
    """100.01 of 300.00: thirds that do not come out even."""
    one, two = shop.make_certificates(100_01, 2)
    uses = used((one, 100_01), (two, 50_00))
    shop.tell(shop.purchase("P1", 100_00, 100_00, 100_00, certificates=uses))

    told_back = []
    for number in ("1", "2", "3"):
        lines = (back(number, 100_00),)
        done = shop.bring_back(f"R{number}", 100_00, purchase="P1", lines=lines)
        told_back.append(done.certificates["given_back"])

    assert sum(told_back) == 150_01
    assert told_back == [50_01, 50_01, 49_99]
    assert (shop.money(one), shop.money(two)) == ("active 100.01", "active 100.01")


def test_a_sum_without_lines_gives_back_by_share(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.buy("P1", 100_00, certificates=used((code, 80_00)))

    shop.bring_back("R1", 25_00, purchase="P1")

    assert shop.money(code) == "active 20.00"


def test_one_that_has_ended_gets_its_money_back_for_the_grace(engine: Engine):
    shop = open_with(engine, give_back_grace_days=14)
    (code,) = shop.make_certificates(80_00)
    shop.buy("P1", 50_00, certificates=used((code, 50_00)))
    shop.advance(days=40)
    shop.keep_up()
    assert shop.money(code) == "expired 0.00"

    shop.bring_back("R1", 50_00, purchase="P1")

    assert shop.money(code) == "active 50.00"
    shop.advance(days=14)
    assert shop.money(code) == "active 50.00"
    shop.advance(days=1)
    shop.keep_up()
    assert shop.money(code) == "expired 0.00"
    assert_books_add_up(shop)


def test_without_grace_it_ends_at_once(engine: Engine):
    shop = open_with(engine, give_back_grace_days=0)
    (code,) = shop.make_certificates(80_00)
    shop.buy("P1", 50_00, certificates=used((code, 50_00)))
    shop.advance(days=40)

    shop.bring_back("R1", 50_00, purchase="P1")

    assert shop.money(code) == "expired 0.00"
    assert kinds(shop, code) == ["activate", "pay", "expire", "give_back", "expire"]
    assert_books_add_up(shop)


def test_one_for_some_goods_gets_back_what_they_bring_back(engine: Engine):
    shop = open_with(engine, gift("tea", categories=["tea"]))
    (code,) = shop.make_certificates(30_00, series="tea")
    lines = (
        line("1", 60_00, categories=("bread",)),
        line("2", 30_00, categories=("tea",)),
    )
    shop.tell(shop.purchase("P1", lines=lines, certificates=used((code, 30_00))))

    shop.bring_back("R1", 60_00, purchase="P1", lines=(back("1", 60_00),))
    assert shop.money(code) == "spent 0.00"
    shop.bring_back("R2", 30_00, purchase="P1", lines=(back("2", 30_00),))
    assert shop.money(code) == "active 30.00"


def test_a_return_that_came_first_and_one_that_vanishes(shop: Shop):
    (code,) = shop.make_certificates(80_00)
    shop.bring_back("R1", 50_00, purchase="P1", lines=(back("1", 50_00),))
    shop.buy("P1", 50_00, 50_00, certificates=used((code, 80_00)))
    assert shop.money(code) == "active 40.00"

    listed = shop.purchase("P2", 40_00, certificates=used((code, 40_00)), refunds=())
    refund = shop.refund("R2", 40_00)
    shop.tell(replace(listed, refunds=(refund,)))
    assert shop.money(code) == "active 40.00"
    shop.tell(replace(listed, revision=2))
    assert shop.money(code) == "spent 0.00"


# --- sale and top-up --------------------------------------------------------------------------


def test_a_sale_line_activates_earns_nothing_and_is_no_turnover(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    assert shop.money(code) == "issued 0.00"

    sold = shop.tell(shop.purchase("P1", lines=(sale(code, 75_00), line("2", 10_00))))[0]

    assert (sold.flags, sold.points["earned"]) == ((), 1_00)
    assert sold.certificates["loaded"] == 80_00, "the nominal, whatever was paid for it"
    assert shop.money(code) == "active 80.00"
    assert [one["qualifying_minor"] for one in shop.kept_purchases()][-1] == 10_00


def test_one_without_a_nominal_has_what_was_paid_for_it_or_what_the_line_says(shop: Shop):
    free, said = shop.make_certificates(size=2, loaded=False)
    lines = (sale(free, 75_00), sale(said, 75_00, nominal=100_00, name="2"))

    shop.tell(shop.purchase("P1", lines=lines))

    assert (shop.money(free), shop.money(said)) == ("active 75.00", "active 100.00")


def test_an_open_order_activates_nothing(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    order = shop.purchase("P1", lines=(sale(code, 80_00),), status=PurchaseStatus.OPEN)
    shop.tell(order)
    assert shop.money(code) == "issued 0.00"

    shop.tell(replace(order, status=PurchaseStatus.PAID, revision=2))
    assert shop.money(code) == "active 80.00"


def test_a_returned_sale_kills_what_is_left_and_tells_what_was_used(shop: Shop):
    used_up, fresh = shop.make_certificates(80_00, 2, loaded=False)
    lines = (sale(used_up, 80_00), sale(fresh, 80_00, name="2"))
    shop.tell(shop.purchase("P1", lines=lines))
    shop.buy("P2", 30_00, certificates=used((used_up, 30_00)))

    clean = shop.bring_back("R1", 80_00, purchase="P1", lines=(back("2", 80_00),))
    late = shop.bring_back("R2", 80_00, purchase="P1", lines=(back("1", 80_00),))

    assert (clean.flags, clean.certificates["taken_back"]) == ((), 80_00)
    assert late.flags == ("certificate_used",)
    assert (shop.money(fresh), shop.money(used_up)) == ("void 0.00", "void 0.00")
    assert shop.certificate(used_up)["owed"] == "30.00"

    shop.bring_back("R3", 30_00, purchase="P2")
    seen = shop.certificate(used_up)
    assert (seen["state"], seen["balance"], seen["owed"]) == ("void", "0.00", "0.00")


def test_what_a_hold_has_reserved_of_a_returned_certificate_is_its_own(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    shop.tell(shop.purchase("P1", lines=(sale(code, 80_00),)))
    hold = shop.hold(50_00, cart="a", certificates=(code,))

    gone = shop.bring_back("R1", 80_00, purchase="P1")
    assert gone.flags == ("certificate_used",)
    seen = shop.certificate(code)
    assert (seen["reserved"], seen["owed"]) == ("50.00", "50.00")

    shop.release(hold)
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"], seen["owed"]) == ("0.00", "0.00", "0.00")


def test_a_cancelled_sale_that_stands_again_is_the_same_certificate(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    sold = shop.purchase("P1", lines=(sale(code, 70_00),))
    shop.tell(sold)
    shop.tell(replace(sold, status=PurchaseStatus.CANCELLED, revision=2))
    assert shop.money(code) == "void 0.00"

    shop.tell(replace(sold, revision=3))
    assert shop.money(code) == "active 80.00"
    assert kinds(shop, code) == ["activate", "void", "activate"]


def test_a_second_sale_tops_up_and_only_its_own_money_goes_with_it(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    shop.tell(shop.purchase("P1", lines=(sale(code, 80_00),)))
    topped = shop.tell(shop.purchase("P2", lines=(sale(code, 20_00),)))[0]
    assert (topped.flags, shop.money(code)) == ((), "active 100.00")

    shop.bring_back("R1", 80_00, purchase="P1")
    assert shop.money(code) == "active 20.00"
    shop.bring_back("R2", 20_00, purchase="P2")
    assert shop.money(code) == "void 0.00"


def test_a_second_sale_of_what_cannot_be_topped_up_is_flagged(engine: Engine):
    shop = open_with(engine, gift(top_up=False))
    (code,) = shop.make_certificates(80_00, loaded=False)
    shop.tell(shop.purchase("P1", lines=(sale(code, 80_00),)))

    twice = shop.tell(shop.purchase("P2", lines=(sale(code, 80_00),)))[0]

    assert twice.flags == ("certificate_sold_before",)
    with pytest.raises(CertificateClosed):
        shop.top_up(code, 10_00, "key")


def test_a_top_up_is_booked_once_and_lets_it_live_longer(shop: Shop):
    (code,) = shop.make_certificates(loaded=False)
    ends = shop.top_up(code, 50_00, "one")["expires_at"]
    shop.advance(days=3)

    again = shop.top_up(code, 50_00, "one")
    assert (again["balance"], again["expires_at"]) == ("50.00", ends)
    more = shop.top_up(code, 25_00, "two")
    assert (more["balance"], more["expires_at"] > ends) == ("75.00", True)
    with pytest.raises(KeyReused):
        shop.top_up(code, 30_00, "two")
    assert kinds(shop, code) == ["activate", "top_up"]


def test_what_has_ended_or_is_blocked_or_void_takes_no_top_up(shop: Shop):
    shut, over = shop.make_certificates(80_00, 2)
    shop.do(
        lambda c: block_certificate(
            c, shop.programme_id, shut, blocked=True, author="owner", now=shop.now
        )
    )
    (gone,) = shop.make_certificates(80_00, loaded=False)
    shop.tell(shop.purchase("P1", lines=(sale(gone, 80_00),)))
    shop.bring_back("R1", 80_00, purchase="P1")
    for code, state in ((shut, "blocked"), (gone, "void")):
        with pytest.raises(CertificateClosed) as refused:
            shop.top_up(code, 10_00, "key")
        assert refused.value.facts == {"state": state}
    shop.advance(days=31)
    with pytest.raises(CertificateClosed) as refused:
        shop.top_up(over, 10_00, "key")
    assert refused.value.facts == {"state": "expired"}


def test_a_sale_line_that_names_no_known_certificate_is_flagged(shop: Shop):
    lines = (sale("GIFT-1", 80_00), line("2", 10_00, kind=ADVANCE))

    sold = shop.tell(shop.purchase("P1", lines=lines))[0]

    assert (sold.flags, sold.points["earned"]) == (("certificate_unknown",), 0)


# --- people, terms and the books --------------------------------------------------------------


def test_terms_are_those_of_the_issue_whatever_the_rules_become(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    shop.publish(rules() | {"certificates": []})

    shop.tell(shop.purchase("P1", lines=(sale(code, 80_00),)))

    assert shop.money(code) == "active 80.00"
    shop.advance(days=31)
    assert shop.money(code) == "expired 0.00"
    with pytest.raises(InvalidInput):
        shop.make_certificates(80_00)


def test_a_merge_takes_them_along_and_an_erasure_leaves_them_to_the_bearer(shop: Shop):
    (code,) = shop.make_certificates(80_00, by=BORIS)
    shop.merge(BORIS, ANNA)
    assert told(shop.quote(50_00, certificates=(code,))) == [("applied", None, 50_00)]

    act = shop.erase(ANNA)

    assert act["certificates"] == 1
    assert told(shop.quote(50_00, by=None, certificates=(code,))) == [("applied", None, 50_00)]


def test_the_books_tell_of_a_wrong_figure_and_the_rebuild_mends_it(engine: Engine):
    shop = open_with(engine)
    (code,) = shop.make_certificates(80_00)
    wrong = update(certificates).where(certificates.c.code == code)
    with write(shop.engine) as connection:
        connection.execute(wrong.values(balance_minor=90_00, loaded_minor=90_00))

    with read(shop.engine) as connection:
        found = verify_ledger(connection, programme_id=shop.programme_id)
    assert [(one.currency, one.code, one.text) for one in found] == [
        ("balance", "certificate_differs_from_moves", "9000 != 8000"),
        ("loaded", "certificate_differs_from_moves", "9000 != 8000"),
    ]
    assert code not in str(found)
    assert shop.rebuild() == 1
    assert_books_add_up(shop)


@pytest.mark.parametrize("how", ["another's", "erased"])
def test_what_a_sale_was_paid_with_stays_so_when_its_buyer_changes(engine: Engine, how: str):
    """The hold that reserved it is out of reach then; the money is in the shop's till."""
    shop = open_with(engine)
    (code,) = shop.make_certificates(50_00)
    shop.buy("P0", 500_00)
    shop.hold(100_00, cart="c", certificates=(code,))
    shop.buy("P1", 100_00, cart="c")
    assert shop.money(code) == "spent 0.00"

    if how == "erased":
        shop.erase()
        shop.buy("P1", 90_00, cart="c", revision=2, by=None)
    else:
        shop.buy("P1", 100_00, cart="c", revision=2, by=BORIS)

    assert shop.money(code) == "spent 0.00"
    assert_books_add_up(shop)
