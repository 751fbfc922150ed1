"""`ledger.md` 22 to 24: which purchase a refund belongs to, and purchases seen twice."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from loyalty_core.service.upkeep import list_lost_refunds
from loyalty_kit.events import Customer, FiscalSign, PurchaseStatus, RefundLine
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import back, line

SHOP_A, SHOP_B, TILL = "installation:1", "installation:2", "key:till"
SIGN = FiscalSign("9960440300000001", "1042", "2890456789")
SIGN_2 = FiscalSign("9960440300000001", "1043", "2890456790")


# --- 22: refunds that wait ------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [{"purchase": "P1"}, {"order": "1042"}, {"fiscal": SIGN}],
    ids=["id", "order", "fiscal"],
)
def test_ledger_22_a_refund_waits_for_its_purchase(shop: Shop, named: dict):
    receipt = shop.bring_back("R1", 40_00, **named)
    assert (receipt.status, receipt.created) == ("waiting", True)
    assert receipt.points == {"earned": 0, "spent": 0, "clawed_back": 0, "given_back": 0}

    shop.buy("P1", 100_00, order="1042", fiscal=(SIGN,))
    assert shop.figures() == Figures(available=6_00)
    again = shop.bring_back("R1", 40_00, **named)
    assert (again.id, again.status, again.created) == (receipt.id, "booked", False)


def test_ledger_22_after_seven_days_it_goes_to_a_persons_list(shop: Shop):
    shop.bring_back("R1", 40_00, purchase="never")

    def look() -> str:
        shop.do(lambda connection: list_lost_refunds(connection, shop.plans, now=shop.now))
        return shop.kept_refunds()[0]["state"]

    shop.advance(days=7)
    assert look() == "waiting"
    shop.advance(seconds=1)
    assert look() == "listed"


def test_ledger_22_a_listed_refund_still_books_when_its_purchase_comes(shop: Shop):
    shop.bring_back("R1", 40_00, purchase="P1")
    shop.advance(days=8)
    shop.do(lambda connection: list_lost_refunds(connection, shop.plans, now=shop.now))
    shop.buy("P1", 100_00)

    assert shop.figures() == Figures(available=6_00)


# --- 22: an order number alone ----------------------------------------------------------------


def goods(*parts: tuple[str | None, int]) -> tuple[RefundLine, ...]:
    return tuple(RefundLine(None, paid_back, 1000, sku=sku) for sku, paid_back in parts)


def test_ledger_22_what_was_bought_online_comes_back_at_a_till_by_its_order_number(shop: Shop):
    shop.buy("W1", lines=(line("1", 100_00, sku="TEA"),), order="1042", source=SHOP_A)
    receipt = shop.bring_back("R", 100_00, order="1042", lines=goods(("TEA", 100_00)), source=TILL)

    assert receipt.status == "booked"
    assert shop.figures() == Figures()


@pytest.mark.parametrize(
    ("amount", "lines"),
    [
        pytest.param(100_00, goods(("CUP", 100_00)), id="other goods"),
        pytest.param(100_00, goods(("TEA", 60_00), ("CUP", 40_00)), id="other goods beside"),
        pytest.param(60_00, goods(("TEA", 30_00), ("TEA", 30_00)), id="more pieces"),
        pytest.param(100_01, goods((None, 100_01)), id="more money"),
        pytest.param(100_01, (), id="more money without lines"),
    ],
)
@pytest.mark.parametrize("refund_first", [False, True])
def test_ledger_22_an_order_of_that_number_elsewhere_with_other_goods_or_less_money_is_a_strangers(
    shop: Shop, amount: int, lines: tuple[RefundLine, ...], refund_first: bool
):
    def bought() -> None:
        shop.buy("W1", lines=(line("1", 100_00, sku="TEA"),), order="1042", source=SHOP_A)

    if not refund_first:
        bought()
    receipt = shop.bring_back("R", amount, order="1042", lines=lines, source=TILL)
    if refund_first:
        bought()

    assert receipt.status == "waiting"
    assert shop.kept_refunds()[0]["state"] == "waiting"
    assert shop.figures() == Figures(available=10_00)


def test_ledger_22_of_two_orders_of_a_number_elsewhere_it_is_the_one_that_has_the_goods(shop: Shop):
    shop.buy("A", lines=(line("1", 100_00, sku="TEA"),), order="1042", source=SHOP_A)
    shop.buy("B", lines=(line("1", 100_00, sku="CUP"),), order="1042", by=BORIS, source=SHOP_B)
    shop.bring_back("R1", 100_00, order="1042", lines=goods(("CUP", 100_00)), source=TILL)
    assert (shop.figures(), shop.figures(BORIS)) == (Figures(available=10_00), Figures())


def test_ledger_22_where_two_elsewhere_may_be_meant_it_waits(shop: Shop):
    shop.buy("A", 100_00, order="1042", source=SHOP_A)
    shop.buy("B", 100_00, order="1042", by=BORIS, source=SHOP_B)

    assert shop.bring_back("R", 50_00, order="1042", source=TILL).status == "waiting"
    assert (shop.figures(), shop.figures(BORIS)) == (Figures(10_00), Figures(10_00))


def test_ledger_22_numbers_that_a_shop_began_anew_are_of_the_newest_with_the_goods(shop: Shop):
    """Anna's is of last year, and has the goods of the first return too."""
    shop.buy("2025-7", lines=(line("1", 50_00, sku="TEA"),), order="7", at=NOW - 300 * DAY)
    new = {"order": "7", "by": BORIS}
    shop.buy("2026-7", lines=(line("1", 50_00, sku="TEA"),), at=NOW - 2 * DAY, **new)
    shop.buy("2026-7b", lines=(line("1", 50_00, sku="CUP"),), at=NOW - DAY, **new)
    shop.bring_back("R1", 50_00, order="7", lines=goods(("TEA", 50_00)))
    assert shop.free(BORIS) == [0, 5_00]

    shop.bring_back("R2", 20_00, order="7")
    assert shop.free(BORIS) == [0, 3_00]
    assert shop.figures() == Figures(available=5_00)


def test_ledger_22_one_that_names_its_purchase_is_of_no_other_order_of_that_number(shop: Shop):
    """A shop that began its numbers anew: last year's buyer gave nothing back."""
    shop.buy("2025-7", 100_00, by=BORIS, order="7")
    told = shop.bring_back("R", 100_00, purchase="2026-7", order="7")
    assert (told.status, shop.figures(BORIS)) == ("waiting", Figures(available=10_00))

    shop.buy("2026-7", 100_00, order="7")
    assert (shop.figures(), shop.figures(BORIS)) == (Figures(), Figures(available=10_00))


def no_reference(shop: Shop, external_id: str, paid_back: int, sku: str = "SKU-1"):
    return shop.bring_back(
        external_id,
        paid_back,
        customer=Customer(phone=ANNA),
        lines=(RefundLine(None, paid_back, 1000, sku=sku),),
    )


def test_ledger_22_without_a_reference_member_goods_and_sum_find_it(shop: Shop):
    shop.buy("P1", 100_00, at=NOW - 29 * DAY)
    shop.buy("P2", 70_00, at=NOW - 2 * DAY)
    shop.buy("P3", 100_00, by=BORIS)
    assert no_reference(shop, "R1", 100_00).status == "booked"

    assert shop.free(ANNA) == [0, 7_00]
    assert shop.figures(BORIS) == Figures(available=10_00)


@pytest.mark.parametrize(
    ("paid_back", "sku", "ago"),
    [
        pytest.param(100_00, "SKU-1", 31, id="outside the return window"),
        pytest.param(100_01, "SKU-1", 2, id="more than it cost"),
        pytest.param(100_00, "SKU-9", 2, id="other goods"),
    ],
)
def test_ledger_22_without_a_match_nothing_moves_and_it_is_listed(
    shop: Shop, paid_back: int, sku: str, ago: int
):
    shop.buy("P1", 100_00, at=NOW - ago * DAY)
    receipt = no_reference(shop, "R1", paid_back, sku)

    assert receipt.flags == ("no_match",)
    assert shop.kept_refunds()[0]["state"] == "listed"
    assert shop.figures() == Figures(available=10_00)


def test_ledger_22_the_same_goods_cannot_be_matched_twice(shop: Shop):
    shop.buy("P1", 100_00)
    assert no_reference(shop, "R1", 100_00).status == "booked"
    assert no_reference(shop, "R2", 100_00).flags == ("no_match",)


def test_ledger_22_a_refund_without_a_name_is_of_a_purchase_with_all_of_its_goods(shop: Shop):
    """The newer purchase has each of its parts, but not both."""
    shop.buy("P1", lines=(line("1", 200_00, sku="A", pieces=2),), at=NOW - 2 * DAY)
    shop.buy("P2", lines=(line("1", 100_00, sku="A"),), at=NOW - DAY)
    parts = (RefundLine(None, 100_00, 1000, sku="A"),) * 2
    receipt = shop.bring_back("R", 200_00, customer=Customer(phone=ANNA), lines=parts)

    assert (shop.figures(), receipt.flags) == (Figures(available=10_00), ())


def test_ledger_22_a_refund_without_a_name_finds_an_article_of_two_lines(shop: Shop):
    shop.buy("P1", lines=(line("1", 100_00, sku="A"), line("2", 100_00, sku="A")), at=NOW - DAY)
    parts = (RefundLine(None, 200_00, 2000, sku="A"),)
    receipt = shop.bring_back("R", 200_00, customer=Customer(phone=ANNA), lines=parts)

    assert (receipt.status, shop.figures()) == ("booked", Figures())


BY_NAME = pytest.mark.parametrize(
    ("told", "named"),
    [
        pytest.param({"order": "1042"}, {"order": "1042"}, id="order"),
        pytest.param({"fiscal": (SIGN,)}, {"fiscal": SIGN}, id="fiscal"),
    ],
)


@BY_NAME
def test_ledger_22_a_name_that_a_revision_leaves_out_still_names_its_purchase(
    shop: Shop, told: dict, named: dict
):
    shop.buy("P1", 100_00, **told)
    shop.buy("P1", 90_00, revision=2)
    shop.buy("P1", 80_00, revision=3)

    assert shop.bring_back("R1", 40_00, **named).status == "booked"
    assert shop.figures() == Figures(available=4_00)


def test_ledger_22_the_sign_of_before_still_names_a_purchase_with_a_newer_one(shop: Shop):
    shop.buy("P1", 100_00, fiscal=(SIGN,))
    shop.buy("P1", 90_00, fiscal=(SIGN_2,), revision=2)

    assert shop.bring_back("R1", 40_00, fiscal=SIGN).status == "booked"
    assert shop.bring_back("R2", 20_00, fiscal=SIGN_2).status == "booked"
    assert shop.figures() == Figures(available=3_00)


@BY_NAME
def test_ledger_22_a_refund_waits_for_the_revision_that_brings_its_name(
    shop: Shop, told: dict, named: dict
):
    shop.buy("P1", 100_00)
    assert shop.bring_back("R1", 40_00, **named).status == "waiting"
    shop.buy("P1", 100_00, revision=2, **told)

    assert shop.figures() == Figures(available=6_00)


# --- 23: an exchange ------------------------------------------------------------------------


def test_ledger_23_an_exchange_is_a_purchase_and_a_refund(shop: Shop):
    """The goods that come back give points back before the new ones are paid with them."""
    shop.buy("earlier", 40_00, at=NOW - 2 * DAY)
    shop.buy("old", 30_00, spent=4_00, at=NOW - DAY)
    receipts = shop.tell(
        shop.purchase("exchange", 50_00, spent=4_00),
        shop.refund("exchange", 26_00, purchase="old"),
    )

    assert receipts[0].points["spent"] == 4_00
    assert receipts[0].flags == ("spend_without_hold",)
    assert receipts[1].points == {"earned": 0, "spent": 0, "clawed_back": 2_60, "given_back": 4_00}
    assert shop.figures() == Figures(available=4_60)


# --- 24: one purchase seen twice ------------------------------------------------------------


def test_ledger_24_fiscal_signs_link(shop: Shop):
    shop.buy("till-1", 100_00, fiscal=(SIGN,), source=SHOP_A)
    second = shop.buy("cloud-1", 100_00, fiscal=(SIGN_2, SIGN), source=SHOP_B)

    assert "linked" in second.flags
    assert second.points["earned"] == 0
    assert shop.figures() == Figures(available=10_00)


def test_ledger_24_any_of_several_signs_links_in_one_batch_too(shop: Shop):
    first = shop.purchase("till-1", 100_00, fiscal=(SIGN, SIGN_2))
    second = shop.purchase("cloud-1", 100_00, fiscal=(SIGN_2,))
    shop.tell(first, second)

    assert shop.figures() == Figures(available=10_00)


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(FiscalSign("0", "0", "0"), id="noughts"),
        pytest.param(FiscalSign("-", "-", "-"), id="dashes"),
        pytest.param(FiscalSign("9960440300000001", "1042", "0000000000"), id="no sign"),
        pytest.param(FiscalSign("null", "1042", "2890456789"), id="no drive"),
    ],
)
def test_ledger_24_what_stands_where_a_sign_would_links_nothing(shop: Shop, sign: FiscalSign):
    """A till that has no fiscal drive fills it in alike on all of its receipts."""
    shop.buy("P1", 100_00, fiscal=(sign,))
    second = shop.buy("P2", 50_00, by=BORIS, fiscal=(sign, SIGN))
    assert (second.points["earned"], second.flags) == (5_00, ())

    assert shop.bring_back("R1", 50_00, fiscal=sign).flags == ("no_match",)
    shop.bring_back("R2", 50_00, fiscal=SIGN)
    assert (shop.figures(), shop.figures(BORIS)) == (Figures(available=10_00), Figures())


def test_ledger_24_refunds_link_and_share_one_cap_per_line(shop: Shop):
    shop.buy("till-1", 60_00, 40_00, fiscal=(SIGN,), source=SHOP_A)
    shop.buy("cloud-1", 60_00, 40_00, fiscal=(SIGN,), source=SHOP_B)
    shop.bring_back("R-till", 60_00, purchase="till-1", lines=(back("1", 60_00),), source=SHOP_A)
    assert shop.figures() == Figures(available=4_00)

    seen_again = shop.bring_back(
        "R-cloud", 60_00, purchase="cloud-1", lines=(back("1", 60_00),), source=SHOP_B
    )
    assert seen_again.points["clawed_back"] == 0
    assert shop.figures() == Figures(available=4_00)


def test_ledger_24_order_numbers_alone_do_not_link(shop: Shop):
    """Only those of installations that the owner declared linked would."""
    shop.buy("A-1", 100_00, order="1042", source=SHOP_A)
    shop.buy("B-1", 100_00, order="1042", source=SHOP_B)

    assert shop.figures() == Figures(available=20_00)


def test_ledger_24_a_revision_of_the_twin_moves_nothing(shop: Shop):
    shop.buy("till-1", 100_00, fiscal=(SIGN,), source=SHOP_A)
    shop.buy("cloud-1", 100_00, fiscal=(SIGN,), source=SHOP_B)
    shop.buy("cloud-1", 90_00, fiscal=(SIGN,), source=SHOP_B, revision=2)

    assert shop.figures() == Figures(available=10_00)


def test_ledger_24_a_revision_that_brings_the_sign_links_then(engine: Engine):
    """The cloud tells the receipt before it has its fiscal sign."""
    shop = open_programme(engine, rules())
    shop.buy("till-1", 100_00, fiscal=(SIGN,), source=SHOP_A)
    shop.buy("cloud-1", 100_00, source=SHOP_B, status=PurchaseStatus.OPEN)
    shop.buy("cloud-1", 100_00, fiscal=(SIGN,), source=SHOP_B, revision=2)

    assert shop.figures() == Figures(available=10_00)
