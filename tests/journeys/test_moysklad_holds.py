"""What a cart of MoySklad's till sets aside, and lets go; and a connection that is paused.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import pytest

from hub.installations import set_state
from loyalty_core.domain.rules import default_rules
from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_documents import TWO_TEAS
from tests.journeys.test_moysklad_till import BASKET, RETURN, SALE, entered, error_of
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import ANNA, STORE, TEA, MoySkladStage, ref


def test_a_cart_that_spends_no_more_sets_nothing_aside(moysklad: MoySkladStage):
    moysklad.earns(500)

    def spends() -> None:
        moysklad.recalc(*BASKET, wish=270)
        assert (moysklad.balance(), moysklad.held()) == ("230.00", "270.00")

    spends()
    told = moysklad.recalc(*BASKET)["bonusProgram"]
    assert (told["agentBonusBalance"], told["bonusValueToSpend"]) == (500, 0)
    assert (moysklad.balance(), moysklad.held()) == ("500.00", "0.00")

    spends()
    moysklad.recalc(*BASKET, wish=0)
    assert moysklad.held() == "0.00"

    spends()
    emptied = moysklad.till(
        "retaildemand/recalc",
        {
            "retailStore": ref("retailstore", STORE),
            "agent": ref("counterparty", ANNA),
            "positions": [],
        },
    )
    assert (emptied.status_code, moysklad.held()) == (200, "0.00")


NORTH = "5c1f0a52-0d1e-11ef-0a80-0b6300002222"


def verify(stage: MoySkladStage, store: str = STORE) -> tuple[int, str]:
    """The till asks for a code: its answer, and what Anna has set aside then."""
    stage.clock.advance(seconds=61)
    asked = {"retailStore": ref("retailstore", store), "counterpartyId": ANNA}
    return stage.till("retaildemand/verify", asked).status_code, stage.held()


@pytest.fixture
def with_codes(open_moysklad_embedded: OpenMoySklad) -> MoySkladStage:
    careful = default_rules(earn_percent=5, spend_limit_percent=30)
    careful["policies"]["trust_pos"] = False
    stage = open_moysklad_embedded(document=careful, codes_to_till="true")
    stage.connect("console")
    stage.earns(500)
    return stage


def test_points_are_set_aside_once_the_buyer_is_asked_for_a_code(with_codes: MoySkladStage):
    stage = with_codes
    cart = stage.recalc(*BASKET, wish=100)
    assert (cart["needVerification"], stage.held()) == (True, "0.00")
    assert verify(stage) == (200, "99.99"), "a kopeck is lost to the prices of units"

    # Each cart replaces the last, and so does each time that a code is asked for.
    stage.recalc(*BASKET, wish=270)
    assert stage.held() == "0.00"
    assert verify(stage) == (200, "270.00")
    assert verify(stage) == (200, "270.00")

    # The ten minutes count from there; a cart that is older than that is good all the same.
    stage.work_after(minutes=9)
    assert stage.held() == "270.00"
    stage.work_after(minutes=2)
    assert stage.held() == "0.00"
    assert verify(stage) == (200, "270.00")

    # A sale takes it up, and there is nothing left to set aside.
    stage.sells(SALE, cart := stage.recalc(*BASKET, wish=270))
    stage.work()
    assert cart["bonusProgram"]["bonusValueToSpend"] == 270
    assert verify(stage) == (200, "0.00")


def test_a_cart_that_spends_no_more_is_set_aside_no_more(with_codes: MoySkladStage):
    with_codes.recalc(*BASKET, wish=270)
    assert verify(with_codes) == (200, "270.00")
    with_codes.recalc(*BASKET)
    assert with_codes.held() == "0.00"
    assert verify(with_codes) == (200, "0.00")
    # Nor when its ten minutes would have been over.
    with_codes.work_after(minutes=11)
    assert verify(with_codes) == (200, "0.00")


def test_no_code_is_sent_for_points_that_are_gone(with_codes: MoySkladStage):
    with_codes.recalc(*BASKET, wish=270)
    at_north = {
        "retailStore": ref("retailstore", NORTH),
        "agent": ref("counterparty", ANNA),
        "positions": [one.position() for one in BASKET],
        "bonusProgram": {"transactionType": "SPENDING"},
        "preferredBonusToSpend": 360,
    }
    assert with_codes.till("retaildemand/recalc", at_north).status_code == 200
    assert verify(with_codes, NORTH) == (200, "360.00")
    assert verify(with_codes) == (412, "360.00")


def test_a_document_that_comes_later_keeps_the_hold_of_the_till_s_sale(
    open_moysklad_embedded: OpenMoySklad,
):
    """The owner takes the cup off the sale in MoySklad.  What was a discount of the teas is one
    still, and what points paid of them is points."""
    rules = default_rules(earn_percent=5, spend_limit_percent=30)
    rules["promotions"] = [
        {
            "id": "p_tea",
            "name": "Чай",
            "type": "percent_off",
            "params": {"percent": "10", "skus": [TEA]},
        }
    ]
    stage = open_moysklad_embedded(document=rules)
    stage.earns(500)
    cart = stage.recalc(*BASKET, wish=100)
    stage.sells(SALE, cart)
    stage.work()
    before = teas_of(stage)
    assert before["discount"] == "138.00"

    percent = 100 - 100 * cart["positions"][0]["discountedPrice"] / 690
    stage.saves("retaildemand", SALE, {**TWO_TEAS, "discount": percent})
    stage.hears("retaildemand", SALE)
    stage.work()

    assert teas_of(stage) == before


def teas_of(stage: MoySkladStage) -> Json:
    found = stage.purchase(SALE)
    assert found is not None
    return {name: found["lines"][0][name] for name in ("amount", "discount", "spend", "paid")}


def test_a_paused_connection_serves_no_till_and_loses_no_sale(
    open_moysklad_embedded: OpenMoySklad,
):
    moysklad = open_moysklad_embedded(codes_to_till="true")
    moysklad.earns(500)
    cart = moysklad.recalc(*BASKET, wish=270)
    set_state(moysklad.hub, moysklad.installation.id, "paused")
    moysklad.clock.advance(seconds=5)

    asked: dict[str, Json] = {
        "counterparty": entered(),
        "counterparty/detail": entered(),
        "counterparty/verify": entered(),
        "retaildemand/recalc": {
            "agent": ref("counterparty", ANNA),
            "positions": [BASKET[0].position()],
        },
        "retaildemand/verify": {"counterpartyId": ANNA},
    }
    for path, body in asked.items():
        answer = moysklad.till(path, body)
        assert error_of(answer) == (412, 999), path
        assert "приостановлена" in answer.json["errors"][0]["error_message"], path
    assert error_of(moysklad.till("counterparty", search="Анна")) == (412, 999)

    # The receipt was printed: what the till posts is kept, and booked once the owner goes on.
    moysklad.sells(SALE, cart)
    moysklad.posts("retailsalesreturn", moysklad.return_of(RETURN, SALE, cart["positions"][1]))
    set_state(moysklad.hub, moysklad.installation.id, "active")
    moysklad.work_after(seconds=5)
    assert moysklad.points(SALE) == ("76.00", "270.00", "17.73", "63.00")
    assert moysklad.till("counterparty/detail", entered()).status_code == 200
