"""Gift cards at MoySklad's till are the hub's certificates: looked up, paid with, given back.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from typing import Any

from loyalty_core.domain.rules import default_rules
from loyalty_core.service.certificates import (
    NewLot,
    TopUp,
    all_certificates,
    block_certificate,
    check_certificate,
    fill_lot,
    find_lot,
    open_lot,
    top_up,
)
from loyalty_core.store.database import read, write
from tests.journeys.conftest import OpenMoySklad
from tests.journeys.test_moysklad_documents import A_CUP, TWO_TEAS
from tests.journeys.test_moysklad_till import BASKET, RETURN, SALE, error_of
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import STORE, TEA, MoySkladStage

GIFT = {"code": "gift", "name": "Сертификат", "top_up": True, "life_days": 365}
TEA_ONLY = {"code": "tea", "name": "На чай", "skus": [TEA]}


def opened(open_moysklad: OpenMoySklad, **settings: str) -> MoySkladStage:
    rules = default_rules(earn_percent=5, spend_limit_percent=30)
    return open_moysklad(document={**rules, "certificates": [GIFT, TEA_ONLY]}, **settings)


def issued(stage: MoySkladStage, name: str, **said: Any) -> str:
    now = stage.clock.now()
    with write(stage.hub.engine) as connection:
        wanted = NewLot(name=name, size=1, **{"series": "gift", "nominal_minor": 100000, **said})
        open_lot(connection, stage.hub.plans, stage.programme_id, wanted, author="test", now=now)
        fill_lot(connection, stage.programme_id, name, now=now)
        lot = find_lot(connection, stage.programme_id, name)
        ((one,),) = all_certificates(connection, stage.programme_id, lot)
    return one.code


def card(stage: MoySkladStage, number: str) -> Json:
    answer = stage.till("giftcard", name=number, retailStoreId=STORE)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json
    assert told.pop("name") == number
    assert told.pop("id").count("-") == 4
    return told


def left(stage: MoySkladStage, number: str) -> str:
    with read(stage.hub.engine) as connection:
        found = check_certificate(connection, stage.programme_id, number, now=stage.clock.now())
    return str(found["balance"])


def test_what_a_card_is_worth(open_moysklad_embedded: OpenMoySklad):
    stage = opened(open_moysklad_embedded)
    fresh = issued(stage, "fresh", loaded=True)
    unpaid = issued(stage, "unpaid")
    blocked = issued(stage, "blocked", loaded=True)
    of_tea = issued(stage, "tea", series="tea", loaded=True)
    free = issued(stage, "free", nominal_minor=None)
    now = stage.clock.now()
    with write(stage.hub.engine) as connection:
        block_certificate(
            connection, stage.programme_id, blocked, blocked=True, author="owner", now=now
        )
        top_up(connection, stage.programme_id, TopUp(free, 25050, "k", "test"), now=now)

    # A year from 14 March in Moscow, told in UTC.
    ends = {"expireDate": "2027-03-14 21:00:00"}
    kopecks = {"currentBalance": 100000, "initialBalance": 100000}
    spaced = f" {fresh[:5]}-{fresh[5:].lower()}"
    assert card(stage, spaced.strip()) == {"status": "CAN_BE_USED", **kopecks, **ends}
    assert card(stage, free) == {"status": "CAN_BE_USED", "currentBalance": 25050, **ends}
    assert card(stage, unpaid)["status"] == "INVALID"
    assert card(stage, blocked)["status"] == "INVALID"
    # The till would take it for anything.
    assert card(stage, of_tea)["status"] == "INVALID"
    stage.clock.advance(days=366)
    assert card(stage, fresh) == {"status": "EXPIRED", **kopecks, **ends, "currentBalance": 0}


def test_a_sale_is_paid_with_a_card_and_partly_comes_back(open_moysklad_embedded: OpenMoySklad):
    stage = opened(open_moysklad_embedded)
    number = issued(stage, "a", loaded=True)
    cart = stage.recalc(*BASKET)
    paid = [{"id": "6d7c0e11-2222-4c4c-9d9d-000000000042", "name": number, "paymentSum": 90000}]
    stage.posts("retaildemand", {**stage.sale(SALE, cart), "giftCards": paid})
    stage.work()
    assert (left(stage, number), stage.flags(SALE)) == ("100.00", [])
    assert card(stage, number)["status"] == "PARTIALLY_REDEEMED"
    assert card(stage, number)["currentBalance"] == 10000

    # The document of the sale tells the same, and counts nothing twice.
    stage.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0, giftCards=paid)
    stage.hears("retaildemand", SALE)
    stage.work()
    assert left(stage, number) == "100.00"

    # A cup of 420.00 comes back: 900.00 x 420 / 1800 = 210.00 of the card.
    stage.posts("retailsalesreturn", stage.return_of(RETURN, SALE, cart["positions"][1]))
    stage.work()
    assert left(stage, number) == "310.00"
    teas = stage.return_of(f"{RETURN[:-2]}13", SALE, cart["positions"][0])
    stage.posts("retailsalesreturn", teas)
    stage.work()
    assert left(stage, number) == "1000.00"
    assert card(stage, number)["status"] == "CAN_BE_USED"


def test_lists_that_are_null_are_empty(open_moysklad_embedded: OpenMoySklad):
    """A sale that was fiscalised is booked whatever the till leaves out."""
    stage = opened(open_moysklad_embedded)
    cart = stage.recalc(*BASKET)
    stage.posts("retaildemand", {**stage.sale(SALE, cart), "giftCards": None})
    other = f"{SALE[:-2]}77"
    stage.saves("retaildemand", other, TWO_TEAS, sum=96000.0, giftCards=None)
    stage.hears("retaildemand", other)
    stage.work()
    assert stage.flags(SALE) == stage.flags(other) == []

    empty = {"retailStore": {"meta": {"href": f"https://x/entity/retailstore/{STORE}"}}}
    answer = stage.till("retaildemand/recalc", {**empty, "positions": None})
    assert (answer.status_code, answer.json["positions"]) == (200, [])


def test_a_card_that_the_till_took_is_booked_whatever_is_on_it(
    open_moysklad_embedded: OpenMoySklad,
):
    stage = opened(open_moysklad_embedded)
    number = issued(stage, "a", loaded=True, nominal_minor=50000)
    cart = stage.recalc(*BASKET)
    paid = [
        {"id": "x", "name": number, "paymentSum": 90000},
        {"id": "x", "name": "GC-1", "paymentSum": 100},
    ]
    stage.posts("retaildemand", {**stage.sale(SALE, cart), "giftCards": paid})
    stage.work()

    assert sorted(stage.flags(SALE)) == ["certificate_missing", "certificate_unknown"]
    assert card(stage, number)["status"] == "REDEEMED"


def test_nobody_finds_a_card_by_trying(open_moysklad_embedded: OpenMoySklad):
    stage = opened(open_moysklad_embedded)
    number = issued(stage, "a", loaded=True)
    most = stage.hub.config.coupon_guesses * 10
    tried = [
        error_of(stage.till("giftcard", name=f"GC-{one}", retailStoreId=STORE))
        for one in range(most + 2)
    ]

    assert tried == [(404, 999)] * (most + 1) + [(429, 999)]
    assert error_of(stage.till("giftcard", name=number, retailStoreId=STORE)) == (429, 999)
    # Buyers and carts are served on.
    assert stage.recalc(*BASKET)["positions"]
    stage.clock.advance(hours=1)
    assert card(stage, number)["status"] == "CAN_BE_USED"
    assert error_of(stage.till("giftcard", retailStoreId=STORE)) == (404, 999)
