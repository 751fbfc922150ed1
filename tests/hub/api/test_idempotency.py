"""Idempotency-Key: the first answer again, and the work once."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from loyalty_core.domain.errors import InProgress
from loyalty_core.store import idempotency
from loyalty_core.store.database import transact
from loyalty_core.store.idempotency import Claim, KeptAnswer
from loyalty_core.store.tables import members
from tests.hub.api.bodies import ANNA, a_basket, a_purchase
from tests.hub.api.client import code_of


def keyed(key: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": key}


def count_members(engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(members)).scalar_one()


def test_the_same_key_and_body_give_the_first_answer(shop, engine):
    first = shop.post("/members", {"card": "anna"}, headers=keyed())
    again = shop.post("/members", {"card": "anna"}, headers=keyed())

    assert first.status_code == again.status_code == 201
    assert first.get_data() == again.get_data()
    assert count_members(engine) == 1


def test_the_same_body_written_otherwise_is_the_same(shop):
    shop.post("/members", raw=b'{"city":"Perm","card":"A"}', headers=keyed())
    again = shop.post("/members", raw=b'{"card": "A", "city": "Perm"}', headers=keyed())

    assert again.status_code == 201


def test_another_body_is_a_conflict(shop, engine):
    shop.post("/members", {"card": "anna"}, headers=keyed())

    answer = shop.post("/members", {"card": "boris"}, headers=keyed())

    assert code_of(answer) == (409, "idempotency_conflict")
    assert count_members(engine) == 1


def test_a_key_counts_for_one_route_and_one_api_key(shop, stranger):
    assert shop.post("/members", {"card": "1"}, headers=keyed()).status_code == 201
    assert shop.post("/purchases", a_purchase(), headers=keyed()).status_code == 201
    assert stranger.post("/members", {"card": "perm"}, headers=keyed()).status_code == 201


def test_a_refusal_is_an_answer_too(shop):
    shop.post("/members", {"phone": ANNA})
    first = shop.post("/members", {"phone": ANNA}, headers=keyed())
    again = shop.post("/members", {"phone": ANNA}, headers=keyed())

    assert code_of(first) == (409, "member_exists")
    assert first.get_data() == again.get_data()
    assert again.content_type == "application/problem+json"


def test_a_body_that_could_not_be_read_does_not_use_the_key_up(shop):
    assert shop.post("/members", {"colour": "red"}, headers=keyed()).status_code == 422
    assert shop.post("/members", {"card": "perm"}, headers=keyed()).status_code == 201


def test_an_answer_is_kept_for_a_day(shop, clock, engine):
    shop.post("/members", {"card": "anna"}, headers=keyed())
    clock.advance(hours=25)

    assert shop.post("/members", {"card": "boris"}, headers=keyed()).status_code == 201
    assert count_members(engine) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ".encode().decode("latin-1")])
def test_a_key_that_is_no_key(shop, key):
    answer = shop.post("/members", {}, headers=keyed(key))

    assert code_of(answer) == (400, "idempotency_key_invalid")


def test_quotes_ignore_it(shop):
    assert shop.post("/quotes", a_basket(), headers=keyed()).status_code == 200
    assert shop.post("/quotes", a_basket(coupons=["A"]), headers=keyed()).status_code == 200


def test_at_the_same_moment_one_does_the_work(shop, engine):
    answers = []
    start = threading.Barrier(8)

    def call() -> None:
        start.wait()
        answers.append(shop.post("/members", {"card": "anna"}, headers=keyed()))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    codes = {answer.status_code: answer.get_json() for answer in answers}
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert codes.get(409, {}).get("code", "in_progress") == "in_progress"
    assert count_members(engine) == 1


# --- the store ------------------------------------------------------------------------------


def a_claim(clock, **said) -> Claim:
    words = {"key_id": 1, "route": "POST /x", "key": "k", "request_hash": "h", **said}
    return Claim(**words, claimed_at=clock.now())


ANSWER = KeptAnswer(201, b"{}", "application/json")


def test_a_claim_that_still_runs_is_not_given_away(engine, clock):
    transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock)))
    clock.advance(seconds=30)

    with pytest.raises(InProgress):
        transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock)))


def test_an_abandoned_claim_is_taken_over_and_its_late_answer_is_not_kept(engine, clock):
    dead = a_claim(clock)
    transact(engine, lambda connection: idempotency.claim(connection, dead))
    clock.advance(minutes=3)
    fresh = a_claim(clock)

    assert transact(engine, lambda connection: idempotency.claim(connection, fresh)) is None
    with pytest.raises(InProgress):
        transact(engine, lambda connection: idempotency.keep(connection, dead, ANSWER))
    transact(engine, lambda connection: idempotency.keep(connection, fresh, ANSWER))
    again = transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock)))
    assert again == ANSWER


def test_a_claim_that_was_given_up_is_free(engine, clock):
    transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock)))
    transact(engine, lambda connection: idempotency.give_up(connection, a_claim(clock)))

    other = a_claim(clock, request_hash="other")
    assert transact(engine, lambda connection: idempotency.claim(connection, other)) is None


def test_old_answers_are_forgotten_in_batches(engine, clock):
    for no in range(3):
        transact(
            engine,
            lambda connection, no=no: idempotency.claim(connection, a_claim(clock, key_id=no)),
        )
    clock.advance(hours=25)
    transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock, key_id=9)))

    def forget(connection) -> int:
        return idempotency.forget_old(connection, now=clock.now(), limit=2)

    assert [transact(engine, forget) for _ in range(3)] == [2, 1, 0]
    with pytest.raises(InProgress):
        transact(engine, lambda connection: idempotency.claim(connection, a_claim(clock, key_id=9)))
