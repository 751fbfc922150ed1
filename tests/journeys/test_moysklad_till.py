"""A shift at MoySklad's till: buyers, carts, points, returns, in every order that may come.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import pytest

from loyalty_core.domain.rules import default_rules
from tests.journeys.conftest import OpenMoySklad
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
    till_sum,
)
from tests.support.stage import PHONE

SALE = "77770000-1fb1-11f1-0a80-0b6300000187"
RETURN = "88880000-2101-11f1-0a80-0b6300000012"
BASKET = (Goods(TEA, 2, 690.00), Goods(CUP, 1, 420.00))
"""1380.00 + 420.00 = 1800.00."""


def entered(**more: object) -> Json:
    return {
        "retailStore": ref("retailstore", STORE),
        **ref("counterparty", ANNA),
        "name": "Смирнова Анна Олеговна",
        "phone": "+7 900 000-12-34",
        "legalFirstName": "Анна",
        "legalLastName": "Смирнова",
        "birthDate": "1990-05-17 00:00:00",
        "sex": "FEMALE",
        "statusCheck": "UNCHECKED",
        **more,
    }


def error_of(answer) -> tuple[int, int]:
    (error,) = answer.json["errors"]
    assert error["error"]
    assert error["error_message"]
    return answer.status_code, error["code"]


# --- buyers ---------------------------------------------------------------------------------


def test_a_buyer_is_entered_found_and_asked_for_their_balance(account: MoySkladStage):
    assert account.till("counterparty", entered()).status_code == 201
    assert account.till("counterparty", entered(phone="89000001234")).status_code == 201
    account.earns(500)

    found = account.till("counterparty", search="8 (900) 000-12-34", retailStoreId=STORE).json
    detail = account.till("counterparty/detail", ref("counterparty", ANNA)).json

    (row,) = found["rows"]
    assert row.pop("id").count("-") == 4
    assert row == {
        "msId": ANNA,
        "name": "Смирнова Анна",
        "phone": PHONE,
        "legalFirstName": "Анна",
        "legalLastName": "Смирнова",
        "birthDate": "1990-05-17 00:00:00",
        "sex": "FEMALE",
    }
    assert detail == {"bonusProgram": {"agentBonusBalance": 500}}
    assert account.till("counterparty", search="+79000009999", retailStoreId=STORE).json == {
        "rows": []
    }


@pytest.mark.parametrize(
    "card", ["LC-000481", "2900000000017", "9000000017", "89001112233", "8 900 111-22-33"]
)
def test_a_card_is_found_though_its_number_may_be_a_phone(moysklad: MoySkladStage, card: str):
    moysklad.till("counterparty", entered(discountCardNumber=card))
    found = moysklad.till("counterparty", search=card, retailStoreId=STORE).json
    assert [row["msId"] for row in found["rows"]] == [ANNA]


def test_whom_staff_enter_with_a_phone_that_is_known_is_the_member_of_that_phone(
    account: MoySkladStage,
):
    account.till("counterparty", entered(meta=ref("counterparty", CUP)["meta"]))
    account.till("counterparty", entered())

    assert {one.id for one in account.card().externals} == {ANNA, CUP}


def test_an_unknown_buyer_is_enrolled_when_the_till_asks_or_is_told_so(
    open_moysklad: OpenMoySklad,
):
    strict = open_moysklad(enrol_at_till="false")
    assert error_of(strict.till("counterparty/detail", entered())) == (404, 999)


def test_an_unknown_buyer_is_enrolled_when_the_till_asks(account: MoySkladStage):
    answer = account.till("counterparty/detail", entered())

    assert answer.json == {"bonusProgram": {"agentBonusBalance": 0}}
    assert account.card().profile["first_name"] == "Анна"


# --- a sale with points ---------------------------------------------------------------------


def test_a_cart_is_priced_held_sold_and_partly_brought_back(account: MoySkladStage):
    account.earns(500)

    cart = account.recalc(*BASKET, wish=270)
    # 270.00 of 1800.00 is 15 %: 690.00 -> 586.50, 420.00 -> 357.00; 5 % of 1530.00 is 76.5.
    assert [(one["discountPercent"], one["discountedPrice"]) for one in cart["positions"]] == [
        (15, 586.5),
        (15, 357),
    ]
    assert cart["bonusProgram"] == {
        "transactionType": "SPENDING",
        "agentBonusBalance": 500,
        "bonusValueToSpend": 270,
        "bonusValueToEarn": 76,
        "agentBonusBalanceAfter": 306,
        "paidByBonusPoints": 270,
        "receiptExtraInfo": "Списано 270, начислено 76\nОстаток 306",
    }
    assert cart["needVerification"] is False
    assert cart["agent"]["meta"]["id"] == ANNA
    assert (account.balance(), account.held()) == ("230.00", "270.00")

    # What is held is still Anna's: both questions of the till agree.
    detail = account.till("counterparty/detail", ref("counterparty", ANNA)).json
    assert detail == {"bonusProgram": {"agentBonusBalance": 500}}

    account.sells(SALE, cart)
    account.work()
    assert account.points(SALE) == ("76.00", "270.00", "0.00", "0.00")
    assert account.flags(SALE) == []
    assert (account.balance(), account.held()) == ("306.00", "0.00")

    # One tea of two comes back: 207.00 / 2 = 103.50 points to Anna.  Of the 76 points the teas
    # earned 76 x 1173 / 1530 = 58.27, and half of it, 29.14, is taken.
    back = account.return_of(RETURN, SALE, {**cart["positions"][0], "quantity": 1})
    account.posts("retailsalesreturn", back)
    account.work()
    assert account.points(SALE) == ("76.00", "270.00", "29.14", "103.50")
    assert account.balance() == "380.36"

    rest = account.return_of(
        "88880000-2101-11f1-0a80-0b6300000013",
        SALE,
        {**cart["positions"][0], "quantity": 1},
        cart["positions"][1],
    )
    account.posts("retailsalesreturn", rest)
    account.work()
    assert account.points(SALE) == ("76.00", "270.00", "76.00", "270.00")
    assert account.balance() == "500.00"
    assert account.states() == ["done"] * 4


def test_the_most_that_may_be_spent_is_told_where_no_wish_is(account: MoySkladStage):
    account.earns(600)

    most = account.recalc(*BASKET, spend=True)["bonusProgram"]
    too_much = account.recalc(*BASKET, wish=590)["bonusProgram"]

    # 30 % of 1800.00.
    assert (most["bonusValueToSpend"], most["paidByBonusPoints"]) == (540, 540)
    assert too_much["bonusValueToSpend"] == 540


def test_a_cart_may_be_asked_again_and_each_answer_replaces_the_last(account: MoySkladStage):
    account.earns(500)

    for wish, held in ((270, "270.00"), (180, "180.00"), (450, "450.00")):
        assert account.recalc(*BASKET, wish=wish)["bonusProgram"]["agentBonusBalance"] == 500
        assert account.held() == held


def test_a_cart_that_only_earns_holds_and_books_nothing(account: MoySkladStage):
    account.earns(500)

    told = account.recalc(*BASKET)["bonusProgram"]

    assert (told["bonusValueToSpend"], told["bonusValueToEarn"]) == (0, 90)
    assert (account.balance(), account.held()) == ("500.00", "0.00")
    assert account.purchase(SALE) is None


def test_a_hold_that_no_sale_took_lets_go_after_ten_minutes(account: MoySkladStage):
    account.earns(500)
    cart = account.recalc(*BASKET, wish=270)

    account.work_after(minutes=11)
    assert account.held() == "0.00"

    # The receipt was printed: the points go all the same, and the owner is told.
    account.sells(SALE, cart)
    account.work()
    assert account.points(SALE)[:2] == ("76.00", "270.00")
    assert account.flags(SALE) == ["hold_expired", "spend_without_hold"]
    assert account.balance() == "306.00"


def test_an_empty_cart_and_a_cart_without_a_buyer(account: MoySkladStage):
    empty = account.till("retaildemand/recalc", {"positions": []}).json
    nobody = account.till(
        "retaildemand/recalc",
        {"retailStore": ref("retailstore", STORE), "positions": [BASKET[0].position()]},
    ).json

    assert (empty["positions"], empty["bonusProgram"]["bonusValueToEarn"]) == ([], 0)
    (line,) = nobody["positions"]
    assert (line["discountPercent"], line["discountedPrice"]) == (0, 690)
    assert nobody["bonusProgram"]["bonusValueToEarn"] == 0


def test_weighed_goods_cost_the_same_at_the_till_and_in_the_books(account: MoySkladStage):
    account.earns(500)
    basket = (Goods(CHEESE, 1.236, 899.90), Goods(TEA, 3, 33.33), Goods(CUP, 0.333, 77.77))

    cart = account.recalc(*basket, wish=250)
    account.sells(SALE, cart)
    account.work()

    found = account.purchase(SALE)
    assert found is not None
    assert found["totals"]["paid"] == till_sum(cart["positions"])
    assert found["totals"]["spend"] == found["points"]["spent"]
    assert float(found["points"]["spent"]) == cart["bonusProgram"]["bonusValueToSpend"]
    assert 249 <= cart["bonusProgram"]["bonusValueToSpend"] <= 250
    assert found["flags"] == []


def test_a_till_that_reckons_by_percent_is_told_the_price_that_follows(
    open_moysklad: OpenMoySklad,
):
    stage = open_moysklad(till_reads="percent")
    stage.earns(500)

    cart = stage.recalc(Goods(TEA, 1, 690.00), wish=100)
    (line,) = cart["positions"]
    # 100.00 of 690.00 is 14.4927...: 14.49 %, and 690.00 x 0.8551 = 590.019, a price of 590.02.
    assert (line["discountPercent"], line["discountedPrice"]) == (14.49, 590.02)
    assert cart["bonusProgram"]["bonusValueToSpend"] == 99.98
    assert cart["bonusProgram"]["paidByBonusPoints"] == 99.98

    stage.sells(SALE, cart)
    stage.work()
    found = stage.purchase(SALE)
    assert found is not None
    assert (found["totals"]["paid"], found["points"]["spent"]) == ("590.02", "99.98")


def test_goods_whose_card_forbids_discounts_are_neither_lowered_nor_paid_with_points(
    account: MoySkladStage,
):
    account.earns(500)
    account.account.put("product", {"id": CUP, "name": "Чашка", "discountProhibited": True})
    account.account.put("product", {"id": TEA, "name": "Чай", "minPrice": {"value": 67000.0}})
    for number in (CUP, TEA):
        assert account.hears("product", number).status_code == 200
    account.work_after(minutes=2)

    cart = account.recalc(*BASKET, spend=True)

    # Tea may cost no less than 670.00, so 2 x 20.00 is all that points may pay.
    assert [one["discountedPrice"] for one in cart["positions"]] == [670, 420]
    assert cart["bonusProgram"]["bonusValueToSpend"] == 40


def spending_100(cup: Json) -> Json:
    """The cart of a cup, in the till's words, and tea."""
    return {
        "retailStore": ref("retailstore", STORE),
        "agent": ref("counterparty", ANNA),
        "positions": [cup, Goods(TEA, 1, 690.00).position()],
        "bonusProgram": {"transactionType": "SPENDING"},
        "preferredBonusToSpend": 100,
    }


def test_goods_that_the_till_names_by_an_id_of_its_own_are_not_lowered(moysklad: MoySkladStage):
    """Their card may forbid it: no catalogue knows such an id."""
    moysklad.earns(500)
    told = Goods(CUP, 1, 420.00).position()
    told["assortment"]["meta"] |= {"id": "c0a8f0de-0001-4b1b-8a8a-aaaaaaaaaaaa", "idType": "sync"}
    answer = moysklad.till("retaildemand/recalc", spending_100(told)).json
    assert [one["discountedPrice"] for one in answer["positions"]] == [420, 590]
    assert answer["positions"][0]["assortment"] == told["assortment"]


def test_goods_without_an_article_and_lines_of_nothing_keep_no_sale_from_the_books(
    moysklad: MoySkladStage,
):
    """Ids may be empty texts; the points of such a sale are told by the till alone."""
    moysklad.earns(500)
    nameless = {**Goods(CUP, 1, 420.00).position(), "assortment": {"meta": {"href": "", "id": ""}}}
    cart = moysklad.till("retaildemand/recalc", spending_100(nameless)).json
    assert [one["discountedPrice"] for one in cart["positions"]] == [420, 590]
    cart["positions"].append({**cart["positions"][1], "quantity": 0})
    moysklad.sells(SALE, cart)
    moysklad.posts("retailsalesreturn", moysklad.return_of(RETURN, SALE, cart["positions"][0]))
    moysklad.work()

    # 5 % of 1010.00 in whole points; no line can be named, so the money takes and gives 420/1010.
    assert moysklad.states() == ["done", "done", "done"]
    assert moysklad.points(SALE) == ("50.00", "100.00", "20.79", "41.58")
    assert moysklad.refunds() == {RETURN: "booked"}


# --- codes ----------------------------------------------------------------------------------


def careful() -> Json:
    """A programme that does not take a cashier's word for who is buying."""
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["policies"]["trust_pos"] = False
    return document


def test_a_till_that_compares_codes_is_given_them_where_the_owner_said_so(
    open_moysklad: OpenMoySklad,
):
    stage = open_moysklad(document=careful(), codes_to_till="true")
    stage.connect("console")
    stage.earns(500)

    cart = stage.recalc(*BASKET, wish=270)
    assert (cart["needVerification"], cart["bonusProgram"]["bonusValueToSpend"]) == (True, 270)
    asked = {"retailStore": ref("retailstore", STORE), "counterpartyId": ANNA}
    sent = stage.till("retaildemand/verify", asked).json
    assert len(sent["verificationCode"]) == 6
    assert sent["verificationCode"].isdigit()
    assert sent["timeForRepeat"] == 60
    assert PHONE not in sent["messageForCashier"]
    again = stage.till("retaildemand/verify", asked)
    assert error_of(again) == (429, 999)

    stage.sells(SALE, cart)
    stage.work()
    assert stage.points(SALE)[:2] == ("76.00", "270.00")


def test_a_till_gets_no_code_and_spends_nothing_where_the_owner_said_nothing(
    open_moysklad: OpenMoySklad,
):
    stage = open_moysklad(document=careful())
    stage.connect("console")
    stage.earns(500)

    cart = stage.recalc(*BASKET, wish=270)
    refused = stage.till(
        "retaildemand/verify", {"retailStore": ref("retailstore", STORE), "counterpartyId": ANNA}
    )

    assert (cart["needVerification"], cart["bonusProgram"]["bonusValueToSpend"]) == (False, 0)
    assert [one["discountedPrice"] for one in cart["positions"]] == [690, 420]
    assert error_of(refused) == (412, 999)


def test_a_buyer_is_registered_with_a_code(open_moysklad: OpenMoySklad):
    stage = open_moysklad(confirm_registration="true", codes_to_till="true")
    stage.connect("console")

    assert error_of(stage.till("counterparty", entered())) == (412, 28001)
    href = "https://api.moysklad.ru/api/posap/1.0/entity/counterparty/syncid/" + CUP
    sent = stage.till("counterparty/verify", entered(meta={"href": href})).json
    assert len(sent["verificationCode"]) == 6
    assert stage.till("counterparty", entered(statusCheck="CHECKED")).status_code == 201
    assert stage.card().phone == PHONE


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("counterparty", "POST"),
        ("counterparty", "GET"),
        ("counterparty/detail", "POST"),
        ("counterparty/verify", "POST"),
        ("retaildemand/recalc", "POST"),
        ("retaildemand/verify", "POST"),
        ("retaildemand", "POST"),
        ("retailsalesreturn", "POST"),
        ("giftcard", "GET"),
    ],
)
def test_no_call_is_answered_without_the_till_s_token(
    account: MoySkladStage, path: str, method: str
):
    body = entered() if method == "POST" else None
    for token in ("", "wrong", "Ü"):
        assert error_of(account.till(path, body, token=token)) == (401, 999)
    assert account.deliveries() == []


def test_what_the_till_is_told_in_its_own_form(account: MoySkladStage):
    assert error_of(account.till("giftcard", name="GC-1", retailStoreId=STORE)) == (404, 999)
    for path in ("retaildemand/recalc", "retaildemand", "counterparty", "retaildemand/verify"):
        assert error_of(account.till(path, [1])) == (412, 999)
    bad = account.till("retaildemand/recalc", {"positions": [{"quantity": "x"}]})
    assert error_of(bad) == (412, 999)
    assert error_of(account.till("counterparty", {"name": "x"})) == (412, 999)
    assert error_of(account.till("counterparty/verify", {"name": "x"})) == (412, 999)


def test_a_phone_that_can_be_none_stops_no_sale(account: MoySkladStage):
    account.earns(500)
    cart = {
        "retailStore": ref("retailstore", STORE),
        "agent": {**ref("counterparty", ANNA), "phone": "+7 000 000-00-00"},
        "positions": [BASKET[0].position()],
    }
    answer = account.till("retaildemand/recalc", cart)

    assert answer.status_code == 200
    assert answer.json["bonusProgram"]["agentBonusBalance"] == 500


def test_a_token_that_the_owner_changed_is_refused_within_five_seconds(account: MoySkladStage):
    assert account.recalc(*BASKET)["positions"]
    account.set(till_token="another-word-of-the-tests-42")
    account.clock.advance(seconds=5)

    body = entered()
    assert error_of(account.till("counterparty/detail", body)) == (401, 999)
    fresh = account.till("counterparty/detail", body, token="another-word-of-the-tests-42")
    assert fresh.status_code == 200
