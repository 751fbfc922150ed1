"""A shift at an Evotor terminal with an application on it, driven by the reference client.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.evotor.cart import priced
from connectors.evotor.terminal.line import Declined, HttpLine, LineDown
from connectors.evotor.terminal.receipt import Offer
from connectors.evotor.terminal.till import Till
from hub.desk import Counter, InstallationDesk
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.member_cards import MEMBER_CODES, issue_card, make_code
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from loyalty_kit.checkout import HoldRequest, Quote
from tests.journeys.conftest import TWO_WAYS, OpenEvotor
from tests.stand_ins.evotor import Json
from tests.support.browser import served
from tests.support.evotor import (
    CHEESE,
    CUP,
    DEVICE,
    MERCHANT,
    NORTH,
    PHONE,
    STORE,
    TEA,
    USER_TOKEN,
    EvotorStage,
    Goods,
    Proxy,
    closed,
    receipt,
    uuid_of,
)

SALE = uuid_of("c", 1)
BASKET = (Goods(TEA, "2", "690.00"), Goods(CUP, "1", "420.00"))
"""1380.00 + 420.00 = 1800.00."""
OTHER_USER = "user-word-of-another-0007"
LATER = "2026-03-14T15:59:58.000+0000"


def till_of(stage: EvotorStage, folder: Path, store: str = STORE) -> tuple[Till, Proxy]:
    line = Proxy(stage, store)
    return Till(line, folder / "till.json", store=store, clock=stage.clock.now), line


def rules(*promotions: Json, **policies: Any) -> Json:
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["promotions"] = list(promotions)
    document["policies"] |= policies
    return document


def sold(stage: EvotorStage, number: int, *goods: Goods, till: Till, points: str | None) -> Offer:
    """Anna buys at the till; the document comes by the cloud."""
    open_receipt = receipt(number, *goods)
    till.identify(open_receipt, phone=PHONE)
    offer = till.offer(open_receipt, points)
    document = closed(open_receipt, offer)
    stage.cloud.put(STORE, document)
    stage.hears(document)
    stage.work()
    return offer


@pytest.mark.parametrize("open_evotor", TWO_WAYS, indirect=True)
def test_r106_a_receipt_is_priced_held_sold_and_partly_brought_back(
    open_evotor: OpenEvotor, tmp_path: Path
):
    stage = open_evotor()
    stage.earns(500)
    till, _ = till_of(stage, tmp_path)
    open_receipt = receipt(1, *BASKET)

    anna = till.identify(open_receipt, phone="8 (900) 000-12-34")
    assert anna is not None
    assert (anna["balance"], anna["maskedPhone"]) == ("500.00", "***34")
    # 270.00 of 1800.00 is 15 %: 207.00 and 63.00; 5 % of 1530.00 is 76.5.
    offer = till.offer(open_receipt, "270")
    assert offer.off == {uuid_of("f", 1): Decimal("207.00"), uuid_of("f", 2): Decimal("63.00")}
    assert (offer.spent, offer.earned) == (Decimal(270), Decimal(76))
    assert offer.lines == ("Списано баллов: 270", "Начислим баллов: 76")
    assert (stage.balance(), stage.held()) == ("230.00", "270.00")

    document = closed(open_receipt, offer)
    stage.cloud.put(STORE, document)
    stage.hears(document)
    stage.work()
    assert stage.points(SALE) == ("76.00", "270.00", "0.00", "0.00")
    assert (stage.balance(), stage.held(), stage.flags(SALE)) == ("306.00", "0.00", [])

    # One tea of two: 103.50 points back, and of the 76 the teas earned 58.27, half is 29.14.
    one_tea = Goods(TEA, "1", "690.00", off="103.50", uuid=uuid_of("f", 1))
    stage.sells(uuid_of("c", 2), one_tea, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.work()
    assert stage.points(SALE) == ("76.00", "270.00", "29.14", "103.50")
    assert stage.balance() == "380.36"


def test_a_quote_is_replaced_by_the_next_dropped_or_over(merchant: EvotorStage, tmp_path: Path):
    merchant.earns(500)
    till, line = till_of(merchant, tmp_path)
    open_receipt = receipt(1, *BASKET)
    till.identify(open_receipt, phone=PHONE)

    for wish, held in (("270", "270.00"), ("180", "180.00"), ("max", "500.00")):
        till.offer(open_receipt, wish)
        assert merchant.held() == held
    # An answer that got lost is had again, and nothing is held twice.
    line.answer_lost = True
    assert till.offer(open_receipt, "180").alone
    assert till.offer(open_receipt, "180").spent == 180
    assert merchant.held() == "180.00"
    till.clear(open_receipt)
    till.clear(open_receipt)
    assert (merchant.balance(), merchant.held()) == ("500.00", "0.00")

    # No points wanted any more: what an earlier quote held goes.
    till.offer(open_receipt, "180")
    plain = till.offer(open_receipt)
    assert (plain.block, merchant.held()) == ({"v": 1, "customer": plain.block["customer"]}, "0.00")

    # The document comes after the hold is over: the discount was given, and the owner is told.
    offer = till.offer(open_receipt, "270")
    merchant.work_after(minutes=16)
    assert merchant.held() == "0.00"
    document = closed(open_receipt, offer)
    merchant.cloud.put(STORE, document)
    merchant.hears(document)
    merchant.work()
    assert merchant.points(SALE)[:2] == ("76.00", "270.00")
    assert merchant.flags(SALE) == ["hold_expired", "spend_without_hold"]


def test_what_an_earlier_answer_held_is_let_go_where_the_next_gives_nothing(
    merchant: EvotorStage,
):
    merchant.earns(500)
    counter, now = Counter(merchant.hub), merchant.clock.now()
    number = from_wire("i", merchant.installation.id)
    assert number is not None
    live = counter.live(number, now)
    assert live is not None

    class Overtaken(InstallationDesk):
        """Between the price and the hold another terminal takes 230 of the 500."""

        def hold(self, request: HoldRequest) -> Quote:
            assert asked(2, "230", desk)["held"]
            return InstallationDesk.hold(self, request)

    def asked(number: int, points: str, desk: InstallationDesk) -> dict[str, Any]:
        line = {"uuid": "1", "quantity": "1", "priceWithDiscount": "1800.00"}
        body = {"receiptUuid": uuid_of("c", number), "phone": PHONE, "pointsToSpend": points,
                "positions": [line]}  # fmt: skip
        return priced(body, STORE, desk, live.settings)

    desk = InstallationDesk(counter, live, now)
    assert asked(1, "270", desk)["held"]
    declined = asked(1, "400", Overtaken(counter, live, now))
    assert (declined["held"], declined["degraded"], declined["extra"]["loyalty"].keys()) == (
        False,
        False,
        {"v", "customer"},
    )
    assert merchant.held() == "230.00"

    assert asked(1, "270", desk)["held"]
    assert merchant.held() == "500.00"
    counter.within_s = 0
    late = asked(1, "270", desk)
    assert (late["held"], late["degraded"]) == (False, True)
    assert merchant.held() == "500.00", (
        "a late answer waits for nothing more; the hold ends by itself"
    )


def test_a_buyer_who_only_earns_is_known_by_what_the_application_wrote(
    open_evotor: OpenEvotor, tmp_path: Path
):
    merchant = open_evotor(document={**rules(), "cards": {}})
    till, _ = till_of(merchant, tmp_path)
    with pytest.raises(Declined) as refused:
        till.identify(receipt(1), card="2000000000015")
    assert refused.value.code == "customer_not_found"
    assert refused.value.texts["ru"]
    for _ in range(2):
        anna = till.enrol(phone=PHONE, firstName="Анна", card="2000000000015", consent=True)
    assert (anna["name"], anna["balance"]) == ("Анна", "0.00")

    open_receipt = receipt(1, *BASKET)
    number = from_wire("m", anna["customerId"])
    assert number is not None
    with write(merchant.hub.engine) as connection:
        plans, now = merchant.hub.plans, merchant.clock.now()
        issue_card(connection, plans, merchant.programme_id, anna["customerId"], now=now)
    secret = merchant.hub.vault.derive(MEMBER_CODES)
    shown = make_code(secret, merchant.programme_id, number, merchant.clock.now()).text
    for code in (shown, "2000000000015"):
        known = till.identify(open_receipt, code=code)
        assert known is not None
        assert known["customerId"] == anna["customerId"]
        assert till.offer(open_receipt).block["customer"] == anna["customerId"]
    with pytest.raises(Declined):
        till.identify(open_receipt, code=f"{shown[:-1]}{'A' if shown[-1] != 'A' else 'B'}")
    open_receipt.who = {"code": shown}
    document = closed(open_receipt, till.offer(open_receipt))
    merchant.cloud.put(STORE, document)
    merchant.hears(document)
    merchant.work()
    assert (merchant.balance(), merchant.flags(SALE)) == ("90.00", [])


def test_a_till_that_may_not_vouch_spends_with_a_code(open_evotor: OpenEvotor, tmp_path: Path):
    stage = open_evotor(document=rules(trust_pos=False))
    stage.connect("console")
    stage.earns(500)
    till, _ = till_of(stage, tmp_path)
    open_receipt = receipt(1, *BASKET)
    till.identify(open_receipt, phone=PHONE)

    asked = till.offer(open_receipt, "270")
    assert (asked.needs_code, asked.spent, asked.discount) == (True, 0, 0)
    sent = till.send_code(open_receipt)
    assert sent == {"retryAfter": 60, "sentTo": "***34"}
    with pytest.raises(Declined) as early:
        till.send_code(open_receipt)
    assert early.value.code == "too_many_codes"
    code = stage.code_sent()
    wrong = "000000" if code != "000000" else "111111"
    with pytest.raises(Declined) as refused:
        till.offer(open_receipt, "270", code=wrong)
    assert refused.value.code == "code_wrong"
    offer = till.offer(open_receipt, "270", code=code)
    assert (offer.spent, offer.needs_code) == (270, False)
    with pytest.raises(Declined) as used:
        till.offer(open_receipt, "270", code=code)
    assert used.value.code == "code_over"


def test_discounts_are_for_anybody_and_never_for_tobacco(open_evotor: OpenEvotor, tmp_path: Path):
    tenth = {"id": "tenth", "name": "Десятая часть", "type": "percent_off",
             "params": {"percent": "10"}}  # fmt: skip
    stage = open_evotor(document=rules(tenth))
    till, _ = till_of(stage, tmp_path)
    open_receipt = receipt(1, *BASKET)
    smoke = receipt(2, Goods(CHEESE, "1", "200.00")).positions[0]
    body = {
        "receiptUuid": SALE,
        "positions": [
            {"uuid": uuid_of("f", 9), "quantity": "1", "priceWithDiscount": "200.00",
             "type": "TOBACCO_MARKED", "productUuid": smoke.product},
            {"uuid": uuid_of("f", 8), "quantity": "1", "priceWithDiscount": "100.00"},
        ],
    }  # fmt: skip
    told = stage.says("POST", "terminal/quotes", body).json
    assert told["positionDiscounts"] == {uuid_of("f", 9): "0.00", uuid_of("f", 8): "10.00"}
    # Three for 1000.00, a cashier's own discount: a unit costs 333.3333, the line 1000.00.
    three = {"uuid": "3", "quantity": "3", "priceWithDiscount": "333.3333"}
    parts = stage.says("POST", "terminal/quotes", {**body, "positions": [three]}).json
    assert parts["positionDiscounts"] == {"3": "100.00"}
    assert told["promotions"] == ["Десятая часть"]

    offer = till.offer(open_receipt)
    assert offer.discount == Decimal("180.00")
    document = closed(open_receipt, offer)
    stage.cloud.put(STORE, document)
    stage.hears(document)
    stage.work()
    found = stage.purchase(SALE)
    assert found is not None
    assert (found["totals"]["discount"], found["totals"]["paid"]) == ("180.00", "1620.00")
    assert (found["member"], found["flags"]) == (None, [])


def test_no_line_of_the_contract_is_answered_without_the_right_proof(merchant: EvotorStage):
    other = merchant.connect(
        "evotor", "other", app_token="application-word-of-another-7", user_token=OTHER_USER
    )
    calls = (("GET", "config"), ("GET", "rules"), ("POST", "customers/resolve"),
             ("POST", "customers"), ("POST", "quotes"), ("POST", f"quotes/{SALE}/code"),
             ("DELETE", f"quotes/{SALE}"), ("POST", "receipts"),
             ("POST", "receipts/report"))  # fmt: skip
    for method, path in calls:

        def refused(**more: Any) -> bool:
            answer = merchant.says(method, f"terminal/{path}", {}, **more)  # noqa: B023
            return (answer.status_code, answer.json["error"]["code"]) == (401, "unauthorized")

        for token in (None, "", "wrong", "application-word-of-the-tests-42", OTHER_USER):
            assert refused(token=token), (path, token)
        assert refused(installation=other.id), path
        for somebody in ("", "01-000000000000999"):
            assert refused(**{"X-Evotor-User-Id": somebody}), path
    merchant.set(user_token="another-word-of-the-tests-42")
    merchant.clock.advance(seconds=5)
    assert merchant.says("GET", "terminal/config", None).status_code == 401
    assert merchant.deliveries() == []


def test_what_is_wrong_is_told_with_a_code(merchant: EvotorStage):
    def code_of(method: str, path: str, body: Any) -> tuple[int, str]:
        answer = merchant.says(method, f"terminal/{path}", body)
        assert {"ru", "en"} <= answer.json["error"].keys()
        return answer.status_code, answer.json["error"]["code"]

    line = {"uuid": "1", "quantity": "1", "priceWithDiscount": "1.00"}
    bad: list[Any] = [
        b"{", [1], {}, {"receiptUuid": "a/b", "positions": []},
        {"receiptUuid": "r", "positions": [{**line, "quantity": "0"}]},
        {"receiptUuid": "r", "positions": [{**line, "quantity": "x"}]},
        {"receiptUuid": "r", "positions": [line, line]},
        {"receiptUuid": "r", "positions": [line] * 501},
        {"receiptUuid": "r", "positions": [{**line, "quantity": "9" * 9,
                                             "priceWithDiscount": "9" * 9}]},
        {"receiptUuid": "r", "positions": [{**line, "priceWithDiscount": "9" * 13}]},
        {"receiptUuid": "r", "positions": [line], "pointsToSpend": "-1"},
        {"receiptUuid": "r", "positions": [line], "coupons": ["x"] * 101},
    ]  # fmt: skip
    for body in bad:
        assert code_of("POST", "quotes", body) == (400, "bad_request"), body
    dear = {"receiptUuid": "r", "positions": [{**line, "quantity": "9" * 10}]}
    assert merchant.says("POST", "terminal/quotes", dear).status_code == 200
    assert code_of("POST", "customers/resolve", {}) == (422, "nobody")
    assert code_of("POST", "customers", {"firstName": "x"}) == (422, "nobody")
    assert code_of("POST", "customers", {"phone": "12"}) == (422, "phone_impossible")
    assert code_of("POST", "receipts", {"receipts": {}}) == (400, "bad_request")
    assert code_of("POST", "receipts", {"receipts": [1] * 101}) == (400, "bad_request")
    assert code_of("DELETE", f"quotes/{'x' * 201}", None) == (400, "bad_request")
    merchant.set(enrol_at_till="false", shop="nowhere")
    merchant.clock.advance(seconds=5)
    assert code_of("POST", "customers", {"phone": PHONE}) == (403, "enrolment_is_off")
    unknown = {"receiptUuid": "r", "positions": [line]}
    assert code_of("POST", "quotes", unknown) == (422, "unknown_shop")


def test_a_terminal_of_another_shop_and_over_a_real_socket(merchant: EvotorStage, tmp_path: Path):
    headers = {"Authorization": USER_TOKEN, "X-Evotor-User-Id": MERCHANT,
               "X-Evotor-Store-Uuid": NORTH, "X-Evotor-Device-UUID": DEVICE}  # fmt: skip
    merchant.earns(100)
    with served(merchant.app) as address:
        base = f"{address}/connect/{merchant.installation.id}/terminal"
        line = HttpLine(base, headers, patience_s=30)
        assert line.send("GET", "config")["shop"] == "north"
        till = Till(line, tmp_path / "till.json", store=NORTH, clock=merchant.clock.now)
        till.refresh()
        open_receipt = receipt(1, *BASKET)
        assert till.identify(open_receipt, phone=PHONE) is not None
        assert till.offer(open_receipt, "100").spent == 100
        with pytest.raises(Declined):
            till.identify(open_receipt, phone="+79000009999")
    with pytest.raises(LineDown):
        line.send("GET", "config")
    with pytest.raises(LineDown):
        HttpLine("file:///etc").send("GET", "passwd")


def test_terminals_that_spend_one_balance_at_once_take_no_more_than_there_is(
    postgres_engine: Engine, tmp_path: Path
):
    stage = EvotorStage(postgres_engine, tmp_path)
    stage.earns(500)
    start = Barrier(32)

    def spend(number: int) -> Decimal:
        body = {
            "receiptUuid": uuid_of("c", number),
            "phone": PHONE,
            "pointsToSpend": "100",
            "positions": [{"uuid": "1", "quantity": "1", "priceWithDiscount": "1000.00"}],
        }
        start.wait()
        told = stage.says("POST", "terminal/quotes", body)
        assert told.status_code == 200
        return Decimal(told.json["points"]["spend"])

    with ThreadPoolExecutor(32) as pool:
        spent = list(pool.map(spend, range(32)))
    stage.close()

    assert sum(spent) == 500
    assert (stage.balance(), stage.held()) == ("0.00", "500.00")


def test_discounts_of_500_random_baskets_are_the_books_to_the_kopeck(
    open_evotor: OpenEvotor, tmp_path: Path
):
    """Weighed goods, odd prices, a discount of everything and points, asked and booked."""
    odd = {"id": "odd", "name": "Скидка", "type": "percent_off", "params": {"percent": "7.77"}}
    stage = open_evotor(document=rules(odd), feed="documents", cloud_token="")
    stage.hears(
        closed(receipt(0, Goods(TEA, "1", "9999999.00")), Offer({}, {"v": 1, "phone": PHONE}))
    )
    stage.work()
    till, _ = till_of(stage, tmp_path)
    dice = random.Random(20260314)
    offers: dict[str, Offer] = {}
    documents = []
    for number in range(1, 501):
        goods = [
            Goods(
                uuid_of("d", dice.randrange(1, 9)),
                dice.choice(["1", "2", "3", "7", f"{dice.randrange(1, 5000) / 1000:.3f}"]),
                f"{dice.randrange(1, 200_000) / 100:.2f}",
            )
            for _ in range(dice.randrange(1, 5))
        ]
        open_receipt = receipt(number, *goods)
        open_receipt.who = {"phone": PHONE}
        offer = till.offer(open_receipt, dice.choice([None, "max", str(dice.randrange(1, 300))]))
        assert not offer.alone
        offers[open_receipt.uuid] = offer
        documents.append(closed(open_receipt, offer))
    for start in range(0, 500, 100):
        stage.hears(documents[start : start + 100])
    stage.work()

    for name, offer in offers.items():
        found = stage.purchase(name)
        assert found is not None
        for line in found["lines"]:
            taken = Decimal(line["discount"]) + Decimal(line["spend"])
            assert taken == offer.off[line["id"]], (name, line)
        assert Decimal(found["points"]["spent"]) == offer.spent
        assert Decimal(found["points"]["earned"]) == offer.earned
        assert found["flags"] == []
    assert sum(offer.spent for offer in offers.values()) > 0
