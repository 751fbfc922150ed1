"""A whole shift at MoySklad's till, from the first buyer to what was sold without network.

The programme takes no cashier's word for who is buying: points are spent with a code.  It gives
5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_documents import position
from tests.journeys.test_moysklad_till import BASKET, careful, entered, error_of
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import (
    ANNA,
    CHEESE,
    CUP,
    STORE,
    TEA,
    Goods,
    MoySkladStage,
    ref,
)
from tests.support.stage import PHONE

FIRST, WITH_CODE, OFFLINE, WEIGHED = (f"7777000{n}-1fb1-11f1-0a80-0b6300000187" for n in range(4))
CUP_BACK, TEA_BACK, CHEESE_BACK = (f"8888000{n}-2101-11f1-0a80-0b6300000012" for n in range(3))
ANNA_AS_AGENT = {**ref("counterparty", ANNA), "phone": "+7 900 000-12-34"}


def registers(stage: MoySkladStage) -> None:
    assert error_of(stage.till("counterparty", entered())) == (412, 28001)
    sent = stage.till("counterparty/verify", entered()).json
    assert len(sent["verificationCode"]) == 6
    assert stage.till("counterparty", entered(statusCheck="CHECKED")).status_code == 201
    (row,) = stage.till("counterparty", search="8 (900) 000-12-34", retailStoreId=STORE).json[
        "rows"
    ]
    assert (row["msId"], row["phone"]) == (ANNA, PHONE)


def sold_offline(number: str, moment: str, goods: Goods, agent: Json | None) -> Json:
    """No cart was priced: base prices, and no word of points."""
    line = goods.position(discountPercent=0, discountedPrice=goods.price)
    return {
        "retailStore": ref("retailstore", STORE),
        "name": "00190",
        "moment": moment,
        **ref("retaildemand", number),
        **({} if agent is None else {"agent": agent}),
        "positions": [line],
        "cashSum": round(goods.price * goods.quantity, 2),
        "noCashSum": 0,
    }


def documents_of_the_day(stage: MoySkladStage) -> None:
    """MoySklad has them all by the evening, and polling reads them."""
    nobody = {"agent": None}
    tea, cup = position(TEA, 1, 69000.0), position(CUP, 1, 42000.0, 15.0)
    two_teas = position(TEA, 2, 69000.0)
    cheese, half = position(CHEESE, 1.236, 89990.0), position(CHEESE, 0.5, 89990.0)
    stage.saves("retaildemand", FIRST, position(TEA, 10, 69000.0), sum=690000.0)
    stage.saves("retaildemand", WITH_CODE, {**two_teas, "discount": 15.0}, cup, sum=153000.0)
    late = "2026-03-14 18:50:00.000"
    stage.saves("retaildemand", OFFLINE, two_teas, sum=138000.0, moment=late)
    stage.saves("retaildemand", WEIGHED, cheese, sum=111228.0, moment=late, **nobody)
    base = {"demand": {"meta": {"href": stage.account.href("retaildemand", WITH_CODE)}}}
    stage.saves("retailsalesreturn", CUP_BACK, cup, sum=35700.0, **base)
    stage.saves("retailsalesreturn", TEA_BACK, tea, sum=69000.0, moment="2026-03-14 19:10:00.000")
    stage.saves("retailsalesreturn", CHEESE_BACK, half, sum=44995.0, **nobody)
    stage.work_after(minutes=11)


def sells_and_spends(stage: MoySkladStage) -> None:
    # Ten teas for 6900.00 earn 345.
    stage.sells(FIRST, stage.recalc(Goods(TEA, 10, 690.00)), moment="2026-03-14 12:00:00")
    stage.work()
    detail = stage.till("counterparty/detail", ref("counterparty", ANNA)).json
    assert detail == {"bonusProgram": {"agentBonusBalance": 345}}

    # 270 points of 1800.00, with a code; 1530.00 earn 76.
    cart = stage.recalc(*BASKET, wish=270)
    assert cart["needVerification"] is True
    asked = {"retailStore": ref("retailstore", STORE), "counterpartyId": ANNA}
    assert len(stage.till("retaildemand/verify", asked).json["verificationCode"]) == 6
    stage.sells(WITH_CODE, cart)
    stage.work()
    assert stage.points(WITH_CODE) == ("76.00", "270.00", "0.00", "0.00")
    assert stage.balance() == "151.00"

    # The cup comes back with its receipt: 63 points to Anna, and 76 x 357 / 1530 = 17.73 of hers.
    back = stage.return_of(CUP_BACK, WITH_CODE, cart["positions"][1])
    stage.posts("retailsalesreturn", back)
    stage.work()
    assert stage.balance() == "196.27"


def sells_without_network(stage: MoySkladStage) -> None:
    # The network is gone for five hours; what was sold is posted late, the last sale first.
    teas, cheese = Goods(TEA, 2, 690.00), Goods(CHEESE, 1.236, 899.90)
    stage.work_after(hours=5)
    stage.posts("retaildemand", sold_offline(WEIGHED, "2026-03-14 18:50:00", cheese, None))
    stage.posts("retaildemand", sold_offline(OFFLINE, "2026-03-14 18:50:00", teas, ANNA_AS_AGENT))
    stage.work()
    assert stage.points(OFFLINE)[0] == "69.00"
    assert stage.balance() == "265.27"
    weighed = stage.purchase(WEIGHED)
    assert weighed is not None
    assert (weighed["totals"]["paid"], weighed["points"]["earned"]) == ("1112.28", "0.00")


def takes_back_without_a_receipt(stage: MoySkladStage) -> None:
    # A tea without a receipt is found by its buyer, goods and money: half of 69 points.  Cheese
    # that nobody bought moves nothing.
    one_tea = Goods(TEA, 1, 690.00).position(discountPercent=0, discountedPrice=690.00)
    half = Goods(CHEESE, 0.5, 899.90).position(discountPercent=0, discountedPrice=899.90)
    returned = stage.return_of(TEA_BACK, None, one_tea)
    stage.posts("retailsalesreturn", {**returned, "moment": "2026-03-14 19:10:00"})
    stage.posts("retailsalesreturn", stage.return_of(CHEESE_BACK, None, half, buyer=False))
    stage.work()
    assert stage.balance() == "230.77"


def test_a_whole_shift(open_moysklad: OpenMoySklad):
    stage = open_moysklad(document=careful(), codes_to_till="true", confirm_registration="true")
    stage.connect("console")
    registers(stage)
    stage.work_after(minutes=5)
    sells_and_spends(stage)
    sells_without_network(stage)
    takes_back_without_a_receipt(stage)
    documents_of_the_day(stage)

    assert stage.balance() == "230.77"
    assert stage.refunds() == {CUP_BACK: "booked", TEA_BACK: "booked", CHEESE_BACK: "listed"}
    assert {stage.flags(one) == [] for one in (FIRST, WITH_CODE, OFFLINE, WEIGHED)} == {True}
    assert stage.held() == "0.00"
