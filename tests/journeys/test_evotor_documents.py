"""Evotor's documents: webhooks that hint, polling that finds, and feeds without the cloud's token.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import pytest

from tests.journeys.conftest import TWO_WAYS, OpenEvotor
from tests.support.evotor import (
    CHEESE,
    CUP,
    NORTH,
    PHONE,
    STORE,
    TEA,
    EvotorStage,
    Goods,
    document,
    uuid_of,
)

SALE, BACK, REST = (uuid_of("c", n) for n in (187, 195, 196))
TWO_TEAS, A_CUP = Goods(TEA, "2", "690.00"), Goods(CUP, "1", "420.00")
ONE_TEA = Goods(TEA, "1", "690.00", uuid=uuid_of("f", 1))
"""1380.00 + 420.00 = 1800.00, which earn 90."""
LATER = "2026-03-14T15:44:58.000+0000"


def notice(number: str, kind: str = "SELL", **more: object) -> dict[str, object]:
    """`ReceiptCreated`."""
    item = {"id": TEA, "name": "Чай", "itemType": "NORMAL", "quantity": 2, "price": 690,
            "sumPrice": 1380, "discount": 0}  # fmt: skip
    data = {"id": number, "type": kind, "storeId": STORE, "dateTime": "2026-03-14T15:42:29.000Z",
            "paymentSource": "PAY_CARD", "infoCheck": False, "items": [item],
            "totalAmount": 1380, "extras": {}, **more}  # fmt: skip
    return {"id": uuid_of("b", 1), "timestamp": 1773502950371, "userId": "01-000000000000123",
            "type": "ReceiptCreated", "version": 2, "data": data}  # fmt: skip


@pytest.mark.parametrize("open_evotor", TWO_WAYS, indirect=True)
def test_r106_a_sale_by_webhook_then_its_return_in_two_parts(open_evotor: OpenEvotor):
    stage = open_evotor()
    stage.sells(SALE, TWO_TEAS, A_CUP)
    stage.work()
    assert stage.points(SALE) == ("90.00", "0.00", "0.00", "0.00")
    assert stage.balance() == "90.00"

    # One tea of two: of 90 points the teas earned 69, and half of it, 34.50, is taken.
    stage.sells(BACK, ONE_TEA, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.work()
    assert stage.points(SALE)[2] == "34.50"

    # The rest by another uuid, as of a line that the till made anew, and the cup.
    rest = (Goods(TEA, "1", "690.00", uuid=uuid_of("f", 77)), Goods(CUP, "1", "420.00"))
    stage.sells(REST, *rest, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.work()
    assert stage.points(SALE)[2] == "90.00"
    assert (stage.balance(), stage.flags(SALE)) == ("0.00", [])
    assert stage.states() == ["done"] * 3


def test_a_return_before_its_sale_waits_and_is_booked_with_it(merchant: EvotorStage):
    back = document(BACK, ONE_TEA, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    merchant.cloud.put(STORE, back)
    merchant.hears(back)
    merchant.work()
    assert merchant.refunds() == {BACK: "waiting"}

    merchant.sells(SALE, TWO_TEAS, A_CUP)
    merchant.work()
    assert merchant.refunds() == {BACK: "booked"}
    assert merchant.balance() == "55.50"


def test_a_return_without_a_receipt_is_matched_by_buyer_goods_and_sum(merchant: EvotorStage):
    merchant.sells(SALE, TWO_TEAS, A_CUP)
    merchant.work()
    merchant.sells(BACK, ONE_TEA, kind="PAYBACK", closed=LATER)
    dear = Goods(TEA, "1", "999.00")
    merchant.sells(REST, dear, kind="PAYBACK", closed=LATER)
    merchant.work()

    assert merchant.refunds() == {BACK: "booked", REST: "listed"}
    assert merchant.balance() == "55.50"


def test_a_receipt_told_in_every_way_is_one_purchase(merchant: EvotorStage):
    """By notice, by document twice, in another order of keys, and by polling."""
    kept = merchant.cloud.put(STORE, document(SALE, TWO_TEAS, A_CUP))
    assert merchant.says("POST", "receipts", notice(SALE)).status_code == 200
    merchant.hears(kept)
    merchant.hears([kept, {"type": "Z_REPORT", "id": "x"}])
    merchant.hears(kept)
    merchant.work()
    merchant.work_after(minutes=11)
    merchant.work_after(minutes=11)

    assert merchant.points(SALE)[0] == "90.00"
    assert merchant.states() == ["done"] * 3
    assert merchant.balance() == "90.00"


def test_polling_alone_finds_receipts_also_of_a_till_that_was_offline_for_three_days(
    merchant: EvotorStage,
):
    merchant.sells(SALE, TWO_TEAS, A_CUP, hears=False)
    merchant.work_after(minutes=11)
    assert merchant.balance() == "90.00"

    merchant.work_after(days=3)
    # The till's clock says three days ago; the cloud got it now.
    merchant.sells(REST, A_CUP, hears=False, closed="2026-03-14T16:00:00.000+0000")
    merchant.work_after(minutes=11)
    merchant.work_after(hours=25)
    found = merchant.purchase(REST)
    assert found is not None
    assert found["occurred_at"].startswith("2026-03-14T16:00:00")
    assert merchant.balance() == "111.00"
    asked = len(merchant.cloud.calls)
    merchant.work_after(minutes=11)
    # A round of an idle shop: its shops, and one page.
    assert len(merchant.cloud.calls) == asked + 2
    assert merchant.deliveries() == []


def test_a_document_that_says_something_else_later_is_booked_by_difference(merchant: EvotorStage):
    merchant.sells(SALE, TWO_TEAS, A_CUP)
    merchant.work()
    merchant.sells(SALE, TWO_TEAS, A_CUP, phone="+79000005678")
    merchant.work()

    assert merchant.balance() == "0.00"
    assert merchant.balance("+79000005678") == "90.00"


def test_where_the_owner_says_so_the_address_of_a_receipt_is_nobody(open_evotor: OpenEvotor):
    stage = open_evotor(by_contact="false")
    stage.sells(REST, TWO_TEAS)
    stage.work()
    found = stage.purchase(REST)
    assert found is not None
    assert found["member"] is None

    stage.sells(SALE, Goods(CHEESE, "0.742", "899.90"), Goods(None, "1", "100.00"))
    stage.work()
    other = stage.purchase(SALE)
    assert other is not None
    assert (other["totals"]["paid"], other["member"]) == ("767.73", None)


def test_each_shop_of_evotor_is_a_shop_of_the_hub_and_the_owner_is_told_their_ids(
    merchant: EvotorStage,
):
    merchant.cloud.open_store(NORTH)
    told = document(SALE, TWO_TEAS, store_id=NORTH)
    merchant.cloud.put(NORTH, told)
    merchant.work_after(minutes=11)
    assert merchant.balance() == "69.00"

    shops = [{"uuid": STORE, "name": "Юг"}, {"id": NORTH, "name": "Север"}]
    for body in (shops, {"items": shops}):
        assert merchant.says("PUT", "stores", body).status_code == 200
    assert merchant.shown().settings["stores_told"] == f"{STORE} Юг; {NORTH} Север"
    for path in ("devices", "employees"):
        assert merchant.says("PUT", path, [{"uuid": "x"}]).status_code == 200


def test_a_cloud_in_trouble_is_asked_again(merchant: EvotorStage):
    troubles = ("429", "429-epoch", "500", "slow", "html", "hang-up")
    for number, trouble in enumerate(troubles):
        merchant.cloud.fail_next(trouble, times=4)
        merchant.sells(uuid_of("c", number), TWO_TEAS, A_CUP)
        merchant.work()
        for _ in range(4):
            merchant.work_after(minutes=11)

    assert merchant.balance() == "540.00"
    assert merchant.states() == ["done"] * 6


def test_a_revoked_token_is_shown_and_what_waited_is_booked_once_a_new_one_comes(
    merchant: EvotorStage,
):
    merchant.cloud.token = "another"
    merchant.sells(SALE, TWO_TEAS, A_CUP)
    merchant.work()
    assert (merchant.shown().state, merchant.shown().trouble_code) == (
        "attention",
        "credentials_rejected",
    )

    told = {"userId": "01-000000000000123", "token": "another"}
    answer = merchant.says("POST", "user/token", told, token="application-word-of-the-tests-42")
    assert answer.status_code == 200
    merchant.work_after(minutes=11)
    assert merchant.shown().state == "active"
    assert merchant.balance() == "90.00"


def test_without_the_cloud_s_token_documents_are_booked_as_they_came(open_evotor: OpenEvotor):
    stage = open_evotor(feed="documents", cloud_token="")
    sale = document(SALE, TWO_TEAS, A_CUP)
    back = document(BACK, ONE_TEA, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.hears([back, sale])
    assert stage.says("POST", "receipts", notice(SALE)).status_code == 200
    stage.work()
    assert stage.balance() == "55.50"
    assert stage.states() == ["done", "done", "dropped"]

    # The same document with other content conflicts, and waits for a person.
    stage.hears(document(SALE, TWO_TEAS))
    stage.work()
    assert stage.deliveries()[-1].error_code == "event_conflict"
    assert stage.balance() == "55.50"
    assert stage.cloud.calls == []


def test_a_line_that_the_till_made_anew_is_not_one_that_the_same_return_names(
    open_evotor: OpenEvotor,
):
    """Two lines of one tea: the return names the first, and has another uuid for the second."""
    stage = open_evotor()
    second = Goods(TEA, "1", "690.00", uuid=uuid_of("f", 2))
    stage.sells(SALE, ONE_TEA, second)
    anew = Goods(TEA, "1", "690.00", uuid=uuid_of("f", 77))
    stage.sells(BACK, ONE_TEA, anew, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.work()
    assert stage.points(SALE) == ("69.00", "0.00", "69.00", "0.00")
    assert stage.flags(SALE) == []


@pytest.mark.parametrize("hooks", [False, True], ids=["connect", "hooks"])
def test_one_document_of_a_list_holds_no_other_back(open_evotor: OpenEvotor, hooks: bool):
    """Of another merchant, and one whose goods have no quantity; by either door."""
    stage = open_evotor(feed="documents", cloud_token="")
    foreign = document(BACK, TWO_TEAS, user_id="01-000000000000999")
    odd = document(REST, Goods(TEA, "0", "690.00"))
    for _ in range(2):
        stage.hears([foreign, odd, document(SALE, TWO_TEAS, A_CUP)], hooks=hooks)
        stage.work()
    assert stage.balance() == "90.00"
    assert [(one.state, one.error_code) for one in stage.deliveries()] == [
        ("dropped", "not_ours"),
        ("dead", "payload_invalid"),
        ("done", None),
    ]


def test_of_a_list_that_is_sent_again_with_more_the_new_is_kept(open_evotor: OpenEvotor):
    stage = open_evotor(feed="documents", cloud_token="")
    first, second = document(SALE, TWO_TEAS, A_CUP), document(REST, ONE_TEA)
    stage.hears([first, document(BACK, ONE_TEA)], hooks=True)
    stage.hears([first, second], hooks=True)
    stage.work()
    assert stage.states() == ["done", "done", "done"]
    assert (stage.points(SALE)[0], stage.points(REST)[0]) == ("90.00", "34.00")


def test_a_list_without_the_right_token_is_kept_in_no_part(open_evotor: OpenEvotor):
    stage = open_evotor(feed="documents", cloud_token="")
    told = [document(SALE, TWO_TEAS), document(REST, ONE_TEA)]
    assert stage.says("PUT", "documents", told, token="another", hooks=True).status_code == 401
    assert stage.deliveries() == []


def test_receipts_alone_earn_by_what_the_terminal_wrote_and_give_nothing_back(
    open_evotor: OpenEvotor,
):
    stage = open_evotor(feed="receipts", cloud_token="")
    own = {"loyalty": {"v": 1, "phone": PHONE}}
    assert stage.says("POST", "receipts", notice(SALE, extras=own)).status_code == 200
    lowered = {"totalAmount": 1300, "extras": own}
    stage.says("POST", "receipts", [notice(REST, **lowered), notice(BACK, "PAYBACK")])
    stage.hears(document(SALE, TWO_TEAS))
    stage.work()

    assert stage.points(SALE)[0] == "69.00"
    assert stage.points(REST)[0] == "65.00"
    assert stage.refunds() == {BACK: "listed"}
    assert stage.states() == ["done", "done", "done", "dropped"]
