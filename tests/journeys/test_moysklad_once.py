"""One sale is booked once, whatever kinds of documents tell of it, and whatever they leave out.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_documents import A_CUP, ORDER, SHIPMENT, TWO_TEAS, position
from tests.journeys.test_moysklad_till import BASKET, RETURN, SALE
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import CUP, TEA, MoySkladStage

NORTH = "5c1f0a52-0d1e-11ef-0a80-0b6300002222"
EMPTY = {"meta": {"href": "", "id": ""}}


def link(stage: MoySkladStage, kind: str, number: str) -> Json:
    return {"meta": {"href": stage.account.href(kind, number), "type": kind}}


def told(stage: MoySkladStage, kind: str, number: str, **more: Any) -> None:
    stage.saves(kind, number, TWO_TEAS, A_CUP, sum=180000.0, **more)
    stage.hears(kind, number)
    stage.work()


def status(stage: MoySkladStage, number: str) -> str | None:
    found = stage.purchase(number)
    return None if found is None else found["status"]


def test_an_order_that_is_sold_at_the_till_counts_as_the_sale(open_moysklad_embedded: OpenMoySklad):
    """Either may be heard of first, and the order goes on being changed afterwards."""
    stage = open_moysklad_embedded(sales="retaildemand,customerorder")
    for first, (order, sale) in {
        "order": (ORDER, SALE),
        "sale": (f"{ORDER[:-2]}52", f"{SALE[:-3]}188"),
    }.items():
        by_order = {"customerOrder": link(stage, "customerorder", order)}
        if first == "order":
            told(stage, "customerorder", order, payedSum=180000.0)
            assert stage.balance() == "90.00"
        told(stage, "retaildemand", sale, **by_order)
        for more in range(2):
            told(stage, "customerorder", order, payedSum=180000.0, description=f"{more}")
            told(stage, "retaildemand", sale, moment=f"2026-03-14 18:4{more}:00.000", **by_order)
        assert (status(stage, order), status(stage, sale)) == ("cancelled", "paid")
    assert stage.balance() == "180.00"
    assert set(stage.states()) == {"done"}


@pytest.mark.parametrize("how", ["bin", "for ever", "unposted", "emptied", "let go", "of another"])
def test_an_order_counts_again_once_its_sale_is_no_more(
    open_moysklad_embedded: OpenMoySklad, how: str
):
    """In whatever order it is heard of, and however often."""
    stage = open_moysklad_embedded(sales="retaildemand,customerorder")
    heard = [("retaildemand", 0), ("customerorder", 0), ("retaildemand", 1)]
    for number, story in enumerate([*permutations(heard), heard * 2, heard[::-1] * 2]):
        order, sale = f"{ORDER[:-3]}1{number:02}", f"{SALE[:-3]}1{number:02}"
        by_order = {"customerOrder": link(stage, "customerorder", order)}
        stage.saves("customerorder", order, TWO_TEAS, A_CUP, sum=180000.0, payedSum=180000.0)
        stage.saves("retaildemand", sale, TWO_TEAS, A_CUP, sum=180000.0, **by_order)
        is_over = False
        for kind, after in story:
            if after and not is_over:
                ended(stage, how, sale, by_order)
                is_over = True
            stage.hears(kind, order if kind == "customerorder" else sale)
            stage.work()
        # 90 points for 1800.00, once; a sale that has let its order go is a sale of its own.
        earned = 180 if how in ("let go", "of another") else 90
        assert stage.balance() == f"{earned * (number + 1)}.00", story
        assert status(stage, order) == "paid", story
    assert set(stage.states()) == {"done"}


def ended(stage: MoySkladStage, how: str, sale: str, by_order: Json) -> None:
    if how == "bin":
        stage.account.bin("retaildemand", sale)
    elif how == "for ever":
        stage.account.delete_for_ever("retaildemand", sale)
    elif how == "unposted":
        stage.saves("retaildemand", sale, TWO_TEAS, A_CUP, applicable=False, **by_order)
    elif how == "emptied":
        stage.saves("retaildemand", sale, sum=0.0, **by_order)
    elif how == "let go":
        stage.saves("retaildemand", sale, TWO_TEAS, A_CUP, sum=180000.0)
    else:
        other = {"customerOrder": link(stage, "customerorder", f"{ORDER[:-3]}999")}
        stage.saves("retaildemand", sale, TWO_TEAS, A_CUP, sum=180000.0, **other)


def test_an_order_that_two_sales_have_named_counts_for_neither(
    open_moysklad_embedded: OpenMoySklad,
):
    stage = open_moysklad_embedded(sales="retaildemand,customerorder")
    by_order = {"customerOrder": link(stage, "customerorder", ORDER)}
    second = f"{SALE[:-3]}188"
    told(stage, "customerorder", ORDER, payedSum=180000.0)
    told(stage, "retaildemand", SALE, **by_order)
    told(stage, "retaildemand", second, **by_order)
    assert (status(stage, ORDER), stage.balance()) == ("cancelled", "180.00")

    stage.account.bin("retaildemand", SALE)
    stage.hears("retaildemand", SALE, "DELETE")
    stage.work()
    assert (status(stage, ORDER), stage.balance()) == ("cancelled", "90.00")

    # What the buyer brought back had been sold: the order stays fulfilled.
    stage.saves(
        "retailsalesreturn", RETURN, TWO_TEAS, A_CUP, sum=180000.0,
        demand=link(stage, "retaildemand", second),
    )  # fmt: skip
    stage.hears("retailsalesreturn", RETURN)
    told(stage, "customerorder", ORDER, payedSum=180000.0, description="seen again")
    assert (status(stage, ORDER), stage.balance()) == ("cancelled", "0.00")

    stage.account.bin("retaildemand", second)
    stage.hears("retaildemand", second, "DELETE")
    stage.work()
    assert (status(stage, ORDER), stage.balance()) == ("paid", "90.00")


def test_a_sale_goes_on_when_orders_are_left_out(open_moysklad_embedded: OpenMoySklad):
    stage = open_moysklad_embedded(sales="retaildemand,customerorder")
    by_order = {"customerOrder": link(stage, "customerorder", ORDER)}
    told(stage, "customerorder", ORDER, payedSum=180000.0)
    told(stage, "retaildemand", SALE, **by_order)

    stage.set(sales="retaildemand")
    stage.saves("retaildemand", SALE, A_CUP, sum=42000.0, **by_order)
    stage.hears("retaildemand", SALE)
    stage.work()
    assert (stage.balance(), stage.states()[-1]) == ("21.00", "done")


def test_a_shipment_that_gets_its_order_later_counts_no_more(open_moysklad_embedded: OpenMoySklad):
    stage = open_moysklad_embedded(sales="demand,customerorder")
    told(stage, "customerorder", ORDER, payedSum=180000.0)
    told(stage, "demand", SHIPMENT)
    assert stage.balance() == "180.00"

    of_order = {"customerOrder": link(stage, "customerorder", ORDER)}
    told(stage, "demand", SHIPMENT, **of_order)
    assert (status(stage, SHIPMENT), status(stage, ORDER)) == ("cancelled", "paid")
    assert stage.balance() == "90.00"

    # What comes back of the shipment comes back of the order.
    stage.saves("salesreturn", RETURN, A_CUP, sum=42000.0, demand=link(stage, "demand", SHIPMENT))
    stage.hears("salesreturn", RETURN)
    stage.work()
    assert stage.points(ORDER) == ("90.00", "0.00", "21.00", "0.00")


def test_what_comes_back_of_a_shipment_is_taken_from_its_order_where_shipments_do_not_count(
    open_moysklad_embedded: OpenMoySklad,
):
    stage = open_moysklad_embedded(sales="retaildemand,customerorder")
    told(stage, "customerorder", ORDER, payedSum=180000.0)
    alone = f"{SHIPMENT[:-2]}62"
    of_order = {"customerOrder": link(stage, "customerorder", ORDER)}
    stage.saves("demand", SHIPMENT, TWO_TEAS, A_CUP, sum=180000.0, **of_order)
    stage.saves("demand", alone, A_CUP, sum=42000.0)
    for number, shipment in ((RETURN, SHIPMENT), (f"{RETURN[:-2]}13", alone)):
        back = {"demand": link(stage, "demand", shipment)}
        stage.saves("salesreturn", number, A_CUP, sum=42000.0, **back)
        stage.hears("salesreturn", number, "CREATE")
        stage.work()

    assert stage.points(ORDER) == ("90.00", "0.00", "21.00", "0.00")
    assert stage.refunds() == {RETURN: "booked"}
    assert stage.states()[-2:] == ["done", "dropped"]

    stage.account.bin("salesreturn", RETURN)
    stage.hears("salesreturn", RETURN, "DELETE")
    stage.work()
    assert stage.points(ORDER) == ("90.00", "0.00", "0.00", "0.00")


def test_a_hint_of_the_wrong_kind_cancels_nothing(moysklad: MoySkladStage):
    told(moysklad, "retaildemand", SALE)
    for _ in range(4):
        for kind in ("demand", "customerorder", "salesreturn", "retailsalesreturn"):
            moysklad.hears(kind, SALE, "DELETE")
        moysklad.work_after(seconds=1)

    assert (status(moysklad, SALE), moysklad.balance()) == ("paid", "90.00")
    # Gone altogether it is gone, by whatever kind that is told.
    moysklad.account.delete_for_ever("retaildemand", SALE)
    moysklad.hears("retaildemand", SALE, "DELETE")
    moysklad.work()
    assert (status(moysklad, SALE), moysklad.balance()) == ("cancelled", "0.00")


def test_a_sale_whose_id_the_till_left_empty_waits_for_its_document(moysklad: MoySkladStage):
    moysklad.earns(500)
    cart = moysklad.recalc(*BASKET, wish=270)
    moysklad.posts("retaildemand", {**moysklad.sale(SALE, cart), **EMPTY})
    moysklad.work()
    assert (moysklad.purchase(SALE), moysklad.states()[-1]) == (None, "due")

    lowered = (position(TEA, 2, 69000.0, 15.0), position(CUP, 1, 42000.0, 15.0))
    north = {"retailStore": link(moysklad, "retailstore", NORTH)}
    other = f"{SALE[:-3]}188"
    moysklad.saves("retaildemand", other, TWO_TEAS, name="00187", sum=138000.0, **north)
    moysklad.saves("retaildemand", SALE, *lowered, name="00187", sum=153000.0)
    moysklad.hears("retaildemand", SALE)
    moysklad.work_after(minutes=10)

    assert moysklad.points(SALE) == ("76.00", "270.00", "0.00", "0.00")
    # Of the other sale with this number, which polling found, come 69 points more.
    assert moysklad.balance() == "375.00"
    assert moysklad.states()[-2:] == ["done", "done"]


def test_a_return_whose_id_the_till_left_empty_counts_once(moysklad: MoySkladStage):
    cart = moysklad.recalc(*BASKET)
    moysklad.sells(SALE, cart)
    back = {**moysklad.return_of(RETURN, SALE, cart["positions"][1]), **EMPTY}
    moysklad.posts("retailsalesreturn", back)
    moysklad.saves(
        "retailsalesreturn", RETURN, A_CUP, name="00012", sum=42000.0,
        moment="2026-03-14 18:43:00.000", demand=link(moysklad, "retaildemand", SALE),
    )  # fmt: skip
    moysklad.hears("retailsalesreturn", RETURN)
    moysklad.work()

    assert moysklad.points(SALE) == ("90.00", "0.00", "21.00", "0.00")
    assert moysklad.refunds() == {RETURN: "booked"}
