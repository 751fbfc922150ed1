"""MoySklad's documents: webhooks that hint, polling that finds, and the till's own word beside.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import EVERYWHERE, OpenMoySklad
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import (
    ANNA,
    CUP,
    HOOK,
    STORE,
    TEA,
    Goods,
    MoySkladStage,
    ref,
)

SALE = "77770000-1fb1-11f1-0a80-0b6300000187"
RETURN = "88880000-2101-11f1-0a80-0b6300000012"
SHIPMENT = "66660000-1fb1-11f1-0a80-0b6300000061"
ORDER = "99990000-1fb1-11f1-0a80-0b6300000051"
BASKET = (Goods(TEA, 2, 690.00), Goods(CUP, 1, 420.00))
CHEQUE = {"fnNumber": "9900440300000001", "fiscalDocNumber": "1187", "fiscalDocSign": "1111111"}


def position(article: str, quantity: float, kopecks: float, discount: float = 0) -> Json:
    return {
        "assortment": ref("product", article),
        "quantity": quantity,
        "price": kopecks,
        "discount": discount,
    }


TWO_TEAS = position(TEA, 2, 69000.0)
A_CUP = position(CUP, 1, 42000.0)


@pytest.mark.parametrize("open_moysklad", EVERYWHERE, indirect=True)
def test_a_sale_by_webhook_then_its_return_then_points(open_moysklad: OpenMoySklad):
    stage = open_moysklad()
    stage.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0, cheque=CHEQUE)
    assert stage.hears("retaildemand", SALE, "CREATE").status_code == 200
    stage.work()
    assert stage.points(SALE) == ("90.00", "0.00", "0.00", "0.00")
    assert stage.balance() == "90.00"

    # A cup comes back: of the 90 points it earned 21.
    back = {"meta": {"href": stage.account.href("retaildemand", SALE)}}
    stage.saves("retailsalesreturn", RETURN, A_CUP, sum=42000.0, demand=back)
    stage.hears("retailsalesreturn", RETURN, "CREATE")
    stage.work()
    assert stage.points(SALE) == ("90.00", "0.00", "21.00", "0.00")

    # The return was a mistake.
    stage.account.bin("retailsalesreturn", RETURN)
    stage.hears("retailsalesreturn", RETURN, "DELETE")
    stage.work()
    assert stage.balance() == "90.00"
    assert stage.states() == ["done"] * 3


def test_polling_alone_finds_what_no_webhook_told(account: MoySkladStage):
    account.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0)
    account.work_after(minutes=11)
    assert account.balance() == "90.00"

    account.account.bin("retaildemand", SALE)
    account.work_after(minutes=11)
    found = account.purchase(SALE)
    assert found is not None
    assert (found["status"], account.balance()) == ("cancelled", "0.00")
    assert account.deliveries() == []


def test_a_sale_that_was_deleted_for_ever_is_missed_within_a_day(account: MoySkladStage):
    account.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0)
    account.hears("retaildemand", SALE)
    account.work()

    account.account.delete_for_ever("retaildemand", SALE)
    account.work_after(days=1, minutes=1)

    assert account.balance() == "0.00"


def test_a_sale_that_is_edited_is_booked_by_difference(account: MoySkladStage):
    account.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0, applicable=False)
    account.hears("retaildemand", SALE)
    account.work()
    found = account.purchase(SALE)
    assert found is not None
    assert found["status"] == "open"

    for positions, total, balance in (
        ((TWO_TEAS, A_CUP), 180000.0, "90.00"),
        ((TWO_TEAS,), 138000.0, "69.00"),
        ((A_CUP, TWO_TEAS), 180000.0, "90.00"),
    ):
        account.saves("retaildemand", SALE, *positions, sum=total)
        account.hears("retaildemand", SALE)
        account.work()
        assert account.balance() == balance


@pytest.mark.parametrize("first", ["till", "document"])
def test_the_till_s_own_word_and_the_document_are_one_sale_in_either_order(
    account: MoySkladStage, first: str
):
    account.earns(500)
    cart = account.recalc(*BASKET, wish=270)

    def document(**more: Any) -> None:
        lowered = (position(TEA, 2, 69000.0, 15.0), position(CUP, 1, 42000.0, 15.0))
        account.saves("retaildemand", SALE, *lowered, sum=153000.0, cheque=CHEQUE, **more)
        account.hears("retaildemand", SALE)
        account.work()

    if first == "document":
        document()
        # The document does not know of points: so far it is a discount.
        assert account.points(SALE)[:2] == ("76.00", "0.00")
    account.sells(SALE, cart)
    account.work()
    document()
    document(moment="2026-03-14 18:41:00.000")

    found = account.purchase(SALE)
    assert found is not None
    assert account.points(SALE) == ("76.00", "270.00", "0.00", "0.00")
    assert (found["totals"]["spend"], found["totals"]["paid"]) == ("270.00", "1530.00")
    assert found["flags"] == []
    assert (account.balance(), account.held()) == ("306.00", "0.00")


def test_a_return_by_the_till_and_its_document_count_once(account: MoySkladStage):
    cart = account.recalc(*BASKET)
    account.sells(SALE, cart)
    account.posts("retailsalesreturn", account.return_of(RETURN, SALE, cart["positions"][1]))
    back = {"meta": {"href": account.account.href("retaildemand", SALE)}}
    account.saves("retailsalesreturn", RETURN, A_CUP, sum=42000.0, demand=back)
    account.hears("retailsalesreturn", RETURN)
    account.work()

    assert account.points(SALE) == ("90.00", "0.00", "21.00", "0.00")


def test_shipments_count_and_orders_where_the_owner_said_so(open_moysklad: OpenMoySklad):
    stage = open_moysklad(sales="customerorder", paid_states="Выдан, Доставлен")
    state = {"id": CUP, "name": "Новый"}
    stage.account.put("state", state)
    link = {"state": {"meta": {"href": stage.account.href("state", CUP)}}}
    stage.saves("customerorder", ORDER, TWO_TEAS, sum=138000.0, payedSum=138000.0, **link)
    stage.saves("demand", SHIPMENT, TWO_TEAS, sum=138000.0)
    stage.hears("customerorder", ORDER)
    stage.hears("demand", SHIPMENT)
    stage.work()
    found = stage.purchase(ORDER)
    assert found is not None
    assert found["status"] == "open"
    assert stage.purchase(SHIPMENT) is None
    assert stage.states() == ["done", "dropped"]

    stage.account.put("state", state, name="Выдан")
    stage.saves("customerorder", ORDER, TWO_TEAS, sum=138000.0, payedSum=138000.0, **link)
    stage.hears("customerorder", ORDER)
    stage.work()
    assert stage.balance() == "69.00"


def test_an_order_is_edited_cancelled_and_comes_back(open_moysklad_embedded: OpenMoySklad):
    stage = open_moysklad_embedded(sales="customerorder")
    for positions, paid, balance in (
        ((TWO_TEAS,), 138000.0, "69.00"),
        ((TWO_TEAS, A_CUP), 138000.0, "0.00"),  # not wholly paid any more
        ((TWO_TEAS, A_CUP), 180000.0, "90.00"),
    ):
        total = sum(one["quantity"] * one["price"] for one in positions)
        stage.saves("customerorder", ORDER, *positions, sum=total, payedSum=paid)
        stage.hears("customerorder", ORDER)
        stage.work()
        assert stage.balance() == balance

    stage.account.bin("customerorder", ORDER)
    stage.hears("customerorder", ORDER, "DELETE")
    stage.work()
    found = stage.purchase(ORDER)
    assert found is not None
    assert (found["status"], stage.balance()) == ("cancelled", "0.00")
    # Taken out of the bin again.
    stage.account.delete_for_ever("customerorder", ORDER)
    stage.saves("customerorder", ORDER, TWO_TEAS, sum=138000.0, payedSum=138000.0)
    stage.hears("customerorder", ORDER)
    stage.work()
    assert stage.balance() == "69.00"


def test_retail_points_are_shops_and_technical_buyers_are_nobody(open_moysklad: OpenMoySklad):
    stage = open_moysklad(anonymous=f"{CUP}, {ANNA}")
    stage.saves("retaildemand", SALE, TWO_TEAS, sum=138000.0)
    stage.hears("retaildemand", SALE)
    stage.work()

    found = stage.purchase(SALE)
    assert found is not None
    assert (found["points"]["earned"], found["totals"]["paid"]) == ("0.00", "1380.00")


def test_an_unknown_shop_waits_for_the_owner(open_moysklad: OpenMoySklad):
    stage = open_moysklad(shops=f"{STORE}=north")
    stage.saves("retaildemand", SALE, TWO_TEAS, sum=138000.0)
    stage.hears("retaildemand", SALE)
    stage.work()

    (delivery,) = stage.deliveries()
    assert delivery.error_code == "unknown_shop"


def test_a_document_with_more_positions_than_one_answer_holds(account: MoySkladStage):
    """1000 come with the document; the rest is asked for."""
    rows = [position(TEA, 1, 100.0) for _ in range(1200)]
    account.saves("retaildemand", SALE, *rows, sum=120000.0)
    account.hears("retaildemand", SALE)
    account.work()

    found = account.purchase(SALE)
    assert found is not None
    assert (len(found["lines"]), found["totals"]["paid"]) == (1200, "1200.00")


# --- the way out and back -------------------------------------------------------------------


def test_a_dead_token_is_shown_and_what_waited_is_booked_once_it_is_mended(
    account: MoySkladStage,
):
    account.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0)
    alive, account.account.token = account.account.token, "another"
    account.hears("retaildemand", SALE)
    account.work()
    assert (account.shown().state, account.shown().trouble_code) == (
        "attention",
        "credentials_rejected",
    )

    account.account.token = alive
    account.work_after(minutes=11)
    assert account.shown().state == "active"
    assert account.balance() == "90.00"


@pytest.mark.parametrize("trouble", ["429", "500", "hang-up"])
def test_a_vendor_in_trouble_is_asked_again(account: MoySkladStage, trouble: str):
    account.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0)
    account.account.fail_next(trouble, times=4)
    account.hears("retaildemand", SALE)
    account.work()
    for _ in range(4):
        account.work_after(minutes=11)

    assert account.balance() == "90.00"
    assert account.states() == ["done"]


def test_a_call_to_the_wrong_address_is_refused(account: MoySkladStage):
    body = account.account.notification(("retaildemand", SALE, "CREATE"))
    hook = account.installation.hooks["events"]
    for path in (hook, f"{hook}/wrong", f"{hook}/{HOOK}x"):
        answer = account.app.test_client().post(path, json=body)
        assert (answer.status_code, answer.json["code"]) == (401, "signature_invalid")
    assert account.deliveries() == []


def test_a_webhook_sent_again_is_one_delivery(account: MoySkladStage):
    body = account.account.notification(("retaildemand", SALE, "CREATE"))
    path = f"{account.installation.hooks['events']}/{HOOK}"
    for _ in range(3):
        answer = account.app.test_client().post(path, json=body, query_string={"requestId": "a"})
        assert answer.status_code == 200
    assert len(account.deliveries()) == 1
    (delivery,) = account.deliveries()
    assert HOOK not in str(delivery)
