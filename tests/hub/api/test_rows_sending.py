"""Rows of `docs/requirements.md` on codes and messages, asked of the API as a shop would."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.installations import create_installation, get_installation
from hub.jobs.scheduler import look_after
from hub.outbox.dispatch import send_batch
from hub.vault import rotate
from loyalty_core.store.database import read
from loyalty_core.store.tables import confirmations, outbox
from loyalty_kit.testing.remote import Remote
from tests.connectors.email.test_conformance import form as mail_form
from tests.hub.api.bodies import a_basket, a_purchase
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.stand_ins.gateways import SmsRu, reply
from tests.stand_ins.mail import mail_server
from tests.support.hub import make_hub

PHONE = "+79161234567"
BORIS = "+79161234568"


@pytest.fixture
def gateway() -> Iterator[Remote]:
    with Remote(SmsRu.accepts) as remote:
        yield remote


@pytest.fixture
def sms(hub, programme_id, gateway) -> str:
    """The id of a connection to a gateway that takes everything."""
    settings = SmsRu.form(gateway.base_url)
    return create_installation(
        hub, programme_id=programme_id, connector="smsru", name="sms", settings=settings
    ).id


@pytest.fixture
def anna(shop, clock) -> str:
    """A member with 50 points: 5 percent of a thousand roubles; her id."""
    body = a_purchase(occurred_at=clock.now().isoformat())
    body["lines"] = [
        {"id": "1", "quantity": "1", "price": "1000.00", "amount": "1000.00", "paid": "1000.00"}
    ]
    body |= {"points_spent": None, "hold": None, "coupons": [], "payments": [], "fiscal": []}
    answer = shop.post("/purchases", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["member"]


def ask(caller: Caller, cart: str = "c-1", phone: str = PHONE, **said: Any) -> Any:
    body = {"member": {"phone": phone}, "purpose": "spend", "cart": cart, **said}
    return caller.post("/confirmations", body)


def asked(caller: Caller, **said: Any) -> str:
    answer = ask(caller, **said)
    assert answer.status_code == 202, answer.get_json()
    return answer.get_json()["id"]


def deliver(hub, programme_id, gateway: Remote) -> list[tuple[str, str]]:
    """What the gateway was handed by now: phone and code."""
    while send_batch(hub, programme_id):
        pass
    forms = [parse_qs(one.body.decode()) for one in gateway.asked if one.path == "/sms/send"]
    return [(form["to"][0], re.findall(r"[0-9]{6}", form["msg"][0])[0]) for form in forms]


def spending(cart: str = "c-1", phone: str = PHONE, spend: Any = "50.00", **said: Any) -> Any:
    lines = [{"id": "1", "quantity": "1", "price": "1000.00", "amount": "1000.00"}]
    basket = a_basket(
        cart=cart, member={"phone": phone}, lines=lines, channel="online", spend=spend
    )
    return {**basket, "coupons": [], **said}


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_x5_a_code_lets_an_unverified_member_spend(shop, hub, programme_id, anna, sms, gateway):
    quote = shop.post("/quotes", spending()).get_json()
    assert quote["points"]["code_required"] is True
    assert code_of(shop.post("/holds", spending())) == (422, "code_required")

    told = ask(shop).get_json()
    ((to, code),) = deliver(hub, programme_id, gateway)
    answer = shop.post("/holds", spending(code=code))

    assert (told["channel"], told["retry_after_s"]) == ("sms", 60)
    assert to == PHONE.lstrip("+")
    assert answer.status_code == 201
    assert answer.get_json()["points"] == "50.00"


def test_x5_a_code_is_used_once(shop, hub, programme_id, anna, sms, gateway):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    assert shop.post("/holds", spending(code=code, spend="10.00")).status_code == 201

    assert code_of(shop.post("/holds", spending(code=code))) == (422, "code_over")


@pytest.fixture
def of_one_file(engine, clock, tmp_path) -> tuple[Any, Any]:
    """The hubs of two processes, web and worker, with the keys of the data folder."""
    folder = tmp_path / "keys"
    web, worker = (
        make_hub(engine, clock=clock, data_dir=folder, secret_keys=(), quote_deadline_ms=20_000)
        for _ in range(2)
    )
    return web, worker


@pytest.mark.parametrize("sent_before", [True, False])
def test_x5_codes_are_good_while_the_keys_are_changed(of_one_file, clock, gateway, sent_before):
    """The worker learns of the new key from the settings that it opens, the web from the code."""
    web, worker = of_one_file
    programme_id = new_programme(web, "shop")
    shop = Caller(create_app(web), new_key(web, programme_id).key)
    settings = SmsRu.form(gateway.base_url)
    create_installation(
        web, programme_id=programme_id, connector="smsru", name="sms", settings=settings
    )
    bought = a_purchase(occurred_at=clock.now().isoformat())
    bought |= {"points_spent": None, "hold": None, "coupons": [], "payments": [], "fiscal": []}
    assert shop.post("/purchases", bought).status_code == 201
    number = asked(shop)
    if sent_before:
        deliver(worker, programme_id, gateway)
    rotate(make_hub(web.engine, clock=clock, data_dir=web.config.data_dir, secret_keys=()))
    ((_, code),) = deliver(worker, programme_id, gateway)

    right = shop.post(f"/confirmations/{number}/check", {"code": code})
    wrong = shop.post(f"/confirmations/{number}/check", {"code": other_than(code)})
    held = shop.post("/holds", spending(code=code, spend="0.00"))

    assert (right.status_code, held.status_code) == (200, 201), (right.get_json(), held.get_json())
    assert code_of(wrong) == (422, "code_wrong")


def test_x5_five_guesses_end_a_code(shop, hub, programme_id, anna, sms, gateway):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    wrong = other_than(code)

    left = [
        shop.post("/holds", spending(code=wrong)).get_json().get("attempts_left") for _ in "12345"
    ]

    assert left == ["4", "3", "2", "1", "0"]
    assert code_of(shop.post("/holds", spending(code=code))) == (422, "code_over")


def test_x5_attempts_at_check_and_hold_are_counted_together(
    shop, hub, programme_id, anna, sms, gateway
):
    number = asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    wrong = {"code": other_than(code)}
    for _ in range(2):
        assert code_of(shop.post(f"/confirmations/{number}/check", wrong)) == (422, "code_wrong")
        assert code_of(shop.post("/holds", spending(**wrong))) == (422, "code_wrong")
    assert shop.post(f"/confirmations/{number}/check", {"code": code}).status_code == 200

    assert code_of(shop.post("/holds", spending(code=code))) == (422, "code_over")


def test_x5_an_old_code_is_refused(shop, hub, programme_id, anna, sms, gateway, clock):
    number = asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    clock.advance(seconds=180)

    assert code_of(shop.post("/holds", spending(code=code))) == (422, "code_over")
    answer = shop.post(f"/confirmations/{number}/check", {"code": code})
    assert code_of(answer) == (422, "code_over")


def test_x5_a_newer_code_ends_the_older(shop, hub, programme_id, anna, sms, gateway, clock):
    first = asked(shop)
    clock.advance(seconds=60)
    asked(shop)
    (_, old), (_, new) = deliver(hub, programme_id, gateway)

    assert code_of(shop.post(f"/confirmations/{first}/check", {"code": old})) == (422, "code_over")
    assert shop.post("/holds", spending(code=new)).status_code == 201


def test_x5_a_code_is_good_for_its_own_cart_and_member(shop, hub, programme_id, anna, sms, gateway):
    shop.post("/members", {"phone": BORIS})
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)

    other_cart = shop.post("/holds", spending(cart="c-2", code=code))
    other_member = shop.post("/holds", spending(phone=BORIS, code=code))

    assert code_of(other_cart) == (422, "code_over")
    assert code_of(other_member) == (422, "code_over")
    assert shop.post("/holds", spending(code=code)).status_code == 201


def test_x5_a_code_is_none_of_another_programme(
    shop, stranger, hub, programme_id, anna, sms, gateway
):
    number = asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)

    answer = stranger.post(f"/confirmations/{number}/check", {"code": code})
    assert code_of(answer) == (404, "confirmation_not_found")


def test_x5_a_code_of_another_shop_is_out_of_a_key_s_reach(
    app, shop, hub, programme_id, anna, sms, gateway
):
    shop.post("/programmes/shop/shops", {"code": "second", "name": "Second"})
    key = new_key(hub, programme_id, name="second", scopes=("checkout",), shops=("second",))
    other = Caller(app, key.key)
    number = asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)

    answer = other.post(f"/confirmations/{number}/check", {"code": code})
    assert code_of(answer) == (403, "shop_forbidden")
    assert code_of(other.post("/holds", spending(code=code, shop="second"))) == (422, "code_over")


def test_x5_codes_are_counted_by_member(shop, anna, sms, clock):
    asked(shop)
    soon = ask(shop, cart="c-2")
    for _ in range(4):
        clock.advance(seconds=60)
        asked(shop)
    clock.advance(seconds=60)
    sixth = ask(shop)

    assert code_of(soon) == (429, "too_many_codes")
    assert soon.headers["Retry-After"] == "60"
    assert code_of(sixth) == (429, "too_many_codes")
    # The first of the five was asked for five minutes ago.
    assert sixth.headers["Retry-After"] == "3300"
    clock.advance(seconds=3300)
    asked(shop)


def test_x5_what_came_too_soon_is_asked_for_again_under_its_key(shop, anna, sms, clock):
    asked(shop)
    body = {"purpose": "spend", "cart": "c-2", "member": {"phone": PHONE}}
    once = {"Idempotency-Key": "k-1"}
    soon = [shop.post("/confirmations", body, headers=once) for _ in range(2)]
    assert [code_of(answer) for answer in soon] == [(429, "too_many_codes")] * 2
    assert [answer.headers["Retry-After"] for answer in soon] == ["60"] * 2

    clock.advance(seconds=60)
    done = [shop.post("/confirmations", body, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in done] == [202] * 2
    assert done[0].data == done[1].data


def test_x5_codes_are_counted_by_address(shop, anna, sms, clock):
    """Joining, anybody may name any number; it is not flooded all the same."""
    asked(shop, purpose="join", cart=None, phone=BORIS)

    assert code_of(ask(shop, purpose="join", cart=None, phone=BORIS)) == (429, "too_many_codes")
    assert ask(shop, purpose="join", cart=None, phone="+79161234569").status_code == 202


def test_x5_racing_guesses_get_five_attempts(shop, hub, programme_id, anna, sms, gateway, engine):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    wrong = spending(code=other_than(code))

    got = at_once(engine, lambda _: code_of(shop.post("/holds", wrong))[1])

    assert got.count("code_wrong") == 5
    assert got.count("code_over") == len(got) - 5
    assert code_of(shop.post("/holds", spending(code=code))) == (422, "code_over")


def test_x5_of_racing_holds_one_uses_the_code(shop, hub, programme_id, anna, sms, gateway, engine):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)

    got = at_once(engine, lambda _: shop.post("/holds", spending(code=code)).status_code)

    assert got.count(201) == 1
    assert got.count(422) == len(got) - 1


def test_x5_the_last_attempt_is_raced_by_the_right_code(
    shop, hub, programme_id, anna, sms, gateway, engine
):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    for _ in range(4):
        shop.post("/holds", spending(code=other_than(code)))
    told = [code if n % 2 else other_than(code) for n in range(16)]

    got = at_once(engine, lambda n: shop.post("/holds", spending(code=told[n])).status_code)

    assert got.count(201) <= 1
    assert attempts(engine) == [5]


def at_once(engine, job: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(4 if engine.dialect.name == "sqlite" else 16) as pool:
        return list(pool.map(job, range(16)))


def attempts(engine) -> list[int]:
    with read(engine) as connection:
        return list(connection.scalars(select(confirmations.c.attempts)))


def test_x5_a_repeated_call_is_no_second_attempt(
    shop, hub, programme_id, anna, sms, gateway, engine
):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    once = {"Idempotency-Key": "h-1"}
    first = shop.post("/holds", spending(code=code), headers=once)
    again = shop.post("/holds", spending(code=code), headers=once)

    assert (first.status_code, first.data) == (201, again.data)
    assert attempts(engine) == [1]


def test_x5_a_refused_price_leaves_the_code(shop, hub, programme_id, anna, sms, gateway):
    asked(shop)
    ((_, code),) = deliver(hub, programme_id, gateway)
    dear = spending(code=code, expect={"payable": "1.00"})

    assert code_of(shop.post("/holds", dear)) == (409, "price_changed")
    assert shop.post("/holds", spending(code=code)).status_code == 201


def test_x5_joining_proves_a_phone_once(shop, hub, programme_id, sms, gateway):
    number = asked(shop, purpose="join", cart=None, phone="8 916 123-45-68")
    ((to, code),) = deliver(hub, programme_id, gateway)
    checked = shop.post(f"/confirmations/{number}/check", {"code": code})

    assert to == BORIS.lstrip("+")
    assert checked.get_json() == {"id": number, "purpose": "join", "member": None}
    again = shop.post(f"/confirmations/{number}/check", {"code": code})
    assert code_of(again) == (422, "code_over")


def test_x5_by_mail_where_there_is_no_phone(shop, hub, programme_id):
    shop.post("/members", {"email": "anna@example.com"})
    with mail_server() as server:
        create_installation(
            hub,
            programme_id=programme_id,
            connector="email",
            name="mail",
            settings=mail_form(server.base_url),
        )
        told = ask(shop, member={"email": "anna@example.com"}, locale="en").get_json()
        send_batch(hub, programme_id)

    assert told["channel"] == "email"
    (mail,) = server.mails
    assert mail["Subject"] == "Confirmation code"
    assert re.search(r"[0-9]{6} is your confirmation code", mail.get_content())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"phone": BORIS}, (404, "member_not_found")),
        ({"cart": None}, (422, "validation_failed")),
        ({"purpose": "steal"}, (422, "validation_failed")),
        ({"shop": "nowhere"}, (422, "unknown_shop")),
        ({"phone": "12"}, (422, "phone_impossible")),
    ],
)
def test_x5_who_cannot_be_sent_a_code(shop, anna, sms, said, expected):
    assert code_of(ask(shop, **said)) == expected


def test_x5_a_member_without_an_address(shop, sms):
    number = shop.post("/members", {"card": "777001"}).get_json()["id"]

    assert code_of(ask(shop, member={"id": number})) == (422, "no_address")


def test_x5_without_a_connection_there_are_no_codes(shop, anna):
    assert code_of(ask(shop)) == (422, "not_available")


def test_x5_no_row_holds_the_code_or_the_phone_once_it_is_sent(
    shop, hub, programme_id, anna, sms, gateway, engine
):
    asked(shop, purpose="join", cart=None, phone=BORIS)
    asked(shop)
    sent = deliver(hub, programme_id, gateway)

    with read(engine) as connection:
        kept = str(connection.execute(select(outbox)).all())
        kept += str(connection.execute(select(confirmations)).all())
    assert len(sent) == 2
    for phone, code in sent:
        assert code not in kept
        assert phone not in kept


def test_x14_export_erasure_and_merge_reach_codes_and_messages(
    shop, hub, programme_id, anna, sms, gateway, engine, clock
):
    boris = shop.post("/members", {"phone": BORIS}).get_json()["id"]
    asked(shop, phone=BORIS)
    assert shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200
    export = shop.get(f"/members/{anna}/export").get_json()
    assert [(one["purpose"], one["channel"]) for one in export["codes"]] == [("spend", "sms")]
    assert [(one["state"], one["channel"]) for one in export["messages"]] == [("due", "sms")]

    asked(shop, purpose="join", cart=None, phone="+79161234569")
    assert shop.delete(f"/members/{anna}").status_code == 200

    assert [to for to, _ in deliver(hub, programme_id, gateway)] == ["79161234569"]
    with read(engine) as connection:
        assert list(connection.scalars(select(confirmations.c.purpose))) == ["join"]
        (row,) = connection.execute(select(outbox).where(outbox.c.kind == "message"))
    assert row.member_id is None


def test_x5_confirmations_go_after_a_day(shop, hub, anna, sms, engine, clock):
    asked(shop)
    clock.advance(days=2)
    look_after(hub)

    assert attempts(engine) == []


def test_r129_an_empty_account_stops_the_connection_and_is_shown(
    shop, hub, programme_id, anna, clock
):
    empty = [True]

    def answer(call):
        return reply({"status": "ERROR", "status_code": 201}) if empty[0] else SmsRu.accepts(call)

    with Remote(answer) as remote:
        form = SmsRu.form(remote.base_url)
        made = create_installation(
            hub, programme_id=programme_id, connector="smsru", name="sms", settings=form
        )
        asked(shop)
        send_batch(hub, programme_id)
        stopped = get_installation(hub, made.id)
        empty[0] = False
        clock.advance(seconds=120)
        asked(shop)
        send_batch(hub, programme_id)
        mended = get_installation(hub, made.id)

    assert (stopped.state, stopped.trouble_code) == ("attention", "out_of_money")
    assert mended.state == "active"
