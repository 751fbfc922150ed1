"""Rows of `docs/requirements.md` on gift certificates, asked of the API as a shop would."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loyalty_core.service.api_keys import revoke_key
from loyalty_core.store.database import write
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene

COMERS = 32


@pytest.fixture
def scene(shop, clock) -> Scene:
    made = Scene(shop, clock)
    made.publish(certificates=[series()])
    return made


@pytest.fixture
def at_once(engine) -> Callable[..., list[Any]]:
    threads = 8 if engine.dialect.name == "sqlite" else COMERS

    def run(job: Callable[[int], Any]) -> list[Any]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(job, range(COMERS)))

    return run


def series(code: str = "gift", **said: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), "top_up": True, "life_days": 365, **said}


def issued(scene: Scene, count: int = 1, **said: Any) -> list[str]:
    body = {"lot": said.pop("lot", "lot"), "series": "gift", "count": count, **said}
    made = scene.shop.post("/certificates/lots", body)
    assert made.status_code == 201, made.get_json()
    return made.get_json()["codes"]


def loaded(scene: Scene, nominal: str = "600.00", **said: Any) -> str:
    (code,) = issued(scene, nominal=nominal, loaded=True, **said)
    return code


def check(scene: Scene, code: str) -> Any:
    answer = scene.shop.post("/certificates/check", {"code": code})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def money(scene: Scene, code: str) -> tuple[str, str]:
    seen = check(scene, code)
    return seen["state"], seen["balance"]


def hold(scene: Scene, cart: str, *codes: str, **said: Any) -> Any:
    body = a_basket(cart=cart, certificates=[*codes], **said)
    answer = scene.shop.post("/holds", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def to_pay(held: Any) -> str:
    return held["quote"]["totals"]["to_pay"]


def buy(scene: Scene, number: str, **said: Any) -> Any:
    now = scene.clock.now().isoformat()
    answer = scene.shop.post("/purchases", a_purchase(external_id=number, occurred_at=now, **said))
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def bring_back(scene: Scene, number: str, **said: Any) -> Any:
    scene.clock.advance(seconds=1)
    now = scene.clock.now().isoformat()
    answer = scene.shop.post("/refunds", a_refund(external_id=number, occurred_at=now, **said))
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def uses(code: str, amount: str) -> list[dict[str, str]]:
    return [{"code": code, "amount": amount}]


def a_sale(code: str, amount: str = "600.00", **said: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "quantity": "1",
        "amount": amount,
        "paid": amount,
        "certificate": {"code": code, **said},
    }


# --- R34 --------------------------------------------------------------------------------------


def test_r34_a_certificate_is_issued_sold_used_in_parts_and_checked(scene):
    (code,) = issued(scene, nominal="600.00")
    assert money(scene, code) == ("issued", "0.00")

    sold = buy(scene, "p-1", lines=[a_sale(code)])
    assert (sold["flags"], sold["points"]["earned"]) == ([], "0.00")
    assert sold["certificates"]["loaded"] == "600.00"
    assert money(scene, code) == ("active", "600.00")

    part = a_line(amount="250.00")
    held = hold(scene, "c-1", code, lines=[part])
    (paying,) = held["quote"]["certificates"]
    assert paying == {
        "code": code,
        "status": "applied",
        "reason": None,
        "text": None,
        "amount": "250.00",
        "left": "350.00",
    }
    assert to_pay(held) == "0.00"
    paid = {"lines": [{**part, "paid": "250.00"}], "certificates": uses(code, "250.00")}
    bought = buy(scene, "p-2", hold=held["id"], **paid)
    assert (bought["flags"], bought["certificates"]["paid"]) == ([], "250.00")
    assert bought["points"]["earned"] == "12.00", "the goods earn, however they are paid"
    shown = scene.shop.get(f"/purchases/{bought['id']}").get_json()
    assert shown["certificates"] == [{"code": f"...{code[-4:]}", "amount": "250.00"}]
    assert money(scene, code) == ("active", "350.00")

    (paying,) = scene.priced(a_line(), certificates=[code])["certificates"]
    assert (paying["amount"], paying["left"]) == ("350.00", "0.00")


def test_r34_several_certificates_in_one_receipt(scene):
    first, second = issued(scene, 2, nominal="600.00", loaded=True)

    held = hold(scene, "c-1", first, second)
    assert (to_pay(held), [one["amount"] for one in held["quote"]["certificates"]]) == (
        "0.00",
        ["600.00", "400.00"],
    )
    both = [*uses(first, "600.00"), *uses(second, "400.00")]
    assert buy(scene, "p-1", hold=held["id"], certificates=both)["flags"] == []
    assert (money(scene, first), money(scene, second)) == (("spent", "0.00"), ("active", "200.00"))


def test_r34_a_return_goes_back_to_the_same_certificate_by_its_share(scene):
    code = loaded(scene)
    buy(scene, "p-1", certificates=uses(code, "600.00"))

    half = [{"id": "1", "quantity": "0.5", "paid_back": "500.00"}]
    came = bring_back(scene, "r-1", amount="500.00", lines=half)
    assert came["certificates"]["given_back"] == "300.00"
    assert money(scene, code) == ("active", "300.00")
    bring_back(scene, "r-2", amount="500.00", lines=half)
    assert money(scene, code) == ("active", "600.00")


def test_r34_the_return_of_a_sold_certificate_kills_what_is_left_of_it(scene):
    (code,) = issued(scene, nominal="600.00")
    buy(scene, "p-1", lines=[a_sale(code)])
    buy(scene, "p-2", certificates=uses(code, "200.00"))

    whole = {"amount": "600.00", "lines": [{"id": "1", "quantity": "1", "paid_back": "600.00"}]}
    came = bring_back(scene, "r-1", purchase="p-1", **whole)

    assert came["flags"] == ["certificate_used"]
    assert came["certificates"]["taken_back"] == "600.00"
    seen = check(scene, code)
    assert (seen["state"], seen["balance"], seen["owed"]) == ("void", "0.00", "200.00")
    (paying,) = scene.priced(a_line(), certificates=[code])["certificates"]
    assert (paying["reason"], paying["text"]) == (
        "certificate_void",
        "Покупка этого сертификата возвращена.",
    )


def test_r34_a_top_up_paid_in_the_shop_is_credited_once(scene):
    (code,) = issued(scene)

    def top_up(key: str, amount: str = "500.00") -> Any:
        body = {"code": code, "amount": amount}
        return scene.shop.post("/certificates/top-up", body, headers={"Idempotency-Key": key})

    assert top_up("order-1").status_code == 201
    assert top_up("order-1").get_json()["balance"] == "500.00"
    scene.clock.advance(days=2)
    assert top_up("order-1").get_json()["balance"] == "500.00", "a key is for ever"
    scene.clock.advance(days=2)
    assert code_of(top_up("order-1", "700.00")) == (409, "key_reused")
    assert top_up("order-2").get_json()["balance"] == "1000.00"
    without = scene.shop.post("/certificates/top-up", {"code": code, "amount": "1.00"})
    assert code_of(without) == (400, "idempotency_key_required")
    for wrong in ("0.00", "-1.00", "1000000000.00"):
        assert code_of(top_up(f"wrong {wrong}", wrong)) == (422, "validation_failed")


def test_r34_a_top_up_that_is_repeated_with_a_new_key_of_the_shop_is_the_same(
    scene, hub, app, programme_id
):
    """A shop changes its key between the payment and the repetition of its call."""
    (code,) = issued(scene)
    body, sent = {"code": code, "amount": "500.00"}, {"Idempotency-Key": "order-1"}
    for name in ("webshop", "webshop", "other"):
        made = new_key(hub, programme_id, name=name)
        answer = Caller(app, made.key).post("/certificates/top-up", body, headers=sent)
        assert answer.status_code == 201, answer.get_json()
        told = answer.get_json()["balance"]
        with write(hub.engine) as connection:
            revoke_key(connection, programme_id, made.id, now=scene.clock.now())
        assert told == ("1000.00" if name == "other" else "500.00")


def test_r34_a_sale_line_tops_up_as_well(scene):
    code = loaded(scene)

    topped = buy(scene, "p-1", lines=[a_sale(code, "150.00")])

    assert (topped["flags"], topped["points"]["earned"]) == ([], "0.00")
    assert money(scene, code) == ("active", "750.00")


def test_r34_a_certificate_ends_by_the_calendar_and_can_be_blocked(scene):
    code = loaded(scene)
    (other,) = issued(scene, lot="other", nominal="100.00", loaded=True)
    block = scene.shop.post("/certificates/block", {"code": code})
    assert block.get_json()["state"] == "blocked"
    assert scene.priced(a_line(), certificates=[code])["totals"]["certificates"] == "0.00"
    scene.shop.post("/certificates/block", {"code": code, "blocked": False})
    assert scene.priced(a_line(), certificates=[code])["totals"]["certificates"] == "600.00"

    scene.clock.advance(days=365)
    assert money(scene, other) == ("active", "100.00")
    scene.clock.advance(days=1)
    assert money(scene, other) == ("expired", "0.00")
    (paying,) = scene.priced(a_line(), certificates=[other], locale="en")["certificates"]
    assert paying["text"] == "The certificate ended on 2027-03-14 21:00."


def test_r34_a_certificate_for_goods_pays_for_them_alone(scene):
    scene.publish(certificates=[series(categories=["tea"])])
    code = loaded(scene)
    tea = a_line(categories=["tea"], amount="200.00")
    cup = a_line(id="2", sku="CUP", categories=["cups"], amount="300.00")

    quote = scene.priced(tea, cup, certificates=[code])
    assert (quote["totals"]["certificates"], quote["totals"]["to_pay"]) == ("200.00", "300.00")
    (paying,) = scene.priced(cup, certificates=[code])["certificates"]
    assert paying["reason"] == "certificate_other_goods"


def test_r34_a_personal_certificate_is_on_its_members_card_alone(scene):
    anna = scene.shop.post("/members", {"phone": ANNA}).get_json()["id"]
    code = loaded(scene, member=anna)

    (own,) = scene.shop.get(f"/members/{anna}/certificates").get_json()["items"]
    assert (own["code"], own["balance"], own["member"]) == (code, "600.00", anna)
    assert scene.shop.get(f"/members/{anna}/export").get_json()["certificates"] == [own]
    (paying,) = scene.priced(a_line(), certificates=[code])["certificates"]
    assert paying["reason"] == "certificate_needs_member"
    quote = scene.priced(a_line(), certificates=[code], member=ANNA_AT_TILL)
    assert quote["totals"]["certificates"] == "600.00"
    assert scene.shop.delete(f"/members/{anna}").get_json()["certificates"] == 1


def test_r34_its_movements_are_told_and_add_up(scene):
    (code,) = issued(scene, nominal="600.00")
    buy(scene, "p-1", lines=[a_sale(code)])
    held = hold(scene, "c-1", code, lines=[a_line(amount="250.00")])
    line = a_line(amount="250.00", paid="250.00")
    buy(scene, "p-2", hold=held["id"], lines=[line], certificates=uses(code, "100.00"))

    number = check(scene, code)["id"]
    told = scene.shop.get(f"/certificates/{number}/moves").get_json()["items"]

    assert [(one["kind"], one["balance"], one["reserved"]) for one in told] == [
        ("activate", "600.00", "0.00"),
        ("reserve", "0.00", "250.00"),
        ("pay", "-100.00", "-100.00"),
        ("release", "0.00", "-150.00"),
    ]
    assert code not in str(told)


def test_r34_a_lot_is_made_once_and_bad_words_are_refused(scene):
    first = issued(scene, 3, nominal="600.00")
    assert issued(scene, 3, nominal="600.00") == first
    assert len(set(first)) == 3
    assert all(len(code.replace("-", "")) == 20 for code in first)

    def refused(**said: Any) -> list[str]:
        body = {"lot": "x", "series": "gift", "count": 1, **said}
        answer = scene.shop.post("/certificates/lots", body)
        assert code_of(answer) == (422, "validation_failed")
        return sorted(answer.get_json()["errors"])

    assert refused(lot="lot", count=2, nominal="600.00") == ["lot"]
    assert refused(lot="lot", count=3, nominal="500.00") == ["lot"]
    assert refused(series="none") == ["series"]
    assert refused(count=0) == ["count"]
    assert refused(count=5001) == ["count"]
    assert refused(nominal="0.00") == ["nominal"]
    assert refused(loaded=True) == ["nominal"]
    scene.publish(certificates=[series(nominal="100.00")])
    assert refused(nominal="200.00") == ["nominal"]


# --- attacks ----------------------------------------------------------------------------------


def test_r34_the_last_money_is_given_once_of_32(scene, at_once):
    code = loaded(scene)

    held = at_once(lambda n: hold(scene, f"c-{n}", code, lines=[a_line(amount="600.00")]))

    assert sorted(map(to_pay, held)) == ["0.00"] + ["600.00"] * (COMERS - 1)


def test_r34_a_replayed_purchase_or_hold_takes_nothing_more(scene, at_once):
    code = loaded(scene)
    basket = a_basket(cart="c-1", certificates=[code], lines=[a_line(amount="250.00")])
    at_once(lambda _: scene.shop.post("/holds", basket, headers={"Idempotency-Key": "one"}))
    assert money(scene, code) == ("active", "350.00")

    held = hold(scene, "c-1", code, lines=[a_line(amount="250.00")])
    line = a_line(amount="250.00", paid="250.00")
    body = a_purchase(
        occurred_at=scene.clock.now().isoformat(),
        lines=[line],
        hold=held["id"],
        certificates=uses(code, "250.00"),
    )
    at_once(lambda _: scene.shop.post("/purchases", body))
    assert money(scene, code) == ("active", "350.00")
    other = {**body, "external_id": "p-2", "certificates": uses(code, "250.00")}
    assert "hold_used_before" in scene.shop.post("/purchases", other).get_json()["flags"]
    assert money(scene, code) == ("active", "100.00")


def guess(number: int) -> str:
    return f"GUESS-{number:04}"


def test_r34_a_guesser_runs_out_of_tries_and_then_right_codes_look_wrong(scene):
    """20 wrong codes an hour for a member, those of certificates that nobody paid for among
    them."""
    code = loaded(scene)
    (unsold,) = issued(scene, lot="unsold", nominal="100.00")
    scene.shop.post("/members", {"phone": ANNA})

    for number in range(20):
        answer = scene.priced(a_line(), certificates=[guess(number)], member=ANNA_AT_TILL)
        assert answer["certificates"][0]["reason"] == "unknown_code", number
    answer = scene.priced(a_line(), certificates=[unsold], member=ANNA_AT_TILL)
    assert answer["certificates"][0]["reason"] == "certificate_issued"

    out = scene.priced(a_line(), certificates=[code], member=ANNA_AT_TILL)
    assert out["certificates"] == [
        {
            "code": code,
            "status": "rejected",
            "reason": "too_many_attempts",
            "text": "Слишком много неверных кодов: попробуйте позже.",
            "amount": "0.00",
            "left": None,
        }
    ]
    body = a_basket(cart="c", certificates=[code], member=ANNA_AT_TILL)
    assert code_of(scene.shop.post("/holds", body)) == (429, "rate_limited")
    assert money(scene, code) == ("active", "600.00")

    scene.clock.advance(hours=1)
    again = scene.priced(a_line(), certificates=[code], member=ANNA_AT_TILL)
    assert again["totals"]["certificates"] == "600.00"


def test_r34_checking_balances_by_trying_is_limited(scene):
    """200 an hour by one address; top-ups of codes that are not there count as well."""
    code = loaded(scene)
    for number in range(150):
        answer = scene.shop.post("/certificates/check", {"code": guess(number)})
        assert code_of(answer) == (404, "certificate_not_found")
    for number in range(51):
        body = {"code": guess(number), "amount": "1.00"}
        sent = {"Idempotency-Key": f"guess-{number}"}
        tried = scene.shop.post("/certificates/top-up", body, headers=sent)
        assert code_of(tried) == (404, "certificate_not_found")

    refused = scene.shop.post("/certificates/check", {"code": code})
    assert code_of(refused) == (429, "rate_limited")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert scene.priced(a_line())["certificates"] == [], "who brings no code is served"


def test_r34_another_programmes_certificates_are_unknown(scene, stranger):
    code = loaded(scene)
    number = check(scene, code)["id"]

    for path, body in (
        ("/certificates/check", {"code": code}),
        ("/certificates/block", {"code": code}),
    ):
        assert code_of(stranger.post(path, body)) == (404, "certificate_not_found")
    body, sent = {"code": code, "amount": "1.00"}, {"Idempotency-Key": "one"}
    answer = stranger.post("/certificates/top-up", body, headers=sent)
    assert code_of(answer) == (404, "certificate_not_found")
    assert code_of(stranger.get(f"/certificates/{number}/moves")) == (404, "certificate_not_found")
    quote = stranger.post("/quotes", a_basket(certificates=[code])).get_json()
    assert quote["certificates"][0]["reason"] == "unknown_code"
    stranger.post("/purchases", a_purchase(certificates=uses(code, "600.00")))
    assert money(scene, code) == ("active", "600.00")
