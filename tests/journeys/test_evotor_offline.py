"""A terminal that loses the line: rules by which it goes on, and what is handed in afterwards.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.evotor.terminal.line import LineDown
from connectors.evotor.terminal.rules import Untrusted, opened
from connectors.evotor.terminal.till import Till
from hub.installations import set_state
from loyalty_core.domain.rules import default_rules
from tests.journeys.conftest import TWO_WAYS, OpenEvotor
from tests.journeys.test_evotor_terminal import BASKET, till_of
from tests.support.evotor import PHONE, STORE, EvotorStage, closed, receipt, uuid_of

SALE, OTHER, THIRD = (uuid_of("c", n) for n in (1, 2, 3))


def handed_in(stage: EvotorStage, till: Till) -> list[dict[str, Any]]:
    """The reports: nothing is booked while the till waits, so it asks again later."""
    assert till.hand_in() == []
    stage.work()
    return till.hand_in()


@pytest.mark.parametrize("open_evotor", TWO_WAYS, indirect=True)
def test_x17_a_till_goes_on_without_the_hub_and_late_receipts_are_booked_in_their_own_time(
    open_evotor: OpenEvotor, tmp_path: Path
):
    stage = open_evotor(offline_spend="200")
    stage.earns(500)
    till, line = till_of(stage, tmp_path)
    till.refresh()
    till.identify(receipt(9), phone=PHONE)

    line.up = False
    first = receipt(1, *BASKET)
    assert till.identify(first, phone=PHONE) is not None
    # 200 points is all that the owner allows; 5 % of 1600.00 is 80.
    offer = till.offer(first, "max")
    assert (offer.spent, offer.discount, offer.earned) == (Decimal(200), Decimal("200.00"), 80)
    till.close(first, offer)
    second = receipt(2, *BASKET)
    till.identify(second, phone=PHONE)
    more = till.offer(second, "max")
    assert (more.spent, more.earned) == (0, 90)
    till.close(second, more)
    with pytest.raises(LineDown):
        till.hand_in()
    sold_at = stage.clock.now()

    # Three days later, after a restart of the terminal, in whatever order.
    stage.work_after(days=3)
    line.up = True
    again = Till(line, tmp_path / "till.json", store=STORE, clock=stage.clock.now)
    assert again.waiting() == 2
    reports = handed_in(stage, again)
    assert [(one["receiptUuid"], one["earned"], one["spent"]) for one in reports] == [
        (SALE, "80.00", "200.00"),
        (OTHER, "90.00", "0.00"),
    ]
    assert [one["conflicts"] for one in reports] == [["spend_without_hold"], []]
    assert again.waiting() == 0
    assert again.hand_in() == []
    found = stage.purchase(SALE)
    assert found is not None
    assert found["occurred_at"].startswith(sold_at.strftime("%Y-%m-%dT%H:%M:%S"))
    assert stage.balance() == "470.00"

    # The same receipts come by the cloud as well, in the end: nothing moves.
    for told, given in ((first, offer), (second, more)):
        late = closed(told, given, closed=f"{sold_at:%Y-%m-%dT%H:%M:%S}.000+0000")
        stage.cloud.put(STORE, late)
        stage.hears(late)
    stage.work()
    assert stage.balance() == "470.00"
    assert stage.states() == ["done"] * 5


def test_x17_a_buyer_has_one_balance_and_one_limit_by_whatever_name(
    open_evotor: OpenEvotor, tmp_path: Path
):
    """A terminal alone gives no more than it last saw, less what it has given since."""
    stage = open_evotor(offline_spend="500")
    stage.earns(100)
    till, line = till_of(stage, tmp_path)
    card = {"card": "2000000000015"}
    till.enrol(phone=PHONE, **card)
    till.refresh()

    def sells(number: int, wish: str, **who: str) -> Decimal:
        open_receipt = receipt(number, *BASKET)
        till.identify(open_receipt, **who)
        offer = till.offer(open_receipt, wish)
        till.close(open_receipt, offer)
        return offer.spent

    for number, who in enumerate(({"phone": PHONE}, card), start=1):
        till.identify(receipt(number), **who)
    line.up = False
    assert [sells(1, "70", phone=PHONE), sells(2, "70", **card), sells(3, "70", **card)] == [
        70,
        30,
        0,
    ]
    shown = till.identify(receipt(4), phone=PHONE)
    assert shown is not None
    assert shown["balance"] == "0.00"

    # The hub, asked before it has booked, still tells the balance of before.
    line.up = True
    told = till.identify(receipt(4), phone=PHONE)
    assert told is not None
    assert told["balance"] == "100.00"
    line.up = False
    assert sells(4, "70", phone=PHONE) == 0

    # Once all is booked the terminal still knows what it gave; what was earned it hears later.
    line.up = True
    reports = handed_in(stage, till)
    assert [one["spent"] for one in reports] == ["70.00", "30.00", "0.00", "0.00"]
    assert "points_missing" not in str(reports)
    line.up = False
    assert sells(5, "70", **card) == 0
    line.up = True
    handed_in(stage, till)
    left = stage.balance()
    till.identify(receipt(6), **card)
    line.up = False
    assert (left, sells(6, "max", **card)) == ("444.00", 444)


def test_x17_the_limit_is_the_buyer_s_and_not_the_name_s(open_evotor: OpenEvotor, tmp_path: Path):
    stage = open_evotor(offline_spend="100")
    stage.earns(500)
    till, line = till_of(stage, tmp_path)
    card = {"card": "2000000000015"}
    till.enrol(phone=PHONE, **card)
    till.refresh()
    spent = []
    for number, who in enumerate(({"phone": PHONE}, card), start=1):
        open_receipt = receipt(number, *BASKET)
        till.identify(open_receipt, **who)
        line.up = False
        offer = till.offer(open_receipt, "max")
        till.close(open_receipt, offer)
        spent.append(offer.spent)
        line.up = True
    assert spent == [100, 0]


def test_x17_what_the_books_say_otherwise_is_reported(open_evotor: OpenEvotor, tmp_path: Path):
    stage = open_evotor(offline_spend="300")
    stage.earns(250)
    till, line = till_of(stage, tmp_path)
    till.refresh()
    first, second = receipt(1, *BASKET), receipt(2, *BASKET)
    till.identify(first, phone=PHONE)
    line.up = False
    offer = till.offer(first, "200")
    till.close(first, offer)
    nobody = till.offer(second)
    assert (nobody.earned, nobody.spent) == (0, 0)
    till.close(second, nobody)

    # Meanwhile the points were spent elsewhere, and the owner has changed the limit.
    other, _ = till_of(stage, tmp_path.parent, STORE)
    elsewhere = receipt(3, *BASKET)
    other.identify(elsewhere, phone=PHONE)
    online = closed(elsewhere, other.offer(elsewhere, "250"))
    stage.cloud.put(STORE, online)
    stage.hears(online)
    stage.set(offline_spend="100")
    stage.work_after(seconds=5)
    line.up = True
    reports = handed_in(stage, till)

    # Of the 200 there were 77 that the sale elsewhere had earned.
    assert [one["conflicts"] for one in reports] == [
        ["over_limit", "points_missing", "spend_without_hold"],
        [],
    ]
    assert stage.flags(SALE) == ["points_missing", "spend_without_hold"]
    told = {"receiptUuid": SALE, "earned": "100", "spent": "200", "hadCustomer": True,
            "pack": "r1-1-2-0123456789abcdef", "closedAt": None}  # fmt: skip
    unknown = {"receiptUuid": OTHER, "earned": "0", "hadCustomer": True}
    strange = {"receiptUuid": uuid_of("c", 99)}
    found = stage.says("POST", "terminal/receipts/report", {"receipts": [told, unknown, strange]})
    conflicts = [one.get("conflicts") for one in found.json["receipts"]]
    assert conflicts == [
        ["earned_differs", "over_limit", "rules_unknown", "points_missing", "spend_without_hold"],
        ["customer_unknown"],
        None,
    ]
    pack = till.rules()
    assert pack is not None
    late = {**told, "earned": "80", "pack": pack["id"], "closedAt": "2026-03-30T12:00:00+00:00"}
    over = stage.says("POST", "terminal/receipts/report", {"receipts": [late]})
    assert "rules_over" in over.json["receipts"][0]["conflicts"]


def test_nothing_is_spent_alone_unless_the_owner_says_so_and_rules_have_an_end(
    merchant: EvotorStage, tmp_path: Path
):
    merchant.earns(500)
    till, line = till_of(merchant, tmp_path)
    till.refresh()
    open_receipt = receipt(1, *BASKET)
    till.identify(open_receipt, phone=PHONE)
    line.up = False
    offer = till.offer(open_receipt, "max")
    assert (offer.spent, offer.earned) == (0, 90)
    merchant.clock.advance(hours=72)
    over = till.offer(open_receipt, "max")
    assert (over.spent, over.earned, over.block) == (0, 0, {"v": 1, "phone": PHONE})

    # Whoever it was is written down, so it earns all the same; what cannot be read is told.
    till.close(open_receipt, over)
    strange = receipt(2, *BASKET)
    strange.uuid = "no id/of a receipt"
    till.close(strange, over)
    line.up = True
    (unread,) = till.hand_in()
    assert (unread["receiptUuid"], unread["state"]) == (strange.uuid, "refused")
    merchant.work()
    (report,) = till.hand_in()
    assert (report["earned"], report["conflicts"]) == ("90.00", ["earned_differs"])
    assert till.waiting() == 0


def test_a_paused_connection_prices_nothing_and_keeps_what_is_handed_in(
    merchant: EvotorStage, tmp_path: Path
):
    merchant.earns(100)
    till, _ = till_of(merchant, tmp_path)
    till.refresh()
    open_receipt = receipt(1, *BASKET)
    till.identify(open_receipt, phone=PHONE)
    set_state(merchant.hub, merchant.installation.id, "paused")
    merchant.clock.advance(seconds=5)
    body = {"receiptUuid": SALE, "positions": []}
    for path in ("quotes", "customers/resolve"):
        answer = merchant.says("POST", f"terminal/{path}", {**body, "phone": PHONE})
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "paused")
    assert merchant.says("GET", "terminal/rules", None).status_code == 503

    offer = till.offer(open_receipt, "50")
    assert offer.alone
    till.close(open_receipt, offer)
    # The receipt is taken; what became of it is told once the connection serves again.
    with pytest.raises(LineDown):
        till.hand_in()
    assert till.waiting() == 1
    set_state(merchant.hub, merchant.installation.id, "active")
    merchant.clock.advance(seconds=5)
    merchant.work()
    (report,) = till.hand_in()
    assert (report["earned"], report["conflicts"]) == ("90.00", [])


def test_rules_that_the_hub_did_not_sign_are_refused(open_evotor: OpenEvotor, tmp_path: Path):
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["tiers"] = [
        {"code": "base", "name": "Б", "spend_from": "0.00"},
        {"code": "silver", "name": "С", "spend_from": "5000.00", "earn_percent": "7.5",
         "spend_limit_percent": "50"},
    ]  # fmt: skip
    merchant = open_evotor(document=document)
    till, line = till_of(merchant, tmp_path)
    till.refresh()
    sent, key = line.send("GET", "rules"), line.send("GET", "config")["rulesKey"]
    pack = opened(sent, key)
    assert pack["earn"] == {"percent": "5.00", "base": "paid", "rounding": "down"}
    assert (pack["spend"]["offlineLimit"], pack["rulesVersion"]) == ("0.00", 1)
    assert pack["tiers"] == [
        {"code": "base", "earnPercent": "5.00", "spendPercent": "30.00"},
        {"code": "silver", "earnPercent": "7.50", "spendPercent": "50.00"},
    ]
    generous = json.dumps({**pack, "spend": {**pack["spend"], "offlineLimit": "9999.00"}})
    token = "user-word-of-another-0007"
    other = merchant.connect(
        "evotor", "other", app_token="application-word-of-another-7", user_token=token
    )
    foreign = merchant.says("GET", "terminal/rules", None, token=token, installation=other.id).json
    for forged in (
        {**sent, "pack": generous},
        {**sent, "signature": ""},
        {**sent, "signature": "x"},
        {"pack": sent["pack"]},
        foreign,
    ):
        with pytest.raises(Untrusted):
            opened(forged, key)

    # A pack put into the memory of the terminal is not believed either.
    memory = tmp_path / "till.json"
    kept = json.loads(memory.read_text("utf-8"))
    memory.write_text(json.dumps({**kept, "rules": {**sent, "pack": generous}}), "utf-8")
    line.up = False
    cheated = Till(line, memory, store=STORE, clock=merchant.clock.now)
    assert cheated.rules() is None
