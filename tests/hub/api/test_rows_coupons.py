"""Rows of `docs/requirements.md` on coupons, asked of the API as a shop would."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.app import create_app
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import ANNA_AT_TILL, Scene, promotion
from tests.hub.api.test_rows_limits import hold, off, pay
from tests.support.hub import make_hub

BORIS = "+79161234568"
BORIS_AT_TILL = {"phone": BORIS, "verified": True}
COMERS = 32


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


@pytest.fixture
def at_once(engine) -> Callable[..., list[Any]]:
    threads = 8 if engine.dialect.name == "sqlite" else COMERS

    def run(job: Callable[[int], Any]) -> list[Any]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(job, range(COMERS)))

    return run


def with_coupon(series: str = "spring", **said: Any) -> dict[str, Any]:
    """10 percent off for a coupon of the series."""
    return {**promotion(series, "percent_off", percent="10", **said), "coupon": series}


def series(code: str = "spring", **said: Any) -> dict[str, Any]:
    return {"code": code, "name": code.title(), **said}


def codes(scene: Scene, count: int = 1, **said: Any) -> list[str]:
    body = {"lot": said.pop("lot", "lot"), "series": "spring", "count": count, **said}
    made = scene.shop.post("/coupons/lots", body)
    assert made.status_code == 201, made.get_json()
    return made.get_json()["codes"]


def told(quote: Any) -> list[tuple[str, str | None]]:
    return [(one["status"], one["reason"]) for one in quote["coupons"]]


def state(scene: Scene, code: str) -> tuple[str, int]:
    found = scene.shop.get(f"/coupons/{code}").get_json()
    return found["state"], found["uses"]


def member(scene: Scene, phone: str) -> str:
    return scene.shop.post("/members", {"phone": phone}).get_json()["id"]


def own(scene: Scene, member_id: str) -> list[dict[str, Any]]:
    return scene.shop.get(f"/members/{member_id}/coupons").get_json()["items"]


# --- R27 --------------------------------------------------------------------------------------


def test_r27_a_single_coupon_is_good_once(scene):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)

    held = hold(scene, "c-1", coupons=[code.lower()])
    assert (off(held), told(held["quote"])) == ("100.00", [("applied", None)])
    assert pay(scene, held, "p-1", customer=None)["flags"] == []
    assert state(scene, code) == ("used", 1)

    again = scene.priced(a_line(), coupons=[code])
    assert told(again) == [("rejected", "coupon_used")]
    assert again["coupons"][0]["text"] == "Купон уже использован."

    scene.clock.advance(seconds=1)
    whole = {"amount": "900.00", "lines": [{"id": "1", "quantity": "1", "paid_back": "900.00"}]}
    at = scene.clock.now().isoformat()
    scene.shop.post("/refunds", a_refund(occurred_at=at, **whole))
    assert state(scene, code) == ("active", 0)


def test_r27_a_code_for_many_is_good_so_often(scene):
    scene.publish(coupons=[series(uses=3)], promotions=[with_coupon()])
    (code,) = codes(scene)

    given = [off(hold(scene, f"c-{n}", coupons=[code])) for n in range(5)]

    assert given == ["100.00"] * 3 + ["0.00"] * 2


def test_r27_one_code_for_many_may_be_once_for_each_member(scene):
    once = {"per": "member", "period": "ever", "of": "uses", "most": "1"}
    mine = {**with_coupon(), "limits": [once]}
    scene.publish(coupons=[series(uses=100)], promotions=[mine])
    (code,) = codes(scene)
    for phone in (ANNA, BORIS):
        member(scene, phone)

    given = [
        off(hold(scene, f"c-{n}", who, coupons=[code]))
        for n, who in enumerate((ANNA_AT_TILL, ANNA_AT_TILL, BORIS_AT_TILL))
    ]

    assert given == ["100.00", "0.00", "100.00"]


def test_r27_a_personal_coupon_is_its_members_alone(scene):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene, member=member(scene, ANNA))
    member(scene, BORIS)

    assert told(scene.priced(a_line(), coupons=[code], member=BORIS_AT_TILL)) == [
        ("rejected", "coupon_of_another")
    ]
    assert told(scene.priced(a_line(), coupons=[code])) == [("rejected", "member_required")]
    assert told(scene.priced(a_line(), coupons=[code], member=ANNA_AT_TILL)) == [("applied", None)]


def test_r27_a_coupon_has_its_dates(scene):
    """It lives three days beside today: so it ends with the midnight after the third."""
    scene.publish(coupons=[series(life_days=3)], promotions=[with_coupon()])
    begins = scene.clock.now().replace(microsecond=0)
    (late,) = codes(scene, lot="late", starts_at=begins.replace(day=begins.day + 1).isoformat())
    (code,) = codes(scene)
    assert told(scene.priced(a_line(), coupons=[late])) == [("rejected", "coupon_not_started")]

    held = hold(scene, "c-1", coupons=[code], ttl_s=86_400)
    scene.shop.delete(f"/holds/{held['id']}")
    scene.clock.advance(days=3)
    held = hold(scene, "c-1", coupons=[code], ttl_s=86_400)
    scene.clock.advance(hours=20)
    assert told(scene.priced(a_line(), coupons=[code])) == [("rejected", "coupon_expired")]
    assert pay(scene, held, "p-1", customer=None)["flags"] == [], "a hold keeps its word"


def test_r27_the_last_use_is_given_once_of_32(scene, at_once):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)

    held = at_once(lambda n: hold(scene, f"c-{n}", coupons=[code]))

    assert sorted(map(off, held)) == ["0.00"] * (COMERS - 1) + ["100.00"]


def test_r27_a_blocked_coupon_is_refused_and_a_replay_changes_nothing(scene):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)
    assert codes(scene) == [code], "the same lot makes no more"

    blocked = scene.shop.post(f"/coupons/{code}/block", {})
    assert blocked.get_json()["state"] == "blocked"
    assert told(scene.priced(a_line(), coupons=[code])) == [("rejected", "coupon_blocked")]
    scene.shop.post(f"/coupons/{code}/block", {"blocked": False})

    held = hold(scene, "c-1", coupons=[code])
    again = hold(scene, "c-1", coupons=[code])
    assert (off(held), off(again), state(scene, code)) == ("100.00", "100.00", ("used", 1))
    first = pay(scene, again, "p-1", customer=None, coupons=[code])
    line = {"id": "1", "amount": "1000.00", "discount": "100.00", "spend": "0.00", "paid": "900.00"}
    body = a_purchase(
        occurred_at=scene.clock.now().isoformat(),
        lines=[a_line(**line)],
        hold=again["id"],
        customer=None,
        coupons=[code],
    )
    replayed = scene.shop.post("/purchases", body)
    assert (replayed.status_code, replayed.get_json()["flags"]) == (200, first["flags"])
    assert state(scene, code) == ("used", 1)


# --- R28 --------------------------------------------------------------------------------------


def next_time(**said: Any) -> dict[str, Any]:
    return promotion("next", "give_coupon", series="spring", **said)


def test_r28_a_purchase_gives_a_coupon_for_the_next_one(scene):
    scene.publish(
        coupons=[series(life_days=30)], promotions=[with_coupon(), next_time(total_min="500.00")]
    )
    anna = member(scene, ANNA)
    member(scene, BORIS)
    scene.bought(a_line(amount="400.00", paid="400.00"), external_id="p-0")
    assert own(scene, anna) == []

    quote = scene.priced(a_line(), member=ANNA_AT_TILL)
    assert quote["benefits"] == [{"promotion": "next", "code": "spring", "name": "Spring"}]
    bought = scene.bought(a_line(paid="1000.00"))
    (coupon,) = own(scene, anna)
    shown = scene.shop.get(f"/purchases/{bought['id']}").get_json()
    assert shown["coupons_issued"] == [coupon["code"]]
    assert (coupon["state"], coupon["member"]) == ("active", anna)

    for who, reason in ((ANNA_AT_TILL, None), (BORIS_AT_TILL, "coupon_of_another")):
        (answer,) = scene.priced(a_line(), coupons=[coupon["code"]], member=who)["coupons"]
        assert answer["reason"] == reason


def test_r28_the_coupon_goes_back_with_the_purchase_that_brought_it(scene):
    """Half of it back leaves less than the minimum; the same return withdrawn gives it again."""
    scene.publish(coupons=[series()], promotions=[with_coupon(), next_time(total_min="600.00")])
    anna = member(scene, ANNA)
    at = scene.clock.now().isoformat()
    sale = a_purchase(occurred_at=at, lines=[a_line(paid="1000.00")], refunds=[])
    assert scene.shop.post("/purchases", sale).status_code == 201
    (coupon,) = own(scene, anna)

    half = {"amount": "500.00", "lines": [{"id": "1", "quantity": "0.5", "paid_back": "500.00"}]}
    refund = a_refund(occurred_at=at, **half)
    listed = {**sale, "revision": 2, "refunds": [refund]}
    assert scene.shop.post("/purchases", listed).status_code in (200, 201)
    assert state(scene, coupon["code"]) == ("withdrawn", 0)
    quote = scene.priced(a_line(), coupons=[coupon["code"]], member=ANNA_AT_TILL)
    assert told(quote) == [("rejected", "coupon_withdrawn")]

    scene.shop.post("/purchases", {**sale, "revision": 3})
    assert [one["code"] for one in own(scene, anna)] == [coupon["code"]]
    assert state(scene, coupon["code"]) == ("active", 0)


def test_r28_repeated_and_changed_reports_give_one_coupon(scene):
    scene.publish(coupons=[series()], promotions=[with_coupon(), next_time()])
    anna, boris = member(scene, ANNA), member(scene, BORIS)
    at = scene.clock.now().isoformat()
    sale = a_purchase(occurred_at=at)
    for revision in (1, 1, 2):
        scene.shop.post("/purchases", {**sale, "revision": revision, "cashier": f"{revision}"})
    (coupon,) = own(scene, anna)

    scene.shop.post("/purchases", {**sale, "revision": 3, "customer": {"phone": BORIS}})
    assert [one["state"] for one in own(scene, anna)] == ["withdrawn"]
    (other,) = own(scene, boris)
    assert (other["state"], other["code"] != coupon["code"]) == ("active", True)

    scene.shop.post("/purchases", {**sale, "revision": 4, "status": "cancelled"})
    assert [one["state"] for one in own(scene, boris)] == ["withdrawn"]


# --- R8 ---------------------------------------------------------------------------------------


def exchange(scene: Scene, member_id: str, key: str, kind: str = "spring") -> Any:
    return scene.shop.post(
        f"/members/{member_id}/exchange", {"series": kind}, headers={"Idempotency-Key": key}
    )


def test_r8_points_are_exchanged_for_a_discount_on_the_next_purchase(scene):
    """100 points for 10 percent."""
    scene.publish(coupons=[series(price="100.00", life_days=14)], promotions=[with_coupon()])
    scene.give("250.00")
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]

    done = exchange(scene, anna, "first")

    assert done.status_code == 201, done.get_json()
    coupon = done.get_json()["coupon"]
    assert (coupon["member"], coupon["state"], coupon["most"]) == (anna, "active", 1)
    assert done.get_json()["balance"]["available"] == "150.00"
    assert exchange(scene, anna, "first").get_json() == done.get_json()
    (booked, _) = scene.shop.get(f"/members/{anna}/ledger").get_json()["items"]
    assert (booked["amount"], booked["available"]) == ("100.00", "-100.00")
    assert coupon["code"] not in str(booked)

    held = hold(scene, "c-1", ANNA_AT_TILL, coupons=[coupon["code"]])
    assert off(held) == "100.00"
    exchange(scene, anna, "second")
    refused = exchange(scene, anna, "third")
    assert code_of(refused) == (409, "not_enough_points")
    assert len(own(scene, anna)) == 2
    assert scene.balance()["available"] == "50.00"


def test_r8_the_same_key_once_more_after_its_day_is_the_same_exchange(scene):
    scene.publish(coupons=[series(price="100.00")], promotions=[with_coupon()])
    scene.give("250.00")
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]
    first = exchange(scene, anna, "one").get_json()

    scene.clock.advance(days=2)

    assert exchange(scene, anna, "one").get_json() == first
    assert scene.balance()["available"] == "150.00"


def test_r8_the_same_key_once_more_after_its_member_was_merged_is_the_same_exchange(scene):
    scene.publish(coupons=[series(price="100.00")], promotions=[with_coupon()])
    scene.give("250.00")
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]
    first = exchange(scene, anna, "one").get_json()
    boris = member(scene, BORIS)
    assert scene.shop.post(f"/members/{boris}/merge", {"from": anna}).status_code == 200

    scene.clock.advance(days=2)
    again = exchange(scene, anna, "one")

    assert again.status_code == 201
    assert again.get_json()["coupon"] == first["coupon"] | {"member": boris}
    assert again.get_json()["balance"]["available"] == "150.00"


def test_r8_points_for_one_coupon_are_not_given_twice_at_once(scene, at_once):
    scene.publish(coupons=[series(price="100.00")], promotions=[with_coupon()])
    scene.give("350.00")
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]

    done = at_once(lambda n: exchange(scene, anna, f"key-{n}").status_code)

    assert sorted(done) == [201] * 3 + [409] * (COMERS - 3)
    assert (len(own(scene, anna)), scene.balance()["available"]) == (3, "50.00")


def test_r8_what_has_no_price_is_not_exchanged(scene):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    anna = member(scene, ANNA)

    for kind in ("spring", "summer"):
        refused = exchange(scene, anna, kind, kind)
        assert code_of(refused) == (422, "validation_failed")
    without = scene.shop.post(f"/members/{anna}/exchange", {"series": "spring"})
    assert code_of(without) == (400, "idempotency_key_required")


# --- attacks ----------------------------------------------------------------------------------


def guess(number: int) -> str:
    return f"GUESS-{number:04}"


def test_a_guesser_runs_out_of_tries_and_then_right_codes_look_wrong(scene):
    """20 wrong codes an hour for a member."""
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)
    member(scene, ANNA)
    member(scene, BORIS)

    for number in range(21):
        answer = scene.priced(a_line(), coupons=[guess(number)], member=ANNA_AT_TILL)
        assert told(answer) == [("rejected", "unknown_code")], number

    out = scene.priced(a_line(), coupons=[code, guess(1)], member=ANNA_AT_TILL)
    assert told(out) == [("rejected", "too_many_attempts")] * 2
    assert out["coupons"][0]["text"] == "Слишком много неверных кодов: попробуйте позже."
    assert out["totals"]["discount"] == "0.00"
    held = scene.shop.post("/holds", a_basket(cart="c", coupons=[code], member=ANNA_AT_TILL))
    assert code_of(held) == (429, "rate_limited")
    assert told(scene.priced(a_line(), coupons=[code], member=BORIS_AT_TILL)) == [("applied", None)]

    scene.clock.advance(hours=1)
    assert told(scene.priced(a_line(), coupons=[code], member=ANNA_AT_TILL)) == [("applied", None)]


@pytest.fixture
def strict(engine, clock, tmp_path):
    """A hub that lets a member or a cart try one wrong code an hour, and a key's strangers 100."""
    hub = make_hub(
        engine,
        clock=clock,
        data_dir=tmp_path / "strict",
        quote_deadline_ms=20_000,
        coupon_guesses=1,
    )
    programme_id = new_programme(hub, "shop")
    caller = Caller(create_app(hub), new_key(hub, programme_id).key)
    return Scene(caller, clock)


def test_strangers_who_try_codes_use_up_what_strangers_have_and_members_go_on(strict):
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(strict)
    member(strict, ANNA)
    for number in range(101):
        basket = {"cart": f"cart-{number}", "coupons": [guess(number)]}
        assert told(strict.priced(a_line(), **basket)) == [("rejected", "unknown_code")], number

    right = {"cart": "another", "coupons": [code]}
    assert told(strict.priced(a_line(), **right)) == [("rejected", "too_many_attempts")]
    held = strict.shop.post("/holds", a_basket(**right))
    assert code_of(held) == (429, "rate_limited")
    assert 0 < int(held.headers["Retry-After"]) <= 3600
    wrong_price = a_basket(**right, expect={"payable": "1.00"})
    assert code_of(strict.shop.post("/holds", wrong_price)) == (429, "rate_limited")
    assert code_of(strict.shop.get(f"/coupons/{code}")) == (429, "rate_limited")
    assert strict.priced(a_line())["coupons"] == [], "who brings no code is served"

    own = right | {"member": ANNA_AT_TILL}
    assert told(strict.priced(a_line(), **own)) == [("applied", None)]
    assert strict.shop.post("/holds", a_basket(**own)).status_code == 201


def test_a_stranger_runs_out_in_his_own_cart(strict):
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(strict)
    for number in range(2):
        strict.priced(a_line(), cart="a", coupons=[guess(number)])

    assert told(strict.priced(a_line(), cart="a", coupons=[code])) == [
        ("rejected", "too_many_attempts")
    ]
    assert told(strict.priced(a_line(), cart="b", coupons=[code])) == [("applied", None)]


def test_a_code_that_was_misread_is_no_guess(strict):
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(strict)
    misread = code[:-1] + ("2" if code[-1] != "2" else "3")
    for _ in range(5):
        answer = strict.priced(a_line(), cart="a", coupons=[misread])
        assert told(answer) == [("rejected", "coupon_mistyped")]

    assert told(strict.priced(a_line(), cart="a", coupons=[code])) == [("applied", None)]


def test_a_refused_hold_is_a_guess(strict):
    """It may tell the price, and so whether its code was right."""
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    basket = a_basket(cart="c", coupons=[guess(1)], expect={"payable": "1.00"})
    for _ in range(2):
        assert code_of(strict.shop.post("/holds", basket)) == (409, "price_changed")

    assert code_of(strict.shop.post("/holds", basket)) == (429, "rate_limited")


def test_a_right_code_of_a_refused_hold_is_no_guess(strict):
    """Its price had changed, or there were no points: the code was right all the same."""
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(strict)
    basket = a_basket(cart="c", coupons=[code], expect={"payable": "1.00"})
    poor = a_basket(cart="c", coupons=[code], member=ANNA_AT_TILL, spend="500.00")
    for _ in range(5):
        assert code_of(strict.shop.post("/holds", basket)) == (409, "price_changed")
        assert code_of(strict.shop.post("/holds", poor)) == (409, "not_enough_points")

    assert told(strict.priced(a_line(), cart="c", coupons=[code])) == [("applied", None)]


def test_a_refusal_that_is_given_again_is_one_guess(strict):
    strict.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(strict)
    basket = a_basket(cart="c", coupons=[guess(1)], expect={"payable": "1.00"})
    for _ in range(5):
        refused = strict.shop.post("/holds", basket, headers={"Idempotency-Key": "till-1"})
        assert code_of(refused) == (409, "price_changed")

    assert told(strict.priced(a_line(), cart="c", coupons=[code])) == [("applied", None)]
    refused = strict.shop.post("/holds", basket, headers={"Idempotency-Key": "till-2"})
    assert code_of(refused) == (409, "price_changed")
    assert told(strict.priced(a_line(), cart="c", coupons=[code])) == [
        ("rejected", "too_many_attempts")
    ]


def test_an_answer_that_is_given_again_is_no_guess(scene):
    """A till repeats its call until it hears the answer; no code is looked at for it."""
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)
    basket = a_basket(cart="c", coupons=[code])

    for _ in range(250):
        placed = scene.shop.post("/holds", basket, headers={"Idempotency-Key": "till-1"})
        assert placed.status_code == 201
    assert state(scene, code) == ("used", 1)


def test_codes_are_the_programmes_own_and_their_scopes_are_held_to(scene, hub, app, programme_id):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)
    anna = member(scene, ANNA)
    calls = {
        "admin": [
            ("POST", "/coupons/lots", {"lot": "x", "series": "spring", "count": 1}, 201),
            ("POST", f"/coupons/{code}/block", {}, 200),
        ],
        "checkout": [("GET", f"/coupons/{code}", None, 200)],
        "members": [("GET", f"/members/{anna}/coupons", None, 200)],
    }
    for scope in ("checkout", "events", "members", "admin"):
        key = new_key(hub, programme_id, scopes=[scope], name=scope).key
        for needed, asked in calls.items():
            for method, path, body, status in asked:
                answer = Caller(app, key).call(method, path, body)
                assert answer.status_code == (status if scope == needed else 403), (scope, path)


def test_another_programmes_codes_are_unknown(scene, stranger):
    scene.publish(coupons=[series()], promotions=[with_coupon()])
    (code,) = codes(scene)

    assert code_of(stranger.get(f"/coupons/{code}")) == (404, "coupon_not_found")
    assert code_of(stranger.post(f"/coupons/{code}/block", {})) == (404, "coupon_not_found")


# --- people -----------------------------------------------------------------------------------


def test_an_export_tells_of_coupons_and_an_erasure_ends_them(scene, engine):
    scene.publish(coupons=[series()], promotions=[with_coupon(), next_time()])
    scene.bought(a_line(paid="1000.00"))
    anna = scene.shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["id"]
    (coupon,) = own(scene, anna)
    held = hold(scene, "c-1", ANNA_AT_TILL, coupons=[coupon["code"]])

    assert scene.shop.get(f"/members/{anna}/export").get_json()["coupons"] == [
        {**coupon, "state": "used", "uses": 1}
    ]
    act = scene.shop.delete(f"/members/{anna}").get_json()

    assert act["coupons"] == 1
    assert code_of(scene.shop.get(f"/coupons/{coupon['code']}")) == (404, "coupon_not_found")
    assert pay(scene, held, "p-2", customer=None)["flags"] == ["hold_unknown"]
    back = a_refund(occurred_at=scene.clock.now().isoformat())
    assert scene.shop.post("/refunds", back).status_code == 201
