"""X13: consents by purpose and channel: said, shown, withdrawn, merged, erased.

The clock stands at noon in UTC of Saturday, 14 March 2026: three in the afternoon in Moscow.
Sending by them, and the way out: `test_rows_opt_out.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select

from hub.app import create_app
from hub.jobs.scheduler import look_after
from loyalty_core.store.database import make_engine, read
from loyalty_core.store.tables import consent_states, consents
from tests.hub.api.bodies import ANNA
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.support.consents import (
    HUB,
    TEXTS,
    link,
    no,
    publish_all,
    reason,
    said,
    say,
    stands,
    yes,
)
from tests.support.hub import make_hub

BORIS = "+79162223344"
CALLERS = 32


@pytest.fixture
def hub(engine, clock, tmp_path):
    return make_hub(engine, clock=clock, data_dir=tmp_path / "data", public_url=HUB)


@pytest.fixture
def texts(shop) -> None:
    """Version 1 of each text, in force for an hour."""
    publish_all(shop)


@pytest.fixture
def anna(shop, texts) -> str:
    return shop.post("/members", {"phone": ANNA, "email": "anna@example.com"}).get_json()["id"]


# --- said and shown -------------------------------------------------------------------------


def test_x13_each_purpose_is_said_by_itself_and_kept_with_text_time_place_and_proof(
    shop, hub, programme_id, anna, clock
):
    box = {"how": "checkbox", "ref": "join/ad-sms"}
    clock.advance(minutes=1)
    told = said(
        shop,
        anna,
        yes("processing"),
        yes(
            channel="sms",
            at="2026-03-14T15:00:30+03:00",
            place="site",
            shop="main",
            proof=box,
        ),
        no(channel="email"),
    )

    assert told["items"] == [
        {
            "purpose": "advertising",
            "channel": "email",
            "given": False,
            "at": "2026-03-14T12:01:00+00:00",
            "text_version": None,
        },
        {
            "purpose": "advertising",
            "channel": "sms",
            "given": True,
            "at": "2026-03-14T12:00:30+00:00",
            "text_version": 1,
        },
        {
            "purpose": "processing",
            "channel": None,
            "given": True,
            "at": "2026-03-14T12:01:00+00:00",
            "text_version": 1,
        },
    ]
    (by_sms,) = [one for one in told["history"] if one["channel"] == "sms"]
    assert by_sms == {
        "purpose": "advertising",
        "channel": "sms",
        "given": True,
        "text_version": 1,
        "at": "2026-03-14T12:00:30+00:00",
        "recorded_at": "2026-03-14T12:01:00+00:00",
        "place": "site",
        "shop": "main",
        "proof": box,
        "recorded_by": "key:till",
    }
    assert told["erase_by"] is None
    assert shop.get(f"/members/{anna}").get_json()["consents"] == told["items"]
    assert reason(hub, programme_id, anna) is None
    assert reason(hub, programme_id, anna, "email") == "opted_out"
    assert reason(hub, programme_id, anna, "push") == "no_consent"


@pytest.mark.parametrize(
    ("statement", "errors"),
    [
        ({**yes(), "purpose": "all"}, {"purpose"}),
        (yes(channel=None), {"channel"}),
        (yes(channel="all"), {"channel"}),
        ({**yes("processing"), "channel": "sms"}, {"channel"}),
        ({**yes(), "channels": ["sms", "email"]}, {"channels"}),
        ({"purpose": "processing", "given": True}, {""}),
        ({**yes(), "text_version": None}, {""}),
        ({**yes(), "proof": None}, {""}),
        ({**yes(), "given": "yes"}, {"given"}),
        (yes(text_version=2), {"text_version"}),
        (yes(at="2026-03-14T13:59:59+03:00"), {"text_version"}),
        (yes(at="2026-03-14T15:06:00+03:00"), {"at"}),
        (yes(proof={"how": "ticked before"}), {"proof.how"}),
        (yes(proof={"how": "checkbox"}), {"proof.ref"}),
        (no(text_version=1), {"text_version"}),
        (yes(shop="nowhere"), None),
    ],
)
def test_x13_what_is_no_consent_is_refused(shop, anna, engine, statement, errors):
    answer = say(shop, anna, yes("third_parties"), statement)

    if errors is None:
        assert code_of(answer) == (422, "unknown_shop")
    else:
        assert code_of(answer) == (422, "validation_failed")
        paths = {f"consents.1.{name}".rstrip(".") for name in errors}
        assert set(answer.get_json()["errors"]) == paths
    assert rows(engine) == []


def rows(engine: Engine) -> list[Any]:
    with read(engine) as connection:
        return connection.execute(select(consents).order_by(consents.c.id)).all()


def test_x13_one_box_gives_one_consent(shop, anna):
    box = {"how": "checkbox", "ref": "agree"}
    both = say(shop, anna, yes("processing", proof=box), yes(proof=box))
    twice = say(shop, anna, yes(), no())

    assert both.get_json()["errors"] == {"consents.1.proof.ref": ["One box gives one consent."]}
    assert twice.get_json()["errors"] == {"consents.1": ["Given twice."]}


def test_x13_the_same_again_changes_nothing(shop, anna, engine, clock):
    at = "2026-03-14T12:00:00Z"
    first = said(shop, anna, yes(), yes("processing", at=at))
    clock.advance(minutes=5)
    again = said(shop, anna, yes(), yes("processing", at=at))
    other = say(shop, anna, yes("processing", at=at, place="site"))

    assert again == first
    assert code_of(other) == (409, "consent_conflict")
    assert len(rows(engine)) == 2
    once = {"Idempotency-Key": "k"}
    kept = [say(shop, anna, no(), headers=once).data for _ in range(2)]
    assert kept[0] == kept[1]


def test_x13_a_late_message_does_not_undo_what_was_said_since(shop, anna, clock):
    """A paper of the morning that is typed in at night, after the person said no."""
    clock.advance(minutes=10)
    said(shop, anna, no())
    clock.advance(minutes=10)
    said(shop, anna, yes(at="2026-03-14T12:05:00Z"))
    assert stands(shop, anna) == {"sms": False}

    said(shop, anna, yes(at="2026-03-14T12:10:00Z"))
    assert stands(shop, anna) == {"sms": False}, "of two at one moment the no counts"
    said(shop, anna, yes(at="2026-03-14T12:15:00Z"))
    assert stands(shop, anna) == {"sms": True}


def test_x13_a_no_counts_though_another_machines_clock_was_ahead(shop, anna, clock):
    said(shop, anna, yes(at="2026-03-14T12:04:00Z"))
    said(shop, anna, no())

    assert stands(shop, anna) == {"sms": False}


def test_x13_a_no_to_processing_ends_what_a_clock_ahead_put_later(shop, anna, clock):
    said(shop, anna, yes("processing"), yes(at="2026-03-14T12:04:00Z"))
    said(shop, anna, no("processing"))
    clock.advance(minutes=5)
    said(shop, anna, yes("processing"))

    assert stands(shop, anna) == {"processing": True, "sms": False}


def test_x13_a_yes_of_before_a_no_to_processing_comes_late_and_stays_ended(shop, anna, clock):
    clock.advance(minutes=10)
    said(shop, anna, no("processing"))
    clock.advance(minutes=10)
    said(shop, anna, yes(at="2026-03-14T12:05:00Z"))
    said(shop, anna, yes("processing"))
    assert stands(shop, anna) == {"processing": True, "sms": False}

    said(shop, anna, yes(at="2026-03-14T12:15:00Z"))
    assert stands(shop, anna) == {"processing": True, "sms": True}


def test_x13_a_merge_ends_what_a_no_to_processing_had_ended(shop, anna, clock):
    boris = shop.post("/members", {"phone": BORIS}).get_json()["id"]
    said(shop, boris, yes(at="2026-03-14T11:30:00Z"))
    said(shop, anna, no("processing"))
    clock.advance(minutes=1)
    said(shop, anna, yes("processing"))

    assert shop.post(f"/members/{anna}/merge", {"from": boris}).status_code == 200
    assert stands(shop, anna) == {"processing": True, "sms": False}


def test_x13_a_no_told_twice_over_is_one(shop, anna, engine):
    at = "2026-03-14T12:00:00Z"
    said(shop, anna, yes(at="2026-03-14T11:30:00Z"))
    for _ in range(2):
        said(shop, anna, no("processing", at=at), no(at=at))

    assert stands(shop, anna) == {"processing": False, "sms": False}
    assert len(rows(engine)) == 3


def test_x13_enrolment_carries_consents(shop, hub, programme_id, texts):
    answer = shop.post("/members", {"phone": ANNA, "consents": [yes(), yes("processing")]})
    assert answer.status_code == 201
    member = answer.get_json()["id"]
    assert stands(shop, member) == {"processing": True, "sms": True}
    assert reason(hub, programme_id, member) is None

    bad = shop.post("/members", {"phone": BORIS, "consents": [yes(text_version=9)]})
    assert bad.get_json()["errors"] == {"consents.0.text_version": ["No such version of the text."]}
    assert shop.get(f"/members?phone={BORIS.replace('+', '%2B')}").get_json() == {"items": []}
    old = shop.post("/members", {"phone": BORIS, "consents": {"sms": True}})
    assert code_of(old) == (422, "validation_failed")
    change = shop.patch(f"/members/{member}", {"consents": {"email": True}})
    assert change.get_json()["errors"] == {"consents": ["Unknown field."]}


def test_x13_texts_have_versions_that_never_change(shop, anna, clock):
    clock.advance(hours=1)
    words = {"purpose": "advertising", "texts": {"ru": "Новый текст"}}
    second = shop.post(TEXTS, {**words, "since": "2026-03-14T14:00:00Z"}).get_json()
    again = shop.post(TEXTS, words).get_json()
    assert (second["version"], second["in_force"]) == (2, False)
    assert again == second
    before = shop.post(TEXTS, {**words, "texts": {"ru": "Раньше"}, "since": "2026-03-14T13:59:00Z"})
    assert before.get_json()["errors"] == {
        "since": ["Must not be before that of the version before."]
    }
    assert say(shop, anna, yes(text_version=2)).status_code == 422

    clock.advance(hours=1)
    items = shop.get(f"{TEXTS}?purpose=advertising").get_json()["items"]
    assert [(one["version"], one["in_force"], one["texts"]["ru"]) for one in items] == [
        (2, True, "Новый текст"),
        (1, False, "Согласен: advertising"),
    ]
    said(shop, anna, yes(text_version=2))
    for bad in ({"texts": {}}, {"texts": {"de": "Ja"}}, {"texts": {"ru": " "}}, {"purpose": "all"}):
        assert code_of(shop.post(TEXTS, {**words, **bad})) == (422, "validation_failed")


# --- people change --------------------------------------------------------------------------


def test_x13_a_merge_keeps_what_either_said_last(shop, hub, programme_id, anna, clock):
    boris = shop.post("/members", {"phone": BORIS}).get_json()["id"]
    said(shop, anna, yes(), yes(channel="email"))
    clock.advance(minutes=1)
    said(shop, boris, no(), yes(channel="push"))
    old = link(hub, boris, "push")
    shop.post(f"/members/{anna}/merge", {"from": boris})

    assert stands(shop, anna) == {"sms": False, "email": True, "push": True}
    assert stands(shop, boris) == stands(shop, anna)
    export = shop.get(f"/members/{anna}/export").get_json()
    assert len(export["consents"]) == 4
    assert create_app(hub).test_client().post(old).status_code == 200
    assert reason(hub, programme_id, anna, "push") == "opted_out"


def test_x13_after_an_erasure_the_proof_is_found_by_who_brings_the_address(
    shop, hub, programme_id, anna, app, engine, clock
):
    said(shop, anna, yes(), yes("processing"))
    way_out = link(hub, anna)
    assert shop.delete(f"/members/{anna}").status_code == 200

    evidence = "/programmes/shop/consent-evidence"
    for asked in ("phone=8+916+123-45-67", "email=Anna%40Example.com"):
        (found,) = shop.get(f"{evidence}?{asked}").get_json()["items"]
        assert (found["member"], found["erased_at"]) == (anna, "2026-03-14T12:00:00+00:00")
        assert {(one["purpose"], one["text_version"]) for one in found["history"]} == {
            ("advertising", 1),
            ("processing", 1),
        }
        assert {one["proof"]["ref"] for one in found["history"]} == {None}
    assert shop.get(f"{evidence}?phone=%2B79160000000").get_json() == {"items": []}
    assert code_of(shop.get(evidence)) == (422, "validation_failed")
    assert code_of(shop.get(f"/members/{anna}/consents")) == (404, "member_not_found")
    assert reason(hub, programme_id, anna) == "no_consent"
    assert app.test_client().post(way_out).status_code == 200
    with read(engine) as connection:
        assert connection.execute(select(consent_states)).all() == []

    clock.advance(days=3 * 365 + 1)
    look_after(hub)
    assert len(rows(engine)) == 2
    clock.advance(seconds=1)
    look_after(hub)
    assert rows(engine) == []
    assert shop.get(f"{evidence}?email=anna%40example.com").get_json() == {"items": []}


# --- at once --------------------------------------------------------------------------------


@pytest.fixture
def wide(postgres_engine) -> Iterator[Engine]:
    """A connection for each who calls."""
    url = postgres_engine.url.render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=CALLERS)
    yield engine
    engine.dispose()


def test_x13_yes_and_no_at_once_end_as_the_last_of_them(wide, clock, tmp_path):
    hub = make_hub(wide, clock=clock, data_dir=tmp_path, public_url=HUB)
    shop = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    publish_all(shop)
    member = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    gate = Barrier(CALLERS)

    def speak(number: int) -> int:
        gate.wait(timeout=60)
        return int(say(shop, member, no() if number % 2 else yes()).status_code)

    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(speak, range(CALLERS))) == [200] * CALLERS

    told = shop.get(f"/members/{member}/consents").get_json()
    history = [one["given"] for one in told["history"]]
    assert all(one != other for one, other in pairwise(history))
    assert told["items"][0]["given"] is history[0]
    assert told["items"][0]["at"] == told["history"][0]["at"]


def test_x13_the_same_yes_at_once_is_kept_once(wide, clock, tmp_path):
    hub = make_hub(wide, clock=clock, data_dir=tmp_path, public_url=HUB)
    shop = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    publish_all(shop)
    member = shop.post("/members", {"phone": ANNA}).get_json()["id"]
    gate = Barrier(CALLERS)
    at = "2026-03-14T12:00:00Z"

    def speak(_: int) -> int:
        gate.wait(timeout=60)
        return int(say(shop, member, yes(at=at)).status_code)

    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(speak, range(CALLERS))) == [200] * CALLERS
    assert len(rows(wide)) == 1
