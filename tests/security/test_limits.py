"""Asking for one phone after the other, and guessing keys: slowed down, whoever one says one is.

Limits on logins: `tests/hub/web/test_login.py`.  One-time codes are not there yet.
"""

from __future__ import annotations

import pytest

from hub.app import create_app
from tests.hub.api.bodies import a_basket
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.support.hub import make_hub

LIMITED = (429, "rate_limited")


@pytest.fixture
def hub(sqlite_engine):
    return make_hub(sqlite_engine, rate_limit="5/minute", quote_deadline_ms=20_000)


def phone(number: int) -> str:
    return f"+79161230{number:03}"


def test_a_key_asks_for_so_many_phones_and_no_more_by_whatever_call(hub):
    app = create_app(hub)
    thief = Caller(app, new_key(hub, new_programme(hub, "demo")).key)
    asked = (
        lambda n: thief.get(f"/members?phone=%2B{phone(n)[1:]}"),
        lambda n: thief.post("/quotes", a_basket(member={"phone": phone(n), "verified": True})),
    )

    # The first call counts on the address, since the key is not known yet.
    answers = [asked[n % 2](n) for n in range(8)]

    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert all(code_of(answer) == LIMITED for answer in answers[-2:])
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"])
def test_who_guesses_keys_is_counted_by_the_address_that_he_really_has(hub, header):
    app = create_app(hub)
    answers = [
        Caller(app, f"lh_{n}").get("/programmes", headers={header: f"203.0.113.{n}"})
        for n in range(6)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_a_key_in_other_letters_or_spaces_has_no_count_of_its_own(hub):
    app = create_app(hub)
    key = new_key(hub, new_programme(hub, "demo")).key
    spelled = [f"Bearer {key}", f"bearer {key}", f"BEARER  {key}", f"Bearer {key} "] * 2
    statuses = [
        Caller(app, key).get("/programmes", headers={"Authorization": text}).status_code
        for text in spelled
    ]

    assert statuses == [200] * 6 + [429] * 2
