"""A till that speaks UDS: finds, reckons, sells for points, takes back; whatever is told twice."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

from hub.connections.health import health_of, what_to_do
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.upkeep import end_holds
from loyalty_core.store.database import write
from tests.journeys.conftest import OpenUds
from tests.support.stage import PHONE
from tests.support.uds import CARD, CODE_KEY, COMPANY, KEY, UdsStage

OTHER_KEY = "till-word-of-another-0000007"


def test_a_purchase_earns_a_second_is_paid_with_points_and_a_return_gives_them_back(till: UdsStage):
    assert till.sells("n-1", 2000.00, 2000.00)["points"] == 0.0
    till.work()
    assert till.balance() == "100.00"

    found = till.finds(code=CARD, total="300")
    assert found["user"]["displayName"] == "Анна Смирнова"
    assert found["user"]["participant"]["points"] == 100.0
    assert found["user"]["participant"]["cashbackRate"] == 5.0
    # 30 % of 300 roubles.
    assert (found["type"], found["purchase"]["maxPoints"]) == ("PURCHASE", 90.0)

    reckoned = till.calculates(300, 50, code=found["code"])
    assert {name: reckoned[name] for name in ("points", "cash", "cashBack", "netDiscount")} == {
        "points": 50.0, "cash": 250.0, "cashBack": 12.0, "netDiscount": 50.0,
    }  # fmt: skip

    sold = till.sells("n-2", 300, 250, 50, code=found["code"])
    assert (sold["points"], sold["cash"], sold["total"]) == (-50.0, 250.0, 300.0)
    assert (sold["action"], sold["state"], sold["receiptNumber"]) == (
        "PURCHASE", "NORMAL", "12-1-318",
    )  # fmt: skip
    assert sold["customer"]["uid"] == till.anna
    assert till.held() == "50.00"
    till.work()
    assert till.points(str(sold["id"])) == ("12.00", "50.00", "0.00", "0.00")
    assert (till.balance(), till.flags(str(sold["id"]))) == ("62.00", [])

    # A part comes back by its money, then all that is left.
    path = f"operations/{sold['id']}/refund"
    part = till.says("POST", path, {"partialAmount": 100.0}).json
    assert (part["state"], part["total"], part["origin"]) == ("REVERSAL", 100.0, {"id": sold["id"]})
    till.work()
    whole = till.says("POST", path, {}).json
    assert whole["total"] == 150.0
    till.work()
    assert till.points(str(sold["id"])) == ("12.00", "50.00", "12.00", "50.00")
    assert till.balance() == "100.00"
    assert set(till.refunds().values()) == {"booked"}
    # Asked for again, it is answered as before; more than there was is not given.
    assert till.says("POST", path).json == whole | {"dateCreated": ANY}
    assert till.refused("POST", path, {"partialAmount": 1}) == (400, "badRequest")
    till.work()
    assert len(till.refunds()) == 2


def test_what_is_told_again_happens_once(till: UdsStage):
    body = till.operation("n-1", 1000, 1000)
    first, second = till.says("POST", "operations", body), till.says("POST", "operations", body)
    assert first.json["id"] == second.json["id"]
    till.work()
    third = till.says("POST", "operations", body)
    assert (third.status_code, third.json["id"]) == (200, first.json["id"])
    till.work()
    assert len(till.deliveries()) == 1
    assert (till.balance(), till.held()) == ("50.00", "0.00")
    # Another receipt under the same nonce is no repeat.
    other = till.operation("n-1", 2000, 2000)
    assert till.refused("POST", "operations", other) == (400, "invalidChecksum")

    path = f"operations/{first.json['id']}/refund"
    for _ in range(2):
        part = {"X-Origin-Request-Id": "the same call"}
        assert till.says("POST", path, {"partialAmount": 100}, **part).status_code == 200
    till.work()
    assert len(till.refunds()) == 1
    for _ in range(2):
        assert till.says("POST", path, {"partialAmount": None}).status_code == 200
    till.work()
    assert len(till.refunds()) == 2
    assert till.balance() == "0.00"


def test_another_receipt_under_a_nonce_is_refused_before_the_first_is_booked_too(till: UdsStage):
    till.sells("n-0", 2000, 2000)
    till.work()
    # A receipt that was refused may be mended under its nonce.
    wrong = till.operation("n-1", 300, 251, 50)
    assert till.refused("POST", "operations", wrong) == (400, "invalidChecksum")
    first = till.sells("n-1", 300, 250, 50)
    for _ in range(2):
        for other in (till.operation("n-1", 400, 400), till.operation("n-1", 300, 260, 40)):
            assert till.refused("POST", "operations", other) == (400, "invalidChecksum")
    assert till.held() == "50.00"
    assert till.sells("n-1", 300, 250, 50)["id"] == first["id"]
    till.work()
    assert till.flags(str(first["id"])) == []
    assert [one.state for one in till.deliveries()] == ["done", "done"]
    assert (till.balance(), till.held()) == ("62.00", "0.00")


def test_a_sale_that_is_told_again_after_its_code_ended_is_the_one_that_was_taken(till: UdsStage):
    """No worker has booked it yet: told "not found", the cashier would ring it up anew."""
    till.sells("n-0", 2000, 2000)
    till.work()
    code = till.finds(code=CARD)["code"]
    body = till.operation("n-1", 300, 250, 50) | {"code": code}
    first = till.says("POST", "operations", body).json
    till.clock.advance(minutes=46)

    again = till.says("POST", "operations", body)
    assert (again.status_code, again.json["id"]) == (200, first["id"])
    for other in (body | {"nonce": "n-3"}, till.operation("n-1", 290, 240, 50) | {"code": code}):
        assert till.refused("POST", "operations", other) == (404, "notFound")
    till.work()
    assert [one.state for one in till.deliveries()] == ["done", "done"]


def test_a_sale_that_is_told_again_after_its_points_went_is_the_one_that_was_taken(till: UdsStage):
    """Its hold has ended, and another sale has the points; what was sold is booked all the same."""
    till.sells("n-0", 2000, 2000)
    till.work()
    first = till.sells("n-1", 300, 250, 50)
    till.clock.advance(minutes=16)
    with write(till.hub.engine) as connection:
        end_holds(connection, now=till.clock.now())
    till.sells("n-2", 400, 300, 100)

    assert till.sells("n-1", 300, 250, 50)["id"] == first["id"]
    late = till.operation("n-3", 300, 250, 50)
    assert till.refused("POST", "operations", late) == (400, "insufficientFunds")


def test_returns_that_are_asked_for_before_the_first_is_booked_wait_for_it(till: UdsStage):
    """Each alone is there to be given back; together they are more than was paid."""
    path = f"operations/{till.sells('n-1', 300, 300)['id']}/refund"
    till.work()
    first, second = ({"X-Origin-Request-Id": name} for name in ("first", "second"))
    assert till.says("POST", path, {"partialAmount": 200}, **first).json["total"] == 200.0
    assert till.refused("POST", path, {"partialAmount": 200}, **second) == (503, "tryAgain")
    assert till.refused("POST", path) == (503, "tryAgain")
    assert till.says("POST", path, {"partialAmount": 200}, **first).status_code == 200
    till.work()

    assert till.refused("POST", path, {"partialAmount": 200}, **second) == (400, "badRequest")
    assert till.says("POST", path).json["total"] == 100.0
    till.work()
    assert (len(till.refunds()), till.balance()) == (2, "0.00")


def test_a_code_is_never_good_for_another_operation_however_often_it_is_told(till: UdsStage):
    code = till.finds(code=CARD)["code"]
    till.sells("n-1", 100, 100, code=code)
    for _ in range(3):
        other = till.operation("n-2", 100, 100) | {"code": code}
        assert till.refused("POST", "operations", other) == (404, "notFound")


def test_a_code_of_the_hubs_own_is_never_exchanged_for_one_that_lives_longer(till: UdsStage):
    """Else whoever was shown a card once could spend its points for ever."""
    code = till.finds(code=CARD)["code"]
    till.sells("n-1", 100, 100, code=code)
    assert till.finds(code=code, exchangeCode="true")["code"] == code
    long = till.finds(code=CARD, exchangeCode="true")["code"]
    till.clock.advance(hours=23)
    assert till.finds(code=long, exchangeCode="true")["code"] == long
    till.clock.advance(hours=2)
    assert till.refused("GET", "customers/find", query={"code": long}) == (404, "notFound")


def test_the_parts_of_a_return_told_again_are_answered_as_before(till: UdsStage):
    path = f"operations/{till.sells('n-1', 300, 300)['id']}/refund"
    till.work()
    for name, part in (("first", 100), ("last", 200)):
        call = {"X-Origin-Request-Id": name}
        told = till.says("POST", path, {"partialAmount": part}, **call).json
        # Another sum under the name of a call is no repeat, booked or not.
        for _ in range(2):
            assert till.refused("POST", path, {"partialAmount": 50}, **call) == (400, "badRequest")
            till.work()
        again = till.says("POST", path, {"partialAmount": part}, **call)
        assert (again.status_code, again.json["id"], again.json["total"]) == (
            200, told["id"], float(part),
        )  # fmt: skip
    assert till.refused("POST", path, {"partialAmount": 1}) == (400, "badRequest")
    assert (len(till.refunds()), till.balance()) == (2, "0.00")


def test_without_a_nonce_a_numbered_receipt_is_one_however_the_call_is_named(till: UdsStage):
    body = till.operation("", 100, 100)
    first = till.says("POST", "operations", body)
    till.work()
    again = till.says("POST", "operations", body)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    other_sum = till.says("POST", "operations", till.operation("", 200, 200))
    till.clock.advance(hours=24)
    other_day = till.says("POST", "operations", body)
    assert len({one.json["id"] for one in (first, other_sum, other_day)}) == 3
    till.work()
    assert till.balance() == "20.00"


def test_without_a_nonce_the_calls_own_name_is_taken_and_without_both_it_is_refused(till: UdsStage):
    body = till.operation("", 100, 100)
    body["receipt"]["number"] = None
    named = {"X-Origin-Request-Id": "8c828ee7-e7b2-4631-a3e4-b18987962556"}
    answers = [till.says("POST", "operations", body, **named) for _ in range(2)]
    assert len({one.json["id"] for one in answers}) == 1
    assert answers[0].headers["X-Origin-Request-Id"] == named["X-Origin-Request-Id"]
    assert answers[0].headers["X-Request-Id"] != answers[1].headers["X-Request-Id"]
    nameless = {"X-Origin-Request-Id": ""}
    assert till.refused("POST", "operations", body, **nameless) == (400, "badRequest")
    path = f"operations/{answers[0].json['id']}/refund"
    till.work()
    assert till.refused("POST", path, {"partialAmount": 1}, **nameless) == (400, "badRequest")


def test_points_are_spent_by_what_the_buyer_shows_and_a_code_is_good_once(till: UdsStage):
    till.sells("n-0", 4000, 4000)
    till.work()
    receipt = {"total": 300, "cash": 250, "points": 50}

    def refused(**who: Any) -> tuple[int, str]:
        body = {"code": None, "nonce": f"n-{who}", "receipt": receipt, **who}
        return till.refused("POST", "operations", body)

    by_uid, by_phone = {"uid": till.anna}, {"phone": PHONE}
    assert refused(participant=by_uid) == (400, "withdrawNotPermitted")
    assert refused(participant=by_phone) == (400, "withdrawNotPermitted")
    assert till.finds(phone=PHONE)["purchase"]["maxPoints"] == 0.0
    assert (till.finds(phone=PHONE)["code"], till.finds(uid=till.anna)["code"]) == (None, None)

    code = till.finds(code=CARD)["code"]
    till.sells("n-1", 300, 250, 50, code=code)
    till.sells("n-1", 300, 250, 50, code=code)
    assert refused(code=code) == (404, "notFound")
    assert till.held() == "50.00"
    # A code ends after 45 minutes, an exchanged one after a day.
    usual, long = till.finds(code=CARD)["code"], till.finds(code=CARD, exchangeCode="true")["code"]
    till.clock.advance(minutes=46)
    assert refused(code=usual) == (404, "notFound")
    assert till.calculates(300, 10, code=long)["points"] == 10.0
    till.clock.advance(hours=24)
    assert refused(code=long) == (404, "notFound")
    for forged in (long[:-1] + "A", f"{till.anna}.9999999999.AAAA", "Ü", "456123"):
        assert refused(code=forged) == (404, "notFound")

    till.set(points_by_phone="true")
    till.clock.advance(seconds=5)
    assert till.finds(phone=f" {PHONE[1:]}")["purchase"]["maxPoints"] == 0.0
    till.sells("n-9", 300, 250, 50, code=None, participant={"phone": PHONE})


def test_what_does_not_fit_is_refused_and_sets_nothing_aside(till: UdsStage):
    till.sells("n-0", 2000, 2000)
    till.work()
    tried = {
        "invalidChecksum": (300, 251, 50),
        "discountLimitExceed": (300, 209, 91),
        "insufficientFunds": (2000, 1899, 101),
        "badRequest": (300.001, 300, 0),
    }
    for error, (total, cash, points) in tried.items():
        body = till.operation(f"n-{error}", total, cash, points)
        assert till.refused("POST", "operations", body) == (400, error)
    bound = {"total": 300, "cash": 210, "points": 90, "unredeemableTotal": 250}
    body = {"code": CARD, "nonce": "n-bound", "receipt": bound}
    assert till.refused("POST", "operations", body) == (400, "discountLimitExceed")
    assert till.calculates(300, 90, receipt={"unredeemableTotal": 250})["points"] == 50.0
    # Of what is outside of the programme nothing is earned and nothing taken off.
    outside = till.calculates(300, 90, receipt={"skipLoyaltyTotal": 200})
    assert (outside["points"], outside["cash"], outside["cashBack"]) == (30.0, 270.0, 3.0)
    for method, path, rubbish in (
        ("POST", "operations", []),
        ("POST", "operations/calc", {"receipt": {"total": "x"}}),
        ("GET", "customers/find", None),
    ):
        assert till.refused(method, path, rubbish) == (400, "badRequest")
    for odd in ("\0", "x" * 300):
        asked = {"code": odd}
        assert till.refused("GET", "customers/find", query=asked) == (400, "badRequest")
    for number in ("17", "1" * 400, "x", "%00"):
        assert till.refused("POST", f"operations/{number}/refund", {}) == (404, "notFound")
    assert till.refused("GET", "customers/find", query={"phone": "+79000009999"}) == (
        404, "notFound",
    )  # fmt: skip
    assert till.held() == "0.00"
    assert len(till.deliveries()) == 1


def test_a_phone_that_nobody_knows_earns_and_a_receipt_of_nobody_is_reckoned(till: UdsStage):
    phone = "+79000005678"
    assert till.calculates(100, participant={"uid": None})["cash"] == 100.0
    till.sells("n-1", 1000, 1000, code=None, participant={"phone": phone})
    till.work()
    assert till.balance(phone) == "50.00"


def test_a_point_that_is_no_rouble_cannot_be_told(open_uds: OpenUds):
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    document["currencies"][0]["value"] = "0.50"
    till = open_uds(document=document)
    assert till.refused("GET", "settings") == (403, "forbidden")
    body = till.operation("n-1", 100, 100)
    assert till.refused("POST", "operations", body) == (403, "forbidden")


def test_the_settings_are_those_of_the_rules(till: UdsStage):
    told = till.says("GET", "settings").json
    assert (told["id"], told["currency"], told["usePointsByPhone"]) == (int(COMPANY), "RUB", False)
    base = told["loyaltyProgramSettings"]["baseMembershipTier"]
    assert (base["rate"], base["maxScoresDiscount"]) == (5.0, 30.0)


def test_every_door_is_shut_to_who_does_not_prove_it(till: UdsStage):
    other = till.connect("uds", "other", company_id="7", api_key=OTHER_KEY, code_key=CODE_KEY[::-1])
    sale = till.operation("n-1", 100, 100)
    doors = (
        ("GET", "settings", None),
        ("GET", "customers/find", None),
        ("POST", "operations/calc", sale),
        ("POST", "operations", sale),
        ("POST", "operations/1/refund", {}),
    )
    wrong = (None, ("", ""), (COMPANY, ""), (COMPANY, "wrong"), ("7", KEY), ("7", OTHER_KEY),
             (COMPANY, "Ü"), (COMPANY, CODE_KEY))  # fmt: skip
    for method, path, body in doors:
        for proof in wrong:
            assert till.refused(method, path, body, proof=proof) == (401, "unauthorized"), path
        elsewhere = till.refused(method, path, body, installation=other.id)
        assert elsewhere == (401, "unauthorized")
    for name in ("operation", "refund"):
        hook = till.installation.hooks[name]
        assert till.app.test_client().post(hook, json={"id": "1"}).status_code == 401
    english = till.says("GET", "settings", proof=None, **{"Accept-Language": "en"}).json
    assert english == {"errorCode": "unauthorized", "message": "The key or the company is wrong"}

    # The owner sees that somebody knocks with a wrong key.
    told = health_of(till.hub, till.installation)
    assert told.refused_code == "signature_invalid"
    assert what_to_do(told, None)[0] == "calls_refused"

    # Another connection's code is no code here, and an old key ends within five seconds.
    foreign = till.says(
        "GET", "customers/find", query={"code": CARD}, installation=other.id, proof=("7", OTHER_KEY)
    ).json["code"]
    body = till.operation("n-2", 100, 100) | {"code": foreign}
    assert till.refused("POST", "operations", body) == (404, "notFound")
    till.set(api_key="another-word-of-the-tests-42")
    till.clock.advance(seconds=5)
    assert till.refused("POST", "operations", sale) == (401, "unauthorized")
    assert till.deliveries() == []
