"""Plain quotes are answered before Flask; header by header and byte for byte as Flask would."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from hub.app import create_app
from hub.web.api import express
from loyalty_core.service.api_keys import revoke_key
from loyalty_core.store.database import transact
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.support.gatherings import note_gatherings
from tests.support.heard import heard_by_postgres
from tests.support.hub import make_hub
from tests.support.waiting import wait_until

BY_FLASK = {"Content-Type": "application/json; charset=utf-8"}
"""The same to every reader, and not so plain that the short way takes it."""
KNOWN = {"phone": ANNA, "verified": True}
OWN = {"id", "valid_until"}
"""What no two quotes have in common."""


@pytest.fixture
def by_flask(app) -> list[str]:
    """Paths of the requests that came to Flask."""
    seen: list[str] = []
    app.before_request(lambda: seen.append("one"))
    return seen


@pytest.fixture
def warm(shop, by_flask) -> Caller:
    """A caller whose key was good a moment ago, and a member with points."""
    shop.post("/purchases", a_purchase(lines=[a_line(amount="10000.00", paid="10000.00")]))
    by_flask.clear()
    return shop


def told(answer):
    """All that an answer says but for the numbers of the request and of the quote."""
    headers = {name: said for name, said in answer.headers if name != "X-Request-Id"}
    length = headers.pop("Content-Length")
    assert int(length) == len(answer.data)
    body = answer.get_json()
    return answer.status_code, headers, {name: body[name] for name in body if name not in OWN}


def told_or_refused(answer):
    """As `told`; of a refusal all but its words, which name the request."""
    if answer.status_code == 200:
        return told(answer)
    return answer.status_code, code_of(answer)


@pytest.fixture
def by_postgres():
    said = []
    with heard_by_postgres(said):
        yield said


def test_a_plain_quote_does_not_come_to_flask_and_is_the_same(warm, by_flask):
    for basket in (
        a_basket(),
        a_basket(member=KNOWN, spend="max"),
        a_basket(member=KNOWN, spend="100.00", explain="full", locale="en", cart="c-1"),
        a_basket(member={"phone": ANNA}, channel="online"),
        a_basket(member={"code": "NOBODY-1-X"}, line_prices="unit", split_lines=True),
        a_basket(lines=[a_line(name='Чай «Ассам» \u2028 \\ "')]),
    ):
        shortly = warm.post("/quotes", basket)

        assert by_flask == [], basket
        assert told(shortly) == told(warm.post("/quotes", basket, headers=BY_FLASK))
        assert by_flask.pop() == "one"


def test_what_is_not_plain_comes_to_flask_whole(warm, by_flask):
    for path, named in (
        ("/quotes", {"raw": b"{"}),
        ("/quotes", {"raw": b"[" * 100_000}),
        ("/quotes", {"raw": b"\xff"}),
        ("/quotes", {"raw": b""}),
        ("/quotes", {"raw": b'{"lines": [], "lines": []}'}),
        ("/quotes", {"raw": b" " * (1024 * 1024 + 1)}),
        ("/quotes", {"body": a_basket(lines=[])}),
        ("/quotes", {"body": a_basket(unknown=1)}),
        ("/quotes", {"body": a_basket(shop="nowhere")}),
        ("/quotes", {"body": a_basket(currency="USD")}),
        ("/quotes", {"body": a_basket(member={"phone": "12"})}),
        ("/quotes", {"body": a_basket(coupons=["SPRING"])}),
        ("/quotes", {"body": a_basket(certificates=["G-1"])}),
        ("/quotes", {"body": a_basket(), "headers": {"Content-Type": "text/plain"}}),
        ("/quotes", {"body": a_basket(), "headers": {"Content-Encoding": "gzip"}}),
        ("/quotes", {"body": a_basket(), "headers": {"Authorization": "Bearer no"}}),
        ("/quotes", {"body": a_basket(), "headers": {"Authorization": "Basic no"}}),
        ("/quotes/", {"body": a_basket()}),
        ("/quotes?foo=1", {"body": a_basket()}),
        ("/holds", {"body": a_basket(cart="c-1")}),
    ):
        shortly = warm.post(path, **named)
        assert by_flask.pop() == "one", named
        headers = {**BY_FLASK, **named.get("headers", {})}
        anyway = warm.post(path, **{**named, "headers": headers})
        by_flask.clear()

        assert shortly.status_code == anyway.status_code, named
        if shortly.status_code >= 400:
            assert shortly.data == anyway.data
            assert code_of(shortly)[1]


def test_a_byte_order_mark_is_let_pass(warm, by_flask):
    raw = b"\xef\xbb\xbf" + json.dumps(a_basket()).encode()

    assert warm.post("/quotes", raw=raw).status_code == 200
    assert by_flask == []


def test_other_methods_come_to_flask(warm, by_flask):
    assert code_of(warm.get("/quotes")) == (405, "method_not_allowed")
    assert by_flask == ["one"]


def test_a_key_is_asked_about_again_after_a_moment_and_refused_once_revoked(
    app, hub, programme_id, clock, by_flask
):
    made = new_key(hub, programme_id)
    till = Caller(app, made.key)
    statuses = [till.post("/quotes", a_basket()).status_code for _ in range(2)]
    assert (statuses, by_flask) == ([200, 200], ["one"])
    transact(
        hub.engine,
        lambda connection: revoke_key(connection, programme_id, made.id, now=clock.now()),
    )
    clock.advance(seconds=5)

    assert code_of(till.post("/quotes", a_basket())) == (401, "unauthorized")
    assert by_flask == ["one", "one"]


def test_a_key_without_the_scope_is_refused(warm, hub, app, programme_id):
    other = Caller(app, new_key(hub, programme_id, scopes=("members",), name="desk").key)

    for _ in range(2):
        assert code_of(other.post("/quotes", a_basket())) == (403, "scope_missing")


def test_every_call_counts_once_on_its_limit(engine, tmp_path, clock, programme_id):
    hub = make_hub(engine, clock=clock, data_dir=tmp_path, rate_limit="6/minute")
    caller = Caller(create_app(hub), new_key(hub, programme_id, name="limited").key)
    wrong = a_basket(shop="nowhere")
    caller.post("/quotes", a_basket())  # the first counts on the address: nobody knows the key yet

    statuses = [
        caller.post("/quotes", body).status_code
        for body in (a_basket(), wrong, a_basket(), wrong, a_basket(), wrong, a_basket(), wrong)
    ]

    assert statuses == [200, 422, 200, 422, 200, 422, 429, 429]


def test_it_is_counted_and_logged_as_any_other(warm, hub, caplog):
    def answered() -> float:
        labels = {"endpoint": "checkout.quote", "status": "2xx"}
        return hub.metrics.registry.get_sample_value("hub_request_seconds_count", labels) or 0.0

    before = answered()
    with caplog.at_level(logging.DEBUG, logger="hub.logs"):
        warm.post("/quotes", a_basket())

    assert answered() == before + 1
    assert any("checkout.quote" in record.getMessage() for record in caplog.records)


@pytest.fixture
def crowded(postgres_engine, clock, tmp_path, monkeypatch):
    """A caller on PostgreSQL, and the gathering of its quotes."""
    made = note_gatherings(monkeypatch, express)

    def with_deadline(milliseconds, **more):
        hub = make_hub(
            postgres_engine,
            clock=clock,
            data_dir=tmp_path,
            quote_deadline_ms=milliseconds,
            **more,
        )
        caller = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
        caller.post("/purchases", a_purchase(lines=[a_line(amount="10000.00", paid="10000.00")]))
        for _ in range(3):
            assert caller.post("/quotes", a_basket()).status_code == 200
        (gathered,) = made
        return caller, gathered

    return with_deadline


@contextmanager
def held_up(engine, table="accounts"):
    """Quotes wait for a lock meanwhile."""
    with engine.connect() as holder:
        holder.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


BASKETS = [
    a_basket(),
    a_basket(member=KNOWN, spend="max"),
    a_basket(member=KNOWN, spend="100.00", explain="full", locale="en", cart="c-1"),
    a_basket(member={"phone": ANNA}, channel="online"),
    a_basket(member={"phone": "+79160000000"}, spend="max"),
    a_basket(member={"card": "7001", "phone": ANNA, "verified": True}, order="17"),
    a_basket(shop="nowhere"),
    a_basket(currency="USD"),
    a_basket(member={"phone": "12"}),
]


def test_quotes_that_were_held_up_go_together_and_each_gets_its_own(
    postgres_engine, crowded, by_postgres
):
    caller, gathered = crowded(60_000)
    hub = caller.app.extensions["loyalty_api"].hub
    other = Caller(caller.app, new_key(hub, new_programme(hub, "other")).key)
    other.post("/quotes", a_basket())  # its key and its rules are known from now on
    asked = [*((caller, one) for one in BASKETS), (other, BASKETS[1])]

    def ask(pair):
        who, body = pair
        return told_or_refused(who.post("/quotes", body))

    alone = list(map(ask, asked))
    with ThreadPoolExecutor(len(asked) + 1) as crowd:
        with held_up(postgres_engine):
            first = crowd.submit(caller.post, "/quotes", a_basket())
            wait_until(lambda: gathered._going)
            answers = crowd.map(ask, asked)
            wait_until(lambda: len(gathered._waiting) == len(asked))
            by_postgres.clear()
        together = list(answers)

    assert first.result().status_code == 200
    assert together == alone
    assert [status for status, *_ in alone] == [200] * 6 + [422] * 3 + [200]
    # Three without a member, four with a phone, and two that ask something else; one phone is
    # none, and is not asked about.
    assert len([one for one, _ in by_postgres if "unnest" in one]) == 4


def test_wrong_cards_count_in_company_as_they_do_alone(postgres_engine, crowded):
    """One wrong card an hour for a cart: the second is one too many."""
    caller, gathered = crowded(60_000, coupon_guesses=1)
    caller.post("/members", {"phone": "+79161234568", "card": "2200 0042"})

    def ask(pair):
        cart, card = pair
        body = a_basket(channel="pos", cart=cart, member={"card": card})
        return caller.post("/quotes", body).get_json()["member"]

    known = ask(("other", "2200 0042"))
    asked = [("a", "1"), ("a", "2"), ("b", "2200 0042"), ("c", "1")]
    with ThreadPoolExecutor(5) as crowd:
        with held_up(postgres_engine):
            crowd.submit(caller.post, "/quotes", a_basket())
            wait_until(lambda: gathered._going)
            answers = crowd.map(ask, asked)
            wait_until(lambda: len(gathered._waiting) == len(asked))
        assert list(answers) == [None, None, known, None]

    assert known is not None
    assert ask(("a", "2200 0042")) is None
    assert ask(("b", "2200 0042")) == known
    assert ask(("c", "2200 0042")) == known, "one wrong card counts once"


def test_calls_in_company_count_once_on_their_limit(postgres_engine, crowded, clock):
    caller, gathered = crowded(60_000, rate_limit="30/minute")
    clock.advance(minutes=1)
    caller.post("/quotes", a_basket())  # the key is looked up again
    asked = [a_basket(), a_basket(shop="nowhere"), a_basket(member=KNOWN), a_basket(currency="USD")]
    with ThreadPoolExecutor(5) as crowd:
        with held_up(postgres_engine):
            crowd.submit(caller.post, "/quotes", a_basket())
            wait_until(lambda: gathered._going)
            answers = crowd.map(partial(caller.post, "/quotes"), asked)
            wait_until(lambda: len(gathered._waiting) == len(asked))
        assert [one.status_code for one in answers] == [200, 422, 200, 422]

    # Two before and four together were counted.
    statuses = [caller.post("/quotes", a_basket()).status_code for _ in range(26)]
    assert statuses == [200] * 24 + [429] * 2


DEADLINE_MS = 3000


def test_a_crowd_before_a_locked_table_is_answered_by_the_deadline(postgres_engine, crowded):
    caller, gathered = crowded(DEADLINE_MS)
    with ThreadPoolExecutor(8) as crowd, held_up(postgres_engine):
        began = time.monotonic()
        answers = list(crowd.map(lambda _: caller.post("/quotes", BASKETS[1]), range(8)))
        took = time.monotonic() - began

        assert [one.status_code for one in answers] == [200] * 8
        assert all(one.get_json()["degraded"] for one in answers)
        # Nobody begins anew once the wait for the others was in vain.
        assert DEADLINE_MS / 1000 <= took < 1.7 * DEADLINE_MS / 1000
    assert not gathered._waiting

    wait_until(lambda: not caller.post("/quotes", BASKETS[1]).get_json()["degraded"])


def test_a_slow_quote_degrades_nobody_else(postgres_engine, crowded):
    """Claims of carts are locked: who names a cart waits for them, whoever goes with it too."""
    caller, gathered = crowded(2 * DEADLINE_MS)
    slow, quick = a_basket(cart="c-1", member=KNOWN), a_basket(member=KNOWN)
    with ThreadPoolExecutor(5) as crowd, held_up(postgres_engine, "hold_claims"):
        first = crowd.submit(caller.post, "/quotes", slow)
        wait_until(lambda: gathered._going)
        answers = list(crowd.map(partial(caller.post, "/quotes"), [quick, slow, quick, quick]))

        assert [one.get_json()["degraded"] for one in answers] == [False, True, False, False]
        assert first.result().get_json()["degraded"]


def test_a_body_of_more_than_goes_together_goes_by_itself(postgres_engine, crowded):
    caller, gathered = crowded(60_000)
    large = a_basket(lines=[a_line(id=str(number), name="x" * 250) for number in range(200)])
    assert len(json.dumps(large)) > express.TOGETHER_BYTES
    with ThreadPoolExecutor(2) as crowd, held_up(postgres_engine, "hold_claims"):
        first = crowd.submit(caller.post, "/quotes", a_basket(cart="c-1", member=KNOWN))
        wait_until(lambda: gathered._going)

        assert not caller.post("/quotes", large).get_json()["degraded"]
        assert not first.done()
